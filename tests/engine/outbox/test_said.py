"""What is said of trades, of the session and in the morning, to whom, and once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.actors import Role
from bot.domain.events.people import RequestKind
from bot.domain.message import Message
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

VOICE = Voice(
    {"telegram": Channel("telegram", edits=True), "email": Channel("email")},
    (
        MessageTarget("telegram", "ann", Role.OWNER),
        MessageTarget("telegram", "vic", Role.VIEWER),
        MessageTarget("email", "desk"),
    ),
)
SEVEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def said(desk: Desk, kind: str) -> list[Message]:
    return [m for m in desk.store.entities.of(Message).values() if m.kind == kind]


@pytest.mark.parametrize("mode, silent", [("on", None), ("silent", True), ("off", None)])
async def test_a_trade_is_told_from_its_entry_to_its_end(mode: str, silent: bool | None) -> None:
    desk = await Desk({"alerts": {"trades": mode}}, voice=VOICE).start()
    position = await desk.hold(2)
    desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    told = said(desk, "trade")
    if mode == "off":
        assert told == []
        return
    assert [(m.target, m.body.partition(" ")[0]) for m in told] == [("ann", "Bought"), ("ann", "Closed")]
    assert {m.position_id for m in told} == {position.id}
    assert told[1].body.startswith("Closed SPY 590C 20 Nov")
    assert "realized −$" in told[1].body
    assert [m.extra.get("silent") for m in told] == [silent, silent]


async def test_who_holds_the_session_is_told_to_everybody() -> None:
    desk = await Desk(voice=VOICE).start()
    await desk.command(RequestKind.PAUSE, actor="admin:web:ann", reason="lunch")
    await desk.command(RequestKind.RESUME, actor="admin:web:ann")
    bodies = [m.body for m in said(desk, "notice") if m.target == "vic"]
    assert [body.partition(" at ")[0] for body in bodies] == ["PAUSED", "RUNNING again"]
    assert "by admin:web:ann: lunch" in bodies[0]


async def test_the_morning_word_comes_once_a_day_and_names_the_head_of_the_history() -> None:
    desk = await Desk(voice=VOICE, at=SEVEN).start()
    desk.equity("100000")
    await desk.ticks(3)
    assert said(desk, "notice") == []
    await desk.tick(3600)
    await desk.ticks(3)
    words = said(desk, "notice")
    assert [m.target for m in words] == ["ann", "vic", "desk"]
    lines = words[0].body.splitlines()
    assert lines[0].startswith("I am well · 20 Nov 2026 08:0")
    assert lines[1].startswith("Mode sim, the bot is ")
    assert lines[-1] == f"Head of the history: {words[0].extra['head']}"
    again = await Desk(voice=VOICE, store=desk.store, clock=desk.clock).start()
    await again.ticks(3)
    assert len(said(again, "notice")) == len(words)
    assert [job.name for batch in desk.store.batches for job in batch.jobs if job.name == "well"] == ["well"]
