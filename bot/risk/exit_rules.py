"""How a position is left: an ordered table of rules, each a pure function of plan, position, sight and now.

Context: stop, rungs, trail and time stop were questions in code, and a further one was an edit in five places.
Decision: each is a row here; its numbers are frozen with the plan, what it looks at comes in an `ExitSight`; its answer
is one of four: hold, sell some, move the stop, close with a reason. Consequence: a new rule is a function, a row and
its numbers in `ExitPlan`. What closes goes before what sells a part, and that before what moves the stop, whatever
their order in the table: of several reasons to leave the first in the table is named. A rule that cannot see holds: the
premium's stop stays at the broker beneath all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.domain.instruments import PriceGrid, Right
from bot.domain.money import ZERO
from bot.domain.position import AtrRule, CloseReason, ExitPlan, Position, PositionState, Rung
from bot.domain.wording import compared, signed
from bot.risk.ladder import protective_stop, rung_targets, trailing_stop, trails_from


@dataclass(frozen=True, slots=True)
class ExitSight:
    """What the rules may see beside plan and position; None and empty: it cannot be seen, or nothing is so.

    `bid` a share, borne out by a second look, as are the underlying's `low` and `high`: what it stood at or below, and
    at or above, for that long. `flat_at`: the time stop that is in force today. `days_held`: trading sessions that have
    begun since the one of the entry. `earnings` and `broken`: in words, that the company reports before the next
    session's end, and why its strategy's idea holds no more; `now_is_known`: our clock is not contradicted.
    """

    grid: PriceGrid
    bid: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    flat_at: datetime | None = None
    days_held: int | None = None
    earnings: str = ""
    broken: str = ""
    now_is_known: bool = True


@dataclass(frozen=True, slots=True)
class HoldOn:
    """Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class SellSome:
    """Sell so many contracts; the rest is held. None to sell of a small position: the step is passed over."""

    contracts: int
    words: str


@dataclass(frozen=True, slots=True)
class MoveStop:
    """The stop belongs at this price a share."""

    price: Decimal


@dataclass(frozen=True, slots=True)
class CloseAll:
    """Sell all that is left."""

    reason: CloseReason
    words: str


Answer = HoldOn | SellSome | MoveStop | CloseAll
Rule = Callable[[ExitPlan, Position, ExitSight, datetime], Answer]
HOLD: Final = HoldOn()


@dataclass(frozen=True, slots=True)
class ExitRule:
    """A row of the table."""

    name: str
    ask: Rule


