"""How much is bought: the method, the share of equity by the kind of trade, and what cuts it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.config.section import Fraction, Positive, Section


class SizingMethod(StrEnum):
    PREMIUM_AT_RISK = "premium_at_risk"
    ALLOCATION = "allocation"


class PremiumRange(Section):
    """Premium of a trade, of equity: `least` at the lowest confidence that is traded, `most` at 100 or without one."""

    least: Fraction
    most: Fraction

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.most:
            raise ValueError("least is above most")
        return self


def _range(least: str, most: str) -> PremiumRange:
    return PremiumRange(least=Decimal(least), most=Decimal(most))


class KindsAtRisk(Section):
    """By the kind of trade, which follows from its exit plan and the days to its expiry."""

    zero_dte: PremiumRange = _range("0.01", "0.02")
    one_dte: PremiumRange = _range("0.02", "0.03")
    fourteen_day: PremiumRange = _range("0.03", "0.05")
    moc: PremiumRange = _range("0.01", "0.01")


class AllocationSettings(Section):
    """Method `allocation`: a part of equity by the kind of trade, more of it with confidence; the premium's caps cut it
    still."""

    zero_dte: Positive = Decimal("0.05")
    one_dte: Positive = Decimal("0.07")
    fourteen_day: Positive = Decimal("0.10")
    moc: Positive = Decimal("0.15")
    confidence_gain: Annotated[Decimal, Field(ge=0, le=2)] = Field(
        Decimal("0.25"), description="more of it at confidence 100 than at 60, in between in proportion"
    )
    cap: Positive = Field(Decimal("0.20"), description="of equity, whatever the confidence")
    buying_power: Positive = Field(Decimal("0.25"), description="of the account's buying power at most")
    max_contracts: int = Field(50, ge=1, le=10_000, description="of one trade; at least 1 where the rest allows it")


class SizingSettings(Section):
    """Of several caps the nearest counts, and it is named. A strategy with its own `exit` numbers is bound by
    `risk.max_premium_fraction` as ever."""

    method: SizingMethod = SizingMethod.PREMIUM_AT_RISK
    premium: KindsAtRisk = KindsAtRisk()
    max_fraction: Positive = Field(Decimal("0.05"), description="premium of any one trade, of equity")
    allocation: AllocationSettings = AllocationSettings()
    max_displayed_share: Annotated[Decimal, Field(gt=0, le=100)] = Field(
        Decimal(2), description="contracts of a trade to those on the quote's thinner side"
    )
    max_volume_share: Positive = Field(Decimal("0.05"), description="contracts of a trade to those traded of it today")
    overnight_factor: Positive = Field(Decimal("0.50"), description="of its size, for a trade of the next session")
    moc_reference_move: Positive = Field(Decimal("0.0035"), description="expected move with which it is whole")
    moc_least: Positive = Field(Decimal("0.5"), description="factor at a smaller expected move")
    moc_most: Annotated[Decimal, Field(ge=1, le=3)] = Field(Decimal("1.5"), description="factor at a larger one")
