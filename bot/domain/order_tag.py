"""Why an order exists, or who called it off: the tag that an order carries, in one table.

The store keeps a tag as text (`rung:2`, `entry:breaker:losses`); whoever decides by it asks `OrderTag.of` for its type.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final


class Why(Enum):
    """What a tag says. The value is how its text begins; longer ones come before what they begin with."""

    FLATTENED = "entry:flattened"  # by flatten and emergency: what it still buys is sold at once
    CALLED_OFF = "entry:called_off"  # by cancel-all: what it still buys is protected
    BREAKER = "entry:breaker:"  # by the trip of a circuit breaker: likewise
    ENTRY = "entry"
    STOP = "stop"
    RUNG = "rung"
    CLOSE = "close:"
    OTHER = ""  # of another store or version


_CALLED_OFF: Final = frozenset({Why.FLATTENED, Why.CALLED_OFF, Why.BREAKER})


@dataclass(frozen=True, slots=True)
class OrderTag:
    """A tag by its type; `detail` is what its text says beside it: a rung's number, a breaker's name, a close's
    reason."""

    why: Why
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.why.value}{self.detail}"

    @classmethod
    def of(cls, text: str) -> OrderTag:
        """Return the tag of a text; what begins like none of ours is `OTHER`."""
        return _read(text)

    @classmethod
    def rung(cls, number: int) -> OrderTag:
        return cls(Why.RUNG, f":{number}")

    @property
    def is_called_off(self) -> bool:
        """Whether an entry is to be taken back for good."""
        return self.why in _CALLED_OFF


@lru_cache(maxsize=256)
def _read(text: str) -> OrderTag:
    why = next(each for each in Why if text.startswith(each.value))
    return OrderTag(why, text[len(why.value) :])
