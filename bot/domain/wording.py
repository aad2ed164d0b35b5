"""Numbers and contracts in words that people read: one way each.

A text that compares two numbers shows as many digits as make the comparison visible: 2.0996 against a limit of 2.10 is
never "2.10 against 2.10". Signs: minus is U+2212, plus is written where it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.domain.instruments import OptionContract, option_of_key
from bot.domain.money import to_cents

Number = Decimal | float | int

MINUS: Final = "−"
NOTHING: Final = "–"
_MOST_DIGITS: Final = 17  # a float has no more; a Decimal that differs later is written in full


def exact(value: Number) -> Decimal:
    """Return a number as a Decimal of the digits that it is written with: two floats keep their order."""
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def digits_apart(value: Number, limit: Number, least: int = 2) -> int:
    """Return how many decimals, at least `least`, show in which order two numbers stand; equal ones need no more."""
    one, other = exact(value), exact(limit)
    digits = least
    while digits < _MOST_DIGITS and one != other and rounded(one, digits) == rounded(other, digits):
        digits += 1
    return digits


def rounded(value: Number, digits: int) -> Decimal:
    """Round half to even; a number without room for these digits stays as it is."""
    number = exact(value)
    if not number.is_finite() or number.adjusted() + digits > _MOST_DIGITS + 9:
        return number
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def compared(value: Number, limit: Number, *, digits: int = 2, plus: bool = False) -> tuple[str, str]:
    """Return both numbers in words with the same decimals, enough to see which is the greater."""
    shown = digits_apart(value, limit, digits)
    return signed(value, shown, plus=plus), signed(limit, shown, plus=plus)


def compared_percent(value: Number, limit: Number, *, digits: int = 2, plus: bool = False) -> tuple[str, str]:
    """The same for two fractions, as percentages: 0.0612 and 0.06 are `6.12 %` and `6.00 %`."""
    one, other = compared(exact(value) * 100, exact(limit) * 100, digits=digits, plus=plus)
    return f"{one} %", f"{other} %"


def nearest_apart(fraction: Number, limits: Sequence[Number], *, digits: int = 1) -> str:
    """Return a fraction as a percentage with enough decimals to see on which side of each limit it lies."""
    percent = exact(fraction) * 100
    shown = max((digits_apart(percent, exact(limit) * 100, digits) for limit in limits), default=digits)
    return f"{signed(percent, shown, plus=False)} %"


def signed(value: Number, digits: int = 2, *, plus: bool = True) -> str:
    """Return a number with its sign; what rounds to zero has none."""
    number = rounded(value, digits)
    sign = MINUS if number < 0 else "+" if plus and number > 0 else ""
    return f"{sign}{abs(number):,.{digits}f}"


def dollars(amount: Decimal | None, *, plus: bool = False) -> str:
    """Return money to the cent: `$1,234.50`, `−$12.30`; with `plus` gains carry their sign. None is an en dash."""
    if amount is None:
        return NOTHING
    cents = to_cents(amount)
    sign = MINUS if cents < 0 else "+" if plus and cents > 0 else ""
    return f"{sign}${abs(cents):,.2f}"


def price(value: Decimal | None) -> str:
    """Return a price a share: cents, or as many as four decimals where it has them."""
    if value is None:
        return NOTHING
    exponent = value.normalize().as_tuple().exponent
    digits = min(max(2, -exponent), 4) if isinstance(exponent, int) else 2
    return signed(value, digits, plus=False)


def contract_words(contract: OptionContract, today: date | None = None) -> str:
    """Return a contract as everybody reads it: `SPY 590C 20 Nov`, with the year when it is not that of `today`.

    The underlying's ticker stands for the root (SPX for SPXW); which class it is, the order's evidence says.
    """
    day = f"{contract.expiry.day} {contract.expiry:%b}"
    year = "" if today is not None and today.year == contract.expiry.year else f" {contract.expiry:%Y}"
    return f"{contract.symbol} {contract.strike.normalize():f}{contract.right.value} {day}{year}"


def key_words(key: str, today: date | None = None) -> str:
    """Return what a key names as people read it; what is no option stays as it is."""
    option = option_of_key(key)
    return key.strip() if option is None else contract_words(option, today)


def new_york(at: datetime, now: datetime | None = None) -> str:
    """Return a time by New York's clock, with the date where it is another day than that of `now`."""
    local = at.astimezone(NEW_YORK)
    if now is not None and now.astimezone(NEW_YORK).date() == local.date():
        return clock_time(at)
    return f"{local.day} {local:%b %Y} {clock_time(at)} New York"


def clock_time(at: datetime) -> str:
    """Return the time of day by New York's clock: `11:42:18`."""
    return f"{at.astimezone(NEW_YORK):%H:%M:%S}"


def clock_minute(at: datetime) -> str:
    """Return the time of day by New York's clock, to the minute: `11:42`."""
    return f"{at.astimezone(NEW_YORK):%H:%M}"


def moment(at: datetime) -> str:
    """Return day and time by New York's clock: `20 Nov 11:42:18`."""
    local = at.astimezone(NEW_YORK)
    return f"{local.day} {local:%b} {clock_time(at)}"