def _stop(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    """The first stop; where one stands it is the trail's to move."""
    if position.stop_price is not None or not position.has_cost:
        return HOLD
    return MoveStop(protective_stop(position.entry_price, plan, sight.grid))


def _rungs(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    done = position.rungs_done
    if done >= len(plan.rungs) or not is_reached(plan, position, plan.rungs[done], sight):
        return HOLD
    target = rung_targets(position.entry_quantity, plan)[done]
    contracts = max(min(target - position.exit_quantity, position.quantity - 1), 0)
    return SellSome(contracts, f"rung {done + 1} at {rung_words(plan.rungs[done])}")


def rung_words(rung: Rung) -> str:
    """Return where a rung is, in words."""
    return f"+{rung.gain:.0%}" if rung.atr is None else f"{rung.atr:f} ATR of the underlying"


def is_reached(plan: ExitPlan, position: Position, rung: Rung, sight: ExitSight, part: Decimal = Decimal(1)) -> bool:
    """Say whether a rung, or a part of the way to it, has been reached."""
    if rung.atr is None:
        return sight.bid is not None and sight.bid >= position.entry_price * (1 + rung.gain * part)
    rule, gone = plan.atr, way_gone(plan.atr, position, sight)
    if rule is None or rule.atr is None or gone is None:
        return False
    return gone >= rung.atr * rule.atr * part


def _target(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    if plan.target is None or sight.bid is None or not position.has_cost:
        return HOLD
    level = position.entry_price * (1 + plan.target)
    if sight.bid < level:
        return HOLD
    shown, least = compared(sight.bid, level)
    return CloseAll(CloseReason.TARGET, f"the target of +{plan.target:.0%} is reached: bid {shown}, needs {least}")


def _trail(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    if position.state is not PositionState.TRAILING and not begins_to_trail(plan, position, sight.bid):
        return HOLD
    return MoveStop(trailing_stop(position.high, plan, sight.grid))


def begins_to_trail(plan: ExitPlan, position: Position, bid: Decimal | None) -> bool:
    """Say whether what is left trails from now on: at the plan's own gain where it has one, else after its rungs."""
    if bid is None:
        return False
    level = position.entry_price * (1 + trails_from(position.entry_quantity, plan))
    if plan.trail_from is None and position.entry_quantity > 1 and position.rungs_done < len(plan.rungs):
        return False
    by_rungs = plan.trail_from is None and position.rungs_done > 0
    return plan.atr is None and (bid >= level or by_rungs)


def _time(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    if not sight.now_is_known:
        return HOLD
    if sight.flat_at is not None and now >= sight.flat_at:
        return CloseAll(CloseReason.FLAT_TIME, "the time stop is reached")
    if plan.next_open_at is not None and now >= plan.next_open_at:
        return CloseAll(CloseReason.FLAT_TIME, "the next session has opened")
    return HOLD


def _days(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    """Trading days: neither a night nor a weekend or holiday makes one."""
    rule, held = plan.days, sight.days_held
    if rule is None or held is None or not sight.now_is_known:
        return HOLD
    words = f"held for {held} trading days"
    if rule.most is not None and held >= rule.most:
        return CloseAll(CloseReason.DAYS, f"{words}, at most {rule.most}")
    if sight.bid is None or not position.has_cost:
        return HOLD
    gain = sight.bid / position.entry_price - 1
    shown = f"{words}, at {signed(gain * 100, 1)} %"
    if rule.down is not None and held >= rule.down_after and gain <= -rule.down:
        return CloseAll(CloseReason.DAYS, f"{shown}: down {rule.down:.0%} or more after {rule.down_after}")
    if rule.profit_after is not None and held >= rule.profit_after and gain <= 0:
        return CloseAll(CloseReason.DAYS, f"{shown}: not above its entry after {rule.profit_after}")
    return HOLD


def _earnings(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    if not plan.before_earnings or not sight.earnings or not sight.now_is_known:
        return HOLD
    return CloseAll(CloseReason.EARNINGS, sight.earnings)


def _thesis(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    if not plan.thesis or not sight.broken:
        return HOLD
    return CloseAll(CloseReason.THESIS, f"its idea holds no more: {sight.broken}")


def _atr(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> Answer:
    rule = plan.atr
    if rule is None or rule.atr is None or rule.entry is None:
        return HOLD
    gone, kept = way_gone(rule, position, sight), way_kept(rule, position, sight)
    if gone is not None and gone >= rule.target * rule.atr:
        return CloseAll(CloseReason.TARGET, f"the underlying has gone {_in_atr(gone, rule.atr)} our way")
    if kept is None:
        return HOLD
    if kept <= -rule.stop * rule.atr:
        return CloseAll(CloseReason.ATR, f"the underlying has gone {_in_atr(-kept, rule.atr)} against it")
    best = position.underlying_best
    if best >= rule.trail_from * rule.atr and kept < best * rule.keep:
        words = f"of the underlying's best, {_in_atr(best, rule.atr)}, {_in_atr(kept, rule.atr)} is left"
        return CloseAll(CloseReason.ATR, f"{words}: less than {rule.keep:.0%}")
    return HOLD


def way_gone(rule: AtrRule | None, position: Position, sight: ExitSight) -> Decimal | None:
    """Return the dollars that the underlying has gone our way for as long as a look takes, negative against us; None:
    not known."""
    return _way(rule, position, up=sight.high, down=sight.low)


def way_kept(rule: AtrRule | None, position: Position, sight: ExitSight) -> Decimal | None:
    """As `way_gone`, seen from the other side: no look of late says that more is left of it."""
    return _way(rule, position, up=sight.low, down=sight.high)


def _way(rule: AtrRule | None, position: Position, up: Decimal | None, down: Decimal | None) -> Decimal | None:
    if rule is None or rule.entry is None:
        return None
    if position.contract.right is Right.CALL:
        return None if up is None else up - rule.entry
    return None if down is None else rule.entry - down


def _in_atr(dollars: Decimal, atr: Decimal) -> str:
    return f"{dollars / atr if atr else ZERO:.2f} ATR"


EXIT_RULES: Final = (
    ExitRule("stop", _stop),
    ExitRule("rungs", _rungs),
    ExitRule("target", _target),
    ExitRule("trail", _trail),
    ExitRule("time", _time),
    ExitRule("days", _days),
    ExitRule("earnings", _earnings),
    ExitRule("thesis", _thesis),
    ExitRule("atr", _atr),
)
"""In the order in which a reason to leave is named."""


def answers(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> tuple[tuple[str, Answer], ...]:
    """Ask every rule; those that hold are left out."""
    asked = ((row.name, row.ask(plan, position, sight, now)) for row in EXIT_RULES)
    return tuple((name, answer) for name, answer in asked if not isinstance(answer, HoldOn))


def closing(plan: ExitPlan, position: Position, sight: ExitSight, now: datetime) -> tuple[str, CloseAll] | None:
    """Return the first rule that sells all, with its answer."""
    return next(
        ((name, each) for name, each in answers(plan, position, sight, now) if isinstance(each, CloseAll)), None
    )
