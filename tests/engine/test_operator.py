"""Commands on what is over, unknown or already so: each answers what it is and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.breaker import Breaker
from bot.domain.events.people import RequestKind
from bot.domain.position import PositionState
from bot.domain.signal import SignalState
from tests.engine.apart import apart
from tests.engine.desk import Desk

K = RequestKind
Payload = Mapping[str, Any]
MANUAL: dict[str, Any] = {"approval": {"mode": "manual"}}


async def a_question(desk: Desk) -> Payload:
    await desk.propose(4)
    await desk.settle()
    return {"signal_id": desk.signal.id}


async def an_expired_signal(desk: Desk) -> Payload:
    asked = await a_question(desk)
    await desk.wait(200)
    assert desk.signal.state is SignalState.EXPIRED
    return asked


async def a_rejected_signal(desk: Desk) -> Payload:
    asked = await a_question(desk)
    await desk.command(K.REJECT, **asked)
    return asked


async def a_working_signal(desk: Desk) -> Payload:
    asked = await a_question(desk)
    await desk.command(K.APPROVE, **asked)
    await desk.settle()
    assert desk.signal.state is SignalState.WORKING
    return asked


async def a_filled_signal(desk: Desk) -> Payload:
    asked = await a_working_signal(desk)
    desk.broker.fill(desk.broker.entry)
    await desk.settle()
    return asked


async def nothing_named(desk: Desk) -> Payload:
    return {}


async def unknown_names(desk: Desk) -> Payload:
    return {"signal_id": "NOPE", "position_id": "NOPE", "symbol": "NOPE"}


async def a_closing_position(desk: Desk) -> Payload:
    await a_filled_signal(desk)
    await desk.command(K.CLOSE, position_id=desk.position.id)
    await desk.settle()
    assert desk.position.state is PositionState.CLOSING
    return {"position_id": desk.position.id}


async def an_unknown_alert(desk: Desk) -> Payload:
    return {"alert_id": "NOPE"}


async def a_closed_position(desk: Desk) -> Payload:
    await a_filled_signal(desk)
    desk.broker.fill(desk.broker.stop_order, 4, "1.00")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    return {"position_id": desk.position.id}


async def a_pause(desk: Desk) -> Payload:
    await desk.command(K.PAUSE, actor="admin:web:ann", reason="lunch")
    return {}


async def a_halt(desk: Desk) -> Payload:
    await desk.command(K.HALT, actor="admin:web:ann", reason="news")
    return {}


REFUSED: dict[str, tuple[RequestKind, Callable[[Desk], Awaitable[Payload]], str]] = {
    "approve an expired signal": (K.APPROVE, an_expired_signal, "is expired since 10:03:"),
    "approve a rejected signal": (K.APPROVE, a_rejected_signal, "is rejected since 10:00:"),
    "approve a working signal": (K.APPROVE, a_working_signal, "is working"),
    "approve a filled signal": (K.APPROVE, a_filled_signal, "is filled since"),
    "approve an unknown signal": (K.APPROVE, unknown_names, "signal NOPE is unknown"),
    "approve nothing": (K.APPROVE, nothing_named, "signal None is unknown"),
    "reject an expired signal": (K.REJECT, an_expired_signal, "is expired since"),
    "reject a rejected signal": (K.REJECT, a_rejected_signal, "is rejected since"),
    "reject a working signal": (K.REJECT, a_working_signal, "is working"),
    "reject a filled signal": (K.REJECT, a_filled_signal, "is filled since"),
    "reject an unknown signal": (K.REJECT, unknown_names, "signal NOPE is unknown"),
    "edit a working signal": (K.EDIT, a_working_signal, "is working"),
    "edit an unknown signal": (K.EDIT, unknown_names, "signal NOPE is unknown"),
    "cancel an unknown order": (K.CANCEL_ORDER, unknown_names, "ORDER_UNKNOWN: no live order is"),
    "switch an unknown strategy": (K.STRATEGY, unknown_names, "STRATEGY_UNKNOWN: no strategy is called"),
    "reload where there are no files": (K.RELOAD_CONFIG, nothing_named, "CONFIG_NOT_HERE"),
    "close a closing position": (K.CLOSE, a_closing_position, "is closing, operator"),
    "close a closed position": (K.CLOSE, a_closed_position, "is closed since 10:00:"),
    "close an unknown position": (K.CLOSE, unknown_names, "position NOPE is unknown"),
    "move the stop of a closing position": (K.MOVE_STOP, a_closing_position, "is closing, operator"),
    "move the stop of a closed position": (K.MOVE_STOP, a_closed_position, "is closed since 10:00:"),
    "move the stop of an unknown position": (K.MOVE_STOP, unknown_names, "position NOPE is unknown"),
    "settle a closed position": (K.SETTLE, a_closed_position, "is closed since 10:00:"),
    "settle an unknown position": (K.SETTLE, unknown_names, "position NOPE is unknown"),
    "pause a paused session": (K.PAUSE, a_pause, "the session is paused; pause by admin:web:ann: lunch"),
    "pause a halted session": (K.PAUSE, a_halt, "the session is halted; halt by admin:web:ann: news"),
    "halt a halted session": (K.HALT, a_halt, "the session is halted; halt by admin:web:ann: news"),
    "acknowledge an alert that is none": (K.ACK, an_unknown_alert, "alert NOPE is unknown, or over"),
    "take back the acknowledgement of an alert that is none": (
        K.UNACK,
        an_unknown_alert,
        "alert NOPE is unknown, or over",
    ),
    "draft a report of nothing": (K.REPORT_DRAFT, nothing_named, "a report is of one of day"),
    "approve a report that is none": (K.REPORT_APPROVE, nothing_named, "report (none named) is unknown"),
    "reject a report that is none": (K.REPORT_REJECT, nothing_named, "report (none named) is unknown"),
    "edit a report that is none": (K.REPORT_EDIT, nothing_named, "report (none named) is unknown"),
    "test alerts that nobody hears": (K.TEST_ALERTS, nothing_named, "NO_CHANNEL"),
    "test a channel that is none": (K.TEST_CHANNEL, nothing_named, "NO_CHANNEL"),
    "withdraw what was answered": (K.WITHDRAW, nothing_named, "waits no more"),
    "resume an active session": (K.RESUME, nothing_named, "the session is active: nothing to resume"),
    "resume an unknown symbol": (K.RESUME_SYMBOL, unknown_names, "symbol NOPE is not halted; halted now: none"),
    "resume no symbol": (K.RESUME_SYMBOL, nothing_named, "symbol (none named) is not halted"),
}
NOTHING_TO_DO: dict[str, tuple[RequestKind, Callable[[Desk], Awaitable[Payload]], str]] = {
    "cancel all, all is filled": (K.CANCEL_ALL, a_filled_signal, "calling off 0 entry orders; positions and"),
    "cancel all, nothing is there": (K.CANCEL_ALL, nothing_named, "calling off 0 entry orders"),
    "reconcile": (K.RECONCILE, nothing_named, "the broker's book was asked"),
}


def state_of(desk: Desk) -> Any:
    """Everything that a command could change in the store, and what the broker was asked."""
    store = desk.store
    tables = {name: store.tables[name] for name in ("executions", "commissions")}
    asked = (len(desk.broker.submitted), len(desk.broker.what_ifs), [o.cancel_asked for o in desk.broker.book.values()])
    held = ([e for e in store.entities if not isinstance(e, Breaker)], set(store.entities.of(Breaker)))
    return apart((tables, held, asked, len(store.transitions), len(store.alerts)))


@pytest.mark.parametrize("restart", [False, True], ids=["", "after a restart"])
@pytest.mark.parametrize("name", REFUSED)
async def test_it_answers_what_it_is_and_changes_nothing(name: str, restart: bool) -> None:
    kind, arrange, words = REFUSED[name]
    desk = await Desk(MANUAL).start()
    payload = await arrange(desk)
    if restart:
        desk = await Desk(MANUAL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=9).start()
    await desk.settle()
    before = state_of(desk)
    state, answer = await desk.command(kind, actor="admin:web:eve", **payload)
    assert state == "refused"
    assert words in answer
    assert state_of(desk) == before
    await desk.settle()
    assert state_of(desk) == before, "nor does anything follow"


@pytest.mark.parametrize("name", NOTHING_TO_DO)
async def test_with_nothing_to_do_it_says_so_and_changes_nothing(name: str) -> None:
    kind, arrange, words = NOTHING_TO_DO[name]
    desk = await Desk(MANUAL).start()
    payload = await arrange(desk)
    await desk.settle()
    before = state_of(desk)
    state, answer = await desk.command(kind, **payload)
    assert (state, words in answer) == ("done", True)
    assert state_of(desk) == before


def test_every_kind_of_command_is_in_a_table() -> None:
    """Flatten and emergency always change the session, adopt and decline answer what a comparison asked, quiet
    hours are a person's own; they are tested with what they do."""
    asked = {kind for kind, _, _ in (*REFUSED.values(), *NOTHING_TO_DO.values())}
    assert set(K) - asked == {K.FLATTEN, K.EMERGENCY, K.ADOPT, K.DECLINE, K.QUIET}


async def test_a_second_emergency_changes_nothing_but_the_alert(desk: Desk) -> None:
    await desk.hold(4)
    await desk.command(K.EMERGENCY, actor="admin:web:ann", reason="fire")
    await desk.settle()
    exits, session = len(desk.broker.submitted), apart(desk.store.session)
    state, answer = await desk.command(K.EMERGENCY, actor="signal")
    await desk.settle()
    assert state == "done"
    assert answer.startswith("halted; closing 0 positions (1 on their way already), calling off 0 entries")
    assert len(desk.broker.submitted) == exits
    assert desk.store.session == session, "who halted it first, stays on record"


async def test_what_ended_days_ago_is_unknown_to_the_engine(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.fill(desk.broker.stop_order, 4, "1.00")
    await desk.settle()
    desk.clock.advance(timedelta(days=5).total_seconds())
    await desk.settle()
    state, answer = await desk.command(K.CLOSE, position_id=desk.position.id)
    assert state == "refused"
    assert "is unknown, or closed for days" in answer
