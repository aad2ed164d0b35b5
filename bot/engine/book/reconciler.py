"""Our book against the broker's: on every start, every reconnect, on a timer and on demand.

Matching is by order_ref, then permId, then execId; orderId identifies nothing. Nothing is concluded from what an
incomplete snapshot lacks. An order counts as absent only when two complete snapshots, a grace time apart, show it
neither open nor completed nor executed. Running it twice changes nothing the second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from bot.domain.connection import ConnectionChange, ConnectionState
from bot.domain.events import (
    BookPart,
    BrokerOrderStatus,
    BrokerOrderView,
    BrokerPosition,
    BrokerSnapshot,
    CommissionReported,
    ExecutionReported,
    ForeignSeen,
    OrderReported,
)
from bot.domain.ids import is_ours
from bot.domain.instructions import AskSnapshot, CancelOrder, SubmitOrder
from bot.domain.instruments import symbol_of_key
from bot.domain.money import to_price
from bot.domain.order import (
    MOST_ATTEMPTS,
    NOT_TAKEN,
    Execution,
    Order,
    OrderChange,
    OrderSide,
    OrderState,
    OrderTrigger,
    OrderType,
    Purpose,
    base_of,
    last_revisions,
)
from bot.domain.position import Origin, Position, PositionState, PositionTrigger
from bot.engine.book import foreign, sold_elsewhere
from bot.engine.book.asking import Asking
from bot.engine.book.facts import FactKeeper
from bot.engine.book.lost_orders import LostOrders
from bot.engine.book.newer_store import NewerSales, is_unknown
from bot.engine.book.order_ends import OrderEnds
from bot.engine.settlement import expiry
from bot.engine.settlement.settler import Settler, exercised_early
from bot.engine.state.context import Context
from bot.engine.state.fact_faults import FactFaults
from bot.engine.state.fact_name import FactName
from bot.engine.state.journal import Journal
from bot.engine.state.records import LEFT_ALONE, SET_ASIDE, ReconcileLine, ReconcileRow
from bot.engine.state.steps import Birth, Step
from bot.engine.state.told_once import Once
from bot.risk.ladder import freeze_plan

_IN_VAIN: Final = "could not be applied, told once"
_STANDS_STILL = 4  # a part of the grace time
_PROOF = frozenset({BookPart.OPEN_ORDERS, BookPart.EXECUTIONS})
_OVER = frozenset({OrderState.CANCELLED, OrderState.REJECTED})


@dataclass
class Absences:
    """What complete snapshots lacked or counted otherwise than we do, and since when; memory between two polls."""

    since: dict[str, datetime] = field(default_factory=dict)  # order_ref -> first absent
    differences: dict[str, tuple[int, datetime]] = field(
        default_factory=dict
    )  # contract -> (theirs - ours, first seen)

    parts_missing: str = ""  # of the last snapshot, as it was told
    stray_commissions: dict[str, datetime | None] = field(default_factory=dict)  # execId -> first seen, None once told
    confirm_at: datetime | None = None  # when the next look can confirm a difference
    lost_live: frozenset[str] = frozenset()  # contracts on which lost orders were still on their way out

    @property
    def in_doubt(self) -> bool:
        """Whether a first look found something that a second one has to confirm."""
        return bool(self.since or self.differences or self.lost_live)


class Reconciler:
    """Applies one snapshot. `settled` says whether nothing is left in doubt: then the session may go on."""

    def __init__(self, ctx: Context, journal: Journal, absences: Absences, faults: FactFaults, reason: str) -> None:
        self._ctx = ctx
        self._journal = journal
        self._absences = absences
        self._faults = faults
        self._reason = reason
        self._grace = timedelta(seconds=ctx.settings.engine.absence_grace_s)
        self._lines: list[ReconcileLine] = []
        self._gone: list[tuple[Position, int]] = []
        self.settled = False

    def run(self, snapshot: BrokerSnapshot) -> None:
        """Take in every fact of the snapshot, then judge what it lacks. Each fact, order and holding stands for itself:
        one that raises is a fault of its own (`bot.engine.state.fact_faults`)."""
        self._faults.comparison += 1
        conclusive = snapshot.complete and self._is_of_this_link(snapshot)
        self._take_facts(snapshot, conclusive=conclusive)
        if conclusive:
            self._judge_orders(snapshot)
            self._judge_positions(snapshot)
            self._alone(FactName("stray", "commissions"), "", self._tell_of_stray_commissions, snapshot)
            self._faults.compared(self._journal)
        elif snapshot.complete:
            self._ask_again_on_this_link()
        else:
            self._tell_of_missing_parts(snapshot)
        self._note_proof(snapshot)
        doubtful = [o for o in self._ctx.ledger.order_index.open.values() if o.state is OrderState.UNKNOWN]
        self._absences.confirm_at = self._next_confirmation()
        self.settled = conclusive and not doubtful and not self._absences.in_doubt
        row = ReconcileRow(self._ctx.new_id(), self._ctx.now, self._reason, conclusive, tuple(self._lines))
        self._journal.batch.reconciliations.append(row)

    def _alone(self, name: FactName, key: str, apply: Callable[..., object], *given: Any, **named: Any) -> bool:
        """Apply one fact of the book on its own; what it had written in the comparison's lines goes with it."""
        lines, gone = len(self._lines), len(self._gone)
        applied = self._faults.apply(self._journal, name, key, partial(apply, *given, **named))
        if not applied:
            del self._lines[lines:], self._gone[gone:]
            self._line(name.subject, name.of or key, "disputed", "", _IN_VAIN)
        return applied

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
            if since is not None and snapshot.at - since >= self._grace:
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

    # ---- what is there

    def _take_facts(self, snapshot: BrokerSnapshot, *, conclusive: bool) -> None:
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
            is_news = execution.base_id not in ledger.fills.executions
            name, event = FactName("execution", execution.base_id), ExecutionReported(execution)
            if ledger.fills.executions.get(execution.base_id) != execution or name in self._faults.faults:
                self._alone(name, execution.contract_key, keeper.executed, event, whole_book=conclusive)
            if is_news and execution.base_id in ledger.fills.executions:
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
        if order is None or order.state not in _OVER or view.status is BrokerOrderStatus.CANCELLING:
            return
        if order.done_at is not None and self._ctx.now - order.done_at < self._grace:
            return  # it may have ended while the book was being read
        facts = {"order_ref": order.order_ref, "state": order.state.value, "broker": view.status.value}
        words = f"{order.order_ref} is {order.state} here and live at the broker: it is cancelled"
        if self._ctx.ledger.told_once.is_news(Once.GHOST, view.perm_id):
            self._journal.alert("ORDER_STILL_LIVE", words, facts)
        self._journal.instructions.append(CancelOrder(order.order_ref, view.order_id))
        self._line("order", order.order_ref, order.state.value, view.status.value, "cancel sent")

    # ---- what is not there

    def _judge_orders(self, snapshot: BrokerSnapshot) -> None:
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

    # ---- quantities

    def _judge_positions(self, snapshot: BrokerSnapshot) -> None:
        self._alone(FactName("expiry"), "", expiry.expire, self._ctx, self._journal)
        found: list[LostOrders] = []
        self._alone(FactName("orders", "of a lost store"), "", self._call_off_lost_orders, snapshot, found)
        lost = found[0] if found else None
        broker = {p.contract_key: p for p in snapshot.positions if p.amount}
        asking = Asking(self._ctx, self._journal, snapshot)
        ours: dict[str, int] = defaultdict(int)
        for position in self._ctx.ledger.positions.values():
            ours[position.key] += position.quantity
        self._ctx.ledger.proof.begin_comparison()
        self._absences.lost_live = lost.on_their_way_out if lost is not None else frozenset()
        for key in self._absences.differences.keys() - broker.keys() - ours.keys():
            del self._absences.differences[key]  # gone on both sides since the last look: nothing is left to confirm
        for key in sorted(set(broker) | set(ours)):
            given = key, broker.get(key), snapshot.at, lost, asking
            self._alone(FactName("position", key.strip()), key, self._judge_holding, *given)
        self._alone(FactName("questions", "of adoption"), "", asking.forget_what_is_gone)
        asking.tell()
        self._ctx.ledger.proof.doubt(self._absences.lost_live)  # no sale beside one that may still fill
        self._account_for_what_is_gone(broker)

    def _call_off_lost_orders(self, snapshot: BrokerSnapshot, found: list[LostOrders]) -> None:
        lost = LostOrders(self._ctx, self._journal, snapshot)
        for view, action in lost.call_off():
            self._line("order", view.order_ref, "missing", view.status.value, action)
        found.append(lost)

    def _judge_holding(
        self, key: str, found: BrokerPosition | None, at: datetime, lost: LostOrders | None, asking: Asking
    ) -> None:
        """Compare one contract. One in dispute waits for its fact: what it lacks proves nothing."""
        ours = self._ctx.ledger.position_index.held_on(key)
        there = found.quantity if found is not None else 0
        if _is_none_of_ours(found, ours):
            self._absences.differences.pop(key, None)
        elif there == ours:
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), "same")
        elif there and self._ctx.board.has_changed(key):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), "another contract by now: left to a person")
        elif self._is_disputed(key):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), f"disputed: {self._ctx.ledger.proof.disputed[key]}")
        elif found is not None and there > ours and (asked := asking.stands(found, there - ours)):
            self._absences.differences.pop(key, None)
            self._line("position", key, str(ours), str(there), asked)
        elif waits := self._waits_for(key, there - ours, at, lost):
            self._line("position", key, str(ours), str(there), waits)
        elif found is not None and there > ours:
            self._take_or_ask(found, there - ours, lost, asking)
        else:
            self._give_up(key, ours - max(there, 0), there)

    def _take_or_ask(self, found: BrokerPosition, extra: int, lost: LostOrders | None, asking: Asking) -> None:
        """Two looks agree that the broker has more than we know: take over what may be, ask about the rest."""
        taken = asking.may_take(found, extra)
        if taken and lost is None:
            return
        if taken and lost is not None:
            self._adopt(found, taken, lost)
            asking.taken(found.contract_key, taken)
        if extra > taken:
            known = str(found.quantity - extra + taken)
            words = asking.leave(found, extra - taken)
            self._line("position", found.contract_key, known, str(found.quantity), words)

    def _is_disputed(self, key: str) -> bool:
        """Say whether a fact about a contract cannot be applied; its own comparison is tried anew each time."""
        disputed = self._ctx.ledger.proof.disputed.get(key)
        return disputed is not None and disputed != FactName("position", key.strip())

    def _waits_for(self, key: str, difference: int, at: datetime, lost: LostOrders | None) -> str:
        """Return what a difference waits for before it counts; empty: it counts."""
        ledger = self._ctx.ledger
        if difference < 0 and self._may_be_settled(key):
            ledger.proof.doubt({key})
            self._absences.differences.pop(key, None)  # a wrong clock may last: no reason to look every two seconds
            return "waits until the clocks agree"
        if not self._seen_twice(key, difference, at):
            ledger.proof.differ(key, difference)  # of fewer nothing more is sold until a second look tells
            return "asked again"
        if difference > 0 and lost is not None and lost.in_the_way_on(key):
            waits = "waits until lost orders are gone"
        elif expiry.is_just_over(self._ctx, ledger.position_index.of(key)):
            waits = "waits for the closing price"
        else:
            return ""
        self._absences.differences[key] = (difference, at - self._grace)
        return waits

    def _may_be_settled(self, key: str) -> bool:
        """Say whether what is gone may have expired, while a wrong clock does not let us say so."""
        held = self._ctx.ledger.position_index.of(key)
        return not self._ctx.hour_is_known and any(expiry.has_expired(self._ctx, p.contract) for p in held)

    def _seen_twice(self, key: str, difference: int, at: datetime) -> bool:
        """A fill between two parts of one snapshot looks like a difference: only the second poll counts."""
        known = self._absences.differences.get(key)
        if known is None or known[0] != difference:
            self._absences.differences[key] = (difference, at)
            return False
        if at - known[1] < self._patience(key):
            return False
        del self._absences.differences[key]
        return True

    def _patience(self, key: str) -> timedelta:
        """Return how far apart two looks at a difference have to be.

        Where an order of ours can have filled, both the fill and the broker's own positions may be on their way. A
        contract that we never asked for only has to stand still: at a start on an empty store every second counts.
        """
        return self._grace if self._ctx.ledger.has_traded(key) else self._grace / _STANDS_STILL

    def _next_confirmation(self) -> datetime | None:
        due = (since + self._patience(key) for key, (_, since) in self._absences.differences.items())
        return min(due, default=None)

    def _adopt(self, found: BrokerPosition, extra: int, lost: LostOrders) -> None:
        """The broker has more than we know: take it on, protect it, say so."""
        if found.contract is None:
            return
        strategy = self._ctx.any_strategy
        position = Position(
            id=self._ctx.new_id(),
            contract=found.contract,
            strategy=strategy,
            plan=freeze_plan(self._ctx.exit_settings(strategy), found.contract, self._ctx.flat_session),
            opened_at=self._ctx.now,
            origin=Origin.BROKER,
            entry_quantity=extra,
            entry_value=to_price(found.average_price * extra),  # as the store keeps it: one sum everywhere
            high=to_price(found.average_price),
        )
        cost = "" if position.has_cost else "; no cost is named there, so it counts from the first usable bid"
        words = f"{extra} {found.contract} at the broker that the store does not know{cost}"
        evidence = {"broker": found.quantity, "average_price": found.average_price}
        self._journal.born(Birth(position, words, evidence), actor="reconcile")
        self._journal.take(Step(position, PositionTrigger.ADOPT, words, evidence, actor="reconcile"))
        lost.protect(position)
        self._journal.alert("POSITION_ADOPTED", words, {"position_id": position.id})
        self._line("position", found.contract_key, str(found.quantity - extra), str(found.quantity), f"adopted {extra}")

    def _give_up(self, key: str, missing: int, there: int) -> None:
        """The broker has less than we know: what is missing was settled or closed elsewhere."""
        for position in self._ctx.ledger.position_index.of(key):
            if missing <= 0:
                return
            gone = min(missing, position.quantity)
            missing -= gone
            if gone < position.quantity and expiry.has_expired(self._ctx, position.contract):
                self._line("position", key, str(position.quantity), str(there), "settled when all of it is gone")
                return
            self._gone.append((position, gone))
            self._line("position", key, str(position.quantity), str(there), f"{gone} gone")

    def _account_for_what_is_gone(self, broker: Mapping[str, BrokerPosition]) -> None:
        """Judge together what left the book, for shares that came may be of several contracts; then what is there that
        is not ours."""
        ctx = self._ctx
        there = {
            key: found.amount
            for key, found in broker.items()
            if _is_none_of_ours(found, ctx.ledger.position_index.held_on(key))
        }
        expired = [(p, n) for p, n in self._gone if expiry.has_expired(ctx, p.contract)]
        vanished = [(p, n) for p, n in self._gone if not expiry.has_expired(ctx, p.contract)]
        settler = Settler(ctx, self._journal, {key: int(amount) for key, amount in there.items()})
        if not self._alone(FactName("settlement"), "", settler.settle, expired):
            settler = Settler(ctx, self._journal, {key: int(amount) for key, amount in there.items()})
            for each in expired:
                self._alone(FactName("settlement", f"of {each[0].id}"), each[0].key, settler.settle, [each])
        early: set[str] = set()
        self._alone(FactName("early", "exercises"), "", lambda: early.update(exercised_early(ctx, vanished, there)))
        for position, gone in vanished:
            if position.id in early:
                self._alone(
                    FactName("exercise", f"of {position.id}"), position.key, settler.exercise_early, position, gone
                )
            else:
                lose = partial(sold_elsewhere.lose, ctx, self._journal)
                self._alone(FactName("loss", f"of {position.id}"), position.key, lose, position, gone)
        questions = {symbol_of_key(key) for key in self._absences.differences}
        self._alone(
            FactName("other", "holdings"), "", foreign.holdings, self._journal, there, settler.delivered, questions
        )
        known = ctx.ledger.foreign.holdings
        for key in sorted(known.keys() | there.keys()):
            self._line("position", key, str(known.get(key, 0)), str(there.get(key, 0)), LEFT_ALONE)

    def _line(self, subject: str, key: str, ours: str, broker: str, action: str) -> None:
        self._lines.append(ReconcileLine(subject, key, ours, broker, action))


def _named(subject: str, view: BrokerOrderView) -> FactName:
    return FactName(subject, view.order_ref or str(view.perm_id))


def _is_among(order: Order, perm_ids: set[int]) -> bool:
    """Say whether one of the sendings of its reference that are over may be this one: another permId is another's."""
    return bool(perm_ids) and (not order.perm_id or bool(perm_ids & {order.perm_id, 0}))


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


def _is_none_of_ours(found: BrokerPosition | None, ours: int) -> bool:
    """Shares, and options that somebody sold short, are nothing that this bot can have made or can manage."""
    return found is not None and not ours and (found.contract is None or found.quantity < 0)
