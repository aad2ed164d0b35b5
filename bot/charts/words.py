"""Values and times of charts as people read them: the same words as everywhere (`bot.domain.wording`)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from bot.charts.chart import Axis, Shown
from bot.domain.wording import dollars, signed

DAY_MS: Final = 86_400_000.0
STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400, 172800, 604800, 1209600, 2419200,
    7257600, 31536000,
)  # fmt: skip


def axis_words(value: float, shown: Shown, digits: int = 0) -> str:
    """Return a tick's label: short, with its unit."""
    match shown:
        case Shown.MONEY | Shown.GAIN:
            sign = "−" if value < 0 else ""
            size = abs(value)
            return (
                f"{sign}${size / 1000:,.{0 if size % 1000 == 0 else 1}f}k" if size >= 10_000 else f"{sign}${size:,.0f}"
            )
        case Shown.PERCENT:
            return f"{signed(value, digits, plus=False)} %"
        case Shown.PRICE:
            return signed(value, max(digits, 2), plus=False)
        case _:
            return signed(value, digits, plus=False)


def value_words(value: float | None, shown: Shown, digits: int = 0) -> str:
    """Return a value of the legend, whole."""
    if value is None:
        return "–"
    match shown:
        case Shown.MONEY:
            return dollars(Decimal(repr(value)))
        case Shown.GAIN:
            return dollars(Decimal(repr(value)), plus=True)
        case _:
            return axis_words(value, shown, digits)


def x_words(x: float, axis: Axis) -> str:
    """Return where the crosshair stands: a time, a day, a number."""
    if axis is Axis.NUMBER:
        return f"{x:g}"
    at = datetime.fromtimestamp(x / 1000, UTC)
    return f"{at.day} {at:%b %Y}" if axis is Axis.DAY else f"{at.day} {at:%b %H:%M:%S}"


def x_ticks(low: float, high: float, axis: Axis, most: int) -> list[tuple[float, str]]:
    """Return at most about `most` round places of the x axis with their labels."""
    if axis is Axis.NUMBER:
        from bot.charts.chart import nice_steps

        return [(value, f"{value:g}") for value in nice_steps(low, high, most)]
    reach = (high - low) / 1000
    least = 86400 if axis is Axis.DAY else 1
    step = next((s for s in STEPS_S if s >= least and reach / s <= most), STEPS_S[-1])
    first = -(-low // (step * 1000)) * step * 1000
    found, at = [], first
    while at <= high:
        found.append((at, _tick_words(at, step)))
        at += step * 1000
    return found


def _tick_words(x: float, step_s: int) -> str:
    at = datetime.fromtimestamp(x / 1000, UTC)
    if step_s >= 86400:
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M:%S}" if step_s < 60 else f"{at:%H:%M}"
