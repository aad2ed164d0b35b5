"""The vendors that have manners of their own: a room each, named in this table. All others are plain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.feeds.vendors.manners import PLAIN, Manners


def _unusual_whales() -> Manners:
    from bot.feeds.vendors.unusual_whales.manners import UNUSUAL_WHALES

    return UNUSUAL_WHALES


VENDORS: Final[Mapping[str, Callable[[], Manners]]] = {
    "plain": lambda: PLAIN,
    "unusual_whales": _unusual_whales,
}


def manners_of(name: str) -> Manners:
    """Return a vendor's manners; raises KeyError for a name that the table does not have."""
    return VENDORS[name]()
