"""What the overseer may say: severities, actions, tasks, findings, and the record of each call of the model.

The overseer is a watcher, not a trader: it can warn, slow, veto, pause or halt. Nothing here approves, enlarges or
enters, and a severity that the rules gave is never lowered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from bot.domain.notices import INFO, SEVERITIES
from bot.domain.outside import facts as bounded_facts
from bot.domain.outside import outside

ACTOR: Final = "overseer"


class Action(StrEnum):
    """What a verdict asks for, mildest first."""

    NONE = "none"
    WARN = "warn"
    SLOW = "slow"
    VETO = "veto"
    PAUSE = "pause"
    HALT = "halt"


class OnSilence(StrEnum):
    """What becomes of a signal whose review brought no verdict in time."""

    RULES = "rules"
    PERSON = "person"
    VETO = "veto"


class ModelTask(StrEnum):
    """What the model is asked for."""

    ANOMALY = "anomaly"
    REVIEW = "pre_trade_review"
    EXPLANATION = "explanation"
    DAY_SUMMARY = "day_summary"
    ALERT_CONTEXT = "alert_context"
    RISK = "risk_in_words"


class Answered(StrEnum):
    """How a call ended; everything but `answered` leaves the rules' text standing."""

    ANSWERED = "answered"
    REPLACED = "replaced"  # a figure of its text is in no fact: the rules' text stands
    LATE = "late"
    REFUSED = "refused"
    MALFORMED = "malformed"
    UNAVAILABLE = "unavailable"  # 4xx, 5xx, no connection, an unknown model
    NO_KEY = "no_key"
    BUDGET = "budget"
    RULES = "rules"  # nobody was asked


ALERTING: Final = frozenset(
    {Answered.LATE, Answered.REFUSED, Answered.MALFORMED, Answered.UNAVAILABLE, Answered.NO_KEY}
)
"""Endings that mean that the model does not work for us."""


def graver(one: str, other: str) -> str:
    """Return the graver of two severities; a word that is none counts for nothing."""
    known = [each for each in (one, other) if each in SEVERITIES]
    return max(known, key=SEVERITIES.index, default=INFO)


@dataclass(frozen=True, slots=True)
class OverseerFinding:
    """What a rule found: an alert's code, what it is about, how grave the rule takes it, in words, with its numbers."""

    code: str
    entity: str
    severity: str
    words: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.entity


@dataclass(frozen=True, slots=True)
class OverseerCall:
    """One call of the model, or the rules' text in its place. Costs in millionths of a dollar. `subject` is what it was
    about (a review, a position, an alert, a day); `outcome` is what became of that later."""

    id: str
    at: datetime
    day: date  # New York's
    task: ModelTask
    subject: str
    model: str
    prompt_hash: str
    tokens_in: int
    tokens_out: int
    cost_micros: int
    ms: int
    answered: Answered
    severity: str
    action: Action
    done: str  # what the bot made of the action
    text: str
    verdict: Mapping[str, Any]
    outcome: str = ""
    outcome_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What became of the thing that a call was about."""

    id: str
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OverseerVerdict:
    """What another process says about a call: the call's record, and what it asks for. `scale`, `spacing_s` and
    `lasts_s` belong to `slow`; None: as the settings have it."""

    task: ModelTask
    answered: Answered
    action: Action
    severity: str
    subject: str
    text: str
    reason: str
    scale: Decimal | None
    spacing_s: float | None
    lasts_s: float | None
    said: Mapping[str, Any]

    def call(self, call_id: str, at: datetime, day: date, done: str) -> OverseerCall:
        """Return the record of the call."""
        said = self.said
        return OverseerCall(
            id=call_id,
            at=at,
            day=day,
            task=self.task,
            subject=self.subject,
            model=outside(said.get("model", ""), 64),
            prompt_hash=outside(said.get("prompt_hash", ""), 64),
            tokens_in=_count(said.get("tokens_in")),
            tokens_out=_count(said.get("tokens_out")),
            cost_micros=_count(said.get("cost_micros")),
            ms=_count(said.get("ms")),
            answered=self.answered,
            severity=self.severity,
            action=self.action,
            done=done,
            text=self.text,
            verdict=bounded_facts(_mapping(said.get("verdict"))),
        )


_MOST_COUNT: Final = 2_000_000_000
_MOST_TEXT: Final = 2_000
_MOST_REASON: Final = 300


def verdict_of(payload: Mapping[str, Any]) -> OverseerVerdict:
    """Read what another process says; raises ValueError for a word that is none. Numbers that make no sense are None:
    then the settings say."""
    return OverseerVerdict(
        task=ModelTask(_text(payload.get("task"), 32)),
        answered=Answered(_text(payload.get("answered"), 32)),
        action=Action(_text(payload.get("action", "none"), 32)),
        severity=graver(_text(payload.get("severity"), 32), INFO),
        subject=_text(payload.get("subject"), 64),
        text=_text(payload.get("text"), _MOST_TEXT),
        reason=_text(payload.get("reason"), _MOST_REASON),
        scale=_number(payload.get("scale")),
        spacing_s=_seconds(payload.get("spacing_s")),
        lasts_s=_seconds(payload.get("lasts_s")),
        said=payload,
    )


def _text(said: object, most: int) -> str:
    return outside(said, most).strip() if isinstance(said, str) else ""


def _mapping(said: object) -> Mapping[str, Any]:
    return said if isinstance(said, Mapping) else {}


def _count(said: object) -> int:
    if isinstance(said, bool) or not isinstance(said, int):
        return 0
    return min(max(said, 0), _MOST_COUNT)


def _number(said: object) -> Decimal | None:
    if isinstance(said, bool) or not isinstance(said, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(said))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _seconds(said: object) -> float | None:
    found = _number(said)
    return None if found is None or found <= 0 else min(float(found), 1e9)


def gravest(findings: Iterable[OverseerFinding]) -> str:
    """Return the gravest severity of what the rules found."""
    found = INFO
    for each in findings:
        found = graver(found, each.severity)
    return found
