"""What strategies measured last at each underlying, and dealer gamma by strike as the vendor told it last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.domain.money import from_units
from bot.store.bounded import bounded
from bot.store.read.settings import settings_in_force
from bot.store.tables.gamma_profile import GAMMA_PROFILE
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.values import maybe_parse_time, parse_json, parse_time


@dataclass(frozen=True, slots=True)
class Sight:
    """One underlying as a strategy saw it: `seen` is what it measured at `seen_at`, `last_reason` why there was no
    signal at `at`. Its limits are fractions (pin) and a share of the book (lean), None where none are set."""

    symbol: str
    strategy: str
    last_reason: str
    at: datetime
    seen: Mapping[str, Any]
    seen_at: datetime | None
    pin_limit: Decimal | None
    lean_limit: Decimal | None

    def number(self, name: str) -> Decimal | None:
        """Return a measured number, None where it was not measured."""
        try:
            value = self.seen.get(name)
            return None if value is None else Decimal(str(value))
        except InvalidOperation:
            return None


_GAMMA: Final = "max_gamma_strike"
"""What a look has seen that measured gamma."""


@dataclass(frozen=True, slots=True)
class GammaRow:
    """Dealer gamma of one underlying: (strike, net gamma in dollars per 1 % move), `price` its own in these rows."""

    symbol: str
    at: datetime
    price: Decimal
    strikes: Sequence[tuple[float, float]]


def sights(connection: Connection, day: date) -> list[Sight]:
    """Return what a strategy saw of each underlying on a New York day, by its name: of several that look at one, of the
    one that measured gamma."""
    table = STRATEGY_STAT.c
    query = select(
        table.symbol, table.strategy, bounded(table.last_reason), table.at, bounded(table.seen), table.seen_at
    )
    rows = connection.execute(query.where(table.day == day.isoformat()).order_by(table.symbol, table.strategy))
    limits = settings_in_force(connection).get("strategies", {})
    found: dict[str, Sight] = {}
    for row in rows:
        sight = _sight(row, limits)
        known = found.get(sight.symbol)
        if known is None or (_GAMMA in sight.seen and _GAMMA not in known.seen):
            found[sight.symbol] = sight
    return list(found.values())


def gamma_of(connection: Connection, symbol: str) -> GammaRow | None:
    """Return an underlying's gamma by strike, None before the vendor's first answer."""
    table = GAMMA_PROFILE.c
    query = select(table.symbol, table.at, table.price, bounded(table.strikes)).where(table.symbol == symbol)
    row = connection.execute(query).first()
    if row is None:
        return None
    strikes = [(float(strike), float(net)) for strike, net in parse_json(row[3]) or ()]
    return GammaRow(row[0], parse_time(row[1]), from_units(int(row[2])), strikes)


def _sight(row: Any, limits: Any) -> Sight:
    own = limits.get(row[1], {}) if isinstance(limits, dict) else {}
    return Sight(
        row[0], row[1], row[2], parse_time(row[3]), parse_json(row[4]) or {}, maybe_parse_time(row[5]),
        _fraction(own, "pin_distance"), _fraction(own, "min_imbalance"),
    )  # fmt: skip


def _fraction(settings: Any, name: str) -> Decimal | None:
    try:
        return Decimal(str(settings[name]))
    except (KeyError, TypeError, InvalidOperation):
        return None
