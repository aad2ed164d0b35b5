"""Errors that name one of our orders, applied by their meaning; the codes have their meanings in
`bot.broker.words`.

Only what says so beyond doubt ends an order; the rest makes it `unknown`, and evidence is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.events.orders import ErrorMeaning, OrderErred
from bot.domain.instructions import AskSnapshot
from bot.domain.order import (
    AMENDABLE,
    MOST_ATTEMPTS,
    Order,
    OrderChange,
    OrderState,
    OrderTrigger,
    Purpose,
    RefusalKind,
)
from bot.domain.wording import key_words
from bot.engine.book.order_ends import OrderEnds
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.state.told_once import Once


class OrderErrors:
    """Applies errors to the ledger through a journal."""

    def __init__(self, ctx: Context, journal: Journal, ends: OrderEnds) -> None:
        self._ctx, self._ledger, self._journal, self._ends = ctx, ctx.ledger, journal, ends

    def heard(self, event: OrderErred) -> None:
        """Apply one error by what it means."""
        order = self._ledger.order_index.by_ref.get(event.order_ref)
        if order is None:
            self._journal.alert("FOREIGN_ORDER_ERROR", event.text, {"code": event.code, "ref": event.order_ref})
            return
        if event.refusal is RefusalKind.READ_ONLY:
            self._tell_of_the_read_only_api(event)
        if order.was_sent_before_as(event.order_id, self._ledger.highest_order_id):
            return  # late news of a sending that the present one has replaced
        if event.meaning in {ErrorMeaning.WARNING, ErrorMeaning.CANCEL_REPORTED}:
            return
        if not (order.is_done and (order.reject_code or event.meaning is ErrorMeaning.CANCEL_REFUSED)):
            change = OrderChange(reject_code=event.code, reject_reason=event.text, refusal=event.refusal)
            self._journal.change(order, change)  # what ended it stays the reason
        handle = {
            ErrorMeaning.REJECTED: self._error_rejects,
            ErrorMeaning.NOT_PLACED: self._error_not_placed,
            ErrorMeaning.CANCEL_REFUSED: self._error_on_cancel,
            ErrorMeaning.AMBIGUOUS: self._error_ambiguous,
        }[event.meaning]
        if order.state is OrderState.CANCELLING:
            handle = self._error_on_cancel  # whatever the words: the cancel is what was sent last
        elif order.wanted is not None:
            self._ledger.change(order, OrderChange(change_refusals=order.change_refusals + 1))
        handle(order, event)

    def _tell_of_the_read_only_api(self, event: OrderErred) -> None:
        """A box of the gateway keeps every order out: one message a day says which."""
        if self._ledger.told_once.is_news(Once.READ_ONLY):
            words = (
                "the gateway takes no orders: its API is read-only. Untick API > Settings > Read-Only API in TWS or "
                "IB Gateway; until then what is held has no stop at the broker"
            )
            self._journal.alert("READ_ONLY_API", words, {"code": event.code})

    def _error_rejects(self, order: Order, event: OrderErred) -> None:
        """A rejection ends a new order. On an order that was live it may mean a modification: evidence is asked for."""
        if order.is_done:
            return
        if order.wanted is not None or order.state not in {OrderState.INTENT, OrderState.SUBMITTED}:
            self._error_ambiguous(order, event)
            return
        evidence = {"code": event.code, "text": event.text}
        sets = OrderChange(done_at=self._ctx.now)
        if self._journal.take(
            Step(order, OrderTrigger.REJECT, f"{event.code}: {event.text}", evidence, sets, actor="broker")
        ):
            self._ends.rejected(order)

    def _error_not_placed(self, order: Order, event: OrderErred) -> None:
        if order.wanted is not None and order.state in AMENDABLE:
            self.amend_refused(order, f"{event.code}: {event.text}", event.refusal)
        else:
            self._error_rejects(order, event)

    def _error_on_cancel(self, order: Order, event: OrderErred) -> None:
        if order.state is not OrderState.CANCELLING:
            refusals = max(order.change_refusals - 1, 0) if order.wanted is not None else 0
            self._ledger.change(order, OrderChange(change_refusals=refusals))
            return
        self._ledger.change(order, OrderChange(cancel_misses=order.cancel_misses + 1))
        if order.cancel_misses == MOST_ATTEMPTS:
            self._tell_of_a_cancel_that_misses(order, event)
        self._error_ambiguous(order, event)

    def _tell_of_a_cancel_that_misses(self, order: Order, event: OrderErred) -> None:
        what = f"the {order.purpose} order for {key_words(order.contract_key)} ({order.order_ref})"
        words = (
            f"{what} was not taken back, {order.cancel_misses} cancels in a row were refused: it counts as live, is "
            "changed instead where that helps, and the cancel is tried ever more rarely; "
            f"last: {event.code}: {event.text}"
        )
        facts = {
            "order_ref": order.order_ref,
            "code": event.code,
            "order_id": order.order_id,
            "times": order.cancel_misses,
        }
        self._journal.alert("CANCEL_MISSED", words, facts)

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
                    OrderChange(wanted=None),
                    actor="broker",
                )
            )
        if self._ledger.told_once.is_news(Once.AMBIGUOUS, order.order_ref):
            words = f"{order.order_ref}: {event.code} {event.text}"
            self._journal.alert("ORDER_AMBIGUOUS", words, {"code": event.code})
        self._journal.instructions.append(AskSnapshot(f"error {event.code} on {order.order_ref}"))

    def amend_refused(self, order: Order, reason: str, refusal: RefusalKind | None = None) -> None:
        """The wanted terms will not come: the order stands as it was."""
        evidence = {"refused": str(order.wanted or ""), "still": str(order.terms)}
        stands = OrderChange(wanted=None, reject_reason=reason, refusal=refusal)
        if order.state in AMENDABLE:
            self._journal.take(Step(order, OrderTrigger.AMEND_REFUSED, reason, evidence, stands, actor="broker"))
        else:
            self._journal.change(order, stands)
        if order.purpose is Purpose.PROTECT:
            self._tell_of_refused_change(order, reason, evidence)

    def _tell_of_refused_change(self, order: Order, reason: str, facts: Mapping[str, str]) -> None:
        """A stop that stays as it was protects at its old price, or less than is held: told once a stop and reason."""
        which = order.perm_id or 0, order.order_ref, order.changes_are_over
        if not self._ledger.told_once.is_news(Once.NOT_CHANGED, *which):
            return
        times = f" {order.change_refusals} times in a row" if order.changes_are_over else ""
        words = f"the stop of {key_words(order.contract_key)} could not be changed{times}: {reason}"
        facts = {"order_ref": order.order_ref, "times": str(order.change_refusals), **facts}
        self._journal.alert("STOP_CHANGE_REFUSED", words, facts)
