"""Option chains: what the broker lists of an underlying, and which of it lies around the money.

A listing is a cross product: it names expiries and strikes of a class, not which of them go together, so that a
contract chosen from it may not exist. Who chooses one asks for its details before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.instruments import OptionContract, Right, root_for

USUAL_MULTIPLIER: Final = 100
LEAVES: Final = Decimal("0.75")
"""Of the step to the next strike: so far the price goes before that one is the centre, so that one which hovers between
two strikes does not change the chain with every tick."""


@dataclass(frozen=True, slots=True)
class ChainNeed:
    """What a strategy wants to see of its underlyings' options: the first `expiries` listed ones that end from
    `from_days` to `to_days` calendar days after the session's day, and of each so many `strikes` on either side of the
    one nearest the money, calls and puts. Zero strikes are that one alone."""

    from_days: int = 0
    to_days: int = 0
    strikes: int = 2
    expiries: int = 1


@dataclass(frozen=True, slots=True)
class ChainListing:
    """Expiries and strikes of one trading class, each sorted."""

    trading_class: str
    multiplier: int
    expiries: tuple[date, ...]
    strikes: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Every class that the broker lists on an underlying."""

    symbol: str
    listings: tuple[ChainListing, ...]
    at: datetime

    def listing(self, expiry: date) -> ChainListing | None:
        """Return the class that is traded for an expiry: the one that settles at the close where an index has two, of
        the usual contract size; None where none is listed."""
        usual = [each for each in self.listings if expiry in each.expiries and each.multiplier == USUAL_MULTIPLIER]
        root = root_for(self.symbol, expiry)
        return next((each for each in usual if each.trading_class == root), usual[0] if len(usual) == 1 else None)

    def expiries(self, need: ChainNeed, day: date) -> tuple[date, ...]:
        """Return the listed expiries that a need asks for, the first ones of its range."""
        first, last = day + timedelta(days=need.from_days), day + timedelta(days=need.to_days)
        listed = sorted({expiry for each in self.listings for expiry in each.expiries if first <= expiry <= last})
        return tuple(expiry for expiry in listed if self.listing(expiry) is not None)[: need.expiries]


def centre_of(strikes: Sequence[Decimal], price: Decimal, before: Decimal | None) -> Decimal | None:
    """Return the strike that a chain is built around: the nearest to the price, or the one before while the price has
    not left it clearly. None without a strike."""
    if not strikes:
        return None
    if before is not None and before in strikes and not _has_left(strikes, price, before):
        return before
    return min(strikes, key=lambda strike: (abs(strike - price), strike))


def _has_left(strikes: Sequence[Decimal], price: Decimal, centre: Decimal) -> bool:
    beyond = [each for each in strikes if (each > centre) == (price > centre) and each != centre]
    if not beyond or price == centre:
        return False
    return abs(price - centre) > LEAVES * min(abs(each - centre) for each in beyond)


def around(
    listing: ChainListing, expiry: date, centre: Decimal, each_side: int
) -> Iterator[tuple[int, OptionContract]]:
    """Yield how many strikes each contract is from the centre, and the contract; the nearest first."""
    at = listing.strikes.index(centre)
    for place, strike in sorted(enumerate(listing.strikes), key=lambda each: (abs(each[0] - at), each[1])):
        if abs(place - at) > each_side:
            return
        for right in Right:
            yield abs(place - at), OptionContract(listing.trading_class, expiry, right, strike, listing.multiplier)
