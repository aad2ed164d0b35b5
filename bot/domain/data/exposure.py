"""Exposure of dealers: gamma, delta, charm and vanna, by minute and by strike.

Amounts that a model made are floats; prices are `Decimal` dollars per share; sizes are contracts. A number that the
vendor left out is None where its absence means something, 0 where it means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
    """Dealer gamma at one strike, all expirations summed, dollars per 1 % move; the put side is already negative."""

    strike: Decimal
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
