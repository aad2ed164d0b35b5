"""Which bets of a book are one bet: correlations of the minute returns that the price paths of positions keep.

The tick judges each entry by prices of its own, kept in memory (`bot.risk.correlation`); here the same formula is asked
of the record: the underlying's price beside each sampled quote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.domain.money import from_units
from bot.risk.correlation import Minutes, rho
from bot.store.read.reading import pairs
from bot.store.read.settings import settings_in_force
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.values import parse_time, time_text

LOOKED_BACK: Final = timedelta(hours=1)
_FEWEST: Final = 10


def correlations(connection: Connection, symbols: Iterable[str], now: datetime) -> dict[tuple[str, str], float]:
    """Return the correlation of each pair of underlyings by their names in the order of the alphabet; a pair with too
    few minutes in common (`risk.correlation_min_minutes`) is not there."""
    wanted = sorted(set(symbols))
    if len(wanted) < 2:
        return {}
    minutes, least = minutes_of(connection, wanted, now - LOOKED_BACK), _least(settings_in_force(connection))
    found = {pair: rho(minutes, *pair, least) for pair in combinations(wanted, 2)}
    return {pair: value for pair, value in found.items() if value is not None}


def minutes_of(connection: Connection, symbols: Iterable[str], since: datetime) -> Minutes:
    """Return the last recorded price of each minute since a moment, by underlying."""
    mark, held = POSITION_MARK.c, POSITION.c
    alive = select(held.id, held.symbol).where(
        held.symbol.in_(list(symbols)), held.closed_at.is_(None) | (held.closed_at >= time_text(since))
    )
    symbol_of = pairs(connection, alive)
    paths = select(mark.position_id, mark.at, mark.underlying).where(
        mark.position_id.in_(list(symbol_of)), mark.at >= time_text(since), mark.underlying.is_not(None)
    )
    found: dict[str, dict[int, Decimal]] = {}
    for position_id, at, units in connection.execute(paths.order_by(mark.at)):
        minute = int(parse_time(at).timestamp() // 60)
        found.setdefault(symbol_of[position_id], {})[minute] = from_units(int(units))
    return found


def pair_limit(connection: Connection) -> Decimal | None:
    """Return above which correlation an entry is refused, signed by direction; None before the first settings."""
    try:
        return Decimal(str(settings_in_force(connection).get("risk", {})["max_pair_correlation"]))
    except (KeyError, TypeError, InvalidOperation):
        return None


def _least(settings: Any) -> int:
    try:
        return int(settings["risk"]["correlation_min_minutes"])
    except (KeyError, TypeError, ValueError):
        return _FEWEST
