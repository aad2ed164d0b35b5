"""An alert is one a code and a thing: counted, told by its level, escalated until somebody has it, ended by its end."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.actors import Role
from bot.domain.alert import Alert, AlertState
from bot.domain.events.people import AlertRaised, InboundReceived, RequestKind
from bot.domain.message import Message, MessageMode, MessageState
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import Desk

S = AlertState
CHANNELS = {
    "telegram": Channel("telegram", edits=True),
    "discord": Channel("discord", edits=True, repeats_within_s=120),
    "email": Channel("email"),
    "webhook": Channel("webhook", lists=False, per_minute=600),
}
PEOPLE = (MessageTarget("telegram", "ann", Role.OWNER), MessageTarget("telegram", "bob", Role.OPERATOR))
VOICE = Voice(
    CHANNELS,
    (*PEOPLE, MessageTarget("discord", "alerts"), MessageTarget("email", "desk"), MessageTarget("webhook", "pager")),
)
USERS = {"people": {"users": [{"name": "ann", "role": "owner", "telegram_id": 7}]}}


def raised(desk: Desk, code: str = "UNPROTECTED", text: str = "no stop", severity: str = "", **facts: Any) -> None:
    desk.put(AlertRaised(code, text, facts, desk.clock.now(), severity))


def alerts(desk: Desk) -> list[Alert]:
    return list(desk.store.entities.of(Alert).values())


def the_alert(desk: Desk, code: str) -> Alert:
    return [alert for alert in alerts(desk) if alert.code == code][-1]


def messages(desk: Desk, channel: str = "", kind: str = "") -> list[Message]:
    found = [*desk.store.entities.of(Message).values()]
    return [m for m in found if channel in {"", m.channel} and kind in {"", m.kind}]


async def answered(desk: Desk, outcome: str = "delivered") -> None:
    """Every message under way is answered, as the people's process does it."""
    for message in messages(desk):
        if message.state is MessageState.SENDING:
            payload = {"message": message.id, "outcome": outcome, "external_id": f"9:{message.id[-4:]}"}
            desk.put(
                InboundReceived(f"in-{message.id}-{message.attempts}", "people", "delivery", payload, message.due_at)
            )
    await desk.tick()


async def pass_s(desk: Desk, seconds: float) -> None:
    for _ in range(int(seconds // 5)):
        await desk.tick(5)
        await answered(desk)


async def test_each_level_goes_its_way() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, "UNPROTECTED", position_id="P1")
    raised(desk, "STOP_LOWERED", "lowered", position_id="P1")
    raised(desk, "CASH_FLOW", "money came in")
    await desk.ticks(2)
    by_code: dict[str, set[tuple[str, str]]] = {}
    for message in messages(desk):
        by_code.setdefault(message.extra["code"], set()).add((message.channel, message.target))
    assert by_code == {
        "UNPROTECTED": {("telegram", "ann"), ("discord", "alerts"), ("email", "desk"), ("webhook", "pager")},
        "STOP_LOWERED": {("telegram", "ann"), ("discord", "alerts"), ("webhook", "pager")},
    }
    assert {a.code: a.state for a in alerts(desk)} == {
        "UNPROTECTED": S.RAISED, "STOP_LOWERED": S.RAISED, "CASH_FLOW": S.RESOLVED,
    }  # fmt: skip
    await answered(desk)
    assert the_alert(desk, "UNPROTECTED").state is S.TOLD
    assert desk.store.path(the_alert(desk, "UNPROTECTED").id) == ["created", "tell"]


async def test_the_text_says_all_that_a_person_needs() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, "UNPROTECTED", "2 x SPY 590C 20 Nov without a stop for 3.0 s", position_id="P1", for_s=3.0)
    await desk.tick()
    (message,) = messages(desk, "telegram")
    lines = message.body.splitlines()
    assert lines[0].startswith("CRITICAL UNPROTECTED · 20 Nov 2026 10:0")
    assert lines[1:4] == [
        "2 x SPY 590C 20 Nov without a stop for 3.0 s", "position id P1, for s 3", "The bot is RUNNING.",
    ]  # fmt: skip
    assert lines[4].startswith("What to do: See in TWS that a stop rests there.")
    assert message.extra["buttons"] == [["Acknowledge", f"ack:{the_alert(desk, 'UNPROTECTED').id}"]]
    assert len(f"ack:{the_alert(desk, 'UNPROTECTED').id}") <= 64


