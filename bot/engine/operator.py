"""What people ask: each command row is answered once, with a state change or with the reason why not.

Before any handler sees it: is it fresh, may this actor ask for it, is its payload whole (`bot.domain.requests`). What
is refused there is also a row of the audit trail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.config.people import roster_of
from bot.domain.approval import Approval, ApprovalState
from bot.domain.events import RequestKind, RequestReceived, RequestUnreadable
from bot.domain.instructions import AskSnapshot
from bot.domain.money import neat, to_price
from bot.domain.order import OrderState
from bot.domain.position import OPEN, CloseReason, Position, PositionState, Settlement
from bot.domain.requests import (
    REQUESTS,
    Expiry,
    Payload,
    Refused,
    Roster,
    actor_of,
    payload_of,
    refuse_stale,
    refuse_without_authority,
)
from bot.domain.session import Hold, SessionChange, SessionState, SessionTrigger
from bot.domain.signal import Signal, SignalChange, SignalState, SignalTrigger
from bot.domain.symbol_halt import SymbolState
from bot.domain.typed_price import PriceUnclear, is_far, price_of
from bot.domain.wording import dollars, key_words, new_york
from bot.engine.book import asking, foreign, sold_elsewhere
from bot.engine.day.limits import acknowledge
from bot.engine.outbox import asked
from bot.engine.outbox.outbox import Outbox
from bot.engine.settlement import settler
from bot.engine.settlement.expiry import sound_price
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import RequestOutcome
from bot.engine.state.steps import Step
from bot.engine.switches import Reloading, cancel_order, switch
from bot.engine.trade import edits, pace
from bot.engine.trade.calling_off import CALLED_OFF, FLATTENED, call_off, why_called_off
from bot.engine.trade.exits import request_close
from bot.engine.trade.raising import raise_stop
from bot.engine.trade.signals import ask_what_if, close_question, refuse_by_person

_COMING_UP = frozenset({SessionState.STARTING, SessionState.RECONCILING})
_PAUSABLE = _COMING_UP | {SessionState.ACTIVE}
_HALTABLE = _PAUSABLE | {SessionState.PAUSED}


@dataclass
class PersonsApprovals:
    """Signals that a person approved and whose fresh what-if is still under way: signal id -> actor."""

    waiting: dict[str, str]


class Withdrawn(Refused):
    """A request that somebody who may took back before it was taken up."""


class Operator:
    """Handles the commands of one tick."""

    def __init__(
        self,
        ctx: Context,
        journal: Journal,
        approvals: PersonsApprovals,
        withdrawn: Mapping[str, RequestReceived] | None = None,
        reloading: Reloading | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self._ctx = ctx
        self._journal = journal
        self._approvals = approvals
        self._withdrawn = withdrawn or {}
        self._taken_back: set[str] = set()  # requests of this tick that were withdrawn before they were taken up
        self._reloading = reloading or Reloading()
        self._handlers: dict[RequestKind, Callable[[RequestReceived, Payload], str]] = {
            RequestKind.APPROVE: self._approve,
            RequestKind.REJECT: self._reject,
            RequestKind.PAUSE: self._pause,
            RequestKind.RESUME: self._resume,
            RequestKind.RESUME_SYMBOL: self._resume_symbol,
            RequestKind.HALT: self._halt,
            RequestKind.CLOSE: self._close,
            RequestKind.MOVE_STOP: self._move_stop,
            RequestKind.FLATTEN: self._flatten,
            RequestKind.RECONCILE: self._reconcile,
            RequestKind.EMERGENCY: self._emergency,
            RequestKind.CANCEL_ALL: self._cancel_all,
            RequestKind.SETTLE: self._settle,
            RequestKind.WITHDRAW: self._withdraw,
            RequestKind.ADOPT: self._adopt,
            RequestKind.DECLINE: self._decline,
            RequestKind.EDIT: self._edit,
            RequestKind.CANCEL_ORDER: lambda command, payload: cancel_order(ctx, journal, payload.order_id),
            RequestKind.STRATEGY: self._switch,
            **_asked_of_the_voice(ctx, journal, outbox or Outbox()),
            RequestKind.RELOAD_CONFIG: lambda command, payload: self._reloading.ask(command.actor),
        }

    def handle(self, command: RequestReceived) -> None:
        """Carry out one command; its answer goes back on the row, which is written with it where there is none."""
        self._journal.batch.heard.append(command)
        try:
            self._admit(command)
        except Refused as refusal:
            if isinstance(refusal, Withdrawn):
                self._taken_back.add(command.id)
            self._journal.request_refused(command.id, command.kind, command.actor, str(refusal))
            self._answer(command.id, "refused", str(refusal))
            return
        try:
            payload = payload_of(command.kind, command.payload)
            answer, state = self._handlers[command.kind](command, payload), "done"
        except Refused as refusal:
            answer, state = str(refusal), "refused"
        self._answer(command.id, state, answer)

    def refuse_unreadable(self, event: RequestUnreadable) -> None:
        """Answer a row that makes no sense."""
        words = f"REQUEST_UNREADABLE: not understood: {event.why}"
        self._journal.request_refused(event.id, event.kind, event.actor, words)
        self._answer(event.id, "refused", words)

    def _admit(self, command: RequestReceived) -> None:
        """Raise Refused for a request that may not reach its handler."""
        ctx = self._ctx
        halted = ctx.ledger.session.state is SessionState.HALTED
        refuse_without_authority(command.kind, actor_of(command.actor, roster(ctx)), halted=halted)
        requests = ctx.settings.requests
        waited = 0.0 if command.read_s is None else ctx.steady_s - command.read_s
        age = None if command.age_s is None else command.age_s + waited
        refuse_stale(command.kind, age, Expiry(requests.expire_s, requests.emergency_expire_s))
        withdrawal = self._withdrawn.get(command.id)
        if withdrawal is not None and REQUESTS[RequestKind.WITHDRAW].may(actor_of(withdrawal.actor, roster(ctx)).role):
            raise Withdrawn(f"WITHDRAWN: withdrawn by {withdrawal.actor} before it was taken up")

    def _answer(self, request_id: str, state: str, answer: str) -> None:
        self._journal.batch.commands.append(RequestOutcome(request_id, state, answer, self._ctx.now))

    def _withdraw(self, command: RequestReceived, payload: Payload) -> str:
        outcomes = {outcome.id: outcome for outcome in self._journal.batch.commands}
        found = outcomes.get(payload.request_id)
        if found is None:
            raise Refused(f"request {payload.request_id} waits no more: it was answered, or was never asked")
        if payload.request_id not in self._taken_back:
            raise Refused(f"request {payload.request_id} is {found.state}: {found.answer}")
        return f"request {payload.request_id} is withdrawn"

    def _asked(self, payload: Payload) -> tuple[Signal, Approval]:
        """Return the signal and the question about it that a person may answer now."""
        signal = self._ctx.ledger.signals.get(payload.signal_id)
        if signal is None or signal.state is not SignalState.PENDING:
            raise Refused(self._what_the_signal_is(payload.signal_id))
        approval = self._ctx.ledger.approvals.get(signal.approval_id or "")
        if approval is None or approval.state is not ApprovalState.REQUESTED:
            raise Refused("this signal is not waiting for a person")
        if (first := self._approvals.waiting.get(signal.id)) is not None:
            raise Refused(f"{first} approved it already: rules and margin are being checked")
        return signal, approval

    def _edit(self, command: RequestReceived, payload: Payload) -> str:
        signal, approval = self._asked(payload)
        steps = edits.edit(self._ctx, signal, approval, payload, command.actor)
        self._journal.carry_out(steps)
        self._journal.instructions.append(ask_what_if(signal))
        return f"{steps[0].reason}; it is asked anew: {edits.words_of(self._ctx, signal)}"

    def _switch(self, command: RequestReceived, payload: Payload) -> str:
        words, unfollowed = switch(self._ctx, self._journal, payload, command.actor)
        self._drop(unfollowed, words, command.actor)
        return words

    def _approve(self, command: RequestReceived, payload: Payload) -> str:
        signal, approval = self._asked(payload)
        if payload.seen and payload.seen != str(approval.edits):
            raise Refused("TERMS_CHANGED: its terms were edited since you saw them; look at the newer question")
        self._approvals.waiting[signal.id] = command.actor
        self._journal.instructions.append(ask_what_if(signal))
        return f"approving {signal.quantity} x {signal.contract}: rules and margin are checked again"

    def _reject(self, command: RequestReceived, payload: Payload) -> str:
        signal = self._ctx.ledger.signals.get(payload.signal_id)
        if signal is None or signal.state not in {SignalState.PENDING, SignalState.APPROVED}:
            raise Refused(self._what_the_signal_is(payload.signal_id))
        reason = payload.reason or f"rejected by {command.actor}"
        self._journal.carry_out(refuse_by_person(self._ctx, signal, command.actor, reason))
        return f"rejected {signal.contract}"

    def _pause(self, command: RequestReceived, payload: Payload) -> str:
        return self._hold(command, payload.reason, Hold.PAUSE, SessionTrigger.PAUSE, _PAUSABLE)

    def _halt(self, command: RequestReceived, payload: Payload) -> str:
        return self._hold(command, payload.reason, Hold.HALT, SessionTrigger.HALT, _HALTABLE)

    def _hold(
        self, command: RequestReceived, why: str, hold: Hold, trigger: SessionTrigger, states: Set[SessionState]
    ) -> str:
        session = self._ctx.ledger.session
        reason = why or f"asked by {command.actor}"
        sets = SessionChange(hold=hold, held_by=command.actor, held_at=self._ctx.now, hold_reason=reason)
        held_already = hold is Hold.PAUSE and session.state in _COMING_UP and session.hold is not Hold.NONE
        if session.state not in states or held_already:
            asked = "" if session.hold is Hold.NONE else f"; {session.hold} by {session.held_by}: {session.hold_reason}"
            raise Refused(f"the session is {session.state}{asked}")
        self._journal.take(Step(session, trigger, reason, {"command": command.id}, sets, actor=command.actor))
        words = f"{session.state}, then paused" if session.state in _COMING_UP else str(session.state)
        self._drop_pending(reason, command.actor)
        return f"{words}: no new entries; open positions are managed to their end"

    def _drop_pending(self, reason: str, actor: str) -> None:
        waiting = {SignalState.PENDING, SignalState.APPROVED}
        self._drop([s for s in self._ctx.ledger.signals.values() if s.state in waiting], reason, actor)

    def _drop(self, signals: Sequence[Signal], reason: str, actor: str) -> None:
        for signal in signals:
            words, sets = f"called off: {reason}", SignalChange(closed_at=self._ctx.now)
            self._journal.take(Step(signal, SignalTrigger.CANCEL, words, {}, sets, actor=actor))
            self._journal.carry_out(close_question(self._ctx, signal, actor, words))

    def _resume(self, command: RequestReceived, payload: Payload) -> str:
        session = self._ctx.ledger.session
        held = session.state in {SessionState.PAUSED, SessionState.HALTED}
        lifted = acknowledge(self._ctx, self._journal, command.actor)
        lifted += ("slowdown",) if pace.lift(self._ctx, self._journal, command.actor) else ()
        if not held and not lifted:
            raise Refused(f"the session is {session.state}: nothing to resume{self._still_blocked()}")
        if not held:
            return f"{session.state}; counted anew: {', '.join(lifted)}{self._still_blocked()}"
        halted = session.state is SessionState.HALTED
        sets = SessionChange(hold=Hold.NONE, held_by=None, held_at=None, hold_reason="")
        asks = (AskSnapshot("resumed after a halt"),) if halted else ()
        self._journal.take(
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
        return ("comparing the book, then active" if halted else "active") + self._still_blocked()

    def _resume_symbol(self, command: RequestReceived, payload: Payload) -> str:
        """Allow entries again on a symbol that somebody else's trade halted."""
        symbol = payload.symbol.upper()
        halt = self._ctx.ledger.symbol_halts.get(symbol)
        if halt is None or halt.state is not SymbolState.HALTED:
            halted = ", ".join(self._ctx.ledger.entering.halted_symbols) or "none"
            raise Refused(f"symbol {symbol or '(none named)'} is not halted; halted now: {halted}")
        foreign.lift(self._journal, halt, command.actor)
        return f"entries on {symbol} are allowed again; it was halted because: {halt.reason}{self._still_blocked()}"

    def _adopt(self, command: RequestReceived, payload: Payload) -> str:
        """Take a person's word that what is at the broker is to be ours; the next looks at the book do the rest."""
        words = asking.answer(self._journal, payload.key, command.actor)
        self._journal.instructions.append(AskSnapshot(f"adoption allowed by {command.actor}"))
        return words

    def _decline(self, command: RequestReceived, payload: Payload) -> str:
        """Take a person's word that what is at the broker is not to be ours."""
        return asking.decline(self._journal, payload.key, command.actor) + self._still_blocked()

    def _still_blocked(self) -> str:
        blocks = self._ctx.ledger.entering.blocks
        return f"; entries stay blocked: {'; '.join(blocks)}" if blocks else ""

    def _held(self, position_id: str) -> Position:
        """Return a position that is not on its way out; raises Refused with what it is."""
        position = self._ctx.ledger.positions.get(position_id)
        if position is None or position.state not in {PositionState.FILLED, PositionState.TRAILING}:
            raise Refused(self._what_the_position_is(position_id))
        return position

    def _move_stop(self, command: RequestReceived, payload: Payload) -> str:
        position = self._held(payload.position_id)
        steps = raise_stop(self._ctx, position, payload.stop, command.actor)
        self._journal.carry_out(steps)
        return steps[0].reason

    def _close(self, command: RequestReceived, payload: Payload) -> str:
        position = self._held(payload.position_id)
        self._turn(position, CloseReason.OPERATOR, f"closed by {command.actor}", command.actor)
        return f"closing {position.quantity} x {position.contract}"

    def _flatten(self, command: RequestReceived, payload: Payload) -> str:
        reason = f"everything is flattened by {command.actor}"
        with contextlib.suppress(Refused):  # it may be held already
            self._hold(command, "", Hold.PAUSE, SessionTrigger.PAUSE, _PAUSABLE)
        words = self._sell_everything(reason, command.actor)
        return f"{words}; entries are paused until resume{self._left()}"

    def _emergency(self, command: RequestReceived, payload: Payload) -> str:
        """Halt, call every entry off, sell everything: as far as the broker can be asked now, the rest when it can."""
        reason = payload.reason or f"emergency stop by {command.actor}"
        session = self._ctx.ledger.session
        if session.state in _HALTABLE:
            sets = SessionChange(hold=Hold.HALT, held_by=command.actor, held_at=self._ctx.now, hold_reason=reason)
            evidence = {"command": command.id}
            self._journal.take(Step(session, SessionTrigger.HALT, reason, evidence, sets, actor=command.actor))
        words = self._sell_everything(reason, command.actor)
        self._journal.alert("EMERGENCY_STOP", f"{reason}: {words}", {"actor": command.actor})
        return f"{session.state}; {words}{self._left()}"

    def _cancel_all(self, command: RequestReceived, payload: Payload) -> str:
        called_off = len(call_off(self._journal, CALLED_OFF))
        self._drop_pending(f"every entry is called off by {command.actor}", command.actor)
        return f"calling off {called_off} entry orders; positions and their stops stay{self._left()}"

    def _sell_everything(self, reason: str, actor: str) -> str:
        open_ones = [p for p in self._ctx.ledger.positions.values() if p.state in OPEN]
        turned = [p for p in open_ones if p.state is not PositionState.CLOSING]
        for position in turned:
            self._turn(position, CloseReason.FLATTEN, reason, actor)
        called_off = len(call_off(self._journal, FLATTENED))
        self._drop_pending(reason, actor)
        under_way = len(open_ones) - len(turned)
        alone = asking.left_alone_words(self._ctx.ledger)
        sold = f"closing {len(turned)} positions ({under_way} on their way already)"
        return f"{sold}, calling off {called_off} entries{alone}"

    def _left(self) -> str:
        """Say what cannot be acted on before the connection is back, or before the broker has said what it is, by
        name."""
        ctx, ledger = self._ctx, self._ctx.ledger
        leaving = [p for p in ledger.positions.values() if p.state is PositionState.CLOSING]
        called_off = [o for o in ledger.order_index.open.values() if why_called_off(o) is not None]
        left = [] if ctx.may_exit else [f"{p.quantity} x {p.contract}" for p in leaving]
        if not ctx.may_modify:
            left += [f"entry {o.order_ref} for {o.remaining} x {key_words(o.contract_key)}" for o in called_off]
        states = f"session {ledger.session.state}, connection {ledger.connection.state}"
        words = f"; not possible yet ({states}), done as soon as it is: {', '.join(left)}" if left else ""
        doubted = [o for o in ledger.order_index.open.values() if o.state is OrderState.UNKNOWN]
        if doubted:
            named = ", ".join(
                f"{o.purpose} {o.order_ref} for {o.remaining} x {key_words(o.contract_key)}" for o in doubted
            )
            words += f"; in doubt, the broker is asked first: {named}"
        return words

    def _turn(self, position: Position, reason: CloseReason, words: str, actor: str) -> None:
        self._journal.take(request_close(self._ctx, position, reason, words, actor))

    def _reconcile(self, command: RequestReceived, payload: Payload) -> str:
        self._journal.instructions.append(AskSnapshot(f"asked by {command.actor}"))
        return "the broker's book was asked; the comparison is in the reconciliation table"

    def _settle(self, command: RequestReceived, payload: Payload) -> str:
        """Take a person's word for the underlying's price that a position was settled at, or for what a share of an
        option brought that somebody else sold."""
        position_id, ledger = payload.position_id, self._ctx.ledger
        position = ledger.closed.get(position_id) or ledger.positions.get(position_id)
        if position is not None and position.settlement is None and sold_elsewhere.is_uncertain(position):
            return self._tell_what_it_brought(command, payload, position)
        if position is None or position_id not in ledger.closed or position.settlement is None:
            raise Refused(self._what_the_position_is(position_id))
        price = _price(payload.price)
        if position.settlement is Settlement.FINAL and price == position.settlement_price:
            raise Refused(f"{position.contract} is settled at {price} already")
        _refuse_far(price, self._underlying_seen(position), self._ctx.settings.requests.price_far, payload)
        verdict = settler.told_by_person(position, price, command.actor)
        settler.resettle(self._journal, position, verdict, {"command": command.id, "underlying": price}, command.actor)
        return f"{verdict.words}; realized {dollars(position.realized_pnl, plus=True)}"

    def _tell_what_it_brought(self, command: RequestReceived, payload: Payload, position: Position) -> str:
        price, strike = _price(payload.price), position.contract.strike
        if price >= strike:
            raise Refused(f"{price} is no price of {position.contract}: tell what a share of the option was sold at")
        seen = position.elsewhere_estimate, f"the last price of {position.contract} that was seen or told"
        _refuse_far(price, seen, self._ctx.settings.requests.option_price_far, payload)
        words = sold_elsewhere.tell(self._journal, position, price, command.actor, {"command": command.id})
        return f"{words}; realized {dollars(position.realized_pnl, plus=True)}"

    def _underlying_seen(self, position: Position) -> tuple[Decimal | None, str]:
        """Return the underlying's price that a person's is compared with, and what it is: what the position was settled
        at, else the latest quote; with neither, the strike, which tells a slip of the point."""
        symbol, strike = position.contract.symbol, position.contract.strike
        if position.settlement_price is not None:
            return position.settlement_price, f"{symbol} at which it is settled now"
        quote = self._ctx.board.quote(symbol)
        latest = None if quote is None else sound_price(quote.reference)
        if latest is not None:
            return latest, f"the latest price of {symbol}"
        return strike, f"the strike, as no price of {symbol} was seen"

    def _what_the_signal_is(self, signal_id: str) -> str:
        signal = self._ctx.ledger.signal_index.of(signal_id)
        if signal is None:
            return f"signal {signal_id or None} is unknown, or over for days"
        return f"signal {signal_id} is {signal.state}{_since(signal.closed_at, self._ctx.now)}: {signal.contract}"

    def _what_the_position_is(self, position_id: str) -> str:
        ledger = self._ctx.ledger
        position = ledger.positions.get(position_id) or ledger.closed.get(position_id)
        if position is None:
            return f"position {position_id} is unknown, or closed for days"
        why = f", {position.close_reason}" if position.close_reason else ""
        since = _since(position.closed_at, self._ctx.now)
        return f"position {position_id} is {position.state}{since}{why}: {position.contract}"


