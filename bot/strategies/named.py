"""How the names of `bot/domain/score_names.py` are read off the board: each with the inputs that it needs.

A measure is asked of the board and never worked out a second time. A name whose value is absent has no value here, and
its input is a fault: nothing is decided on it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bot.analytics.measure import rows_of
from bot.domain.calendar import new_york_day
from bot.domain.data.people import Dealing
from bot.domain.data.sets import (
    CONGRESS_TRADES,
    EARNINGS_AFTERHOURS,
    EARNINGS_PREMARKET,
    FDA_CALENDAR,
    GREEK_FLOW,
    INSIDER_TRADES,
    IV_RANK,
    MARKET_WIDE,
    RISK_REVERSAL_SKEW,
)
from bot.domain.market import MarketView
from bot.domain.readings import PORTFOLIO
from bot.strategies.declared import Input, InputKind
from bot.strategies.inputs import said_of

Value = float | str
_DAY_S: Final = 86_400.0
_FILED_WITHIN: Final = timedelta(days=45)
_SKEW_DAYS: Final = 20
_SKEW_BEFORE: Final = 5
_NOBODY_KNOWS_DAYS: Final = 999.0
_DELTA: Final = 25


@dataclass(frozen=True, slots=True)
class Named:
    """One name: what it needs, and what it is on a board; None: it is absent."""

    inputs: tuple[Input, ...]
    read: Callable[[MarketView, str, datetime], Value | None]


def values_of(names: Iterable[str], symbol: str, view: MarketView, now: datetime) -> dict[str, Value]:
    """Return the values of these names that are there: finite numbers and words."""
    found: dict[str, Value] = {}
    for name in names:
        value = NAMED[name].read(view, symbol, now)
        if isinstance(value, str) or (value is not None and math.isfinite(value)):
            found[name] = value
    return found


def inputs_of(names: Iterable[str], ages: Mapping[str, float] = MappingProxyType({})) -> tuple[Input, ...]:
    """Return what these names need, each thing once; `ages` are other maximum ages than the usual, by name."""
    found: dict[tuple[InputKind, str, str], Input] = {}
    for name in names:
        for each in NAMED[name].inputs:
            most = ages.get(name, each.max_age_s)
            place = each.kind, each.name, each.key
            known = found.get(place)
            age = most if known is None else min(most, known.max_age_s)
            found[place] = Input(each.kind, age, each.name, key=each.key, may_be_silent=each.may_be_silent)
    return tuple(found.values())


# ---- measures


def _measure(name: str, max_age_s: float, part: str = "", key: str = "") -> Named:
    def read(view: MarketView, symbol: str, now: datetime) -> Value | None:
        reading = said_of(view, name, key or symbol)
        return None if reading is None or reading.absent else _value_of(reading.value, part)

    return Named((Input(InputKind.MEASURE, max_age_s, name, key=key),), read)


def _value_of(value: Any, part: str) -> Value | None:
    if isinstance(value, Mapping):
        value = value.get(part or "value")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return value
    return float(value) if isinstance(value, int | float | Decimal) else None


def _of_the_pin(by: Callable[[float, float], float]) -> Named:
    def read(view: MarketView, symbol: str, now: datetime) -> Value | None:
        price, pin = _price(view, symbol, now), NAMED["pin"].read(view, symbol, now)
        if not isinstance(price, float) or not isinstance(pin, float) or price <= 0:
            return None
        return by(price, pin)

    return Named((_PRICE, Input(InputKind.MEASURE, 180, "pin")), read)


# ---- price and clock


def _price(view: MarketView, symbol: str, now: datetime) -> Value | None:
    quote = view.quote(symbol)
    price = quote.reference if quote else None
    return None if price is None else float(price)


_PRICE: Final = Input(InputKind.PRICE, 15)


# ---- data sets


def _iv_rank(view: MarketView, symbol: str, now: datetime) -> Value | None:
    rows = rows_of(view, IV_RANK, symbol)
    return max(rows, key=lambda row: row.day).rank if rows else None


def _call_skew(view: MarketView, symbol: str) -> list[float]:
    """Return call over put volatility by day, the newest last: the vendor's figure is put less call."""
    rows = [row for row in rows_of(view, RISK_REVERSAL_SKEW, symbol) if row.delta == _DELTA]
    return [-row.value for row in sorted(rows, key=lambda row: row.day)]


def _skew_z(view: MarketView, symbol: str, now: datetime) -> Value | None:
    days = _call_skew(view, symbol)[-_SKEW_DAYS - 1 :]
    if len(days) <= _SKEW_DAYS:
        return None
    spread = statistics.stdev(days[:-1])
    return (days[-1] - statistics.fmean(days[:-1])) / spread if spread > 0 else None


def _skew_change(view: MarketView, symbol: str, now: datetime) -> Value | None:
    days = _call_skew(view, symbol)[-_SKEW_BEFORE - 1 :]
    return days[-1] - statistics.fmean(days[:-1]) if len(days) > _SKEW_BEFORE else None


def _greek_flow_delta(view: MarketView, symbol: str, now: datetime) -> Value | None:
    rows = rows_of(view, GREEK_FLOW, symbol)
    return sum(row.directional_delta for row in rows) if rows else None


