"""Geometry: axes in round steps, labels apart, every state in its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lifecycles import LIFECYCLES, edges
from bot.domain.machine import Lifecycle
from bot.web.charts import Fill, PathPoint, RungMark, Scale, StopStep, nice_steps, price_chart, time_ticks
from bot.web.diagram import PLACES, draw

START = datetime(2026, 11, 20, 14, 45, tzinfo=UTC)
prices = st.decimals(min_value="0.01", max_value="500", places=2)


@pytest.mark.parametrize("life", LIFECYCLES.values(), ids=list(LIFECYCLES))
def test_every_state_has_a_place_of_its_own(life: Lifecycle) -> None:
    if life.name in PLACES:
        assert set(PLACES[life.name]) == {state.value for state in life.states}
    boxes = draw(life).boxes
    assert {box.state for box in boxes} == {state.value for state in life.states}
    assert len({(box.x, box.y) for box in boxes}) == len(boxes)


def test_a_machine_that_nobody_laid_out_is_drawn_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    life = LIFECYCLES["adoption"]
    monkeypatch.setattr("bot.web.diagram.PLACES", {})
    boxes = draw(life).boxes
    assert len({box.x for box in boxes}) == len(list(life.states))
    assert len({box.y for box in boxes}) == 1


@pytest.mark.parametrize("life", LIFECYCLES.values(), ids=list(LIFECYCLES))
def test_every_edge_is_drawn_or_named_below(life: Lifecycle) -> None:
    drawing = draw(life)
    drawn = {(line.source, line.target): set(line.triggers) for line in drawing.lines}
    for (source, target), triggers in edges(life).items():
        missing = set(triggers) - drawn.get((source, target), set())
        if source != target:
            assert all((trigger, target) in drawing.notes for trigger in missing)


def test_nothing_to_draw_is_no_chart() -> None:
    assert price_chart([], [], [], [], None, None) is None


@given(st.lists(st.tuples(prices, prices), min_size=1, max_size=30), prices, st.booleans())
def test_everything_drawn_lies_inside_the_frame(
    quotes: list[tuple[Decimal, Decimal]], entry: Decimal, stop: bool
) -> None:
    path = [PathPoint(START + timedelta(seconds=15 * i), min(q), max(q)) for i, q in enumerate(quotes)]
    stops = [StopStep(START, entry / 2)] if stop else []
    fills = [Fill(START, entry, 1, "entry")]
    rungs = [RungMark(entry * 2, Decimal(1), done=False)]
    chart = price_chart(path, fills, stops, rungs, entry, START + timedelta(hours=1))
    assert chart is not None
    assert all(chart.top - 1 <= dot.y <= chart.bottom + 1 and chart.left <= dot.x <= chart.right for dot in chart.dots)
    assert all(chart.top - 1 <= tick.at <= chart.bottom + 1 for tick in chart.prices)
    named = sorted([*chart.levels, *([chart.stop_label] if chart.stop_label else [])], key=lambda level: level.y)
    assert all(b.label_y - a.label_y >= 11.9 for a, b in pairwise(named)), "apart, and in the order of their prices"
    assert all(level.label_y <= chart.bottom + 1 for level in named)


@given(st.floats(0.01, 1e5), st.floats(0.02, 1e5))
def test_axis_steps_are_few_and_inside(low: float, width: float) -> None:
    steps = nice_steps(low, low + width, 6)
    assert len(steps) <= 8
    assert all(low - 1e-6 * (low + width) <= step <= (low + width) * (1 + 1e-6) for step in steps)


@given(st.integers(10, 7 * 86400))
def test_time_axis_has_at_most_seven_ticks_in_order(seconds: int) -> None:
    low = START.timestamp()
    ticks = time_ticks(Scale(low, low + seconds, 0, 700))
    assert len(ticks) <= 7
    assert [t.at for t in ticks] == sorted(t.at for t in ticks)


def test_time_axis_is_new_york() -> None:
    low = START.timestamp()
    labels = [t.label for t in time_ticks(Scale(low, low + 1800, 0, 700))]
    assert labels == ["09:45", "09:50", "09:55", "10:00", "10:05", "10:10", "10:15"]


def test_a_far_rung_does_not_squeeze_the_path() -> None:
    quotes = [("4", "4.1"), ("4.2", "4.3")]
    path = [PathPoint(START + timedelta(minutes=i), Decimal(b), Decimal(a)) for i, (b, a) in enumerate(quotes)]
    chart = price_chart(path, [], [], [RungMark(Decimal(40), Decimal(9), done=False)], Decimal(4), None)
    assert chart is not None
    assert [level.kind for level in chart.levels] == ["entry"]
