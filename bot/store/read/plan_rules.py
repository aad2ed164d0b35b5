"""The rules of a frozen exit plan beyond its price and its hour, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bot.domain.wording import new_york
from bot.store.values import parse_json, parse_time

_OUT: Final = (("before_earnings", "Out before earnings"), ("thesis", "Out when its idea holds no more"))


def plan_rules(plan: str) -> list[tuple[str, str]]:
    """Return the rules of a frozen exit plan beyond its price and its hour, as (what, in which numbers)."""
    found = parse_json(plan) or {}
    lines: list[tuple[str, str]] = []
    if name := found.get("name"):
        lines.append(("Plan", str(name)))
    if target := found.get("target"):
        lines.append(("Target", f"all at +{Decimal(str(target)):.0%}"))
    if trail_from := found.get("trail_from"):
        lines.append(("Trails from", f"+{Decimal(str(trail_from)):.0%}"))
    lines += _days_lines(found.get("days") or {})
    if at := found.get("next_open_at"):
        lines.append(("Next opening", new_york(parse_time(str(at)))))
    lines += [(words, "yes") for key, words in _OUT if found.get(key)]
    return lines + _atr_lines(found.get("atr") or {}, found.get("rungs", []))


def _days_lines(days: Mapping[str, Any]) -> list[tuple[str, str]]:
    said = []
    if days.get("down"):
        said.append(f"out when down {Decimal(str(days['down'])):.0%} after {days['down_after']}")
    if days.get("profit_after"):
        said.append(f"no loser after {days['profit_after']}")
    if days.get("most"):
        said.append(f"at most {days['most']}")
    return [("Trading days", ", ".join(said))] if said else []


def _atr_lines(atr: Mapping[str, Any], rungs: Sequence[Any]) -> list[tuple[str, str]]:
    if not atr:
        return []
    if atr.get("atr") is None or atr.get("entry") is None:
        return [("Underlying", "its true range at the entry is not known: the premium's stop alone")]
    steps = [f"{Decimal(str(rung['atr'])):f}" for rung in rungs if isinstance(rung, dict) and rung.get("atr")]
    steps.append(f"{Decimal(str(atr['target'])):f}")
    words = f"from {Decimal(str(atr['entry'])):f}, ATR {Decimal(str(atr['atr'])):f}: stop {Decimal(str(atr['stop'])):f}"
    return [("Underlying", f"{words}, targets {' / '.join(steps)}, keeps {Decimal(str(atr['keep'])):.0%}")]
