"""One print is not a market: what a second look bears out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.looks import APART, Looks
from bot.domain.quotes import Quote

TEN = datetime(2026, 11, 20, 15, tzinfo=UTC)
LOOK = timedelta(seconds=1)
MS = timedelta(milliseconds=1)


def looks(*seen: tuple[int, str | None]) -> Looks:
    """Bids by the milliseconds at which they came; None is a quote that crosses."""
    found = Looks()
    for at, bid in seen:
        price = Decimal(bid or "9.00")
        ask = price + Decimal("0.02") if bid else price - 1
        found.take(Quote(price, ask, 5, 5, None, TEN + at * MS))
    return found


@pytest.mark.parametrize(
    "seen, at, highest, lowest",
    [
        pytest.param([(0, "2.00")], 0, None, None, id="the first print of all"),
        pytest.param([(0, "2.00")], 999, None, None, id="it does not stand for long enough yet"),
        pytest.param([(0, "2.00")], 1000, "2.00", "2.00", id="it stands"),
        pytest.param([(0, "2.00"), (5000, "3.00")], 5500, "2.00", "3.00", id="a new high, looked at once"),
        pytest.param([(0, "2.00"), (5000, "3.00")], 6000, "3.00", "3.00", id="a new high that stands"),
        pytest.param([(0, "2.00"), (5000, "3.00"), (5010, "3.00")], 5100, "2.00", "3.00", id="its size comes after it"),
        pytest.param([(0, "2.00"), (5000, "3.00"), (5250, "3.05")], 5250, "3.00", "3.05", id="two quotes apart"),
        pytest.param([(0, "2.00"), (5000, "3.00"), (5300, "2.01")], 9000, "2.01", "2.01", id="a spike"),
        pytest.param([(0, "2.00"), (5000, "0.10"), (5200, "2.01")], 5300, "0.10", "2.01", id="a spike downwards"),
        pytest.param([(0, "2.00"), (5000, None)], 9000, None, "2.00", id="it crosses and stands"),
        pytest.param([(0, "2.00"), (5000, None), (5100, "1.00")], 5200, None, "2.00", id="it crosses on its way down"),
        pytest.param([(0, "2.00"), (5000, None), (5100, "1.00")], 6200, "1.00", "1.00", id="it crossed a while ago"),
    ],
)
def test_what_is_seen_of_bids(
    seen: list[tuple[int, str | None]], at: int, highest: str | None, lowest: str | None
) -> None:
    found, now = looks(*seen), TEN + at * MS
    assert found.highest(now, LOOK) == (Decimal(highest) if highest else None)
    assert found.lowest(now, LOOK) == (Decimal(lowest) if lowest else None)


BIDS = st.lists(st.tuples(st.integers(1, 800), st.one_of(st.none(), st.integers(10, 900))), min_size=1, max_size=60)


@given(BIDS, st.integers(0, 3000), st.integers(1, 10_000))
def test_a_price_in_force_for_less_than_a_look_and_in_one_quote_alone_counts_for_nothing(
    steps: list[tuple[int, int | None]], later: int, look_ms: int
) -> None:
    at, seen = 0, []
    for wait, cents in steps:
        at += wait
        seen.append((at, str(Decimal(cents) / 100) if cents else None))
    now, look = TEN + (at + later) * MS, timedelta(milliseconds=look_ms)
    found = looks(*seen).highest(now, look)
    if found is None:
        return
    ends = [*(at for at, _ in seen[1:]), at + later]
    spans = [(begin, end, Decimal(bid) if bid else None) for (begin, bid), end in zip(seen, ends, strict=True)]
    ranges = [(at + later - look_ms, at + later), (at - APART / MS, at)]
    held = [
        all(bid is not None and bid >= found for begin, end, bid in spans if end > since or begin == at)
        and seen[0][0] <= since
        for since, _ in ranges
    ]
    assert any(held), "no span of time bears it out"
