"""Account values: a stream of tags turned into one event, on change and at most once a second.

TWS repeats the values every three minutes, or when a position has changed; profit and loss come about once a second. An
event bears the time at which the account's value itself was last told, so that a newer profit does not date it up.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.broker import words
from bot.broker.wire import Wire
from bot.domain.events import AccountReported, AlertRaised
from bot.engine.state.ports import Clock, Sink

BASE: Final = "BASE"
EVERY_S: Final = 1.0
ALIVE_S: Final = 10.0
RENEW_S: Final = 5.0


def _now() -> float:
    return asyncio.get_running_loop().time()


class AccountValues:
    """The account as last told. Only dollars count; an account in another currency is said to be one, once."""

    def __init__(self, wire: Wire, clock: Clock, sink: Sink) -> None:
        self._wire = wire
        self._clock = clock
        self._sink = sink
        self._account = ""
        self._values: dict[str, Decimal] = {}
        self._dirty = False
        self._told_at: float | None = None
        self._valued_at: datetime | None = None  # when the account's value was last told, changed or not
        self._later: asyncio.TimerHandle | None = None
        self._foreign_told = False
        self._requests: list[int] = []
        self._asked_at = 0.0
        self.is_whole = False  # the first full set of this connection has come

    def subscribe(self, account: str) -> None:
        """Ask for values and profit and loss of an account."""
        self._account = account
        self._values.clear()
        self._told_at = self._valued_at = None
        self._requests.clear()
        self.is_whole = False
        self._ask()

    def renew(self) -> None:
        """Ask again on the same connection; at most now and then, for the asking may itself end the old stream."""
        if self._wire.ready and _now() - self._asked_at >= RENEW_S:
            self._wire.client.cancelPnL(self._requests[-1])
            self._ask()

    def _ask(self) -> None:
        self._asked_at = _now()
        self._requests.append(self._wire.request_id())
        self._wire.client.reqAccountUpdates(True, self._account)
        self._wire.client.reqPnL(self._requests[-1], self._account, "")

    def is_mine(self, request_id: int) -> bool:
        return request_id in self._requests

    def stop(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def value(self, tag: str, text: str, currency: str, account: str) -> None:
        """Take one tag; raises UnknownWord where a sum of money is none."""
        name = words.ACCOUNT_TAGS.get(tag)
        if name is None or account != self._account:
            return
        if currency not in {words.DOLLARS, BASE, ""}:
            self._note_foreign(tag, currency)
            return
        if currency == BASE and name in self._values:
            return  # the same sum once more, in the account's own currency
        amount = words.money(text)
        if amount is None:
            return
        self._set(name, amount)
        if name == "net_liquidation":
            self._valued_at, self._dirty = self._clock.now(), True

    def pnl(self, unrealized: float, realized: float) -> None:
        for name, value in (("unrealized_pnl", unrealized), ("realized_pnl", realized)):
            amount = words.number(value)
            if amount is not None:
                self._set(name, amount)

    def downloaded(self) -> None:
        """The first full set is here: say so without delay."""
        self.is_whole = True
        if self._dirty:
            self._emit()

    def flush(self) -> None:
        """After a packet: tell what changed, now or when the second is over."""
        if not self._dirty or self._later is not None:
            return
        now = _now()
        due = now if self._told_at is None else self._told_at + EVERY_S
        if due <= now:
            self._emit()
        else:
            self._later = asyncio.get_running_loop().call_at(due, self._emit)

    def _set(self, name: str, amount: Decimal) -> None:
        """Keep a value. One that did not change is told now and then all the same: the stream is alive."""
        told_at = self._told_at
        if self._values.get(name) != amount or (told_at is not None and _now() - told_at >= ALIVE_S):
            self._values[name] = amount
            self._dirty = True

    def _emit(self) -> None:
        self.stop()
        self._dirty = False
        self._told_at = _now()
        get = self._values.get
        self._sink(
            AccountReported(
                self._account, get("net_liquidation"), get("available_funds"), get("buying_power"), get("cash"),
                get("realized_pnl"), get("unrealized_pnl"),
                self._valued_at or self._clock.now(),
            )
        )  # fmt: skip

    def _note_foreign(self, tag: str, currency: str) -> None:
        if self._foreign_told or tag != "NetLiquidation":
            return
        self._foreign_told = True
        text = f"account {self._account} is kept in {currency}: its values are not dollars and are not used"
        self._sink(AlertRaised("ACCOUNT_CURRENCY", "critical", text, {"currency": currency}, self._clock.now()))
