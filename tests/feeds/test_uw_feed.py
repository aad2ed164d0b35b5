"""The feed against the UW face on a real socket: what comes in, and the right reaction to each refusal."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.exposure import SpotGexMinute, StrikeExposure
from bot.domain.data.flow import FlowAlert, NetPremiumTick
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.feeds.breaker import CircuitState
from bot.feeds.poller import Poller
from bot.feeds.transport import AiohttpTransport, TransportFailed
from bot.sim.uw import InProcessTransport, UwFace, UwLimits
from bot.sim.uw.routes import VendorAnswer
from bot.sim.uw.server import garbage
from tests.feeds.uw_site import NOON, PATHS, OneDay, a_dataset, a_site, settings_of, until
from tests.sim.uw.small_source import CLOSE, OPEN, SmallSource

ALL_FIVE = tuple(a_dataset(name) for name in PATHS)
ONLY_GEX = a_dataset("spot_gex")
NO_LATENCY = UwLimits(latency_wall_s=0)
ALWAYS = {"share": 60, "closed_s": 60}
AT_NIGHT = {"critical": ALWAYS, "important": ALWAYS}


async def test_all_five_datasets_arrive_typed_timed_and_by_key() -> None:
    async with a_site(settings_of(*ALL_FIVE)) as site:
        await site.poll()
        kinds = {
            "spot_gex": SpotGexMinute,
            "gex_by_strike": StrikeExposure,
            "option_contracts": OptionContractRow,
            "net_premium": NetPremiumTick,
        }
        for dataset, kind in kinds.items():
            got = site.data(dataset)
            assert set(got) == {"SPY", "SPX"}
            assert all(isinstance(row, kind) for datum in got.values() for row in datum.value)
            assert all(report.state == "ok" for report in site.reports(dataset).values())
        (alerts,) = site.data("flow_alerts").values()
        assert alerts.key == "*"
        assert all(isinstance(alert, FlowAlert) for alert in alerts.value)
        assert {alert.symbol for alert in alerts.value} == {"SPY", "SPX"}


async def test_the_vendors_own_time_comes_with_the_data() -> None:
    async with a_site(settings_of(*ALL_FIVE), start=NOON + timedelta(seconds=30)) as site:
        await site.poll()
        spot, strikes = site.data("spot_gex")["SPY"], site.data("gex_by_strike")["SPY"]
        assert spot.source_at == strikes.source_at == NOON
        assert spot.received_at == NOON + timedelta(seconds=30)
        assert spot.ttl_s == 180
        assert len(spot.value) == (NOON - OPEN) // timedelta(minutes=1) + 1
        assert site.data("net_premium")["SPY"].source_at == NOON - timedelta(minutes=1)  # the last whole minute
        assert site.data("option_contracts")["SPY"].source_at is None
        assert strikes.value[2].strike == Decimal(600)


async def test_polls_come_at_their_interval_and_the_second_round_is_staggered() -> None:
    async with a_site(settings_of(ONLY_GEX)) as site:
        await site.poll()
        asked = [site.reports("spot_gex")[key].requests for key in ("SPY", "SPX")]
        assert asked == [1, 1]
        await site.poll(after_s=31)
        await site.poll(after_s=15)
        assert [site.reports("spot_gex")[key].requests for key in ("SPY", "SPX")] == [2, 1]
        await site.poll(after_s=15)
        await site.poll(after_s=15)
        assert [site.reports("spot_gex")[key].requests for key in ("SPY", "SPX")] == [2, 2]


async def test_alerts_are_asked_for_from_the_last_one_on_and_kept_as_a_window_without_repeats() -> None:
    async with a_site(settings_of(a_dataset("flow_alerts", keep_seconds=1800))) as site:
        await site.poll()
        first = site.data("flow_alerts")["*"].value
        await site.poll(after_s=600)
        second = site.data("flow_alerts")["*"].value
        ids = [alert.id for alert in second]
        assert len(ids) == len(set(ids))
        assert second[-1].at > first[-1].at
        assert all(alert.at >= site.clock.now() - timedelta(seconds=1800) for alert in second)
        assert len(second) == 7


async def test_without_a_token_the_feed_stops_and_says_so_once() -> None:
    async with a_site(settings_of(*ALL_FIVE), wanted_token="another") as site:
        await site.poll()
        assert site.alerts == ["FEED_REFUSED"]
        for dataset in PATHS:
            for report in site.reports(dataset).values():
                assert report.state == "refused"
                assert "401" in report.last_error
        await site.poll(after_s=600)
        assert site.reports("spot_gex")["SPY"].requests == 1
        assert site.reports("spot_gex")["SPX"].requests == 0
        assert not site.data("spot_gex")


async def test_an_unknown_symbol_is_given_up_alone() -> None:
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY", "NOPE"))) as site:
        await site.poll()
        await site.poll(after_s=600)
        assert site.alerts == ["FEED_UNKNOWN_SYMBOL"]
        assert site.reports("spot_gex")["NOPE"].state == "disabled"
        assert site.reports("spot_gex")["NOPE"].requests == 1
        assert site.reports("spot_gex")["SPY"].state == "ok"


async def test_a_wrong_path_disables_its_dataset() -> None:
    wrong = a_dataset("spot_gex", path="/api/v2/stock/{ticker}/gex")
    async with a_site(settings_of(wrong, a_dataset("net_premium"))) as site:
        await site.poll()
        await site.poll(after_s=600)
        assert site.alerts == ["FEED_DISABLED"]
        assert {report.state for report in site.reports("spot_gex").values()} == {"disabled"}
        assert site.reports("spot_gex")["SPX"].requests == 0
        assert site.reports("net_premium")["SPY"].state == "ok"


async def test_a_wrong_parameter_disables_its_dataset_with_the_vendors_words() -> None:
    wrong = a_dataset("option_contracts", params={"option_type": "banana"})
    async with a_site(settings_of(wrong)) as site:
        await site.poll()
        report = site.reports("option_contracts")["SPY"]
        assert report.state == "disabled"
        assert "422" in report.last_error
        assert "expected one of call" in report.last_error


async def test_a_date_before_the_plans_window_is_skipped_not_disabled() -> None:
    async with a_site(settings_of(a_dataset("spot_gex", params={"date": "2020-01-02"}))) as site:
        await site.poll()
        report = site.reports("spot_gex")["SPY"]
        assert report.state == "waiting"
        assert "historic_data_access_missing" in report.last_error
        assert not site.data("spot_gex")


async def test_a_plan_that_lacks_a_dataset_disables_it() -> None:
    tier = VendorAnswer(403, b'{"code": "advanced_tier_required", "message": "Upgrade"}')
    async with a_site(settings_of(ONLY_GEX), fault=lambda *_: tier) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPY"].state == "disabled"
        assert site.alerts == ["FEED_DISABLED"]


async def test_the_edge_that_refuses_our_name_stops_everything() -> None:
    async with a_site(
        settings_of(ONLY_GEX), fault=lambda *_: VendorAnswer(403, b"error code: 1010", "text/plain")
    ) as site:
        await site.poll()
        assert site.alerts == ["FEED_REFUSED"]


@pytest.mark.parametrize(
    "refusal, told",
    [
        (VendorAnswer(401, b'{"error": "Invalid or missing token"}'), "FEED_REFUSED"),
        (VendorAnswer(403, b'{"code": "advanced_tier_required"}'), "FEED_DISABLED"),
        (VendorAnswer(422, b'{"errors": [{"detail": "Invalid value for enum"}]}'), "FEED_DISABLED"),
    ],
)
async def test_what_the_vendor_refused_is_asked_for_seldom_and_taken_up_when_it_is_given_again(
    refusal: VendorAnswer, told: str
) -> None:
    refuses, asked = [True], []

    def fault(path: str, now: datetime) -> VendorAnswer | None:
        asked.append(path)
        return refusal if refuses[0] else None

    async with a_site(settings_of(ONLY_GEX), fault=fault) as site:
        for _ in range(4 * 60):
            await site.poll(after_s=30)
        assert len(asked) == 4, "two hours, and one request in half an hour"
        assert site.alerts == [told], "told once"
        refuses[0] = False
        await site.poll(after_s=1800)
        await site.poll(after_s=1)
        assert {report.state for report in site.reports("spot_gex").values()} == {"ok"}
        assert set(site.data("spot_gex")) == {"SPY", "SPX"}
        assert site.alerts[:2] == [told, "FEED_BACK"]
        await site.poll(after_s=60)
        assert {report.state for report in site.reports("spot_gex").values()} == {"ok"}


async def test_a_spent_minute_waits_for_the_vendors_reset() -> None:
    limits = replace(NO_LATENCY, per_minute=1)
    async with a_site(settings_of(ONLY_GEX), start=NOON + timedelta(seconds=40), limits=limits) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPX"].state == "waiting"  # the headers said so: nothing was asked
        assert site.reports("spot_gex")["SPX"].requests == 0
        await site.poll(after_s=19)
        assert site.reports("spot_gex")["SPX"].requests == 0
        await site.poll(after_s=1)
        assert site.reports("spot_gex")["SPX"].state == "ok"


async def test_a_minute_spent_by_others_is_answered_429_and_waited_out() -> None:
    refusals = [VendorAnswer(429, b'{"message": "Rate limit of requests per minute reached."}')]
    async with a_site(settings_of(ONLY_GEX), fault=lambda *_: refusals.pop() if refusals else None) as site:
        await site.poll(after_s=50)
        assert {report.state for report in site.reports("spot_gex").values()} == {"retrying", "waiting"}
        await site.poll(after_s=10)
        assert {report.state for report in site.reports("spot_gex").values()} == {"ok"}


async def test_a_crowd_is_stepped_back_from_for_a_moment_only() -> None:
    crowd = [VendorAnswer(429, b'{"message": "Too many concurrent requests"}')]
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",)), fault=lambda *_: crowd.pop() if crowd else None) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPY"].state == "retrying"
        await site.poll(after_s=0.5)
        assert site.reports("spot_gex")["SPY"].state == "ok"
        assert site.feed.breaker_state("spot_gex") is CircuitState.CLOSED


async def test_a_spent_day_stops_everything_until_eight_in_the_evening_of_new_york() -> None:
    late = settings_of(ONLY_GEX, a_dataset("net_premium"), priorities=AT_NIGHT)
    async with a_site(late, limits=replace(NO_LATENCY, per_day=1)) as site:
        await site.poll()
        await site.poll(after_s=600)
        assert site.alerts == ["FEED_QUOTA_SPENT"]
        assert {r.state for name in ("spot_gex", "net_premium") for r in site.reports(name).values()} == {"refused"}
        requests = sum(report.requests for report in site.reports("spot_gex").values())
        reset = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
        site.clock.advance_to(reset - timedelta(seconds=1))
        await site.poll()
        assert sum(report.requests for report in site.reports("spot_gex").values()) == requests
        await site.poll(after_s=1)
        assert sum(report.requests for report in site.reports("spot_gex").values()) > requests


async def test_at_four_fifths_of_the_day_only_the_essential_is_asked_for() -> None:
    limits = replace(NO_LATENCY, per_day=7)
    both = settings_of(ONLY_GEX, a_dataset("net_premium"))
    async with a_site(both, limits=limits) as site:
        await site.poll()
        await site.poll(after_s=60)
        assert "86% used: only critical data" in site.reports("net_premium")["SPY"].last_error
        assert site.reports("net_premium")["SPY"].state == "waiting"
        assert site.reports("spot_gex")["SPY"].requests == 2


async def test_the_quota_is_read_from_the_headers() -> None:
    async with a_site(settings_of(ONLY_GEX), limits=replace(NO_LATENCY, per_day=20_000)) as site:
        await site.poll()
        assert (site.feed.quota.used, site.feed.quota.limit) == (2, 20_000)
        assert site.feed.quota.minute_remaining == 118
        report = site.reports("spot_gex")["SPX"]
        assert (report.quota_used, report.quota_limit) == (2, 20_000)


@pytest.mark.parametrize("kind", ["html", "empty", "cut", "text"])
async def test_an_answer_that_is_not_data_is_tried_again_and_never_given_on(kind: str) -> None:
    bad = [garbage(kind)]
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",)), fault=lambda *_: bad.pop() if bad else None) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPY"].state == "retrying"
        assert not site.data("spot_gex")
        await site.poll(after_s=1)
        assert site.reports("spot_gex")["SPY"].state == "ok"
        assert site.reports("spot_gex")["SPY"].failures == 1
        assert site.data("spot_gex")


@pytest.mark.parametrize(
    "answer, outcome",
    [
        (garbage("html"), "not_json"),
        (garbage("cut"), "not_json"),
        (garbage("text"), "not_json"),
        (garbage("null_rows"), "unreadable"),
        (garbage("wrong_types"), "unreadable"),
        (garbage("future"), "future"),
        (garbage("ancient"), "ancient"),
        (garbage("many_rows"), "too_large"),
        (garbage("large"), "too_large"),
        (garbage("bomb"), "too_large"),
        (VendorAnswer(302, b"", "text/html"), "redirected"),
        (VendorAnswer(500, b"oops", "text/plain"), "http_error"),
        (VendorAnswer(404, b'{"message": "unknown ticker"}'), "unknown_ticker"),
        (VendorAnswer(401, b'{"error": "Invalid or missing token"}'), "refused"),
        (VendorAnswer(403, b'{"code": "advanced_tier_required"}'), "not_in_plan"),
        (VendorAnswer(429, b'{"code": "daily_request_limit_hit"}'), "quota_spent"),
        (VendorAnswer(200, b'{"data": []}'), "empty"),
        (VendorAnswer(200, b'{"message": "soon"}'), "no_rows"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_each_kind_of_bad_answer_has_a_name_of_its_own_and_gives_nothing(
    answer: VendorAnswer, outcome: str
) -> None:
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",)), fault=lambda *_: answer) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPY"].outcome == outcome
        assert not site.data("spot_gex")


async def test_a_page_that_comes_twice_is_taken_once_and_named() -> None:
    def the_same(*_: Any) -> VendorAnswer:
        row = '{"strike": "%d", "price": "600", "time": "2026-11-20T17:00:00Z"}'
        return VendorAnswer(200, f'{{"data": [{row % 600}, {row % 601}]}}'.encode())

    paged = a_dataset("gex_by_strike", params={"limit": 2}, paging={"most": 5})
    async with a_site(settings_of(paged, symbols=("SPY",)), fault=the_same) as site:
        await site.poll()
        report = site.reports("gex_by_strike")["SPY"]
        assert (report.outcome, report.requests) == ("duplicate_page", 2)
        assert len(site.data("gex_by_strike")["SPY"].value) == 2


async def test_a_malformed_row_is_counted_and_the_others_are_given_on() -> None:
    def half_wrong(*_: Any) -> VendorAnswer:
        good = '{"price": "600", "time": "2026-11-20T17:00:00Z", "gamma_per_one_percent_move_oi": "1.5"}'
        return VendorAnswer(200, f'{{"data": [{good}, {{"price": "x"}}, 12]}}'.encode())

    async with a_site(settings_of(ONLY_GEX), fault=half_wrong) as site:
        await site.poll()
        report = site.reports("spot_gex")["SPY"]
        assert (report.state, report.dropped) == ("ok", 2)
        assert "2 rows dropped" in report.last_error
        assert len(site.data("spot_gex")["SPY"].value) == 1


async def test_an_answer_with_no_readable_row_is_a_failure() -> None:
    async with a_site(settings_of(ONLY_GEX), fault=lambda *_: VendorAnswer(200, b'{"data": [{"a": 1}]}')) as site:
        await site.poll()
        assert site.reports("spot_gex")["SPY"].state == "retrying"
        assert site.reports("spot_gex")["SPY"].dropped == 1


async def test_an_answer_in_time_with_old_rows_is_named_and_is_as_old_as_its_newest_row() -> None:
    def as_of_ten_minutes_ago(_: str, now: datetime) -> datetime:
        return now - timedelta(minutes=10)

    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",)), fault=as_of_ten_minutes_ago) as site:
        await site.poll()
        report = site.reports("spot_gex")["SPY"]
        assert (report.state, report.outcome, report.last_success_at) == ("ok", "old_rows", NOON)
        assert report.last_error == "the newest row is 600 s old"
        assert (report.newest_row_at, report.age_s(NOON)) == (NOON - timedelta(minutes=10), 600)


async def test_an_empty_answer_does_not_replace_what_is_known() -> None:
    empty: list[VendorAnswer] = []
    async with a_site(settings_of(ONLY_GEX), fault=lambda *_: empty[0] if empty else None) as site:
        await site.poll()
        before = site.data("spot_gex")["SPY"]
        empty.append(VendorAnswer(200, b'{"data": []}'))
        await site.poll(after_s=60)
        assert site.data("spot_gex")["SPY"] is before
        assert site.reports("spot_gex")["SPY"].last_error == "an empty answer"


async def test_the_breaker_opens_after_failures_in_a_row_and_one_probe_closes_it() -> None:
    down = True
    settings = settings_of(ONLY_GEX, symbols=("SPY",), breaker={"failures": 3, "open_seconds": 90})
    async with a_site(settings, fault=lambda *_: VendorAnswer(500, b"oops", "text/plain") if down else None) as site:
        for pause in (0, 1, 2):
            await site.poll(after_s=pause)
        assert site.feed.breaker_state("spot_gex") is CircuitState.OPEN
        assert site.reports("spot_gex")["SPY"].state == "open"
        assert site.alerts == ["FEED_BREAKER_OPEN"]
        await site.poll(after_s=89)
        assert site.reports("spot_gex")["SPY"].requests == 3  # left alone
        await site.poll(after_s=1)
        assert site.feed.breaker_state("spot_gex") is CircuitState.OPEN  # the probe failed
        down = False
        await site.poll(after_s=90)
        assert site.feed.breaker_state("spot_gex") is CircuitState.CLOSED
        assert site.reports("spot_gex")["SPY"].state == "ok"
        assert site.alerts == ["FEED_BREAKER_OPEN"]  # told once


async def test_retries_end_at_the_next_regular_poll() -> None:
    settings = settings_of(ONLY_GEX, symbols=("SPY",), breaker={"failures": 50})
    async with a_site(settings, fault=lambda *_: VendorAnswer(502, b"{}")) as site:
        for _ in range(20):
            await site.poll(after_s=1)
        assert site.reports("spot_gex")["SPY"].requests in {3, 4}
        requests = (await _requests_after(site, 60), await _requests_after(site, 1))
        assert requests[1] > requests[0] >= 4


async def _requests_after(site: Any, seconds: float) -> int:
    await site.poll(after_s=seconds)
    await site.poll(after_s=15)
    return int(site.reports("spot_gex")["SPY"].requests)


async def test_nothing_critical_is_asked_at_night() -> None:
    evening = CLOSE + timedelta(hours=4)
    async with a_site(settings_of(ONLY_GEX), start=evening) as site:
        await site.poll()
        report = site.reports("spot_gex")["SPY"]
        assert (report.state, report.requests) == ("waiting", 0)
        assert "next session 2026-11-23" in report.last_error


async def test_polling_begins_with_the_pre_market_seldom_and_is_regular_from_the_open_on() -> None:
    settings = settings_of(a_dataset("gex_by_strike", priority="critical"), symbols=("SPY",))
    async with a_site(settings, start=OPEN.replace(hour=9, minute=0) - timedelta(seconds=1)) as site:
        await site.poll()
        assert not site.data("gex_by_strike")
        await site.poll(after_s=1)
        assert site.data("gex_by_strike")
        await site.poll(after_s=299)
        assert site.reports("gex_by_strike")["SPY"].requests == 1
        site.clock.advance_to(OPEN - timedelta(seconds=30))
        await site.poll()
        assert site.reports("gex_by_strike")["SPY"].requests == 2
        await site.poll(after_s=30)
        await site.poll(after_s=30)
        assert site.reports("gex_by_strike")["SPY"].requests == 3


async def test_our_own_budget_a_minute_is_kept_in_seconds_of_the_clock() -> None:
    async with a_site(settings_of(*ALL_FIVE, per_minute=3)) as site:
        await site.poll()
        assert site.feed.quota.used == 3
        await site.poll(after_s=59)
        assert site.feed.quota.used == 3
        await site.poll(after_s=1)
        assert site.feed.quota.used == 6


async def test_all_pages_are_asked_for_and_given_on_as_one() -> None:
    paged = a_dataset("gex_by_strike", params={"limit": 2}, paging={"most": 5})
    async with a_site(settings_of(paged, symbols=("SPY",))) as site:
        await site.poll()
        assert len(site.data("gex_by_strike")["SPY"].value) == 5
        assert site.reports("gex_by_strike")["SPY"].requests == 3


async def test_a_page_that_fails_leaves_nothing_half_given_on() -> None:
    pages = [VendorAnswer(500, b""), None]
    paged = a_dataset("gex_by_strike", params={"limit": 2}, paging={"most": 5})
    async with a_site(settings_of(paged, symbols=("SPY",)), fault=lambda *_: pages.pop() if pages else None) as site:
        await site.poll()
        assert not site.data("gex_by_strike")
        await site.poll(after_s=1)
        assert len(site.data("gex_by_strike")["SPY"].value) == 5


async def test_the_live_feed_never_has_more_than_two_requests_in_flight() -> None:
    gate, waiting = asyncio.Event(), 0

    async def behind_the_gate() -> None:
        nonlocal waiting
        waiting += 1
        await gate.wait()

    async with a_site(settings_of(*ALL_FIVE), latency=behind_the_gate) as site:
        await site.feed.start()
        await until(lambda: waiting == 2)
        for _ in range(50):
            await asyncio.sleep(0)  # time enough for a third to show
        assert waiting == 2
        gate.set()
        await until(lambda: sum(isinstance(event, DatumReceived) for event in site.events) == 9)
        assert site.face.most_in_flight == 2


async def test_the_live_feed_polls_by_the_clock_reports_and_stops_clean() -> None:
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",))) as site:
        await site.feed.start()
        await until(lambda: bool(site.data("spot_gex")))
        first = site.data("spot_gex")["SPY"]
        for _ in range(61):
            site.clock.advance(1)
            await asyncio.sleep(0)
        await until(lambda: site.data("spot_gex")["SPY"] is not first)
        reports = [event for event in site.events if isinstance(event, FeedReported)]
        assert len(reports) >= 4
        await site.feed.stop()
        count = len(site.events)
        site.clock.advance(600)
        await asyncio.sleep(0)
        assert len(site.events) == count
        assert site.clock.sleepers == 0


async def test_a_vendor_that_is_not_there_is_tried_again() -> None:
    async with a_site(settings_of(ONLY_GEX, symbols=("SPY",))) as site:
        await site.face.stop()
        await site.poll()
        assert site.reports("spot_gex")["SPY"].state == "retrying"
        assert "Connect" in site.reports("spot_gex")["SPY"].last_error


async def test_a_vendor_that_does_not_answer_is_not_waited_for() -> None:
    never = asyncio.Event()

    async def forever() -> None:
        await never.wait()

    face = UwFace(SmallSource(), ManualClock(NOON), latency=forever)
    port = await face.start("127.0.0.1", 0)
    transport = AiohttpTransport(f"http://127.0.0.1:{port}", {"Authorization": "Bearer secret"}, timeout_s=0.05)
    with pytest.raises(TransportFailed, match="no answer within"):
        await transport.get("/api/stock/SPY/spot-exposures", [])
    never.set()
    await transport.close()
    await face.stop()


async def test_a_replay_without_sockets_gives_the_same_data() -> None:
    settings = settings_of(*ALL_FIVE)
    async with a_site(settings) as site:
        await site.poll()
        clock, events = ManualClock(NOON), list[Event]()
        feed = Poller(
            "unusual_whales", settings, clock, OneDay(), events.append, InProcessTransport(UwFace(SmallSource(), clock))
        )
        await feed.poll_once(clock.now())
        assert events == site.events


def test_a_token_is_never_in_what_the_feed_says() -> None:
    transport = AiohttpTransport("http://127.0.0.1:1", {"Authorization": "Bearer very-secret"})
    assert "very-secret" not in repr(transport)
