"""A person's quiet hours: chosen by a request, kept with who, for this person alone, and never for what is critical."""

from __future__ import annotations

import pytest

from bot.domain.actors import Role
from bot.domain.events.people import AlertRaised, RequestKind
from bot.domain.message import Message, MessageState
from bot.domain.quiet import HoursUnclear, QuietTime, hours_of
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

USERS = {
    "people": {"users": [{"name": n, "role": r, "telegram_id": t} for n, r, t in (
        ("ann", "owner", 7), ("bob", "approver", 8), ("cy", "viewer", 9),
    )]},
    "alerts": {"told_first": ["owner", "approver"]},
}  # fmt: skip
VOICE = Voice(
    {"telegram": Channel("telegram", edits=True), "discord": Channel("discord")},
    (
        MessageTarget("telegram", "ann", Role.OWNER),
        MessageTarget("telegram", "bob", Role.APPROVER),
        MessageTarget("discord", "bob"),  # a place that is called like a person
    ),
)


async def chooses(desk: Desk, who: str, to: str, **more: str) -> str:
    _, answer = await desk.command(RequestKind.QUIET, actor=who, to=to, **more)
    return answer


def waiting(desk: Desk) -> list[tuple[str, str, str]]:
    found = desk.store.entities.of(Message).values()
    return sorted((m.channel, m.target, m.kind) for m in found if m.state is MessageState.QUEUED)


async def test_one_persons_hours_hold_that_persons_warnings_and_survive_a_restart() -> None:
    desk = await Desk(USERS, voice=VOICE).start()
    assert "quiet hours of bob: 09:00 to 11:00 New York" in await chooses(desk, "admin:telegram:bob", "9-11")
    step = next(row for row in desk.store.transitions if row.machine == "quiet" and row.trigger == "choose")
    assert (step.actor, step.entity_id, step.to_state) == ("admin:telegram:bob", "bob", "own")
    desk = await Desk(USERS, store=desk.store, clock=desk.clock, voice=VOICE).start()
    desk.put(AlertRaised("STOP_LOWERED", "lowered", {"position_id": "P1"}, desk.clock.now()))
    desk.put(AlertRaised("UNPROTECTED", "bare", {"position_id": "P2"}, desk.clock.now()))
    await desk.ticks(3)
    assert waiting(desk) == [("telegram", "bob", "digest")]
    assert "none New York; no warning waits" in await chooses(desk, "admin:telegram:bob", "off")
    await desk.ticks(2)
    assert waiting(desk) == [], "what waited for the end of other hours goes out"
    assert "those of the settings again" in await chooses(desk, "admin:telegram:bob", "usual")


@pytest.mark.parametrize(
    "who, to, more, words",
    [
        ("admin:telegram:cy", "22-7", {}, "NOT_ALLOWED"),
        ("admin:telegram:nobody", "22-7", {}, "NOT_ALLOWED"),
        ("admin:telegram:bob", "22-7", {"person": "ann"}, "NOT_ALLOWED: bob chooses their own"),
        ("admin:telegram:bob", "25:00-7", {}, "QUIET_UNCLEAR"),
        ("admin:telegram:bob", "usual", {}, "already"),
        ("cli", "22-7", {}, "QUIET_WHOSE"),
        ("cli", "22-7", {"person": "dora"}, "names nobody called 'dora'"),
    ],
)
async def test_what_is_not_to_be_chosen_changes_nothing(who: str, to: str, more: dict[str, str], words: str) -> None:
    desk = await Desk(USERS, voice=VOICE).start()
    assert words in await chooses(desk, who, to, **more)
    assert not any(row.machine == "quiet" and not row.trigger.startswith("refused:") for row in desk.store.transitions)


async def test_an_owner_chooses_for_others() -> None:
    desk = await Desk(USERS, voice=VOICE).start()
    assert "quiet hours of bob: 22:30 to 06:00" in await chooses(desk, "cli", "22:30-6:00", person="bob")
    assert desk.store.entities.of(QuietTime)["bob"].hours[0].hour == 22


def test_hours_are_read_in_one_way_only() -> None:
    assert hours_of("22:00-07:00") == hours_of(" 22 - 7 ") == hours_of("22 to 7:00") == ("22:00", "07:00")
    assert hours_of("off") == ("00:00", "00:00")
    assert hours_of("usual") is None
    for text in ("", "24-1", "7", "7-", "<b>1-2</b>", "1-2; drop", "٣-٤", "5-5", "1:5-2"):
        with pytest.raises(HoursUnclear):
            hours_of(text)
