"""Requests about signals: what a person approves, rejects or edits, and what is called off."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.approval import Approval, ApprovalState
from bot.domain.events.people import RequestReceived
from bot.domain.requests import Payload, Refused
from bot.domain.signal import Signal, SignalState
from bot.engine.requested.desk import RequestDesk, what_the_signal_is
from bot.engine.switches import call_off_proposed, switch
from bot.engine.trade import edits
from bot.engine.trade.signals import ask_what_if, refuse_by_person


def approve(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    signal, approval = _asked(desk, payload)
    if payload.seen and payload.seen != str(approval.edits):
        raise Refused("TERMS_CHANGED: its terms were edited since you saw them; look at the newer question")
    desk.approvals.waiting[signal.id] = command.actor
    desk.journal.instructions.append(ask_what_if(signal))
    return f"approving {signal.quantity} x {signal.contract}: rules and margin are checked again"


def reject(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    signal = desk.ctx.ledger.signals.get(payload.signal_id)
    if signal is None or signal.state not in {SignalState.PENDING, SignalState.APPROVED}:
        raise Refused(what_the_signal_is(desk, payload.signal_id))
    reason = payload.reason or f"rejected by {command.actor}"
    desk.journal.carry_out(refuse_by_person(desk.ctx, signal, command.actor, reason))
    return f"rejected {signal.contract}"


def edit(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    signal, approval = _asked(desk, payload)
    steps = edits.edit(desk.ctx, signal, approval, payload, command.actor)
    desk.journal.carry_out(steps)
    desk.journal.instructions.append(ask_what_if(signal))
    return f"{steps[0].reason}; it is asked anew: {edits.words_of(desk.ctx, signal)}"


def switch_strategy(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    words, unfollowed = switch(desk.ctx, desk.journal, payload, command.actor)
    drop(desk, unfollowed, words, command.actor)
    return words


def _asked(desk: RequestDesk, payload: Payload) -> tuple[Signal, Approval]:
    """Return the signal and the question about it that a person may answer now."""
    signal = desk.ctx.ledger.signals.get(payload.signal_id)
    if signal is None or signal.state is not SignalState.PENDING:
        raise Refused(what_the_signal_is(desk, payload.signal_id))
    approval = desk.ctx.ledger.approvals.get(signal.approval_id or "")
    if approval is None or approval.state is not ApprovalState.REQUESTED:
        raise Refused("this signal is not waiting for a person")
    if (first := desk.approvals.waiting.get(signal.id)) is not None:
        raise Refused(f"{first} approved it already: rules and margin are being checked")
    return signal, approval


def drop_pending(desk: RequestDesk, reason: str, actor: str) -> None:
    waiting = {SignalState.PENDING, SignalState.APPROVED}
    drop(desk, [s for s in desk.ctx.ledger.signals.values() if s.state in waiting], reason, actor)


def drop(desk: RequestDesk, signals: Sequence[Signal], reason: str, actor: str) -> None:
    call_off_proposed(desk.ctx, desk.journal, signals, reason, actor)
