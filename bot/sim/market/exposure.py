"""Dealer exposure from the chain: greeks times open interest, day volume and side-signed volume.

Units and signs follow the vendor's field notes: gamma in dollars per 1 % move is gamma × contracts × 100 × price² ×
0.01; by open interest and by volume dealers are long the calls (+) and short the puts (−). The directional family is
signed by trade side instead: what a customer buys on the ask, the dealer is short. Vanna is dollars of delta per
volatility point and charm dollars of delta per day, which the vendor does not define further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from bot.sim.market.surface import Floats
from bot.sim.vocabulary import VenueInstrument

GREEKS: Final = ("gamma", "delta", "vanna", "charm")
WEIGHTS: Final = ("oi", "vol", "ask", "bid")


@dataclass(frozen=True, slots=True)
class ChainSnapshot:
    """Every option of one underlying at one second; arrays run parallel to `instruments`, per share, dollars.

    `right` is +1 for calls and −1 for puts; a bid or ask that is not quoted is NaN. Vega and vanna are per volatility
    point, theta and charm per calendar day.
    """

    symbol: str
    at: datetime
    price: float
    instruments: Sequence[VenueInstrument]
    expiry: Sequence[str]  # YYYY-MM-DD
    strike: Floats
    right: Floats
    iv: Floats
    theo: Floats
    bid: Floats
    ask: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    vanna: Floats
    charm: Floats
    open_interest: Floats
    volume: Floats
    ask_volume: Floats
    bid_volume: Floats
    alive: Floats  # 1 while the contract trades, 0 after


@dataclass(frozen=True, slots=True)
class StrikeExposures:
    """Exposure per strike, expiries summed; `values` has the vendor's columns: call_gamma_oi, put_charm_bid, ..."""

    symbol: str
    at: datetime
    price: float
    strikes: Floats
    values: dict[str, Floats]

    @property
    def net_gamma(self) -> Floats:
        """Net gamma by open interest, dollars per 1 % move."""
        return self.values["call_gamma_oi"] + self.values["put_gamma_oi"]

    def max_gamma_strike(self) -> float:
        """Return the strike with the largest absolute net gamma."""
        return float(self.strikes[int(np.argmax(np.abs(self.net_gamma)))])


@dataclass(frozen=True, slots=True)
class SpotGexRow:
    """One minute of the whole chain; `price` is the at-the-money strike for an index."""

    at: datetime
    price: float
    gamma_oi: float
    gamma_vol: float
    gamma_dir: float
    charm_oi: float
    charm_vol: float
    charm_dir: float
    vanna_oi: float
    vanna_vol: float
    vanna_dir: float


def _per_contract(chain: ChainSnapshot) -> dict[str, Floats]:
    """Return dollar exposure of one contract of each option, unsigned by dealer."""
    shares = 100.0 * chain.alive
    return {
        "gamma": chain.gamma * shares * chain.price**2 * 0.01,
        "delta": chain.delta * shares * chain.price * 0.01,
        "vanna": chain.vanna * shares * chain.price,
        "charm": chain.charm * shares * chain.price,
    }


def exposure_by_strike(chain: ChainSnapshot, shown_price: float) -> StrikeExposures:
    """Sum the chain by strike into the vendor's 32 columns."""
    strikes, place = np.unique(chain.strike, return_inverse=True)
    counts = {"oi": chain.open_interest, "vol": chain.volume, "ask": -chain.ask_volume, "bid": chain.bid_volume}
    values: dict[str, Floats] = {}
    for greek, each in _per_contract(chain).items():
        for weight, contracts in counts.items():
            dealer = chain.right if weight in {"oi", "vol"} and greek != "delta" else 1.0
            exposure = each * contracts * dealer
            for name, keep in (("call", chain.right > 0), ("put", chain.right < 0)):
                total = np.bincount(place, weights=exposure * keep, minlength=len(strikes))
                values[f"{name}_{greek}_{weight}"] = total.astype(np.float64)
    return StrikeExposures(chain.symbol, chain.at, shown_price, strikes, values)


def spot_row(chain: ChainSnapshot, shown_price: float) -> SpotGexRow:
    """Sum the whole chain into one row."""
    each = _per_contract(chain)
    signed = chain.bid_volume - chain.ask_volume
    weights = (chain.open_interest * chain.right, chain.volume * chain.right, signed)
    sums = [float(np.dot(each[greek], weight)) for greek in ("gamma", "charm", "vanna") for weight in weights]
    return SpotGexRow(chain.at, shown_price, *sums)
