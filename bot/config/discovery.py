"""What is discovered from the market's own past before the open, and within which bounds.

`discovery` in config/bot.yaml says how; what was found is `config/discovered.yaml`, section `discovered`, and is read
with all other settings: a value outside its bounds is refused there as any other.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, Field, model_validator

from bot.config.section import Fraction, Section, Symbol, TimeOfDay

VPIN_BUCKET: Final = (50, 500)
LOOKBACK: Final = (1, 30)


class DiscoverySettings(Section):
    """How measures find their own numbers in recorded days. What cannot be found falls back to the defaults."""

    enabled: bool = Field(True, description="each morning before the open; `python run.py discover` works all the same")
    in_sim: bool = Field(False, description="in mode sim too")
    at: TimeOfDay = Field(time(9), description="New York")
    valid_hours: float = Field(24, gt=0, le=168, description="what is older is not used any more")
    days_back: int = Field(5, ge=1, le=60, description="recorded days that are looked at, the latest before the day")
    symbols: tuple[Symbol, ...] = Field(("SPX", "SPY", "QQQ", "IWM"), description="whose numbers are looked for")
    most_prints: int = Field(10_000, ge=1_000, le=1_000_000, description="the latest, of a symbol")
    fewest_prints: int = Field(1_000, ge=100, le=1_000_000, description="with fewer the bucket falls back")
    vpin_bucket_least: int = Field(50, ge=VPIN_BUCKET[0], le=VPIN_BUCKET[1], description="shares")
    vpin_bucket_most: int = Field(500, ge=VPIN_BUCKET[0], le=VPIN_BUCKET[1], description="shares")
    vpin_bucket: int = Field(100, ge=VPIN_BUCKET[0], le=VPIN_BUCKET[1], description="shares, where none is found")
    fewest_bars: int = Field(100, ge=30, le=100_000, description="minutes; with fewer the look-back falls back")
    lags: int = Field(50, ge=1, le=500, description="minutes, of which the autocorrelation is looked at")
    lookback_most: int = Field(30, ge=LOOKBACK[0], le=LOOKBACK[1], description="minutes")
    lookback: int = Field(12, ge=LOOKBACK[0], le=LOOKBACK[1], description="minutes, where none is found")
    correlation_bars: int = Field(50, ge=10, le=1_000, description="common minutes of two symbols")
    low_volatility: float = Field(0.10, gt=0, le=10, description="a year, where none is found")
    high_volatility: float = Field(0.25, gt=0, le=10, description="a year, where none is found")
    fast_makers: tuple[str, ...] = Field((), description="names or venues that are known to be fast: +0.4")
    fast_above: Fraction = Field(Decimal("0.5"), description="toxicity above which a maker is taken for a fast one")
    fewest_maker_prints: int = Field(30, ge=1, le=100_000, description="of one maker, to judge it at all")

    @model_validator(mode="after")
    def _bounds_are_bounds(self) -> Self:
        if not self.vpin_bucket_least <= self.vpin_bucket <= self.vpin_bucket_most:
            raise ValueError("vpin_bucket lies between vpin_bucket_least and vpin_bucket_most")
        if self.lookback > self.lookback_most:
            raise ValueError("lookback is at most lookback_most")
        if self.low_volatility >= self.high_volatility:
            raise ValueError("low_volatility is below high_volatility")
        return self


class FoundNumbers(Section):
    """What was found for one symbol; None: it falls back."""

    vpin_bucket: int | None = Field(None, ge=VPIN_BUCKET[0], le=VPIN_BUCKET[1], description="shares")
    lookback: int | None = Field(None, ge=LOOKBACK[0], le=LOOKBACK[1], description="minutes")


class FoundMaker(Section):
    """A market maker or venue: how fast it seems, from 0 to 1, and whether that is above the limit."""

    toxicity: float = Field(ge=0, le=1)
    fast: bool = False


class FoundVolatility(Section):
    """Of one symbol: the 33rd and the 67th percentile of its volatility, a year."""

    low: float = Field(gt=0, le=10)
    high: float = Field(gt=0, le=10)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is at most high")
        return self


class DiscoveredSettings(Section):
    """`config/discovered.yaml`: written by `discover`, read as settings, with the evidence that it rests on."""

    timestamp: AwareDatetime | None = Field(None, description="when it was found; None: nothing was")
    parameters: dict[Symbol, FoundNumbers] = Field({}, description="by symbol")
    market_makers: dict[str, FoundMaker] = Field({}, description="by name")
    volatility: dict[Symbol, FoundVolatility] = Field({}, description="by symbol")
    correlations: dict[str, Annotated[float, Field(ge=-1, le=1)]] = Field({}, description="by pair, `QQQ SPY`")
    evidence: dict[str, Any] = Field({}, description="by symbol: counts, what was computed, why what falls back does")

    def is_valid(self, settings: DiscoverySettings, now: datetime) -> bool:
        """Say whether what was found may still be used."""
        if self.timestamp is None:
            return False
        return timedelta(0) <= now - self.timestamp < timedelta(hours=settings.valid_hours)

    def parameter(self, name: str, symbol: str, settings: DiscoverySettings, now: datetime) -> float | None:
        """Return a number that was found for a symbol, as `vpin_bucket`; None where there is none, it is too old, or
        outside the bounds that the settings have now."""
        found = self.parameters.get(symbol)
        value = getattr(found, name, None) if found is not None and self.is_valid(settings, now) else None
        if value is None:
            return None
        least, most = bounds_of(name, settings)
        return float(value) if least <= value <= most else None


def bounds_of(name: str, settings: DiscoverySettings) -> tuple[float, float]:
    """Return the bounds of a discovered number."""
    if name == "vpin_bucket":
        return settings.vpin_bucket_least, settings.vpin_bucket_most
    return LOOKBACK[0], settings.lookback_most
