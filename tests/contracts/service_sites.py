"""The simulated services on loopback, for a test: each on a port of its own, under a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.clocks.clock import wall_seconds
from bot.sim.services.faults import Bend, ServiceFault
from bot.sim.services.ports import taken_ports
from bot.sim.services.running import SimulatedServices
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
NAMES = ("telegram", "discord", "smtp", "anthropic", "receiver", "inbox")
SOON_S = 2.0
"""A client's patience in a test of a service that never answers; time enough, on a busy machine, to have it stored."""
LONG_S = PATIENCE_S


NO_END = frozenset({Bend.HANG, Bend.ACCEPT_HANG, Bend.DRIP})
"""Faults after which no answer comes, or none to its end."""


def patience(fault: Bend) -> float:
    """Return how long a test's client waits: not long where no answer comes."""
    return SOON_S if fault in NO_END else LONG_S


@dataclass(frozen=True, slots=True)
class Site:
    """Running services and where they listen."""

    services: SimulatedServices
    ports: dict[str, int]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def goes_wrong(self, service: str, fault: Bend, **more: Any) -> None:
        """Let the next request of a service meet a fault."""
        given = {"service": service, "fault": fault, **({} if "for_seconds" in more else {"count": 1}), **more}
        self.services.board.switch_on(ServiceFault.model_validate(given))

    def received(self, key: str) -> list[str]:
        return self.services.book.texts(key)


@asynccontextmanager
async def services(prepared: Callable[[SimulatedServices], None] = lambda _: None) -> AsyncIterator[Site]:
    """Running services; `prepared` is given them before they serve."""
    sockets = taken_ports(dict.fromkeys(NAMES, 0))
    running = SimulatedServices(lambda: NOON, wall_seconds)
    prepared(running)
    await running.serve(sockets)
    try:
        yield Site(running, {name: int(each.getsockname()[1]) for name, each in sockets.items()})
    finally:
        await running.stop()
