"""Dealers' exposure of one underlying from what is on the board, ours beside the vendor's.

Two views of a chain come: the vendor's sums by strike over all expiries, and contracts of the nearest expiries with
open interest, volume and volatility. Sums by strike are the vendor's; what needs single contracts (the flip re-priced
over the price, vanna, charm, max pain, pin risk) is of the expiries that came, which `expiries` names.

What was worked out for rows is kept while they and the price stand: measures, page and strategies ask for the same.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from bot.analytics.chain_report import ChainReport, chain_report
from bot.analytics.exposure import Convention, ListedOption
from bot.analytics.gex import curve_of
from bot.domain.data.contracts import MaxPain, OptionContractRow
from bot.domain.data.exposure import SpotGexMinute, StrikeExposure
from bot.domain.data.sets import GEX_BY_EXPIRY, GEX_BY_STRIKE, MAX_PAIN, OPTION_CONTRACTS, SPOT_GEX
from bot.domain.instruments import Right
from bot.domain.market import Datum, MarketView

NO_CHAIN: Final = "no chain"
EMPTY_CHAIN: Final = "empty chain"
ONE_STRIKE: Final = "one strike"
NO_PRICE: Final = "no price"
NO_GAMMA: Final = "no gamma"
KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class VendorExposure:
    """What the vendor says of the whole chain: net gamma by its minute and by the sum of its strikes, dollars for 1 %;
    (strike, net gamma, net delta) by strike; its pin, flip between strikes and max pain; net gamma by expiry. None
    where it said nothing."""

    total: float | None = None
    by_strike: Sequence[tuple[float, float, float]] = ()
    summed: float | None = None
    pin: float | None = None
    flip: float | None = None
    max_pain: float | None = None
    at: datetime | None = None
    by_expiry: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DealersExposure:
    """One underlying: `own` of the contracts that came, received `at`; `spot` in dollars."""

    symbol: str
    spot: float
    at: datetime
    own: ChainReport
    expiries: Sequence[date]
    vendor: VendorExposure


def dealers(view: MarketView, symbol: str, now: datetime, convention: Convention) -> DealersExposure | str:
    """Return dealers' exposure of an underlying, or by name why there is none."""
    datum = view.datum(OPTION_CONTRACTS, symbol)
    if datum is None:
        return NO_CHAIN
    if not datum.value:
        return EMPTY_CHAIN
    spot = spot_of(view, symbol)
    if spot is None:
        return NO_PRICE
    seen = (datum.value, *(_value(view, name, symbol) for name in _VENDORS))
    known = _kept.get(symbol)
    if known is not None and known.by == (spot, convention) and all(map(operator.is_, known.seen, seen)):
        return known.found
    found = _worked_out(view, symbol, datum, spot, now, convention)
    if len(_kept) >= KEPT and symbol not in _kept:
        del _kept[next(iter(_kept))]
    _kept[symbol] = _Kept(seen, (spot, convention), found)
    return found


class _Kept(NamedTuple):
    """What was worked out, and of which very rows: `seen` holds them, so that no other can be taken for one of them."""

    seen: tuple[Any, ...]
    by: tuple[float, Convention]
    found: DealersExposure | str


_kept: dict[str, _Kept] = {}
_VENDORS: Final = (GEX_BY_STRIKE, SPOT_GEX, MAX_PAIN, GEX_BY_EXPIRY)


def _worked_out(
    view: MarketView, symbol: str, datum: Datum, spot: float, now: datetime, convention: Convention
) -> DealersExposure | str:
    rows = [listed(row) for row in datum.value]
    if len({row.strike for row in rows}) < 2:
        return ONE_STRIKE
    own = chain_report(rows, spot, now, convention, levels=0)
    if own.exposure.is_empty:
        return NO_GAMMA
    expiries = sorted(own.exposure.by_expiry)
    return DealersExposure(symbol, spot, datum.received_at, own, expiries, vendor_exposure(view, symbol))


def listed(row: OptionContractRow) -> ListedOption:
    """Return a vendor's contract as exposure needs it."""
    contract = row.contract
    return ListedOption(
        contract.expiry, float(contract.strike), contract.right is Right.CALL, float(row.open_interest),
        _or_nan(row.iv), _or_nan(row.delta), _or_nan(row.gamma), float(row.volume),
    )  # fmt: skip


def vendor_exposure(view: MarketView, symbol: str) -> VendorExposure:
    """Return what the vendor says of an underlying's whole chain."""
    rows: Sequence[StrikeExposure] = _value(view, GEX_BY_STRIKE, symbol)
    minutes: Sequence[SpotGexMinute] = _value(view, SPOT_GEX, symbol)
    pains: Iterable[MaxPain] = _value(view, MAX_PAIN, symbol)
    total = minutes[-1].gamma_oi if minutes else None
    nearest = min(pains, key=lambda each: each.expiry, default=None)
    pain = None if nearest is None else float(nearest.strike)
    by_expiry = {row.expiry: row.net_gamma_oi for row in _value(view, GEX_BY_EXPIRY, symbol)}
    curve = curve_of(rows) if rows else None
    if curve is None or not curve.is_finite:
        return VendorExposure(total, max_pain=pain, by_expiry=by_expiry)
    price = rows[0].price
    by_strike = sorted((float(r.strike), r.net_gamma_oi, r.call_delta_oi + r.put_delta_oi) for r in rows)
    pin = min(curve.largest, key=lambda strike: abs(strike - price), default=None)
    flip = min(curve.crossings, key=lambda level: abs(level - price), default=None)
    return VendorExposure(
        total, by_strike, curve.net, None if pin is None else float(pin), None if flip is None else float(flip), pain,
        max(row.at for row in rows), by_expiry,
    )  # fmt: skip


def spot_of(view: MarketView, symbol: str) -> float | None:
    """Return the price of an underlying: the broker's middle or last, else the one of the vendor's rows by strike."""
    quote = view.quote(symbol)
    told = None if quote is None else quote.mid if quote.mid is not None else quote.last
    if told is None:
        rows = _value(view, GEX_BY_STRIKE, symbol)
        told = rows[0].price if rows else None
    price = math.nan if told is None else float(told)
    return price if math.isfinite(price) and price > 0 else None


def _value(view: MarketView, dataset: str, symbol: str) -> Sequence[Any]:
    datum = view.datum(dataset, symbol)
    return () if datum is None else datum.value or ()


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
