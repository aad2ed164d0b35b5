"""What the client tells of its socket; after a packet, everything that changed in it is told on."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from bot.broker.callbacks.hearing import HANDSHAKE, ConnectionHearing


class SocketCalls:
    """What the client tells of its socket; after a packet, everything that changed in it is told on."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def connectAck(self) -> None:
        """The handshake was answered; the client goes on by itself."""
        self._hearing.login_heard.add(HANDSHAKE)

    def setEventsDone(self) -> None:
        """Nothing to do: we hand out no event objects."""

    def connectionClosed(self) -> None:
        """Nothing to do: the connection's owner listens to the socket itself."""

    def tcpDataArrived(self) -> None:
        self._hearing.packets += 1

    def tcpDataProcessed(self) -> None:
        if self._hearing.muted:
            return
        self._parts.farms.heard()
        if self._parts.market.ticks.flush():
            self._parts.link.data_flows()
            self._parts.data_health.heard()
        self._parts.market.health.heard()
        self._parts.market.report.heard()
        self._parts.account.flush()
        self._parts.currencies.flush()
