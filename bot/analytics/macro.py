"""What the markets around the trade say of rates, the dollar and volatility: each figure with its formula and source.

Pure functions of quotes. A figure whose inputs are missing, halted or delayed is None: nothing is made up.

Sources: CBOT Rulebook chapters 18 and 19 (Treasury bond and note futures are quoted for a notional coupon of 6 %,
paid twice a year); ICE "U.S. Dollar Index contracts FAQ" for the weights of the index; Cboe "VIX White Paper" (VIX is
annual, in points) for the move of a day.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.domain.quotes import Quote

COUPON: Final = 6.0
YEARS_OF: Final[Mapping[str, float]] = MappingProxyType({"ZB:FUT": 20.0, "ZN:FUT": 10.0})
"""The notional bond behind each future: a long bond of about twenty years, a note of ten."""
DOLLAR_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"EUR.USD:CASH": -0.576, "USD.JPY:CASH": 0.136, "GBP.USD:CASH": -0.119}
)
"""Of the index's six currencies those that are watched: 83 % of it by weight."""
SESSIONS_A_YEAR: Final = 252
DOLLAR_FUTURE, VOLATILITY, VOLATILITY_FUTURE = "DX:FUT", "VIX", "VX:FUT"
_LOWEST, _HIGHEST = -0.05, 1.0

QuoteOf = Callable[[str], Quote | None]


@dataclass(frozen=True, slots=True)
class MacroValue:
    """One derived figure. `at`: when the oldest of its inputs was last said."""

    name: str
    value: float
    unit: str
    formula: str
    source: str
    at: datetime


def bond_price(yield_fraction: float, years: float, coupon: float = COUPON) -> float:
    """Return the price per 100 of a bond that pays half its coupon (percent a year) twice a year, after a payment.

    Raises ValueError for a yield of -200 % or less.
    """
    if yield_fraction <= -2:
        raise ValueError(f"a yield of {yield_fraction} has no price")
    growth, payments = 1 + yield_fraction / 2, round(2 * years)
    if abs(yield_fraction) < 1e-9:
        return 100.0 + coupon / 2 * payments
    discount = growth**-payments
    return coupon / yield_fraction * (1 - discount) + 100 * discount


def implied_yield(price: float, years: float, coupon: float = COUPON) -> float | None:
    """Return the yearly yield (a fraction, compounded twice a year) at which the notional bond is worth `price`, None
    where none between -5 % and 100 % is. Of a future it is that of its notional bond: which bond is cheapest to deliver
    is left out, so that changes say more than levels."""
    low, high = _LOWEST, _HIGHEST
    if not bond_price(high, years, coupon) <= price <= bond_price(low, years, coupon):
        return None
    for _ in range(80):
        middle = (low + high) / 2
        if bond_price(middle, years, coupon) > price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def dollar_change(rates: Mapping[str, tuple[float, float]]) -> float | None:
    """Return the dollar's change since the close before, as a fraction: the index's own weights over the pairs that are
    given (now, close), scaled to their share. None without any pair of it, or with a rate that is none."""
    given = {key: rates[key] for key in DOLLAR_WEIGHTS if key in rates}
    if not given or any(now <= 0 or close <= 0 for now, close in given.values()):
        return None
    share = sum(abs(DOLLAR_WEIGHTS[key]) for key in given)
    moved = sum(DOLLAR_WEIGHTS[key] * math.log(now / close) for key, (now, close) in given.items())
    return math.exp(moved / share) - 1


def daily_move(volatility_points: float) -> float:
    """Return the move of one session that an annual volatility in points stands for, as a fraction (one standard
    deviation): 16 points are about 1 %."""
    return volatility_points / 100 / math.sqrt(SESSIONS_A_YEAR)


def macro_values(quote_of: QuoteOf) -> tuple[MacroValue, ...]:
    """Return every figure whose inputs are fit, in a fixed order."""
    found = [*_yields(quote_of), _slope(quote_of), _dollar(quote_of), *_volatility(quote_of)]
    return tuple(each for each in found if each is not None)


def _fit(quote_of: QuoteOf, key: str) -> tuple[float, Quote] | None:
    quote = quote_of(key)
    if quote is None or quote.halted or quote.delayed or quote.lost or not quote.reference:
        return None
    return float(quote.reference), quote


def _yield(quote_of: QuoteOf, key: str) -> tuple[float, Quote] | None:
    fit = _fit(quote_of, key)
    found = implied_yield(fit[0], YEARS_OF[key]) if fit is not None else None
    return (found, fit[1]) if fit is not None and found is not None else None


def _yields(quote_of: QuoteOf) -> list[MacroValue | None]:
    values: list[MacroValue | None] = []
    for key, years in YEARS_OF.items():
        found = _yield(quote_of, key)
        formula = f"yield of a {COUPON:g} % bond of {years:g} years at the future's price"
        name = f"yield_{years:g}y"
        values.append(MacroValue(name, found[0], "fraction a year", formula, key, found[1].sound_at) if found else None)
    return values


def _slope(quote_of: QuoteOf) -> MacroValue | None:
    long, short = _yield(quote_of, "ZB:FUT"), _yield(quote_of, "ZN:FUT")
    if long is None or short is None:
        return None
    at = min(long[1].sound_at, short[1].sound_at)
    return MacroValue("slope_20y_10y", long[0] - short[0], "fraction a year", "20 less 10 years", "ZB:FUT ZN:FUT", at)


def _dollar(quote_of: QuoteOf) -> MacroValue | None:
    """The index's future where it is quoted, else the pairs that it is mostly made of."""
    future = _fit(quote_of, DOLLAR_FUTURE)
    if future is not None and future[1].close:
        change = future[0] / float(future[1].close) - 1
        return MacroValue("dollar", change, "fraction", "price / close before - 1", DOLLAR_FUTURE, future[1].sound_at)
    pairs = {key: fit for key in DOLLAR_WEIGHTS if (fit := _fit(quote_of, key)) is not None and fit[1].close}
    change_of = dollar_change({key: (now, float(quote.close or Decimal(0))) for key, (now, quote) in pairs.items()})
    if change_of is None:
        return None
    at = min(quote.sound_at for _, quote in pairs.values())
    formula = "geometric, by the index's weights of these pairs"
    return MacroValue("dollar", change_of, "fraction", formula, " ".join(pairs), at)


def _volatility(quote_of: QuoteOf) -> list[MacroValue | None]:
    index, future = _fit(quote_of, VOLATILITY), _fit(quote_of, VOLATILITY_FUTURE)
    if index is None:
        return []
    points, quote = index
    formula = f"VIX / 100 / sqrt({SESSIONS_A_YEAR})"
    move = MacroValue("expected_day_move", daily_move(points), "fraction", formula, VOLATILITY, quote.sound_at)
    if future is None:
        return [move]
    at = min(quote.sound_at, future[1].sound_at)
    source = f"{VOLATILITY_FUTURE} {VOLATILITY}"
    return [move, MacroValue("volatility_term", future[0] / points - 1, "fraction", "VX / VIX - 1", source, at)]
