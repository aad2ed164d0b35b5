"""Which conditions of a strategy hold for which underlying right now, with the numbers: a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from bot.config.ideas.together import StrategiesSettings
from bot.domain.calendar import TradingSession
from bot.engine.state.records import EngineStatus, StrategyStatRow
from bot.strategies.base import OUTSIDE, UNFIT, ConditionSeen, Explained
from bot.strategies.registry import made
from bot.web import formats

INPUTS: Final = "inputs fresh"
FREE: Final = "free to trade"


@dataclass(frozen=True, slots=True)
class ConditionColumn:
    """One underlying: its conditions in the strategy's order, and when they were measured; `old`: its latest look
    measured nothing, so that what stands here is of then and not judged."""

    symbol: str
    conditions: tuple[ConditionSeen, ...]
    measured_at: datetime | None
    old: bool

    @property
    def held(self) -> int:
        return sum(each.holds is True for each in self.conditions)


@dataclass(frozen=True, slots=True)
class ConditionMatrix:
    columns: tuple[ConditionColumn, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(each.words for each in self.columns[0].conditions) if self.columns else ()

    @property
    def nearest(self) -> str:
        """Say how many conditions hold where most of them do: `6 of 7, QQQ`."""
        best = max(self.columns, key=lambda column: column.held, default=None)
        return "–" if best is None else f"{best.held} of {len(best.conditions)}, {best.symbol}"


def strategy_of(name: str, sections: Mapping[str, Any]) -> Explained | None:
    """Return a strategy as the settings in force make it; None where it cannot say what its conditions are, or where
    the settings are those of another version."""
    own = sections.get("scored")
    is_scored = isinstance(own, Mapping) and name in own
    try:
        given = {"scored": {name: own[name]}} if is_scored and own is not None else {name: sections[name]}
        found: object = made(name, StrategiesSettings.model_validate(given))
    except (KeyError, ValidationError):
        return None
    return found if isinstance(found, Explained) else None


def matrix_of(
    strategy: Explained, looks: Sequence[StrategyStatRow], pulse: EngineStatus, *, on: bool
) -> ConditionMatrix:
    """Return the matrix as of the engine's pulse; `on`: no person switched it off."""
    day, opens, closes = pulse.session_day, pulse.session_open_at, pulse.session_close_at
    session = TradingSession(day, opens, closes, is_half_day=False) if day and opens and closes else None
    return ConditionMatrix(tuple(_column(strategy, look, session, pulse.at, on) for look in looks))


def _column(
    strategy: Explained, look: StrategyStatRow, session: TradingSession | None, now: datetime, on: bool
) -> ConditionColumn:
    old = look.seen_at is None or look.seen_at < look.at
    hours, *measured = strategy.conditions(look.seen, session, now)
    if old:
        measured = [replace(each, holds=None, miss="") for each in measured]
    unfit = old and look.last_reason.startswith(UNFIT)
    inputs = _of_the_inputs(look, old, unfit, now)
    kept = "" if not old or unfit or OUTSIDE in look.last_reason else look.last_reason
    is_free = not kept and on
    free = ConditionSeen(FREE, is_free, "yes" if is_free else "", kept or ("" if on else "switched off"))
    return ConditionColumn(look.symbol, (hours, inputs, *measured, free), look.seen_at, old)


def _of_the_inputs(look: StrategyStatRow, old: bool, unfit: bool, now: datetime) -> ConditionSeen:
    if unfit:
        return ConditionSeen(INPUTS, False, "", look.last_reason.removeprefix(UNFIT))
    if old:
        return ConditionSeen(INPUTS, None)
    return ConditionSeen(INPUTS, True, f"{formats.span((now - look.at).total_seconds())} old")
