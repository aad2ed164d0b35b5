"""What the expressions of scored strategies may name, with the unit of each: measures, data sets and the clock.

How each is read off the board is in `bot/strategies/named.py`; the units that turn a plain number into a quantity are
in `bot/domain/expressions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.domain.expressions import PLAIN, WORD


@dataclass(frozen=True, slots=True)
class ScoreName:
    """One name: its unit (empty: a plain number, a share as 0.05) and what it is."""

    unit: str
    words: str


SCORE_NAMES: Final[Mapping[str, ScoreName]] = MappingProxyType(
    {
        # the price, and the market's microstructure
        "price": ScoreName("usd", "last price of the underlying, dollars a share"),
        "vpin": ScoreName(PLAIN, "toxicity of order flow, 0 to 1"),
        "imbalance": ScoreName(PLAIN, "book: (bids - asks) / (bids + asks) over ten levels, -1 to 1"),
        "pressure": ScoreName(PLAIN, "book: nearness of its two sides to the mid, -1 to 1"),
        "slope": ScoreName(PLAIN, "book: how fast size grows with the level, bid over ask"),
        "hidden_orders": ScoreName(PLAIN, "hidden orders among the last prints"),
        "sweep": ScoreName(PLAIN, "sweeps among the last prints and flow alerts"),
        "atr": ScoreName("usd", "average true range of 14 one-minute bars, dollars a share"),
        "expected_move": ScoreName(PLAIN, "what the straddle pays for, as a share of the price"),
        # exposure of dealers
        "gex_total": ScoreName("usd", "gamma of the whole chain, dollars for a 1 % move"),
        "gex_floor": ScoreName("usd", "the symbol's floor of it (setting `gex_floor_usd`)"),
        "dex_total": ScoreName("usd", "delta of the whole chain, dollars"),
        "pin": ScoreName("usd", "strike with the most gamma"),
        "pin_distance": ScoreName(PLAIN, "distance of the price from the pin, as a share of the price"),
        "pin_pull": ScoreName(PLAIN, "(pin - price) / price: above 0 the pin is above"),
        "flip": ScoreName("usd", "price at which total gamma is zero"),
        "call_wall": ScoreName("usd", "strike with the most gamma of calls: resistance"),
        "put_wall": ScoreName("usd", "strike with the most gamma of puts: support"),
        "pin_risk": ScoreName(PLAIN, "probability of ending within half a strike of max pain"),
        "max_pain": ScoreName("usd", "strike at which today's options are worth least"),
        # flow
        "unusual": ScoreName(PLAIN, "highest volume of open interest in the chain"),
        "flow_momentum": ScoreName("usd", "change of net premium in 15 minutes, its sign the direction"),
        "flow_trend": ScoreName("usd", "trend of net premium over three days, its sign the direction"),
        "moc_direction": ScoreName(PLAIN, "closing imbalance that is expected: above 0 to buy"),
        "moc_confidence": ScoreName(PLAIN, "how sure the predictor of the closing imbalance is, 0 to 100"),
        "moc_asymmetry": ScoreName(PLAIN, "flow of the afternoon: one side's part of all, 0 to 1"),
        "moc_dark_share": ScoreName(PLAIN, "dark against lit volume of the afternoon, as a share"),
        "divergence": ScoreName(PLAIN, "smart money against retail flow, standard deviations"),
        "dark_pool_z": ScoreName(PLAIN, "dark-pool volume, standard deviations off its mean; below 0 sold"),
        "insider_cluster": ScoreName(PLAIN, "insiders who dealt together, below 0 sellers"),
        "greek_flow_delta": ScoreName("shares", "delta that customers bought in the session so far"),
        "congress_net": ScoreName("usd", "what Congress bought less what it sold, by filings of 45 days"),
        "insiders_selling": ScoreName(PLAIN, "insiders who sold outside of plans, by filings of 45 days"),
        # volatility
        "volatility": ScoreName(WORD, "volatility regime: LOW, NORMAL or HIGH"),
        "regime": ScoreName(WORD, "market regime: trending, mean_reverting, volatile or quiet"),
        "iv_rank": ScoreName(PLAIN, "implied volatility within its year, 0 to 100"),
        "call_skew_z": ScoreName(PLAIN, "25-delta call over put volatility, standard deviations off its 20-day mean"),
        "call_skew_change": ScoreName(PLAIN, "the same difference less its mean of the five days before"),
        "heat": ScoreName(PLAIN, "what all open stops would lose together, as a share of equity"),
        # the day
        "catalyst_days": ScoreName("days", "calendar days to the next earnings or FDA date"),
        "weekday": ScoreName(PLAIN, "1 is Monday, 5 is Friday"),
    }
)

UNITS: Final[Mapping[str, str]] = MappingProxyType({name: each.unit for name, each in SCORE_NAMES.items()})
