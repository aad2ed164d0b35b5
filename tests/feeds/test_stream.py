"""A vendor's WebSocket beside its REST: channels where the plan has them, REST at once where it is lost, and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clocks.clock import ScaledClock, wall_seconds
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.domain.events.people import AlertRaised
from bot.domain.recording import EventKind
from bot.feeds.feeds import Feeds, over_http
from bot.feeds.rows import Parsed
from bot.feeds.sources import DataSources, EndpointSettings, SourceSettings
from bot.feeds.targets import targets_of
from bot.feeds.vendors import manners_of
from bot.record.tap import HEAD_BYTES, Tap, columns_of_frame
from bot.sim.uw import UwFace, UwLimits
from bot.sim.uw.routes import VendorAnswer
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import NOON, UW, OneDay, until
from tests.sim.uw.small_source import SmallSource

SAMPLES = REPO_ROOT.parent / "shared" / "data" / "unusual-whales-samples"
STREAM = {"path": "/socket", "signs_as": "token", "retry_base_wall_s": 0.01, "retry_most_wall_s": 0.02}
ENDPOINTS: list[dict[str, Any]] = [
    {
        "name": "spot_gex", "path": "/api/stock/{ticker}/spot-exposures", "parser": "spot_gex", "interval_s": 1,
        "max_age_s": 90, "priority": "critical", "stream": {"channel": "gex:{ticker}"},
    },
    {
        "name": "flow_alerts", "path": "/api/option-trades/flow-alerts", "parser": "flow_alerts", "interval_s": 1,
        "max_age_s": 90, "priority": "critical", "params": {"ticker_symbol": "{tickers}", "limit": 200},
        "cursor": "newer_than", "keep_seconds": 36_000, "stream": {"channel": "flow-alerts", "ticker_field": "ticker"},
    },
]  # fmt: skip


@dataclass
class Streaming:
    """Feeds that live on the machine's time, and what goes wrong at the simulated vendor."""

    feeds: Feeds
    face: UwFace
    tap: Tap
    events: list[Event] = field(default_factory=list)
    wrong: VendorAnswer | None = None
    calls: int = 0

    def fault(self, path: str, now: datetime) -> VendorAnswer | None:
        if path == "/socket":
            return self.wrong
        self.calls += 1
        return None

    def outcome(self, name: str) -> str:
        found = [each for each in self.events if isinstance(each, FeedReported) and each.dataset == name]
        return found[-1].outcome if found else ""

    def given(self, name: str) -> list[DatumReceived]:
        return [each for each in self.events if isinstance(each, DatumReceived) and each.dataset == name]

    async def until_calls(self, more: int) -> None:
        wanted = self.calls + more
        await until(lambda: self.calls >= wanted)


@asynccontextmanager
async def streaming(wrong: VendorAnswer | None = None) -> AsyncIterator[Streaming]:
    clock, events = ScaledClock(NOON, 1.0, wall_seconds()), list[Event]()
    seen: list[Streaming] = []

    def fault(path: str, now: datetime) -> VendorAnswer | None:
        return seen[0].fault(path, now)

    face = UwFace(SmallSource(), clock, limits=UwLimits(latency_wall_s=0), fault=fault)
    port = await face.start("127.0.0.1", 0)
    source = {
        **UW, "base_url": f"http://127.0.0.1:{port}", "symbols": ["SPY"], "stream": STREAM, "endpoints": ENDPOINTS,
        "min_wall_interval_s": 0.01, "report_seconds": 0.01,
    }  # fmt: skip
    secret: Callable[[str], str | None] = lambda _: "a-secret"  # noqa: E731
    sources = DataSources.model_validate({"unusual_whales": source})
    feeds = Feeds(sources, clock, OneDay(), events.append, over_http(secret), secret=secret)
    tap = Tap(clock)
    feeds.listen_through(tap.streamed)
    seen.append(Streaming(feeds, face, tap, events, wrong))
    await feeds.start()
    try:
        yield seen[0]
    finally:
        await feeds.stop()
        await face.stop()


