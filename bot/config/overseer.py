"""Settings of the overseer: what the rules watch for, what the model may do, what it may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from bot.config.section import (
    ANSWER_WALL_S,
    INPUT_WALL_S,
    AtLeastWall,
    Fraction,
    Positive,
    Seconds,
    Section,
    TwiceAnswered,
    WallBesides,
)
from bot.domain.overseer import Action, ModelTask, OnSilence

Usd = Annotated[Decimal, Field(ge=0, le=1000)]
Tokens = Annotated[int, Field(ge=1, le=20_000)]

_AGES: Final[dict[str, float]] = {"spot_gex": 90, "flow_alerts": 120, "option_contracts": 180}
_CAPS: Final[dict[ModelTask, int]] = {
    ModelTask.ANOMALY: 500,
    ModelTask.REVIEW: 200,
    ModelTask.EXPLANATION: 150,
    ModelTask.DAY_SUMMARY: 200,
    ModelTask.ALERT_CONTEXT: 100,
    ModelTask.RISK: 200,
}


class WatchSettings(Section):
    """From where on each rule has a finding. Seconds are of the bot's clock."""

    ages: Annotated[dict[str, Seconds], WallBesides(2 * ANSWER_WALL_S)] = Field(
        default_factory=lambda: dict(_AGES), description="by data set: older than this in the session is told of"
    )
    heartbeat_s: TwiceAnswered = Field(30, description="the broker's connection not usable for so long")
    sync_s: Seconds = Field(60, description="a comparison of our book with the broker's is late by so much")
    differs_s: TwiceAnswered = Field(20, description="our positions differ from the broker's for so long")
    divergence_fraction: Positive = Field(
        Decimal("0.01"), description="the day's change of equity apart from our own P&L, of equity"
    )
    slippage_model: Positive = Field(Decimal("0.02"), description="what an order is expected to cost, of its premium")
    slippage_factor: float = Field(2, ge=1, le=100, description="times the model: the day's mean is told of")
    slippage_orders: int = Field(4, ge=1, le=1000, description="fewer orders of the day are no mean")
    doubt_s: TwiceAnswered = Field(20, description="an order in doubt for so long")
    unprotected_s: Annotated[Seconds, AtLeastWall(ANSWER_WALL_S + INPUT_WALL_S)] = Field(
        5, description="a contract without a working stop for so long"
    )
    signals_factor: float = Field(3, gt=1, le=100, description="signals of an hour, times their mean")
    signals_least: int = Field(6, ge=1, le=1000, description="fewer signals an hour are never too many")
    equity_jump_fraction: Positive = Field(Decimal("0.03"), description="of equity, up or down")
    equity_jump_s: Seconds = Field(300, description="within so long")


class SlowSettings(Section):
    """What `slow` does: an entry is that much smaller, and entries are that far apart. Bounds of what is asked for."""

    scale: Decimal = Field(Decimal("0.5"), gt=0, lt=1, description="of the size, where a verdict names none")
    spacing_s: Seconds = Field(300, description="between two entries, where a verdict names none")
    lasts_s: Seconds = Field(1800, description="where a verdict names no time")
    spacing_most_s: Seconds = Field(3600, description="no verdict spaces entries further")
    lasts_most_s: Seconds = Field(14_400, description="no verdict lasts longer")

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.spacing_s > self.spacing_most_s:
            raise ValueError("spacing_s is above spacing_most_s")
        if self.lasts_s > self.lasts_most_s:
            raise ValueError("lasts_s is above lasts_most_s")
        return self


class ReviewSettings(Section):
    """The look at a complex signal before it is traded. Seconds are of the bot's clock."""

    enabled: bool = True
    deadline_s: Seconds = Field(8, description="a signal waits for the verdict no longer; a late one is none")
    on_silence: OnSilence = Field(
        OnSilence.RULES, description="without a verdict: the rules decide, a person is asked, or it is vetoed"
    )
    premium_fraction: Fraction = Field(Decimal("0.02"), description="premium of equity above which a signal is complex")
    confidence_from: float = Field(60, ge=0, le=100, description="a confidence from here ...")
    confidence_to: float = Field(70, ge=0, le=100, description="... to here is complex")


class ModelSettings(Section):
    """One model: what a million tokens cost, in dollars, and what it takes: its effort (empty: none is told) and the
    tokens that it may think on top of an answer. `above_prompt`: prompts of more tokens have the second pair of prices;
    0: one price for all."""

    input_usd: Usd
    output_usd: Usd
    above_prompt: int = Field(0, ge=0, le=10_000_000)
    input_above_usd: Usd = Decimal(0)
    output_above_usd: Usd = Decimal(0)
    cache_read_usd: Usd | None = None
    effort: Literal["", "low", "medium", "high"] = ""
    thinking: int = Field(0, ge=0, le=16_000)


def _models() -> dict[str, ModelSettings]:
    priced: dict[str, dict[str, Any]] = {
        "claude-haiku-5-5": {
            "input_usd": "0.10", "output_usd": "0.50", "above_prompt": 100_000, "input_above_usd": "0.50",
            "output_above_usd": "2.50", "effort": "low", "thinking": 1500,
        },
        "claude-haiku-4-5": {"input_usd": "1", "output_usd": "5"},
        "claude-sonnet-5-5": {
            "input_usd": "2", "output_usd": "10", "cache_read_usd": "0.20", "effort": "low", "thinking": 3000,
        },
        "claude-opus-5-5": {
            "input_usd": "4", "output_usd": "20", "cache_read_usd": "0.20", "effort": "low", "thinking": 4000,
        },
    }  # fmt: skip
    return {name: ModelSettings.model_validate(values) for name, values in priced.items()}


class OverseerSettings(Section):
    """Rules first; a model may add to what they find, and costs no more than its budget."""

    enabled: bool = Field(True, description="false: neither rules nor model look, and no signal is reviewed")
    every_s: Seconds = Field(30, description="the rules look this often, in seconds of the bot's clock")
    may: tuple[Literal["warn", "slow", "veto", "pause", "halt"], ...] = Field(
        ("warn", "slow", "veto", "pause"), description="what a verdict may bring about; anything else is noted alone"
    )
    watch: WatchSettings = WatchSettings()
    slow: SlowSettings = SlowSettings()
    review: ReviewSettings = ReviewSettings()
    model: str = Field("claude-haiku-5-5", description="one of `models`; empty: no model, the rules' texts stand")
    budget_usd: Usd = Field(Decimal(2), description="a New York day; then the rules' texts stand")
    timeout_wall_s: float = Field(20, gt=0, le=600, description="a call that takes longer is given up")
    caps: dict[ModelTask, Tokens] = Field(
        default_factory=lambda: dict(_CAPS), description="tokens of an answer, by task; thinking is counted on top"
    )
    models: dict[str, ModelSettings] = Field(default_factory=_models, description="prices in dollars a million tokens")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [task.value for task in ModelTask if task not in self.caps]:
            raise ValueError(f"caps has none for {missing[0]}")
        return self

    def may_do(self, action: Action) -> bool:
        """Say whether a verdict may bring an action about; to do nothing is always allowed."""
        return action is Action.NONE or action.value in self.may
