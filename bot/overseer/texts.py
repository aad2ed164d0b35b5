"""The rules' own texts: what stands where no model is, where it fails, or where it says a figure that no fact has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.domain.overseer import ModelTask

Facts = Mapping[str, Any]


def _anomaly(facts: Facts) -> str:
    found = facts.get("findings") or {}
    return "; ".join(str(each.get("words", "")) for each in found.values()) or "The rules find nothing."


def _review(facts: Facts) -> str:
    why = facts.get("why_reviewed") or ()
    return f"Complex: {'; '.join(map(str, why))}. The rules decide." if why else "The rules decide."


def _explanation(facts: Facts) -> str:
    bought = f"Bought {facts.get('quantity')} x {facts.get('contract')} at {facts.get('entry_price')}"
    saw = facts.get("saw") or {}
    seen = ", ".join(f"{name} {value}" for name, value in list(saw.items())[:6])
    left = f" It is left at {facts['stop_price']} at the latest." if facts.get("stop_price") else ""
    return f"{bought}, as {facts.get('strategy')} proposed{': ' + seen if seen else ''}.{left}"


def _day_summary(facts: Facts) -> str:
    if not facts.get("trades"):
        return f"No trade was closed. P&L of the day: {facts.get('pnl_usd')}."
    rate = facts.get("win_rate_percent")
    words = f"{facts['trades']} trades closed, {facts.get('wins')} won ({rate} %), P&L {facts.get('pnl_usd')}."
    best, worst = facts.get("best") or {}, facts.get("worst") or {}
    words += f" Best: {best.get('contract')} {best.get('pnl_usd')}." if best else ""
    return words + (f" Worst: {worst.get('contract')} {worst.get('pnl_usd')}." if worst else "")


def _alert_context(facts: Facts) -> str:
    held = facts.get("positions_held", 0)
    words = f"Session {facts.get('session')}, broker {facts.get('broker')}; {held} positions are held"
    bare = facts.get("contracts_without_stop", 0)
    return words + (f", {bare} contracts without a stop." if bare else ", all with their stops.")


def _risk(facts: Facts) -> str:
    if not facts.get("positions_held"):
        return "Nothing is held: nothing is at risk."
    words = f"{facts['positions_held']} positions are worth {facts.get('exposure_usd')} dollars of premium"
    words += f"; sold at their stops they would lose {facts.get('at_risk_usd')} of it"
    equity = facts.get("at_risk_percent_of_equity")
    return words + (f", {equity} % of equity." if equity is not None else ".")


RULE_TEXTS: Final[Mapping[ModelTask, Callable[[Facts], str]]] = MappingProxyType(
    {
        ModelTask.ANOMALY: _anomaly,
        ModelTask.REVIEW: _review,
        ModelTask.EXPLANATION: _explanation,
        ModelTask.DAY_SUMMARY: _day_summary,
        ModelTask.ALERT_CONTEXT: _alert_context,
        ModelTask.RISK: _risk,
    }
)
"""Every task has one."""


def rule_text(task: ModelTask, facts: Facts) -> str:
    """Return what the rules say to a task."""
    return RULE_TEXTS[task](facts)
