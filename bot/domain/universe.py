"""What is watched beside what is traded: groups of instruments for context, and which month of a future is the front.

A member's key is its ticker where that is a plain US stock or index ("SPY", "VIX"), for then it is the same line as a
candidate's; anything else is named with the broker's word for its kind ("ES:FUT", "EUR.USD:CASH", "DAX:IND"), which no
ticker, OSI symbol or other key can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.instruments import DOLLARS, INDEX_EXCHANGES, InstrumentKind

WORD_OF: Final[Mapping[InstrumentKind, str]] = MappingProxyType(
    {
        InstrumentKind.STOCK: "STK",
        InstrumentKind.INDEX: "IND",
        InstrumentKind.FUTURE: "FUT",
        InstrumentKind.CURRENCY: "CASH",
        InstrumentKind.CRYPTO: "CRYPTO",
    }
)
"""Ours to the broker's."""


@dataclass(frozen=True, slots=True)
class Member:
    """One instrument of a group, as the broker is asked for it. `trading_class` is named where a symbol has several."""

    name: str
    group: str
    kind: InstrumentKind
    symbol: str
    exchange: str
    currency: str = DOLLARS
    trading_class: str = ""

    @property
    def key(self) -> str:
        plain = self.kind is InstrumentKind.STOCK or (
            self.kind is InstrumentKind.INDEX and INDEX_EXCHANGES.get(self.name) == self.exchange
        )
        return self.name if plain and self.currency == DOLLARS else f"{self.name}:{WORD_OF[self.kind]}"


class Rolling(StrEnum):
    """By what the front month of a future is chosen."""

    VOLUME = "volume"
    DAYS = "days"


@dataclass(frozen=True)
class Universe:
    """Members in the order of their importance. `roll_days`: a future is left so many days before it expires, whatever
    its volume says."""

    members: tuple[Member, ...] = ()
    rolling: Rolling = Rolling.VOLUME
    roll_days: int = 3

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def by_key(self) -> Mapping[str, Member]:
        return {each.key: each for each in self.members}

    def of_group(self, name: str) -> tuple[Member, ...]:
        return tuple(each for each in self.members if each.group == name)


@dataclass(frozen=True, slots=True)
class Month:
    """One listed month of a future. `volume`: contracts of the last whole session, None where it is not known."""

    con_id: int
    expiry: date
    volume: int | None = None


def front_month(months: Sequence[Month], today: date, rolling: Rolling, roll_days: int) -> Month | None:
    """Return the month to watch, None where none is listed.

    By days: the first that expires more than `roll_days` after today. By volume: of that one and the next, the one that
    traded more; where one of the two volumes is not known, by days. A month once left for its volume is not returned to
    by days, for the later one has the volume from then on.
    """
    alive = sorted((each for each in months if (each.expiry - today).days > roll_days), key=lambda each: each.expiry)
    if not alive:
        return max(months, key=lambda each: each.expiry, default=None)
    front, second = alive[0], alive[1] if len(alive) > 1 else None
    if rolling is Rolling.DAYS or second is None or front.volume is None or second.volume is None:
        return front
    return second if second.volume > front.volume else front
