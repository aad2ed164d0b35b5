"""What was stated of the future against what came, by kind and by who stated it: for page, command line and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from bot.analytics.calibration import MovesCalibrated, Reliability, moves_calibrated, reliability
from bot.domain.forecast import ForecastKind
from bot.store.bounded import bounded
from bot.store.read.reading import columns_of, read
from bot.store.tables.forecast import FORECAST
from bot.store.values import time_text


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One forecast as it stands; `outcome` and `settled_at` None: it is open."""

    id: str
    kind: str
    stated_by: str
    symbol: str
    subject: str
    stated: float
    at: datetime
    facts: Mapping[str, Any]
    outcome: float | None
    settled_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One kind of forecast by one strategy or measure: `open` are not settled yet, of `void` nothing can be said;
    `reliability` of a probability, `moves` of a size, None before the first that was settled."""

    kind: ForecastKind
    stated_by: str
    open: int
    void: int
    reliability: Reliability | None
    moves: MovesCalibrated | None

    @property
    def count(self) -> int:
        """How many were settled."""
        found = self.reliability or self.moves
        return found.count if found is not None else 0


_F = FORECAST.c


def calibrations(connection: Connection, since: datetime | None = None) -> list[Calibrated]:
    """Return how good each kind of forecast was, by kind and name; `since`: only those stated then or later."""
    query = select(_F.kind, bounded(_F.stated_by), _F.stated, _F.outcome, _F.settled_at)
    if since is not None:
        query = query.where(_F.at >= time_text(since))
    groups: dict[tuple[str, str], list[tuple[float, float | None, bool]]] = {}
    for kind, by, stated, outcome, settled in connection.execute(query):
        groups.setdefault((kind, by), []).append((stated, outcome, settled is not None))
    return [_calibrated(ForecastKind(kind), by, rows) for (kind, by), rows in sorted(groups.items())]


def latest_forecasts(connection: Connection, most: int) -> list[ForecastRow]:
    """Return the forecasts that were stated last, the newest first."""
    query = columns_of(ForecastRow, FORECAST).order_by(_F.at.desc(), _F.id).limit(most)
    return read(connection, ForecastRow, query)


def forecasts_kept(connection: Connection) -> int:
    """Return how many forecasts there are."""
    return int(connection.execute(select(func.count()).select_from(FORECAST)).scalar() or 0)


def _calibrated(kind: ForecastKind, by: str, rows: list[tuple[float, float | None, bool]]) -> Calibrated:
    settled = [(stated, outcome) for stated, outcome, _ in rows if outcome is not None]
    void = sum(outcome is None and is_settled for _, outcome, is_settled in rows)
    return Calibrated(
        kind, by, sum(not is_settled for _, _, is_settled in rows), void,
        reliability(settled) if kind.is_probability else None,
        None if kind.is_probability else moves_calibrated([outcome for _, outcome in settled]),
    )  # fmt: skip
