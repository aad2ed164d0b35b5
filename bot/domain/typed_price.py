"""A price that a person typed: read in one way only, and compared with what was seen.

Decimal and thousands signs differ by country: "1,234.50", "1.234,50", "1 234,50" and "2,10" are each something else
somewhere. What can be read in two ways is refused with what was understood, never guessed. One rule for page, command
line and engine.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_LONGEST: Final = 24
_TOO_MUCH: Final = Decimal(1_000_000)
_PLAIN: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_GROUPED: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}", re.ASCII)
_SIGNS: Final = re.compile(r"[0-9][0-9.,'’_\s\u00a0\u202f\u2009]*", re.ASCII)
_HOW: Final = "write it with a point and without thousands signs, 5950.25 say"


class PriceUnclear(ValueError):
    """A typed price that is none, or that can be read in more than one way; the text says what was understood."""


def price_of(typed: str) -> Decimal:
    """Return a typed price in dollars, larger than zero and below a million; raises PriceUnclear."""
    text = typed.strip().removeprefix("$").strip()
    shown = repr(typed[:_LONGEST])
    if len(text) > _LONGEST or not text:
        raise PriceUnclear(f"{shown} is no price: {_HOW}")
    if _PLAIN.fullmatch(text) and not _GROUPED.fullmatch(text):
        price = Decimal(text)
        if not 0 < price < _TOO_MUCH:
            raise PriceUnclear(f"{shown} is no price: a price is larger than zero and below {_TOO_MUCH:,}")
        return price
    readings = _readings(text)
    if readings:
        raise PriceUnclear(f"{shown} could be {' or '.join(readings)}: {_HOW}")
    raise PriceUnclear(f"{shown} is no price: {_HOW}")


def _readings(text: str) -> list[str]:
    """Return the plain forms that a text with foreign signs may stand for; empty for what is no number at all."""
    if not _SIGNS.fullmatch(text):
        return []
    digits = re.sub(r"[^0-9]", "", text)
    whole = digits.lstrip("0") or "0"
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return [whole]
    after = re.sub(r"[^0-9]", "", text[last:])
    before = re.sub(r"[^0-9]", "", text[:last]).lstrip("0") or "0"
    found = [f"{before}.{after}"] if after else [before]
    return found if len(set(re.findall(r"[.,]", text))) == 2 else [*found, whole]


def is_far(told: Decimal, seen: Decimal, most: Decimal) -> bool:
    """Say whether a told price differs from what was seen by more than the part `most` of it."""
    return seen > 0 and abs(told - seen) > seen * most
