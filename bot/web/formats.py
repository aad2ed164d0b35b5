"""Filters of the templates: times, spans, evidence, numbers as `bot.domain.wording` has them. None is an en dash."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain import wording
from bot.domain.calendar import NEW_YORK, new_york_day
from bot.domain.wording import NOTHING, dollars, price, signed

MINUTE, HOUR, DAY = 60, 3600, 86400


def gain(amount: Decimal | None) -> str:
    """Return dollars with their sign."""
    return dollars(amount, plus=True)


def whole_gain(amount: Decimal | None) -> str:
    """Return whole dollars with their sign and no unit, for dense tables whose head says it."""
    return NOTHING if amount is None else signed(amount, 0)


def whole_dollars_gain(amount: float | None) -> str:
    """Return whole dollars with their sign."""
    if amount is None:
        return NOTHING
    number = signed(amount, 0)
    return f"{number[: -len(number.lstrip('+−'))]}${number.lstrip('+−')}"


def whole_dollars(amount: float | None) -> str:
    """Return whole dollars."""
    return NOTHING if amount is None else f"${amount:,.0f}"


def percent(fraction: Decimal | float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage with its sign: 0.123 is `+12.3 %`."""
    if fraction is None:
        return NOTHING
    return f"{signed(Decimal(str(fraction)) * 100, digits)} %"


def share(fraction: Decimal | float | None) -> str:
    """Return a fraction as a percentage without a sign."""
    return percent(fraction, 0).lstrip("+")


def count(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def clock_time(at: datetime | None) -> str:
    """Return the New York time of day."""
    return NOTHING if at is None else wording.clock_time(at)


def moment(at: datetime | None) -> str:
    """Return date and time in New York."""
    return NOTHING if at is None else wording.moment(at)


def full_time(at: datetime | None) -> str:
    """Return weekday, date and time in New York."""
    return NOTHING if at is None else f"{at.astimezone(NEW_YORK):%a} {wording.new_york(at)}"


def day(value: date | None) -> str:
    """Return weekday and day; of a time, the day that it is in New York."""
    if isinstance(value, datetime):
        value = new_york_day(value)
    return NOTHING if value is None else f"{value:%a} {value.day} {value:%b}"


def span(seconds: float | None) -> str:
    """Return a duration in its two largest units; a negative one counts as none."""
    if seconds is None:
        return NOTHING
    left = max(0.0, seconds)
    if left < 10:
        return f"{left:.1f} s"
    if left < 2 * MINUTE:
        return f"{left:.0f} s"
    if left < HOUR:
        minutes, rest = divmod(round(left), MINUTE)
        return f"{minutes} min {rest:02} s"
    if left < 2 * DAY:
        return f"{left // HOUR:.0f} h {left % HOUR // MINUTE:02.0f} min"
    return f"{left // DAY:.0f} days"


def number(value: float | None, digits: int = 2) -> str:
    return NOTHING if value is None else signed(value, digits, plus=False)


def tone(value: Decimal | float | None) -> str:
    """Return the colour class of a gain or loss."""
    if value is None or value == 0:
        return "flat"
    return "good" if value > 0 else "bad"


def pretty_json(text: str | None) -> str:
    """Return stored JSON indented; text that is not JSON as it is."""
    if not text:
        return ""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def evidence_rows(text: str | None) -> list[tuple[str, str]]:
    """Return the evidence of a transition as (name, value) lines, nested values as `outer.inner`."""
    if not text:
        return []
    try:
        value = json.loads(text)
    except ValueError:
        return [("evidence", text)]
    return list(_flat("", value))


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flat(f"{prefix}.{key}" if prefix else str(key), inner)]
    if isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        return [row for i, inner in enumerate(value) for row in _flat(f"{prefix}[{i}]", inner)]
    if isinstance(value, list):
        return [(prefix, ", ".join(str(inner) for inner in value))]
    return [(prefix, NOTHING if value is None else str(value))]


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "money": dollars,
    "gain": gain,
    "whole_gain": whole_gain,
    "usd": whole_dollars,
    "usd_gain": whole_dollars_gain,
    "price": price,
    "percent": percent,
    "share": share,
    "count_": count,
    "clock": clock_time,
    "full_time": full_time,
    "moment": moment,
    "day": day,
    "span": span,
    "number": number,
    "tone": tone,
    "pretty_json": pretty_json,
    "evidence": evidence_rows,
}
