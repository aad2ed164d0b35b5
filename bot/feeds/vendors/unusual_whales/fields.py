"""How Unusual Whales writes what several of its data sets have: a time under different names, a contract."""

from __future__ import annotations

from datetime import datetime

from bot.domain.instruments import OptionContract, parse_osi
from bot.feeds.tolerant import Malformed, Row, instant, text


def time_of(row: Row, *names: str) -> datetime:
    """Return the first time that a row has under one of these names; raises Malformed where there is none."""
    for name in names:
        at = instant(row, name)
        if at is not None:
            return at
    raise Malformed(f"{names[0]} is missing")


def contract(row: Row, name: str) -> OptionContract:
    """Return the option that an OSI symbol names; raises Malformed for any other text."""
    try:
        return parse_osi(text(row, name))
    except ValueError as error:
        raise Malformed(str(error)) from None
