"""What is in a book of the broker's: each fact of it is taken in, on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.events.account import BrokerSnapshot, ForeignSeen
from bot.domain.events.orders import (
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ExecutionReported,
    OrderReported,
)
from bot.domain.ids import is_ours
from bot.domain.instructions import CancelOrder
from bot.domain.order import (
    ENDED_EARLY,
    Execution,
    OrderSide,
    OrderState,
    base_of,
    last_revisions,
)
from bot.engine.book import foreign
from bot.engine.book.comparison import BookComparison
from bot.engine.book.facts import FactKeeper, identity
from bot.engine.book.newer_store import NewerSales, is_unknown
from bot.engine.state.fact_name import FactName
from bot.engine.state.records import LEFT_ALONE, SET_ASIDE
from bot.engine.state.told_once import Once


class BookFacts:
    """Takes in one book."""

    def __init__(self, comparison: BookComparison) -> None:
        self._ctx, self._journal, self._absences = comparison.ctx, comparison.journal, comparison.absences
        self._alone, self._line = comparison.alone, comparison.line
        self._faults, self._grace = comparison.faults, comparison.grace

    def take(self, snapshot: BrokerSnapshot, *, conclusive: bool) -> None:
        """Take in every fact of a book; `conclusive`: also what it lacks may be believed."""
        keeper = FactKeeper(self._ctx, self._journal)
        executions = _in_order(snapshot.executions, self._ctx.ledger.fills.executions)
        strange = {e.exec_id for e in executions if is_unknown(self._ctx, e.order_ref, e.perm_id)}
        self._count(keeper, (e for e in executions if e.exec_id not in strange), conclusive=conclusive)
        if conclusive:
            self._alone(FactName("sales", "of a newer store"), "", self._take_back, snapshot)
        self._count(keeper, (e for e in executions if e.exec_id in strange), conclusive=conclusive)
        for exec_id, amount in snapshot.commissions.items():
            self._charge(keeper, CommissionReported(exec_id, amount, snapshot.at))
        for view in (*snapshot.completed_orders, *snapshot.open_orders):
            if self._is_known(view):
                continue
            self._alone(
                FactName("order", view.order_ref or str(view.perm_id)), view.contract_key, self._take_view, keeper, view
            )
        self._show_other_orders(snapshot)
        for seen in snapshot.foreign:
            self._alone(FactName(seen.subject, seen.identity), "", self._set_aside, seen)
        if not conclusive:
            return
        there = {view.perm_id for view in snapshot.open_orders}
        self._ctx.ledger.foreign.keep_buys(there)
        for view in snapshot.open_orders:
            self._alone(
                FactName("ghost", view.order_ref or str(view.perm_id)), view.contract_key, self._call_off_a_ghost, view
            )
        self._ctx.ledger.proof.ghosts &= {view.order_ref for view in snapshot.open_orders}

    def _charge(self, keeper: FactKeeper, told: CommissionReported) -> None:
        execution = self._ctx.ledger.fills.executions.get(base_of(told.exec_id))
        is_news = self._ctx.ledger.fills.commissions.get(told.exec_id) != told.commission
        name = FactName("commission", told.exec_id)
        if is_news or name in self._faults.faults:
            key = execution.contract_key if execution is not None else ""
            self._alone(name, key, keeper.commission, told)

    def _is_known(self, view: BrokerOrderView) -> bool:
        """Say whether a book tells of an order what is on record, and nothing can follow: it has filled, here and
        there. Most lines of a late book are such. Never so on a full pass, nor while a fact is in dispute."""
        if view.status is not BrokerOrderStatus.FILLED or self._ctx.full or self._faults.faults:
            return False
        order = self._ctx.ledger.order_index.by_ref.get(view.order_ref)
        return order is not None and order.state is OrderState.FILLED and not order.wanted and not identity(order, view)

    def _take_view(self, keeper: FactKeeper, view: BrokerOrderView) -> None:
        order = self._ctx.ledger.order_index.by_ref.get(view.order_ref)
        before = order.state if order else None
        if order is None and not is_ours(self._ctx.settings.bot_id, view.order_ref):
            foreign.order_seen(self._journal, view)
            return
        keeper.order_reported(OrderReported(view), whole_book=True)
        if order is not None and order.state is not before:
            self._line("order", view.order_ref, str(before), view.status.value, f"now {order.state}")

    def _set_aside(self, seen: ForeignSeen) -> None:
        foreign.opaque(self._journal, seen)
        self._line(seen.subject, foreign.name_of_opaque(seen), SET_ASIDE, f"{seen.words} {seen.key}", LEFT_ALONE)

    def _show_other_orders(self, snapshot: BrokerSnapshot) -> None:
        for view in snapshot.open_orders:
            if view.order_ref not in self._ctx.ledger.order_index.by_ref and not is_ours(
                self._ctx.settings.bot_id, view.order_ref
            ):
                self._line("order", foreign.name_of(view), "not ours", foreign.in_words(view), LEFT_ALONE)

    def _count(self, keeper: FactKeeper, executions: Iterable[Execution], *, conclusive: bool) -> None:
        ledger = self._ctx.ledger
        for execution in executions:
            base = execution.base_id
            known, name = ledger.fills.executions.get(base), FactName("execution", base)
            if known != execution or name in self._faults.faults:
                event = ExecutionReported(execution)
                self._alone(name, execution.contract_key, keeper.executed, event, whole_book=conclusive)
            if known is None and base in ledger.fills.executions:
                what = f"{execution.side} {execution.quantity}"
                self._line("execution", execution.exec_id, "missing", what, "counted")

    def _take_back(self, snapshot: BrokerSnapshot) -> None:
        """What a newer store sold of our positions: after the executions of orders that we know, which may open or
        correct a position, and before its own are counted; half a book does not tell."""
        for ref, action in NewerSales(self._ctx, self._journal, snapshot).take_back():
            self._line("order", ref, "missing", "known", action)

    def _call_off_a_ghost(self, view: BrokerOrderView) -> None:
        """An order that we took for over is live at the broker: nobody manages it, so it is cancelled."""
        order = self._ctx.ledger.order_index.by_ref.get(view.order_ref)
        if order is None or order.state not in ENDED_EARLY or view.status is BrokerOrderStatus.CANCELLING:
            return
        if order.done_at is not None and self._ctx.now - order.done_at < self._grace:
            return  # it may have ended while the book was being read
        facts = {"order_ref": order.order_ref, "state": order.state.value, "broker": view.status.value}
        words = f"{order.order_ref} is {order.state} here and live at the broker: it is cancelled"
        if self._ctx.ledger.told_once.is_news(Once.GHOST, view.perm_id):
            self._journal.alert("ORDER_STILL_LIVE", words, facts)
        self._journal.instructions.append(CancelOrder(order.order_ref, view.order_id))
        self._line("order", order.order_ref, order.state.value, view.status.value, "cancel sent")


def _named(subject: str, view: BrokerOrderView) -> FactName:
    return FactName(subject, view.order_ref or str(view.perm_id))


def _in_order(executions: Sequence[Execution], known: Mapping[str, Execution]) -> list[Execution]:
    """Return a book's executions so that no position is closed in passing: what leaves more of it first, then what
    leaves less, each in the order of time, and at the end the revisions that were corrected since."""
    in_time = sorted(executions, key=lambda e: (e.executed_at, e.exec_id))
    last = last_revisions(in_time)
    counts = {execution.exec_id for execution in last}
    outdated = [execution for execution in in_time if execution.exec_id not in counts]
    return [*sorted(last, key=lambda e: _leaves_less(e, known.get(e.base_id))), *outdated]


def _leaves_less(execution: Execution, before: Execution | None) -> bool:
    more = execution.quantity - (before.quantity if before is not None else 0)
    return more < 0 if execution.side is OrderSide.BUY else more > 0
