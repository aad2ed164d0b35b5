"""Max pain against its definition, and pin risk: what it says where the answer is plain, and where it says nothing."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.chain_report import unusual_rows
from bot.analytics.exposure import Convention, ListedOption
from bot.analytics.pinning import BLOCKS_ABOVE, max_pain, pin_risk

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def row(strike: float, interest: float, *, call: bool = True, iv: float = 0.2, gamma: float = math.nan) -> ListedOption:
    return ListedOption(TODAY, strike, call, interest, iv, math.nan, gamma, 0)


CHAINS = st.lists(
    st.builds(row, st.integers(90, 110).map(float), st.integers(0, 50).map(float), call=st.booleans()), max_size=20
)


@settings(max_examples=50)
@given(CHAINS)
def test_max_pain_pays_out_least(rows: list[ListedOption]) -> None:
    def paid(at: float) -> float:
        return sum(r.open_interest * max(0.0, at - r.strike if r.call else r.strike - at) for r in rows)

    held = sorted({r.strike for r in rows if r.open_interest > 0})
    assert max_pain(rows) == (min(held, key=lambda at: (paid(at), at)) if held else None)


def test_without_dealers_pin_risk_is_the_plain_probability() -> None:
    rows = [row(99, 0), row(100, 50, call=False), row(100, 50), row(101, 0)]
    found = pin_risk(rows, 100.0, NOW, Convention())
    assert found is not None
    assert (found.strike, found.half, found.concentration) == (100, 0.5, 0.0), "calls and puts of a strike offset"
    width = 0.2 * math.sqrt(1 / 24 / 365)
    high, low = (0.5 * math.erfc(-math.log(at / 100) / width / math.sqrt(2)) for at in (100.5, 99.5))
    assert found.probability == pytest.approx(high - low)


def test_the_more_damping_gamma_sits_there_the_likelier_it_ends_there() -> None:
    def risk(interest: float) -> float:
        wide = [row(99, 0), row(100, interest), row(100, 5, call=False), row(102, 300), row(101, 0)]
        rows = [each._replace(iv=1.0) for each in wide]
        found = pin_risk(rows, 100.3, NOW.replace(hour=15), Convention())
        assert found is not None
        return found.probability

    assert risk(10) < risk(100) < risk(5000)
    assert risk(5000) > BLOCKS_ABOVE


@settings(max_examples=50)
@given(CHAINS, st.floats(85, 115))
def test_it_is_a_probability(rows: list[ListedOption], spot: float) -> None:
    found = pin_risk(rows, spot, NOW, Convention())
    assert found is None or 0 <= found.probability <= 1


def test_where_nothing_is_known_it_says_nothing() -> None:
    ask = Convention()
    assert pin_risk([], 100, NOW, ask) is None
    assert pin_risk([row(100, 5)], 100, NOW, ask) is None, "one strike"
    assert pin_risk([row(100, 5, iv=0), row(101, 5, iv=math.nan)], 100, NOW, ask) is None, "no volatility"
    assert pin_risk([row(100, 5), row(101, 5)], math.nan, NOW, ask) is None
    assert pin_risk([row(100, 5), row(101, 5)], 100, NOW.replace(hour=21), ask) is None, "it is over"


def test_unusual_traded_more_than_twice_what_is_open() -> None:
    def traded(strike: float, interest: float, volume: float) -> ListedOption:
        return row(strike, interest)._replace(volume=volume)

    rows = [
        traded(100, 10, 20),
        traded(101, 10, 21),
        traded(102, 0, 7),
        traded(103, math.nan, 5),
        traded(104, 5, math.nan),
    ]
    assert [r.strike for r in unusual_rows(rows)] == [102, 103, 101]
    assert len(unusual_rows([traded(100 + n, 1, 100 + n) for n in range(30)])) == 10
