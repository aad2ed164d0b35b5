"""Calendars of several sources as one: each event once, every disagreement in words, nothing averaged."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.earnings import earnings_dates
from bot.analytics.economic import EconomicEventKind, economic_events, kind_of
from bot.analytics.merging import number_of, same_figure

CPI_AT = datetime(2026, 12, 10, 13, 30, tzinfo=UTC)
TE = {
    "event": "Inflation Rate MoM", "at": CPI_AT, "country": "United States", "importance": 3, "forecast": "0.3%",
    "previous": "0.2%", "actual": "",
}  # fmt: skip
UW = SimpleNamespace(at=CPI_AT, name="*Consumer price index", kind="report", forecast="0.30 %", previous="0.1%")
FRED = {"release_id": 10, "event": "Consumer Price Index", "day": date(2026, 12, 10)}
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "economic-calendar-2026-08"


def test_three_calendars_make_one_event_that_says_where_they_differ() -> None:
    (event,) = economic_events([("te", [TE]), ("uw", [UW]), ("fred", [FRED])])
    assert (event.kind, event.country, event.day, event.at) == ("cpi", "US", date(2026, 12, 10), CPI_AT)
    assert (event.importance, event.forecast, event.previous) == ("HIGH", "0.3%", "0.2%")
    assert event.sources == ("te", "uw", "fred")
    assert event.disagreements == ("previous: te 0.2%, uw 0.1%",), "0.3% and 0.30 % are one figure"


def test_a_release_without_figures_is_an_event_where_nobody_else_has_it() -> None:
    (event,) = economic_events([("fred", [FRED])])
    assert (event.at, event.importance, event.forecast) == (CPI_AT, "HIGH", ""), "its usual time of day"


def test_another_day_or_time_is_a_disagreement_and_another_figure_another_event() -> None:
    later = {**TE, "at": datetime(2026, 12, 11, 13, 30, tzinfo=UTC)}
    core = {**TE, "event": "Core Inflation Rate MoM"}
    core_event, event = economic_events([("te", [TE, core]), ("other", [later])])
    assert event.disagreements == ("day: te 2026-12-10, other 2026-12-11",)
    assert core_event.sources == ("te",)


@pytest.mark.parametrize(
    "name,kind",
    [
        ("FOMC Statement", EconomicEventKind.FOMC_DECISION),
        ("Federal Funds Rate", EconomicEventKind.FOMC_DECISION),
        ("Fed Interest Rate Decision", EconomicEventKind.FOMC_DECISION),
        ("FOMC Minutes", EconomicEventKind.FOMC_MINUTES),
        ("CPI y/y", EconomicEventKind.CPI),
        ("Core PPI m/m", EconomicEventKind.PPI),
        ("Non-Farm Employment Change", EconomicEventKind.NFP),
        ("Employment Situation", EconomicEventKind.NFP),
        ("U.S. employment report", EconomicEventKind.NFP),
        ("Minutes of Fed's meeting", EconomicEventKind.FOMC_MINUTES),
        ("Advance GDP q/q", EconomicEventKind.GDP),
        ("Unemployment Rate", EconomicEventKind.UNEMPLOYMENT),
        ("Unemployment Claims", EconomicEventKind.JOBLESS_CLAIMS),
        ("Prelim UoM Consumer Sentiment", EconomicEventKind.CONSUMER_SENTIMENT),
        ("ECB Interest Rate Decision", EconomicEventKind.ECB_DECISION),
        ("BOJ Policy Rate", EconomicEventKind.BOJ_DECISION),
        ("Official Bank Rate", EconomicEventKind.BOE_DECISION),
        ("10-y Bond Auction", EconomicEventKind.TREASURY_AUCTION),
        ("FOMC Member Waller Speaks", EconomicEventKind.FED_SPEAKER),
        ("Retail Sales m/m", EconomicEventKind.OTHER),
    ],
)
def test_an_event_is_known_by_what_it_is_about(name: str, kind: EconomicEventKind) -> None:
    assert kind_of(name) is kind


def test_a_speech_is_one_whoever_is_named() -> None:
    at = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
    named, unnamed = {"event": "Fed Governor Waller Speaks", "at": at}, {"event": "* Fed governor speaks", "at": at}
    (speech,) = economic_events([("te", [named]), ("uw", [unnamed])])
    assert (speech.name, speech.sources) == ("Fed Governor Waller Speaks", ("te", "uw"))


def test_an_auction_is_one_whatever_it_is_called() -> None:
    day = date(2026, 12, 9)
    own, other = {"event": "10-Year Note Auction", "day": day}, {"event": "10-y Bond Auction", "day": day}
    (auction,) = economic_events([("treasury", [own]), ("te", [other])])
    assert auction.sources == ("treasury", "te")


def test_earnings_of_several_sources() -> None:
    fmp = {"symbol": "WMT", "report_date": date(2026, 11, 19), "eps_estimate": 0.6, "eps_actual": None}
    nasdaq = {
        "symbol": "WMT",
        "report_date": date(2026, 11, 20),
        "report_time": "time-pre-market",
        "eps_estimate": 0.62,
    }
    (report,) = earnings_dates([("fmp", [fmp]), ("nasdaq", [nasdaq, nasdaq])])
    assert (report.day, report.session, report.eps_estimate) == (date(2026, 11, 19), "before the open", "0.6")
    assert report.disagreements == (
        "day: fmp 2026-11-19, nasdaq 2026-11-20", "eps estimate: fmp 0.6, nasdaq 0.62",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text,number", [("3.1%", 3.1), ("250K", 250_000), ("$1.2B", 1.2e9), ("(0.25)", -0.25), ("($1)", -1), ("n/a", None)]
)
def test_figures_are_read_with_their_units(text: str, number: float | None) -> None:
    assert number_of(text) == number


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["0.2%", "0.3%", "0.30%", ""]), min_size=1, max_size=4))
def test_a_value_is_always_one_that_a_source_has(said: list[str]) -> None:
    sets = [(f"s{n}", [{**TE, "forecast": each}]) for n, each in enumerate(said)]
    (event,) = economic_events(sets)
    given_ = [each for each in said if each]
    assert event.forecast == (given_[0] if given_ else "")
    differ = any(not same_figure(given_[0], each) for each in given_) if given_ else False
    assert bool(event.disagreements) == differ


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded calendar is not on this machine")
def test_a_recorded_week_is_read_without_loss() -> None:
    lines = gzip.decompress((SHARED / "ff_calendar_snapshots.jsonl.gz").read_bytes()).splitlines()
    raw = json.loads(lines[-1])["events"]
    rows: list[dict[str, Any]] = [
        {**each, "event": each["title"], "at": datetime.fromisoformat(each["date"]), "importance": each["impact"]}
        for each in raw
    ]
    once, twice = economic_events([("a", rows)]), economic_events([("a", rows), ("b", rows)])
    assert [each.name for each in once] == [each.name for each in twice]
    assert all(each.sources == ("a", "b") and not each.disagreements for each in twice)
    assert {each.name for each in once} == {" ".join(each["title"].lstrip("*").split()) for each in raw}
