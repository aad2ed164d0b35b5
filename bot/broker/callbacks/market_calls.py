"""Ticks, depth and trades of the market data lines."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from typing import Any

from bot.broker import words
from bot.broker.callbacks.hearing import ConnectionHearing


class MarketCalls:
    """Ticks, depth and trades of the market data lines."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def priceSizeTick(self, request_id: int, tick: int, price: float, size: float) -> None:
        """Take a price; raises UnknownWord for what is none, after the line has lost the price that it had."""
        self._parts.market.ticks.price(request_id, tick, price, size)
        words.refuse_nonsense(price, f"price of tick {tick}")
        words.refuse_nonsense(size, f"size of tick {tick}")

    def tickSize(self, request_id: int, tick: int, size: float) -> None:
        """Take a size; raises UnknownWord for what is none, after the line has lost the size that it had."""
        self._parts.market.ticks.size(request_id, tick, size)
        words.refuse_nonsense(size, f"size of tick {tick}")

    def tickGeneric(self, request_id: int, tick: int, value: float) -> None:
        if tick == words.HALTED_TICK:
            self._parts.market.ticks.halted(request_id, value)

    def marketDataType(self, request_id: int, kind: int) -> None:
        self._parts.market.ticks.data_type(request_id, kind)

    def tickSnapshotEnd(self, request_id: int) -> None:
        self._hearing.requests.finish(request_id)

    def tickOptionComputation(
        self, request_id: int, tick: int, attribute: int, iv: float, delta: float, price: float, dividend: float,
        gamma: float, vega: float, theta: float, underlying: float,
    ) -> None:  # fmt: skip
        del attribute, price, dividend
        if tick in words.MODEL_GREEKS:
            self._parts.market.ticks.greeks(request_id, iv, delta, gamma, vega, theta, underlying)

    def updateMktDepth(
        self, request_id: int, position: int, operation: int, side: int, price: float, size: float
    ) -> None:
        self._parts.market.ticks.depth(request_id, position, operation, side, price, size)

    def updateMktDepthL2(
        self, request_id: int, position: int, maker: str, operation: int, side: int, price: float, size: float,
        smart: bool = False,
    ) -> None:  # fmt: skip
        del smart
        self._parts.market.ticks.depth(request_id, position, operation, side, price, size, maker)

    def tickByTickAllLast(
        self,
        request_id: int,
        kind: int,
        epoch: int,
        price: float,
        size: float,
        attributes: Any,
        exchange: str,
        conditions: str,
    ) -> None:
        del kind, attributes
        self._parts.market.ticks.trade(request_id, epoch, price, size, exchange, conditions)

    def realtimeBar(
        self, request_id: int, epoch: int, opened: float, high: float, low: float, close: float, volume: float,
        mean: float, count: int,
    ) -> None:  # fmt: skip
        del mean
        self._parts.market.ticks.bar(request_id, epoch, (opened, high, low, close), volume, count)
