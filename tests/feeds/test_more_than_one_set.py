"""What endpoints are to each other and to the day's budget: fallback, aggregate, dependence, conditions, cost, pages,
quota. Two vendors on one socket, under a clock that the test moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.feeds.feeds import Feeds, over_http
from bot.feeds.sources import DataSources
from tests.feeds.uw_site import NOON, OneDay

READER: Final = {
    "rows": "rows", "time": "at", "identity": ["n", "at"],
    "fields": {
        "n": {"path": "n", "type": "whole", "needed": True},
        "value": {"path": "value", "type": "number"},
        "at": {"path": "at", "type": "time", "needed": True},
    },
}  # fmt: skip


def an_endpoint(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "path": f"/{name}", "reader": READER, "interval_s": 60, "max_age_s": 90, "priority": "critical",
        **more,
    }  # fmt: skip


@dataclass
class Vendors:
    """Each path answers its rows; a path that is `down` answers 503. `asked` counts, `queries` keeps what was asked."""

    clock: ManualClock
    feeds: Feeds
    events: list[Event] = field(default_factory=list)
    rows: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)  # number, value, seconds ago
    down: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.strip("/")
        self.asked[name] += 1
        self.queries.append(request.query_string)
        if name in self.down:
            return web.Response(status=503)
        start, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 100))
        rows = self.rows.get(name, [(1, 1.0, 0)])[start : start + limit]
        now = self.clock.now()
        return web.json_response(
            {"rows": [{"n": n, "value": v, "at": (now - timedelta(seconds=ago)).isoformat()} for n, v, ago in rows]}
        )

    async def poll(self, after_s: float = 0) -> None:
        self.clock.advance(after_s)
        await self.feeds.poll_once(self.clock.now())

    def given(self, name: str) -> list[DatumReceived]:
        return [each for each in self.events if isinstance(each, DatumReceived) and each.dataset == name]

    def report(self, name: str) -> FeedReported:
        return [each for each in self.events if isinstance(each, FeedReported) and each.dataset == name][-1]


@asynccontextmanager
async def vendors(**sources: dict[str, Any]) -> AsyncIterator[Vendors]:
    """`sources`: the endpoints, and what else a source has, by name."""
    clock, app = ManualClock(NOON), web.Application()
    events: list[Event] = []
    runner = web.AppRunner(app)
    seen: list[Vendors] = []

    async def answer(request: web.Request) -> web.Response:
        return await seen[0].answer(request)

    app.router.add_get("/{path:.*}", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    tree = {name: {"base_url": address, **each} for name, each in sources.items()}
    feeds = Feeds(DataSources.model_validate(tree), clock, OneDay(), events.append, over_http(lambda _: None))
    seen.append(Vendors(clock, feeds, events))
    try:
        yield seen[0]
    finally:
        await feeds.stop()
        await runner.cleanup()


async def test_another_vendors_rows_stand_in_only_while_its_own_are_not_fresh() -> None:
    first = {"endpoints": [an_endpoint("prices", fallback="second.others")]}
    async with vendors(first=first, second={"endpoints": [an_endpoint("others")]}) as both:
        await both.poll()
        assert [each.source for each in both.given("prices")] == ["first"]
        both.down.add("prices")
        await both.poll(after_s=61)
        assert [each.source for each in both.given("prices")] == ["first"], "its own are not too old yet"
        await both.poll(after_s=61)
        assert [each.source for each in both.given("prices")][-1] == "second"
        await both.poll()
        assert both.report("prices").source == "second", "feeds says whose rows are in use"
        both.down.clear()
        await both.poll(after_s=61)
        assert both.given("prices")[-1].source == "first"
        assert both.report("prices").source == "first"


async def test_sets_are_merged_on_the_minute_with_each_ones_fields_under_its_name() -> None:
    merged = {"name": "both", "of": ["left", "right"], "how": "merge_on_timestamp", "within_s": 60, "max_age_s": 90}
    source = {"endpoints": [an_endpoint("left"), an_endpoint("right")], "aggregates": [merged]}
    async with vendors(acme=source) as seen:
        seen.rows = {"left": [(1, 1.5, 0), (2, 1.0, 60)], "right": [(7, 9.0, 0)]}
        await seen.poll()
        older, newest = seen.given("both")[-1].value
        assert (newest["left_value"], newest["right_value"], newest["right_n"]) == (1.5, 9.0, 7)
        assert (older["left_value"], older.get("right_value")) == (1.0, None)
        assert seen.report("both").state == "ok"


async def test_what_depends_on_another_is_asked_only_while_that_is_fresh() -> None:
    source = {"endpoints": [an_endpoint("base"), an_endpoint("upon", depends_on=["base"])]}
    async with vendors(acme=source) as seen:
        seen.down.add("base")
        await seen.poll()
        assert seen.asked["upon"] == 0
        assert seen.report("upon").last_error == "waits for base to be fresh"
        seen.down.clear()
        await seen.poll(after_s=61)
        await seen.poll(after_s=6)
        assert seen.asked["upon"] == 1


async def test_conditions_of_phase_and_hour_hold_it_back() -> None:
    source = {
        "endpoints": [
            an_endpoint("later", conditions={"time_range": ["12:30", "13:00"]}),
            an_endpoint("evening", conditions={"market_state": ["after_hours"]}),
        ]
    }
    async with vendors(acme=source) as seen:
        await seen.poll()
        assert seen.asked == Counter()
        await seen.poll(after_s=31 * 60)  # 12:31
        assert seen.asked == Counter({"later": 1})
        await seen.poll(after_s=60 * 60)  # 13:31
        assert seen.asked == Counter({"later": 1})
        await seen.poll(after_s=3 * 3600)  # after the close
        assert seen.asked == Counter({"later": 1, "evening": 1})


async def test_a_days_cost_has_a_cap_that_ends_with_the_day() -> None:
    dear = an_endpoint("dear", cost_per_call="0.4", daily_cost_cap="1")
    async with vendors(acme={"endpoints": [dear]}) as seen:
        for _ in range(6):
            await seen.poll(after_s=61)
        used = [each for each in seen.events if isinstance(each, EndpointReported)][-1]
        assert (seen.asked["dear"], used.cost <= Decimal(1)) == (2, True), "a third call would be 1.20 dollars"
        told = seen.report("dear")
        assert (told.outcome, told.state) == ("cost_cap", "refused")
        assert "1 dollars are spent" in told.last_error
        due = told.next_call_at
        assert due is not None
        assert due.astimezone(NOON.tzinfo).hour == 5, "New York's midnight"


async def test_pages_are_asked_for_while_they_come_back_full_and_read_as_one_answer() -> None:
    paged = an_endpoint("many", params={"limit": 2}, paging={"by": "offset", "param": "offset", "most": 5})
    async with vendors(acme={"endpoints": [paged]}) as seen:
        seen.rows["many"] = [(n, float(n), 0) for n in range(5)]
        await seen.poll()
        assert [row["n"] for row in seen.given("many")[-1].value] == [0, 1, 2, 3, 4]
        assert seen.queries == ["limit=2", "limit=2&offset=2", "limit=2&offset=4"]
        seen.down.add("many")
        before = len(seen.given("many"))
        await seen.poll(after_s=61)
        assert len(seen.given("many")) == before, "half an answer is none"


async def test_our_own_count_of_a_quota_goes_on_after_a_restart() -> None:
    source = {"endpoints": [an_endpoint("few")], "quota": {"period": "day", "limit": 3, "reset_at": "20:00"}}
    async with vendors(acme=source) as seen:
        await seen.poll()
        await seen.poll(after_s=61)
        used = [each for each in seen.events if isinstance(each, EndpointReported)]
    async with vendors(acme=source) as again:
        again.feeds.remember(used[-1:])
        await again.poll()
        await again.poll(after_s=61)
        told = again.report("few")
        assert (again.asked["few"], told.outcome) == (1, "quota_spent")
        assert "our 3 calls are spent" in told.last_error
        assert (told.quota_used, told.quota_limit) == (3, 3)


async def test_calendars_of_two_vendors_say_where_they_differ_and_whom_they_lack() -> None:
    reader = {"rows": "rows", "fields": {"event": {"text": "CPI m/m", "needed": True}, "forecast": {"path": "value"},
                                         "at": {"path": "at", "type": "time"}}}  # fmt: skip
    merged = {"name": "events", "of": ["one.first", "two.second", "three.absent"], "how": "economic_events",
              "max_age_s": 600}  # fmt: skip
    async with vendors(
        one={"endpoints": [an_endpoint("first", reader=reader)]},
        two={"endpoints": [an_endpoint("second", reader=reader)]},
        calendars={"base_url": "", "aggregates": [merged]},
    ) as seen:
        seen.rows = {"first": [(1, 3.1, 0)], "second": [(1, 3.2, 0)]}
        await seen.poll()
        (event,) = seen.given("events")[-1].value
        assert (event.kind, event.forecast, event.sources) == ("cpi", "3.1", ("one", "two"))
        assert event.disagreements == ("forecast: one 3.1, two 3.2",), "never averaged"
        told = seen.report("events")
        assert (told.feed, told.outcome) == ("calendars", "disagrees")
        assert "1 disagreements: CPI m/m 2026-11-20: forecast: one 3.1, two 3.2" in told.last_error
        assert "without three.absent, which the settings do not have" in told.last_error
