"""Exposure of dealers: gamma, delta, charm and vanna, by minute, by strike and by expiry.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SpotGexMinute:
    """Dealer gamma of a whole chain at one minute, dollars per 1 % move of the underlying.

    `_oi` weighs by open interest, `_vol` by the session's volume, `_dir` by volume signed with the trade's side. For an
    index `price` is the at-the-money strike, not the level.
    """

    at: datetime
    price: Decimal
    gamma_oi: float
    gamma_vol: float
    gamma_dir: float
    charm_oi: float
    vanna_oi: float


@dataclass(frozen=True, slots=True)
class StrikeExposure:
    """Dealer gamma at one strike, dollars per 1 % move; the put side is already negative. `expiry` None: all
    expirations summed."""

    strike: Decimal
    price: Decimal
    at: datetime
    call_gamma_oi: float
    put_gamma_oi: float
    call_gamma_vol: float
    put_gamma_vol: float
    call_delta_oi: float
    put_delta_oi: float
    expiry: date | None = None

    @property
    def net_gamma_oi(self) -> float:
        return self.call_gamma_oi + self.put_gamma_oi


@dataclass(frozen=True, slots=True)
class ExpiryExposure:
    """Dealer gamma of one expiry, its strikes summed, in the units of `StrikeExposure`; `at` is its newest row's."""

    expiry: date
    price: Decimal
    at: datetime
    call_gamma_oi: float
    put_gamma_oi: float
    call_gamma_vol: float
    put_gamma_vol: float
    call_delta_oi: float
    put_delta_oi: float

    @property
    def net_gamma_oi(self) -> float:
        return self.call_gamma_oi + self.put_gamma_oi


@dataclass(frozen=True, slots=True)
class GreekExposure:
    """Greek times open interest times 100 of one evening: of a whole chain (`strike` and `expiry` None), of a strike,
    of an expiry, or of a strike of one expiry.

    Not dollars: a row here and a `StrikeExposure` of the same strike differ by the price squared (gamma). Puts are
    negative already, so a net is a sum.
    """

    strike: Decimal | None
    expiry: date | None
    day: date | None
    call_gamma: float
    put_gamma: float
    call_delta: float
    put_delta: float
    call_charm: float
    put_charm: float
    call_vanna: float
    put_vanna: float

    @property
    def net_gamma(self) -> float:
        return self.call_gamma + self.put_gamma

    @property
    def net_delta(self) -> float:
        return self.call_delta + self.put_delta
