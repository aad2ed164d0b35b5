"""What is listed beside the underlyings of the day: world indices, futures, currencies, coins, breadth, funds."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from bot.sim.market.chain import sessions_from, third_friday
from bot.sim.market.model import MarketModel
from bot.sim.market.noise import mix, uniform
from bot.sim.market.rules import RULE_OF_TICK
from bot.sim.vocabulary import VenueInstrument

WAVES: Final = ((7200.0, 0.5), (1500.0, 0.3), (310.0, 0.2))
"""Period in seconds, share of the day's own range."""
_MONTHS_LISTED: Final = 3
_ID_BASE, _ID_SPAN = 100_000_000, 300_000_000
_MONTH_LETTERS: Final = "FGHJKMNQUVXZ"


@dataclass(frozen=True, slots=True)
class Spec:
    """What the venue lists. `level` is where it stands at the open; `beta` how far it goes with the market; `own` its
    own range of a day as a fraction; `tick` the price grid; `like` underlyings of the day with the factor to their
    price, the first that trades today counts; `months`: of a future, how many months apart its contracts are."""

    group: str
    sec_type: str
    symbol: str
    exchange: str
    level: float
    tick: str
    beta: float = 0.0
    own: float = 0.003
    currency: str = "USD"
    multiplier: int = 1
    trading_class: str = ""
    months: int = 0
    like: tuple[tuple[str, float], ...] = ()
    quoted: bool = True
    is_breadth: str = ""


def _index(group: str, symbol: str, exchange: str, currency: str, level: float, beta: float) -> Spec:
    return Spec(group, "IND", symbol, exchange, level, "0.01", beta, currency=currency, quoted=False)


def _future(
    group: str, symbol: str, exchange: str, level: float, tick: str, multiplier: int, beta: float = 0.0,
    months: int = 3, trading_class: str = "", like: tuple[tuple[str, float], ...] = (), own: float = 0.004,
) -> Spec:  # fmt: skip
    return Spec(
        group, "FUT", symbol, exchange, level, tick, beta, own, multiplier=multiplier, months=months,
        trading_class=trading_class or symbol, like=like,
    )  # fmt: skip


def _pair(group: str, sec_type: str, pair: str, exchange: str, level: float, tick: str, own: float = 0.003) -> Spec:
    symbol, _, currency = pair.partition(".")
    return Spec(group, sec_type, symbol, exchange, level, tick, 0.15, own, currency, trading_class=pair)


