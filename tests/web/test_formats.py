"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lifecycles import LIFECYCLES
from bot.domain.machine import CREATED
from bot.domain.wording import dollars, price
from bot.web import formats, words


@pytest.mark.parametrize(
    "amount, shown",
    [("1234.5", "$1,234.50"), ("-12.3", "−$12.30"), ("0", "$0.00"), ("-0.001", "$0.00"), ("1000000", "$1,000,000.00")],
)
def test_money_has_cents_separators_and_a_real_minus(amount: str, shown: str) -> None:
    assert dollars(Decimal(amount)) == shown


def test_a_gain_carries_its_sign() -> None:
    assert [formats.gain(Decimal(v)) for v in ("5", "-5", "0")] == ["+$5.00", "−$5.00", "$0.00"]


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_money_reads_back_to_the_cent(amount: Decimal) -> None:
    shown = dollars(amount)
    assert Decimal(shown.replace("−", "-").replace("$", "").replace(",", "")) == round(amount, 2)


@pytest.mark.parametrize(
    "value, shown", [("4.2", "4.20"), ("4.0525", "4.0525"), ("5900", "5,900.00"), ("0.05", "0.05")]
)
def test_a_price_has_cents_or_what_it_needs(value: str, shown: str) -> None:
    assert price(Decimal(value)) == shown


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (0.4, "0.4 s"),
        (42, "42 s"),
        (125, "2 min 05 s"),
        (3599.9, "60 min 00 s"),
        (3600, "1 h 00 min"),
        (-3, "0.0 s"),
        (200000, "2 days"),
    ],
)
def test_a_span_reads_well(seconds: float, shown: str) -> None:
    assert formats.span(seconds) == shown


def test_nothing_is_an_en_dash() -> None:
    shown = (dollars, price, formats.percent, formats.clock_time, formats.full_time, formats.span)
    assert {show(None) for show in shown} == {"–"}


def test_times_are_new_york() -> None:
    assert formats.clock_time(datetime(2026, 7, 1, 14, 0, tzinfo=UTC)) == "10:00:00"
    assert formats.full_time(datetime(2026, 12, 1, 14, 0, tzinfo=UTC)) == "Tue 1 Dec 2026 09:00:00 New York"


def test_evidence_is_flattened_to_lines() -> None:
    text = '{"quote":{"bid":"4.1","ask":null},"rules":[{"name":"spread"}],"left":[1,2]}'
    assert formats.evidence_rows(text) == [
        ("quote.bid", "4.1"), ("quote.ask", "–"), ("rules[0].name", "spread"), ("left", "1, 2"),
    ]  # fmt: skip


@given(st.text())
def test_evidence_that_is_no_json_is_shown_as_it_is(text: str) -> None:
    assert isinstance(formats.evidence_rows(text), list)


@pytest.mark.parametrize("name", ["signal", "position", "order", "session", "connection"])
def test_every_trigger_has_words(name: str) -> None:
    life = LIFECYCLES[name]
    triggers = {trigger.value for _, trigger in life.table} | {CREATED}
    assert triggers <= {trigger for machine, trigger in words.TRIGGER_WORDS if machine == name}


def test_every_colour_is_of_a_state_that_exists() -> None:
    for machine, state in words.STATE_TONES:
        if machine in LIFECYCLES:
            assert state in {s.value for s in LIFECYCLES[machine].states}


def test_a_refused_trigger_says_so() -> None:
    assert words.trigger_words("refused:fill", "order") == "Refused: filled"


def test_the_day_of_a_time_is_new_yorks() -> None:
    assert formats.day(datetime(2026, 11, 21, 0, 53, tzinfo=UTC)) == "Fri 20 Nov"
