"""Plans by name of how a position is left: a strategy names one of them by `exit_plan`, or has its own numbers.

What a plan says is frozen on a position at its entry; a change here concerns later positions only.
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.config.section import Fraction, Positive, Section
from bot.config.strategies import ExitSettings, PlanName, RungSettings

_HALF_AT_DOUBLE = (RungSettings(gain=Decimal("1.00"), sell_fraction=Decimal("0.50")),)
Multiple = Annotated[Decimal, Field(gt=0, le=20)]
Days = Annotated[int, Field(ge=1, le=60)]


class AtrTargetSettings(Section):
    """One target on the underlying."""

    atr: Multiple = Field(description="average true ranges that the underlying has gone our way since the entry")
    sell_of_rest: Fraction = Field(description="of what is left then; 1 sells all")


class AtrSettings(Section):
    """Stop, targets and trail on the underlying, in its average true ranges at the entry; the premium's stop stays at
    the broker beneath."""

    stop: Multiple = Field(Decimal("1.5"), description="so far against us it is sold")
    targets: tuple[AtrTargetSettings, ...] = (
        AtrTargetSettings(atr=Decimal(1), sell_of_rest=Decimal("0.33")),
        AtrTargetSettings(atr=Decimal(2), sell_of_rest=Decimal("0.50")),
        AtrTargetSettings(atr=Decimal(3), sell_of_rest=Decimal(1)),
    )
    keep: Fraction = Field(Decimal("0.50"), description="of the underlying's best gain, from the first target on")

    @model_validator(mode="after")
    def _targets_climb(self) -> Self:
        at = [target.atr for target in self.targets]
        if not at or at != sorted(set(at)):
            raise ValueError("targets must have rising multiples, and be at least one")
        if any(target.sell_of_rest in {0, 1} for target in self.targets[:-1]) or self.targets[-1].sell_of_rest != 1:
            raise ValueError("the last target sells all, each before it a part of what is left")
        return self


class NamedPlanSettings(ExitSettings):
    """A plan of several rules: what is null, empty or false is no rule of it."""

    trail_from: Annotated[Decimal, Field(gt=0)] | None = Field(
        None, description="gain from which what is left trails, whatever rungs are to come; null: after the last rung"
    )
    target: Annotated[Decimal, Field(gt=0)] | None = Field(None, description="gain at which all is sold")
    down: Positive | None = Field(None, description="below the entry price, from `down_after_days` on")
    down_after_days: Days = Field(5, description="trading days held")
    profit_after_days: Days | None = Field(None, description="trading days after which no loser is held")
    most_days: Days | None = Field(None, description="trading days after which it goes in any case")
    before_earnings: bool = Field(False, description="out in the last session before its company reports")
    at_next_open: bool = Field(False, description="out with the next session's opening")
    thesis: bool = Field(False, description="out when its strategy says that its idea holds no more")

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.most_days and self.profit_after_days and self.profit_after_days > self.most_days:
            raise ValueError("profit_after_days is beyond most_days")
        return self


class AtrPlanSettings(NamedPlanSettings):
    """A plan by which the underlying decides."""

    rungs: tuple[RungSettings, ...] = ()
    atr: AtrSettings = AtrSettings()

    @model_validator(mode="after")
    def _one_ladder(self) -> Self:
        if self.rungs:
            raise ValueError("rungs of the premium and targets of the underlying exclude each other: rungs must be []")
        return self


class ExitsSettings(Section):
    """The plans, by name."""

    premium: NamedPlanSettings = NamedPlanSettings()
    fourteen_day: NamedPlanSettings = NamedPlanSettings(
        rungs=_HALF_AT_DOUBLE, trail_from=Decimal("0.50"), down=Decimal("0.30"), before_earnings=True
    )
    moc: NamedPlanSettings = NamedPlanSettings(rungs=(), flat_at=time(15, 58), at_next_open=True, thesis=True)
    swing: NamedPlanSettings = NamedPlanSettings(
        rungs=_HALF_AT_DOUBLE, target=Decimal("2.00"), profit_after_days=5, most_days=10, before_earnings=True
    )
    underlying_atr: AtrPlanSettings = AtrPlanSettings()

    def named(self, name: PlanName) -> NamedPlanSettings | None:
        """Return a plan by its name; None for `own`."""
        return None if name is PlanName.OWN else getattr(self, name.value)
