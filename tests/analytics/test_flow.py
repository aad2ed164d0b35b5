"""Momentum of option flow on hand-made and recorded minutes, and the divergence of those who file from the crowd."""

from __future__ import annotations

import csv
import gzip
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.flow import crowd_lean, divergence, lean_of, momentum, smart_lean, trend
from bot.domain.data.flow import NetPremiumTick
from bot.domain.data.people import CongressTrade, Dealing, InsiderTrade

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def minute(number: int, calls: float, puts: float = 0.0) -> NetPremiumTick:
    return NetPremiumTick(OPEN + timedelta(minutes=number), calls, puts, 0, 0, 0.0)


def after(minutes: int) -> datetime:
    return OPEN + timedelta(minutes=minutes)


def test_change_is_what_was_bought_in_the_window_and_acceleration_what_that_changed() -> None:
    ticks = [minute(n, 1.0) for n in range(5)] + [minute(n, 3.0, 1.0) for n in range(5, 10)]
    found = momentum(ticks, after(10))
    assert set(found) == {5}
    assert (found[5].change, found[5].acceleration) == (10.0, 5.0)


def test_a_window_that_has_no_window_before_it_does_not_accelerate() -> None:
    found = momentum([minute(n, 2.0) for n in range(20)], after(20))
    assert set(found) == {5, 15}
    assert found[15].change == 30.0
    assert found[15].acceleration is None


def test_nothing_is_told_of_no_minutes_and_of_none_that_are_numbers() -> None:
    assert momentum([], after(10)) == {}
    assert momentum([minute(n, math.nan) for n in range(10)], after(10)) == {}
    assert momentum([minute(30, 5.0)], after(10)) == {}, "what comes later is not known yet"


def test_recorded_minutes_change_as_their_running_total_says(shared_data: Path) -> None:
    file = shared_data / "unusual-whales-samples" / "net_prem_ticks_2025-01-23.csv.gz"
    if not file.is_file():
        pytest.skip(f"the recorded minutes are not here: {file} is absent")
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = [row for row in csv.DictReader(text) if row["ticker"] == "AMD"]
    calls, puts = ([float(row[f"cumsum_net_{side}_prem_in_mil"]) for row in rows] for side in ("call", "put"))
    ticks = [
        minute(n, calls[n] - (calls[n - 1] if n else 0), puts[n] - (puts[n - 1] if n else 0)) for n in range(len(rows))
    ]
    net = [call - put for call, put in zip(calls, puts, strict=True)]
    found = momentum(ticks, after(len(rows)))
    for window in (5, 15, 60):
        assert found[window].change == pytest.approx(net[-1] - net[-1 - window])
        before = net[-1 - window] - net[-1 - 2 * window]
        assert found[window].acceleration == pytest.approx(found[window].change - before)


def test_the_trend_of_three_days_is_their_slope() -> None:
    days = [date(2026, 11, n) for n in (17, 18, 19, 20)]
    assert trend(list(zip(days, [99.0, 1.0, 2.0, 3.0], strict=True))) == pytest.approx(0.5)
    assert trend([(days[0], 1.0), (days[1], 2.0)]) is None
    assert trend([(day, 0.0) for day in days]) is None


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_a_lean_is_a_share_with_an_error(signed: list[float]) -> None:
    found = lean_of(signed, 3)
    if found is not None:
        assert -1.000001 <= found.share <= 1.000001
        assert 0 < found.error < 1


def test_ten_equal_buyers_are_a_proportions_error() -> None:
    found = lean_of([1.0] * 8 + [-1.0] * 2, 3)
    assert found is not None
    assert found.share == pytest.approx(0.6)
    assert found.error == pytest.approx(math.sqrt((1 - 0.5**2) / 12))


def congress(dealing: Dealing, least: str = "15001", most: str | None = "50000", filed: int = 5) -> CongressTrade:
    top = None if most is None else Decimal(most)
    return CongressTrade(
        "A", "house", "NVDA", dealing, Decimal(least), top, None, TODAY - timedelta(days=filed), "self", ""
    )


def insider(owner: str, shares: int, code: str = "P", *, planned: bool = False) -> InsiderTrade:
    day = TODAY - timedelta(days=3)
    return InsiderTrade(
        owner, owner, "CEO", "NVDA", code, shares, Decimal(100), day, day, planned, False, True, False, None, 1
    )


def test_who_files_against_the_flow_diverges() -> None:
    buys = [congress(Dealing.BUY) for _ in range(6)]
    smart = smart_lean(buys, [insider("A", 500), insider("B", 400)], "NVDA", TODAY)
    crowd = crowd_lean([minute(n, -10.0 + n % 3, 5.0) for n in range(60)])
    assert smart is not None
    assert crowd is not None
    found = divergence(smart, crowd)
    assert found.z > 2
    assert found.is_told
    assert divergence(crowd, smart).z == pytest.approx(-found.z)
    assert divergence(smart, smart).z == 0


def test_what_is_not_filed_yet_old_planned_or_no_purchase_counts_nothing() -> None:
    old, early = congress(Dealing.BUY, filed=31), congress(Dealing.BUY, filed=-1)
    others = [insider("A", 500, planned=True), insider("B", 500, "M")]
    assert smart_lean([old, early, congress(Dealing.EXCHANGE)], others, "NVDA", TODAY) is None
    assert smart_lean([congress(Dealing.BUY)] * 3, [], "AAPL", TODAY) is None
    assert crowd_lean([minute(n, 1.0) for n in range(5)]) is None
