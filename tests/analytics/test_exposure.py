"""Dealers' exposure of a chain: known answers of a real one, the published conventions, greeks against a derivation of
their own, and every kind of bad input."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.chain_report import chain_report
from bot.analytics.exposure import (
    Convention,
    DayCount,
    Dealers,
    FlipBy,
    GammaFrom,
    GammaUnit,
    ListedOption,
    business_days,
    curvature,
    exposure,
    gamma_by_strike,
    years_to,
)
from bot.analytics.flip import flip, gamma_at, nearest_zero, profile, terms_of
from bot.analytics.greeks import black_scholes, cross_greeks
from bot.feeds.quote_table import QuoteTable, read_quote_table
from tests.work import costs_at_most

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LATER = date(2026, 12, 18)


def row(strike: float, *, call: bool = True, interest: float = 100, iv: float = 0.2, gamma: float = math.nan,
        delta: float = math.nan, expiry: date = LATER, volume: float = 0) -> ListedOption:  # fmt: skip
    return ListedOption(expiry, strike, call, interest, iv, delta, gamma, volume)


# ---- greeks: against the definition, with fifty digits and difference quotients


def normal(x: Decimal) -> Decimal:
    """The normal distribution by the series of its integral (Abramowitz and Stegun 26.2.10)."""
    term = total = x
    n = 0
    while abs(term) > Decimal("1e-45"):
        n += 1
        term *= -x * x / 2 / n
        total += term / (2 * n + 1)
    return Decimal("0.5") + total / (2 * PI).sqrt()


PI = Decimal("3.14159265358979323846264338327950288419716939937510")


def worth(spot: Decimal, strike: Decimal, years: Decimal, sigma: Decimal, *, call: bool) -> Decimal:
    spread = sigma * years.sqrt()
    d1 = (spot / strike).ln() / spread + spread / 2
    price = spot * normal(d1) - strike * normal(d1 - spread)
    return price if call else price - spot + strike


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize(
    "spot, strike, years, sigma",
    [("4697.24", "4700", "0.0192", "0.11"), ("590", "640", "0.25", "0.35"), ("100", "80", "2", "0.6"),
     ("510.5", "511", "0.00004", "0.25")],
)  # fmt: skip
def test_greeks_are_the_derivatives_of_the_price_to_eight_places(
    spot: str, strike: str, years: str, sigma: str, call: bool
) -> None:
    with localcontext() as context:
        context.prec = 50
        s, k, t, v = Decimal(spot), Decimal(strike), Decimal(years), Decimal(sigma)
        h = Decimal("1e-12")

        def price(ds: Decimal = Decimal(0), dt: Decimal = Decimal(0), dv: Decimal = Decimal(0)) -> Decimal:
            return worth(s * (1 + ds), k, t * (1 + dt), v * (1 + dv), call=call)

        delta = (price(h) - price(-h)) / (2 * h * s)
        gamma = (price(h) - 2 * price() + price(-h)) / (h * s) ** 2
        vega = (price(dv=h) - price(dv=-h)) / (2 * h * v)
        theta = -(price(dt=h) - price(dt=-h)) / (2 * h * t)
        vanna, charm = (
            (price(h, **{name: h}) - price(h, **{name: -h}) - price(-h, **{name: h}) + price(-h, **{name: -h}))
            / (4 * h * h * s * unit)
            for name, unit in (("dv", v), ("dt", -t))
        )
    found = black_scholes(float(s), float(k), float(t), float(v), call=call)
    crossed, curved = (
        cross_greeks(float(s), float(k), float(t), float(v)),
        curvature(float(s), float(k), float(t), float(v)),
    )
    near = pytest.approx
    assert found.delta == near(float(delta), rel=1e-8)
    assert found.gamma == near(float(gamma), rel=1e-8)
    assert found.vega == near(float(vega) / 100, rel=1e-8)
    assert found.theta_hour == near(float(theta) / 365 / 24, rel=1e-8)
    assert crossed.vanna == near(float(vanna) / 100, rel=1e-8)
    assert crossed.charm == near(float(charm) / 365, rel=1e-8)
    assert curved == near((found.delta + (0 if call else 1), found.gamma, crossed.vanna, crossed.charm), rel=1e-9)


# ---- the real chain


@pytest.fixture(scope="module")
def spx(shared_data: Path) -> QuoteTable:
    file = shared_data / "spx-chain-2024-01-05" / "spx_quotedata.csv.gz"
    if not file.is_file():
        pytest.skip(f"the recorded chain is not here: {file} is absent")
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return read_quote_table(text.read(), file.name)


def test_the_real_chain_has_the_published_gamma_and_flip(spx: QuoteTable) -> None:
    found = chain_report(spx.rows, spx.spot, spx.quoted_at, Convention())
    assert found.exposure.total.gex / 1e9 == pytest.approx(-11.00, rel=0.005)
    assert found.flip == pytest.approx(4734, abs=3)
    assert (found.exposure.seen, len(found.expiries)) == (21_038, 55)
    assert found.exposure.pin == 4900
    assert found.exposure.total.call_interest == 6_138_491 - sum(
        r.open_interest for r in spx.rows if r.call and not r.open_interest > 0
    )


def test_the_published_way_of_counting_days_and_of_looking_for_the_flip_gives_it_too(spx: QuoteTable) -> None:
    published = Convention(days=DayCount.BUSINESS_262)
    assert flip(spx.rows, spx.spot, spx.quoted_at, published) == pytest.approx(4734.5, abs=3)
    points = profile(spx.rows, spx.spot, spx.quoted_at, published)
    low, high = next((a, b) for a, b in pairwise(points) if (a[1] < 0) != (b[1] < 0))
    straight = low[0] + (high[0] - low[0]) * -low[1] / (high[1] - low[1])
    assert straight == pytest.approx(4734.5, abs=0.5), "sixty prices and a straight line, as it was published"


def test_conventions_change_the_total_as_they_say(spx: QuoteTable) -> None:
    def total(**chosen: object) -> float:
        return exposure(spx.rows, spx.spot, spx.quoted_at, Convention(**chosen)).total.gex  # type: ignore[arg-type]

    percent = total()
    assert total(unit=GammaUnit.POINT) == pytest.approx(percent / spx.spot * 100)
    assert total(unit=GammaUnit.SHARES) == pytest.approx(percent / spx.spot**2 * 100)
    assert total(dealers=Dealers.SHORT_ALL) < -abs(percent)
    calls, modelled = (
        exposure(spx.rows, spx.spot, spx.quoted_at, Convention(gamma=each)).total.call_gex for each in GammaFrom
    )
    assert modelled == pytest.approx(calls, rel=0.1), "the quoted volatilities imply it"


def test_sums_by_strike_and_by_expiry_are_the_total(spx: QuoteTable) -> None:
    found = exposure(spx.rows, spx.spot, spx.quoted_at)
    for name in ("gex", "dex", "vanna", "charm"):
        whole = getattr(found.total, name)
        for table in (found.by_strike, found.by_expiry):
            assert math.fsum(getattr(sums, name) for sums in table.values()) == pytest.approx(whole, rel=1e-9)


# ---- laws


CHAINS = st.lists(
    st.builds(
        row, st.integers(80, 120).map(float), call=st.booleans(), interest=st.integers(0, 5000).map(float),
        iv=st.floats(0.05, 1.0), expiry=st.integers(1, 60).map(lambda n: NOW.date() + timedelta(days=n)),
    ), max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(CHAINS)
def test_gamma_at_the_price_is_the_chains_and_at_the_flip_is_none(rows: list[ListedOption]) -> None:
    model = Convention(gamma=GammaFrom.MODEL)
    total = exposure(rows, 100.0, NOW, model).total
    terms = terms_of(rows, NOW, model)
    assert gamma_at(terms, 100.0) == pytest.approx(total.gex, rel=1e-6, abs=1e-6)
    found = flip(rows, 100.0, NOW, model)
    if found is not None:
        assert 80 <= found <= 120
        most = max(abs(gamma_at(terms, price)) for price in (80.0, 100.0, 120.0))
        assert abs(gamma_at(terms, found)) <= 1e-3 * max(most, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    CHAINS, st.sampled_from([Convention(), Convention(gamma=GammaFrom.MODEL), Convention(dealers=Dealers.SHORT_ALL)])
)
def test_gamma_alone_is_that_of_the_whole_exposure_strike_by_strike(rows: list[ListedOption], read: Convention) -> None:
    quoted = [each._replace(expiry=LATER, gamma=0.01 if each.call else math.nan) for each in rows]
    alone = gamma_by_strike(quoted, 100.0, years_to(LATER, NOW, read.days), read)
    whole = {at: sums.gex for at, sums in exposure(quoted, 100.0, NOW, read).by_strike.items()}
    assert alone == pytest.approx(whole, rel=1e-9, abs=1e-6)


def test_the_nearest_of_several_zeros_counts() -> None:
    assert nearest_zero(lambda price: (price - 97) * (price - 101.5) * (price - 115), 100.0) == pytest.approx(101.5)
    assert nearest_zero(lambda price: price, 100.0) is None


def test_between_strikes_the_flip_is_where_the_running_sum_turns() -> None:
    rows = [row(90, call=False, gamma=0.02), row(100, gamma=0.01), row(110, gamma=0.04)]
    assert flip(rows, 100, NOW, Convention(flip=FlipBy.STRIKES)) == pytest.approx(100 + 10 / 4)


# ---- bad input


def test_what_says_nothing_is_left_out_of_the_sums() -> None:
    nan = math.nan
    bad = [
        *(row(100, interest=none) for none in (nan, -5, math.inf)),
        *(row(100, iv=none) for none in (nan, 0)),
        *(row(none) for none in (nan, 0)),
        row(100, expiry=date(2026, 11, 19)),
    ]
    alone = exposure([row(100)], 100.0, NOW).total
    mixed = exposure([*bad, row(100)], 100.0, NOW)
    assert mixed.total.gex == alone.gex
    assert (mixed.counted, mixed.seen) == (1, 9)
    assert flip(bad, 100.0, NOW, Convention()) is None


@pytest.mark.parametrize("spot", [math.nan, 0.0, -1.0, math.inf])
def test_no_price_no_exposure(spot: float) -> None:
    assert exposure([row(100)], spot, NOW).is_empty
    assert flip([row(100)], spot, NOW, Convention()) is None


def test_an_empty_chain_and_one_strike_have_no_flip() -> None:
    nothing = exposure([], 100.0, NOW)
    assert nothing.is_empty
    assert (nothing.pin, nothing.walls.call, nothing.walls.put) == (None, None, None)
    assert flip([], 100.0, NOW, Convention()) is None
    assert flip([row(100)], 100.0, NOW, Convention()) is None, "a call alone keeps its sign"


def test_a_minute_before_the_close_gamma_is_finite_and_only_at_the_money() -> None:
    at = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
    rows = [row(float(strike), expiry=at.date()) for strike in range(90, 111)]
    found = exposure(rows, 100.0, at)
    assert math.isfinite(found.total.gex)
    assert found.pin == 100
    assert found.by_strike[101].gex == pytest.approx(0, abs=1)
    assert exposure(rows, 100.0, at + timedelta(minutes=1)).is_empty, "at 16:00 it is over"


def test_twenty_thousand_contracts_cost_ten_times_what_two_thousand_do() -> None:
    expiries = [NOW.date() + timedelta(days=n) for n in range(1, 51)]
    strikes = [80 + n * 0.2 for n in range(200)]
    rows = [row(strike, call=side, expiry=day) for day in expiries for strike in strikes for side in (True, False)]
    assert len(rows) == 20_000
    few = rows[::10]  # of every expiry
    assert costs_at_most(30, lambda: exposure(rows, 100.0, NOW), lambda: exposure(few, 100.0, NOW))
    assert costs_at_most(30, lambda: flip(rows, 100.0, NOW, Convention()), lambda: flip(few, 100.0, NOW, Convention()))


# ---- how long an expiry lives


def test_days_are_counted_as_the_convention_says() -> None:
    sunday = datetime(2024, 1, 7, 15, 52, tzinfo=UTC)
    assert business_days(date(2024, 1, 7), date(2024, 1, 12)) == 4
    assert business_days(date(2024, 1, 7), date(2024, 1, 22)) == 10
    assert years_to(date(2024, 1, 12), sunday, DayCount.BUSINESS_262) == 4 / 262
    assert years_to(date(2024, 1, 7), sunday, DayCount.BUSINESS_262) == 1 / 262
    assert years_to(date(2024, 1, 5), sunday, DayCount.BUSINESS_262) == 0
    assert years_to(date(2024, 1, 5), sunday) == 0
    assert years_to(date(2026, 11, 20), NOW) == pytest.approx(6 / 24 / 365)


@given(st.dates(date(2024, 1, 1), date(2025, 1, 1)), st.integers(0, 40))
def test_business_days_are_counted_one_by_one(since: date, more: int) -> None:
    days: Sequence[date] = [since + timedelta(days=n) for n in range(more)]
    assert business_days(since, since + timedelta(days=more)) == sum(day.weekday() < 5 for day in days)
