"""What the small markets of tests have in common: a few instruments, quotes from somewhere, and nothing else to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.sim.market.bare import BareMarket
from bot.sim.vocabulary import VenueInstrument

SHARES = VenueInstrument(1, "SPY", "STK", "SMART", "ARCA", "SPY", "SPY")


def an_option(
    con_id: int, local: str, expiry: date, strike: int, right: str, rule: int = 26, under: int = 1
) -> VenueInstrument:
    """Return an option by its OCC name; its symbol is the name's first three letters."""
    return VenueInstrument(
        con_id, local[:3], "OPT", "SMART", "CBOE", local, local[:6].strip(), multiplier=100, expiry=expiry,
        strike=Decimal(strike), right=right, market_rule_id=rule, under_con_id=under,
    )  # fmt: skip


class SmallMarket(BareMarket):
    """The venue's `Market` but for `top`: no model, no depth, no trades but one's own; it trades on weekdays."""

    def __init__(self, instruments: Sequence[VenueInstrument], opens: datetime, closes: datetime) -> None:
        super().__init__(opens, closes, instruments)

    def trades_on(self, day: date) -> bool:
        return day.weekday() < 5

    def closes_early_on(self, day: date) -> bool:
        return False
