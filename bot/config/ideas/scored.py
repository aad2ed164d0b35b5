"""Scored strategies: tables of expression, weight and words. The shipped ones stand here; a user's own is an entry more
under `scored` in `config/strategies.yaml`, and nothing else.
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from bot.config.section import AnswerAge, Fraction, Section, Symbol
from bot.config.strategies import (
    ChainSettings,
    ExitSettings,
    GradeName,
    PlanName,
    Starts,
    StrategySettings,
)
from bot.domain.expressions import read_expression
from bot.domain.score_names import UNITS

MOST_ROWS: Final = 20


def _expression(text: str) -> str:
    return read_expression(text, UNITS).text


ExpressionText = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_expression)]
StrategyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,39}$")]


class ExpiryRuleName(StrEnum):
    """Which expiry is bought."""

    TODAY = "today"
    NEXT_SESSION = "next_session"
    DAYS = "days"  # the first listed one within the chain's from_days and to_days


class StrikeRuleName(StrEnum):
    """Which strike is bought."""

    AT_THE_MONEY = "at_the_money"
    FIRST_OUT_OF_THE_MONEY = "first_out_of_the_money"
    NEAREST_AWAY = "nearest_away"
    MOST_UNUSUAL = "most_unusual"


class ScoreRowSettings(Section):
    """One row of a table."""

    when: ExpressionText = Field(description="an expression over what is measured")
    weight: int = Field(ge=1, le=100, description="what it adds to the score while it holds")
    words: str = Field(min_length=1, max_length=80, description="what people read")


class ScoredSettings(StrategySettings):
    """A strategy that signals from a score on: the weights of the rows that hold, added."""

    starts: Starts = Field(Starts.SHADOW, description="its switch until a person turns it: on, shadow or off")
    score: tuple[ScoreRowSettings, ...] = Field(min_length=1, max_length=MOST_ROWS)
    least_score: int = Field(60, ge=1, le=100, description="to signal")
    call_when: ExpressionText = Field(description="it points up")
    put_when: ExpressionText = Field(description="it points down; both or neither: no signal")
    expiry: ExpiryRuleName = ExpiryRuleName.TODAY
    strike: StrikeRuleName = StrikeRuleName.AT_THE_MONEY
    away: Annotated[Fraction, Field(gt=0)] = Field(
        Decimal("0.01"), description="out of the money, of price, for nearest_away and where nothing is unusual"
    )
    min_grade: GradeName = "B"
    gex_floor_usd: dict[Symbol, Annotated[float, Field(gt=0, le=1e12)]] = Field(
        default_factory=lambda: {"SPX": 2e9, "SPY": 1e8, "QQQ": 1e8, "IWM": 5e7},
        description="what `gex_floor` is by symbol, dollars for a 1 % move",
    )
    gex_floor_others_usd: float = Field(5e7, gt=0, le=1e12, description="and for all others")
    ages: dict[str, AnswerAge] = Field(
        default_factory=dict, description="other maximum ages than the usual, by name, seconds"
    )

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        most = sum(row.weight for row in self.score)
        if most < self.least_score:
            raise ValueError(f"the weights add up to {most}, least_score is {self.least_score}: it would never signal")
        if unknown := sorted(set(self.ages) - UNITS.keys()):
            raise ValueError(f"ages: nothing is called {unknown[0]!r}")
        return self


def _row(when: str, weight: int, words: str) -> ScoreRowSettings:
    return ScoreRowSettings(when=when, weight=weight, words=words)


_UP, _DOWN = "imbalance > 0", "imbalance < 0"
_MOC_EXIT = ExitSettings(flat_at=time(15, 58))


def shipped() -> dict[str, ScoredSettings]:
    """Return the tables that the product ships with."""
    return {
        "zero_dte_flow": ScoredSettings(
            symbols=("SPY", "QQQ", "IWM"), window_from=time(9, 45), window_to=time(15), priority=110,
            exit_plan=PlanName.PREMIUM,
            score=(
                _row("vpin > 0.40", 30, "flow is toxic"),
                _row("imbalance > 0.30 or imbalance < -0.30", 25, "the book leans"),
                _row("gex_total > gex_floor and pin_distance < 0.5 * pct", 30, "gamma holds the price near its pin"),
                _row("sweep > 0", 15, "a sweep"),
            ),
            strike=StrikeRuleName.FIRST_OUT_OF_THE_MONEY, call_when=_UP, put_when=_DOWN,
        ),
        "one_dte_positioning": ScoredSettings(
            symbols=("SPY", "QQQ", "IWM", "VXX"), window_from=time(14), window_to=time(15, 30), priority=120,
            exit_plan=PlanName.PREMIUM,
            score=(
                _row('volatility == "HIGH"', 20, "volatility is high"),
                _row("pressure > 0.2 or pressure < -0.2", 30, "the book presses to one side"),
                _row("gex_total > gex_floor", 25, "gamma above its floor"),
                _row("vpin > 0.35", 25, "flow is toxic"),
            ),
            expiry=ExpiryRuleName.NEXT_SESSION, strike=StrikeRuleName.NEAREST_AWAY,
            chain=ChainSettings(from_days=1, to_days=5, expiries=1, strikes=6), call_when=_UP, put_when=_DOWN,
        ),
        "unusual_14d": ScoredSettings(
            symbols=("AAPL", "TSLA", "NVDA", "PLTR"), window_from=time(9, 30), window_to=time(15, 50), priority=130,
            exit_plan=PlanName.FOURTEEN_DAY,
            score=(
                _row("unusual > 2", 40, "far more traded than is open"),
                _row("sweep > 0", 30, "a sweep"),
                _row("hidden_orders > 0", 20, "hidden orders"),
                _row("dex_total > 50 * musd or dex_total < -50 * musd", 10, "delta is large"),
            ),
            expiry=ExpiryRuleName.DAYS, strike=StrikeRuleName.MOST_UNUSUAL, away=Decimal("0.02"),
            chain=ChainSettings(from_days=14, to_days=21, expiries=1, strikes=6), call_when=_UP, put_when=_DOWN,
        ),
        "moc_pin": ScoredSettings(
            symbols=("SPY", "QQQ"), window_from=time(15, 30), window_to=time(15, 50), priority=140,
            exit_plan=PlanName.MOC,
            score=(
                _row("gex_total > 0.5 * gex_floor and (pin_pull > 0.2 * pct or pin_pull < -0.2 * pct)", 40,
                     "the pin pulls"),
                _row("imbalance > 0.2 or imbalance < -0.2", 30, "the book leans"),
                _row("weekday == 5", 30, "Friday"),
            ),
            call_when="pin_pull > 0", put_when="pin_pull < 0", exit=_MOC_EXIT,
        ),
    }  # fmt: skip