_OF_SPX: Final = (("SPX", 1.0), ("SPY", 10.0))
LISTED: Final[Sequence[Spec]] = (
    Spec("indices_us", "IND", "SPX", "CBOE", 6000, "0.01", like=_OF_SPX, quoted=False),
    Spec("indices_us", "IND", "NDX", "NASDAQ", 21000, "0.01", 1.15, like=(("QQQ", 41.0),), quoted=False),
    Spec("indices_us", "IND", "RUT", "RUSSELL", 2350, "0.01", 1.1, like=(("IWM", 10.0),), quoted=False),
    Spec("indices_us", "IND", "VIX", "CBOE", 16, "0.01", -6.0, 0.03, quoted=False),
    Spec("breadth", "IND", "TICK-NYSE", "NYSE", 0, "1", quoted=False, is_breadth="ticks"),
    Spec("breadth", "IND", "AD-NYSE", "NYSE", 0, "1", quoted=False, is_breadth="advances"),
    _future("futures_index", "ES", "CME", 6015, "0.25", 50, 1.0, like=(("SPX", 1.0025), ("SPY", 10.025))),
    _future("futures_index", "NQ", "CME", 21060, "0.25", 20, 1.15, like=(("QQQ", 41.1),)),
    _future("futures_index", "YM", "CBOT", 44100, "1", 5, 0.9),
    _future("futures_index", "RTY", "CME", 2356, "0.1", 50, 1.1, like=(("IWM", 10.03),)),
    _future("futures_index", "VIX", "CFE", 17, "0.05", 1000, -3.0, 1, "VX", own=0.02),
    _future("futures_rates", "ZB", "CBOT", 118.5, "0.03125", 1000, -0.10),
    _future("futures_rates", "ZN", "CBOT", 110.25, "0.015625", 1000, -0.06),
    _future("futures_rates", "ZF", "CBOT", 107.5, "0.0078125", 1000, -0.04),
    _future("futures_rates", "ZT", "CBOT", 103.1, "0.00390625", 2000, -0.02),
    _future("futures_energy", "CL", "NYMEX", 71, "0.01", 1000, 0.3, 1, own=0.012),
    _future("futures_energy", "NG", "NYMEX", 3.1, "0.001", 10000, 0.0, 1, own=0.03),
    _future("futures_energy", "RB", "NYMEX", 2.05, "0.0001", 42000, 0.3, 1, own=0.012),
    _future("futures_energy", "HO", "NYMEX", 2.25, "0.0001", 42000, 0.3, 1, own=0.012),
    _future("futures_metals", "GC", "COMEX", 2650, "0.1", 100, -0.1, 2),
    _future("futures_metals", "SI", "COMEX", 31, "0.005", 5000, 0.1, 2, own=0.01),
    _future("futures_metals", "HG", "COMEX", 4.2, "0.0005", 25000, 0.4, 2, own=0.008),
    _future("futures_metals", "PL", "NYMEX", 970, "0.1", 50, 0.1, 3, own=0.008),
    _future("futures_currencies", "EUR", "CME", 1.088, "0.00005", 125000, 0.15, trading_class="6E"),
    _future("futures_currencies", "GBP", "CME", 1.276, "0.0001", 62500, 0.15, trading_class="6B"),
    _future("futures_currencies", "JPY", "CME", 0.00655, "0.0000005", 12500000, -0.1, trading_class="6J"),
    _future("futures_currencies", "AUD", "CME", 0.655, "0.00005", 100000, 0.3, trading_class="6A"),
    _future("futures_currencies", "DX", "NYBOT", 104.2, "0.005", 1000, -0.15),
    _pair("fx", "CASH", "EUR.USD", "IDEALPRO", 1.0865, "0.00005"),
    _pair("fx", "CASH", "GBP.USD", "IDEALPRO", 1.2745, "0.00005"),
    _pair("fx", "CASH", "USD.JPY", "IDEALPRO", 152.4, "0.005"),
    _pair("fx", "CASH", "AUD.USD", "IDEALPRO", 0.6545, "0.00005"),
    _pair("fx", "CASH", "EUR.GBP", "IDEALPRO", 0.8525, "0.00005"),
    _pair("fx", "CASH", "EUR.JPY", "IDEALPRO", 165.6, "0.005"),
    _pair("fx", "CASH", "GBP.JPY", "IDEALPRO", 194.2, "0.005"),
    _pair("fx", "CASH", "USD.MXN", "IDEALPRO", 20.1, "0.0005", 0.006),
    _pair("fx", "CASH", "USD.ZAR", "IDEALPRO", 18.0, "0.0005", 0.006),
    _pair("fx", "CASH", "USD.TRY", "IDEALPRO", 34.4, "0.0005", 0.004),
    _pair("crypto", "CRYPTO", "BTC.USD", "PAXOS", 91000, "0.25", 0.03),
    _pair("crypto", "CRYPTO", "ETH.USD", "PAXOS", 3150, "0.01", 0.04),
    *(
        Spec("equities", "STK", symbol, "SMART", level, "0.01", beta, own)
        for symbol, level, beta, own in (
            ("SPY", 600.0, 1.0, 0.0), ("QQQ", 512.0, 1.15, 0.002), ("IWM", 234.0, 1.1, 0.003),
            ("AAPL", 229.0, 1.1, 0.006), ("MSFT", 417.0, 1.0, 0.006), ("GOOGL", 176.0, 1.1, 0.007),
            ("AMZN", 203.0, 1.2, 0.008), ("NVDA", 142.0, 1.8, 0.012), ("META", 562.0, 1.3, 0.009),
            ("TSLA", 347.0, 1.9, 0.015), ("PLTR", 64.0, 2.0, 0.016), ("VXX", 45.0, -3.0, 0.012),
        )
    ),
    *(
        Spec("sectors", "STK", symbol, "SMART", level, "0.01", beta)
        for symbol, level, beta in (
            ("XLB", 92.0, 0.9), ("XLC", 97.0, 1.0), ("XLE", 95.0, 0.7), ("XLF", 50.0, 1.0), ("XLI", 143.0, 1.0),
            ("XLK", 232.0, 1.3), ("XLP", 81.0, 0.5), ("XLRE", 44.0, 0.8), ("XLU", 82.0, 0.5), ("XLV", 146.0, 0.6),
            ("XLY", 216.0, 1.2),
        )
    ),
    _index("indices_europe", "DAX", "EUREX", "EUR", 19200, 0.6),
    _index("indices_europe", "Z", "ICEEU", "GBP", 8200, 0.5),
    _index("indices_europe", "CAC40", "MONEP", "EUR", 7250, 0.6),
    _index("indices_europe", "ESTX50", "EUREX", "EUR", 4780, 0.6),
    _index("indices_europe", "IBEX35", "MEFFRV", "EUR", 11600, 0.5),
    _index("indices_asia", "N225", "OSE.JPN", "JPY", 38300, 0.1),
    _index("indices_asia", "HSI", "HKFE", "HKD", 19200, 0.1),
    _index("indices_asia", "XJO", "ASX", "AUD", 8390, 0.1),
    _index("indices_asia", "K200", "KSE", "KRW", 330, 0.1),
    _index("indices_asia", "TOPX", "OSE.JPN", "JPY", 2690, 0.1),
    _index("indices_americas", "IBOV", "BVMF", "BRL", 128000, 0.5),
    _index("indices_americas", "TSX", "TSE", "CAD", 1490, 0.7),
)  # fmt: skip

