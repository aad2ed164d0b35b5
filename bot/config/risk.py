"""Limits of what may be entered, and how orders are worked."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from bot.config.degradation import DegradationSettings
from bot.config.section import (
    ANEW,
    ANSWER_WALL_S,
    INPUT_WALL_S,
    Age,
    Answered,
    AtLeastWall,
    Fraction,
    Positive,
    Seconds,
    Section,
    StreamedAge,
    Symbol,
    ThriceAnsweredAge,
    TimeOfDay,
    TwiceAnswered,
)


class SilenceSettings(Section):
    """A data vendor that must not fall silent: a breaker of its own."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="its name in data_sources.yaml")
    breaker: str = Field(pattern=r"^[a-z][a-z0-9_]*_silent$", description="the breaker's name")
    after_s: TwiceAnswered = Field(120, description="without a word, in the session")


def _uw_silent_s(risk: object) -> object:
    """Take `uw_silent_s`, the name that the first of these breakers' limit had, for that limit."""
    if not isinstance(risk, dict) or "uw_silent_s" not in risk:
        return risk
    tree = dict(risk)
    uw = {"source": "unusual_whales", "breaker": "uw_silent", "after_s": tree.pop("uw_silent_s")}
    others = tree.get("silent", ())
    if not isinstance(others, list | tuple):
        return tree
    others = [each if isinstance(each, dict) else each.model_dump() for each in others]
    return {**tree, "silent": [uw, *(each for each in others if each.get("breaker") != "uw_silent")]}


class CrossCheckSettings(Section):
    """How far the vendor's data and the broker's may be apart before strategies stop looking at the vendor's."""

    price_fraction: Fraction = Field(Decimal("0.02"), description="of an underlying's price")
    quote_usd: Decimal = Field(Decimal("0.05"), ge=0, le=100, description="dollars a share, of bid and of ask")
    spread_fraction: Fraction = Field(Decimal("0.15"), description="of the broker's spread")
    greeks_fraction: Fraction = Field(Decimal("0.10"), description="of the broker's iv, delta and gamma")
    looks: int = Field(3, ge=1, le=100, description="answers in a row that are off before it counts")
    under_way_s: Age = Field(2, description="what an answer takes at most to arrive: it tells of a moment before that")


_BROAD, _TECH, _RETAIL, _MEDIA = "broad market", "technology", "consumer discretionary", "communication services"
_SECTORS: Final = {
    "SPX": _BROAD, "SPY": _BROAD, "QQQ": _BROAD, "IWM": _BROAD, "VXX": "volatility", "AAPL": _TECH, "MSFT": _TECH,
    "NVDA": _TECH, "PLTR": _TECH, "GOOGL": _MEDIA, "META": _MEDIA, "AMZN": _RETAIL, "TSLA": _RETAIL,
}  # fmt: skip


class RiskSettings(Section):
    """Limits checked before approval and again before the order."""

    max_premium_fraction: Fraction = Field(Decimal("0.02"), description="full premium of one trade, of equity")
    daily_loss_fraction: Fraction = Field(
        Decimal("0.06"), description="loss since the day's first equity that ends entries"
    )
    weekly_loss_fraction: Fraction = Field(
        Decimal("0.10"), description="loss of the week's trades, closed and open, of equity without it; ends entries"
    )
    max_contracts: int = Field(50, ge=1, le=10_000, description="of one entry order; more goes out in chunks")
    max_displayed_multiple: Decimal = Field(
        Decimal(2), gt=0, le=100, description="contracts of one entry order to those on the quote's thinner side"
    )
    max_positions: int = Field(5, ge=1)
    max_same_direction: int = Field(3, ge=1)
    max_per_symbol: int = Field(2, ge=1)
    max_open_premium_fraction: Fraction = Field(Decimal("0.15"), description="premium at risk in all, of equity")
    max_symbol_share: Fraction = Field(Decimal("0.40"), description="one symbol's, of the premium that may be at risk")
    symbol_share_told: Fraction = Field(Decimal("0.30"), description="told from here on")
    max_sector_share: Fraction = Field(Decimal("0.60"), description="one sector's, of the premium that may be at risk")
    sector_share_told: Fraction = Field(Decimal("0.50"), description="told from here on")
    sectors: dict[Symbol, str] = Field(default_factory=lambda: dict(_SECTORS), description="symbol: its sector")
    max_delta_fraction: Positive = Field(Decimal("0.06"), description="gain of the book by a move of 1 %, of equity")
    max_gamma_fraction: Positive = Field(Decimal("0.04"), description="change of that by a move of 1 %, of equity")
    max_vega_fraction: Positive = Field(Decimal("0.015"), description="by a point of volatility, of equity")
    max_theta_fraction: Positive = Field(Decimal("0.004"), description="by an hour, of equity")
    event_blackout_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        600, description="before and after such an event no option of the day is bought; 0: it may"
    )
    event_blackout: tuple[str, ...] = Field(("fomc_decision", "cpi", "nfp"), description="kinds of events")
    max_spread_fraction: Fraction = Field(Decimal("0.10"), description="spread of mid")
    quote_max_age_s: StreamedAge = Field(15, description="the option's quote")
    what_if_max_age_s: Age = 60
    equity_max_age_s: ThriceAnsweredAge = Field(
        300, description="older equity is none: no entries. The broker tells it every three minutes"
    )
    pnl_max_age_s: ThriceAnsweredAge = Field(
        60, description="older P&L of the broker's is not added to its equity: the positions' marks are"
    )
    cash_flow_usd: Decimal = Field(
        Decimal(100), gt=0, description="so much cash that no trade and no P&L explains is a deposit or withdrawal"
    )
    no_zero_dte_after: TimeOfDay = Field(time(15, 30), description="and as long before an early close")
    no_moc_after: TimeOfDay = Field(time(15, 50), description="the same for strategies that leave by the plan moc")
    daily_loss_usd: Decimal = Field(Decimal(10000), ge=0, description="the same in dollars; 0: no absolute limit")
    daily_loss_warning_fraction: Fraction = Field(Decimal("0.04"), description="of the day's first equity")
    max_drawdown_fraction: Fraction = Field(Decimal("0.10"), description="from the highest equity seen; halts")
    max_losses_in_a_row: int = Field(3, ge=1, description="of the day's closed positions; blocks entries")
    max_pair_correlation: float = Field(
        0.7, gt=0, le=1, description="signed, of an entry with any position; above it the entry is refused"
    )
    max_correlation: float = Field(
        0.8, gt=0, le=1, description="mean over all pairs; an entry that would raise it above this is refused"
    )
    correlation_min_minutes: int = Field(10, ge=3, le=60, description="common minute returns that a pair needs")
    silent: Annotated[tuple[SilenceSettings, ...], ANEW] = Field(
        (SilenceSettings(source="unusual_whales", breaker="uw_silent", after_s=120),),
        description="data vendors whose silence in the session blocks entries",
    )
    tws_gone_s: Answered = Field(15, description="the broker's connection unusable for so long; blocks entries")
    max_gap_fraction: Fraction = Field(
        Decimal("0.05"),
        description="jump of an underlying from the minute before, in the session; its positions are closed",
    )
    max_orders_per_minute: int = Field(60, ge=1, description="of all kinds; blocks entries")
    max_rejection_fraction: Fraction = Field(Decimal("0.5"), description="of the orders sent in the window; halts")
    cross_check: CrossCheckSettings = CrossCheckSettings()
    degradation: DegradationSettings = DegradationSettings()
    min_rejections: int = Field(4, ge=1, description="fewer rejections than this are no rate")
    rejection_window_s: Seconds = 300
    breaker_seconds: Seconds = Field(1, description="breakers are looked at this often")

    @model_validator(mode="before")
    @classmethod
    def _by_its_old_name(cls, tree: object) -> object:
        return _uw_silent_s(tree)

    @model_validator(mode="after")
    def _breakers_differ(self) -> Self:
        names = [each.breaker for each in self.silent]
        if len(set(names)) != len(names):
            raise ValueError("silent has a breaker twice")
        return self


