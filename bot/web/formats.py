"""Numbers and times as people read them: signs, thousands separators, New York time. None becomes an en dash."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain.calendar import NEW_YORK
from bot.domain.instruments import option_of_key

NOTHING: Final = "–"
MINUS: Final = "−"
MINUTE, HOUR, DAY = 60, 3600, 86400


def _sign(amount: Decimal, *, plus: bool) -> str:
    if amount < 0:
        return MINUS
    return "+" if plus and amount > 0 else ""


def money(amount: Decimal | None, *, plus: bool = False) -> str:
    """Return dollars to the cent: `$1,234.50`, `−$12.30`; with `plus` gains carry their sign."""
    if amount is None:
        return NOTHING
    cents = round(amount, 2)
    return f"{_sign(cents, plus=plus)}${abs(cents):,.2f}"


def gain(amount: Decimal | None) -> str:
    """Return dollars with their sign."""
    return money(amount, plus=True)


def price(value: Decimal | None) -> str:
    """Return a price per share: cents, or as many as four decimals where it has them."""
    if value is None:
        return NOTHING
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{_sign(value, plus=False)}{abs(value):,.{min(decimals, 4)}f}"


def percent(fraction: Decimal | float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage with its sign: 0.123 is `+12.3 %`."""
    if fraction is None:
        return NOTHING
    value = Decimal(str(fraction)) * 100
    return f"{_sign(round(value, digits), plus=True)}{abs(value):,.{digits}f} %"


def share(fraction: Decimal | float | None) -> str:
    """Return a fraction as a percentage without a sign."""
    return percent(fraction, 0).lstrip("+")


def count(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def clock_time(at: datetime | None) -> str:
    """Return the New York time of day."""
    return NOTHING if at is None else f"{at.astimezone(NEW_YORK):%H:%M:%S}"


def full_time(at: datetime | None) -> str:
    """Return weekday, date and time in New York."""
    return NOTHING if at is None else f"{at.astimezone(NEW_YORK):%a %d %b %Y %H:%M:%S} ET"


def day(value: date | None) -> str:
    return NOTHING if value is None else f"{value:%a %d %b}"


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


def contract(key: str | None) -> str:
    """Return an instrument's key as a desk says it: `SPX 5900 C 20 Nov`; what is no option stays as it is."""
    if not key:
        return NOTHING
    option = option_of_key(key)
    if option is None:
        return key
    return f"{option.symbol} {option.strike:f} {option.right.value} {option.expiry:%d %b}"


def number(value: float | None, digits: int = 2) -> str:
    return NOTHING if value is None else f"{MINUS if value < 0 else ''}{abs(value):,.{digits}f}"


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
    "money": money,
    "gain": gain,
    "price": price,
    "percent": percent,
    "share": share,
    "count_": count,
    "clock": clock_time,
    "full_time": full_time,
    "day": day,
    "span": span,
    "contract": contract,
    "number": number,
    "tone": tone,
    "pretty_json": pretty_json,
    "evidence": evidence_rows,
}
