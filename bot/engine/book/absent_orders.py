"""Orders that a whole book lacks: doubted, and after a second look ended or sent again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bot.domain.events.account import BrokerSnapshot
from bot.domain.instructions import SubmitOrder
from bot.domain.order import (
    MOST_ATTEMPTS,
    NOT_TAKEN,
    Order,
    OrderChange,
    OrderState,
    OrderTrigger,
    OrderType,
    Purpose,
)
from bot.domain.position import PositionState
from bot.engine.book.comparison import BookComparison
from bot.engine.book.order_ends import OrderEnds
from bot.engine.settlement import expiry
from bot.engine.state.fact_name import FactName
from bot.engine.state.steps import Step


class AbsentOrders:
    """Judges, in one comparison, the orders that are not there."""

    def __init__(self, comparison: BookComparison) -> None:
        self._ctx, self._journal, self._absences = comparison.ctx, comparison.journal, comparison.absences
        self._alone, self._line = comparison.alone, comparison.line
        self._reason, self._grace = comparison.reason, comparison.grace

    def judge(self, snapshot: BrokerSnapshot) -> None:
        """An order whose executions alone are there did arrive; that it is neither open nor completed still counts as
        absent."""
        live = {view.order_ref for view in snapshot.open_orders}
        over: dict[str, set[int]] = defaultdict(set)
        for view in snapshot.completed_orders:
            over[view.order_ref].add(view.perm_id)
        absent = [
            o
            for o in self._ctx.ledger.order_index.open.values()
            if o.order_ref not in live
            and not _is_among(o, over[o.order_ref])
            and (o.submitted_at or o.state_since) < snapshot.asked_at
        ]
        for known in self._absences.since.keys() - {o.order_ref for o in absent}:
            del self._absences.since[known]
        for order in absent:
            self._alone(
                FactName("absence", f"of {order.order_ref}"), order.contract_key, self._judge_absent, order, snapshot
            )

    def _judge_absent(self, order: Order, snapshot: BrokerSnapshot) -> None:
        self._absences.since.setdefault(order.order_ref, snapshot.at)
        if order.state is not OrderState.UNKNOWN:
            self._doubt(order, snapshot)
        since = self._absences.since[order.order_ref]
        if order.state is not OrderState.UNKNOWN or snapshot.at - since < self._grace:
            self._line("order", order.order_ref, order.state.value, "absent", "asked again")
            return
        self._absences.since.pop(order.order_ref, None)
        self._resolve_absent(order, since, snapshot)

    def _doubt(self, order: Order, snapshot: BrokerSnapshot) -> None:
        """Lose sight of an order that the book lacks, unless it may have been sent while the book was being read."""
        if self._ctx.now - order.state_since < self._grace:
            return
        self._absences.since[order.order_ref] = snapshot.at
        words, evidence, sets = "not in the broker's book", {"asked": self._reason}, OrderChange(wanted=None)
        self._journal.take(Step(order, OrderTrigger.LOSE_SIGHT, words, evidence, sets, actor="reconcile"))

    def _resolve_absent(self, order: Order, since: datetime, snapshot: BrokerSnapshot) -> None:
        """Twice absent: an entry is stale, a stop or an exit whose position still needs it goes out again."""
        evidence = {"absent_since": since, "polls": 2, "sources": ["open orders", "completed orders", "executions"]}
        if not self._still_wanted(order, snapshot):
            words = "twice absent: " + ("what is left of it is gone" if order.filled_quantity else "it never arrived")
            reason = f"{NOT_TAKEN}: {order.reject_reason or words}"
            done = OrderChange(done_at=self._ctx.now, reject_reason=reason, not_taken=True)
            self._journal.take(Step(order, OrderTrigger.CONFIRM_CANCEL, words, evidence, done, actor="reconcile"))
            OrderEnds(self._ctx, self._journal).ended(order)
            self._line("order", order.order_ref, "in doubt", "absent", "cancelled as stale")
            return
        # The same reference goes out again under a fresh order id: the old id may since have been given away.
        sets = OrderChange(attempts=order.attempts + 1, order_id=None, perm_id=None, submitted_at=None)
        step = Step(order, OrderTrigger.RESEND, "twice absent and still wanted", evidence, sets, actor="reconcile")
        if self._journal.take(step):
            self._journal.instructions.append(SubmitOrder(order.ticket()))
            self._line("order", order.order_ref, "in doubt", "absent", "sent again")

    def _still_wanted(self, order: Order, snapshot: BrokerSnapshot) -> bool:
        """Say whether the same order may go out again: untouched, wanted by its position, and not more than is left
        here and at the broker."""
        position = self._ctx.ledger.positions.get(order.position_id or "")
        if order.purpose is Purpose.ENTRY or position is None or order.filled_quantity:
            return False
        if order.attempts + 1 >= MOST_ATTEMPTS:
            return False  # what does not arrive so often is done without
        if position.state is PositionState.CLOSING and order.order_type is not OrderType.MARKET:
            return False
        if expiry.has_expired(self._ctx, position.contract):
            return False
        others = (
            o for o in self._ctx.ledger.order_index.of_position(position.id) if o is not order and o.side is order.side
        )
        there = sum(p.quantity for p in snapshot.positions if p.contract_key == order.contract_key)
        return order.terms.quantity + sum(o.can_fill for o in others) <= min(position.quantity, there)


def _is_among(order: Order, perm_ids: set[int]) -> bool:
    """Say whether one of the sendings of its reference that are over may be this one: another permId is another's."""
    return bool(perm_ids) and (not order.perm_id or bool(perm_ids & {order.perm_id, 0}))
