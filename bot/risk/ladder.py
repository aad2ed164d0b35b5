"""How a long option is left: the frozen plan, its rungs, its stop. Prices per share, gains as fractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Final

from bot.config.exits import AtrPlanSettings, AtrSettings, NamedPlanSettings
from bot.config.strategies import ExitSettings
from bot.domain.calendar import TradingSession
from bot.domain.instruments import OptionContract, PriceGrid
from bot.domain.position import AtrRule, DaysRule, ExitPlan, Rung


@dataclass(frozen=True, slots=True)
class AtEntry:
    """What is frozen of the moment of an entry: where the next session opens, the underlying's price and its average
    true range in dollars; None: not known."""

    next_open_at: datetime | None = None
    underlying: Decimal | None = None
    atr: Decimal | None = None


UNSEEN: Final = AtEntry()


def freeze_plan(
    settings: ExitSettings,
    contract: OptionContract,
    session: TradingSession,
    *,
    stop_loss: Decimal | None = None,
    name: str = "",
    seen: AtEntry = UNSEEN,
) -> ExitPlan:
    """Return the plan that a position keeps from its entry on, whatever the settings become; `stop_loss` where a person
    chose another.

    Only a contract that expires on the session's day has a time to be flat by, as long before an early close as before
    a usual one.
    """
    sold = accumulate(rung.sell_fraction for rung in settings.rungs)
    plan = ExitPlan(
        rungs=tuple(Rung(rung.gain, cumulative) for rung, cumulative in zip(settings.rungs, sold, strict=True)),
        stop_loss=settings.stop_loss if stop_loss is None else stop_loss,
        trail=settings.trail,
        single_trail_from=settings.single_trail_from,
        flat_at=session.cut_off(settings.flat_at) if contract.expiry == session.day else None,
        flat_by=settings.flat_at,
        name=name,
    )
    return _with_further_rules(plan, settings, seen) if isinstance(settings, NamedPlanSettings) else plan


def _with_further_rules(plan: ExitPlan, settings: NamedPlanSettings, seen: AtEntry) -> ExitPlan:
    counts_days = settings.down or settings.profit_after_days or settings.most_days
    days = DaysRule(settings.down, settings.down_after_days, settings.profit_after_days, settings.most_days)
    return replace(
        plan,
        rungs=_atr_rungs(settings.atr) if isinstance(settings, AtrPlanSettings) else plan.rungs,
        trail_from=settings.trail_from,
        target=settings.target,
        days=days if counts_days else None,
        before_earnings=settings.before_earnings,
        next_open_at=seen.next_open_at if settings.at_next_open else None,
        thesis=settings.thesis,
        atr=_atr_rule(settings.atr, seen) if isinstance(settings, AtrPlanSettings) else None,
    )


def _atr_rungs(settings: AtrSettings) -> tuple[Rung, ...]:
    """Return the targets that sell a part, as parts of the whole entry; the last one sells all, and is no rung."""
    found, left = list[Rung](), Decimal(1)
    for target in settings.targets[:-1]:
        left -= left * target.sell_of_rest
        found.append(Rung(Decimal(0), 1 - left, target.atr))
    return tuple(found)


def _atr_rule(settings: AtrSettings, seen: AtEntry) -> AtrRule:
    first, last = settings.targets[0].atr, settings.targets[-1].atr
    return AtrRule(settings.stop, last, first, settings.keep, seen.underlying, seen.atr)


def rung_targets(entry_quantity: int, plan: ExitPlan) -> tuple[int, ...]:
    """Return the contracts that are sold in all once each rung is done.

    Whole contracts, rounded down on the running sum, so that a rung too small to sell by itself counts towards the
    next. The last contract always trails: never more than `entry_quantity` - 1; a single contract has no rungs.
    """
    most = max(entry_quantity - 1, 0)
    return tuple(min(int(rung.cumulative_fraction * entry_quantity), most) for rung in plan.rungs)


def trails_from(entry_quantity: int, plan: ExitPlan) -> Decimal:
    """Return the gain at which what is left begins to trail: the plan's own, else after the last rung, or earlier for a
    single contract."""
    if plan.trail_from is not None:
        return plan.trail_from
    if entry_quantity <= 1 or not plan.rungs:
        return plan.single_trail_from
    return plan.rungs[-1].gain


def protective_stop(entry_price: Decimal, plan: ExitPlan, grid: PriceGrid) -> Decimal:
    """Return the first stop price: `stop_loss` below the entry, on the grid, rounded up (it sells earlier)."""
    return _stop_below(entry_price, plan.stop_loss, grid)


def trailing_stop(high: Decimal, plan: ExitPlan, grid: PriceGrid) -> Decimal:
    """Return the stop price `trail` below the highest bid, on the grid, rounded up; it falls only if the high does."""
    return _stop_below(high, plan.trail, grid)


def stop_loss_of(stop_price: Decimal | None, entry_price: Decimal, settings: ExitSettings) -> Decimal | None:
    """Return the fraction below the entry at which a chosen stop stands, never more than the settings allow; None where
    none was chosen, or where the entry was so cheap that it would sell at once."""
    if stop_price is None or not 0 < stop_price < entry_price:
        return None
    return min(1 - stop_price / entry_price, settings.stop_loss)


def _stop_below(price: Decimal, fraction: Decimal, grid: PriceGrid) -> Decimal:
    """Return a valid stop of at least one tick, for a stop of zero is no order."""
    return max(grid.up(price * (1 - fraction)), grid.tick_at(Decimal(0)))


def stop_move_is_material(old: Decimal | None, new: Decimal, min_step: Decimal) -> bool:
    """Say whether a stop is worth replacing: it rises, by at least `min_step` of its price (0.02 is two percent)."""
    if old is None or old <= 0:
        return True
    return new > old and new - old >= old * min_step
