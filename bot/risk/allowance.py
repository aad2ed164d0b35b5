"""What share of equity a trade may have by its kind, its confidence and how long it is held. Pure.

Context: one fraction stood for every trade. Decision: the kind follows from the plan by which a trade is left, for that
says what it is; each cap is a line in words, the nearest counts. Consequence: a strategy that names no plan is sized as
ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.config.sizing import AllocationSettings, PremiumRange, SizingMethod, SizingSettings
from bot.config.strategies import PlanName
from bot.domain.wording import dollars, signed


class TradeKind(StrEnum):
    ZERO_DTE = "zero_dte"
    ONE_DTE = "one_dte"
    FOURTEEN_DAY = "fourteen_day"
    MOC = "moc"


_SEVERAL_DAYS: Final = 2
_LOWEST, _HIGHEST = Decimal(60), Decimal(100)
_ONE: Final = Decimal(1)


def kind_of(plan: PlanName, days_to_expiry: int, method: SizingMethod) -> TradeKind | None:
    """Return the kind of a trade; None where its strategy has its own exit numbers, but for method `allocation`, which
    gives a part to each."""
    if plan is PlanName.OWN and method is not SizingMethod.ALLOCATION:
        return None
    if plan is PlanName.MOC:
        return TradeKind.MOC
    if plan in {PlanName.FOURTEEN_DAY, PlanName.SWING} or days_to_expiry >= _SEVERAL_DAYS:
        return TradeKind.FOURTEEN_DAY
    return TradeKind.ZERO_DTE if days_to_expiry <= 0 else TradeKind.ONE_DTE


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """What the size of a trade follows from beside price and equity. `confidence` 0 to 100, `expected_move` a fraction
    of the price, `day_volume` contracts of today, `buying_power` dollars; None: not known."""

    kind: TradeKind | None = None
    confidence: float | None = None
    expected_move: float | None = None
    day_volume: int | None = None
    buying_power: Decimal | None = None


PLAIN: Final = TradeFacts()


def premium_fraction(settings: SizingSettings, most: Decimal, trade: TradeFacts) -> Decimal:
    """Return the premium that a trade may cost, of equity: what no method and no factor exceeds. `most`:
    `risk.max_premium_fraction`, which binds what has no kind."""
    if trade.kind is None:
        return most
    bounds: PremiumRange = getattr(settings.premium, trade.kind.value)
    at = bounds.least + (bounds.most - bounds.least) * _certainty(trade.confidence)
    return min(at * factor(settings, trade), settings.max_fraction)


def most_fraction(settings: SizingSettings, most: Decimal, trade: TradeFacts) -> Decimal:
    """Return the most that a trade of this kind may ever cost, of equity: what an entry is judged by."""
    if trade.kind is None:
        return most
    bounds: PremiumRange = getattr(settings.premium, trade.kind.value)
    more = max(settings.moc_most, _ONE) if trade.kind is TradeKind.MOC else _ONE
    return min(bounds.most * more, settings.max_fraction)


def _certainty(confidence: float | None) -> Decimal:
    """Return how far confidence is between the lowest that is traded and 100; a strategy that has none is sure."""
    if confidence is None:
        return _ONE
    return min(max((Decimal(str(confidence)) - _LOWEST) / (_HIGHEST - _LOWEST), Decimal(0)), _ONE)


def factor(settings: SizingSettings, trade: TradeFacts) -> Decimal:
    """Return what a size is multiplied by: half for what is held over the night for its own sake, and into the close as
    the expected move is to the usual one."""
    if trade.kind is TradeKind.ONE_DTE:
        return settings.overnight_factor
    if trade.kind is not TradeKind.MOC or trade.expected_move is None or not trade.expected_move >= 0:
        return _ONE if trade.kind is not TradeKind.MOC else settings.moc_least
    moved = Decimal(str(trade.expected_move)) / settings.moc_reference_move
    return min(max(moved, settings.moc_least), settings.moc_most)


def allocated(settings: AllocationSettings, kind: TradeKind, confidence: float | None) -> Decimal:
    """Return the part of equity that method `allocation` gives: base x (1 + gain x (confidence - 60) / 40), capped."""
    base: Decimal = getattr(settings, kind.value)
    certain = Decimal(0) if confidence is None else _certainty(confidence)
    return min(base * (1 + settings.confidence_gain * certain), settings.cap)


def caps(
    settings: SizingSettings, trade: TradeFacts, *, equity: Decimal, cost: Decimal, displayed: int
) -> list[tuple[int, str]]:
    """Return the caps beyond the premium's, as (contracts, why); `cost`: of one contract, dollars. None of them binds
    what has no kind."""
    if trade.kind is None:
        return []
    found = [
        (
            int(displayed * settings.max_displayed_share),
            f"DISPLAYED_SHARE {displayed} on the thinner side, at most {settings.max_displayed_share} times that",
        )
    ]
    if trade.day_volume is not None:
        words = f"VOLUME_SHARE {trade.day_volume} traded today, at most {_percent(settings.max_volume_share)} of that"
        found.append((int(trade.day_volume * settings.max_volume_share), words))
    if settings.method is SizingMethod.ALLOCATION:
        found += _allocation_caps(settings, trade, trade.kind, equity, cost)
    return found


def _allocation_caps(
    settings: SizingSettings, trade: TradeFacts, kind: TradeKind, equity: Decimal, cost: Decimal
) -> list[tuple[int, str]]:
    rule = settings.allocation
    part = allocated(rule, kind, trade.confidence)
    found = [
        (int(equity * part // cost), f"ALLOCATION {_percent(part)} of {dollars(equity)}"),
        (rule.max_contracts, f"MAX_CONTRACTS_OF_A_TRADE {rule.max_contracts}"),
    ]
    if trade.buying_power is None:
        return [*found, (0, "BUYING_POWER_UNKNOWN the broker has not told it")]
    room = max(trade.buying_power * rule.buying_power, Decimal(0))
    words = f"BUYING_POWER {_percent(rule.buying_power)} of {dollars(trade.buying_power)}"
    return [*found, (int(room // cost), words)]


def _percent(part: Decimal) -> str:
    return f"{signed(part * 100, plus=False)} %"
