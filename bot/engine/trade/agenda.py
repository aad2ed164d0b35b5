"""What may come about without a fact: who is restless, what has to go, from when on the clock matters.

Context: each tick asked every position whether anything of it is under way, overdue, on its way out or at its hour; of
a thousand, as good as none is. Decision: the ledger says which positions have moved since it was asked last (their own
change, or an order's), and these alone are sorted anew; of the hours the earliest is kept. Consequence: a tick costs
what changed. With other hours or settings, and with a ledger that was read anew, everybody is sorted once. A full pass
asks everybody, as before, and the two are compared (`python -m tests.faults --twice`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bot.domain.order import Order, OrderState
from bot.domain.position import Position, PositionState
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.ledger import Ledger
from bot.engine.state.schedule import NEVER
from bot.engine.trade.refusals import is_watched
from bot.engine.trade.sight import flat_from

_PAST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Hours:
    """A moment for each position that has one; what is asked is whether the first of them has come."""

    of: dict[str, datetime] = field(default_factory=dict)
    first: datetime = NEVER  # no moment of any is earlier

    def note(self, position_id: str, moment: datetime | None) -> None:
        if moment is None:
            self.of.pop(position_id, None)
        else:
            self.of[position_id] = moment
            self.first = min(self.first, moment)

    def have_come(self, now: datetime) -> set[str]:
        """Return the positions whose moment is now or was."""
        if now < self.first:
            return set()
        self.first = min(self.of.values(), default=NEVER)
        return {each for each, moment in self.of.items() if moment <= now}

    def clear(self) -> None:
        self.of.clear()
        self.first = NEVER


@dataclass(slots=True)
class Agenda:
    """Memory between ticks, true as of the last `follow`. Positions are named by their ids."""

    restless: set[str] = field(default_factory=set)  # judged with each tick, whatever is quoted
    must_go: set[str] = field(default_factory=set)  # on their way out, or the tick watches their stop
    slow: set[str] = field(default_factory=set)  # on their way out, or without their stop
    orphaned: set[str] = field(default_factory=set)  # over, and an order of theirs still works
    flat: Hours = field(default_factory=Hours)  # the time stops that are in force today
    ends: Hours = field(default_factory=Hours)  # of contracts that expire today, or have
    _ledger: Ledger | None = None
    _hours: tuple[object, ...] = (None, None, None)

    def follow(self, ctx: Context) -> None:
        """Sort what has moved."""
        ledger, (trading, told, settings) = ctx.ledger, self._hours
        same_hours = ctx.trading is trading and ctx.told_session is told and ctx.settings is settings
        if ledger is not self._ledger or not same_hours:
            self._ledger, self._hours = ledger, (ctx.trading, ctx.told_session, ctx.settings)
            self._begin_anew(ctx)
        for each in ledger.position_index.moved:
            self._sort(ctx, each)

    def _begin_anew(self, ctx: Context) -> None:
        for ids in (self.restless, self.must_go, self.slow, self.orphaned):
            ids.clear()
        self.flat.clear()
        self.ends.clear()
        over = {order.position_id for order in ctx.ledger.order_index.open.values() if order.position_id}
        for each in (*ctx.ledger.positions, *sorted(over - ctx.ledger.positions.keys())):
            self._sort(ctx, each)

    def _sort(self, ctx: Context, position_id: str) -> None:
        ledger, orders = ctx.ledger, ctx.ledger.order_index.of_position(position_id)
        is_over = position_id in ledger.closed and any(not order.is_done for order in orders)
        _keep_if(self.orphaned, position_id, is_over)
        position = ledger.positions.get(position_id)
        if position is None:
            for ids in (self.restless, self.must_go, self.slow):
                ids.discard(position_id)
            self.flat.note(position_id, None)
            self.ends.note(position_id, None)
            return
        leaves, bare = position.state is PositionState.CLOSING, position.unprotected_since is not None
        _keep_if(self.restless, position_id, is_restless(position) or has_orders_under_way(orders))
        _keep_if(self.must_go, position_id, leaves or is_watched(orders))
        _keep_if(self.slow, position_id, leaves or bare)
        self.flat.note(position_id, flat_from(ctx, position))
        self.ends.note(position_id, _end_of(ctx, position))


def is_restless(position: Position) -> bool:
    """Say whether a position has to be judged with each tick by what it is itself, or by what its plan looks at."""
    under_way = position.state is PositionState.CLOSING or position.room_for > 0
    return under_way or position.unprotected_since is not None or position.plan.looks_further


def has_orders_under_way(orders: Sequence[Order]) -> bool:
    return any(not o.is_done and (o.state is not OrderState.WORKING or o.wanted is not None) for o in orders)


def _end_of(ctx: Context, position: Position) -> datetime | None:
    """Return from when on nothing can be sold of a position, by the broker's clock; None: not before another day."""
    contract, today = position.contract, ctx.trading.day
    if contract.expiry > today:
        return None
    return expiry.ends_at(ctx, contract) if contract.expiry == today else _PAST


def _keep_if(ids: set[str], position_id: str, is_so: bool) -> None:
    if is_so:
        ids.add(position_id)
    else:
        ids.discard(position_id)
