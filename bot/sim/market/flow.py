"""The option tape: every trade of the day, from which volume, net premium and alerts follow.

Trades arrive as a Poisson stream with the day's activity. Most are in the nearest expiry around the money; calls are
bought when the underlying rises, puts when it falls, and the script's flow bias leans on both. A trade on the ask is a
customer who buys.
"""

from __future__ import annotations

import uuid
from array import array
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.sim.market.books import dollars, flickers_of, option_quotes
from bot.sim.market.chain import OptionUniverse
from bot.sim.market.noise import generator, mix
from bot.sim.market.paths import DayPath, Timeline
from bot.sim.market.surface import (
    YEAR_SECONDS,
    Floats,
    black_scholes_array,
    implied_volatility_array,
    level,
    moneyness_array,
)
from bot.sim.vocabulary import VenueInstrument

Ints = NDArray[np.int64]

_NEAREST_SHARE: Final = 0.55
_SECOND_SHARE: Final = 0.15
_LOOK_BACK_S: Final = 300
_BLOCK_SHARE: Final = 0.004
_ALERT_QUANTILE: Final = 0.998
_ALERT_WINDOW_S: Final = 30
_RULES: Final = ("RepeatedHits", "RepeatedHitsAscendingFill", "RepeatedHitsDescendingFill")


class ContractDay(NamedTuple):
    """One contract's trades and, after each of them, its volume, high and low; prices in cents. Compact, for a day has
    hundreds of contracts with thousands of trades."""

    second: array[int]
    cents: array[int]
    size: array[int]
    volume: array[int]
    high: array[int]
    low: array[int]


@dataclass(frozen=True, slots=True)
class OptionTape:
    """Trades in the order of time. `side` is +1 on the ask, −1 on the bid, 0 between; `cents` the price."""

    second: Ints
    row: Ints
    size: Ints
    side: Ints
    cents: Ints
    delta: Floats
    by_row: Ints  # trade numbers ordered by row, then time
    starts: Ints  # where each row begins in by_row; one entry more than rows

    def of_row(self, row: int, until: int) -> Ints:
        """Return the numbers of a contract's trades up to and including a second, oldest first."""
        mine = self.by_row[self.starts[row] : self.starts[row + 1]]
        return mine[: np.searchsorted(self.second[mine], until, side="right")]

    def history(self, row: int) -> ContractDay:
        """Return a contract's running statistics of the day."""
        mine = self.by_row[self.starts[row] : self.starts[row + 1]]
        cents = self.cents[mine]
        columns = (
            self.second[mine], cents, self.size[mine], np.cumsum(self.size[mine]),
            np.maximum.accumulate(cents), np.minimum.accumulate(cents),
        )  # fmt: skip
        return ContractDay(*(array("q", column.tobytes()) for column in columns))

    def count_until(self, second: int) -> int:
        return int(np.searchsorted(self.second, second, side="right"))

    def volumes(self, second: int, rows: int) -> tuple[Floats, Floats, Floats]:
        """Return volume, ask-side and bid-side volume per row up to and including a second."""
        n = self.count_until(second)
        row, size, side = self.row[:n], self.size[:n], self.side[:n]
        keeps = (np.ones(n, dtype=bool), side > 0, side < 0)
        total, ask, bid = (np.bincount(row, weights=size * keep, minlength=rows).astype(np.float64) for keep in keeps)
        return total, ask, bid


@dataclass(frozen=True, slots=True)
class NetPremiumMinute:
    """One minute of option flow; premiums are dollars, ask side minus bid side; delta in shares."""

    at: datetime
    call_volume: int
    put_volume: int
    call_volume_ask_side: int
    call_volume_bid_side: int
    put_volume_ask_side: int
    put_volume_bid_side: int
    net_call_premium: Decimal
    net_put_premium: Decimal
    net_delta: float

    @property
    def net_call_volume(self) -> int:
        return self.call_volume_ask_side - self.call_volume_bid_side

    @property
    def net_put_volume(self) -> int:
        return self.put_volume_ask_side - self.put_volume_bid_side


@dataclass(frozen=True, slots=True)
class ModelAlert:
    """A burst of trades in one contract, ended by a large one. Premiums are dollars."""

    id: uuid.UUID
    rule: str
    at: datetime
    start: datetime
    end: datetime
    instrument: VenueInstrument
    price: Decimal
    bid: Decimal | None
    ask: Decimal
    underlying_price: float
    iv_start: float
    iv_end: float
    total_size: int
    trade_count: int
    total_premium: Decimal
    ask_side_premium: Decimal
    bid_side_premium: Decimal
    volume: int
    open_interest: int
    has_sweep: bool
    has_floor: bool
    all_opening: bool


