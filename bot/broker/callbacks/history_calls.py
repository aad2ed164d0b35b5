"""Bars of the past."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from bot.broker.callbacks.hearing import ConnectionHearing
from bot.broker.ib import BarData


class HistoryCalls:
    """Bars that were asked for, and their end."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing

    def historicalData(self, request_id: int, bar: BarData) -> None:
        self._hearing.requests.add(request_id, bar)

    def historicalDataEnd(self, request_id: int, start: str, end: str) -> None:
        del start, end
        self._hearing.requests.finish(request_id)
