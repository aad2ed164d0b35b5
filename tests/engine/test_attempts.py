"""Attempts of who may not: each a row of the audit trail; of strangers the owner is told once a day, with a count."""

from __future__ import annotations

from typing import Any

from bot.domain.events import InboundReceived
from bot.domain.message import Message
from bot.domain.requests import Role
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


async def test_each_attempt_is_on_record_and_the_owner_gets_one_message_with_their_number() -> None:
    desk = await Desk(voice=VOICE).start()
    for number in range(5):
        await tried(desk, number)
    await tried(desk, 6, count=100)
    rows = [row for row in desk.store.transitions if row.actor == "admin:telegram:1900"]
    assert [row.trigger for row in rows] == ["refused:/pause"] * 6
    assert rows[-1].reason.endswith("(100 times)")
    (message,) = told(desk)
    assert (message.target, "105 attempts today" in message.body) == ("ann", True)
    await desk.wait(70)
    await tried(desk, 7)
    assert len(told(desk)) == 1  # not again today


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
