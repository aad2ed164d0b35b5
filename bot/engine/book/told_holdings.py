"""What the broker says of its own accord about how many contracts are held: the first word of a sale that is not ours.

Context: an execution of another client is told to that client alone, so a sale by hand, by another program or by the
liquidation desk shows in the account's positions first. A stop that stays for what is gone sells short when it is
touched. Decision: fewer than we count, and not explained by a fill of ours that may be on its way, makes what is on
sale smaller at once (`bot.engine.trade.protection.shrink`) and has the book asked. Consequence: nothing is taken off
the book here; that is the comparison's.

A position may be told before or after the execution that changed it. One of ours is waited for: a tick where no sale
of ours is likely to be filling, FILL_MAY_LAG where one is. That a contract is not named proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.domain.events.account import PositionTold
from bot.domain.instructions import AskSnapshot
from bot.domain.order import Order, OrderSide, Purpose
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal

FILL_MAY_LAG: Final = timedelta(seconds=1)
"""How far the account's positions and the execution that changed them may be apart."""


@dataclass(slots=True)
class ToldHoldings:
    """Memory between ticks: the differences that are waited with, and those that were told."""

    since: dict[str, tuple[int, datetime]] = field(default_factory=dict)  # contract -> theirs less ours, first seen
    asked: dict[str, int] = field(default_factory=dict)  # contract -> the difference that the book was asked for
    told: dict[str, int] = field(default_factory=dict)  # contract -> the cap that was told

    def look(self, ctx: Context, journal: Journal) -> None:
        """Compare what was told with what we count, and cap what may be on sale."""
        ledger = ctx.ledger
        for key in sorted(ledger.proof.tells_of | self.since.keys()):
            there = ledger.proof.told.get(key)
            if not ledger.position_index.by_key.get(key) and (there is None or not ledger.has_traded(key)):
                there = None
            if there is None or there == ledger.position_index.held_on(key) or _is_over(ctx, key):
                self._agree(ctx, journal, key)
            else:
                self._differ(ctx, journal, key, there - ledger.position_index.held_on(key))

    def _agree(self, ctx: Context, journal: Journal, key: str) -> None:
        for memory in (self.since, self.asked, self.told):
            memory.pop(key, None)
        if ctx.ledger.proof.lift_cap(key):
            journal.touched |= ctx.ledger.position_index.by_key.get(key, set())

    def _differ(self, ctx: Context, journal: Journal, key: str, difference: int) -> None:
        known = self.since.get(key)
        if known is None or known[0] != difference:
            known = self.since[key] = (difference, ctx.now)
        ledger = ctx.ledger
        missing = -difference - _reported_unseen(ctx, key)
        if ctx.now - known[1] < self._patience(ctx, key, more=difference > 0):
            return
        if missing > 0:
            self._cap(ctx, journal, key, max(ledger.position_index.held_on(key) - missing, 0))
        elif ledger.proof.lift_cap(key):
            journal.touched |= ledger.position_index.by_key.get(key, set())
        if self.asked.get(key) != difference:
            self.asked[key] = difference
            journal.instructions.append(AskSnapshot(f"the broker tells of {abs(difference)} {_word(difference)} {key}"))

    def _cap(self, ctx: Context, journal: Journal, key: str, cap: int) -> None:
        """No more than `cap` may be on sale from now on."""
        ledger = ctx.ledger
        ledger.proof.cap(key, cap)
        journal.touched |= ledger.position_index.by_key.get(key, set())
        if self.told.get(key) == cap:
            return
        self.told[key] = cap
        ours = ledger.position_index.held_on(key)
        there = ledger.proof.told[key]
        words = f"the broker holds {there} {key.strip()} and we count {ours}: no more than {cap} stay on sale"
        facts = {"key": key, "ours": ours, "broker": there, "cap": cap}
        journal.alert("FEWER_AT_BROKER", f"{words}; the book is asked", facts)

    @staticmethod
    def _patience(ctx: Context, key: str, *, more: bool) -> timedelta:
        orders = [o for p in ctx.ledger.position_index.of(key) for o in ctx.ledger.order_index.of_position(p.id)]
        if more or ctx.ledger.order_index.live_on(key, OrderSide.BUY) or any(_may_be_filling(ctx, o) for o in orders):
            return FILL_MAY_LAG
        return timedelta(seconds=ctx.settings.engine.tick_seconds)


def hear(ctx: Context, event: PositionTold) -> None:
    """Keep the broker's last word; what it means is asked once the facts beside it are applied."""
    if ctx.ledger.has_traded(event.key):
        ctx.ledger.proof.told[event.key] = event.quantity


def _may_be_filling(ctx: Context, order: Order) -> bool:
    """Say whether a fill of an order may be the reason: it has just filled, or its price is where the market is."""
    if order.is_done:
        return order.done_at is not None and ctx.now - order.done_at < FILL_MAY_LAG
    if order.purpose is not Purpose.PROTECT or order.wanted is not None:
        return True
    quote, stop = ctx.board.quote(order.contract_key), order.terms.stop_price
    return quote is None or quote.bid is None or stop is None or quote.bid <= stop


def _reported_unseen(ctx: Context, key: str) -> int:
    """Return what sales of ours filled by the broker's count while their executions are on their way."""
    orders: Sequence[Order] = [
        o for p in ctx.ledger.position_index.of(key) for o in ctx.ledger.order_index.of_position(p.id)
    ]
    return sum(o.unseen for o in orders if o.side is OrderSide.SELL)


def _is_over(ctx: Context, key: str) -> bool:
    """What has expired leaves the account by itself."""
    return any(expiry.has_expired(ctx, p.contract) for p in ctx.ledger.position_index.of(key))


def _word(difference: int) -> str:
    return "more" if difference > 0 else "fewer"
