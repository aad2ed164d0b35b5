"""Reports that people are asked for: drafted, edited, approved or rejected. What is approved may be published."""

from __future__ import annotations

from bot.domain.events.people import RequestReceived
from bot.domain.ids import derived_id
from bot.domain.report import Report, ReportChange, ReportState, ReportTrigger
from bot.domain.requests import Payload, Refused
from bot.engine.requested.desk import RequestDesk
from bot.engine.state.context import Context
from bot.engine.state.steps import Birth, Step

_WAITING_MOST = 10
KINDS = ("day",)
"""What a report may be of."""


def draft(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Draft one and ask for it; raises Refused."""
    ctx, journal, actor = desk.ctx, desk.journal, command.actor
    if payload.to not in KINDS or not payload.period:
        raise Refused(f"a report is of one of {', '.join(KINDS)}, and of a time")
    if not payload.text:
        raise Refused("a report without a text is none")
    waiting = [each for each in _reports(ctx) if each.state is ReportState.AWAITING_APPROVAL]
    same = next((each for each in waiting if (each.kind, each.period) == (payload.to, payload.period)), None)
    if same is not None:
        raise Refused(f"report {same.id[-6:]} of {payload.period} waits for an answer already")
    if len(waiting) >= _WAITING_MOST:
        raise Refused(f"{len(waiting)} reports wait for an answer already")
    at = journal.now
    report_id = derived_id(at, "report", payload.to, payload.period, actor)
    report = Report(report_id, payload.to, payload.period, f"The {payload.to} {payload.period}", payload.text, at)
    journal.born(Birth(report, f"drafted for {actor}", {"kind": report.kind, "period": report.period}))
    journal.take(Step(report, ReportTrigger.ASK, f"asked for by {actor}", _evidence(report), actor=actor))
    return f"report {report.id[-6:]} is asked for"


def edit(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Give it another text and ask anew; raises Refused."""
    ctx, journal, actor = desk.ctx, desk.journal, command.actor
    report = _waiting(ctx, payload.report_id)
    if not payload.text:
        raise Refused("TEXT_MISSING: write the new text after `edit:`")
    if payload.text == report.body:
        raise Refused("NOTHING_CHANGES: that is its text")
    sets = ReportChange(body=payload.text, edits=report.edits + 1)
    words = f"text edited by {actor}"
    journal.take(Step(report, ReportTrigger.REDRAFT, words, {"before": report.body}, sets, actor=actor))
    journal.take(Step(report, ReportTrigger.ASK, "asked anew with the new text", _evidence(report), actor=actor))
    return f"report {report.id[-6:]} has the new text and is asked anew"


def approve(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Approve it as it stands; raises Refused."""
    ctx, journal, actor = desk.ctx, desk.journal, command.actor
    report = _waiting(ctx, payload.report_id)
    if payload.seen and payload.seen != str(report.edits):
        raise Refused("TERMS_CHANGED: its text was edited since you saw it; look at the newer question")
    sets = ReportChange(decided_at=journal.now, decided_by=actor)
    journal.take(Step(report, ReportTrigger.APPROVE, f"approved by {actor}", _evidence(report), sets, actor=actor))
    return f"report {report.id[-6:]} is approved"


def reject(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Reject it; raises Refused."""
    ctx, journal, actor = desk.ctx, desk.journal, command.actor
    report = _waiting(ctx, payload.report_id)
    why = payload.reason or f"rejected by {actor}"
    sets = ReportChange(decided_at=journal.now, decided_by=actor, reason=why)
    journal.take(Step(report, ReportTrigger.REJECT, why, _evidence(report), sets, actor=actor))
    return f"report {report.id[-6:]} is rejected"


def _reports(ctx: Context) -> list[Report]:
    return [*ctx.ledger.entities.of(Report).values()]


def _waiting(ctx: Context, given: str) -> Report:
    found = [each for each in _reports(ctx) if given and each.id.endswith(given.upper())]
    if len(found) > 1:
        raise Refused(f"{len(found)} reports end with {given}: name one whole")
    if not found:
        raise Refused(f"report {given or '(none named)'} is unknown, or was decided")
    if found[0].state is not ReportState.AWAITING_APPROVAL:
        raise Refused(f"report {given} is {found[0].state} already, by {found[0].decided_by}")
    return found[0]


def _evidence(report: Report) -> dict[str, object]:
    return {"edits": report.edits, "text": report.body}
