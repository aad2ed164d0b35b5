"""Facts about orders, applied to the machines: what the broker says is true, in whatever order it says it.

A status that does not fit is never guessed at: the order becomes `unknown`. What executions do is in
`bot.engine.book.fills`, errors in `bot.engine.book.order_errors`, an order's end in `bot.engine.book.order_ends`.
"""

from __future__ import annotations

from decimal import Decimal

from bot.domain.events.orders import (
    AT_BROKER,
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ExecutionReported,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
)
from bot.domain.ids import is_ours
from bot.domain.instructions import AskSnapshot, CancelOrder
from bot.domain.order import ENDED_EARLY, NOT_TAKEN, Order, OrderChange, OrderState, OrderTrigger, Purpose, Terms
from bot.domain.position import PositionChange, PositionTrigger
from bot.domain.wording import key_words
from bot.engine.book import foreign
from bot.engine.book.fills import FillKeeper
from bot.engine.book.newer_store import is_sale_of_a_newer_store
from bot.engine.book.order_ends import OrderEnds
from bot.engine.book.order_errors import OrderErrors
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.state.told_once import Once

_REMEMBERED = 32  # terms of before that an order is known by: more are not on their way at once
_LIVE_AGAIN = frozenset({OrderState.INTENT, OrderState.SUBMITTED, OrderState.UNKNOWN})


