"""Requests about the session: pause, halt, resume, and a symbol that is traded again."""

from __future__ import annotations

from collections.abc import Set

from bot.domain.events.people import RequestReceived
from bot.domain.instructions import AskSnapshot
from bot.domain.requests import Payload, Refused
from bot.domain.session import COMING_UP, HALTABLE, PAUSABLE, Hold, SessionChange, SessionState, SessionTrigger
from bot.domain.symbol_halt import SymbolState
from bot.engine.book import foreign
from bot.engine.day.limits import acknowledge
from bot.engine.requested.desk import RequestDesk, still_blocked
from bot.engine.requested.signals import drop_pending
from bot.engine.state.steps import Step
from bot.engine.trade import pace


def pause(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    return hold(desk, command, payload.reason, Hold.PAUSE, SessionTrigger.PAUSE, PAUSABLE)


def halt(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    return hold(desk, command, payload.reason, Hold.HALT, SessionTrigger.HALT, HALTABLE)


def hold(
    desk: RequestDesk,
    command: RequestReceived,
    why: str,
    hold: Hold,
    trigger: SessionTrigger,
    states: Set[SessionState],
) -> str:
    session = desk.ctx.ledger.session
    reason = why or f"asked by {command.actor}"
    sets = SessionChange(hold=hold, held_by=command.actor, held_at=desk.ctx.now, hold_reason=reason)
    held_already = hold is Hold.PAUSE and session.state in COMING_UP and session.hold is not Hold.NONE
    if session.state not in states or held_already:
        asked = "" if session.hold is Hold.NONE else f"; {session.hold} by {session.held_by}: {session.hold_reason}"
        raise Refused(f"the session is {session.state}{asked}")
    desk.journal.take(Step(session, trigger, reason, {"command": command.id}, sets, actor=command.actor))
    words = f"{session.state}, then paused" if session.state in COMING_UP else str(session.state)
    drop_pending(desk, reason, command.actor)
    return f"{words}: no new entries; open positions are managed to their end"


def resume(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    session = desk.ctx.ledger.session
    held = session.state in {SessionState.PAUSED, SessionState.HALTED}
    lifted = acknowledge(desk.ctx, desk.journal, command.actor)
    lifted += ("slowdown",) if pace.lift(desk.ctx, desk.journal, command.actor) else ()
    if not held and not lifted:
        raise Refused(f"the session is {session.state}: nothing to resume{still_blocked(desk)}")
    if not held:
        return f"{session.state}; counted anew: {', '.join(lifted)}{still_blocked(desk)}"
    halted = session.state is SessionState.HALTED
    sets = SessionChange(hold=Hold.NONE, held_by=None, held_at=None, hold_reason="")
    asks = (AskSnapshot("resumed after a halt"),) if halted else ()
    desk.journal.take(
        Step(
            session,
            SessionTrigger.RESUME,
            f"resumed by {command.actor}",
            {},
            sets,
            instructions=asks,
            actor=command.actor,
        )
    )
    return ("comparing the book, then active" if halted else "active") + still_blocked(desk)


def resume_symbol(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Allow entries again on a symbol that somebody else's trade halted."""
    symbol = payload.symbol.upper()
    halt = desk.ctx.ledger.symbol_halts.get(symbol)
    if halt is None or halt.state is not SymbolState.HALTED:
        halted = ", ".join(desk.ctx.ledger.entering.halted_symbols) or "none"
        raise Refused(f"symbol {symbol or '(none named)'} is not halted; halted now: {halted}")
    foreign.lift(desk.journal, halt, command.actor)
    return f"entries on {symbol} are allowed again; it was halted because: {halt.reason}{still_blocked(desk)}"