async def test_behind_a_channel_that_is_silent_one_listing_grows_and_no_alert_is_lost() -> None:
    desk = await Desk(voice=VOICE).start()
    for number in range(60):
        raised(desk, "STOP_LOWERED", f"lowered {number}", position_id=f"P{number}")
        await desk.tick(60)
        for message in messages(desk, "telegram"):
            if message.state is MessageState.SENDING:
                told = {"message": message.id, "outcome": "failed", "reason": "silent", "attempt": message.attempts}
                desk.put(InboundReceived(f"{message.id}{number}", "people", "delivery", told, desk.clock.now()))
    over = {MessageState.SENT, MessageState.DEAD, MessageState.WITHHELD}
    waiting = [m for m in messages(desk, "telegram") if m.state not in over and m.mode is not MessageMode.EDIT]
    assert len(waiting) <= 8
    about = {each for message in waiting for each in message.extra["alert_ids"]}
    open_now = {alert.id for alert in alerts(desk) if alert.state is S.RAISED or alert.state is S.TOLD}
    assert about >= open_now


async def test_one_that_is_raised_again_is_counted_and_its_message_edited() -> None:
    desk = await Desk(voice=VOICE).start()
    for count in range(4):
        raised(desk, text=f"no stop for {count} s", position_id="P1")
        await desk.tick(10)
        await answered(desk)
    (alert,) = alerts(desk)
    assert (alert.count, alert.text, alert.entity) == (4, "no stop for 3 s", "P1")
    raised(desk, position_id="P2")
    await desk.tick()
    assert len(alerts(desk)) == 2, "another thing is another alert"
    await pass_s(desk, 40)
    edits = [m for m in messages(desk, "telegram") if m.mode is MessageMode.EDIT]
    assert edits
    assert "Raised 4 times" in edits[-1].body
    told = [m for m in messages(desk, "telegram") if m.mode is MessageMode.NEW]
    assert len(told) == 2
    assert not [m for m in messages(desk, "email") if m.mode is not MessageMode.NEW]


async def test_what_nobody_acknowledges_is_told_again_and_further() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, position_id="P1")
    await pass_s(desk, 280)
    assert len(messages(desk, "telegram")) == 1
    await pass_s(desk, 40)
    assert [(m.target, m.mode) for m in messages(desk, "telegram")] == [("ann", "new"), ("ann", "new")]
    await pass_s(desk, 300)
    assert sorted(m.target for m in messages(desk, "telegram")) == ["ann", "ann", "ann", "bob"]
    assert len(messages(desk, "email")) == 1
    await pass_s(desk, 300)
    assert len(messages(desk, "email")) == 2
    assert the_alert(desk, "UNPROTECTED").state is S.ESCALATED
    assert desk.store.path(the_alert(desk, "UNPROTECTED").id) == ["created", "tell", "escalate", "escalate", "escalate"]


async def test_whoever_has_it_ends_the_telling_and_every_message_says_so() -> None:
    desk = await Desk(USERS, voice=VOICE).start()
    raised(desk, position_id="P1")
    await desk.tick()
    await answered(desk)
    alert = the_alert(desk, "UNPROTECTED")
    assert (await desk.command(RequestKind.ACK, alert_id=alert.id))[0] == "done"
    assert (alert.id, the_alert(desk, "UNPROTECTED").state) == (alert.id, S.ACKNOWLEDGED)
    edit = next(m for m in messages(desk, "telegram") if m.mode is MessageMode.EDIT)
    assert "Acknowledged by cli at " in edit.body
    assert edit.extra["buttons"] == [["Undo", f"unack:{alert.id}"]]
    state, words = await desk.command(RequestKind.ACK, alert_id=alert.id)
    assert (state, words) == ("refused", "alert UNPROTECTED is acknowledged already, by cli")
    before = len(messages(desk, kind="alert"))
    raised(desk, position_id="P1")
    await pass_s(desk, 1000)
    told = [m for m in messages(desk, kind="alert")[before:] if m.mode is MessageMode.NEW]
    assert told == [], "who has it is told no more of it"


