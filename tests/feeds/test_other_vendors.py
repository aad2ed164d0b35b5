"""Vendors besides Unusual Whales: the shipped settings against their simulated faces, over a socket; and what their
refusals mean."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.analytics.chains import unusual_contracts
from bot.analytics.sentiment import mean_ticker_score
from bot.app.simulated_vendors import at_the_simulator
from bot.clocks.clock import ManualClock
from bot.config.loader import load, validate_section
from bot.domain.data.merged import ECONOMIC_EVENTS
from bot.domain.data.sets import MARKET_WIDE
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.domain.events.people import AlertRaised
from bot.feeds.feeds import Feeds, keys_of, over_http
from bot.feeds.outcome import Outcome
from bot.feeds.sources import DataSources
from bot.feeds.tolerant import SampleRows
from bot.feeds.transport import Response
from bot.feeds.vendors import manners_of
from bot.feeds.verdicts import Verdict
from bot.sim.uw import UwFace, UwLimits
from bot.sim.vendors import FACES
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import NOON, OneDay
from tests.sim.uw.small_source import SmallSource

NEWS = REPO_ROOT.parent / "shared" / "data" / "alpha-vantage-news"


def shipped() -> DataSources:
    return validate_section(load(REPO_ROOT, environ={}).sources_tree, "sources", DataSources)


@asynccontextmanager
async def at_their_faces() -> AsyncIterator[tuple[Feeds, list[Event]]]:
    """The shipped sources but Unusual Whales, Yahoo too, at the faces over a small market."""
    clock, events = ManualClock(NOON), list[Event]()
    face = UwFace(SmallSource(), clock, limits=UwLimits(latency_wall_s=0))
    placed = at_the_simulator(shipped(), await face.start("127.0.0.1", 0), SmallSource().symbols()).root
    asked = {"unusual_whales": False, "yahoo": True}
    sources = {
        name: each.model_copy(update={"enabled": asked[name]} if name in asked else {}) for name, each in placed.items()
    }
    secret = {"ALPHA_VANTAGE_API_KEY": "k"}.get
    feeds = Feeds(DataSources(sources), clock, OneDay(), events.append, over_http(secret), keys_of(secret))
    try:
        yield feeds, events
    finally:
        await feeds.stop()
        await face.stop()


async def test_each_shipped_set_gives_rows_in_a_simulated_day_without_a_key() -> None:
    async with at_their_faces() as (feeds, events):
        await feeds.poll_once(NOON)
    data = {event.dataset: event for event in events if isinstance(event, DatumReceived) and event.value}
    wanted = {
        dataset
        for name, source in shipped().root.items()
        for dataset in [*(each.name for each in source.endpoints), *(each.name for each in source.aggregates)]
        if name in FACES or name == "calendars"
    }
    assert wanted - data.keys() <= {"av_unusual_contracts"}, "in a small market nothing may be unusual"
    faults = [e for e in events if isinstance(e, FeedReported) and e.outcome not in {"ok", "", "empty", "disagrees"}]
    assert {each.outcome for each in faults} == {"unknown_ticker"}, "not every company has a report in sight"
    assert "SPY" not in {each.key for each in faults}

    assert data["news_mean_score"].value[0].count == len(data["av_news_sentiment"].value)
    kinds = {row.kind for row in data[ECONOMIC_EVENTS].value}
    assert {"treasury_auction", "jobless_claims", "fed_speaker"} <= kinds
    claims = next(row for row in data[ECONOMIC_EVENTS].value if row.kind == "jobless_claims")
    assert set(claims.sources) == {"fred", "trading_economics"}
    assert (data[ECONOMIC_EVENTS].source, data[ECONOMIC_EVENTS].key) == ("calendars", MARKET_WIDE)


async def test_a_source_without_its_key_is_off_and_told_of_once() -> None:
    clock, events = ManualClock(NOON), list[Event]()
    feeds = Feeds(shipped(), clock, OneDay(), events.append, over_http(lambda _: None), keys_of(lambda _: None))
    sources = {name for name, each in shipped().enabled().items() if not each.auth.env and each.base_url}
    assert feeds.pollers.keys() == sources
    try:
        feeds._tell_who_is_off()
        feeds._tell_who_is_off()
    finally:
        await feeds.stop()
    told = [event.text for event in events if isinstance(event, AlertRaised)]
    assert "FRED is off: FRED_API_KEY is not set" in told
    assert len(told) == len(set(told))
    rows = [event for event in events if isinstance(event, FeedReported) and event.feed == "fred"]
    assert [(row.dataset, row.state, row.outcome) for row in rows] == [("fred_releases", "disabled", "no_key")]


THANKS = "Thank you for using Alpha Vantage! "


@pytest.mark.parametrize(
    "vendor,status,body,verdict,outcome",
    [
        ("alpha_vantage", 200, {"Information": THANKS + "Our standard API rate limit is 25 requests per day."},
         Verdict.DAY_SPENT, Outcome.QUOTA_SPENT),
        ("alpha_vantage", 200, {"Note": THANKS + "Our standard API call frequency is 5 calls per minute."},
         Verdict.MINUTE_SPENT, Outcome.MINUTE_SPENT),
        ("alpha_vantage", 200, {"Information": THANKS}, Verdict.MINUTE_SPENT, Outcome.MINUTE_SPENT),
        ("alpha_vantage", 200, {"Information": "Burst pattern detected: 1 request per second"},
         Verdict.CROWDED, Outcome.CROWDED),
        ("alpha_vantage", 200, {"Information": "The **demo** API key is for demo purposes only."},
         Verdict.DEMO, Outcome.DEMO),
        ("alpha_vantage", 200, {"Information": "This is a premium endpoint."}, Verdict.DISABLED, Outcome.NOT_IN_PLAN),
        ("alpha_vantage", 200, {"endpoint": "x", "message": "premium", "data": [{"symbol": "XXYYZZ"}] * 500},
         Verdict.DISABLED, Outcome.NOT_IN_PLAN),
        ("alpha_vantage", 200, {"Error Message": "the parameter apikey is invalid or missing."},
         Verdict.REFUSED, Outcome.REFUSED),
        ("alpha_vantage", 200, {"Error Message": "Invalid API call."}, Verdict.DISABLED, Outcome.NOT_IN_PLAN),
        ("alpha_vantage", 200, {"endpoint": "Realtime Options", "message": "success", "data": []},
         Verdict.OK, Outcome.OK),
        ("alpha_vantage", 200, {"Symbol": "IBM", "Description": "premium cloud, 5 per day"}, Verdict.OK, Outcome.OK),
        ("alpha_vantage", 200, {}, Verdict.UNKNOWN_SYMBOL, Outcome.UNKNOWN_TICKER),
        ("fred", 400, {"error_code": 400, "error_message": "Bad Request. The value for variable api_key is not ..."},
         Verdict.REFUSED, Outcome.REFUSED),
        ("fred", 400, {"error_code": 400, "error_message": "Bad Request."}, Verdict.DISABLED, Outcome.NOT_IN_PLAN),
        ("fred", 429, {"error_code": 429}, Verdict.MINUTE_SPENT, Outcome.MINUTE_SPENT),
        ("trading_economics", 409, {}, Verdict.MINUTE_SPENT, Outcome.MINUTE_SPENT),
        ("trading_economics", 401, {}, Verdict.REFUSED, Outcome.REFUSED),
        ("financial_modeling_prep", 401, {"Error Message": "Invalid API KEY."}, Verdict.REFUSED, Outcome.REFUSED),
        ("financial_modeling_prep", 402, {}, Verdict.DISABLED, Outcome.NOT_IN_PLAN),
        ("financial_modeling_prep", 429, {"Error Message": "Limit Reach ."}, Verdict.DAY_SPENT, Outcome.QUOTA_SPENT),
        ("financial_modeling_prep", 200, {"Error Message": "Limit Reach ."}, Verdict.DAY_SPENT, Outcome.QUOTA_SPENT),
    ],
)  # fmt: skip
def test_a_refusal_is_known_in_whatever_guise(
    vendor: str, status: int, body: object, verdict: Verdict, outcome: Outcome
) -> None:
    judged = manners_of(vendor).refusals.judge(Response(status, {}, json.dumps(body).encode()))
    assert (judged.verdict, judged.outcome) == (verdict, outcome)


def test_rows_that_are_made_up_are_refused_whatever_the_message_says() -> None:
    row = {"contractID": "XXYYZZ999999C00000000", "symbol": "XXYYZZ", "expiration": "2099-99-99"}
    for message in ("success", "upgrade"):
        body = json.dumps({"endpoint": "Realtime Options", "message": message, "data": [row]}).encode()
        with pytest.raises(SampleRows):
            manners_of("alpha_vantage").rows(body, None, "av_realtime_options")


def test_a_chain_gives_its_ten_most_unusual_contracts() -> None:
    base = {"last": "1.00", "bid": "0.00", "ask": "1.05", "implied_volatility": "9.9", "delta": "0.5"}
    rows = [
        {**base, "contractID": f"SPY261120C00{strike}000", "volume": str(strike - 580), "open_interest": "4"}
        for strike in range(580, 605)
    ]
    parsed = manners_of("alpha_vantage").parsers["av_realtime_options"].parse(rows)
    assert (parsed.dropped, parsed.rows[0].bid, parsed.rows[0].iv) == (0, None, None)
    found = unusual_contracts(parsed.rows)
    assert [each.volume for each in found] == list(range(24, 14, -1))
    assert found[0].ratio == 6.0


@pytest.mark.skipif(not NEWS.exists(), reason="the recorded answers are not on this machine")
@pytest.mark.parametrize("symbol,articles", [("NEM", 670), ("GOLD", 718)])
def test_recorded_news_parse_without_loss(symbol: str, articles: int) -> None:
    body = gzip.decompress(Path(NEWS, f"news_sentiment_{symbol}.json.gz").read_bytes())
    manners = manners_of("alpha_vantage")
    rows = manners.rows(body, None, "av_news_sentiment")
    parsed = manners.parsers["av_news_sentiment"].parse(rows)
    assert (len(rows), parsed.dropped) == (articles, 0)
    mean = mean_ticker_score(parsed.rows, symbol)
    assert mean is not None
    own = [s.score for row in parsed.rows for s in row.scores if s.ticker == symbol]
    assert (mean.count, round(mean.mean, 9)) == (len(own), round(sum(own) / len(own), 9))
    limit = Path(NEWS, "rate_limit_response.json").read_bytes()
    assert manners.refusals.judge(Response(200, {}, limit)).outcome is Outcome.QUOTA_SPENT
