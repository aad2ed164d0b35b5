"""A feed on a real socket to the UW face, under a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.clocks.clock import ManualClock
from bot.domain.calendar import TradingSession
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.domain.events.people import AlertRaised
from bot.feeds.feeds import over_http
from bot.feeds.poller import Poller
from bot.feeds.sources import EndpointSettings, SourceSettings
from bot.sim.uw import UwFace, UwLimits
from bot.sim.uw.server import Fault
from tests.conftest import REPO_ROOT
from tests.sim.uw.small_source import CLOSE, DAY, OPEN, SmallSource

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
PATHS: Mapping[str, dict[str, Any]] = {
    "spot_gex": {"path": "/api/stock/{ticker}/spot-exposures", "priority": "critical"},
    "gex_by_strike": {
        "path": "/api/stock/{ticker}/spot-exposures/strike",
        "params": {"limit": 500},
        "paging": {"most": 2},
    },
    "option_contracts": {"path": "/api/stock/{ticker}/option-contracts", "params": {"max_dte": 1, "limit": 500}},
    "net_premium": {"path": "/api/stock/{ticker}/net-prem-ticks"},
    "flow_alerts": {
        "path": "/api/option-trades/flow-alerts",
        "params": {"ticker_symbol": "{tickers}"},
        "cursor": "newer_than",
        "keep_seconds": 3600,
    },
}

SHIPPED: Mapping[str, Any] = yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8"))
UW = {key: value for key, value in SHIPPED["unusual_whales"].items() if key != "endpoints"}


class OneDay:
    """A calendar that knows one Friday and the Monday after it."""

    def session_on(self, day: date) -> TradingSession | None:
        if day == DAY + timedelta(days=3):
            return self.next_session(DAY)
        return TradingSession(DAY, OPEN, CLOSE, is_half_day=False) if day == DAY else None

    def next_session(self, after: date) -> TradingSession:
        to_monday = timedelta(days=3)
        return TradingSession(DAY + to_monday, OPEN + to_monday, CLOSE + to_monday, is_half_day=False)

    def today(self, now: datetime) -> date:
        return (now - timedelta(hours=5)).date()


def a_dataset(name: str, **changes: Any) -> EndpointSettings:
    return EndpointSettings(
        **{"name": name, "parser": name, "interval_s": 60, "max_age_s": 180, **PATHS[name], **changes}
    )


def settings_of(*datasets: EndpointSettings, **changes: Any) -> SourceSettings:
    return SourceSettings(**{**UW, "symbols": ("SPY", "SPX"), "endpoints": datasets, **changes})


@dataclass
class Site:
    """What a test looks at."""

    face: UwFace
    source: SmallSource
    feed: Poller
    clock: ManualClock
    events: list[Event] = field(default_factory=list)

    def data(self, dataset: str) -> dict[str, DatumReceived]:
        """Return the latest datum by key."""
        return {e.key: e for e in self.events if isinstance(e, DatumReceived) and e.dataset == dataset}

    def reports(self, dataset: str) -> dict[str, FeedReported]:
        return {e.key: e for e in self.events if isinstance(e, FeedReported) and e.dataset == dataset}

    @property
    def alerts(self) -> list[str]:
        return [e.code for e in self.events if isinstance(e, AlertRaised)]

    async def poll(self, after_s: float = 0) -> None:
        """Move the clock on and take every turn that is due."""
        self.clock.advance(after_s)
        await self.feed.poll_once(self.clock.now())


@asynccontextmanager
async def a_site(
    settings: SourceSettings,
    *,
    start: datetime = NOON,
    limits: UwLimits | None = None,
    fault: Fault | None = None,
    token: str = "secret",
    wanted_token: str | None = None,
    latency: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Site]:
    clock, source, events = ManualClock(start), SmallSource(), list[Event]()
    no_latency = UwLimits(latency_wall_s=0)
    face = UwFace(source, clock, limits=limits or no_latency, token=wanted_token, fault=fault, latency=latency)
    port = await face.start("127.0.0.1", 0)
    local = settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    transport = over_http(lambda variable: token)("unusual_whales", local)
    feed = Poller("unusual_whales", local, clock, OneDay(), events.append, transport)
    try:
        yield Site(face, source, feed, clock, events)
    finally:
        await feed.stop()
        await face.stop()


async def until(true: Callable[[], bool]) -> None:
    """Give way to the other tasks until something holds; the test's own timeout ends a wait that is in vain."""
    while not true():  # noqa: ASYNC110 - what is waited for is the state of two programs on one socket, not one event
        await asyncio.sleep(0)
