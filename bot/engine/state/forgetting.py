"""What a bot that runs for months forgets: what a start would not load either."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bot.domain.approval import APPROVAL
from bot.domain.calendar import new_york_day
from bot.domain.order import Order
from bot.domain.position import Position, Valuation
from bot.domain.review import REVIEW
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import ENDED_DAYS, EXECUTION_DAYS
from bot.engine.state.tallies import counted_anew


def forget(ledger: Ledger, today: date, now: datetime) -> None:
    """Let go of what was over ENDED_DAYS ago: a bot that runs for months remembers what a start would load.

    A broker tells of orders and executions of a day until its nightly restart, and may correct one of Friday's on
    the Tuesday after.
    """
    ledger.version += 1
    since = today - timedelta(days=ENDED_DAYS)
    ended = {
        i
        for i, position in ledger.closed.items()
        if _day_of(position.closed_at) < since and not position.is_unsettled and not _is_unknown(position)
    }
    for order in [o for o in ledger.orders.values() if _is_history(ledger, o, ended, since)]:
        del ledger.orders[order.id]
    ledger.index()
    tied = {o.position_id for o in ledger.orders.values()}
    ledger.closed = ledger.table((i, p) for i, p in ledger.closed.items() if i not in ended or i in tied)
    ledger.tallies = counted_anew(ledger.orders.values(), ledger.closed.values())
    signals = ledger.signal_index
    signals.keep_since(since, {o.signal_id for o in ledger.orders.values()})
    questions = {s.approval_id for s in (*ledger.signals.values(), *signals.over.values())}
    for approval in [*ledger.approvals.values()]:
        if approval.id not in questions and approval.state in APPROVAL.terminal:
            del ledger.approvals[approval.id]
    ledger.message_index.keep_since(since)
    for review in [*ledger.reviews.values()]:
        if review.state in REVIEW.terminal and review.signal_id not in ledger.signals:
            del ledger.reviews[review.id]
    find = ledger.order_index.find
    ledger.fills.keep(now - timedelta(days=EXECUTION_DAYS), lambda each: find(each.order_ref, each.perm_id) is not None)
    ledger.foreign.keep_executions(ledger.fills.executions)
    ledger.position_index.begin_anew()
    ledger.account.forget_before(since)
    ledger.told_once.begin_day()
    ledger.proof.begin_day()


def _is_history(ledger: Ledger, order: Order, ended: set[str], since: date) -> bool:
    if not order.is_done or order.position_id in ledger.positions:
        return False
    recent = _day_of(order.created_at) >= since or _day_of(order.done_at) >= since
    return not recent and (order.position_id in ended or order.position_id not in ledger.closed)


def _day_of(at: datetime | None) -> date:
    return new_york_day(at) if at is not None else date.min


def _is_unknown(position: Position) -> bool:
    return position.valuation is Valuation.UNKNOWN
