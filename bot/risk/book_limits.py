"""Limits of the whole book that an entry would add to: premium at risk, one symbol, one sector, the greeks. Pure.

Shares of symbol and sector are of the premium that may be at risk in all, not of what is at risk just now: of that the
first position of a day is all. Money in dollars.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from bot.config.risk import RiskSettings
from bot.domain.money import ZERO
from bot.domain.quotes import Greeks
from bot.domain.wording import dollars, signed

_HOURS_A_DAY: Final = 24
_SLACK: Final = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class BookGreeks:
    """Dollars that a book gains: `delta` by a move of the underlyings of 1 % upwards, `gamma` by how much that changes
    with such a move, `vega` by a point of volatility, `theta` by an hour of the calendar."""

    delta: Decimal = ZERO
    gamma: Decimal = ZERO
    vega: Decimal = ZERO
    theta: Decimal = ZERO

    def plus(self, other: BookGreeks, times: int = 1) -> BookGreeks:
        return BookGreeks(
            *(getattr(self, name) + getattr(other, name) * times for name in ("delta", "gamma", "vega", "theta"))
        )


def greeks_of(greeks: Greeks | None, spot: Decimal | None, contracts: int, multiplier: int) -> BookGreeks | None:
    """Return what contracts add to a book's greeks; None where model or price is not known.

    delta x S x 1 %; gamma x (S x 1 %)^2, the change of that with a further 1 %; vega as the broker has it, a point;
    theta a calendar day, by 24.
    """
    if greeks is None or spot is None or spot <= 0:
        return None
    values = (greeks.delta, greeks.gamma, greeks.vega, greeks.theta)
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    delta, gamma, vega, theta = (Decimal(str(value)) for value in values)
    step, size = spot / 100, contracts * multiplier
    return BookGreeks(delta * step * size, gamma * step * step * size, vega * size, theta / _HOURS_A_DAY * size)


@dataclass(frozen=True, slots=True)
class BookAtRisk:
    """What is at risk beside an entry: premium of open positions and of entries on their way, in all, on its symbol and
    in its `sector` (empty: none is known); the greeks of what is held, and of one contract more, None: not known."""

    premium: Decimal = ZERO
    on_symbol: Decimal = ZERO
    in_sector: Decimal = ZERO
    sector: str = ""
    greeks: BookGreeks = BookGreeks()
    one: BookGreeks | None = None


@dataclass(frozen=True, slots=True)
class BookRoom:
    """One limit: what it allows in dollars, what is there without the entry, and what a contract adds."""

    code: str
    present: Decimal
    limit: Decimal
    a_contract: Decimal
    words: str

    def contracts(self) -> int | None:
        """Return how many contracts fit, None: any number. What a contract makes smaller is no reason to refuse it
        until it has crossed to the other side."""
        if not self.a_contract:
            return None
        sign = 1 if self.a_contract > 0 else -1
        left = self.limit - sign * self.present
        return max(int(left // abs(self.a_contract)), 0) if left > 0 else 0

    def refuses(self, quantity: int) -> bool:
        fits = self.contracts()
        return fits is not None and quantity > fits


def rooms(book: BookAtRisk, settings: RiskSettings, equity: Decimal, cost: Decimal) -> tuple[BookRoom, ...]:
    """Return every limit of the book that an entry of contracts at `cost` dollars each is judged by."""
    budget = equity * settings.max_open_premium_fraction
    found = [
        BookRoom("OPEN_PREMIUM", book.premium, budget, cost, _share(settings.max_open_premium_fraction, equity)),
        BookRoom(
            "SYMBOL_SHARE", book.on_symbol, budget * settings.max_symbol_share, cost,
            _share(settings.max_symbol_share, budget),
        ),
    ]  # fmt: skip
    if book.sector:
        found.append(
            BookRoom(
                "SECTOR_SHARE", book.in_sector, budget * settings.max_sector_share, cost,
                f"{book.sector}: {_share(settings.max_sector_share, budget)}",
            )
        )  # fmt: skip
    one = book.one
    if one is not None:
        for name, part in _GREEKS.items():
            limit = equity * getattr(settings, part)
            present, adds = getattr(book.greeks, name), getattr(one, name)
            found.append(
                BookRoom(f"BOOK_{name.upper()}", present, limit, adds, _share(getattr(settings, part), equity))
            )
    return tuple(found)


_GREEKS: Final[Mapping[str, str]] = {
    "delta": "max_delta_fraction",
    "gamma": "max_gamma_fraction",
    "vega": "max_vega_fraction",
    "theta": "max_theta_fraction",
}


BOOK_LIMITS: Final = (
    "OPEN_PREMIUM", "SYMBOL_SHARE", "SECTOR_SHARE", "BOOK_DELTA", "BOOK_GAMMA", "BOOK_VEGA", "BOOK_THETA",
)  # fmt: skip
"""The codes of every limit."""


def caps(book: BookAtRisk, settings: RiskSettings, equity: Decimal, cost: Decimal) -> list[tuple[int, str]]:
    """Return what each limit leaves, as (contracts, why). Greeks move between sizing and judgement: a size takes nine
    tenths of what they leave."""
    found = []
    for room in rooms(book, settings, equity, cost):
        fits = (replace(room, limit=room.limit * _SLACK) if room.code.startswith("BOOK_") else room).contracts()
        if fits is not None:
            there = f"{dollars(room.present)} are there, one contract adds {dollars(room.a_contract)}"
            found.append((fits, f"{room.code} {there}, at most {dollars(room.limit)}: {room.words}"))
    return found


def told(book: BookAtRisk, settings: RiskSettings, equity: Decimal, adds: Decimal) -> tuple[str, ...]:
    """Return in words which shares are worth a word after an entry of so many dollars."""
    budget = equity * settings.max_open_premium_fraction
    if budget <= 0:
        return ()
    shares = [("symbol", (book.on_symbol + adds) / budget, settings.symbol_share_told)]
    if book.sector:
        shares.append((book.sector, (book.in_sector + adds) / budget, settings.sector_share_told))
    return tuple(
        f"{name} has {_percent(share)} of the premium that may be at risk" for name, share, at in shares if share >= at
    )


def _share(part: Decimal, of: Decimal) -> str:
    return f"{_percent(part)} of {dollars(of)}"


def _percent(part: Decimal) -> str:
    return f"{signed(part * 100, 1, plus=False)} %"
