"""Commissions: each is charged to its position once, whenever it comes."""

from __future__ import annotations

from decimal import Decimal

from bot.domain import fills
from bot.domain.events.orders import CommissionReported
from bot.domain.money import ZERO
from bot.domain.order import Execution, base_of
from bot.domain.position import Position, PositionState, PositionTrigger
from bot.domain.wording import dollars
from bot.engine.book import sold_elsewhere
from bot.engine.book.owners import order_of, position_of
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step


class Charges:
    """Charges commissions through a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._ledger = journal, journal.ledger

    def heard(self, event: CommissionReported) -> None:
        """Charge a commission once; that of a correction replaces that of what it corrects."""
        if self._ledger.fills.commissions.get(event.exec_id) == event.commission:
            return
        self._ledger.fills.commissions[event.exec_id] = event.commission
        execution = self._ledger.fills.executions.get(base_of(event.exec_id))
        if execution is None:
            return  # it comes before its execution: kept, and charged when that arrives
        if event.exec_id != execution.exec_id and execution.base_id in self._ledger.fills.charged:
            return  # of a fill that was corrected since: what is charged already is the newer one's
        self._journal.batch.commissions[execution.exec_id] = event.commission
        if execution.base_id in self._ledger.foreign.executions:
            self._ledger.fills.charged[execution.base_id] = event.commission
            sold_elsewhere.recount(self._journal, execution.contract_key)
            return
        position = position_of(self._ledger, order_of(self._ledger, execution))
        if position is not None:
            self._charge(position, execution.base_id, event.commission)

    def charge_known(self, position: Position, execution: Execution) -> None:
        commission = self._ledger.fills.commissions.get(execution.exec_id)
        if commission is not None:
            self._charge(position, execution.base_id, commission)

    def _charge(self, position: Position, base_id: str, commission: Decimal) -> None:
        was = position.realized_pnl
        more = commission - self._ledger.fills.charged.get(base_id, ZERO)
        self._ledger.fills.charged[base_id] = commission
        self._journal.change(position, fills.charge(position, more))
        if more and position.state is PositionState.CLOSED:
            self._tell_final_figure(position, base_id, more, was)

    def _tell_final_figure(self, position: Position, base_id: str, more: Decimal, was: Decimal) -> None:
        """What a closed trade came to is on record as a step: nothing changes it unseen."""
        now, before = dollars(position.realized_pnl, plus=True), dollars(was, plus=True)
        words = f"commission {dollars(more)} came after the end: realized {now}, was {before}"
        evidence = {"execution": base_id, "commission": more, "realized_pnl": position.realized_pnl, "was": was}
        self._journal.take(Step(position, PositionTrigger.CHARGE, words, evidence, actor="broker"))
