"""A report is asked for like a signal: with its text and buttons, edited, asked anew, its message edited to the end."""

from __future__ import annotations

from bot.domain.events.people import RequestKind as K
from bot.domain.message import MessageMode
from bot.domain.report import Report, ReportState
from tests.engine.desk import Desk
from tests.engine.outbox.test_approvals import VOICE, delivered, said

ANN, BOB = "admin:telegram:ann", "admin:telegram:bob"
PEOPLE = {"people": {"users": [
    {"telegram_id": 1, "name": "ann", "role": "approver"}, {"telegram_id": 2, "name": "bob", "role": "viewer"}
]}}  # fmt: skip
DRAFT = {"to": "day", "period": "2026-11-20", "text": ["up $120.00", "2 closed, <b>1</b> won"]}


def the_report(desk: Desk) -> Report:
    (report,) = desk.store.entities.of(Report).values()
    return report


async def asked() -> Desk:
    desk = await Desk(PEOPLE, voice=VOICE).start()
    assert (await desk.command(K.REPORT_DRAFT, actor=ANN, **DRAFT))[0] == "done"
    await delivered(desk)
    return desk


async def test_who_approves_is_asked_with_the_whole_text_and_once() -> None:
    desk = await asked()
    (message,) = said(desk)
    report = the_report(desk)
    assert (message.target, report.state) == ("ann", ReportState.AWAITING_APPROVAL)
    assert f"REPORT {report.id[-6:]}: The day 2026-11-20" in message.body
    assert "up $120.00\n2 closed, <b>1</b> won" in message.body
    assert message.extra["buttons"][0] == ["Approve", f"rapprove:{report.id}:0"]
    state, words = await desk.command(K.REPORT_DRAFT, actor=ANN, **DRAFT)
    assert (state, "waits for an answer already" in words) == ("refused", True)
    assert (await desk.command(K.REPORT_APPROVE, actor=BOB, report_id=report.id))[1].startswith("NOT_ALLOWED")


async def test_an_edit_changes_the_text_asks_anew_and_a_button_of_before_does_nothing() -> None:
    desk = await asked()
    report = the_report(desk)
    answer = await desk.command(K.REPORT_EDIT, actor=ANN, report_id=report.id[-6:], text=["better words"])
    assert answer[0] == "done"
    await delivered(desk)
    before, *after = said(desk)
    edit, anew = sorted(after, key=lambda m: m.mode is not MessageMode.EDIT)
    assert (edit.parent_id, "buttons" in edit.extra, "EDITED" in edit.body) == (before.id, False, True)
    assert ("better words" in anew.body, anew.parent_id) == (True, before.id)
    old = await desk.command(K.REPORT_APPROVE, actor=ANN, report_id=report.id, seen="0")
    assert (old[0], "TERMS_CHANGED" in old[1]) == ("refused", True)
    assert (await desk.command(K.REPORT_APPROVE, actor=ANN, report_id=report.id, seen="1"))[0] == "done"
    await delivered(desk)
    outcome = next(m for m in said(desk) if "APPROVED by ann (telegram)" in m.body)
    assert (outcome.mode, outcome.parent_id) == (MessageMode.EDIT, anew.id)
    assert desk.store.path(report.id) == ["created", "ask", "redraft", "ask", "approve"]
    assert (the_report(desk).body, the_report(desk).decided_by) == ("better words", ANN)
    state, words = await desk.command(K.REPORT_APPROVE, actor=ANN, report_id=report.id)
    assert (state, words) == ("refused", f"report {report.id} is approved already, by {ANN}")


async def test_a_rejected_one_says_why_and_a_restart_loses_none_that_waits() -> None:
    desk = await asked()
    desk = await Desk(PEOPLE, voice=VOICE, store=desk.store, broker=desk.broker, clock=desk.clock, seed=9).start()
    report = the_report(desk)
    assert (await desk.command(K.REPORT_REJECT, actor=ANN, report_id=report.id, reason="too early"))[0] == "done"
    await delivered(desk)
    assert the_report(desk).state is ReportState.REJECTED
    assert any("REJECTED by ann (telegram)" in m.body and "too early" in m.body for m in said(desk))
