"""An alert: something that a person should see, from its raising to its end.

One alert a code and a thing that it is about: raised again while it is open, it is counted and takes the newest words.
What is good to know (info) is over once it stands on the log. A warning is over when its end is told, or when it was
not raised again for a while; what is critical waits for its end or for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class AlertState(StrEnum):
    RAISED = "raised"
    TOLD = "told"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class AlertTrigger(StrEnum):
    TELL = "tell"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    REOPEN = "reopen"
    RESOLVE = "resolve"


S, T = AlertState, AlertTrigger

ALERT: Final = Lifecycle(
    name="alert",
    states=AlertState,
    triggers=AlertTrigger,
    table=MappingProxyType(
        {
            (S.RAISED, T.TELL): S.TOLD,
            (S.RAISED, T.ESCALATE): S.ESCALATED,  # no channel has confirmed it in time
            (S.RAISED, T.ACKNOWLEDGE): S.ACKNOWLEDGED,  # seen on the page before any channel had it
            (S.RAISED, T.RESOLVE): S.RESOLVED,
            (S.TOLD, T.ESCALATE): S.ESCALATED,
            (S.TOLD, T.ACKNOWLEDGE): S.ACKNOWLEDGED,
            (S.TOLD, T.RESOLVE): S.RESOLVED,
            (S.ESCALATED, T.ESCALATE): S.ESCALATED,  # to more people, then by another way
            (S.ESCALATED, T.ACKNOWLEDGE): S.ACKNOWLEDGED,
            (S.ESCALATED, T.RESOLVE): S.RESOLVED,
            (S.ACKNOWLEDGED, T.RESOLVE): S.RESOLVED,
            (S.ACKNOWLEDGED, T.REOPEN): S.TOLD,  # whoever had it has it no more: it is told on as if nobody had
        }
    ),
    terminal=frozenset({S.RESOLVED}),
    notes=MappingProxyType(
        {
            S.RAISED: "it stands on log and page; no channel has confirmed it yet",
            S.TOLD: "a channel has confirmed it",
            S.ESCALATED: "critical and acknowledged by nobody in time: told again, to more people, by other ways",
            S.ACKNOWLEDGED: "a person has seen it; it is told no more",
            S.RESOLVED: "it is over, or was only good to know",
        }
    ),
)

OPEN: Final = frozenset({S.RAISED, S.TOLD, S.ESCALATED})
"""Nobody has taken it up yet."""


class AlertChange(TypedDict, total=False):
    """What may change of an alert."""

    severity: str
    text: str
    facts: Mapping[str, Any]
    at: datetime
    first_at: datetime | None
    count: int
    escalation: int
    told_at: datetime | None
    shown_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None


@living
class Alert(Living[AlertTrigger, AlertChange]):
    """One alert. `entity`: the id or name of what it is about, empty where its code alone says that. `at` is when it
    was last raised, `count` how often; `escalation`: how often it was told again, further each time; `shown_at`: when
    its count was last told."""

    id: str
    code: str
    severity: str
    text: str
    facts: Mapping[str, Any]
    at: datetime
    state: AlertState = AlertState.RAISED
    first_at: datetime | None = None
    entity: str = ""
    count: int = 1
    escalation: int = 0
    told_at: datetime | None = None
    shown_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """When it was first raised."""
        return self.first_at or self.at


_NAMES: Final = (
    "entity", "position_id", "order_ref", "ref", "reference", "exec_id", "signal_id", "subject", "key",
    "breaker", "dataset", "symbol", "what", "window", "name", "perm_id", "file", "day", "state",
)  # fmt: skip
"""Of the facts of an alert, which says what it is about: the first of these that is there."""


def subject_of(facts: Mapping[str, Any]) -> str:
    """Return what an alert with these facts is about: an id, a key, a name; of an order its id. Empty: its code says
    it."""
    name = next((name for name in _NAMES if facts.get(name) not in {None, ""}), "")
    if not name:
        return ""
    value = str(facts[name]).strip()
    return value.rpartition("-")[2] if name in {"order_ref", "ref", "reference"} else value[:_LONGEST]


_LONGEST: Final = 100
