"""Facts about orders and money, applied to the machines: what the broker says is true, in whatever order it says it.

An execution counts once, by the base of its execId; a correction replaces what it corrects. Positions come only from
executions, never from a status. A status or an error that does not fit is never guessed at: the order becomes
`unknown`.
"""

from __future__ import annotations

from decimal import Decimal

from bot.domain.commands import AskSnapshot
from bot.domain.contracts import parse_osi
from bot.domain.events import (
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
)
from bot.domain.ids import is_ours
from bot.domain.money import ZERO
from bot.domain.order import AMENDABLE, Execution, Order, OrderState, OrderTrigger, Purpose, Terms
from bot.domain.position import CloseReason, Position, PositionState, PositionTrigger
from bot.domain.signal import SignalState, SignalTrigger
from bot.engine.context import Context
from bot.engine.journal import Journal
from bot.engine.ledger import base_of
from bot.engine.records import ExecutionRow
from bot.engine.steps import Birth, Step
from bot.risk.ladder import freeze_plan

_LIVE_AGAIN = frozenset({OrderState.INTENT, OrderState.SUBMITTED, OrderState.UNKNOWN})


class FactKeeper:
    """Applies facts to the ledger through a journal. One object a tick."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx = ctx
        self._ledger = ctx.ledger
        self._journal = journal

    # ---- what our own adapter did

    def order_sent(self, event: OrderSent) -> None:
        order = self._ledger.by_ref.get(event.order_ref)
        if order is None:
            return
        order.order_id, order.client_id = event.order_id, event.client_id
        self._ledger.highest_order_id = max(self._ledger.highest_order_id, event.order_id)
        order.submitted_at = order.submitted_at or event.at
        if order.state is OrderState.INTENT:
            self._journal.take(
                Step(
                    order,
                    OrderTrigger.SUBMIT,
                    f"sent as order {event.order_id}",
                    {"order_id": event.order_id},
                    actor="tick",
                )
            )
        else:
            self._journal.keep(order)

    def order_not_sent(self, event: OrderNotSent) -> None:
        order = self._ledger.by_ref.get(event.order_ref)
        if order is None:
            return
        if order.wanted is not None:
            self._amend_refused(order, event.reason)
        elif order.state is OrderState.INTENT:
            sets = {"reject_reason": event.reason, "done_at": event.at}
            self._journal.take(Step(order, OrderTrigger.REJECT, f"not sent: {event.reason}", sets=sets))
            self._after_rejection(order)
        elif order.state is OrderState.CANCELLING:
            self._journal.take(Step(order, OrderTrigger.LOSE_SIGHT, f"cancel not sent: {event.reason}"))

    # ---- what the broker says of an order

    def order_reported(self, event: OrderReported) -> None:
        view = event.view
        order = self._find(view.order_ref, view.perm_id)
        if order is None:
            self._foreign_order(view)
            return
        self._identify(order, view)
        self._echo_of_terms(order, view)
        handle = {
            BrokerOrderStatus.PENDING: self._on_pending,
            BrokerOrderStatus.WORKING: self._on_working,
            BrokerOrderStatus.CANCELLED: self._on_cancelled,
            BrokerOrderStatus.INACTIVE: self._on_inactive,
        }.get(view.status)
        if handle is not None:
            handle(order, view)

    def _identify(self, order: Order, view: BrokerOrderView) -> None:
        changed = False
        if view.perm_id and order.perm_id != view.perm_id:
            order.perm_id, changed = view.perm_id, True
            self._ledger.by_perm[view.perm_id] = order
        if view.order_id > 0 and order.order_id != view.order_id:
            order.order_id, changed = view.order_id, True
        if view.filled_quantity is not None and view.filled_quantity > order.reported_filled:
            order.reported_filled, changed = view.filled_quantity, True
        if changed:
            self._journal.keep(order)

    def _echo_of_terms(self, order: Order, view: BrokerOrderView) -> None:
        """An amendment is in force once the broker shows the new terms."""
        if view.quantity == 0:
            return
        shown = Terms(view.quantity, view.limit_price, view.stop_price)
        if order.wanted is None or not _same_terms(shown, order.wanted):
            self._learn_terms(order, shown)
            return
        before, order.terms, order.wanted = order.terms, order.wanted, None
        order.reject_code, order.reject_reason = None, ""  # an earlier refusal is history
        evidence = {"before": _words(before), "now": _words(order.terms)}
        words = f"new terms in force: {_words(order.terms)}"
        self._journal.take(Step(order, OrderTrigger.AMENDED, words, evidence, actor="broker"))
        self._complete(order)
        if order.purpose is Purpose.PROTECT and not order.is_done:
            self._covered_again(order)

    def _learn_terms(self, order: Order, shown: Terms) -> None:
        """What the broker shows is in force, even an amendment that we had given up for lost."""
        ours = order.terms
        if order.is_done or _same_terms(shown, ours):
            return
        limit = ours.limit_price and (shown.limit_price or ours.limit_price)
        stop = ours.stop_price and (shown.stop_price or ours.stop_price)
        order.terms = Terms(shown.quantity, limit, stop)
        self._journal.keep(order)
        self._complete(order)

    def _complete(self, order: Order) -> None:
        """The terms that came into force ask for no more than what is filled already."""
        if order.filled_quantity >= order.terms.quantity and not order.is_done:
            words = f"{order.filled_quantity} of {order.terms.quantity} done"
            self._journal.take(Step(order, OrderTrigger.FILL, words, sets={"done_at": self._ctx.now}, actor="broker"))

    def _covered_again(self, order: Order) -> None:
        """A stop that grew to cover a later fill ends the time without protection."""
        position = self._ledger.positions.get(order.position_id or "")
        if position is not None and position.unprotected_since and order.remaining >= position.quantity:
            self._protected(order)

    def _on_pending(self, order: Order, view: BrokerOrderView) -> None:
        """PreSubmitted: a stop rests so for its whole life, so for a stop it is the acknowledgement."""
        if order.stop_kind or order.state is OrderState.UNKNOWN:
            self._on_working(order, view)

    def _on_working(self, order: Order, view: BrokerOrderView) -> None:
        if order.state not in _LIVE_AGAIN:
            return
        step = Step(
            order,
            OrderTrigger.ACKNOWLEDGE,
            f"the broker holds it as {view.order_id} (perm {view.perm_id})",
            {"perm_id": view.perm_id, "status": view.status.value, "detail": view.detail},
            {"acknowledged_at": self._ctx.now},
            actor="broker",
        )
        if self._journal.take(step) and order.purpose is Purpose.PROTECT:
            self._protected(order)

    def _protected(self, order: Order) -> None:
        position = self._ledger.positions.get(order.position_id or "")
        if position is None:
            return
        since = position.unprotected_since
        waited = (self._ctx.now - since).total_seconds() if since else 0.0
        stop = order.terms.stop_price
        self._journal.take(
            Step(
                position,
                PositionTrigger.PROTECTED,
                f"stop for {order.remaining} at {stop} works at the broker",
                {"order_ref": order.order_ref, "stop": stop, "quantity": order.remaining, "unprotected_s": waited},
                {"protected_at": self._ctx.now, "unprotected_since": None, "stop_price": stop},
                actor="broker",
            )
        )

    def _on_cancelled(self, order: Order, view: BrokerOrderView) -> None:
        if order.is_done:
            return
        asked = order.state is OrderState.CANCELLING
        if order.state is OrderState.INTENT:
            self._journal.take(Step(order, OrderTrigger.SUBMIT, "the broker has heard of it", actor="broker"))
        evidence = {"filled": view.filled_quantity, "detail": view.detail}
        step = Step(
            order,
            OrderTrigger.CONFIRM_CANCEL,
            view.detail or "the broker confirmed the cancel",
            evidence,
            {"done_at": self._ctx.now, "wanted": None},
            actor="broker",
        )
        if self._journal.take(step):
            self.ended(order, asked=asked)

    def _on_inactive(self, order: Order, view: BrokerOrderView) -> None:
        if order.is_done:
            return
        if order.state is OrderState.INTENT:
            self._journal.take(Step(order, OrderTrigger.SUBMIT, "the broker has heard of it", actor="broker"))
        reason = order.reject_reason or view.detail or "inactive at the broker"
        sets = {"done_at": self._ctx.now, "reject_reason": reason, "wanted": None}
        if self._journal.take(Step(order, OrderTrigger.REJECT, reason, {"status": "Inactive"}, sets, actor="broker")):
            self._after_rejection(order)

    def order_erred(self, event: OrderErred) -> None:
        order = self._ledger.by_ref.get(event.order_ref)
        if order is None:
            self._journal.alert(
                "FOREIGN_ORDER_ERROR", "warning", event.text, {"code": event.code, "ref": event.order_ref}
            )
            return
        if event.meaning in {ErrorMeaning.WARNING, ErrorMeaning.CANCEL_REPORTED}:
            return
        order.reject_code, order.reject_reason = event.code, event.text
        self._journal.keep(order)
        handle = {
            ErrorMeaning.REJECTED: self._error_rejects,
            ErrorMeaning.NOT_PLACED: self._error_not_placed,
            ErrorMeaning.CANCEL_REFUSED: self._error_on_cancel,
            ErrorMeaning.AMBIGUOUS: self._error_ambiguous,
        }[event.meaning]
        handle(order, event)

    def _error_rejects(self, order: Order, event: OrderErred) -> None:
        """A rejection ends a new order. On an order that was live it may mean a modification: evidence is asked for."""
        if order.is_done:
            return
        if order.wanted is not None or order.state not in {OrderState.INTENT, OrderState.SUBMITTED}:
            self._error_ambiguous(order, event)
            return
        evidence = {"code": event.code, "text": event.text}
        sets = {"done_at": self._ctx.now}
        if self._journal.take(
            Step(order, OrderTrigger.REJECT, f"{event.code}: {event.text}", evidence, sets, actor="broker")
        ):
            self._after_rejection(order)

    def _error_not_placed(self, order: Order, event: OrderErred) -> None:
        if order.wanted is not None and order.state in AMENDABLE:
            self._amend_refused(order, f"{event.code}: {event.text}")
        else:
            self._error_rejects(order, event)

    def _error_on_cancel(self, order: Order, event: OrderErred) -> None:
        if order.state is OrderState.CANCELLING:
            self._error_ambiguous(order, event)

    def _error_ambiguous(self, order: Order, event: OrderErred) -> None:
        if order.is_done:
            return
        if order.state is not OrderState.UNKNOWN:
            evidence = {"code": event.code, "text": event.text}
            self._journal.take(
                Step(
                    order,
                    OrderTrigger.LOSE_SIGHT,
                    f"{event.code}: {event.text}",
                    evidence,
                    {"wanted": None},
                    actor="broker",
                )
            )
        self._journal.alert(
            "ORDER_AMBIGUOUS", "warning", f"{order.order_ref}: {event.code} {event.text}", {"code": event.code}
        )
        self._journal.commands.append(AskSnapshot(f"error {event.code} on {order.order_ref}"))

    def _amend_refused(self, order: Order, reason: str) -> None:
        refused, order.wanted = order.wanted, None
        order.reject_reason = reason
        evidence = {"refused": _words(refused) if refused else "", "still": _words(order.terms)}
        if order.state in AMENDABLE:
            self._journal.take(Step(order, OrderTrigger.AMEND_REFUSED, reason, evidence, actor="broker"))
        else:
            self._journal.keep(order)

    # ---- what follows from an order's end

    def _after_rejection(self, order: Order) -> None:
        severity = "warning" if order.purpose is Purpose.ENTRY else "critical"
        self._journal.alert(
            "ORDER_REJECTED",
            severity,
            f"{order.purpose} order for {order.contract_key.strip()} was refused: {order.reject_reason}",
            {"order_ref": order.order_ref, "code": order.reject_code},
        )
        self.ended(order)

    def ended(self, order: Order, *, asked: bool = False) -> None:
        """Draw the consequences of an order's end for its position; `asked`: we took it back ourselves."""
        position = self._ledger.positions.get(order.position_id or "")
        if position is None or asked:
            return
        if order.purpose is Purpose.PROTECT:
            self._protection_ended(order, position)
        elif order.purpose is Purpose.EXIT and position.state is PositionState.CLOSING:
            reason = order.reject_reason or "exit order ended unfilled"
            self._journal.take(
                Step(
                    position,
                    PositionTrigger.EXIT_FAILED,
                    reason,
                    {"order_ref": order.order_ref},
                    {"exit_attempts": position.exit_attempts + 1},
                    actor="broker",
                )
            )

    def _protection_ended(self, order: Order, position: Position) -> None:
        """On the way out the stop is not missed; any other end of it is a loss."""
        if position.state is PositionState.CLOSING or position.quantity == 0:
            return
        self._journal.take(
            Step(
                position,
                PositionTrigger.PROTECTION_LOST,
                order.reject_reason or "the stop is gone from the broker",
                {"order_ref": order.order_ref, "state": order.state.value},
                {"unprotected_since": self._ctx.now, "protected_at": None},
                actor="broker",
            )
        )
        self._journal.alert(
            "PROTECTION_LOST",
            "critical",
            f"{position.contract} has no stop: {order.reject_reason or order.state}",
            {"position_id": position.id},
        )

    # ---- executions

    def executed(self, event: ExecutionReported) -> None:
        execution = event.execution
        known = self._ledger.executions.get(execution.base_id)
        if known is not None and known.revision >= execution.revision:
            return
        order = self._find(execution.order_ref, execution.perm_id)
        self._ledger.executions[execution.base_id] = execution
        if order is None:
            self._foreign_execution(execution)
            return
        if known is not None:
            self._correct(order, known, execution)
            return
        self._fill_order(order, execution)
        position = self._position_of(order, execution)
        if position is None:
            self._foreign_execution(execution)
            return
        self._write(execution, order, position)
        if order.purpose is Purpose.ENTRY:
            self._entry_fill(order, position, execution)
        elif position.state is PositionState.CLOSED:
            self._late_exit(order, position, execution)
        else:
            self._exit_fill(order, position, execution)
        self._charge_known(position, execution)

    def _write(
        self, execution: Execution, order: Order | None, position: Position | None, replaces: str | None = None
    ) -> None:
        row = ExecutionRow(
            execution,
            self._ledger.commissions.get(execution.exec_id),
            order.id if order else None,
            position.id if position else None,
            replaces,
        )
        self._journal.batch.executions.append(row)

    def _fill_order(self, order: Order, execution: Execution) -> None:
        order.filled_quantity += execution.quantity
        order.filled_value += execution.price * execution.quantity
        if not order.perm_id and execution.perm_id:
            order.perm_id = execution.perm_id
            self._ledger.by_perm[execution.perm_id] = order
        complete = order.filled_quantity >= order.terms.quantity
        if complete:
            trigger, order.done_at = OrderTrigger.FILL, self._ctx.now
        else:
            trigger = OrderTrigger.LATE_FILL if order.is_done else OrderTrigger.PARTIAL_FILL
        step = Step(
            order,
            trigger,
            f"{execution.quantity} at {execution.price}, {order.filled_quantity} of {order.terms.quantity} done",
            {"exec_id": execution.exec_id, "price": execution.price, "quantity": execution.quantity},
            {"wanted": None} if complete else {},
            actor="broker",
        )
        self._journal.take(step)

    def _position_of(self, order: Order, execution: Execution) -> Position | None:
        """Return what the execution changes: the order's position, or for an entry a new one."""
        position = self._ledger.positions.get(order.position_id or "")
        if position is not None:
            return position
        if order.purpose is Purpose.ENTRY:
            return self._open(order, execution)
        return self._ledger.closed.get(order.position_id or "")

    def _open(self, order: Order, execution: Execution) -> Position:
        """Make a position of an entry's first fill; one that fills after its position was closed is new risk."""
        signal = self._ledger.signal(order.signal_id)
        strategy = signal.strategy if signal else self._ctx.any_strategy
        contract = parse_osi(order.contract_key)
        position = Position(
            id=self._ctx.new_id(),
            contract=contract,
            strategy=strategy,
            plan=freeze_plan(self._ctx.exit_settings(strategy), contract, self._ctx.trading),
            opened_at=execution.executed_at,
            signal_id=order.signal_id,
            high=execution.price,
        )
        late = order.position_id is not None
        self._ledger.link_position(order, position)
        if signal is not None:
            signal.position_id = position.id
            self._journal.keep(signal)
        reason = f"{'late' if late else 'first'} fill of {order.order_ref}"
        self._journal.born(Birth(position, reason, {"exec_id": execution.exec_id}), actor="broker")
        return position

    def _entry_fill(self, order: Order, position: Position, execution: Execution) -> None:
        position.entry_quantity += execution.quantity
        position.entry_value += execution.price * execution.quantity
        position.high = max(position.high, execution.price)
        sets = {"unprotected_since": position.unprotected_since or self._ctx.now}
        self._journal.take(
            Step(
                position,
                PositionTrigger.ENTRY_FILL,
                f"bought {execution.quantity} at {execution.price}, holding {position.quantity}",
                {"exec_id": execution.exec_id, "order_ref": order.order_ref, "entry_price": position.entry_price},
                sets,
                actor="broker",
            )
        )
        if order.signal_id is not None:
            self._signal_of_late_fill(order)

    def _signal_of_late_fill(self, order: Order) -> None:
        signal = self._ledger.signal(order.signal_id)
        if signal is not None and signal.state in {SignalState.EXPIRED, SignalState.CANCELLED, SignalState.REJECTED}:
            self._journal.take(Step(signal, SignalTrigger.LATE_FILL, "the fill raced our cancel", actor="broker"))

    def _exit_fill(self, order: Order, position: Position, execution: Execution) -> None:
        position.exit_quantity += execution.quantity
        position.exit_value += execution.price * execution.quantity
        evidence = {
            "exec_id": execution.exec_id,
            "order_ref": order.order_ref,
            "price": execution.price,
            "tag": order.tag,
        }
        words = f"sold {execution.quantity} at {execution.price}, {position.quantity} left"
        if order.purpose is Purpose.PROTECT and position.state in {PositionState.FILLED, PositionState.TRAILING}:
            trailing = position.state is PositionState.TRAILING
            sets = {"close_reason": CloseReason.TRAIL if trailing else CloseReason.STOP}
            self._journal.take(
                Step(
                    position,
                    PositionTrigger.STOPPED,
                    f"the stop at {order.terms.stop_price} was hit",
                    evidence,
                    sets,
                    actor="broker",
                )
            )
        scale_out = order.tag.startswith("rung") and position.quantity > 0
        trigger = PositionTrigger.SCALE_OUT if scale_out else PositionTrigger.EXIT_FILL
        if position.state is not PositionState.CLOSING and not scale_out:
            self._journal.take(Step(position, PositionTrigger.REQUEST_CLOSE, words, evidence, actor="broker"))
        self._journal.take(Step(position, trigger, words, evidence, actor="broker"))
        if position.quantity <= 0:
            self._close_flat(position)

    def _late_exit(self, order: Order, position: Position, execution: Execution) -> None:
        """What we gave up as closed elsewhere was sold by our own order after all."""
        position.settled_quantity = max(position.settled_quantity - execution.quantity, 0)
        position.exit_quantity += execution.quantity
        position.exit_value += execution.price * execution.quantity
        words = f"sold {execution.quantity} at {execution.price} before it was given up"
        evidence = {"exec_id": execution.exec_id, "order_ref": order.order_ref, "realized_pnl": position.realized_pnl}
        self._journal.take(Step(position, PositionTrigger.CORRECT, words, evidence, actor="broker"))
        if position.quantity < 0:
            text = f"{position.contract}: {-position.quantity} more were sold than were held"
            self._journal.alert("OVERSOLD", "critical", text, {"position_id": position.id})

    def _close_flat(self, position: Position) -> None:
        """Close a position of which nothing is left."""
        reason = position.close_reason or CloseReason.TARGET
        self._journal.take(
            Step(
                position,
                PositionTrigger.CLOSE,
                f"flat: {reason.value}, realized {position.realized_pnl}",
                {
                    "realized_pnl": position.realized_pnl,
                    "entry_price": position.entry_price,
                    "sold": position.exit_quantity,
                },
                {"closed_at": self._ctx.now, "close_reason": reason, "unprotected_since": None},
                actor="broker",
            )
        )

    def _correct(self, order: Order, before: Execution, after: Execution) -> None:
        quantity = after.quantity - before.quantity
        value = after.price * after.quantity - before.price * before.quantity
        order.filled_quantity += quantity
        order.filled_value += value
        self._journal.keep(order)
        position = self._find_position(order)
        self._write(after, order, position, before.exec_id)
        self._journal.alert(
            "EXECUTION_CORRECTED", "warning", f"{before.exec_id} became {after.exec_id}", {"quantity": quantity}
        )
        if position is None:
            return
        if order.purpose is Purpose.ENTRY:
            position.entry_quantity += quantity
            position.entry_value += value
        else:
            position.exit_quantity += quantity
            position.exit_value += value
        evidence = {"before": before.exec_id, "after": after.exec_id, "quantity": quantity, "value": value}
        self._journal.take(
            Step(position, PositionTrigger.CORRECT, "the broker corrected an execution", evidence, actor="broker")
        )
        self._charge_known(position, after)

    def commission(self, event: CommissionReported) -> None:
        """Charge a commission once; that of a correction replaces that of what it corrects."""
        if self._ledger.commissions.get(event.exec_id) == event.commission:
            return
        self._ledger.commissions[event.exec_id] = event.commission
        execution = self._ledger.executions.get(base_of(event.exec_id))
        if execution is None:
            return  # it comes before its execution: kept, and charged when that arrives
        self._journal.batch.commissions[event.exec_id] = event.commission
        position = self._find_position(self._find(execution.order_ref, execution.perm_id))
        superseded = event.exec_id != execution.exec_id and execution.base_id in self._ledger.charged
        if position is not None and not superseded:
            self._charge(position, execution.base_id, event.commission)

    def _find_position(self, order: Order | None) -> Position | None:
        if order is None or order.position_id is None:
            return None
        return self._ledger.positions.get(order.position_id) or self._ledger.closed.get(order.position_id)

    def _charge_known(self, position: Position, execution: Execution) -> None:
        commission = self._ledger.commissions.get(execution.exec_id)
        if commission is not None:
            self._charge(position, execution.base_id, commission)

    def _charge(self, position: Position, base_id: str, commission: Decimal) -> None:
        position.commissions += commission - self._ledger.charged.get(base_id, ZERO)
        self._ledger.charged[base_id] = commission
        self._journal.keep(position)

    # ---- what is not ours

    def _find(self, reference: str, perm_id: int) -> Order | None:
        order = self._ledger.by_ref.get(reference)
        if order is None and perm_id and not reference:
            order = self._ledger.by_perm.get(perm_id)
        return order

    def _foreign_order(self, view: BrokerOrderView) -> None:
        if is_ours(self._ctx.settings.bot_id, view.order_ref):
            code, text = "LOST_ORDER", f"the broker has {view.order_ref}, the store does not"
        else:
            code, text = (
                "FOREIGN_ORDER",
                f"order {view.perm_id} on {view.contract_key.strip()} is not ours and is left alone",
            )
        self._journal.alert(
            code, "warning", text, {"perm_id": view.perm_id, "ref": view.order_ref, "status": view.status.value}
        )

    def _foreign_execution(self, execution: Execution) -> None:
        self._write(execution, None, None)
        self._journal.alert(
            "FOREIGN_EXECUTION",
            "critical",
            f"{execution.side} {execution.quantity} {execution.contract_key.strip()} at {execution.price} is not ours",
            {"exec_id": execution.exec_id, "ref": execution.order_ref},
        )
        self._journal.commands.append(AskSnapshot(f"foreign execution {execution.exec_id}"))


def _same_terms(shown: Terms, wanted: Terms) -> bool:
    """Compare what the broker echoes with what we asked; a price that the order type has not is not compared."""
    same_limit = wanted.limit_price is None or shown.limit_price == wanted.limit_price
    same_stop = wanted.stop_price is None or shown.stop_price == wanted.stop_price
    return shown.quantity == wanted.quantity and same_limit and same_stop


def _words(terms: Terms) -> str:
    parts = [f"{terms.quantity}"]
    if terms.limit_price is not None:
        parts.append(f"limit {terms.limit_price}")
    if terms.stop_price is not None:
        parts.append(f"stop {terms.stop_price}")
    return " ".join(parts)
