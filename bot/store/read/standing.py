"""Where the bot stands: since when it runs, what the settings in force allow, and how much premium is out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, func, select

from bot.domain.money import ZERO
from bot.store.read.settings import settings_in_force
from bot.store.read.trading import PositionRow
from bot.store.tables.transition import TRANSITION
from bot.store.values import parse_time


@dataclass(frozen=True, slots=True)
class PremiumHeld:
    """What was paid for the contracts that are left, in dollars: all that they can lose. `part` of the equity and the
    `limit` as fractions (one position's budget times how many there may be); None where equity or settings are not
    known."""

    dollars: Decimal
    part: Decimal | None
    limit: Decimal | None

    @property
    def share(self) -> float | None:
        """How much of the limit is used: 1 at the limit."""
        return float(self.part / self.limit) if self.part is not None and self.limit else None


def running_since(connection: Connection) -> datetime | None:
    """Return when the bot last started, by its clock."""
    step = TRANSITION.c
    started = select(func.max(step.seq)).where(step.machine == "session", step.trigger == "restart")
    first_ever = select(func.min(step.seq)).where(step.machine == "session")
    found = connection.execute(started).scalar() or connection.execute(first_ever).scalar()
    at = connection.execute(select(step.event_at).where(step.seq == found)).scalar() if found else None
    return None if at is None else parse_time(str(at))


def premium_held(connection: Connection, equity: Decimal | None, held: Sequence[PositionRow]) -> PremiumHeld:
    """Return the premium of what is held now."""
    paid = sum((row.entry_price * row.quantity * row.multiplier for row in held), ZERO)
    return PremiumHeld(paid, paid / equity if equity else None, _budget(settings_in_force(connection)))


def _budget(settings: Mapping[str, Any]) -> Decimal | None:
    risk = settings.get("risk", {})
    try:
        return Decimal(str(risk["max_premium_fraction"])) * int(risk["max_positions"])
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return None
