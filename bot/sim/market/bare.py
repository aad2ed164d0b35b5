"""A market of quotes alone: instruments that are listed and found, without a model, depth, prints or bars behind them.
Where the touch comes from is its heir's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from bot.sim.vocabulary import Bar, ModelGreeks, Print, VenueDepth, VenueInstrument


class BareMarket:
    """`bot.sim.vocabulary.Market` but for `top` and the days on which it trades."""

    found_by: ClassVar[frozenset[str]] = frozenset(
        {"symbol", "sec_type", "right", "trading_class", "local_symbol", "exchange", "multiplier"}
    )
    """What of a description an instrument has to agree with, beside its expiry and strike."""

    def __init__(self, opens: datetime, closes: datetime, instruments: Iterable[VenueInstrument] = ()) -> None:
        self._opens, self._closes = opens, closes
        self._by_con_id = {each.con_id: each for each in instruments}

    def instruments(self) -> Sequence[VenueInstrument]:
        return list(self._by_con_id.values())

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        return self._by_con_id.get(con_id)

    def find(
        self, *, symbol: str = "", sec_type: str = "", expiry: str = "", strike: Decimal | None = None, right: str = "",
        trading_class: str = "", local_symbol: str = "", exchange: str = "", multiplier: str = "",
    ) -> list[VenueInstrument]:  # fmt: skip
        said = {
            "symbol": symbol, "sec_type": sec_type, "right": right, "trading_class": trading_class,
            "local_symbol": local_symbol, "exchange": exchange, "multiplier": int(multiplier) if multiplier else None,
        }  # fmt: skip
        wanted = {name: value for name, value in said.items() if value and name in self.found_by}
        return [
            each
            for each in self._by_con_id.values()
            if all(getattr(each, name) == value for name, value in wanted.items())
            and (strike is None or each.strike == strike)
            and (not expiry or (each.expiry is not None and f"{each.expiry:%Y%m%d}".startswith(expiry)))
        ]

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        return None

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        return VenueDepth((), ())

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        """None: nobody's trades but one's own are known, nor an order's place in the queue."""
        return []

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        return []

    def open_interest(self, instrument: VenueInstrument) -> int:
        return 0

    def session_open(self) -> datetime:
        return self._opens

    def session_close(self) -> datetime:
        return self._closes
