"""What the overseer's verdicts bring about: a record each, and of the action what `overseer.may` allows.

Context: the model reads texts that strangers wrote, and may be talked into anything. Decision: whatever it says, the
engine does one of four things that make trading slower or stop it; pause, halt and veto pass the same table of requests
as those of a person, as the actor `overseer`. Consequence: the worst verdict costs trades, and money never.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.domain.calendar import new_york_day
from bot.domain.events.people import InboundReceived, RequestKind, RequestReceived
from bot.domain.outside import outside
from bot.domain.overseer import ACTOR, Action, Answered, CallOutcome, ModelTask, OverseerVerdict, verdict_of
from bot.domain.requests import Refused
from bot.domain.review import Review
from bot.engine.operator import Operator
from bot.engine.outbox.outbox import Outbox
from bot.engine.requested.desk import PersonsApprovals, RequestDesk
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.trade import pace, verdicts

_MOST_OUTCOME: Final = 200
_MOST_CONTEXT: Final = 600
_ACTING: Final = frozenset({ModelTask.ANOMALY, ModelTask.REVIEW})
_HEARD: Final = frozenset({Answered.ANSWERED, Answered.REPLACED})


def hear_verdict(ctx: Context, journal: Journal, outbox: Outbox, event: InboundReceived) -> str:
    """Put a call of the model on record, and do what its verdict may bring about."""
    try:
        verdict = verdict_of(event.payload)
    except ValueError as unknown:
        raise Refused(f"VERDICT_UNREADABLE: {outside(unknown)}") from unknown
    done = _done(ctx, journal, event.id, verdict)
    alert = ctx.ledger.alerts.get(verdict.subject) if verdict.task is ModelTask.ALERT_CONTEXT else None
    if alert is not None and verdict.text:
        outbox.note(ctx, journal, alert, verdict.text[:_MOST_CONTEXT])
    journal.batch.calls.append(verdict.call(event.id, ctx.now, new_york_day(ctx.now), done))
    return done or "on record"


def hear_outcome(ctx: Context, journal: Journal, event: InboundReceived) -> str:
    """Put on record what became of what a call was about."""
    call, outcome = event.payload.get("call"), event.payload.get("outcome")
    if not isinstance(call, str) or not call or not isinstance(outcome, str) or not outcome.strip():
        raise Refused("an outcome names its call and what became of it")
    journal.batch.call_outcomes.append(CallOutcome(call, outside(outcome.strip(), _MOST_OUTCOME), ctx.now))
    return "on record"


def _done(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict) -> str:
    """Do what the verdict asks for as far as it may, and say what was done."""
    words = []
    review = ctx.ledger.reviews.get(verdict.subject) if verdict.task is ModelTask.REVIEW else None
    if review is not None:
        said, steps = verdicts.answer(ctx, review, verdict, call_id)
        journal.carry_out(steps)
        words.append(said)
    if verdict.task in _ACTING and verdict.answered in _HEARD:
        words += _act(ctx, journal, call_id, verdict, review)
    return "; ".join(words)


def _act(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict, review: Review | None) -> list[str]:
    effect = _EFFECTS.get(verdict.action)
    if effect is None or (review is not None and verdict.action is Action.VETO):
        return []
    if not ctx.settings.overseer.may_do(verdict.action):
        return [f"{verdict.action} is not one of overseer.may: noted alone"]
    done = effect(ctx, journal, call_id, verdict)
    text = f"the overseer asked for {verdict.action}: {done}"
    facts = {"action": verdict.action, "call": call_id, "severity": verdict.severity, "reason": verdict.reason}
    journal.alert("OVERSEER_ADVICE", text, facts)
    return [done]


def _slow(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict) -> str:
    step = pace.slow(ctx, verdict.scale, verdict.spacing_s, verdict.lasts_s, ACTOR, _reason(verdict))
    return step.reason if journal.take(step) else "refused"


def _veto(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict) -> str:
    payload = {"signal_id": verdict.subject, "reason": f"vetoed by the overseer: {_reason(verdict)}"}
    return _ask(ctx, journal, call_id, RequestKind.REJECT, payload)


def _pause(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict) -> str:
    return _ask(ctx, journal, call_id, RequestKind.PAUSE, {"reason": f"overseer: {_reason(verdict)}"})


def _halt(ctx: Context, journal: Journal, call_id: str, verdict: OverseerVerdict) -> str:
    return _ask(ctx, journal, call_id, RequestKind.HALT, {"reason": f"overseer: {_reason(verdict)}"})


def _ask(ctx: Context, journal: Journal, call_id: str, kind: RequestKind, payload: Mapping[str, Any]) -> str:
    """Ask as anybody asks: authority, handler and the row of `command` are the same."""
    asked = RequestReceived(call_id, kind, payload, ACTOR, ctx.now)
    Operator(RequestDesk(ctx, journal, PersonsApprovals({}))).handle(asked)
    return next(outcome.answer for outcome in journal.batch.commands if outcome.id == call_id)


def _reason(verdict: OverseerVerdict) -> str:
    return verdict.reason or verdict.text or "no reason given"


_EFFECTS: Final[Mapping[Action, Callable[[Context, Journal, str, OverseerVerdict], str]]] = MappingProxyType(
    {Action.SLOW: _slow, Action.VETO: _veto, Action.PAUSE: _pause, Action.HALT: _halt}
)
"""All that a verdict can do; `none` and `warn` do nothing but stand on record."""
