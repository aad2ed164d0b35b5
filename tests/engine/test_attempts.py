"""Attempts of who may not: each a row of the audit trail; of strangers the owner is told once a day, with a count."""

from __future__ import annotations

from typing import Any

from bot.domain.actors import Role
from bot.domain.events.people import InboundReceived
from bot.domain.message import Message, MessageMode, MessageState
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

VOICE = Voice(
    {"telegram": Channel("telegram", edits=True)},
    (MessageTarget("telegram", "ann", Role.OWNER), MessageTarget("telegram", "bob", Role.OPERATOR)),
)


async def tried(desk: Desk, number: int, **more: Any) -> None:
    payload = {"actor": "admin:telegram:1900", "what": "/pause", "why": "NOT_ALLOWED: nobody", "stranger": True, **more}
    desk.put(InboundReceived(f"in{number}", "people", "attempt", payload, desk.clock.now()))
    await desk.tick()


def told(desk: Desk) -> list[Message]:
    return [*desk.engine.ledger.messages.values(), *desk.engine.ledger.message_index.over.values()]


async def test_the_first_attempt_is_told_at_once_and_what_follows_is_the_same_messages_number() -> None:
    desk = await Desk(voice=VOICE).start()
    await tried(desk, 0)
    (first,) = told(desk)
    assert (first.target, "1 attempt today" in first.body) == ("ann", True)
    await desk.tick()
    assert first.state is MessageState.SENDING
    await delivered(desk, first)
    for number in range(1, 5):
        await tried(desk, number)
    await tried(desk, 6, count=100)
    rows = [row for row in desk.store.transitions if row.actor == "admin:telegram:1900"]
    assert [row.trigger for row in rows] == ["refused:/pause"] * 6
    assert rows[-1].reason.endswith("(100 times)")
    count = next(message for message in told(desk) if message is not first)
    assert (count.mode, count.parent_id, count.state) == (MessageMode.EDIT, first.id, MessageState.QUEUED)
    assert "105 attempts today" in count.body
    desk.clock.advance(61)
    await desk.tick()
    assert count.state is MessageState.SENDING
    await delivered(desk, count)
    await tried(desk, 7)
    assert [message.mode for message in told(desk)].count(MessageMode.NEW) == 1  # no second one today
    later = next(message for message in told(desk) if message not in (first, count))
    assert "106 attempts today" in later.body
    assert (later.due_at - count.due_at).total_seconds() == 120  # the next number takes twice as long


async def delivered(desk: Desk, message: Message) -> None:
    payload = {"message": message.id, "outcome": "delivered", "external_id": "1:1", "attempt": message.attempts}
    desk.put(InboundReceived(f"of {message.id}", "people", "delivery", payload, desk.clock.now()))
    await desk.tick()


async def test_a_known_persons_attempt_is_on_record_and_tells_nobody() -> None:
    desk = await Desk(voice=VOICE).start()
    await tried(desk, 1, actor="admin:telegram:bob", stranger=False)
    assert desk.store.transitions[-1].actor == "admin:telegram:bob"
    assert told(desk) == []


async def test_only_a_persons_attempt_is_told_and_only_by_who_hears_persons() -> None:
    desk = await Desk(voice=VOICE).start()
    before = len(desk.store.transitions)
    await tried(desk, 1, actor="tick")
    desk.put(InboundReceived("in9", "publisher", "attempt", {"actor": "admin:web:x"}, desk.clock.now()))
    await desk.tick()
    assert len(desk.store.transitions) == before
