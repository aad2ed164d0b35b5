"""Prints that are not the market: what one wild quote says in place of the true one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.domain.quotes import Quote

_CENT = Decimal("0.01")


def wild_quote(quote: Quote, does: str, chance: random.Random, now: datetime) -> Quote | None:
    """Return a print that the market does not bear out, None where there is no market to be wild about."""
    if quote.bid is None or quote.ask is None or quote.bid <= 0:
        return None
    width = quote.ask - quote.bid
    if does == "crossed":
        return replace(quote, bid=quote.ask + width + _CENT, at=now)
    if does == "wide":
        return replace(quote, bid=_CENT, ask=quote.ask * 3, at=now)
    factor = Decimal(chance.randint(160, 400)) / 100
    bid = max((quote.bid * factor if does == "up" else quote.bid / factor).quantize(_CENT), _CENT)
    return replace(quote, bid=bid, ask=bid + width, at=now)
