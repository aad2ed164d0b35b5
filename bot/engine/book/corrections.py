"""Corrections of executions: the later revision replaces the earlier one, in the order and in the position."""

from __future__ import annotations

from bot.domain import fills
from bot.domain.instructions import AskSnapshot
from bot.domain.order import Execution, Order, Purpose
from bot.domain.position import CloseReason, Origin, Position, PositionChange, PositionState, PositionTrigger
from bot.engine.book.charges import Charges
from bot.engine.book.owners import position_of
from bot.engine.book.position_ends import close_flat, tell_if_short
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.state.told_once import Once


class Corrections:
    """Applies corrections through a journal."""

    def __init__(self, journal: Journal, charges: Charges) -> None:
        self._journal, self._ledger, self._charges = journal, journal.ledger, charges

    def contradicts(self, known: Execution, corrected: Execution) -> bool:
        """A correction may change price and quantity. One of side or contract is told, and nothing is made of it."""
        if known.side is corrected.side and known.contract_key == corrected.contract_key:
            return False
        if self._ledger.told_once.is_news(Once.CONTRADICTS, known.perm_id, corrected.exec_id):
            words = f"{corrected.exec_id} turns {known} into {corrected}: look at it in TWS"
            self._journal.alert("EXECUTION_CONTRADICTS", words, {"exec_id": corrected.exec_id})
            self._journal.instructions.append(AskSnapshot(f"execution {corrected.exec_id} contradicts"))
        return True

    def apply(self, order: Order, before: Execution, after: Execution) -> None:
        """Take in what the later revision of an execution has more or less."""
        more = fills.difference(before, after)
        quantity, value = more.quantity, more.value
        self._ledger.fills.earliest.setdefault(before.base_id, (before.revision, before.quantity))
        self._journal.change(order, fills.correct_order(order, more))
        position = position_of(self._ledger, order)
        self._journal.executed(after, order, position, before.exec_id)
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
        self._charges.charge_known(position, after)
        self._end_what_is_gone(position)
        self._pass_on(position, held_again - max(position.quantity, 0))
        if quantity:
            self._journal.instructions.append(AskSnapshot(f"{before.exec_id} was corrected by {quantity} contracts"))

    def _pass_on(self, position: Position, gone: int) -> None:
        """What a correction had given back to a closed position was adopted as one of its own: what a later correction
        takes away again is taken from that one, at its own price."""
        for adopted in self._ledger.position_index.of(position.key):
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
        tell_if_short(self._journal, position)
        if position.state is PositionState.CLOSED and position.quantity > 0:
            text = f"{position.contract}: a sale was taken back, {position.quantity} are held again"
            self._journal.alert("SALE_TAKEN_BACK", f"{text}: the book is asked", {"id": position.id})
        if position.quantity > 0 or position.state is PositionState.CLOSED:
            return
        if position.state is not PositionState.CLOSING:
            words, sets = "a correction left nothing of it", PositionChange(close_reason=CloseReason.EXTERNALLY_CLOSED)
            self._journal.take(Step(position, PositionTrigger.REQUEST_CLOSE, words, {}, sets, actor="broker"))
        close_flat(self._journal, position)
