"""Dealers' gamma as a chart: by strike around the price, and the whole chain's re-priced over the price."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from bot.analytics.exposure import ChainExposure
from bot.charts.chart import Axis, Bars, Chart, Level, LineMark, Pane, Row, Shown

NEAR: Final = 0.08
"""Strikes further from the price than this are not drawn; they are in every sum."""


def gamma_chart(
    name: str, found: ChainExposure, flip: float | None, profile: Sequence[tuple[float, float]], unit: str
) -> Chart:
    """Return the chart of a chain; amounts in millions of `unit` ("$ for a move of 1 %")."""
    low, high = found.spot * (1 - NEAR), found.spot * (1 + NEAR)
    by_strike = {strike: sums.gex / 1e6 for strike, sums in found.by_strike.items() if low <= strike <= high}
    drawn_at = sorted(by_strike.keys() | {price for price, _ in profile if low <= price <= high})
    rows: list[Row] = [{"x": x, "gex": by_strike.get(x), "repriced": _between(profile, x)} for x in drawn_at]
    levels = _levels(found, flip, low, high)
    total = f"{found.total.gex / 1e9:+,.2f} billion {unit}"
    turns = f", which turns its sign at {flip:,.1f}" if flip is not None else ", which keeps its sign nearby"
    panes = [
        Pane(f"GEX by strike, millions of {unit}", Shown.NUMBER, bars=(Bars("gex", "GEX"),), levels=levels, height=260),
        Pane(
            f"GEX of the whole chain by price, millions of {unit}", Shown.NUMBER,
            lines=(LineMark("repriced", "re-priced", "s3"),), levels=levels[:2], height=160, zero=True,
        ),
    ]  # fmt: skip
    drawn = panes if profile else panes[:1]
    return Chart("gamma", f"{name}: dealers' gamma is {total}{turns}.", Axis.NUMBER, drawn, rows)


def _between(profile: Sequence[tuple[float, float]], price: float) -> float | None:
    """Return the re-priced gamma in millions at a price, on a straight line between those around it."""
    for (low, before), (high, after) in pairwise(profile):
        if low <= price <= high:
            return (before + (after - before) * (price - low) / (high - low)) / 1e6
    return None


def _levels(found: ChainExposure, flip: float | None, low: float, high: float) -> list[Level]:
    walls = found.walls
    named = (
        ("spot", found.spot, "s3", False), ("flip", flip, "s2", True), ("pin", found.pin, "s1", True),
        ("call wall", walls.call, "s1", True), ("put wall", walls.put, "s2", True),
    )  # fmt: skip
    return [
        Level(value, f"{label} {value:,.1f}", colour, dashed, across=False)
        for label, value, colour, dashed in named
        if value is not None and low <= value <= high
    ]
