"""What the callbacks of one connection share: whom to tell, what is asked, and whether anybody listens still."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from bot.broker.account import AccountValues
from bot.broker.currencies import Currencies
from bot.broker.data_health import DataHealth
from bot.broker.farms import FarmLook
from bot.broker.holdings import Holdings
from bot.broker.link import LinkHealth
from bot.broker.market import MarketLines
from bot.broker.orders import OrderDesk
from bot.broker.position_pnl import PositionPnl
from bot.broker.requests import Requests
from bot.broker.what_if import WhatIfs
from bot.domain.events.people import AlertRaised
from bot.domain.ownership import Ownership
from bot.engine.state.ports import Clock, Sink

SAME_ALERT_S: Final = 60.0
MOST_ALERTS: Final = 100
"""Within SAME_ALERT_S."""
OPEN_ORDERS, COMPLETED, POSITIONS, TIME = "open orders", "completed orders", "positions", "current time"
ACCOUNT_VALUES: Final = "account values"
HANDSHAKE, ACCOUNTS, NEXT_ORDER_ID = "the handshake", "managed accounts", "next order id"
LOGIN: Final = (ACCOUNTS, NEXT_ORDER_ID, TIME)
"""What a login is made of, in the order in which TWS answers."""


class Parts:
    """Who hears what. The account is set once the login's accounts are known."""

    def __init__(
        self, market: MarketLines, desk: OrderDesk, account: AccountValues, what_ifs: WhatIfs, link: LinkHealth,
        farms: FarmLook, owner: Ownership, holdings: Holdings, position_pnl: PositionPnl, clock: Clock, sink: Sink,
    ) -> None:  # fmt: skip
        self.market = market
        self.desk = desk
        self.account = account
        self.what_ifs = what_ifs
        self.link = link
        self.farms = farms
        self.owner = owner
        self.holdings = holdings
        self.position_pnl = position_pnl
        self.clock = clock
        self.sink = sink
        self.data_health = DataHealth(clock, sink)
        self.currencies = Currencies(clock, sink)
        self.account_name = ""


class ConnectionHearing:
    """One connection as its callbacks see it. `muted`: it is over, and nothing of it is heard any more."""

    def __init__(self, parts: Parts, requests: Requests, client_id: int) -> None:
        self.parts = parts
        self.requests = requests
        self.client_id = client_id
        self.muted = False
        self.packets = 0
        self.refusal = ""
        self.first_order_id = 0
        self.login_heard: set[str] = set()
        self._told_at: dict[tuple[str, str], float] = {}

    def alert(self, code: str, text: str, facts: dict[str, Any]) -> None:
        """Raise an alert, the same one at most once in a while, and no more than so many: a fault in a stream comes
        with every tick. What is left out here still counts in the feed's row."""
        now = asyncio.get_running_loop().time()
        self._told_at = {key: at for key, at in self._told_at.items() if now - at < SAME_ALERT_S}
        if self.muted or (code, text) in self._told_at or len(self._told_at) >= MOST_ALERTS:
            return
        self._told_at[code, text] = now
        self.parts.sink(AlertRaised(code, text, facts, self.parts.clock.now()))
