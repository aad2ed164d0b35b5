"""Our book against the broker's: on every start, every reconnect, on a timer and on demand.

Matching is by order_ref, then permId, then execId; orderId identifies nothing. Nothing is concluded from what an
incomplete snapshot lacks. An order counts as absent only when two complete snapshots, a grace time apart, show it
neither open nor completed nor executed. Running it twice changes nothing the second time.
"""

from __future__ import annotations

from bot.domain.connection import ConnectionChange, ConnectionState
from bot.domain.events.account import BookPart, BrokerSnapshot
from bot.domain.instructions import AskSnapshot
from bot.domain.order import (
    OrderState,
    base_of,
)
from bot.engine.book.absent_orders import AbsentOrders
from bot.engine.book.book_facts import BookFacts
from bot.engine.book.comparison import Absences, BookComparison
from bot.engine.book.holdings import HoldingsJudge
from bot.engine.state.context import Context
from bot.engine.state.fact_faults import FactFaults
from bot.engine.state.fact_name import FactName
from bot.engine.state.journal import Journal
from bot.engine.state.records import ReconcileRow

_PROOF = frozenset({BookPart.OPEN_ORDERS, BookPart.EXECUTIONS})


class Reconciler:
    """Applies one snapshot. `settled` says whether nothing is left in doubt: then the session may go on."""

    def __init__(self, ctx: Context, journal: Journal, absences: Absences, faults: FactFaults, reason: str) -> None:
        self._ctx, self._journal, self._absences, self._faults = ctx, journal, absences, faults
        self._reason = reason
        self._comparison = BookComparison(ctx, journal, absences, faults, reason)
        self._holdings = HoldingsJudge(self._comparison)
        self.settled = False

    def run(self, snapshot: BrokerSnapshot) -> None:
        """Take in every fact of the snapshot, then judge what it lacks. Each fact, order and holding stands for itself:
        one that raises is a fault of its own (`bot.engine.state.fact_faults`)."""
        self._faults.comparison += 1
        conclusive = snapshot.complete and self._is_of_this_link(snapshot)
        BookFacts(self._comparison).take(snapshot, conclusive=conclusive)
        if conclusive:
            AbsentOrders(self._comparison).judge(snapshot)
            self._holdings.judge(snapshot)
            self._comparison.alone(FactName("stray", "commissions"), "", self._tell_of_stray_commissions, snapshot)
            self._faults.compared(self._journal)
        elif snapshot.complete:
            self._ask_again_on_this_link()
        else:
            self._tell_of_missing_parts(snapshot)
        self._note_proof(snapshot)
        doubtful = [o for o in self._ctx.ledger.order_index.open.values() if o.state is OrderState.UNKNOWN]
        self._absences.confirm_at = self._holdings.next_confirmation()
        self.settled = conclusive and not doubtful and not self._absences.in_doubt
        row = ReconcileRow(self._ctx.new_id(), self._ctx.now, self._reason, conclusive, tuple(self._comparison.lines))
        self._journal.batch.reconciliations.append(row)

    def _is_of_this_link(self, snapshot: BrokerSnapshot) -> bool:
        """TWS answers from memory while it has no broker: a book from then is whole, and may be old."""
        return self._ctx.ledger.proof.is_of_this_link(snapshot.asked_at)

    def _ask_again_on_this_link(self) -> None:
        """Whoever asked while an older question was under way got the older answer."""
        if self._ctx.ledger.proof.linked_since is not None:
            self._journal.instructions.append(AskSnapshot("the book was asked for before the link was up"))

    def _tell_of_missing_parts(self, snapshot: BrokerSnapshot) -> None:
        words = "; ".join(map(str, snapshot.faults)) or "a part is missing"
        if words != self._absences.parts_missing:
            self._journal.alert("SNAPSHOT_INCOMPLETE", words, {"reason": self._reason})
        connection = self._ctx.ledger.connection
        detail = f"the broker's book is not whole: {words}"
        if connection.state is ConnectionState.SYNCING and connection.detail != detail:
            waits = ConnectionChange(detail=detail)  # for those who look: what the connection waits for
            self._journal.change(connection, waits)

    def _tell_of_stray_commissions(self, snapshot: BrokerSnapshot) -> None:
        """A commission may come before its execution; one whose execution two whole books lack is nobody's."""
        strays = self._absences.stray_commissions
        for exec_id, amount in snapshot.commissions.items():
            if base_of(exec_id) in self._ctx.ledger.fills.executions:
                strays.pop(exec_id, None)
                continue
            since = strays.setdefault(exec_id, snapshot.at)
            if since is not None and snapshot.at - since >= self._comparison.grace:
                strays[exec_id] = None
                facts = {"exec_id": exec_id, "commission": amount}
                words = f"a commission of {amount} came for execution {exec_id}, which the broker does not have"
                self._journal.alert("STRAY_COMMISSION", words, facts)

    def _note_proof(self, snapshot: BrokerSnapshot) -> None:
        """Open orders and executions suffice to leave a position by; the other parts may refute it, never prove it."""
        ledger = self._ctx.ledger
        self._absences.parts_missing = "; ".join(map(str, snapshot.faults))
        missing = {fault.part for fault in snapshot.faults}
        if missing & _PROOF or not (snapshot.complete or missing) or not self._is_of_this_link(snapshot):
            return
        ledger.proof.prove(self._ctx.now)
        if not snapshot.complete and BookPart.POSITIONS not in missing:
            there = {p.contract_key: p.quantity for p in snapshot.positions}
            keys = {position.key for position in ledger.positions.values()}
            ledger.proof.refute(there, {key: ledger.position_index.held_on(key) for key in keys})
