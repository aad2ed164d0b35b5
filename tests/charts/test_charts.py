"""Charts: bounds, thinning, labels that do not touch, and a drawing and a specification that say the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.bundle import LOCK, bundle, write
from bot.charts.chart import Axis, Band, Bars, Chart, Level, LineMark, Mark, Pane, Shown, apart, thinned, wall_ms
from bot.charts.drawing import LABEL, drawing, legend
from bot.charts.picture import png
from bot.charts.vega import DARK, PALETTE, coloured, specification

CSS = Path(__file__).resolve().parents[2] / "bot" / "web" / "static" / "page.css"


def a_chart() -> Chart:
    start = wall_ms(datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    rows = [
        {
            "x": start + n * 60_000,
            "bid": None if n == 5 else 1 + n / 10,
            "ask": None if n == 5 else 1.1 + n / 10,
            "pnl": n - 4.0,
        }
        for n in range(12)
    ]
    prices = Pane(
        "Option, dollars a share", Shown.PRICE, (LineMark("bid", "bid"),), (Band("bid", "ask"),),
        levels=(Level(1.50, "entry 1.50", "ink", dashed=False), Level(1.52, "stop 1.52", "loss")),
        marks=(Mark(start, 1.0, "bought", "bought 2 at 1.00"), Mark(start + 600_000, 2.0, "sold", "sold 2 at 2.00")),
    )  # fmt: skip
    money = Pane("P&L, dollars", Shown.GAIN, (LineMark("pnl", "P&L", "gain", area=True),), height=80)
    return Chart("path", "A path of twelve minutes", Axis.TIME, (prices, money), rows)


def test_new_york_wall_time_is_written_as_if_it_were_utc() -> None:
    at = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert datetime.fromtimestamp(wall_ms(at) / 1000, UTC).strftime("%H:%M") == "09:30"


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    drawn = drawing(a_chart())
    assert drawn is not None
    assert len([s for s in drawn.panes[0].strokes if s.colour == "s1"]) == 2
    assert len([s for s in drawn.panes[0].strokes if s.colour == "band"]) == 2


def test_labels_do_not_touch_and_everything_lies_inside() -> None:
    for width in (760, 340):
        drawn = drawing(a_chart(), width)
        assert drawn is not None
        for pane in drawn.panes:
            places = sorted(label.at for label in pane.labels)
            assert all(b - a >= LABEL - 0.2 for a, b in pairwise(places)), places
            numbers = [float(n) for s in pane.strokes for n in re.findall(r"-?\d+\.?\d*", s.path)]
            assert min(numbers) >= 0
            assert max(numbers) <= max(width, drawn.height)


def test_the_legend_says_the_last_values_with_their_units() -> None:
    assert [(each.label, each.words) for each in legend(a_chart())] == [
        ("", "20 Nov 09:41:00"), ("bid", "2.10"), ("P&L", "+$7.00"),
    ]  # fmt: skip


def test_nothing_to_draw_is_none() -> None:
    assert drawing(Chart("none", "", Axis.TIME, (Pane("", Shown.PRICE),), ())) is None


@given(st.lists(st.floats(0, 100), max_size=12))
def test_values_moved_apart_keep_their_order(values: list[float]) -> None:
    moved = apart(values, 10)
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [moved[i] for i in order] == sorted(moved)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=4000))
def test_thinning_keeps_ends_and_extremes(values: list[float]) -> None:
    rows = [{"x": float(i), "v": v} for i, v in enumerate(values)]
    kept = thinned(rows, "v", 100)
    assert len(kept) <= max(100, 2)
    assert (kept[0], kept[-1]) == (rows[0], rows[-1])
    seen = [row["v"] or 0.0 for row in kept]
    assert (min(seen), max(seen)) == (min(values), max(values))


def test_the_specification_names_data_fields_and_tokens_that_there_are() -> None:
    spec = specification(a_chart())
    assert len(spec["vconcat"]) == 2
    text = json.dumps(spec)
    used = set(re.findall(r'"\$([a-z0-9-]+)"', text))
    assert used <= set(PALETTE), used - set(PALETTE)
    assert "$" not in json.dumps(coloured(spec)).replace("$,", "")
    assert len(spec["datasets"]["rows"]) == 12


def test_pictures_have_the_colours_of_the_page() -> None:
    light, _, dark = CSS.read_text().partition("@media (prefers-color-scheme: dark)")
    for palette, sheet in ((PALETTE, light), (DARK, dark)):
        for name, colour in palette.items():
            assert f"--{name}: {colour};" in sheet, name
    assert DARK.keys() == PALETTE.keys()


def test_bars_stand_on_zero() -> None:
    rows = [{"x": 580.0 + n, "gex": float(n - 3)} for n in range(7)]
    spot = Level(583.4, "spot", "ink", across=False)
    chart = Chart(
        "gex", "", Axis.NUMBER, (Pane("GEX", Shown.NUMBER, bars=(Bars("gex", "GEX"),), levels=(spot,)),), rows
    )
    drawn = drawing(chart)
    assert drawn is not None
    assert {s.colour for s in drawn.panes[0].strokes} == {"s1", "s2"}
    assert [u.words for u in drawn.panes[0].uprights] == ["spot"]


def test_a_bundle_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert bundle(tmp_path) is None
    (tmp_path / "manifest.json").write_text('{"file": "vega-1.js", "version": "1", "integrity": "x"}')
    assert bundle(tmp_path) is None, "a manifest without its file"


@pytest.mark.slow
def test_the_bundle_is_the_locked_one_and_draws(tmp_path: Path) -> None:
    made = write(tmp_path, LOCK.read_text().strip())
    assert bundle(tmp_path) == made
    with pytest.raises(ValueError, match=r"vega\.lock"):
        write(tmp_path, "0" * 64)
    picture = png(a_chart())
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(picture) > 5000
