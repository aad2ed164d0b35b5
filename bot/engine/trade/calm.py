"""Calm positions: nothing can be asked of them but by a higher bid, an hour or a change of their own.

Context: most quotes of a day change nothing, and each was put to every question of `exits.decide_position`. Decision:
where a position's stop works at the broker for all of it and nothing else of it is under way, the bid's next level is
all that a quote can bring about: a rung, the trail, a higher stop. It is kept with what it follows from, and a quote
below it is compared with it alone. Consequence: whatever else changes, or may have, the position is judged in full;
what is on its way out, without its stop, watched by the tick or in doubt is never calm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.order import Order, OrderState, Purpose, Terms
from bot.domain.position import Position, PositionChange, PositionState
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.schedule import NEVER
from bot.engine.trade.calling_off import FLATTENED
from bot.engine.trade.prices import patience_with_quotes, second_look, seen_bid
from bot.engine.trade.protection import least_step
from bot.engine.trade.refusals import is_watched
from bot.engine.trade.sight import flat_from, is_opening
from bot.risk.ladder import stop_move_is_material, trailing_stop, trails_from

_HELD = frozenset({PositionState.FILLED, PositionState.TRAILING})


@dataclass(slots=True)
class Calm:
    """Below which bid and before which moment a position asks for nothing, and what that follows from. `version`: the
    ledger's when all of it was looked at last."""

    position: Position
    version: int
    level: Decimal
    until: datetime
    state: PositionState
    quantity: int
    cost: Decimal
    rungs_done: int
    orders: int  # how many it has had
    stop: Order
    terms: Terms
    used: int  # contracts of the stop that are used up
    settings: Settings
    trading: TradingSession
    told_session: TradingSession | None

    def stands(self, ctx: Context, bid: Decimal | None) -> bool:
        """Say, for little, that it holds: no entity has changed since all was looked at, nothing is in doubt. Hours and
        settings are those of before, or nobody would be calm (`CalmPositions.begin`)."""
        ledger = ctx.ledger
        same = self.version == ledger.version and not ledger.proof.capped and not ledger.position_index.too_large
        return same and ctx.now < self.until and (bid is None or bid < self.level)

    def holds(self, ctx: Context, position: Position) -> bool:
        """Say whether all is as it was, and the bid below the level."""
        stop, quote = self.stop, ctx.board.quote(position.key)
        return (
            ctx.now < self.until
            and (quote is None or quote.bid is None or quote.bid < self.level)
            and position.state is self.state
            and not position.room_for
            and position.quantity == self.quantity
            and position.entry_value is self.cost
            and position.rungs_done == self.rungs_done
            and stop.state is OrderState.WORKING
            and stop.wanted is None
            and stop.terms is self.terms
            and stop.used_quantity == self.used
            and len(ctx.ledger.order_index.of_position(position.id)) == self.orders
            and not (ctx.ledger.proof.capped and position.key in ctx.ledger.proof.capped)
            and position.id not in ctx.ledger.position_index.too_large
            and ctx.settings is self.settings
            and ctx.trading is self.trading
            and ctx.told_session is self.told_session
        )


def calm_of(ctx: Context, position: Position) -> Calm | None:
    """Return what keeps a position calm; None where it has to be judged with each quote."""
    orders = ctx.ledger.order_index.of_position(position.id)
    stop = _stop_for_all(position, orders)
    if stop is None or not _is_held(ctx, position) or any(order.tag == FLATTENED for order in orders):
        return None
    level = _level(ctx, position, stop)
    if level is None:
        return None
    until = min(expiry.ends_at(ctx, position.contract), flat_from(ctx, position) or NEVER)
    return Calm(
        position, ctx.ledger.version, level, until, position.state, position.quantity, position.entry_value,
        position.rungs_done, len(orders), stop, stop.terms, stop.used_quantity, ctx.settings, ctx.trading,
        ctx.told_session,
    )  # fmt: skip


def _is_held(ctx: Context, position: Position) -> bool:
    ledger = ctx.ledger
    in_order = position.state in _HELD and position.has_cost and not position.room_for
    in_order = in_order and not position.plan.looks_further
    doubted = position.key in ledger.proof.capped or position.id in ledger.position_index.too_large
    return in_order and position.unprotected_since is None and not doubted


def _stop_for_all(position: Position, orders: Sequence[Order]) -> Order | None:
    """Return the stop that works for all that is left, when nothing else of the position is under way or in doubt."""
    alive = [order for order in orders if not order.is_settled]
    if len(alive) != 1 or alive[0].purpose is not Purpose.PROTECT:
        return None
    stop = alive[0]
    works = stop.state is OrderState.WORKING and stop.wanted is None and not stop.unseen
    whole = stop.remaining == position.quantity > 0
    return stop if works and whole and not stop.changes_are_over and not is_watched(orders) else None


def _level(ctx: Context, position: Position, stop: Order) -> Decimal | None:
    """Return the lowest bid that may ask for anything; None where the present one may already."""
    plan, done, levels = position.plan, position.rungs_done, list[Decimal]()
    if done < len(plan.rungs):
        levels.append(position.entry_price * (1 + plan.rungs[done].gain))
    if position.state is PositionState.TRAILING:
        levels.append(_next_high(ctx, position, stop))
    elif plan.trail_from is not None or position.entry_quantity == 1 or done >= len(plan.rungs):
        if done and plan.trail_from is None:
            return None  # the rungs are sold, and the rest begins to trail
        levels.append(position.entry_price * (1 + trails_from(position.entry_quantity, plan)))
    return min(levels)


