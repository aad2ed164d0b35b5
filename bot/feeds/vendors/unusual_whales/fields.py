"""How Unusual Whales writes what several of its data sets have: a time under different names, a contract."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from bot.domain.instruments import OptionContract, parse_osi
from bot.feeds.tolerant import Malformed, Row, day, flag, instant, need_decimal, text


def time_of(row: Row, *names: str) -> datetime:
    """Return the first time that a row has under one of these names; raises Malformed where there is none."""
    for name in names:
        at = instant(row, name)
        if at is not None:
            return at
    raise Malformed(f"{names[0]} is missing")


def strike_of(row: Row) -> Decimal:
    """Return a strike as it is written everywhere: 600.0 becomes 600, and adding 0 keeps it from being 6E+2."""
    return _plain(need_decimal(row, "strike"))


@lru_cache(maxsize=2048)
def _plain(strike: Decimal) -> Decimal:
    """Return one object for all rows of a strike; it stands in a dozen data sets."""
    return strike.normalize() + 0


def day_if_there(row: Row, name: str) -> date | None:
    """Return a day of a field that only some of a data set's answers have."""
    return day(row, name) if name in row else None


def was_cancelled(row: Row) -> bool:
    """Say whether a trade was taken back: such a one is none. Raises Malformed for a word that is no yes or no."""
    return flag(row, "canceled")


def contract(row: Row, name: str) -> OptionContract:
    """Return the option that an OSI symbol names; raises Malformed for any other text."""
    try:
        return parse_osi(text(row, name))
    except ValueError as error:
        raise Malformed(str(error)) from None