def _asked_of_the_voice(
    ctx: Context, journal: Journal, outbox: Outbox
) -> Mapping[RequestKind, Callable[[RequestReceived, Payload], str]]:
    return {
        RequestKind.ACK: lambda c, p: asked.acknowledge(ctx, journal, outbox, p.alert_id, c.actor),
        RequestKind.UNACK: lambda c, p: asked.reopen(ctx, journal, outbox, p.alert_id, c.actor),
        RequestKind.TEST_ALERTS: lambda c, p: asked.test_alerts(journal, outbox, c.id),
        RequestKind.TEST_CHANNEL: lambda c, p: asked.test_channel(journal, outbox, p.name, c.id),
        RequestKind.QUIET: lambda c, p: outbox.choose_quiet(ctx, journal, p, c.actor),
    }


def _since(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    return f" since {new_york(at, now)}"


def _price(typed: str) -> Decimal:
    try:
        return to_price(price_of(typed))
    except PriceUnclear as unclear:
        raise Refused(f"PRICE_UNCLEAR: {unclear}") from unclear


def _refuse_far(price: Decimal, seen: tuple[Decimal | None, str], most: Decimal, payload: Payload) -> None:
    """Ask again where a told price is far from what was seen, unless the person insists on it."""
    compared, what = seen
    if compared is None or payload.insisted or not is_far(price, compared, most):
        return
    raise Refused(
        f"PRICE_FAR: {price} was understood, and that is more than {most:.0%} from {neat(compared)}, {what}; nothing "
        "was changed. If it is right, tell it again and insist (command line: --yes, page: the box below the price)"
    )


def roster(ctx: Context) -> Roster:
    """Return who may ask for what."""
    return roster_of(ctx.settings)