class EntryStyle(StrEnum):
    PATIENT = "patient"
    FAST = "fast"


class EntryAlgo(StrEnum):
    NONE = "none"
    ADAPTIVE = "adaptive"


class ExecutionSettings(Section):
    """How orders are worked. Seconds are of the clock."""

    entry_style: EntryStyle = Field(
        EntryStyle.PATIENT, description="patient: fast only above fast_confidence; fast: each entry"
    )
    algo: EntryAlgo = Field(EntryAlgo.NONE, description="of entries; adaptive: worked by the broker within their limit")
    adaptive_priority: Literal["patient", "normal", "urgent"] = Field(
        "normal", description="of the adaptive algorithm; a fast entry is urgent"
    )
    fast_confidence: Annotated[float, Field(ge=0, le=100)] = Field(
        85, description="of a strategy, 0 to 100; 100: never"
    )
    fast_wait_s: Seconds = Field(5, description="a fast entry's limit follows the ask after this")
    fast_tries: int = Field(3, ge=1, le=20, description="of a fast entry, the first one too; then it is given up")
    max_slippage_bps: Annotated[Decimal, Field(gt=0, le=1000)] = Field(
        Decimal(10), description="above the mid, as a part of the underlying by the delta, in 1/10000"
    )
    max_slippage_fraction: Positive = Field(Decimal("0.05"), description="above the mid, of it; at least a tick may be")
    reprice_after_s: Seconds = 30
    reprice_spread_fraction: Fraction = Field(Decimal("0.25"), description="of the spread, towards the ask")
    entry_timeout_s: Seconds = 60
    max_spread_fraction: Fraction = Decimal("0.10")
    partial_fill_seconds: Seconds = Field(20, description="a partly filled entry's rest is cancelled after this")
    rung_reprice_s: Seconds = Field(10, description="a profit rung's limit follows the bid this often")
    second_look_ms: int = Field(
        1000,
        ge=1,
        le=10_000,
        description="a price that rung, trail or watched stop go by stands for so long, or a second quote bears it out",
    )
    rung_floor_fraction: Fraction = Field(Decimal("0.5"), description="of its gain, below which it does not follow")
    trail_min_step: Fraction = Field(Decimal("0.02"), description="the stop moves only by this much of its price")
    trail_min_interval_s: Seconds = 5
    trail_moves_most: int = Field(
        60, ge=1, description="changes of one stop's order; beyond, it is raised by five such steps at a time only"
    )
    entries_wait_s: Seconds = Field(
        900, description="nothing is bought for so long on a symbol of which the broker took no entry three times"
    )
    exit_alert_s: TwiceAnswered = Field(
        30, description="a position on its way out for so long is told of, with the reason"
    )
    opening_guard_s: Annotated[float, Field(ge=0, le=600)] = Field(
        30, description="after the opening no plan sells by a quote, and no stop from the day before is live; 0: none"
    )
    protection_limit_s: Annotated[Seconds, AtLeastWall(ANSWER_WALL_S + INPUT_WALL_S)] = Field(
        2, description="an open position must be protected this soon after the entry is done"
    )
