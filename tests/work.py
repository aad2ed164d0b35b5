"""How much work something is, the same on every machine: processor time held against that of other work done beside it.

What disturbs (other programs, a cold cache, a collection of garbage) only adds, so what is compared is the least of
several tries; a machine that is slow is so for both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import Final

_TRIES: Final = 12
_SURE_AFTER: Final = 3
_BEYOND_DOUBT: Final = 1.5
_NUMBERS: Final = 200_000


@dataclass(slots=True)
class Work:
    """What a block of code cost, once it is left: 1 is to write 200,000 numbers, some 15 ms of a processor of 2025."""

    units: float = math.inf


@contextmanager
def measured() -> Iterator[Work]:
    """Measure a block of code that is run once."""
    work, before, begun = Work(), _unit_s(), process_time()
    yield work
    spent = process_time() - begun
    work.units = spent / max(before, _unit_s())


def costs_at_most(times: float, work: Callable[[], object], other: Callable[[], object]) -> bool:
    """Say whether work costs at most so many times what other work does. Both are done again and again until it shows,
    so that only what is always dearer is called so; what is far dearer, a few times."""
    other()  # what is cold is dear
    least = least_of_other = math.inf
    for tried in range(1, _TRIES + 1):
        least_of_other = min(least_of_other, _seconds(other))
        least = min(least, _seconds(work))
        if least <= times * least_of_other:
            return True
        if tried >= _SURE_AFTER and least > _BEYOND_DOUBT * times * least_of_other:
            break
    return False


def _unit_s() -> float:
    return _seconds(lambda: sum(len(str(number)) for number in range(_NUMBERS)))


def _seconds(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun
