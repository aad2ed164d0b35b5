"""The connection as the other parts see it: its client, request ids, and a paced lane for what can wait.

TWS takes 50 messages a second; the client library lets 45 through and queues the rest, first come first served. A
hundred subscriptions would hold up a cancel for two seconds, so they go through the paced lane and orders find the road
free.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from bot.broker.ib import TwsClient
from bot.broker.requests import Requests
from bot.domain.errors import BrokerUnavailable

REQUEST_IDS_FROM: Final = 1_000_000_000
REQUEST_IDS_LOW: Final = 1
IDLE_SHARE: Final = 4
"""What can wait longest goes out in the free places of so small a part of the lane: a start is for what is traded."""
Send = Callable[[TwsClient], None]


class Wire:
    """Holds what one connection has and a new one replaces."""

    def __init__(self, paced_per_second: int) -> None:
        self.requests = Requests()
        self._client: TwsClient | None = None
        self._up = asyncio.Event()
        self._next_request_id = REQUEST_IDS_FROM
        self._paced_per_second = paced_per_second
        self._idle_per_second = max(paced_per_second // IDLE_SHARE, 1)
        self._waiting: deque[Send] = deque()
        self._idle: deque[Send] = deque()  # goes when nothing else waits
        self._sent_at: deque[float] = deque()
        self._drain_later: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        return self._client is not None

    @property
    def client(self) -> TwsClient:
        """The client of the live connection; raises BrokerUnavailable."""
        if self._client is None or not self._client.isReady():
            raise BrokerUnavailable("not connected to TWS")
        return self._client

    def attach(self, client: TwsClient, first_order_id: int) -> None:
        """Take a new connection into use.

        TWS has one number space for order ids and request ids, so requests live far above the orders, or below them
        where the orders are up there already.
        """
        self._client = client
        self._up.set()
        self._next_request_id = REQUEST_IDS_FROM if first_order_id < REQUEST_IDS_FROM // 2 else REQUEST_IDS_LOW

    def detach(self, reason: str) -> None:
        """Give the connection up: what waits is forgotten, what is asked fails."""
        self._client = None
        self._up.clear()
        self._waiting.clear()
        self._idle.clear()
        if self._drain_later is not None:
            self._drain_later.cancel()
            self._drain_later = None
        self.requests.fail_all(reason)

    async def until_ready(self, deadline_s: float) -> bool:
        """Wait for a connection; False when none came in time."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    def renew(self) -> Requests:
        """Start with no open questions; returns the new set."""
        self.requests = Requests()
        return self.requests

    def request_id(self) -> int:
        self._next_request_id += 1
        return self._next_request_id - 1

    def later(self, send: Send, *, idle: bool = False) -> None:
        """Send in turn, at once when the lane is free; `idle`: after everything that is not. Without a connection it is
        dropped: all is asked anew then."""
        if self._client is None:
            return
        (self._idle if idle else self._waiting).append(send)
        if self._drain_later is None:
            self._drain()

    def _drain(self) -> None:
        self._drain_later = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._sent_at and now - self._sent_at[0] >= 1.0:
            self._sent_at.popleft()
        while self._waiting and len(self._sent_at) < self._paced_per_second:
            self._send(self._waiting.popleft())
            self._sent_at.append(now)
        while self._idle and len(self._sent_at) < self._idle_per_second:
            self._send(self._idle.popleft())
            self._sent_at.append(now)
        if self._waiting or self._idle:
            self._drain_later = loop.call_at(self._sent_at[0] + 1.0, self._drain)

    def _send(self, send: Send) -> None:
        if self._client is not None and self._client.isReady():
            send(self._client)