async def test_an_acknowledgement_that_is_taken_back_has_the_alert_told_on_and_can_be_given_again() -> None:
    desk = await Desk(USERS, voice=VOICE).start()
    raised(desk, position_id="P1")
    await desk.tick()
    await answered(desk)
    alert_id = the_alert(desk, "UNPROTECTED").id
    assert (await desk.command(RequestKind.UNACK, alert_id=alert_id))[0] == "refused", "nobody has it"
    for number in (1, 2):
        assert (await desk.command(RequestKind.ACK, alert_id=alert_id))[0] == "done"
        await pass_s(desk, 20)
        assert (await desk.command(RequestKind.UNACK, alert_id=alert_id))[0] == "done", number
        await pass_s(desk, 20)
    alert = the_alert(desk, "UNPROTECTED")
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_at) == (S.TOLD, None, None)
    edits = [m for m in messages(desk, "telegram") if m.mode is MessageMode.EDIT]
    labels = [edit.extra["buttons"][0][0] for edit in edits if edit.target == edits[0].target]
    assert labels == ["Undo", "Acknowledge"] * 2
    await pass_s(desk, 400)
    assert the_alert(desk, "UNPROTECTED").state is S.ESCALATED, "it is told on by its age"


@pytest.mark.parametrize("actor, state", [("overseer", "refused"), ("admin:web:nobody", "done"), ("cli", "done")])
async def test_who_may_acknowledge(actor: str, state: str) -> None:
    from bot.domain.events.people import RequestReceived

    desk = await Desk(voice=VOICE).start()
    raised(desk, position_id="P1")
    await desk.tick()
    desk.put(RequestReceived("r1", RequestKind.ACK, {"alert_id": "all"}, actor, desk.clock.now()))
    await desk.tick()
    assert desk.store.answers[-1][0] == state
    assert (the_alert(desk, "UNPROTECTED").state is S.ACKNOWLEDGED) == (state == "done")


async def test_an_end_that_is_told_resolves_its_alert_and_only_that() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, "HELD_IN_HALT", "halted", position_id="P1")
    raised(desk, "HELD_IN_HALT", "halted", position_id="P2")
    await desk.tick()
    raised(desk, "QUOTED_AGAIN", "quoted", position_id="P1")
    await desk.tick()
    assert {a.entity: a.state for a in alerts(desk) if a.code == "HELD_IN_HALT"} == {"P1": S.RESOLVED, "P2": S.RAISED}
    raised(desk, "HELD_IN_HALT", "halted", position_id="P1")
    await desk.tick()
    assert [a.count for a in alerts(desk) if a.code == "HELD_IN_HALT" and a.entity == "P1"] == [1, 1]


async def test_a_position_that_closes_takes_its_alerts_with_it() -> None:
    desk = await Desk(voice=VOICE).start()
    position = await desk.hold(2)
    raised(desk, "EXIT_SLOW", "slow", position_id=position.id)
    await desk.tick()
    desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    assert the_alert(desk, "EXIT_SLOW").state is S.RESOLVED


async def test_a_warning_that_is_not_raised_again_is_over_and_what_is_critical_waits() -> None:
    desk = await Desk({"alerts": {"over_after_s": 60}}, voice=VOICE).start()
    raised(desk, "STOP_LOWERED", "lowered", position_id="P1")
    raised(desk, "OVERSOLD", "more sold than held", position_id="P1")
    await desk.tick(100)
    await desk.tick(2)
    assert {a.code: a.state for a in alerts(desk)} == {"STOP_LOWERED": S.RESOLVED, "OVERSOLD": S.RAISED}


async def test_a_burst_is_one_listing_and_what_is_critical_comes_through() -> None:
    desk = await Desk(voice=VOICE).start()
    for number in range(100):
        raised(desk, "CONTRACT_UNANSWERED", f"no answer {number}", key=f"K{number}")
        if number % 10 == 0:
            await desk.tick(0.1)
    raised(desk, "OVERSOLD", "more sold than held", position_id="P1")
    await desk.ticks(2, 0.25)
    critical = [m for m in messages(desk, "telegram") if m.extra["code"] == "OVERSOLD"]
    assert [m.state for m in critical] == [MessageState.SENDING]
    await pass_s(desk, 60)
    to_ann = [m for m in messages(desk, "telegram") if m.target == "ann" and m.state is MessageState.SENT]
    assert len(to_ann) <= 20
    listed = [m for m in to_ann if m.kind == "listing"]
    alone = [m for m in to_ann if m.kind == "alert" and m.extra["code"] != "OVERSOLD"]
    assert sum(m.extra["count"] for m in listed) + len(alone) == 100
    assert len(messages(desk, "webhook")) == 101, "a program that reads gets each"
    assert all(a.state is S.TOLD for a in alerts(desk))


