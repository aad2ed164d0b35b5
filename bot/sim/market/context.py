"""What trades beside the underlyings of the day: world indices, futures, currencies, coins, breadth, funds.

Each is a small function of the day's own market: a future or an index of the same shares moves with the underlying that
it is written on, breadth with what the market did in the last seconds and since the open, the rest (the VIX far and
against it) by a beta to the market and a slow wave of its own. So a day that falls falls everywhere, and one seed gives
one day.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from bot.sim.market.chain import sessions_from, third_friday
from bot.sim.market.model import MarketModel
from bot.sim.market.noise import mix, uniform
from bot.sim.market.rules import RULE_OF_TICK
from bot.sim.vocabulary import Bar, BookLevel, ModelGreeks, Print, TopOfBook, VenueDepth, VenueInstrument

_WAVES: Final = ((7200.0, 0.5), (1500.0, 0.3), (310.0, 0.2))  # period in seconds, share of the day's own range
_MONTHS_LISTED: Final = 3
_VOLUME_LEAVES: Final = 8  # days before its expiry the next month trades more than the front one
_ID_BASE, _ID_SPAN = 100_000_000, 300_000_000
_MONTH_LETTERS: Final = "FGHJKMNQUVXZ"
_LEVELS: Final = 5
_DAY_S: Final = 86_400


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
class _Thing:
    spec: Spec
    instrument: VenueInstrument
    tick: Decimal
    carry: float  # a later month stands this much higher
    daily: int  # contracts or shares of a whole session
    phases: tuple[float, ...] = field(default=())


class WiderMarket:
    """The day's market with everything that is listed beside it: `bot.sim.vocabulary.Market`.

    A symbol of the day is the model's own; what is listed here stands beside it and never instead of it.
    """

    def __init__(self, model: MarketModel) -> None:
        self.model = model
        self._lead = next((each for each in ("SPY", "SPX") if each in model.symbols()), model.symbols()[0])
        self._things: dict[int, _Thing] = {}
        for spec in LISTED:
            if spec.sec_type in {"STK", "IND"} and spec.symbol in model.symbols():
                continue
            for thing in _listed(spec, model):
                self._things[thing.instrument.con_id] = thing
        self._all = (*model.instruments(), *(each.instrument for each in self._things.values()))
        self.group_of: Mapping[int, str] = MappingProxyType(
            {con_id: thing.spec.group for con_id, thing in self._things.items()}
        )

    # ---- instruments

    def instruments(self) -> Sequence[VenueInstrument]:
        return self._all

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        thing = self._things.get(con_id)
        return thing.instrument if thing else self.model.by_con_id(con_id)

    def find(
        self, *, symbol: str = "", sec_type: str = "", expiry: str = "", strike: Decimal | None = None,
        right: str = "", trading_class: str = "", local_symbol: str = "", exchange: str = "", multiplier: str = "",
    ) -> list[VenueInstrument]:  # fmt: skip
        """See `Market.find`."""
        named = {"symbol": symbol, "sec_type": sec_type, "trading_class": trading_class, "local_symbol": local_symbol}
        wanted = {name: value for name, value in named.items() if value}
        beside = [
            each.instrument
            for each in self._things.values()
            if strike is None and not right
            and all(getattr(each.instrument, name) == value for name, value in wanted.items())
            and (not expiry or f"{each.instrument.expiry or '':%Y%m%d}".startswith(expiry))
            and (not multiplier or multiplier == str(each.instrument.multiplier))
        ]  # fmt: skip
        return [
            *self.model.find(
                symbol=symbol, sec_type=sec_type, expiry=expiry, strike=strike, right=right,
                trading_class=trading_class, local_symbol=local_symbol, exchange=exchange, multiplier=multiplier,
            ),
            *beside,
        ]  # fmt: skip

    def is_beside(self, instrument: VenueInstrument) -> bool:
        """Say whether an instrument is one of those that are listed beside the day's underlyings."""
        return instrument.con_id in self._things

    # ---- quotes

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        thing = self._things.get(instrument.con_id)
        return self.model.top(instrument, at) if thing is None else self._top(thing, at)

    def _top(self, thing: _Thing, at: datetime) -> TopOfBook:
        second = math.floor((at - self.model.line.origin).total_seconds())
        mid, volume = self._mid(thing, at), self._volume(thing, at)
        opened, close = self._mid(thing, self.model.session_open()), self._close(thing)
        last = _on(thing.tick, mid)
        half = thing.tick * (1 + mix(thing.instrument.con_id, second) % 2)
        sizes = tuple(1 + mix(thing.instrument.con_id, second, side) % 60 for side in (1, 2))
        quoted = thing.spec.quoted
        return TopOfBook(
            bid=last - half if quoted else None,
            ask=last + half if quoted else None,
            bid_size=sizes[0] if quoted else 0,
            ask_size=sizes[1] if quoted else 0,
            last=last,
            last_size=1 if quoted else 0,
            volume=volume,
            open=_on(thing.tick, opened),
            high=max(last, _on(thing.tick, opened)),
            low=min(last, _on(thing.tick, opened)),
            close=_on(thing.tick, close),
        )

    def _mid(self, thing: _Thing, at: datetime) -> float:
        if thing.spec.is_breadth:
            return self._breadth(thing.spec.is_breadth, at)
        own = math.exp(
            thing.spec.own * _wave(thing.phases, (at - self.model.line.origin).total_seconds()) + thing.carry
        )
        for symbol, factor in thing.spec.like:
            if symbol in self.model.symbols():
                return self.model.price(symbol, at) * factor * math.exp(thing.carry)
        return thing.spec.level * math.exp(thing.spec.beta * self._moved(at)) * own

    def _moved(self, at: datetime) -> float:
        """Return the market's logarithmic return since its open."""
        return math.log(self.model.price(self._lead, at) / self.model.price(self._lead, self.model.session_open()))

    def _breadth(self, which: str, at: datetime) -> float:
        """Return ticks (of some seconds) or advances less declines (of the day)."""
        if which == "advances":
            return 2800 * math.tanh(self._moved(at) / 0.008)
        return 1100 * math.tanh((self._moved(at) - self._moved(at - timedelta(seconds=10))) / 0.0004)

    def _close(self, thing: _Thing) -> float:
        """Return the session's before: what the market has gapped since, this went along with."""
        if thing.spec.is_breadth:
            return 0.0
        gap = (uniform(self.model.seed, thing.instrument.con_id, 7) - 0.5) * 0.01 * (1 + abs(thing.spec.beta))
        return self._mid(thing, self.model.session_open()) * math.exp(-gap)

    def _volume(self, thing: _Thing, at: datetime) -> int:
        line = self.model.line
        done = (line.index(at) - line.open_index) / (line.close_index - line.open_index)
        return round(thing.daily * min(max(done, 0.0), 1.0))

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        return None if self.is_beside(instrument) else self.model.greeks(instrument, at)

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        thing = self._things.get(instrument.con_id)
        if thing is None:
            return self.model.depth(instrument, at, levels)
        top = self._top(thing, at)
        if top.bid is None or top.ask is None:
            return VenueDepth((), ())
        second = self.model.line.index(at)
        return VenueDepth(
            _ladder(thing, top.bid, -thing.tick, min(levels, _LEVELS), second),
            _ladder(thing, top.ask, thing.tick, min(levels, _LEVELS), second),
        )

    # ---- tape

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        """Return the trades; of what is beside one a second, at its last price."""
        thing = self._things.get(instrument.con_id)
        if thing is None:
            return self.model.prints(instrument, since, until)
        line = self.model.line
        seconds = range(max(line.index(since), line.open_index) + 1, min(line.index(until), line.close_index - 1) + 1)
        return [self._print(thing, line.instant(second)) for second in seconds if since < line.instant(second) <= until]

    def _print(self, thing: _Thing, at: datetime) -> Print:
        size = 1 + mix(thing.instrument.con_id, self.model.line.index(at), 3) % 20
        return Print(at, _on(thing.tick, self._mid(thing, at)), size if thing.spec.quoted else 0)

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        thing = self._things.get(instrument.con_id)
        if thing is None:
            return self.model.bars(instrument, start, end, seconds)
        return self._daily_bars(thing, start, end) if seconds >= _DAY_S else self._bars(thing, start, end, seconds)

    def _bars(self, thing: _Thing, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        step = timedelta(seconds=seconds)
        begins = max(start, self.model.session_open())
        at = begins - timedelta(seconds=begins.timestamp() % seconds)
        found: list[Bar] = []
        while at < min(end, self.model.session_close()):
            ends = (at, at + step / 3, at + 2 * step / 3, at + step)
            prices = [_on(thing.tick, self._mid(thing, each)) for each in ends]
            volume = self._volume(thing, at + step) - self._volume(thing, at)
            if at >= start:
                mean = _on(thing.tick, float(sum(prices)) / len(prices))
                found.append(
                    Bar(at, prices[0], max(prices), min(prices), prices[-1], volume, mean, max(volume // 5, 1))
                )
            at += step
        return found

    def _daily_bars(self, thing: _Thing, start: datetime, end: datetime) -> list[Bar]:
        """Return the sessions before today: a close that walks back from today's, the month's own volume."""
        found: list[Bar] = []
        price, day = self._close(thing), self.model.line.day
        for back in range(1, 366):
            at = self.model.session_open() - timedelta(days=back)
            if at < start:
                break
            if not self.model.trades_on(day - timedelta(days=back)):
                continue
            close = _on(thing.tick, price)
            price *= math.exp((uniform(self.model.seed, thing.instrument.con_id, back) - 0.5) * 0.02)
            opened = _on(thing.tick, price)
            volume = _month_volume(thing.daily, thing.instrument.expiry, day - timedelta(days=back), thing.spec.months)
            if at < end:
                high, low = max(opened, close), min(opened, close)
                found.append(Bar(at, opened, high, low, close, volume, close, max(volume // 5, 1)))
        return found[::-1]

    # ---- the day

    def open_interest(self, instrument: VenueInstrument) -> int:
        return 0 if self.is_beside(instrument) else self.model.open_interest(instrument)

    def session_open(self) -> datetime:
        return self.model.session_open()

    def session_close(self) -> datetime:
        return self.model.session_close()

    def trades_on(self, day: date) -> bool:
        return self.model.trades_on(day)

    def closes_early_on(self, day: date) -> bool:
        return self.model.closes_early_on(day)


def _listed(spec: Spec, model: MarketModel) -> list[_Thing]:
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


def _thing(spec: Spec, expiry: date | None, number: int, seed: int) -> _Thing:
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
    phases = tuple(2 * math.pi * uniform(seed, con_id, wave) for wave in range(len(_WAVES)))
    return _Thing(spec, instrument, Decimal(spec.tick), 0.002 * number, 20_000 + mix(con_id) % 200_000, phases)


def _month_volume(daily: int, expiry: date | None, day: date, months: int) -> int:
    """Return a day's volume: trade moves to the next month some days before a future expires."""
    if expiry is None:
        return daily
    left = (expiry - day).days
    is_front = _VOLUME_LEAVES < left <= _VOLUME_LEAVES + months * 31
    return daily * 10 if is_front else max(daily // 10, 1)


def _wave(phases: Sequence[float], second: float) -> float:
    return sum(
        share * math.sin(2 * math.pi * second / period + phase)
        for (period, share), phase in zip(_WAVES, phases, strict=True)
    )


def _on(tick: Decimal, price: float) -> Decimal:
    """Return the grid price nearest to a number."""
    return (Decimal(repr(price)) / tick).quantize(Decimal(1), ROUND_HALF_UP) * tick


def _ladder(thing: _Thing, best: Decimal, step: Decimal, levels: int, second: int) -> tuple[BookLevel, ...]:
    def size(level: int) -> int:
        return 1 + mix(thing.instrument.con_id, second, level, int(step > 0)) % 90

    return tuple(BookLevel(best + step * level, size(level), thing.spec.exchange) for level in range(levels))
