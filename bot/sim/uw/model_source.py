"""The market model as the vendor measures it: `UwSource` over `bot.sim.market`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from bot.sim.market.exposure import ChainSnapshot, SpotGexRow, exposure_by_strike
from bot.sim.market.flow import ModelAlert, NetPremiumMinute
from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.sets.day import VendorDay
from bot.sim.uw.source import (
    Candle,
    ContractState,
    ExposureMinute,
    FlowMinute,
    StockDay,
    StrikeRow,
    StrikeTable,
    VendorAlert,
)
from bot.sim.vocabulary import VenueInstrument

_SPOT_COLUMNS: Final = tuple(
    f"{greek}_{weight}" for greek in ("gamma", "charm", "vanna") for weight in ("oi", "vol", "dir")
)
_CONTRACT_COLUMNS: Final = (
    "bid", "ask", "volume", "ask_volume", "bid_volume", "open_interest", "iv", "delta", "gamma", "theta", "vega",
)  # fmt: skip
_A_SECOND: Final = timedelta(seconds=1)
_AN_INSTANT: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class _Tape:
    """What has traded in one contract up to `until`; `turnover` is price times size, summed."""

    until: datetime
    volume: int = 0
    last: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    turnover: Decimal = Decimal(0)
    last_at: datetime | None = None


class ModelSource:
    """See the module. Keeps, per contract, what has traded, so that a poll reads only what is new on the tape."""

    def __init__(self, day: VendorDay) -> None:
        self._day, self._market = day, day.market
        self._tapes: dict[int, _Tape] = {}

    def symbols(self) -> Sequence[str]:
        return self._market.symbols()

    def day(self) -> date:
        return self._market.session_open().astimezone(NEW_YORK).date()

    def session(self) -> tuple[datetime, datetime]:
        return self._market.session_open(), self._market.session_close()

    def is_index(self, symbol: str) -> bool:
        return self._market.underlying(symbol).sec_type == "IND"

    def exposures(self, symbol: str, until: datetime, skip: int) -> Sequence[ExposureMinute]:
        return [_exposure(row) for row in self._market.vendor.spot_gex_minutes(symbol, until)[skip:]]

    def strikes_at(self, symbol: str, at: datetime, expiries: Sequence[date] | None) -> StrikeTable:
        chain = self._market.vendor.chain(symbol, at)
        if expiries is not None:
            chain = _only(chain, expiries)
        found = exposure_by_strike(chain, self._market.vendor.shown_price(symbol, chain.price))
        listed = set(chain.strike[chain.alive > 0].tolist())
        names, columns = tuple(found.values), zip(*(values.tolist() for values in found.values.values()), strict=True)
        rows = [
            StrikeRow(Decimal(f"{strike:g}"), dict(zip(names, values, strict=True)))
            for strike, values in zip(found.strikes.tolist(), columns, strict=True)
            if strike in listed
        ]
        return StrikeTable(found.at, found.price, rows)

    def flows(self, symbol: str, until: datetime, skip: int) -> Sequence[FlowMinute]:
        return [_flow(row) for row in self._market.vendor.net_premium_minutes(symbol, until)[skip:]]

    def contracts_at(self, symbol: str, at: datetime, last_expiry: date | None) -> Sequence[ContractState]:
        chain = self._market.vendor.chain(symbol, at)
        wanted = chain.alive > 0
        if last_expiry is not None:
            last = last_expiry.isoformat()
            wanted &= np.array([expiry <= last for expiry in chain.expiry])
        rows = np.flatnonzero(wanted)
        numbers = zip(*(getattr(chain, name)[rows].tolist() for name in _CONTRACT_COLUMNS), strict=True)
        return [
            self._contract(chain.instruments[row], each, at) for row, each in zip(rows.tolist(), numbers, strict=True)
        ]

    def alerts(self, since: datetime, until: datetime) -> Sequence[VendorAlert]:
        return [_alert(each) for each in self._market.vendor.flow_alerts(since, until)]

    def stock_at(self, symbol: str, at: datetime) -> StockDay:
        top = self._market.top(self._market.underlying(symbol), at)
        last = top.last or top.close or Decimal(0)
        return StockDay(
            at=at, open=top.open or last, high=top.high or last, low=top.low or last, close=last,
            previous_close=top.close or last, volume=top.volume,
        )  # fmt: skip

    def candles(self, symbol: str, until: datetime, seconds: int) -> Sequence[Candle]:
        opened, closed = self.session()
        bars = self._market.bars(self._market.underlying(symbol), opened, min(until, closed), seconds)
        whole = [bar for bar in bars if bar.at + timedelta(seconds=seconds) <= until]
        return [Candle(bar.at, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in whole]

    def _contract(self, instrument: VenueInstrument, numbers: Sequence[float], at: datetime) -> ContractState:
        bid, ask, traded, asked_for, bid_for, held, iv, delta, gamma, theta, vega = numbers
        volume, interest = int(traded), int(held)
        tape = self._tape(instrument, volume, at)
        return ContractState(
            symbol=_osi(instrument), expiry=_expiry(instrument), right=instrument.right, strike=_strike(instrument),
            bid=_cents(bid), ask=_cents(ask), last=tape.last, high=tape.high, low=tape.low,
            average=tape.turnover / volume if volume else None, volume=volume, ask_volume=int(asked_for),
            bid_volume=int(bid_for), open_interest=interest,
            previous_open_interest=self._interest_before(instrument),
            iv=iv, delta=delta, gamma=gamma, theta=theta, vega=vega, last_trade_at=tape.last_at,
        )  # fmt: skip

    def _interest_before(self, instrument: VenueInstrument) -> int:
        row = self._market.book(instrument.symbol).universe.row_of[instrument.con_id]
        return int(self._day.open_interest_before(instrument.symbol)[row])

    def _tape(self, instrument: VenueInstrument, volume: int, at: datetime) -> _Tape:
        tape = self._tapes.get(instrument.con_id)
        if tape is None:
            tape = self._tapes[instrument.con_id] = _Tape(self._market.session_open() - _A_SECOND)
        # The chain's volume is that of whole seconds, this one included; the prints are spread within theirs.
        until = at.replace(microsecond=0) + _A_SECOND - _AN_INSTANT
        if tape.volume == volume or until <= tape.until:
            return tape
        for trade in self._market.prints(instrument, tape.until, until):
            tape.last, tape.last_at = trade.price, trade.at
            tape.high = trade.price if tape.high is None else max(tape.high, trade.price)
            tape.low = trade.price if tape.low is None else min(tape.low, trade.price)
            tape.turnover += trade.price * trade.size
        tape.until, tape.volume = until, volume
        return tape


def _exposure(row: SpotGexRow) -> ExposureMinute:
    return ExposureMinute(row.at, row.price, {name: getattr(row, name) for name in _SPOT_COLUMNS})


def _only(chain: ChainSnapshot, expiries: Sequence[date]) -> ChainSnapshot:
    """Return the chain with every other expiry dead."""
    wanted = {expiry.isoformat() for expiry in expiries}
    return replace(chain, alive=chain.alive * np.array([1.0 if each in wanted else 0.0 for each in chain.expiry]))


def _flow(row: NetPremiumMinute) -> FlowMinute:
    return FlowMinute(
        at=row.at, net_call_premium=float(row.net_call_premium), net_put_premium=float(row.net_put_premium),
        net_delta=row.net_delta, call_volume=row.call_volume, call_ask_volume=row.call_volume_ask_side,
        call_bid_volume=row.call_volume_bid_side, put_volume=row.put_volume, put_ask_volume=row.put_volume_ask_side,
        put_bid_volume=row.put_volume_bid_side,
    )  # fmt: skip


def _alert(each: ModelAlert) -> VendorAlert:
    instrument = each.instrument
    return VendorAlert(
        id=str(each.id), rule=each.rule, at=each.at, start=each.start, end=each.end, ticker=instrument.symbol,
        symbol=_osi(instrument), expiry=_expiry(instrument), right=instrument.right, strike=_strike(instrument),
        price=each.price, bid=each.bid, ask=each.ask, underlying_price=each.underlying_price, iv_start=each.iv_start,
        iv_end=each.iv_end, size=each.total_size, trades=each.trade_count, premium=float(each.total_premium),
        ask_side_premium=float(each.ask_side_premium), bid_side_premium=float(each.bid_side_premium),
        volume=each.volume, open_interest=each.open_interest, sweep=each.has_sweep, floor=each.has_floor,
        opening=each.all_opening,
    )  # fmt: skip


def _osi(instrument: VenueInstrument) -> str:
    """Return the OSI symbol as the vendor has it, without padding."""
    return instrument.local_symbol.replace(" ", "")


def _expiry(instrument: VenueInstrument) -> date:
    assert instrument.expiry is not None, "every option has an expiry"
    return instrument.expiry


def _strike(instrument: VenueInstrument) -> Decimal:
    assert instrument.strike is not None, "every option has a strike"
    return instrument.strike


@lru_cache(maxsize=65_536)
def _cents(price: float) -> Decimal | None:
    return None if math.isnan(price) else Decimal(f"{price:.2f}")
