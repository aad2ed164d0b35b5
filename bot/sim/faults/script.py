"""A list of faults while the day goes by: what is in force now, and what was used up.

It belongs to the venue, not to the bot: a bot that dies and comes back meets the same script where it stands.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from bot.sim.faults.catalogue import AnyFault, Callbacks, Counted, Fault

NEW_YORK = ZoneInfo("America/New_York")
Kind = TypeVar("Kind", bound=AnyFault)


class WildBid(NamedTuple):
    """A bid that was printed and was not the market's."""

    at: datetime
    key: str
    bid: Decimal
    true_bid: Decimal


class FaultScript:
    """What is wrong at a moment. `chance` decides where a fault has a share or a random delay; it is seeded."""

    def __init__(self, faults: Sequence[Fault], seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.chance = random.Random(seed)
        self._used: Counter[int] = Counter()
        self._done: set[int] = set()
        self.wild: list[WildBid] = []
        self.cancels_refused: Counter[str] = Counter()  # by order reference

    def active(self, kind: type[Kind], now: datetime) -> Kind | None:
        """Return the first fault of a kind that is in force."""
        second = _second_of_day(now)
        for number, fault in enumerate(self.faults):
            if isinstance(fault, kind) and fault.starts() <= second < fault.ends() and number not in self._done:
                return fault
        return None

    @staticmethod
    def lasts(fault: AnyFault, now: datetime) -> bool:
        """Say whether a fault is in force."""
        return fault.starts() <= _second_of_day(now) < fault.ends()

    def touching(self, now: datetime) -> list[Callbacks]:
        """Return every fault in force that bends callbacks."""
        second = _second_of_day(now)
        return [f for f in self.faults if isinstance(f, Callbacks) and f.starts() <= second < f.ends()]

    def meet(self, kind: type[Kind], now: datetime, **like: object) -> Kind | None:
        """Return a counted fault that meets the order at hand, and take one off its count. `like`: what its fields have
        to be; of a tuple, one."""
        second = _second_of_day(now)
        for number, fault in enumerate(self.faults):
            fits = isinstance(fault, kind) and all(_is_like(getattr(fault, n), value) for n, value in like.items())
            if not fits or not isinstance(fault, Counted) or fault.starts() > second:
                continue
            if self._used[number] < fault.count:
                self._used[number] += 1
                return fault  # type: ignore[return-value]  # it is a Kind: asked above
        return None

    def due(self, kind: type[Kind], now: datetime) -> list[Kind]:
        """Return the faults of a kind that happen once and whose moment has come; each is returned once."""
        second = _second_of_day(now)
        found: list[Kind] = []
        for number, fault in enumerate(self.faults):
            if isinstance(fault, kind) and fault.starts() <= second and number not in self._done:
                self._done.add(number)
                found.append(fault)
        return found


def _is_like(field: object, wanted: object) -> bool:
    return field in wanted if isinstance(wanted, tuple) else field == wanted


def _second_of_day(now: datetime) -> float:
    local = now.astimezone(NEW_YORK)
    return local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
