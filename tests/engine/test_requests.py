"""Authority, age and withdrawal at the engine's door; what other processes say."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.actors import Role
from bot.domain.events.host import DiskTold
from bot.domain.events.people import InboundReceived, RequestKind, RequestReceived, RequestUnreadable
from bot.domain.requests import REQUESTS
from bot.domain.session import SessionState
from bot.domain.signal import SignalState
from tests.engine.desk import Desk

K = RequestKind
MANUAL: dict[str, Any] = {"approval": {"mode": "manual"}}
PAPER: dict[str, Any] = {
    "mode": "paper",
    "requests": {"web_role": "viewer"},
    "people": {
        "users": [
            {"telegram_id": number, "name": f"the-{role}", "role": role}
            for number, role in enumerate(("owner", "operator", "approver", "viewer"), 1)
        ]
    },
}
ACTORS = {
    Role.OWNER: "admin:telegram:the-owner",
    Role.OPERATOR: "admin:telegram:the-operator",
    Role.APPROVER: "admin:telegram:the-approver",
    Role.VIEWER: "admin:telegram:the-viewer",
    Role.OVERSEER: "overseer",
    Role.RULES: "tick",
    Role.BROKER: "broker",
    Role.SIGNAL: "signal",
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", list(RequestKind))
async def test_who_may_not_ask_is_refused_before_any_handler(kind: RequestKind, role: Role) -> None:
    desk = await Desk(PAPER).start()
    state, answer = await desk.command(kind, actor=ACTORS[role])
    assert answer.startswith("NOT_ALLOWED") == (not REQUESTS[kind].may(role))
    if not REQUESTS[kind].may(role):
        assert (state, desk.engine.ledger.session.state) == ("refused", SessionState.ACTIVE)
        row = desk.store.transitions[-1]
        assert (row.machine, row.trigger, row.actor) == ("request", f"refused:{kind}", ACTORS[role])


@pytest.mark.parametrize("actor", ["overseer", "tick", "admin:sms:1", "Overseer", "somebody", "", "admin:web:"])
async def test_only_an_authorised_person_approves(actor: str) -> None:
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    state, answer = await desk.command(K.APPROVE, actor=actor, signal_id=desk.signal.id)
    await desk.settle()
    assert (state, answer[:11]) == ("refused", "NOT_ALLOWED")
    assert desk.signal.state is SignalState.PENDING
    assert not desk.broker.submitted


async def test_only_the_owner_lifts_a_halt() -> None:
    desk = await Desk(PAPER).start()
    await desk.command(K.HALT, actor="admin:telegram:the-operator")
    state, answer = await desk.command(K.RESUME, actor="admin:telegram:the-operator")
    assert (state, "while the session is halted" in answer) == ("refused", True)
    assert (await desk.command(K.RESUME, actor="admin:telegram:the-owner"))[0] == "done"


@pytest.mark.parametrize("kind,age", [(K.FLATTEN, 86_400.0), (K.EMERGENCY, 601.0), (K.PAUSE, 121.0), (K.FLATTEN, None)])
async def test_what_is_too_old_changes_nothing(kind: RequestKind, age: float | None) -> None:
    desk = await Desk().start()
    await desk.hold(2)
    desk.put(RequestReceived("old", kind, {}, "cli", desk.clock.now(), age_s=age))
    await desk.tick()
    state, answer = desk.store.answers[-1]
    assert (state, answer[:13]) == ("refused", "REQUEST_STALE")
    assert desk.store.transitions[-1].trigger == f"refused:{kind}"
    assert desk.engine.ledger.session.state is SessionState.ACTIVE


async def test_what_waited_in_the_inbox_grows_old_too() -> None:
    desk = await Desk().start()
    read_s = desk.clock.monotonic() - 130
    desk.put(RequestReceived("old", K.PAUSE, {}, "cli", desk.clock.now(), age_s=0.0, read_s=read_s))
    await desk.tick()
    assert desk.store.answers[-1][1].startswith("REQUEST_STALE: asked 130 s ago")


async def test_what_is_withdrawn_in_the_same_moment_is_not_carried_out() -> None:
    desk = await Desk().start()
    desk.put(RequestReceived("out", K.FLATTEN, {}, "cli", desk.clock.now()))
    desk.put(RequestReceived("no", K.WITHDRAW, {"request_id": "out"}, "cli", desk.clock.now()))
    await desk.tick()
    assert desk.store.answers[-2:] == [
        ("refused", "WITHDRAWN: withdrawn by cli before it was taken up"),
        ("done", "request out is withdrawn"),
    ]
    assert desk.engine.ledger.session.state is SessionState.ACTIVE
    state, answer = await desk.command(K.WITHDRAW, request_id="out")
    assert (state, "waits no more" in answer) == ("refused", True)


async def test_who_may_not_withdraw_withdraws_nothing() -> None:
    desk = await Desk().start()
    desk.put(RequestReceived("out", K.HALT, {}, "cli", desk.clock.now()))
    desk.put(RequestReceived("no", K.WITHDRAW, {"request_id": "out"}, "overseer", desk.clock.now()))
    await desk.tick()
    assert desk.engine.ledger.session.state is SessionState.HALTED


async def test_a_row_that_makes_no_sense_is_answered_and_on_record() -> None:
    desk = await Desk().start()
    desk.put(RequestUnreadable("x", "dance", "cli", "created_at 'soon' is no time"))
    await desk.tick()
    assert desk.store.answers[-1] == ("refused", "REQUEST_UNREADABLE: not understood: created_at 'soon' is no time")
    assert desk.store.transitions[-1].trigger == "refused:dance"


SAID = [
    ("publisher:discord", "alert", {"code": "BESIDE_FAILED", "severity": "critical", "text": "gone"}, "done", "raised"),
    ("publisher:discord", "alert", {"code": "BESIDE_FAILED", "text": "gone"}, "done", "raised"),
    ("publisher", "alert", {"code": "BESIDE_FAILED", "severity": "info", "text": "x"}, "refused", "is critical, not"),
    ("publisher", "alert", {"code": "BESIDE_FAILED", "severity": 5, "text": "x"}, "refused", "severity is missing"),
    ("publisher", "alert", {"code": "NO_SUCH_CODE", "text": "gone"}, "refused", "NOTICE_UNKNOWN"),
    ("people", "job", {"name": "digest", "state": "done"}, "done", "on record"),
    ("cli", "alert", {"code": "X", "severity": "info", "text": "x"}, "refused", "NOT_ALLOWED"),
    ("people", "flatten", {}, "refused", "INBOUND_UNKNOWN"),
    ("people", "alert", {"code": "x", "severity": "info", "text": "x"}, "refused", "NOTICE_UNKNOWN"),
    ("people", "alert", {}, "refused", "code is missing"),
    ("people", "job", {"name": "digest", "state": "half"}, "refused", "done or failed"),
]


@pytest.mark.parametrize("source,kind,payload,state,words", SAID)
async def test_what_other_processes_say_is_answered_once(
    source: str, kind: str, payload: dict[str, Any], state: str, words: str
) -> None:
    desk = await Desk().start()
    desk.put(InboundReceived("i1", source, kind, payload, desk.clock.now()))
    await desk.tick()
    (outcome,) = [row for batch in desk.store.batches for row in batch.inbound]
    assert (outcome.id, outcome.state, words in outcome.answer) == ("i1", state, True)


async def test_a_disk_with_too_little_room_keeps_entries_out_and_nothing_else() -> None:
    desk = await Desk().start()
    await desk.hold(2)
    for free_mb in (400, 300, 450):
        desk.put(DiskTold(free_mb, 500, desk.clock.now()))
        await desk.tick()
    assert any("less than 500 MB left" in block for block in desk.engine.ledger.entering.blocks)
    assert desk.store.alerts.count("DISK_LOW") == 1
    assert (await desk.command(K.CLOSE, position_id=desk.position.id))[0] == "done"
    desk.put(DiskTold(600, 500, desk.clock.now()))
    await desk.tick()
    assert desk.store.alerts.count("DISK_ROOM") == 1
    assert not desk.engine.ledger.entering.blocks
