"""Scored strategies: rows of expression, weight and words over what is measured; a signal from a score on.

Each row is a condition that adds its weight while it holds; `score` is the one that must hold. The score is the
confidence of the signal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from bot.config.ideas.scored import ExpiryRuleName, ScoredSettings, ScoreRowSettings, StrikeRuleName
from bot.domain.expressions import WORD, read_expression
from bot.domain.instruments import Right
from bot.domain.score_names import UNITS
from bot.strategies.conditions import UNJUDGED, Checked, Condition, Scene, Seen, directed, number
from bot.strategies.contracts import (
    ContractChoice,
    ExpiryRule,
    StrikeRule,
    at_the_money,
    days_out,
    first_out_of_the_money,
    most_unusual,
    nearest_away,
    next_session,
    today,
)
from bot.strategies.expressions import holds
from bot.strategies.of_names import OfNames

_UNUSUAL_TIMES: Final = 2.0
_OF_THE_SETTINGS: Final = "gex_floor"


class Scored(OfNames):
    """One table."""

    def __init__(self, name: str, settings: ScoredSettings) -> None:
        texts = (*(row.when for row in settings.score), settings.call_when, settings.put_when)
        named = {name for text in texts for name in read_expression(text, UNITS).names}
        names = named - {_OF_THE_SETTINGS}
        super().__init__(name, settings, _choice(settings), settings.min_grade, names, settings.ages)
        self._settings = settings
        rows = tuple(_condition(row, place) for place, row in enumerate(settings.score, 1))
        self.market = (*rows, _scored(settings), directed(self.right))

    def of_the_settings(self, symbol: str) -> Mapping[str, Any]:
        """Return the symbol's floor of gamma."""
        limits = self._settings
        return {_OF_THE_SETTINGS: limits.gex_floor_usd.get(symbol, limits.gex_floor_others_usd)}

    def right(self, seen: Seen) -> Right | None:
        """Return which of the two directions alone holds."""
        return _right(self._settings, seen)

    def confidence(self, seen: Seen, strengths: Sequence[float]) -> int | None:
        """Return the score."""
        return _score(self._settings, seen)

    def broken(self, right: Right, seen: Seen, now: datetime) -> str:
        """It points the other way by now."""
        points = self.right(seen)
        return f"{self.name} points the other way by now" if points is not None and points is not right else ""


def _values(seen: Seen) -> dict[str, float | str]:
    """Return what an expression may name, also of what is read from the store, where numbers are texts."""
    found: dict[str, float | str] = {}
    for name, unit in UNITS.items():
        if unit == WORD:
            found |= {name: str(seen[name])} if seen.get(name) is not None else {}
        elif (value := number(seen, name)) is not None:
            found[name] = float(value)
    return found


def _row_holds(row: ScoreRowSettings, seen: Seen) -> bool | str:
    return holds(row.when, _values(seen))


def _condition(row: ScoreRowSettings, place: int) -> Condition:
    return Condition(f"row_{place}", partial(_check_row, row), f"{row.words} ({row.when}): {row.weight}", needed=False)


def _check_row(row: ScoreRowSettings, scene: Scene) -> Checked:
    if not scene.seen:
        return UNJUDGED
    found, measured = _row_holds(row, scene.seen), _measured_words(row.when, scene.seen)
    if isinstance(found, str):
        return Checked(None, "", found)
    if found:
        return Checked(True, measured, said=f"{row.words} ({measured}, {row.weight})")
    return Checked(False, measured, f"adds none of {row.weight}")


def _measured_words(text: str, seen: Seen) -> str:
    values = _values(seen)
    names = sorted(read_expression(text, UNITS).names)
    return ", ".join(f"{name} {_shown(values[name])}" for name in names if name in values)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}" if abs(value) < 1e5 else f"{value / 1e6:,.1f} M"


def _score(settings: ScoredSettings, seen: Seen) -> int | None:
    """Return the weights of the rows that hold, together; None where nothing was measured."""
    if not seen:
        return None
    return min(sum(row.weight for row in settings.score if _row_holds(row, seen) is True), 100)


def _scored(settings: ScoredSettings) -> Condition:
    def check(scene: Scene) -> Checked:
        score = _score(settings, scene.seen)
        if score is None:
            return UNJUDGED
        least = settings.least_score
        parts = ", ".join(f"{row.words}: {row.weight}" for row in settings.score if _row_holds(row, scene.seen) is True)
        said = f"score {score} of {least}" + (f" ({parts})" if parts else "")
        if score >= least:
            return Checked(True, str(score), said=f"score {score}")
        return Checked(False, str(score), f"{least - score} short", f"{said}, needs {least}")

    return Condition("score", check, f"score of {settings.least_score} or more")


def _right(settings: ScoredSettings, seen: Seen) -> Right | None:
    values = _values(seen)
    up, down = holds(settings.call_when, values) is True, holds(settings.put_when, values) is True
    if up == down:
        return None
    return Right.CALL if up else Right.PUT


def _choice(settings: ScoredSettings) -> ContractChoice:
    expiries: Mapping[ExpiryRuleName, ExpiryRule] = {
        ExpiryRuleName.TODAY: today,
        ExpiryRuleName.NEXT_SESSION: next_session,
        ExpiryRuleName.DAYS: days_out(settings.chain.from_days, settings.chain.to_days),
    }
    strikes: Mapping[StrikeRuleName, StrikeRule] = {
        StrikeRuleName.AT_THE_MONEY: at_the_money,
        StrikeRuleName.FIRST_OUT_OF_THE_MONEY: first_out_of_the_money,
        StrikeRuleName.NEAREST_AWAY: nearest_away(settings.away),
        StrikeRuleName.MOST_UNUSUAL: most_unusual(_UNUSUAL_TIMES),
    }
    where = {
        ExpiryRuleName.TODAY: "for today",
        ExpiryRuleName.NEXT_SESSION: "for the next session",
        ExpiryRuleName.DAYS: f"in {settings.chain.from_days} to {settings.chain.to_days} days",
    }[settings.expiry]
    else_by = nearest_away(settings.away) if settings.strike is StrikeRuleName.MOST_UNUSUAL else None
    return ContractChoice(where, expiries[settings.expiry], strikes[settings.strike], settings.contract, else_by)