class FactKeeper:
    """Applies facts to the ledger through a journal. One object a tick."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx = ctx
        self._ledger = ctx.ledger
        self._journal = journal
        self._fills = FillKeeper(ctx, journal)
        self._ends = OrderEnds(ctx, journal)
        self._errors = OrderErrors(ctx, journal, self._ends)

    # ---- what our own adapter did

    def order_sent(self, event: OrderSent) -> None:
        order = self._ledger.order_index.by_ref.get(event.order_ref)
        if order is None:
            return
        self._ledger.highest_order_id = max(self._ledger.highest_order_id, event.order_id)
        sent = OrderChange(
            order_id=event.order_id, client_id=event.client_id, submitted_at=order.submitted_at or event.at
        )
        if order.state is OrderState.INTENT:
            self._journal.take(
                Step(
                    order,
                    OrderTrigger.SUBMIT,
                    f"sent as order {event.order_id}",
                    {"order_id": event.order_id},
                    sent,
                    actor="tick",
                )
            )
        else:
            self._journal.change(order, sent)

    def order_not_sent(self, event: OrderNotSent) -> None:
        order = self._ledger.order_index.by_ref.get(event.order_ref)
        if order is None:
            return
        if order.wanted is not None:
            self._errors.amend_refused(order, event.reason)
        elif order.state is OrderState.INTENT:
            sets = OrderChange(reject_reason=event.reason, refusal=None, done_at=event.at)
            self._journal.take(Step(order, OrderTrigger.REJECT, f"not sent: {event.reason}", sets=sets))
            self._ends.rejected(order)
        elif order.state is OrderState.CANCELLING:
            self._journal.take(Step(order, OrderTrigger.LOSE_SIGHT, f"cancel not sent: {event.reason}"))

    # ---- what the broker says of an order

    def order_reported(self, event: OrderReported, *, whole_book: bool = False) -> None:
        """Apply what the broker says of an order: a message, which may be old, or a line of a `whole_book`."""
        view = event.view
        order = self._ledger.order_index.find(view.order_ref, view.perm_id)
        if order is None:
            self._foreign_order(view)
            return
        if order.perm_id and view.perm_id and order.perm_id != view.perm_id:
            self._second_of_the_name(order, view)
            return
        if _is_of_an_older_sending(order, view):
            return
        if order.state in ENDED_EARLY and view.status in AT_BROKER and order.order_ref not in self._ledger.proof.ghosts:
            self._ledger.proof.ghosts.add(order.order_ref)  # an old message, or an order that nobody manages
            self._journal.instructions.append(AskSnapshot(f"{order.order_ref} is {order.state} and shown as live"))
        self._identify(order, view)
        self._echo_of_terms(order, view, whole_book)
        handle = {
            BrokerOrderStatus.PENDING: self._on_pending,
            BrokerOrderStatus.WORKING: self._on_working,
            BrokerOrderStatus.CANCELLED: self._on_cancelled,
            BrokerOrderStatus.INACTIVE: self._on_inactive,
        }.get(view.status)
        if handle is not None:
            handle(order, view)

    def _second_of_the_name(self, order: Order, view: BrokerOrderView) -> None:
        """One reference, two permIds: both could fill, so both are cancelled and evidence decides. One that is over
        is an older sending of the same reference and says nothing of the present one."""
        if view.status not in AT_BROKER or not self._ledger.told_once.is_news(Once.TWIN, view.perm_id):
            return
        facts = {"order_ref": order.order_ref, "perm_ids": [order.perm_id, view.perm_id], "order_id": view.order_id}
        words = f"{order.order_ref} is live twice at the broker (permId {order.perm_id} and {view.perm_id}): both go"
        self._journal.alert("ORDER_DOUBLED", words, facts)
        self._journal.instructions.append(CancelOrder(order.order_ref, view.order_id))
        if order.is_done:
            return
        self._journal.instructions.append(CancelOrder(order.order_ref, order.order_id or 0))
        if order.state is not OrderState.UNKNOWN:
            sets = OrderChange(wanted=None)
            self._journal.take(Step(order, OrderTrigger.LOSE_SIGHT, words, facts, sets, actor="broker"))
        self._journal.instructions.append(AskSnapshot(f"{order.order_ref} is live twice"))

    def _identify(self, order: Order, view: BrokerOrderView) -> None:
        change = identity(order, view)
        if change:
            self._journal.change(order, change)

    def _echo_of_terms(self, order: Order, view: BrokerOrderView, whole_book: bool) -> None:
        """An amendment is in force once the broker shows the new terms."""
        if view.quantity == 0:
            return
        shown = Terms(view.quantity, view.limit_price, view.stop_price)
        if order.wanted is None or not _same_terms(shown, order.wanted):
            if whole_book or not self._is_an_old_echo(order, shown):
                self._learn_terms(order, shown)
            return
        evidence = {"before": str(order.terms), "now": str(order.wanted)}
        self._ledger.change(order, amended(order, order.wanted))
        words = f"new terms in force: {order.terms}"
        self._journal.take(Step(order, OrderTrigger.AMENDED, words, evidence, actor="broker"))
        self._fills.complete(order)
        if order.purpose is Purpose.PROTECT and not order.is_done:
            self._covered_again(order)

    def _is_an_old_echo(self, order: Order, shown: Terms) -> bool:
        """Say whether a message shows terms that newer ones have replaced by the broker's own word: it was late. A stop
        that was taken for as large as it had been would be "shrunk" to more than it asks for, beside a sale that has
        its room. Should somebody have changed it back by hand, the book says so: it is asked, once for these terms."""
        old = next((terms for terms in order.superseded if _same_terms(shown, terms)), None)
        if old is None or order.is_done or _same_terms(shown, order.terms):
            return False
        told = (order.order_ref, str(old))
        if told not in self._ledger.proof.old_echoes:
            self._ledger.proof.old_echoes.add(told)
            self._journal.instructions.append(AskSnapshot(f"{order.order_ref} is shown with terms of before: {old}"))
        return True

    def _learn_terms(self, order: Order, shown: Terms) -> None:
        """What the broker shows is in force, even an amendment that we had given up for lost."""
        ours = order.terms
        if order.is_done or _same_terms(shown, ours):
            return
        limit = ours.limit_price and (shown.limit_price or ours.limit_price)
        stop = ours.stop_price and (shown.stop_price or ours.stop_price)
        self._journal.change(order, OrderChange(terms=Terms(shown.quantity, limit, stop), change_refusals=0))
        self._learn_stop(order, stop)
        self._fills.complete(order)

    def _learn_stop(self, order: Order, stop: Decimal | None) -> None:
        """A stop that stands higher at the broker than we knew was raised there: one that takes its place goes no
        lower."""
        position = self._ledger.positions.get(order.position_id or "")
        if order.purpose is not Purpose.PROTECT or position is None or stop is None:
            return
        if position.stop_price is None or stop > position.stop_price:
            self._journal.change(position, PositionChange(stop_price=stop))

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
            OrderChange(acknowledged_at=self._ctx.now),
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
                {
                    "order_ref": order.order_ref,
                    "stop": stop,
                    "quantity": order.remaining,
                    "unprotected_s": waited,
                    "unprotected_contract_s": waited * position.quantity,
                },
                PositionChange(protected_at=self._ctx.now, stop_price=stop),
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
            OrderChange(done_at=self._ctx.now, wanted=None)
            | (OrderChange() if asked else _ended_by_broker(order, view)),
            actor="broker",
        )
        if self._journal.take(step):
            self._ends.ended(order, asked=asked)

    def _on_inactive(self, order: Order, view: BrokerOrderView) -> None:
        if order.is_done:
            return
        if order.state is OrderState.INTENT:
            self._journal.take(Step(order, OrderTrigger.SUBMIT, "the broker has heard of it", actor="broker"))
        reason = order.reject_reason or view.detail or "inactive at the broker"
        sets = OrderChange(done_at=self._ctx.now, reject_reason=reason, wanted=None)
        if self._journal.take(Step(order, OrderTrigger.REJECT, reason, {"status": "Inactive"}, sets, actor="broker")):
            self._ends.rejected(order)

    def order_erred(self, event: OrderErred) -> None:
        self._errors.heard(event)

    # ---- executions and commissions

    def executed(self, event: ExecutionReported, *, whole_book: bool = False) -> None:
        """Count an execution. One that a newer store's order made waits until a `whole_book` says what that is."""
        if not whole_book and is_sale_of_a_newer_store(self._ctx, event.execution):
            self._journal.instructions.append(
                AskSnapshot(f"{event.execution.order_ref} sold what we hold, unknown to us")
            )
            return
        self._fills.executed(event)

    def commission(self, event: CommissionReported) -> None:
        self._fills.commission(event)

    # ---- what is not ours

    def _foreign_order(self, view: BrokerOrderView) -> None:
        if not self._ledger.told_once.is_news(Once.STRANGE_ORDER, view.perm_id, view.status):
            return
        if is_ours(self._ctx.settings.bot_id, view.order_ref):
            code, text = "LOST_ORDER", f"the broker has {view.order_ref}, the store does not"
        else:
            code, text = (
                "FOREIGN_ORDER",
                f"order {view.perm_id} on {key_words(view.contract_key)} is not ours and is left alone",
            )
            foreign.order_seen(self._journal, view)
        self._journal.alert(code, text, {"perm_id": view.perm_id, "ref": view.order_ref, "status": view.status.value})