async def test_quiet_hours_hold_warnings_for_a_digest_and_never_what_is_critical() -> None:
    quiet = {"alerts": {"quiet": {"begins": "09:00", "ends": "10:02"}}}
    desk = await Desk(quiet, voice=VOICE).start()
    for number in range(3):
        raised(desk, "CONTRACT_UNANSWERED", f"no answer {number}", key=f"K{number}")
    raised(desk, "OVERSOLD", "more sold than held", position_id="P1")
    await pass_s(desk, 60)
    assert [m.extra["code"] for m in messages(desk, "telegram") if m.state is MessageState.SENT] == ["OVERSOLD"]
    await pass_s(desk, 70)
    (digest,) = [m for m in messages(desk, "telegram") if m.kind == "digest"]
    assert (digest.state, digest.extra["count"]) == (MessageState.SENT, 3)
    assert digest.body.startswith("3 alerts, held in quiet hours")


async def test_settings_say_the_level_and_the_channels_of_a_code() -> None:
    own = {"alerts": {"codes": {"OVERSOLD": {"level": "warning"}, "STOP_LOWERED": {"channels": ["email"]}}}}
    desk = await Desk(own, voice=VOICE).start()
    raised(desk, "OVERSOLD", "more sold than held", position_id="P1")
    raised(desk, "STOP_LOWERED", "lowered", position_id="P1")
    await desk.tick()
    assert the_alert(desk, "OVERSOLD").severity == "warning"
    assert {m.channel for m in messages(desk) if m.extra["code"] == "OVERSOLD"} == {"telegram", "discord", "webhook"}
    assert {m.channel for m in messages(desk) if m.extra["code"] == "STOP_LOWERED"} == {"email"}


async def test_a_target_that_refuses_for_good_is_told_of_elsewhere_and_once() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, position_id="P1")
    await desk.ticks(2)
    for message in messages(desk, "telegram"):
        payload = {"message": message.id, "outcome": "refused", "reason": "Forbidden: bot was blocked by the user"}
        desk.put(InboundReceived("x1", "people", "delivery", payload, desk.clock.now()))
    await pass_s(desk, 30)
    dead = the_alert(desk, "MESSAGE_DEAD")
    assert (dead.entity, dead.count) == ("telegram:ann", 1)
    assert {m.channel for m in messages(desk) if m.extra["code"] == "MESSAGE_DEAD"} == {
        "telegram",
        "discord",
        "webhook",
    }


async def test_a_restart_forgets_no_alert() -> None:
    desk = await Desk(voice=VOICE).start()
    raised(desk, position_id="P1")
    await desk.tick()
    await answered(desk)
    again = await Desk(store=desk.store, clock=desk.clock, voice=VOICE).start()
    raised(again, position_id="P1")
    await again.tick()
    assert the_alert(again, "UNPROTECTED").count == 2
    assert [m.target for m in messages(again, "telegram")] == ["ann"]


async def test_a_bot_that_nobody_hears_keeps_its_alerts_and_writes_no_message() -> None:
    desk = await Desk().start()
    raised(desk, position_id="P1")
    await desk.ticks(3, 400)
    assert the_alert(desk, "UNPROTECTED").state is S.RAISED
    assert messages(desk) == []
    assert (await desk.command(RequestKind.TEST_ALERTS))[1].startswith("NO_CHANNEL")


async def test_a_test_sends_one_of_each_level_and_one_message_to_one_target() -> None:
    desk = await Desk(voice=VOICE).start()
    assert (await desk.command(RequestKind.TEST_ALERTS))[0] == "done"
    assert sorted(a.severity for a in alerts(desk) if a.code == "TEST_ALERT") == ["critical", "info", "warning"]
    assert len(messages(desk, "email")) == 1
    state, words = await desk.command(RequestKind.TEST_CHANNEL, name="telegram")
    assert (state, words) == ("refused", "telegram may mean telegram:ann, telegram:bob: name one of them")
    assert (await desk.command(RequestKind.TEST_CHANNEL, name="bob"))[0] == "done"
    assert [m.target for m in messages(desk, kind="test")] == ["bob"]
    assert (await desk.command(RequestKind.TEST_CHANNEL, name="nobody"))[1].startswith("no target is called nobody")
