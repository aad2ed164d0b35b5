"""What is said of a question: asked with its numbers, reminded of once, edited, and edited to its outcome."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.actors import Role
from bot.domain.approval import Approval
from bot.domain.events.people import InboundReceived, RequestKind
from bot.domain.message import Message, MessageMode
from bot.engine.outbox.approvals import QUESTIONS
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

MANUAL: dict[str, Any] = {"approval": {"mode": "manual"}}
VOICE = Voice(
    {"telegram": Channel("telegram", edits=True), "discord": Channel("discord")},
    (
        MessageTarget("telegram", "ann", Role.OWNER),
        MessageTarget("telegram", "bob", Role.VIEWER),
        MessageTarget("discord", "alerts"),
    ),
)


def said(desk: Desk) -> list[Message]:
    found = [*desk.engine.ledger.messages.values(), *desk.engine.ledger.message_index.over.values()]
    return sorted((m for m in found if m.kind in QUESTIONS), key=lambda m: m.created_at)


async def delivered(desk: Desk) -> None:
    """The channel takes whatever it was handed."""
    await desk.tick()
    for message in [m for m in said(desk) if m.state == "sending"]:
        payload = {"message": message.id, "outcome": "delivered", "external_id": f"7:{message.id[-4:]}"}
        desk.put(InboundReceived(f"in{message.id}", "people", "delivery", payload, desk.clock.now()))
    await desk.ticks(2)


async def asked(settings: dict[str, Any] = MANUAL) -> Desk:
    desk = await Desk(settings, voice=VOICE).start()
    await desk.propose(4)
    await desk.settle()
    await delivered(desk)
    return desk


async def test_a_question_goes_to_who_may_answer_with_all_its_numbers_and_buttons() -> None:
    desk = await asked()
    (message,) = said(desk)
    (approval,) = desk.store.entities.of(Approval).values()
    assert (message.channel, message.target) == ("telegram", "ann")
    assert message.created_at - approval.requested_at <= timedelta(seconds=2)
    assert [label for label, _ in message.extra["buttons"]] == ["Approve", "Reject", "Edit"]
    assert message.extra["buttons"][0][1] == f"approve:{approval.id}"
    for words in (
        approval.id[-6:],
        "SPY 590C",
        "Buy 4 at limit 2.00",
        "Risk: $800.00, 1.9",
        "% of equity",
        "Stop 1.00",
        "targets 3.00 (+50%)",
        "Quote: 1.98 / 2.02, spread 0.04",
        "s old",
        "Rules passed:",
        "Time left: 1",
    ):
        assert words in message.body, words
    assert message.body.startswith("HIGH RISK ")  # above approval.above_risk_fraction


async def test_a_signal_that_the_rules_decide_is_asked_of_nobody() -> None:
    desk = await asked({})
    assert desk.broker.entry.terms.quantity == 4
    assert said(desk) == []


@pytest.mark.parametrize("kind,outcome", [(RequestKind.APPROVE, "APPROVED by ann (web) at"),
                                          (RequestKind.REJECT, "REJECTED by ann (web) at")])  # fmt: skip
async def test_the_message_becomes_its_outcome_with_who_and_when(kind: RequestKind, outcome: str) -> None:
    desk = await asked()
    await desk.command(kind, actor="admin:web:ann", signal_id=desk.signal.id)
    await desk.settle()
    first, last = said(desk)
    assert (last.mode, last.parent_id) == (MessageMode.EDIT, first.id)
    assert outcome in last.body
    assert "buttons" not in last.extra


async def test_one_reminder_at_half_time_and_the_outcome_when_nobody_answered() -> None:
    desk = await asked()
    await desk.wait(85)
    assert len(said(desk)) == 1
    await desk.wait(10)
    first, reminder = said(desk)
    assert (reminder.mode, reminder.parent_id) == (MessageMode.REPLY, first.id)
    assert "Still waiting" in reminder.body
    await delivered(desk)
    await desk.wait(100)
    ends = said(desk)[2:]
    assert [m.body.split("\n")[1][:7] for m in ends] == ["EXPIRED", "EXPIRED"]
    assert {m.parent_id for m in ends} == {first.id, reminder.id}
    assert [m for m in ends if "buttons" in m.extra] == []  # nobody presses what is over


async def test_an_edit_is_told_as_a_difference_and_asked_anew_and_the_outcome_is_of_the_last() -> None:
    desk = await asked()
    answer = await desk.command(RequestKind.EDIT, actor="admin:web:ann", signal_id=desk.signal.id, quantity="3")
    assert answer[0] == "done", answer
    await desk.settle()
    await delivered(desk)
    _, old, new = said(desk)
    assert {old.mode, new.mode} == {MessageMode.EDIT, MessageMode.REPLY}
    old, new = (old, new) if old.mode is MessageMode.EDIT else (new, old)
    assert "buttons" not in old.extra
    assert "edited by admin:web:ann: quantity 4 → 3" in new.body
    assert "Buy 3 at limit" in new.body
    assert [label for label, _ in new.extra["buttons"]] == ["Approve", "Reject", "Edit"]
    await desk.command(RequestKind.REJECT, actor="admin:web:ann", signal_id=desk.signal.id, reason="no")
    await desk.settle()
    assert said(desk)[-1].parent_id == new.id
