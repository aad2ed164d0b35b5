"""Executions and commissions: what makes, changes and ends a position.

An execution counts once, by the base of its execId; a correction replaces what it corrects. Positions come only from
executions, never from a status.
"""

from __future__ import annotations

from decimal import Decimal

from bot.domain import fills
from bot.domain.events import CommissionReported, ExecutionReported
from bot.domain.ids import is_ours
from bot.domain.instructions import AskSnapshot
from bot.domain.instruments import parse_osi
from bot.domain.money import ZERO
from bot.domain.order import Execution, Order, OrderChange, OrderSide, OrderState, OrderTrigger, Purpose, base_of
from bot.domain.order_tag import OrderTag, Why
from bot.domain.position import CloseReason, Origin, Position, PositionChange, PositionState, PositionTrigger
from bot.domain.signal import SignalChange, SignalState, SignalTrigger
from bot.domain.wording import dollars, key_words
from bot.engine.book import foreign, sold_elsewhere
from bot.engine.settlement.settler import is_book_entry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import NewExecution
from bot.engine.state.steps import Birth, Step
from bot.engine.state.told_once import Once
from bot.risk.ladder import freeze_plan, stop_loss_of


class FillKeeper:
    """Applies executions and commissions to orders, positions and signals. One object a tick."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx = ctx
        self._ledger = ctx.ledger
        self._journal = journal

    def executed(self, event: ExecutionReported) -> None:
        execution = event.execution
        known = self._ledger.executions.get(execution.base_id)
        if known is not None and known.revision >= execution.revision:
            order = self._ledger.learn_earlier(execution, known)
            if order is not None:
                self._journal.keep(order)
                self.complete(order)
            return
        if known is not None and self._contradicts(known, execution):
            return
        order = self._order_of(execution)
        self._ledger.executions[execution.base_id] = execution
        if order is None:
            self._stranger(execution, known)
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

    def _order_of(self, execution: Execution) -> Order | None:
        """Return our order that filled. A fill on another side or contract is not of it, whatever reference it bears:
        TWS copies references along with an order's other fields."""
        order = self._ledger.find_order(execution.order_ref, execution.perm_id)
        if order is None or (order.side is execution.side and order.contract_key == execution.contract_key):
            return order
        return None

    def _contradicts(self, known: Execution, corrected: Execution) -> bool:
        """A correction may change price and quantity. One of side or contract is told, and nothing is made of it."""
        if known.side is corrected.side and known.contract_key == corrected.contract_key:
            return False
        if self._ledger.told_once.is_news(Once.CONTRADICTS, known.perm_id, corrected.exec_id):
            words = f"{corrected.exec_id} turns {known} into {corrected}: look at it in TWS"
            self._journal.alert("EXECUTION_CONTRADICTS", words, {"exec_id": corrected.exec_id})
            self._journal.instructions.append(AskSnapshot(f"execution {corrected.exec_id} contradicts"))
        return True

    def _write(
        self, execution: Execution, order: Order | None, position: Position | None, replaces: str | None = None
    ) -> None:
        row = NewExecution(
            execution,
            self._ledger.commissions.get(execution.exec_id),
            order.id if order else None,
            position.id if position else None,
            replaces,
        )
        self._journal.batch.executions.append(row)

    def _fill_order(self, order: Order, execution: Execution) -> None:
        self._ledger.change(order, fills.fill_order(order, execution))
        complete, sets = order.remaining <= 0, OrderChange()
        if order.state is OrderState.FILLED:
            trigger = OrderTrigger.LATE_FILL
        elif complete:
            trigger, sets = OrderTrigger.FILL, OrderChange(done_at=self._ctx.now)
        else:
            trigger = OrderTrigger.LATE_FILL if order.is_done else OrderTrigger.PARTIAL_FILL
        step = Step(
            order,
            trigger,
            f"{execution.quantity} at {execution.price}, {order.filled_quantity} of {order.terms.quantity} done",
            {"exec_id": execution.exec_id, "price": execution.price, "quantity": execution.quantity},
            sets | OrderChange(wanted=None) if complete else sets,
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
        signal = self._ledger.signal(order.signal_id)
        strategy = signal.strategy if signal else self._ctx.any_strategy
        proposed = signal is not None and signal.contract.key == order.contract_key
        contract = signal.contract if signal is not None and proposed else parse_osi(order.contract_key)
        exits = self._ctx.exit_settings(strategy)
        chosen = stop_loss_of(signal.stop_price, execution.price, exits) if signal is not None and proposed else None
        position = Position(
            id=self._ctx.new_id(),
            contract=self._ctx.board.settling(contract),
            strategy=strategy,
            plan=freeze_plan(exits, contract, self._ctx.flat_session, stop_loss=chosen),
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
        signal = self._ledger.signal(order.signal_id)
        if signal is not None and signal.state in {SignalState.EXPIRED, SignalState.CANCELLED, SignalState.REJECTED}:
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
        if order.purpose is Purpose.PROTECT and position.state in {PositionState.FILLED, PositionState.TRAILING}:
            trailing = position.state is PositionState.TRAILING
            sets = PositionChange(close_reason=CloseReason.TRAIL if trailing else CloseReason.STOP)
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
        scale_out = OrderTag.of(order.tag).why is Why.RUNG and position.quantity > 0
        trigger = PositionTrigger.SCALE_OUT if scale_out else PositionTrigger.EXIT_FILL
        if position.state is not PositionState.CLOSING and not scale_out:
            self._journal.take(Step(position, PositionTrigger.REQUEST_CLOSE, words, evidence, actor="broker"))
        self._journal.take(Step(position, trigger, words, evidence, actor="broker"))
        if position.quantity <= 0:
            self._tell_if_short(position)
            self._close_flat(position)

    def _late_exit(self, order: Order, position: Position, execution: Execution) -> None:
        """What we gave up as closed elsewhere was sold by our own order after all."""
        back = sold_elsewhere.give_back(self._ledger, position, order, execution)
        self._ledger.change(position, fills.unsettle(position, execution.quantity - back))
        self._ledger.change(position, fills.fill_exit(position, execution))
        words = f"sold {execution.quantity} at {execution.price} before it was given up"
        evidence = {"exec_id": execution.exec_id, "order_ref": order.order_ref, "realized_pnl": position.realized_pnl}
        self._journal.take(Step(position, PositionTrigger.CORRECT, words, evidence, actor="broker"))
        self._tell_if_short(position)

    def _tell_if_short(self, position: Position) -> None:
        if position.quantity < 0:
            text = f"{position.contract}: {-position.quantity} more were sold than were held"
            self._journal.alert("OVERSOLD", text, {"position_id": position.id})

    def _close_flat(self, position: Position) -> None:
        """Close a position of which nothing is left."""
        reason = position.close_reason or CloseReason.TARGET
        self._journal.take(
            Step(
                position,
                PositionTrigger.CLOSE,
                f"flat: {reason.value}, realized {dollars(position.realized_pnl, plus=True)}",
                {
                    "realized_pnl": position.realized_pnl,
                    "entry_price": position.entry_price,
                    "sold": position.exit_quantity,
                },
                PositionChange(closed_at=self._ctx.now, close_reason=reason),
                actor="broker",
            )
        )

    def _correct(self, order: Order, before: Execution, after: Execution) -> None:
        more = fills.difference(before, after)
        quantity, value = more.quantity, more.value
        self._ledger.earliest.setdefault(before.base_id, (before.revision, before.quantity))
        self._journal.change(order, fills.correct_order(order, more))
        position = self._find_position(order)
        self._write(after, order, position, before.exec_id)
        self._journal.alert("EXECUTION_CORRECTED", f"{before.exec_id} became {after.exec_id}", {"quantity": quantity})
        if position is None:
            return
        held_again = position.quantity if position.state is PositionState.CLOSED else 0
        correct = fills.correct_entry if order.purpose is Purpose.ENTRY else fills.correct_exit
        self._ledger.change(position, correct(position, more))
        evidence = {"before": before.exec_id, "after": after.exec_id, "quantity": quantity, "value": value}
        self._journal.take(
            Step(position, PositionTrigger.CORRECT, "the broker corrected an execution", evidence, actor="broker")
        )
        self._charge_known(position, after)
        self._end_what_is_gone(position)
        self._pass_on(position, held_again - max(position.quantity, 0))
        if quantity:
            self._journal.instructions.append(AskSnapshot(f"{before.exec_id} was corrected by {quantity} contracts"))

    def _pass_on(self, position: Position, gone: int) -> None:
        """What a correction had given back to a closed position was adopted as one of its own: what a later correction
        takes away again is taken from that one, at its own price."""
        for adopted in self._ledger.positions_of(position.key):
            if adopted.origin is not Origin.BROKER or adopted.opened_at < position.opened_at:
                continue
            contracts = min(gone, adopted.quantity)
            if contracts <= 0:
                continue
            gone -= contracts
            more = fills.take_from_entry(adopted, contracts)
            self._ledger.change(adopted, fills.correct_entry(adopted, more))
            words = f"{contracts} that a correction had given back were taken away by another"
            evidence = {"quantity": more.quantity, "value": more.value, "of": position.id}
            self._journal.take(Step(adopted, PositionTrigger.CORRECT, words, evidence, actor="broker"))
            self._end_what_is_gone(adopted)

    def _end_what_is_gone(self, position: Position) -> None:
        """A correction may leave nothing of a position, or less than nothing."""
        self._tell_if_short(position)
        if position.state is PositionState.CLOSED and position.quantity > 0:
            text = f"{position.contract}: a sale was taken back, {position.quantity} are held again"
            self._journal.alert("SALE_TAKEN_BACK", f"{text}: the book is asked", {"id": position.id})
        if position.quantity > 0 or position.state is PositionState.CLOSED:
            return
        if position.state is not PositionState.CLOSING:
            words, sets = "a correction left nothing of it", PositionChange(close_reason=CloseReason.EXTERNALLY_CLOSED)
            self._journal.take(Step(position, PositionTrigger.REQUEST_CLOSE, words, {}, sets, actor="broker"))
        self._close_flat(position)

    def commission(self, event: CommissionReported) -> None:
        """Charge a commission once; that of a correction replaces that of what it corrects."""
        if self._ledger.commissions.get(event.exec_id) == event.commission:
            return
        self._ledger.commissions[event.exec_id] = event.commission
        execution = self._ledger.executions.get(base_of(event.exec_id))
        if execution is None:
            return  # it comes before its execution: kept, and charged when that arrives
        if event.exec_id != execution.exec_id and execution.base_id in self._ledger.charged:
            return  # of a fill that was corrected since: what is charged already is the newer one's
        self._journal.batch.commissions[execution.exec_id] = event.commission
        if execution.base_id in self._ledger.foreign.executions:
            self._ledger.charged[execution.base_id] = event.commission
            sold_elsewhere.recount(self._journal, execution.contract_key)
            return
        position = self._find_position(self._order_of(execution))
        if position is not None:
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
        was = position.realized_pnl
        more = commission - self._ledger.charged.get(base_id, ZERO)
        self._ledger.charged[base_id] = commission
        self._journal.change(position, fills.charge(position, more))
        if more and position.state is PositionState.CLOSED:
            self._tell_final_figure(position, base_id, more, was)

    def _tell_final_figure(self, position: Position, base_id: str, more: Decimal, was: Decimal) -> None:
        """What a closed trade came to is on record as a step: nothing changes it unseen."""
        now, before = dollars(position.realized_pnl, plus=True), dollars(was, plus=True)
        words = f"commission {dollars(more)} came after the end: realized {now}, was {before}"
        evidence = {"execution": base_id, "commission": more, "realized_pnl": position.realized_pnl, "was": was}
        self._journal.take(Step(position, PositionTrigger.CHARGE, words, evidence, actor="broker"))

    def _stranger(self, execution: Execution, known: Execution | None) -> None:
        """An execution of no order of ours; it may tell what contracts brought that are gone."""
        self._ledger.foreign.executions.add(execution.base_id)
        paid = self._ledger.commissions.get(execution.exec_id)
        if paid is not None:
            self._ledger.charged[execution.base_id] = paid
        self._foreign_execution(execution, known)
        sold_elsewhere.recount(self._journal, execution.contract_key)

    def _foreign_execution(self, execution: Execution, known: Execution | None = None) -> None:
        self._write(execution, None, None, known.exec_id if known is not None else None)
        if is_book_entry(execution):
            words = f"the broker wrote off {execution.quantity} {key_words(execution.contract_key)} at its expiry"
            self._journal.alert("EXPIRY_BOOKED", words, {"exec_id": execution.exec_id})
            self._journal.instructions.append(AskSnapshot(f"expiry booked as {execution.exec_id}"))
            return
        self._journal.alert(
            "FOREIGN_EXECUTION",
            f"{execution} is not ours",
            {"exec_id": execution.exec_id, "ref": execution.order_ref},
        )
        self._journal.instructions.append(AskSnapshot(f"foreign execution {execution.exec_id}"))
        if execution.side is OrderSide.SELL and self._ledger.by_key.get(execution.contract_key):
            self._ledger.proof.doubt({execution.contract_key})  # until the book says how many are left
        copied = self._ledger.find_order(execution.order_ref, execution.perm_id) is not None
        if copied or not is_ours(self._ctx.settings.bot_id, execution.order_ref):
            foreign.executed(self._journal, execution)
