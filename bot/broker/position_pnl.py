"""Profit and loss of each option that the account holds, as the broker reckons it: one subscription a holding."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bot.broker import words
from bot.broker.contracts import ContractBook
from bot.broker.wire import Wire
from bot.domain.events.account import PositionPnlTold
from bot.engine.state.ports import Clock, Sink

EVERY_S: Final = 5.0
"""Wall seconds between two tellings of a holding; the broker speaks about once a second."""
MOST: Final = 50
"""Of one connection: an account that holds more is asked about the first so many."""


class PositionPnl:
    """Asks for what is held, and no more for what is held no longer. `account` returns whose it is."""

    def __init__(self, wire: Wire, book: ContractBook, clock: Clock, sink: Sink, account: Callable[[], str]) -> None:
        self._wire = wire
        self._book = book
        self._clock = clock
        self._sink = sink
        self._account = account
        self._keys: dict[int, str] = {}  # request id -> key
        self._told: dict[str, tuple[tuple[float, float, float], float]] = {}  # figures, and when they were told

    def holds(self, key: str, quantity: int) -> None:
        """The broker says how many contracts of a key it holds."""
        known = next((number for number, each in self._keys.items() if each == key), None)
        if quantity and known is None and len(self._keys) < MOST:
            self._ask(key)
        elif not quantity and known is not None:
            self._wire.later(lambda client: client.cancelPnLSingle(known), idle=True)
            del self._keys[known]
            self._told.pop(key, None)
            self._sink(PositionPnlTold(key, 0, None, None, None, None, self._clock.now()))

    def _ask(self, key: str) -> None:
        con_id, account = self._book.con_id(key), self._account()
        if con_id is None or not account or not self._wire.ready:
            return
        request_id = self._wire.request_id()
        self._keys[request_id] = key
        self._wire.later(lambda client: client.reqPnLSingle(request_id, account, "", con_id), idle=True)

    def is_mine(self, request_id: int) -> bool:
        return request_id in self._keys

    def told(self, request_id: int, quantity: float, values: tuple[float, float, float], worth: float) -> None:
        """Take the broker's figures (of the day, unrealized, realized); what is unset is not known."""
        key = self._keys.get(request_id)
        if key is None:
            return
        before, told_at = self._told.get(key, (None, float("-inf")))
        now = asyncio.get_running_loop().time()
        if before == values or now - told_at < EVERY_S:
            return
        self._told[key] = values, now
        day, unrealized, realized = (words.number(each) for each in values)
        held, value = words.number(quantity), words.number(worth)
        if held is None or held != int(held):
            return
        self._sink(PositionPnlTold(key, int(held), day, unrealized, realized, value, self._clock.now()))

    def forget(self) -> None:
        """The connection is gone, and with it every subscription."""
        self._keys.clear()
        self._told.clear()
