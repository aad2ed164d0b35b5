"""Holdings, account values, profit and loss."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from typing import Any

from bot.broker.callbacks.hearing import ACCOUNT_VALUES, POSITIONS, ConnectionHearing
from bot.broker.ib import Contract


class AccountCalls:
    """Holdings, account values, profit and loss."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def position(self, account: str, contract: Contract, quantity: float, average_cost: float) -> None:
        if self._hearing.muted or account != self._parts.account_name:
            return
        self._hearing.requests.add(POSITIONS, (contract, quantity, average_cost))
        if (key := self._parts.holdings.told(contract, quantity)) is not None:
            self._parts.position_pnl.holds(key, int(quantity))

    def positionEnd(self) -> None:
        self._hearing.requests.finish(POSITIONS)

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:
        if not self._hearing.muted:
            self._parts.currencies.value(tag, value, currency, account)
            self._parts.account.value(tag, value, currency, account)

    def accountDownloadEnd(self, account: str) -> None:
        del account
        if not self._hearing.muted:
            self._parts.account.downloaded()
            self._hearing.requests.finish(ACCOUNT_VALUES)

    def updateAccountTime(self, at: str) -> None:
        """It ends every set of account values."""
        del at
        if not self._hearing.muted:
            self._parts.account.batch_over()

    def updatePortfolio(self, *values: Any) -> None:
        """Nothing to do: positions are asked for on purpose."""

    def pnlSingle(
        self, request_id: int, quantity: float, daily: float, unrealized: float, realized: float, worth: float
    ) -> None:
        if not self._hearing.muted:
            self._parts.position_pnl.told(request_id, quantity, (daily, unrealized, realized), worth)

    def pnl(self, request_id: int, daily: float, unrealized: float, realized: float) -> None:
        if not self._hearing.muted and self._parts.account.is_mine(request_id):
            self._parts.account.pnl(daily, unrealized, realized)
