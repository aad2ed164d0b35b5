"""Requests that sell, raise a stop or call off: one position, everything, everything at once and for good, entries
alone."""

from __future__ import annotations

import contextlib

from bot.domain.events.people import RequestReceived
from bot.domain.order import OrderState
from bot.domain.position import OPEN, CloseReason, Position, PositionState
from bot.domain.requests import Payload, Refused
from bot.domain.session import HALTABLE, PAUSABLE, Hold, SessionChange, SessionTrigger
from bot.domain.wording import key_words
from bot.engine.book import asking
from bot.engine.requested.desk import RequestDesk, what_the_position_is
from bot.engine.requested.session import hold
from bot.engine.requested.signals import drop_pending
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import CALLED_OFF, FLATTENED, call_off, why_called_off
from bot.engine.trade.exits import request_close
from bot.engine.trade.raising import raise_stop


def _held(desk: RequestDesk, position_id: str) -> Position:
    """Return a position that is not on its way out; raises Refused with what it is."""
    position = desk.ctx.ledger.positions.get(position_id)
    if position is None or position.state not in {PositionState.FILLED, PositionState.TRAILING}:
        raise Refused(what_the_position_is(desk, position_id))
    return position


def move_stop(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    position = _held(desk, payload.position_id)
    steps = raise_stop(desk.ctx, position, payload.stop, command.actor)
    desk.journal.carry_out(steps)
    return steps[0].reason


def close(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    position = _held(desk, payload.position_id)
    _turn(desk, position, CloseReason.OPERATOR, f"closed by {command.actor}", command.actor)
    return f"closing {position.quantity} x {position.contract}"


def flatten(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    reason = f"everything is flattened by {command.actor}"
    with contextlib.suppress(Refused):  # it may be held already
        hold(desk, command, "", Hold.PAUSE, SessionTrigger.PAUSE, PAUSABLE)
    words = _sell_everything(desk, reason, command.actor)
    return f"{words}; entries are paused until resume{_left(desk)}"


def emergency(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Halt, call every entry off, sell everything: as far as the broker can be asked now, the rest when it can."""
    reason = payload.reason or f"emergency stop by {command.actor}"
    session = desk.ctx.ledger.session
    if session.state in HALTABLE:
        sets = SessionChange(hold=Hold.HALT, held_by=command.actor, held_at=desk.ctx.now, hold_reason=reason)
        evidence = {"command": command.id}
        desk.journal.take(Step(session, SessionTrigger.HALT, reason, evidence, sets, actor=command.actor))
    words = _sell_everything(desk, reason, command.actor)
    desk.journal.alert("EMERGENCY_STOP", f"{reason}: {words}", {"actor": command.actor})
    return f"{session.state}; {words}{_left(desk)}"


def cancel_all(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    called_off = len(call_off(desk.journal, CALLED_OFF))
    drop_pending(desk, f"every entry is called off by {command.actor}", command.actor)
    return f"calling off {called_off} entry orders; positions and their stops stay{_left(desk)}"


def _sell_everything(desk: RequestDesk, reason: str, actor: str) -> str:
    open_ones = [p for p in desk.ctx.ledger.positions.values() if p.state in OPEN]
    turned = [p for p in open_ones if p.state is not PositionState.CLOSING]
    for position in turned:
        _turn(desk, position, CloseReason.FLATTEN, reason, actor)
    called_off = len(call_off(desk.journal, FLATTENED))
    drop_pending(desk, reason, actor)
    under_way = len(open_ones) - len(turned)
    alone = asking.left_alone_words(desk.ctx.ledger)
    sold = f"closing {len(turned)} positions ({under_way} on their way already)"
    return f"{sold}, calling off {called_off} entries{alone}"


def _left(desk: RequestDesk) -> str:
    """Say what cannot be acted on before the connection is back, or before the broker has said what it is, by
    name."""
    ctx, ledger = desk.ctx, desk.ctx.ledger
    leaving = [p for p in ledger.positions.values() if p.state is PositionState.CLOSING]
    called_off = [o for o in ledger.order_index.open.values() if why_called_off(o) is not None]
    left = [] if ctx.may_exit else [f"{p.quantity} x {p.contract}" for p in leaving]
    if not ctx.may_modify:
        left += [f"entry {o.order_ref} for {o.remaining} x {key_words(o.contract_key)}" for o in called_off]
    states = f"session {ledger.session.state}, connection {ledger.connection.state}"
    words = f"; not possible yet ({states}), done as soon as it is: {', '.join(left)}" if left else ""
    doubted = [o for o in ledger.order_index.open.values() if o.state is OrderState.UNKNOWN]
    if doubted:
        named = ", ".join(f"{o.purpose} {o.order_ref} for {o.remaining} x {key_words(o.contract_key)}" for o in doubted)
        words += f"; in doubt, the broker is asked first: {named}"
    return words


def _turn(desk: RequestDesk, position: Position, reason: CloseReason, words: str, actor: str) -> None:
    desk.journal.take(request_close(desk.ctx, position, reason, words, actor))