def build_option_tape(
    universe: OptionUniverse, path: DayPath, line: Timeline, iv: float, reference: float, seed: int, term: float = 0.0
) -> OptionTape:
    """Draw the day's trades of one underlying."""
    rng = generator(seed, universe.underlying.symbol, "option tape")
    second = _arrivals(universe.spec.trades, path, line, rng)
    spot = path.price[second]
    earlier = path.price[np.maximum(second - _LOOK_BACK_S, line.open_index)]
    lean = np.clip(np.log(spot / earlier) / 0.0015, -1, 1) * 0.35 + path.flow_bias[second]
    row = _contracts(universe, rng, second, spot, np.clip(lean, -1, 1), iv)
    right = universe.right[row]
    draw = rng.random(len(second))
    ask_share = 0.44 + 0.3 * np.clip(lean * right, -1, 1)
    side = np.where(draw < ask_share, 1, np.where(draw < 0.88, -1, 0)).astype(np.int64)
    years = np.maximum(universe.ends[row] - second, 1.0) / YEAR_SECONDS
    strike = universe.strike[row]
    vol = implied_volatility_array(level(iv, term, years), spot, strike, years, reference)
    greeks = black_scholes_array(spot, strike, years, vol, right)
    bid, ask = option_quotes(
        universe.spec, greeks.price, moneyness_array(iv, spot, strike, years), path.spread_factor[second],
        flickers_of(seed, universe.con_id[row], second),
    )  # fmt: skip
    side = np.where(bid <= 0, 1, side)
    middle = np.where((ask - bid) % 2 == 0, (ask + bid) // 2, bid)
    cents = np.where(side > 0, ask, np.where(side < 0, bid, middle))
    by_row = np.lexsort((second, row)).astype(np.int64)
    starts = np.searchsorted(row[by_row], np.arange(len(universe.instruments) + 1)).astype(np.int64)
    return OptionTape(second, row, _sizes(rng, len(second)), side, cents, greeks.delta, by_row, starts)


def _arrivals(per_minute: int, path: DayPath, line: Timeline, rng: np.random.Generator) -> Ints:
    rate = path.activity * per_minute / 60.0 * ~path.halted
    rate[: line.open_index] = 0
    rate[line.close_index :] = 0
    return np.repeat(np.arange(line.count), rng.poisson(rate)).astype(np.int64)


def _contracts(
    universe: OptionUniverse, rng: np.random.Generator, second: Ints, spot: Floats, lean: Floats, iv: float
) -> Ints:
    count = len(universe.listings)
    weights = 0.3 * np.exp(-np.arange(count) / 3.0) / np.exp(-np.arange(count) / 3.0).sum()
    weights[0] += _NEAREST_SHARE
    weights[min(1, count - 1)] += _SECOND_SHARE
    listing = rng.choice(count, size=len(second), p=weights / weights.sum())
    call = rng.random(len(second)) < 0.52 + 0.2 * lean
    years = np.maximum(np.array([each.ends for each in universe.listings])[listing] - second, 600.0) / YEAR_SECONDS
    reach = (0.2 + 0.6 * rng.standard_normal(len(second))) * iv * np.sqrt(years)
    wanted = spot * np.exp(np.where(call, reach, -reach))
    row = np.empty(len(second), dtype=np.int64)
    for number in range(count):
        chosen = np.flatnonzero(listing == number)
        first = int(np.searchsorted(universe.listing, number))
        strikes = universe.strike[universe.listing == number][::2]
        nearest = np.clip(np.searchsorted(strikes, wanted[chosen]), 1, len(strikes) - 1)
        nearest -= wanted[chosen] - strikes[nearest - 1] < strikes[nearest] - wanted[chosen]
        row[chosen] = first + 2 * nearest + ~call[chosen]
    return row


def _sizes(rng: np.random.Generator, count: int) -> Ints:
    small = np.ceil(rng.lognormal(0.9, 1.1, count))
    block = (rng.random(count) < _BLOCK_SHARE) * rng.integers(50, 500, count)
    return (small + block).astype(np.int64)


def net_premium_minutes(
    tape: OptionTape, universe: OptionUniverse, line: Timeline, first: int, end: int
) -> list[NetPremiumMinute]:
    """Return one row per minute of the session from `first` up to but not including `end`, oldest first."""
    part = slice(*np.searchsorted(tape.second, (line.open_index + first * 60, line.open_index + end * 60)).tolist())
    count = end - first
    minute = (tape.second[part] - line.open_index) // 60 - first
    size, side, call = tape.size[part], tape.side[part], universe.right[tape.row[part]] > 0

    def per_minute(values: Floats | Ints, keep: NDArray[np.bool_]) -> list[int]:
        sums = np.bincount(minute, weights=values * keep, minlength=count)
        return [round(each) for each in sums.tolist()]

    premium = tape.cents[part] * size * side  # cents per share × 100 shares = dollars × 1
    columns = (
        per_minute(size, call), per_minute(size, ~call),
        per_minute(size, call & (side > 0)), per_minute(size, call & (side < 0)),
        per_minute(size, ~call & (side > 0)), per_minute(size, ~call & (side < 0)),
        per_minute(premium, call), per_minute(premium, ~call),
    )  # fmt: skip
    delta = np.bincount(minute, weights=tape.delta[part] * size * side * 100.0, minlength=count).tolist()
    starts = (line.instant(line.open_index + 60 * m) for m in range(first, end))
    return [
        NetPremiumMinute(start, cv, pv, ca, cb, pa, pb, Decimal(cp), Decimal(pp), net)
        for start, net, cv, pv, ca, cb, pa, pb, cp, pp in zip(starts, delta, *columns, strict=True)
    ]


def build_alerts(
    tape: OptionTape,
    universe: OptionUniverse,
    path: DayPath,
    line: Timeline,
    iv: float,
    interest: Floats,
    seed: int,
    term: float = 0.0,
) -> list[ModelAlert]:
    """Return the day's alerts: each trade among the largest premiums, with what its contract traded just before."""
    premium = tape.cents * tape.size
    if not len(premium):
        return []
    large = np.flatnonzero(premium >= np.quantile(premium, _ALERT_QUANTILE))
    return [_alert(int(trade), tape, universe, path, line, iv, interest, seed, term) for trade in large]


def _alert(
    trade: int,
    tape: OptionTape,
    universe: OptionUniverse,
    path: DayPath,
    line: Timeline,
    iv: float,
    interest: Floats,
    seed: int,
    term: float,
) -> ModelAlert:
    row, second = int(tape.row[trade]), int(tape.second[trade])
    so_far = tape.of_row(row, second)
    burst = so_far[tape.second[so_far] >= second - _ALERT_WINDOW_S]
    premium, side, prices = tape.cents[burst] * tape.size[burst], tape.side[burst], tape.cents[burst]
    start = int(tape.second[burst[0]])
    word = mix(seed, row, second, trade)
    rule = _RULES[0] if prices[0] == prices[-1] else _RULES[1] if prices[0] < prices[-1] else _RULES[2]
    size = int(tape.size[burst].sum())
    volume = int(tape.size[so_far].sum())
    vols = [
        float(implied_volatility_array(level(iv, term, (universe.ends[[row]] - s) / YEAR_SECONDS), path.price[s],
              universe.strike[[row]], (universe.ends[[row]] - s) / YEAR_SECONDS, path.price[line.open_index])[0])
        for s in (start, second)
    ]  # fmt: skip
    tick = 1 if universe.spec.option_rule == 26 else 5
    cents = int(tape.cents[trade])
    return ModelAlert(
        id=uuid.UUID(int=(word << 64) | mix(word, 1), version=4),
        rule=rule,
        at=line.instant(second) + timedelta(microseconds=500_000 + word % 400_000),
        start=line.instant(start),
        end=line.instant(second),
        instrument=universe.instruments[row],
        price=dollars(cents),
        bid=dollars(cents - tick) if cents > tick else None,
        ask=dollars(cents + (tick if tape.side[trade] <= 0 else 0)),
        underlying_price=float(path.price[second]),
        iv_start=vols[0],
        iv_end=vols[1],
        total_size=size,
        trade_count=len(burst),
        total_premium=Decimal(int(premium.sum())),
        ask_side_premium=Decimal(int(premium[side > 0].sum())),
        bid_side_premium=Decimal(int(premium[side < 0].sum())),
        volume=volume,
        open_interest=int(interest[row]),
        has_sweep=word % 3 != 0,
        has_floor=word % 41 == 0,
        all_opening=volume > int(interest[row]),
    )
