"""Comparisons of our book with the broker's, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, exists, func, select

from bot.domain.order import OrderState
from bot.domain.wording import key_words
from bot.engine.state.records import LEFT_ALONE
from bot.store.bounded import whole_rows
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.reconciliation import RECONCILIATION
from bot.store.tables.reconciliation_line import RECONCILIATION_LINE
from bot.store.values import maybe_dollars, parse_time, time_text

SAME = "same"
_AGREEING = (OrderState.WORKING.value, OrderState.PARTIALLY_FILLED.value)


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One contract, order or execution: what the broker has, what the store has, what was done."""

    subject: str
    key: str
    broker: str
    store: str
    action: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One reconciliation; `complete` says whether every part of the broker's book gave its end marker."""

    id: str
    at: datetime
    reason: str
    complete: bool
    lines: Sequence[ComparedLine]

    @property
    def differences(self) -> int:
        """Lines in which something of ours was not as at the broker."""
        return sum(line.action not in {SAME, LEFT_ALONE} for line in self.lines)

    @property
    def not_ours(self) -> Sequence[ComparedLine]:
        """Lines of what is at the broker and somebody else's: no difference, and left alone."""
        return [line for line in self.lines if line.action == LEFT_ALONE]

    @property
    def verdict(self) -> str:
        """Return in one phrase how the books stand to each other."""
        words = f"{self.differences} differences" if self.differences else "our book and the broker's agree"
        return f"{words}; {len(self.not_ours)} not ours, left alone" if self.not_ours else words


def latest(connection: Connection, since: datetime | None = None, *, complete: bool = False) -> Comparison | None:
    """Return the newest comparison, or the newest complete one; with `since` the first complete one from then on. None
    while there is none."""
    table = RECONCILIATION.c
    query = whole_rows(RECONCILIATION).order_by(table.at.desc(), table.id.desc())
    if complete:
        query = query.where(table.complete.is_(True))
    if since is not None:
        first = table.complete.is_(True) & (table.at >= time_text(since))
        query = whole_rows(RECONCILIATION).where(first).order_by(table.at, table.id)
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return None
    found = row._mapping
    lines = _lines(connection, found["id"])
    return Comparison(found["id"], parse_time(found["at"]), found["reason"], bool(found["complete"]), lines)


def orders_that_agree(connection: Connection, comparison: Comparison) -> list[ComparedLine]:
    """Return our live orders that were there and that the comparison has no word on: a whole one names each that
    differs."""
    named = {line.key for line in comparison.lines if line.subject == "order"}
    order = BROKER_ORDER.c
    live = order.state.in_(_AGREEING) & (order.submitted_at <= time_text(comparison.at))
    query = whole_rows(BROKER_ORDER).where(live).order_by(order.contract_key, order.id)
    rows = [row._mapping for row in connection.execute(query) if comparison.complete]
    return [
        ComparedLine("order", r["order_ref"], _terms(r), _terms(r), SAME) for r in rows if r["order_ref"] not in named
    ]


def _terms(row: RowMapping) -> str:
    prices = ((name, maybe_dollars(row[f"{name}_price"])) for name in ("limit", "stop"))
    asked = "".join(f" {name} {price}" for name, price in prices if price is not None)
    left = row["quantity"] - row["filled_quantity"]
    return f"{row['state']}: {row['side']} {left} {key_words(row['contract_key'])}{asked}"


def _lines(connection: Connection, comparison_id: str) -> list[ComparedLine]:
    line = RECONCILIATION_LINE.c
    query = (
        whole_rows(RECONCILIATION_LINE).where(line.reconciliation_id == comparison_id).order_by(line.subject, line.line)
    )
    found = [row._mapping for row in connection.execute(query)]
    return [ComparedLine(r["subject"], r["key"].strip(), r["broker"], r["ours"], r["action"]) for r in found]


@dataclass(frozen=True, slots=True)
class LastingDifference:
    """A contract of which our book and the broker's tell another quantity, in every complete comparison since."""

    key: str
    store: str
    broker: str
    since: datetime


def lasting_differences(connection: Connection) -> list[LastingDifference]:
    """Return what the newest complete comparison still found different of positions, with since when."""
    newest = latest(connection, complete=True)
    if newest is None:
        return []
    differing = [
        line for line in newest.lines
        if line.subject == "position" and line.store != line.broker and line.action not in {SAME, LEFT_ALONE}
    ]  # fmt: skip
    return [
        LastingDifference(x.key, x.store, x.broker, _differs_since(connection, x.key, newest.at)) for x in differing
    ]


def _differs_since(connection: Connection, key: str, newest: datetime) -> datetime:
    table, line = RECONCILIATION.c, RECONCILIATION_LINE.c
    differs = exists().where(
        line.reconciliation_id == table.id,
        line.subject == "position",
        func.trim(line.key) == key,
        line.ours != line.broker,
        line.action.not_in([SAME, LEFT_ALONE]),
    )
    agreed = connection.execute(select(func.max(table.at)).where(table.complete.is_(True), ~differs)).scalar()
    first = select(func.min(table.at)).where(table.complete.is_(True), table.at > (agreed or ""))
    found = connection.execute(first).scalar()
    return newest if found is None else parse_time(found)
