"""Account values: a stream of tags turned into one event, on change and at most once a second.

TWS repeats the values every three minutes, or when a position has changed; profit and loss come about once a second. An
event bears the time at which the account's value itself was last told, so that a newer profit does not date it up.

Each value has a unit. Rows in BASE repeat the account's own currency and rows in others are parts of it: only rows in
dollars are taken, and of the cash that of the whole account. The account's own currency is the one that NetLiquidation
is told in. While the account is being reset (`AccountReady` false) nothing that is told is believed.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.broker import words
from bot.broker.wire import Wire
from bot.domain.events.account import AccountReported
from bot.domain.events.people import AlertRaised
from bot.engine.state.ports import Clock, Sink

BASE: Final = "BASE"
READY: Final = "AccountReady"
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
        self._dirty = self._batch_open = False
        self._told_at: float | None = None
        self._valued_at: datetime | None = None  # when the account's value was last told, changed or not
        self._later: asyncio.TimerHandle | None = None
        self._foreign_told = False
        self._told_in: set[str] = set()  # currencies that the account's value was told in
        self._ready = True
        self._batch_open = False  # values came, and TWS has not said that this was all
        self._pnl_at: datetime | None = None
        self._requests: list[int] = []
        self._asked_at = 0.0
        self.is_whole = False  # the first full set of this connection has come

    def subscribe(self, account: str) -> None:
        """Ask for values and profit and loss of an account."""
        self._account = account
        self._values.clear()
        self._told_at = self._valued_at = self._pnl_at = None
        self._told_in.clear()
        self._ready, self._batch_open = True, False
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
        if account != self._account:
            return
        if tag == READY:
            self._ready = text.strip().lower() != "false"
        name = words.ACCOUNT_TAGS.get(tag)
        if name is None or not self._ready:
            return
        if name == "net_liquidation" and currency not in {BASE, ""}:
            self._told_in.add(currency)
            self._dirty = self._dirty or self._foreign is not None
            if self.is_whole:
                self._note_foreign(currency)
        if currency != words.DOLLARS:
            return
        self._batch_open = True
        amount = words.money(text)
        if amount is None:
            return
        self._set(name, amount)
        if name == "net_liquidation":
            self._valued_at, self._dirty = self._clock.now(), True

    def pnl(self, daily: float, unrealized: float, realized: float) -> None:
        """Take the stream's profit and loss; what is unset is not known, and what was known of it is over."""
        for name, value in (("daily_pnl", daily), ("unrealized_pnl", unrealized), ("realized_pnl", realized)):
            amount = words.number(value)
            if amount is not None:
                self._set(name, amount)
                self._pnl_at = self._clock.now()
            elif name == "daily_pnl":
                self._values.pop(name, None)

    def batch_over(self) -> None:
        """TWS has ended a batch of account values: values that belong together go out together."""
        self._batch_open = False

    def downloaded(self) -> None:
        """The first full set is here: say so without delay."""
        self.is_whole, self._batch_open = True, False
        self._note_foreign()
        if self._dirty:
            self._emit()

    def flush(self) -> None:
        """After a packet: tell what changed, now or when the second is over."""
        if not self._dirty or self._later is not None or not self.is_whole:
            return
        now = _now()
        due = now if self._told_at is None else self._told_at + EVERY_S
        due = max(due, now + EVERY_S) if self._batch_open else due
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
                daily_pnl=get("daily_pnl"), pnl_at=self._pnl_at, currency=self._foreign or words.DOLLARS,
            )
        )  # fmt: skip

    @property
    def _foreign(self) -> str | None:
        """Return the account's currency where that is not dollars, None where it is or nothing is known."""
        if not self._told_in or words.DOLLARS in self._told_in:
            return None
        return min(self._told_in)

    def _note_foreign(self, currency: str = "") -> None:
        """Say once that the account's value is told in another currency, and whether that is all there is."""
        others = self._told_in - {words.DOLLARS}
        if not others:
            return
        self._dirty = True  # that there is no value in dollars is a word too
        if self._foreign_told:
            return
        self._foreign_told = True
        currency = currency or max(others)
        text = f"the value of account {self._account} was told in {currency} as well: only its dollars are used"
        if self._foreign is not None:
            text = f"account {self._account} is kept in {currency}: only an account in dollars is traded, no entry"
        self._sink(AlertRaised("ACCOUNT_CURRENCY", text, {"currency": currency}, self._clock.now()))
