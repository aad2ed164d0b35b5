"""Executions and commissions: what makes, changes and ends a position.

An execution counts once, by the base of its execId; a correction replaces what it corrects. Positions come only from
executions, never from a status.
"""

from __future__ import annotations

from bot.domain import fills
from bot.domain.events.orders import CommissionReported, ExecutionReported
from bot.domain.instruments import parse_osi
from bot.domain.order import Execution, Order, OrderChange, OrderTrigger, Purpose
from bot.domain.order_tag import OrderTag
from bot.domain.position import CloseReason, Position, PositionChange, PositionState, PositionTrigger
from bot.domain.signal import SignalChange, SignalTrigger
from bot.engine.book import sold_elsewhere, strange_fills
from bot.engine.book.charges import Charges
from bot.engine.book.corrections import Corrections
from bot.engine.book.owners import order_of
from bot.engine.book.position_ends import close_flat, tell_if_short
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Birth, Step
from bot.engine.trade.sight import frozen_plan
from bot.risk.ladder import stop_loss_of


class FillKeeper:
    """Applies executions and commissions to orders, positions and signals. One object a tick."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx = ctx
        self._ledger = ctx.ledger
        self._journal = journal
        self._charges = Charges(journal)
        self._corrections = Corrections(journal, self._charges)

    def executed(self, event: ExecutionReported) -> None:
        execution = event.execution
        known = self._ledger.fills.executions.get(execution.base_id)
        if known is not None and known.revision >= execution.revision:
            order = self._ledger.learn_earlier(execution, known)
            if order is not None:
                self._journal.keep(order)
                self.complete(order)
            return
        if known is not None and self._corrections.contradicts(known, execution):
            return
        order = order_of(self._ledger, execution)
        self._ledger.fills.count(execution)
        if order is None:
            strange_fills.take_in(self._ctx, self._journal, execution, known)
            return
        if known is not None:
            self._corrections.apply(order, known, execution)
            return
        self._fill_order(order, execution)
        position = self._position_of(order, execution)
        if position is None:
            strange_fills.tell_of(self._ctx, self._journal, execution)
            return
        self._journal.executed(execution, order, position)
        if order.purpose is Purpose.ENTRY:
            self._entry_fill(order, position, execution)
        elif position.state is PositionState.CLOSED:
            self._late_exit(order, position, execution)
        else:
            self._exit_fill(order, position, execution)
        self._charges.charge_known(position, execution)

    def _fill_order(self, order: Order, execution: Execution) -> None:
        self._ledger.change(order, fills.fill_order(order, execution))
        trigger = fills.order_trigger(order.state, order.remaining)
        sets = OrderChange(done_at=self._ctx.now) if trigger is OrderTrigger.FILL else OrderChange()
        step = Step(
            order,
            trigger,
            f"{execution.quantity} at {execution.price}, {order.filled_quantity} of {order.terms.quantity} done",
            {"exec_id": execution.exec_id, "price": execution.price, "quantity": execution.quantity},
            sets | OrderChange(wanted=None) if order.remaining <= 0 else sets,
            actor="broker",
        )
        self._journal.take(step)
        if order.filled_quantity > order.terms.quantity:
            words = f"{order.order_ref} asked for {order.terms.quantity}, {order.filled_quantity} are filled"
            self._journal.alert("ORDER_OVERFILLED", words, {"exec_id": execution.exec_id})

    def complete(self, order: Order) -> None:
        """What is in force asks for no more than what is filled already."""
        if order.remaining <= 0 and not order.is_done:
            words = f"{order.used_quantity} of {order.terms.quantity} done"
            self._journal.take(
                Step(order, OrderTrigger.FILL, words, sets=OrderChange(done_at=self._ctx.now), actor="broker")
            )

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
        signal = self._ledger.signal_index.of(order.signal_id)
        strategy = signal.strategy if signal else self._ctx.any_strategy
        proposed = signal is not None and signal.contract.key == order.contract_key
        contract = signal.contract if signal is not None and proposed else parse_osi(order.contract_key)
        exits = self._ctx.exit_settings(strategy)
        chosen = stop_loss_of(signal.stop_price, execution.price, exits) if signal is not None and proposed else None
        position = Position(
            id=self._ctx.new_id(),
            contract=self._ctx.board.settling(contract),
            strategy=strategy,
            plan=frozen_plan(self._ctx, strategy, contract, stop_loss=chosen),
            opened_at=execution.executed_at,
            signal_id=order.signal_id,
            high=execution.price,
        )
        late = order.position_id is not None
        self._ledger.link_position(order, position)
        if signal is not None:
            self._journal.change(signal, SignalChange(position_id=position.id))
        reason = f"{'late' if late else 'first'} fill of {order.order_ref}"
        self._journal.born(Birth(position, reason, {"exec_id": execution.exec_id}), actor="broker")
        return position

    def _entry_fill(self, order: Order, position: Position, execution: Execution) -> None:
        self._ledger.change(position, fills.fill_entry(position, execution))
        self._journal.take(
            Step(
                position,
                PositionTrigger.ENTRY_FILL,
                f"bought {execution.quantity} at {execution.price}, holding {position.quantity}",
                {"exec_id": execution.exec_id, "order_ref": order.order_ref, "entry_price": position.entry_price},
                actor="broker",
            )
        )
        if order.signal_id is not None:
            self._signal_of_late_fill(order)

    def _signal_of_late_fill(self, order: Order) -> None:
        signal = self._ledger.signal_index.of(order.signal_id)
        if signal is not None and signal.state in fills.GIVEN_UP:
            self._journal.take(Step(signal, SignalTrigger.LATE_FILL, "the fill raced our cancel", actor="broker"))

    def _exit_fill(self, order: Order, position: Position, execution: Execution) -> None:
        sold_elsewhere.give_back(self._ledger, position, order, execution)
        self._ledger.change(position, fills.fill_exit(position, execution))
        evidence = {
            "exec_id": execution.exec_id,
            "order_ref": order.order_ref,
            "price": execution.price,
            "tag": order.tag,
        }
        words = f"sold {execution.quantity} at {execution.price}, {position.quantity} left"
        for trigger in fills.exit_triggers(
            position.state, position.quantity, order.purpose, OrderTag.of(order.tag).why
        ):
            sets = PositionChange()
            said = words
            if trigger is PositionTrigger.STOPPED:
                trailing = position.state is PositionState.TRAILING
                sets = PositionChange(close_reason=CloseReason.TRAIL if trailing else CloseReason.STOP)
                said = f"the stop at {order.terms.stop_price} was hit"
            self._journal.take(Step(position, trigger, said, evidence, sets, actor="broker"))
        if position.quantity <= 0:
            tell_if_short(self._journal, position)
            close_flat(self._journal, position)

    def _late_exit(self, order: Order, position: Position, execution: Execution) -> None:
        """What we gave up as closed elsewhere was sold by our own order after all."""
        back = sold_elsewhere.give_back(self._ledger, position, order, execution)
        self._ledger.change(position, fills.unsettle(position, execution.quantity - back))
        self._ledger.change(position, fills.fill_exit(position, execution))
        words = f"sold {execution.quantity} at {execution.price} before it was given up"
        evidence = {"exec_id": execution.exec_id, "order_ref": order.order_ref, "realized_pnl": position.realized_pnl}
        self._journal.take(Step(position, PositionTrigger.CORRECT, words, evidence, actor="broker"))
        tell_if_short(self._journal, position)

    def commission(self, event: CommissionReported) -> None:
        self._charges.heard(event)