GROUPS: Final = frozenset(each.group for each in LISTED)


@dataclass(frozen=True, slots=True)
class ListedThing:
    spec: Spec
    instrument: VenueInstrument
    tick: Decimal
    carry: float  # a later month stands this much higher
    daily: int  # contracts or shares of a whole session
    phases: tuple[float, ...] = field(default=())


def listed_beside(model: MarketModel) -> dict[int, ListedThing]:
    """Return what stands beside a day's market, by conId: nothing that the day has itself."""
    own = model.symbols()
    specs = (spec for spec in LISTED if spec.sec_type not in {"STK", "IND"} or spec.symbol not in own)
    return {thing.instrument.con_id: thing for spec in specs for thing in _listed(spec, model)}


def _listed(spec: Spec, model: MarketModel) -> list[ListedThing]:
    """Return what stands under a spec: one instrument, or the months of a future."""
    expiries: Sequence[date | None] = _expiries(spec, model) if spec.months else (None,)
    return [_thing(spec, expiry, number, model.seed) for number, expiry in enumerate(expiries)]


def _expiries(spec: Spec, model: MarketModel) -> list[date]:
    """Return the next third Fridays, so many months apart (every third month: March, June, ...)."""
    day, holidays = model.line.day, model.scenario.holidays
    found: list[date] = []
    year, month = day.year, day.month
    while len(found) < _MONTHS_LISTED:
        if month % spec.months == 0:
            friday = third_friday(year, month)
            last = friday if friday not in holidays else sessions_from(friday - timedelta(days=3), holidays, 1)[0]
            if last >= day:
                found.append(last)
        year, month = year + month // 12, month % 12 + 1
    return found


def _thing(spec: Spec, expiry: date | None, number: int, seed: int) -> ListedThing:
    local = spec.trading_class or spec.symbol
    if expiry is not None:
        local = f"{local}{_MONTH_LETTERS[expiry.month - 1]}{expiry.year % 10}"
    digest = hashlib.sha256(f"{spec.sec_type} {spec.exchange} {spec.currency} {local}".encode()).digest()
    con_id = _ID_BASE + int.from_bytes(digest[:8], "big") % _ID_SPAN
    instrument = VenueInstrument(
        con_id, spec.symbol, spec.sec_type, spec.exchange, "ARCA" if spec.sec_type == "STK" else "", local,
        spec.trading_class or spec.symbol, spec.currency, spec.multiplier, expiry, min_tick=Decimal(spec.tick),
        market_rule_id=RULE_OF_TICK[Decimal(spec.tick)],
        long_name=f"{spec.symbol} {spec.group}",
    )  # fmt: skip
    phases = tuple(2 * math.pi * uniform(seed, con_id, wave) for wave in range(len(WAVES)))
    return ListedThing(spec, instrument, Decimal(spec.tick), 0.002 * number, 20_000 + mix(con_id) % 200_000, phases)
