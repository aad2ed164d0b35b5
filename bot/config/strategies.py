"""What every strategy's settings have: what it trades, when, and how its positions are left.

The numbers of one idea are in `bot/config/ideas/`, in a file of the idea's name: settings are read and judged before
there is a strategy, so they stand on the lowest floor, and the strategy of the same name (`bot/strategies/`) is made of
them.
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.config.section import Fraction, Positive, Seconds, Section, StreamedAge, Symbol, TimeOfDay
from bot.domain.chains import ChainNeed

SESSION_OPENS: Final = time(9, 30)
SESSION_CLOSES: Final = time(16)


class PlanName(StrEnum):
    """How a strategy's positions are left: a plan of `exits` in bot.yaml, or by the numbers of its own `exit`."""

    OWN = "own"
    PREMIUM = "premium"
    FOURTEEN_DAY = "fourteen_day"
    MOC = "moc"
    SWING = "swing"
    UNDERLYING_ATR = "underlying_atr"


class Starts(StrEnum):
    """How a strategy is switched until a person turns its switch."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"

    @classmethod
    def _missing_(cls, value: object) -> Starts | None:
        """Take what YAML makes of an unquoted on or off."""
        return {True: cls.ON, False: cls.OFF}.get(value) if isinstance(value, bool) else None


GradeName = Literal["A", "B", "C", "D"]


class RungSettings(Section):
    gain: Annotated[Decimal, Field(gt=0)]
    sell_fraction: Fraction = Field(description="of the entry, on top of the rungs before")


class ExitSettings(Section):
    """The exit plan that is frozen on a position at its entry."""

    stop_loss: Positive = Decimal("0.50")
    rungs: tuple[RungSettings, ...] = (
        RungSettings(gain=Decimal("0.50"), sell_fraction=Decimal("0.25")),
        RungSettings(gain=Decimal("1.00"), sell_fraction=Decimal("0.50")),
    )
    trail: Positive = Decimal("0.25")
    single_trail_from: Annotated[Decimal, Field(gt=0)] = Decimal("0.50")
    flat_at: TimeOfDay = Field(
        time(15, 50), description="0DTE positions are flat by then; as long before an early close"
    )

    @model_validator(mode="after")
    def _rungs_climb(self) -> Self:
        gains = [rung.gain for rung in self.rungs]
        if gains != sorted(set(gains)):
            raise ValueError("rungs must have rising gains")
        if sum(rung.sell_fraction for rung in self.rungs) > 1:
            raise ValueError("rungs sell more than the whole position")
        if any(rung.sell_fraction == 0 for rung in self.rungs):
            raise ValueError("a rung sells nothing")
        return self

    @field_validator("flat_at")
    @classmethod
    def _flat_in_the_session(cls, value: time) -> time:
        if not SESSION_OPENS < value <= SESSION_CLOSES:
            raise ValueError("must be within the session, after 09:30 and at 16:00 at the latest")
        return value


class ChainSettings(Section):
    """Which options of its symbols a strategy wants to see around the money."""

    from_days: int = Field(0, ge=0, le=1000, description="calendar days from the session to the first expiry")
    to_days: int = Field(0, ge=0, le=1000, description="and to the last")
    expiries: int = Field(1, ge=0, le=10, description="the first so many that are listed of them; 0: no chain")
    strikes: int = Field(2, ge=0, le=50, description="on each side of the one nearest the money, calls and puts")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.to_days < self.from_days:
            raise ValueError(f"to_days {self.to_days} is before from_days {self.from_days}")
        return self

    @property
    def need(self) -> ChainNeed | None:
        return ChainNeed(self.from_days, self.to_days, self.strikes, self.expiries) if self.expiries else None


class ContractSettings(Section):
    """What a contract has to reach to be chosen: of its own day and of the session before, as the vendor tells it."""

    min_open_interest: int = Field(0, ge=0, le=1_000_000, description="contracts; 0: none is asked for")
    min_volume: int = Field(0, ge=0, le=1_000_000, description="contracts of today; 0: none is asked for")
    max_spread_fraction: Positive | None = Field(None, description="of mid, where a quote of it is known; null: any")


class StrategySettings(Section):
    """What every strategy has: what it trades, when, and how its positions are left. Beside these a section has the
    numbers of its own conditions; `price_max_age_s`, `book_max_age_s` and `*_max_age_s` are ages of inputs."""

    enabled: bool = True
    starts: Starts = Field(Starts.ON, description="its switch until a person turns it: on, shadow or off")
    symbols: tuple[Symbol, ...] = ("SPX", "SPY", "QQQ", "IWM")
    watch_from: TimeOfDay | None = Field(
        None, description="its conditions are shown from then on, before the window; null: with the window"
    )
    window_from: TimeOfDay = time(9, 45)
    window_to: TimeOfDay = Field(time(15, 30), description="and as long before an early close")
    cool_down_s: Seconds = Field(1200, description="per symbol, from the last signal")
    price_max_age_s: StreamedAge = 15
    chain: ChainSettings = ChainSettings()
    contract: ContractSettings = ContractSettings()
    priority: int = Field(
        100, ge=0, le=1000, description="whose claim on room, lines and premium comes first: the lowest; then by name"
    )
    exit_plan: PlanName = Field(PlanName.OWN, description="a plan of `exits` by name; own: the numbers of `exit`")
    exit: ExitSettings = ExitSettings()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.window_from >= self.window_to:
            raise ValueError(f"window_to {self.window_to:%H:%M} is not after window_from {self.window_from:%H:%M}")
        if self.watch_from is not None and not SESSION_OPENS <= self.watch_from <= self.window_from:
            raise ValueError("watch_from must be from 09:30 to window_from")
        if self.window_from < SESSION_OPENS or self.window_to > SESSION_CLOSES:
            raise ValueError("window_from and window_to must be within the session, 09:30 to 16:00")
        if self.exit.flat_at < self.window_to:
            raise ValueError(
                f"exit.flat_at {self.exit.flat_at:%H:%M} is before the last entry, window_to {self.window_to:%H:%M}"
            )
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols has one twice")
        return self