def _next_high(ctx: Context, position: Position, stop: Order) -> Decimal:
    """Return a bid below which no high asks for a stop that is worth a message: nothing, where the present one does.

    The stop is rounded up to the grid, so its coarsest tick is taken off.
    """
    grid, current, step = ctx.board.grid(position.key), stop.terms.stop_price or Decimal(0), least_step(ctx, stop)
    present = trailing_stop(position.high, position.plan, grid)
    if present > current and stop_move_is_material(current, present, step):
        return Decimal(0)
    least = current * (1 + step) - max(increment for _, increment in grid.bands)
    return least / (1 - position.plan.trail)


@dataclass(slots=True)
class CalmPositions:
    """Memory between ticks: which positions are calm, and why."""

    known: dict[str, Calm] = field(default_factory=dict)
    _until: datetime = NEVER  # before which no hour comes for any of them
    _hours: tuple[object, ...] = (None, None, None)  # what their hours follow from

    def begin(self, ctx: Context) -> None:
        """Begin a tick: with other hours, as with other settings, nobody is calm before he was judged by them."""
        trading, told, settings = self._hours
        if ctx.trading is not trading or ctx.told_session is not told or ctx.settings is not settings:
            self._hours, self._until = (ctx.trading, ctx.told_session, ctx.settings), NEVER
            self.known.clear()

    def sort(self, ctx: Context, quoted: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return of the contracts that were quoted those in which a position has to be judged, and those whose bid is a
        new high of a calm one, which follows it. While no entity has changed, all that a new quote is compared with is
        that and the next level."""
        ledger, quote_of, known = ctx.ledger, ctx.board.quote, self.known
        by_key, version = ledger.position_index.by_key, ledger.version
        sure = not ledger.proof.capped and not ledger.position_index.too_large and ctx.now < self._until
        disturbed, risen = [], []
        for key in quoted:
            quote, is_new_high = quote_of(key), False
            bid = quote.bid if quote is not None else None
            for each in by_key[key]:
                calm = known.get(each)
                if calm is None or not sure or calm.version != version or (bid is not None and not bid < calm.level):
                    disturbed.append(key)
                    break
                is_new_high = is_new_high or (bid is not None and bid > calm.position.high)
            else:
                if is_new_high:
                    risen.append(key)
        return disturbed, risen

    def stays(self, ctx: Context, position: Position) -> bool:
        """Say whether a position is as calm as it was; its high follows the bid all the same. What cannot be compared
        is not calm: it is judged in full, where a fault parks this one position."""
        calm = self.known.get(position.id)
        if calm is None:
            return False
        try:
            quote = ctx.board.quote(position.key)
            bid = quote.bid if quote is not None else None
            if calm.stands(ctx, bid) or calm.holds(ctx, position):
                calm.version = ctx.ledger.version
                if bid is not None and bid > position.high:
                    raise_high(ctx, position)
                return True
        except (ArithmeticError, TypeError, ValueError):
            pass
        del self.known[position.id]
        return False

    def rise(self, ctx: Context, risen: Collection[str]) -> set[str]:
        """Have the highs of the calm positions in these contracts follow their bids. Returns those of which that cannot
        be compared: they are judged."""
        if not risen or is_opening(ctx):
            return set()
        quote_of, looks_of, by_key = ctx.board.quote, ctx.board.looks, ctx.ledger.position_index.by_key
        look, patience, failed = second_look(ctx), patience_with_quotes(ctx), set[str]()
        for key in risen:
            quote, looks = quote_of(key), looks_of(key)
            if quote is None or quote.bid is None or looks is None:
                continue
            for each in by_key[key]:
                position = ctx.ledger.positions[each]
                try:
                    if quote.bid <= position.high:
                        continue
                    bid = looks.highest(ctx.now, look, position.high)
                    if bid is not None and quote.fault(ctx.now, patience) is None:
                        ctx.ledger.change(position, PositionChange(high=bid))
                except (ArithmeticError, TypeError, ValueError):
                    self.known.pop(each, None)
                    failed.add(each)
        return failed

    def note(self, ctx: Context, position: Position) -> None:
        """Remember whether a position that was just judged, and asked for nothing, is calm."""
        calm = calm_of(ctx, position)
        if calm is not None:
            self.known[position.id] = calm
            self._until = min(self._until, calm.until)

    def forget(self, position_ids: Iterable[str]) -> None:
        """These have changed, or may have: they are judged in full."""
        for each in position_ids:
            self.known.pop(each, None)

    def whose_hour_has_come(self, now: datetime) -> set[str]:
        """Return the positions that are calm but for the hour."""
        if now < self._until:
            return set()
        self._until = min((calm.until for calm in self.known.values() if calm.until > now), default=NEVER)
        return {each for each, calm in self.known.items() if calm.until <= now}

    def rests(self, ctx: Context, position: Position) -> bool:
        """Say whether a position is calm whatever is bid: its stop works, nothing of it has changed, it is not its
        hour. Never so on a full pass."""
        calm = self.known.get(position.id)
        quiet = calm is not None and ctx.now < calm.until and position.id not in ctx.ledger.position_index.moved
        return quiet and not ctx.full


def raise_high(ctx: Context, position: Position) -> None:
    """Have the high follow the bid that a second look bears out."""
    quote = ctx.board.quote(position.key)
    if quote is None or quote.bid is None or quote.bid <= position.high or is_opening(ctx):
        return  # what is borne out is never above the latest bid
    bid = seen_bid(ctx, position, above=position.high)
    if bid is not None:
        ctx.ledger.change(position, PositionChange(high=bid))
