"""Price grids, by IB's market rule ids, and what each underlying is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from types import MappingProxyType
from typing import Final

PENNY_RULE: Final = 26
INDEX_OPTION_RULE: Final = 109

# What trades beside the underlyings of the day has one increment at every price.
RULE_OF_TICK: Final[Mapping[Decimal, int]] = MappingProxyType(
    {
        Decimal(tick): rule
        for rule, tick in enumerate(
            (
                "1", "0.25", "0.1", "0.03125", "0.015625", "0.0078125", "0.005", "0.00390625", "0.001", "0.0005",
                "0.0001", "0.00005", "0.0000005",
            ),
            3001,
        )
    }
    | {Decimal("0.01"): PENNY_RULE, Decimal("0.05"): 32}
)  # fmt: skip

# Rule id -> (low edge, increment), edges ascending. Penny-class ETF options quote in cents at every price; SPX and SPXW
# in nickels below three dollars and dimes above.
MARKET_RULES: Final[Mapping[int, Sequence[tuple[Decimal, Decimal]]]] = MappingProxyType(
    {
        PENNY_RULE: ((Decimal(0), Decimal("0.01")),),
        **{rule: ((Decimal(0), tick),) for tick, rule in RULE_OF_TICK.items()},
        INDEX_OPTION_RULE: ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.10"))),
    }
)


def increment(rule_id: int, price: Decimal) -> Decimal:
    """Return the grid's step at a price."""
    step = MARKET_RULES[rule_id][0][1]
    for edge, candidate in MARKET_RULES[rule_id]:
        if price >= edge:
            step = candidate
    return step


def on_grid(rule_id: int, price: Decimal) -> bool:
    return price % increment(rule_id, price) == 0


def floor_to_grid(rule_id: int, price: Decimal) -> Decimal:
    """Return the highest grid price that is not above `price`."""
    step = increment(rule_id, price)
    return (price / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to_grid(rule_id: int, price: Decimal) -> Decimal:
    """Return the lowest grid price that is not below `price`."""
    floor = floor_to_grid(rule_id, price)
    return floor if floor == price else floor + increment(rule_id, floor)


@dataclass(frozen=True, slots=True)
class UnderlyingSpec:
    """What the venue lists for one underlying; strike steps and premiums are dollars.

    `spread_floor` + `spread_share` × premium is an option's usual full spread; `size` the usual size displayed at the
    money; `trades` the option trades a minute on an average day.
    """

    sec_type: str
    exchange: str
    primary_exchange: str
    long_name: str
    strike_step: float
    far_step: float
    option_rule: int
    daily_root: str
    monthly_root: str
    spread_floor: float
    spread_share: float
    size: int
    trades: int
    open_interest: float
    share_volume: int = 0
    shares_displayed: int = 0


_ETF = ("STK", "SMART")
UNDERLYINGS: Final[Mapping[str, UnderlyingSpec]] = MappingProxyType(
    {
        "SPX": UnderlyingSpec(
            "IND", "CBOE", "CBOE", "S&P 500 Stock Index", 5, 25, INDEX_OPTION_RULE, "SPXW", "SPX",
            0.05, 0.010, 60, 110, 1600,
        ),
        "SPY": UnderlyingSpec(
            *_ETF, "ARCA", "SPDR S&P 500 ETF TRUST", 1, 5, PENNY_RULE, "SPY", "SPY",
            0.005, 0.010, 320, 160, 5200, share_volume=2400, shares_displayed=24_000,
        ),
        "QQQ": UnderlyingSpec(
            *_ETF, "NASDAQ", "INVESCO QQQ TRUST SERIES 1", 1, 5, PENNY_RULE, "QQQ", "QQQ",
            0.006, 0.010, 200, 120, 3400, share_volume=1700, shares_displayed=14_000,
        ),
        "IWM": UnderlyingSpec(
            *_ETF, "ARCA", "ISHARES RUSSELL 2000 ETF", 1, 5, PENNY_RULE, "IWM", "IWM",
            0.006, 0.010, 160, 50, 2300, share_volume=1200, shares_displayed=12_000,
        ),
    }
)  # fmt: skip


def spec_of(symbol: str) -> UnderlyingSpec:
    """Return what is known of a symbol; one that is not in the table is taken for a stock with liquid options."""
    known = UNDERLYINGS.get(symbol)
    if known is not None:
        return known
    return UnderlyingSpec(
        *_ETF, "NASDAQ", symbol, 1, 5, PENNY_RULE, symbol, symbol, 0.008, 0.015, 80, 30, 1200,
        share_volume=900, shares_displayed=6_000,
    )  # fmt: skip
