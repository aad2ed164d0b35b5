"""What a login is made of, and the time that TWS tells."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from datetime import UTC, datetime

from bot.broker.callbacks.hearing import ACCOUNTS, NEXT_ORDER_ID, TIME, ConnectionHearing


class LoginCalls:
    """What a login is made of, and the time that TWS tells."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def nextValidId(self, order_id: int) -> None:
        self._hearing.login_heard.add(NEXT_ORDER_ID)
        self._hearing.first_order_id = max(self._hearing.first_order_id, order_id)
        self._parts.desk.reserve(order_id)

    def managedAccounts(self, accounts: str) -> None:
        """The client keeps them."""
        del accounts
        self._hearing.login_heard.add(ACCOUNTS)

    def currentTime(self, epoch: int) -> None:
        self._hearing.login_heard.add(TIME)
        self._hearing.requests.add(TIME, datetime.fromtimestamp(epoch, UTC))
        self._hearing.requests.finish(TIME)