def identity(order: Order, view: BrokerOrderView) -> OrderChange:
    """Return what the broker's line says that is news: permId, order id, contracts that its status counts as filled."""
    change = OrderChange()
    if view.perm_id and order.perm_id != view.perm_id:
        change["perm_id"] = view.perm_id
    if view.order_id > 0 and order.order_id != view.order_id:
        change["order_id"] = view.order_id
    if view.filled_quantity is not None and view.filled_quantity > order.reported_filled:
        change["reported_filled"] = view.filled_quantity
    return change


def amended(order: Order, terms: Terms) -> OrderChange:
    """Return what changes when new terms come into force: older ones are remembered, a refusal is history."""
    before = order.superseded if order.terms in order.superseded else (*order.superseded, order.terms)[-_REMEMBERED:]
    superseded = tuple(each for each in before if not _same_terms(terms, each))
    return OrderChange(
        terms=terms,
        wanted=None,
        superseded=superseded,
        reject_code=None,
        reject_reason="",
        refusal=None,
        change_refusals=0,
    )


def _ended_by_broker(order: Order, view: BrokerOrderView) -> OrderChange:
    """Nobody here asked for the end of it: that stays on the row, with what the broker said."""
    why = order.reject_reason or view.detail or "no reason was given"
    return OrderChange(reject_reason=f"{NOT_TAKEN}, the broker ended it: {why}", not_taken=True)


def _is_of_an_older_sending(order: Order, view: BrokerOrderView) -> bool:
    """Say whether the end that the broker tells of is that of an earlier sending of the same reference: the present
    one is on its way, and its permId not known yet."""
    on_its_way = order.state in {OrderState.INTENT, OrderState.SUBMITTED} and not order.perm_id
    return bool(order.attempts) and on_its_way and view.status not in AT_BROKER and view.order_id != order.order_id


def _same_terms(shown: Terms, wanted: Terms) -> bool:
    """Compare what the broker echoes with what we asked; a price that the order type has not is not compared."""
    same_limit = wanted.limit_price is None or shown.limit_price == wanted.limit_price
    same_stop = wanted.stop_price is None or shown.stop_price == wanted.stop_price
    return shown.quantity == wanted.quantity and same_limit and same_stop