async def test_channels_are_heard_and_rest_goes_on_when_they_are_cut_and_rests_when_they_are_back() -> None:
    async with streaming() as seen:
        await until(lambda: {seen.outcome(name) for name in ("spot_gex", "flow_alerts")} == {"streamed"})
        target = seen.feeds.pollers["unusual_whales"].target_of("spot_gex", "SPY")
        assert target is not None
        assert target.rest_every == timedelta(seconds=300)
        datum = seen.given("spot_gex")[-1]
        assert (datum.key, datum.source) == ("SPY", "unusual_whales")
        assert [row.at for row in datum.value] == sorted({row.at for row in datum.value}), "each moment once"
        alerts = seen.given("flow_alerts")[-1].value
        assert len({row.id for row in alerts}) == len(alerts) > 0
        assert {row.symbol for row in alerts} == {"SPY"}, "a channel with everybody's rows is narrowed to ours"

        frame, _ = seen.tap.take()
        messages = columns_of_frame(frame[HEAD_BYTES:])[EventKind.ANSWERS.value]
        assert set(messages[2]) == {"unusual_whales"}, "each message is recorded as it came, with its source"
        assert {json.loads(body)[0] for body in messages[-1]} == {"gex:SPY", "flow-alerts"}

        seen.wrong = VendorAnswer(503, b"")
        await until(lambda: seen.outcome("spot_gex") == "ok")
        await seen.until_calls(2)
        seen.wrong = None
        await until(lambda: seen.outcome("spot_gex") == "streamed")
        assert "a-secret" not in json.dumps([str(each) for each in seen.events])


async def test_a_plan_without_streams_is_told_of_once_and_everything_comes_by_rest() -> None:
    async with streaming(VendorAnswer(401, b"the token lacks the websocket scope")) as seen:
        await until(lambda: any(isinstance(each, AlertRaised) for each in seen.events))
        await until(lambda: seen.outcome("spot_gex") == "ok" == seen.outcome("flow_alerts"))
        await seen.until_calls(2)
        told = [each for each in seen.events if isinstance(each, AlertRaised)]
        assert [each.code for each in told] == ["FEED_NO_STREAM"]
        assert "HTTP 401" in told[0].text


def test_of_a_series_only_the_newest_moment_of_the_stream_is_kept_beside_the_answer() -> None:
    settings = SourceSettings.model_validate({**UW, "symbols": ["SPY"], "endpoints": ENDPOINTS})
    endpoint: EndpointSettings = settings.endpoints[0]
    (target,) = targets_of(endpoint, settings)
    reads = settings.reads(endpoint)

    def said(*seconds: int) -> Parsed[Any]:
        return reads.parse(
            [{"timestamp": int((NOON.timestamp() + s) * 1000), "price": "590", "gamma_per_one_percent_move_oi": "1"}
             for s in seconds]
        )  # fmt: skip

    target.keep(said(0, 60), reads, NOON)
    for second in (68, 76, 84):
        rows = target.add(said(second), reads, NOON)
    assert [(row.at - NOON).total_seconds() for row in rows] == [0, 60, 84]
    assert len(target.keep(said(0, 60, 120), reads, NOON)) == 3


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded streams are not on this machine")
def test_recorded_channels_parse_without_loss() -> None:
    parsers = manners_of("unusual_whales").parsers
    lines = Path(SAMPLES, "ws_gex_2025-05-16.jsonl").read_text(encoding="utf-8").splitlines()
    payloads = [each["payload"] for each in map(json.loads, lines) if "response" not in each["payload"]]
    parsed = parsers["spot_gex"].parse(payloads)
    assert (parsed.dropped, len(payloads) > 0) == (0, True)
    assert all(row.at > datetime(2025, 5, 16, tzinfo=UTC) for row in parsed.rows)
