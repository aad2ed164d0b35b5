"""The page's HTTP server: waitress, with limits that hold before a request reaches the door.

Context: whoever reaches the port can send a gigabyte, a header a minute, or open five hundred connections and say
nothing; none of it needs a login. Decision: bodies and headers have a size, a request has REQUEST_S to arrive whole, a
silent connection IDLE_S, and with CONNECTIONS_MAX open a newcomer takes the place of the one that has been silent
longest. Connections whose request is being answered are never closed. Consequence: a new visitor always gets in, so
that page, emergency button and health check stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

THREADS: Final = 16
LARGEST_BODY: Final = 16 * 1024
LARGEST_HEADER: Final = 32 * 1024
CONNECTIONS_MAX: Final = 200
REQUEST_S: Final = 10
IDLE_S: Final = 30
LOOK_EVERY_S: Final = 1
NEVER: Final = 1_000_000


class BoundedChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """One connection that remembers since when it owes the rest of a request; None while it owes nothing."""

    unfinished_since: float | None = None

    def received(self, data: bytes) -> bool:
        before = self.request
        took = bool(super().received(data))
        if self.request is None:
            self.unfinished_since = None
        elif self.request is not before or self.unfinished_since is None:
            self.unfinished_since = self.last_activity
        return took

    def send_continue(self) -> None:
        if self.request.error is None:  # a body that is too large is not asked for
            super().send_continue()

    @property
    def is_being_answered(self) -> bool:
        return bool(self.requests)

    def is_overdue(self, now: float) -> bool:
        """Say whether it has been too slow with its request, with reading its answer, or silent for too long."""
        if self.is_being_answered:
            return False
        started = self.unfinished_since
        return self.last_activity < now - IDLE_S or (started is not None and started < now - REQUEST_S)


class BoundedServer(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Listens on one address and keeps its connections within the limits."""

    channel_class = BoundedChannel

    def maintenance(self, now: float) -> None:
        for channel in self.active_channels.values():
            if channel.is_overdue(now):
                channel.will_close = True

    def handle_accept(self) -> None:
        if len(self.active_channels) >= CONNECTIONS_MAX:
            self._make_room()
        super().handle_accept()

    def _make_room(self) -> None:
        # Of the address that holds most of them, so that a crowd from one place costs nobody else a connection.
        silent = [channel for channel in self.active_channels.values() if not channel.is_being_answered]
        if not silent:
            return
        crowd = Counter(_source(channel) for channel in silent)
        last = min(silent, key=lambda channel: (-crowd[_source(channel)], channel.last_activity))
        last.handle_close()


def _source(channel: BoundedChannel) -> str:
    address = channel.addr
    return str(address[0]) if isinstance(address, tuple) else str(address)


def listen(app: Any, host: str, port: int) -> Any:
    """Return a server that listens on every address of `host`; raises OSError where it cannot, ValueError for a host
    that has no address."""
    adjusted = Adjustments(
        host=host, port=port, threads=THREADS, ident=None, clear_untrusted_proxy_headers=False,
        max_request_body_size=LARGEST_BODY + 1, max_request_header_size=LARGEST_HEADER,
        connection_limit=NEVER, cleanup_interval=LOOK_EVERY_S, channel_timeout=IDLE_S, asyncore_use_poll=True,
    )  # fmt: skip
    workers = ThreadedTaskDispatcher()
    workers.set_thread_count(adjusted.threads)
    sockets: dict[int, Any] = {}
    servers = [_one(app, adjusted, where, workers, sockets) for where in adjusted.listen]
    if len(servers) == 1:
        return servers[0]
    places = [(one.effective_host, one.effective_port) for one in servers]
    return MultiSocketServer(map=sockets, adj=adjusted, effective_listen=places, dispatcher=workers)


def _one(app: Any, adjusted: Any, where: Iterable[Any], workers: Any, sockets: dict[int, Any]) -> BoundedServer:
    return BoundedServer(app, map=sockets, adj=adjusted, sockinfo=where, dispatcher=workers)


def port_of(server: Any) -> int:
    """Return the port that a server listens on."""
    if isinstance(server, MultiSocketServer):
        return int(server.effective_listen[0][1])
    return int(server.effective_port)
