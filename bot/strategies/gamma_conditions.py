"""The conditions of `zero_dte_gamma` by name, value and limit: what it decides by, and what people read of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.analytics.liquidity import Grade, at_least
from bot.config.strategies import ZeroDteGammaSettings
from bot.domain.wording import clock_minute, compared_percent, digits_apart, signed
from bot.strategies.base import Condition


def is_pinned(distance: Decimal, limit: Decimal) -> bool:
    """Say whether a distance from the pin, as a fraction of the price, is within its limit."""
    return distance <= limit


def leans(imbalance: float, least: float) -> bool:
    """Say whether a book leans enough to either side."""
    return abs(imbalance) >= least


def explained(
    settings: ZeroDteGammaSettings, seen: Mapping[str, Any], window: tuple[datetime, datetime] | None, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of a look by its evidence; numbers may be as they are read from the store."""
    failed = str(seen.get("condition", ""))
    start, end = (clock_minute(at) for at in window) if window else (None, None)
    inside = None if window is None else window[0] <= now < window[1]
    hours = f"inside {start} to {end}" if window else "inside its window"
    return (
        Condition(hours, inside, "yes" if inside else "", clock_minute(now) if inside is False else ""),
        _of_the_pin(settings.pin_distance, _number(seen, "distance")),
        _of_the_lean(settings.min_imbalance, _number(seen, "imbalance")),
        _of_the_option(failed, seen),
        _of_the_grade(settings.min_grade, seen),
    )


def _of_the_pin(limit: Decimal, distance: Decimal | None) -> Condition:
    words = f"at most {signed(limit * 100, 2, plus=False)} % from the pin"
    if distance is None:
        return Condition(words, None)
    shown, _ = compared_percent(distance, limit)
    if is_pinned(distance, limit):
        return Condition(words, True, shown)
    return Condition(words, False, shown, f"{signed((distance - limit) * 100, 2, plus=False)} too far")


def _of_the_lean(least: float, lean: Decimal | None) -> Condition:
    words = f"book leans {signed(least, 2, plus=False)} either way"
    if lean is None:
        return Condition(words, None)
    measured = float(lean)
    shown = signed(measured, digits_apart(abs(measured), least))
    if leans(measured, least):
        return Condition(words, True, shown)
    return Condition(words, False, shown, f"{signed(least - abs(measured), 2, plus=False)} short")


def _of_the_option(failed: str, seen: Mapping[str, Any]) -> Condition:
    words = "an option at the money with a fit quote"
    if failed == "strike":
        return Condition(words, False, "", "no strike is listed")
    if failed == "quote":
        return Condition(words, False, "", ", ".join(map(str, seen.get("faults", ()))) or "no fit quote")
    bid, ask = _number(seen, "bid"), _number(seen, "ask")
    return (
        Condition(words, True, f"{bid:f} / {ask:f}") if bid is not None and ask is not None else Condition(words, None)
    )


def _of_the_grade(minimum: str, seen: Mapping[str, Any]) -> Condition:
    words = f"liquidity {minimum} or better"
    grade = seen.get("grade")
    if grade is None:
        return Condition(words, None)
    holds = at_least(Grade(str(grade)), Grade(minimum))
    return Condition(words, holds, str(grade), "" if holds else f"needs {minimum}")


def _number(seen: Mapping[str, Any], name: str) -> Decimal | None:
    value = seen.get(name)
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
