"""A complex signal waits for the overseer's verdict, no longer than its deadline; the verdict vetoes or annotates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.actors import Role
from bot.domain.events.people import InboundReceived, RequestKind
from bot.domain.review import Review
from bot.domain.signal import SignalState
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

DEADLINE_S = 8


def settings(**review: Any) -> dict[str, Any]:
    """Settings under which the desk's usual signal, almost 2 % of equity, is complex."""
    return {"overseer": {"review": {"premium_fraction": "0.01", **review}}}


async def asked(given: dict[str, Any] | None = None) -> Desk:
    """Return a desk whose signal waits for a verdict."""
    desk = await Desk(given or settings(), overseen=True).start()
    await desk.propose(4)
    await desk.settle()
    assert desk.signal.state is SignalState.PENDING
    assert review(desk).state == "asked"
    assert desk.broker.submitted == []
    return desk


def review(desk: Desk) -> Review:
    return list(desk.store.entities.of(Review).values())[-1]


async def says(desk: Desk, action: str = "none", **more: Any) -> str:
    """Have the overseer answer; returns what the bot answers to it."""
    payload = {"task": "pre_trade_review", "answered": "answered", "action": action, "subject": review(desk).id, **more}
    row = f"v{len(desk.store.batches)}"
    desk.put(InboundReceived(row, "overseer", "verdict", payload, desk.clock.now()))
    await desk.tick()
    answers = [each.answer for batch in desk.store.batches for each in batch.inbound if each.id == row]
    await desk.settle()
    return answers[-1]


async def test_a_plain_signal_is_not_reviewed() -> None:
    desk = await Desk(overseen=True).start()
    await desk.entry_working(4)
    assert not desk.store.entities.of(Review)


async def test_no_signal_waits_where_no_model_is() -> None:
    desk = await Desk(settings()).start()
    await desk.entry_working(4)
    assert not desk.store.entities.of(Review)


async def test_a_verdict_in_time_lets_the_rules_decide_on_a_fresh_preview_and_stands_in_the_evidence() -> None:
    desk = await asked()
    assert await says(desk, text="Two thirds of the day's range are behind it.") == "noted"
    assert desk.signal.state is SignalState.WORKING
    assert len(desk.broker.what_ifs) == 2
    [approved] = [row for row in desk.store.transitions if row.machine == "signal" and row.trigger == "approve"]
    assert approved.actor == "tick"
    assert approved.evidence["overseer_review"]["text"] == "Two thirds of the day's range are behind it."


async def test_a_veto_rejects_the_signal() -> None:
    desk = await asked()
    await says(desk, "veto", reason="the spread widened")
    assert desk.signal.state is SignalState.REJECTED
    assert review(desk).state == "vetoed"
    [rejected] = [row for row in desk.store.transitions if row.machine == "signal" and row.trigger == "reject"]
    assert (rejected.actor, rejected.reason) == ("overseer", "vetoed by the overseer: the spread widened")
    assert desk.broker.submitted == []


async def test_a_veto_without_leave_is_noted_alone() -> None:
    given = settings()
    given["overseer"]["may"] = ["warn"]
    desk = await asked(given)
    await says(desk, "veto")
    assert desk.signal.state is SignalState.WORKING
    assert review(desk).state == "cleared"


@pytest.mark.parametrize("policy,state", [("rules", "working"), ("person", "pending"), ("veto", "rejected")])
async def test_without_a_verdict_the_policy_decides_at_the_deadline(policy: str, state: str) -> None:
    desk = await asked(settings(on_silence=policy))
    while desk.clock.now() < review(desk).deadline - timedelta(seconds=0.3):
        await desk.tick()
        desk.broker.answer()
    assert desk.signal.state is SignalState.PENDING
    await desk.settle()
    assert desk.signal.state == state
    assert review(desk).state == "silent"
    waits_for_a_person = desk.signal.approval_id is not None and desk.signal.state is SignalState.PENDING
    assert waits_for_a_person == (policy == "person")


@pytest.mark.parametrize("answered", ["late", "refused", "malformed", "unavailable", "no_key", "budget"])
async def test_a_call_that_failed_is_no_verdict_and_the_signal_waits_no_longer(answered: str) -> None:
    desk = await asked()
    await says(desk, "veto", answered=answered)
    assert desk.signal.state is SignalState.WORKING
    assert review(desk).state == "silent"


async def test_a_late_verdict_is_no_verdict() -> None:
    desk = await asked()
    await desk.wait(DEADLINE_S + 1)
    assert desk.signal.state is SignalState.WORKING
    assert (await says(desk, "veto")).startswith("late: the review is silent")
    assert desk.signal.state is SignalState.WORKING


async def test_a_signal_that_a_person_rejects_ends_its_review() -> None:
    desk = await asked()
    await desk.command(RequestKind.REJECT, signal_id=desk.signal.id)
    await desk.settle()
    assert review(desk).state == "dropped"


async def test_a_review_survives_a_restart() -> None:
    desk = await asked()
    again = Desk(settings(), store=desk.store, broker=desk.broker, clock=desk.clock, overseen=True)
    again._quoted, again._worth = desk._quoted, desk._worth
    await again.start()
    await again.wait(DEADLINE_S + 2)
    assert review(again).state == "silent"


async def test_each_verdict_is_a_row_with_what_it_cost() -> None:
    desk = await asked()
    cost: dict[str, Any] = {"model": "m", "tokens_in": 900, "tokens_out": 80, "cost_micros": 130, "ms": 700}
    await says(desk, text="quiet", severity="warning", **cost)
    [call] = [call for batch in desk.store.batches for call in batch.calls]
    assert (call.task, call.model) == ("pre_trade_review", "m")
    assert (call.tokens_in, call.tokens_out, call.cost_micros, call.ms) == (900, 80, 130, 700)
    assert (call.severity, call.done, call.text) == ("warning", "noted", "quiet")


async def test_the_first_trade_of_a_strategy_that_was_switched_on_again_is_reviewed() -> None:
    desk = await Desk(overseen=True).start()
    for mode in ("off", "on"):
        state, answer = await desk.command(RequestKind.STRATEGY, strategy="fake", to=mode)
        assert state == "done", answer
    await desk.propose(4)
    await desk.settle()
    assert review(desk).why == ("the first trade of its strategy since that was switched on again",)


async def test_a_person_who_is_asked_reads_the_overseers_note() -> None:
    voice = Voice({"telegram": Channel("telegram", edits=True)}, (MessageTarget("telegram", "ann", Role.OWNER),))
    given = {**settings(), "approval": {"mode": "manual"}}
    desk = await Desk(given, overseen=True, voice=voice).start()
    await desk.propose(4)
    await desk.settle()
    await says(desk, text="The spread is wide for the hour.")
    [question] = [message for message in desk.engine.ledger.messages.values() if message.kind == "approval"]
    assert "\nOverseer: The spread is wide for the hour.\n" in question.body
    assert "overseer_review" not in question.body
