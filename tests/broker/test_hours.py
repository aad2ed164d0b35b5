"""Trading hours in the forms that TWS writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.broker.hours import hours_of, parse, zone_named
from bot.broker.ib import ContractDetails
from bot.domain.calendar import NEW_YORK

FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)


def told(liquid: str, zone: str = "US/Eastern", trading: str = "") -> dict[date, str]:
    details = ContractDetails(liquidHours=liquid, tradingHours=trading, timeZoneId=zone)
    return {each.day: str(each) for each in hours_of(details)}


@pytest.mark.parametrize(
    "zone", ["US/Eastern", "EST (Eastern Standard Time)", "EST5EDT", "America/New_York", "EST", "est"]
)
def test_an_early_close_and_a_closed_day_in_any_name_of_new_york(zone: str) -> None:
    assert told("20261127:0930-20261127:1300;20261128:CLOSED", zone) == {FRIDAY: "09:30-13:00", SATURDAY: "closed"}


def test_new_york_in_summer_by_a_name_of_winter() -> None:
    assert told("20260706:0930-20260706:1600", "EST (Eastern Standard Time)") == {date(2026, 7, 6): "09:30-16:00"}


def test_chicago_is_an_hour_behind() -> None:
    assert told("20261127:0830-20261127:1500", "CST (Central Standard Time)") == {FRIDAY: "09:30-16:00"}


@pytest.mark.parametrize(
    "text, shown",
    [
        ("20261127:0930-1600;20261128:CLOSED", {FRIDAY: "09:30-16:00", SATURDAY: "closed"}),
        ("20261127:0700-1830,1830-2330", {FRIDAY: "07:00-23:30"}),  # TWS's own example
        ("20261127:0930-1200,1300-1600", {FRIDAY: "09:30-12:00, 13:00-16:00"}),
        ("20261127:0930-20261127:1200;20261127:1300-20261127:1600", {FRIDAY: "09:30-12:00, 13:00-16:00"}),
        ("20261127:1800-1700", {FRIDAY: "18:00-17:00"}),  # from the evening before
        ("20261126:1800-20261127:1700", {FRIDAY: "18:00-17:00"}),
        ("20261127:0930-2400", {FRIDAY: "09:30-00:00"}),
        (" 20261127:0930-20261127:1300 ; 20261128:closed ", {FRIDAY: "09:30-13:00", SATURDAY: "closed"}),
    ],
)
def test_both_forms(text: str, shown: dict[date, str]) -> None:
    assert told(text) == shown


@pytest.mark.parametrize(
    "text",
    ["", "CLOSED", ";;;", "20261399:0930-1600", "20261127", "20261127:", "20261127:2500-2600", "20261127:0990-1600",
     "20261127:0930-20261201:1600", "20261127:0930-1600,rubbish", "NOT_AVAILABLE", "٢٠٢٦١١٢٧:0930-1600x"],
)  # fmt: skip
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert told(text) == {}


def test_a_zone_that_nobody_knows_says_nothing() -> None:
    assert told("20261127:CLOSED", "Mars/Olympus") == {}
    assert told("20261127:CLOSED", "") == {}
    assert zone_named("../../etc/passwd") is None


def test_without_liquid_hours_the_others_only_say_which_day_is_closed() -> None:
    assert told("", trading="20261127:0400-20261127:2000;20261128:CLOSED") == {SATURDAY: "closed"}


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("0123456789:-;,CLOSED 24"), max_size=200))
def test_any_text_is_read_in_order_or_not_at_all(text: str) -> None:
    for each in parse(text, NEW_YORK):
        flat = [moment for period in each.periods for moment in period]
        assert flat == sorted(set(flat))


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.lists(st.integers(0, 1439), min_size=2, max_size=6, unique=True),
    st.booleans(),
)
def test_what_is_written_is_read_in_both_forms(day: date, minutes: list[int], is_old: bool) -> None:
    edges = sorted(minutes)[: len(minutes) // 2 * 2]
    clock = [f"{each // 60:02}{each % 60:02}" for each in edges]
    spans = list(zip(clock[::2], clock[1::2], strict=True))
    pieces = [f"{a}-{b}" if is_old else f"{day:%Y%m%d}:{a}-{day:%Y%m%d}:{b}" for a, b in spans]
    text = f"{day:%Y%m%d}:" + ",".join(pieces) if is_old else ";".join(pieces)
    moments = [datetime(day.year, day.month, day.day, each // 60, each % 60, tzinfo=NEW_YORK) for each in edges]
    utc = [each.astimezone(UTC) for each in moments]
    (found,) = parse(text, NEW_YORK)
    assert found.day == day
    if sorted(set(utc)) == utc:  # the hour that is there twice in November is not told apart by TWS
        assert list(found.periods) == list(zip(utc[::2], utc[1::2], strict=True))