def _congress_net(view: MarketView, symbol: str, now: datetime) -> Value | None:
    """The middle of each filed range; nothing filed is 0."""
    since, total = new_york_day(now) - _FILED_WITHIN, 0.0
    for row in rows_of(view, CONGRESS_TRADES, MARKET_WIDE):
        if row.ticker != symbol or row.filed_on is None or row.filed_on < since or row.least is None:
            continue
        middle = float((row.least + (row.most if row.most is not None else row.least)) / 2)
        total += {Dealing.BUY: middle, Dealing.SELL: -middle}.get(row.dealing, 0.0)
    return total


def _insiders_selling(view: MarketView, symbol: str, now: datetime) -> Value | None:
    since = new_york_day(now) - _FILED_WITHIN
    rows = (row for row in rows_of(view, INSIDER_TRADES, MARKET_WIDE) if row.ticker == symbol and row.code == "S")
    return float(len({row.owner for row in rows if not row.planned and row.filed_on and row.filed_on >= since}))


def _catalyst_days(view: MarketView, symbol: str, now: datetime) -> Value | None:
    """Days to the first date that is told; none is told: further away than any expiry."""
    today = new_york_day(now)
    told = [row.day for name in (EARNINGS_AFTERHOURS, EARNINGS_PREMARKET)
            for row in rows_of(view, name, MARKET_WIDE) if row.ticker == symbol]  # fmt: skip
    told += [row.starts for row in rows_of(view, FDA_CALENDAR, MARKET_WIDE) if row.ticker == symbol and row.starts]
    ahead = [(day - today).days for day in told if day >= today]
    return float(min(ahead)) if ahead else _NOBODY_KNOWS_DAYS


def _datum(
    dataset: str, read: Callable[[MarketView, str, datetime], Value | None], age_s: float, key: str = ""
) -> Named:
    return Named((Input(InputKind.DATUM, age_s, dataset, key=key),), read)


def _silent(dataset: str, key: str = MARKET_WIDE) -> Input:
    return Input(InputKind.DATUM, 2 * _DAY_S, dataset, key=key, may_be_silent=True)


NAMED: Final[Mapping[str, Named]] = MappingProxyType(
    {
        "price": Named((_PRICE,), _price),
        "vpin": _measure("vpin", 60),
        "imbalance": _measure("imbalance", 60),
        "pressure": _measure("pressure", 60),
        "slope": _measure("slope", 60),
        "hidden_orders": _measure("hidden_orders", 60),
        "sweep": _measure("sweep", 60),
        "atr": _measure("atr", 180),
        "expected_move": _measure("expected_move", 900),
        "gex_total": _measure("gex_total", 180),
        "gex_floor": Named((), lambda view, symbol, now: None),  # a setting of the strategy, which puts it there
        "dex_total": _measure("dex_total", 180),
        "pin": _measure("pin", 180),
        "pin_distance": _of_the_pin(lambda price, pin: abs(price - pin) / price),
        "pin_pull": _of_the_pin(lambda price, pin: (pin - price) / price),
        "flip": _measure("flip", 180),
        "call_wall": _measure("walls", 180, "call"),
        "put_wall": _measure("walls", 180, "put"),
        "pin_risk": _measure("pin_risk", 900),
        "max_pain": _measure("max_pain", 7200),
        "unusual": _measure("unusual", 600),
        "flow_momentum": _measure("flow_momentum", 180),
        "flow_trend": _measure("flow_momentum", 900, "trend"),
        "moc_direction": _measure("moc", 180, "direction"),
        "moc_confidence": _measure("moc", 180, "confidence"),
        "moc_asymmetry": _measure("moc", 180, "asymmetry"),
        "moc_dark_share": _measure("moc", 180, "dark_share"),
        "heat": _measure("heat", 60, key=PORTFOLIO),
        "divergence": _measure("divergence", _DAY_S),
        "dark_pool_z": _measure("dark_pool_z", 900),
        "insider_cluster": _measure("insider_cluster", _DAY_S),
        "greek_flow_delta": _datum(GREEK_FLOW, _greek_flow_delta, 480),
        "congress_net": Named((_silent(CONGRESS_TRADES),), _congress_net),
        "insiders_selling": Named((_silent(INSIDER_TRADES),), _insiders_selling),
        "volatility": _measure("volatility_regime", 900),
        "regime": _measure("regime", 900),
        "iv_rank": _datum(IV_RANK, _iv_rank, 2 * _DAY_S),
        "call_skew_z": _datum(RISK_REVERSAL_SKEW, _skew_z, 5 * _DAY_S),
        "call_skew_change": _datum(RISK_REVERSAL_SKEW, _skew_change, 5 * _DAY_S),
        "catalyst_days": Named(
            (_silent(EARNINGS_AFTERHOURS), _silent(EARNINGS_PREMARKET), _silent(FDA_CALENDAR)), _catalyst_days
        ),
        "weekday": Named((), lambda view, symbol, now: float(new_york_day(now).isoweekday())),
    }
)
"""By name; `tests/strategies/test_named.py` holds them together with their units."""
