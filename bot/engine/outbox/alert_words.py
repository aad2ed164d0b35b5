"""An alert in words: level and time, what, its numbers, how the bot stands, what to do, how often and who has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain.alert import Alert, AlertState
from bot.domain.notices import UnknownNotice, notice_of
from bot.domain.session import SessionState
from bot.domain.wording import clock_time, new_york

STEPS: Final = ("", "told again", "told to every operator", "mailed again")
"""What each step of an escalation does."""
_STANDS: Final[Mapping[SessionState, str]] = {
    SessionState.ACTIVE: "RUNNING",
    SessionState.PAUSED: "PAUSED",
    SessionState.HALTED: "HALTED",
}
_NUMBERS: Final = 6
_LONGEST_TEXT: Final = 1500
CONTEXT: Final = "context"
"""The fact that holds what the overseer says around an alert."""
_UNSHOWN: Final = frozenset({"traceback", "inbound", "source", CONTEXT})
_SHOWN_IN_LISTING: Final = 30
_LINE: Final = 160


def stands(state: SessionState) -> str:
    """Return how the bot stands, as RUNNING, PAUSED or HALTED; while it comes up or goes, by its own word."""
    return _STANDS.get(state, state.value.upper())


def body(alert: Alert, state: SessionState) -> str:
    """Return the text of an alert for a person."""
    lines = [
        f"{alert.severity.upper()} {alert.code} · {new_york(alert.since)}",
        alert.text[:_LONGEST_TEXT],
        *_numbers(alert.facts),
        *([str(alert.facts[CONTEXT])] if CONTEXT in alert.facts else []),
        f"The bot is {stands(state)}.",
        *_deed(alert.code),
        *_course(alert),
    ]
    return "\n".join(lines)


def _numbers(facts: Mapping[str, Any]) -> list[str]:
    shown = [(name, value) for name, value in facts.items() if name not in _UNSHOWN and _is_plain(value)]
    words = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in shown[:_NUMBERS])
    return [words] if words else []


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | Decimal | str) and value != "" and len(str(value)) <= _LINE


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _deed(code: str) -> list[str]:
    try:
        deed = notice_of(code).deed
    except UnknownNotice:  # of an older version
        return []
    return [f"What to do: {deed}"]


def _course(alert: Alert) -> list[str]:
    found = []
    if alert.count > 1:
        found.append(f"Raised {alert.count} times, last at {clock_time(alert.at)}.")
    if alert.escalation and alert.state is AlertState.ESCALATED:
        found.append(f"Nobody has acknowledged it: {STEPS[min(alert.escalation, len(STEPS) - 1)]}.")
    if alert.acknowledged_by is not None and alert.acknowledged_at is not None:
        found.append(f"Acknowledged by {alert.acknowledged_by} at {clock_time(alert.acknowledged_at)}.")
    if alert.resolved_at is not None:
        found.append(f"Over since {clock_time(alert.resolved_at)}.")
    return found


def item(alert: Alert) -> dict[str, str]:
    """Return an alert as a line of a listing keeps it."""
    return {"id": alert.id, "level": alert.severity, "code": alert.code, "text": alert.text[:_LINE]}


def listing(head: str, items: Sequence[Mapping[str, str]], more: int, state: SessionState, at: datetime) -> str:
    """Return many alerts as one text: counted by code, the gravest first, each with its newest words."""
    by_code: dict[tuple[str, str], tuple[int, str]] = {}
    for each in items:
        key = (each["level"], each["code"])
        by_code[key] = (by_code.get(key, (0, ""))[0] + 1, each["text"])
    rows = sorted(by_code.items(), key=lambda row: (row[0][0] != "critical", -row[1][0]))
    lines = [f"{level.upper()} {code} x {count}: {text}" for (level, code), (count, text) in rows[:_SHOWN_IN_LISTING]]
    if len(rows) > _SHOWN_IN_LISTING:
        lines.append(f"and {len(rows) - _SHOWN_IN_LISTING} other codes")
    if more:
        lines.append(f"and {more} more, on page and command line")
    count = len(items) + more
    return "\n".join([f"{count} alerts, {head} · {clock_time(at)} New York", *lines, f"The bot is {stands(state)}."])
