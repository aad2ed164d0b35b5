"""What the small markets of tests have in common: a few instruments, quotes from somewhere, and nothing else to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.sim.vocabulary import Bar, ModelGreeks, Print, VenueDepth, VenueInstrument

SHARES = VenueInstrument(1, "SPY", "STK", "SMART", "ARCA", "SPY", "SPY")


def an_option(
    con_id: int, local: str, expiry: date, strike: int, right: str, rule: int = 26, under: int = 1
) -> VenueInstrument:
    """Return an option by its OCC name; its symbol is the name's first three letters."""
    return VenueInstrument(
        con_id, local[:3], "OPT", "SMART", "CBOE", local, local[:6].strip(), multiplier=100, expiry=expiry,
        strike=Decimal(strike), right=right, market_rule_id=rule, under_con_id=under,
    )  # fmt: skip


class SmallMarket:
    """The venue's `Market` but for `top`: no model, no depth, no trades but one's own."""

    def __init__(self, instruments: Sequence[VenueInstrument], opens: datetime, closes: datetime) -> None:
        self._instruments = tuple(instruments)
        self._by_con_id = {each.con_id: each for each in instruments}
        self._opens, self._closes = opens, closes

    def instruments(self) -> Sequence[VenueInstrument]:
        return self._instruments

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        return self._by_con_id.get(con_id)

    def find(
        self, *, symbol: str = "", sec_type: str = "", expiry: str = "", strike: Decimal | None = None,
        right: str = "", trading_class: str = "", local_symbol: str = "", exchange: str = "", multiplier: str = "",
    ) -> list[VenueInstrument]:  # fmt: skip
        named = {
            "symbol": symbol, "sec_type": sec_type, "strike": strike, "right": right, "trading_class": trading_class,
            "local_symbol": local_symbol, "exchange": exchange, "multiplier": int(multiplier) if multiplier else None,
        }  # fmt: skip
        wanted = {name: value for name, value in named.items() if value not in {"", None}}
        return [
            each
            for each in self._instruments
            if all(getattr(each, name) == value for name, value in wanted.items())
            and (not expiry or (each.expiry is not None and f"{each.expiry:%Y%m%d}".startswith(expiry)))
        ]

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        return None

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        return VenueDepth((), ())

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        return []

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        return []

    def open_interest(self, instrument: VenueInstrument) -> int:
        return 0

    def session_open(self) -> datetime:
        return self._opens

    def session_close(self) -> datetime:
        return self._closes

    def trades_on(self, day: date) -> bool:
        return day.weekday() < 5

    def closes_early_on(self, day: date) -> bool:
        return False
