"""Quotes and depth: the theoretical value becomes a bid, an ask and sizes on the price grid; a stock gets ten levels.

The spread of an option is a whole number of ticks around its value; it grows with the premium, far from the money, and
by the scenario's factor. Scalar and array forms agree; a test compares them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.sim.market.noise import generator, mix, uniform, uniform_array
from bot.sim.market.paths import DayPath, Timeline
from bot.sim.market.rules import INDEX_OPTION_RULE, UnderlyingSpec
from bot.sim.market.surface import Floats
from bot.sim.vocabulary import BookLevel, VenueDepth

_FLICKER_SHARE: Final = 0.12  # how often a quote stands one tick wider
_FLICKER_WORD: Final = 11
_SIZE_WORDS: Final = (21, 22)
_QUOTE_LIFE_S: Final = 2  # seconds for which flicker and sizes stand
_WING_START: Final = 1.5  # standardised moneyness beyond which spreads widen
_IMBALANCE_KEEP: Final = math.exp(-1 / 40.0)
_DEPTH_WORD: Final = 42  # ±1: either side
_USUAL: Final = tuple(0.6 + 0.12 * n for n in range(10))  # how a book grows away from its best price
_SHARES: Final = tuple(0.6 + 0.8 * bits / 63.0 for bits in range(64))
_MARKET_MAKERS: Final = ("ARCA", "NSDQ", "BATS", "EDGX", "IEX", "MEMX", "NYSE", "BYX", "EDGA", "PSX")


class CentQuote(NamedTuple):
    """A quote in cents; a bid of zero is no bid."""

    bid: int
    ask: int


def _tick_cents(rule: int, theo: float) -> int:
    if rule != INDEX_OPTION_RULE:
        return 1
    return 10 if theo >= 3.0 else 5


def option_quote(spec: UnderlyingSpec, theo: float, moneyness: float, factor: float, flicker: float) -> CentQuote:
    """Return the quote of an option; `moneyness` is standardised, `flicker` a uniform draw that stands for seconds."""
    tick = _tick_cents(spec.option_rule, theo)
    wing = 1.0 + 0.5 * max(abs(moneyness) - _WING_START, 0.0)
    width = (spec.spread_floor + spec.spread_share * theo) * wing * factor
    ticks = max(1, math.floor(width * 100.0 / tick + 0.5)) + (flicker < _FLICKER_SHARE and theo * 100.0 > 12.0 * tick)
    bid = max(math.floor(theo * 100.0 / tick - ticks / 2.0 + 0.5), 0) * tick
    ask = max(bid + ticks * tick, tick)
    if spec.option_rule == INDEX_OPTION_RULE:
        bid -= bid % 10 if bid >= 300 else 0
        ask += -ask % 10 if ask >= 300 else 0
    return CentQuote(bid, ask)


def option_quotes(
    spec: UnderlyingSpec, theo: Floats, moneyness: Floats, factor: float | Floats, flicker: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `option_quote` element by element: bids and asks in cents."""
    index_grid = spec.option_rule == INDEX_OPTION_RULE
    tick = np.where(theo >= 3.0, 10, 5) if index_grid else np.ones(len(theo), dtype=np.int64)
    wing = 1.0 + 0.5 * np.maximum(np.abs(moneyness) - _WING_START, 0.0)
    width = (spec.spread_floor + spec.spread_share * theo) * wing * factor
    ticks = np.maximum(1, np.floor(width * 100.0 / tick + 0.5)).astype(np.int64)
    ticks += (flicker < _FLICKER_SHARE) & (theo * 100.0 > 12.0 * tick)
    bid = np.maximum(np.floor(theo * 100.0 / tick - ticks / 2.0 + 0.5), 0).astype(np.int64) * tick
    ask = np.maximum(bid + ticks * tick, tick)
    if index_grid:
        bid -= np.where(bid >= 300, bid % 10, 0)
        ask += np.where(ask >= 300, -ask % 10, 0)
    return bid, ask


def flicker_of(seed: int, con_id: int, second: int) -> float:
    return uniform(seed, con_id, (second // _QUOTE_LIFE_S) * 64 + _FLICKER_WORD)


def flickers_of(seed: int, con_ids: NDArray[np.int64], second: int | NDArray[np.int64]) -> Floats:
    return uniform_array(seed, con_ids, (second // _QUOTE_LIFE_S) * 64 + _FLICKER_WORD)


def option_sizes(
    spec: UnderlyingSpec, moneyness: float, factor: float, seed: int, con_id: int, second: int
) -> tuple[int, int]:
    """Return the contracts shown on bid and ask: most at the money, different every few seconds."""
    usual = spec.size * (0.15 + 0.85 * math.exp(-0.25 * moneyness * moneyness)) * factor
    life = (second // _QUOTE_LIFE_S) * 64
    bid, ask = (max(1, round(usual * (0.35 + 1.3 * uniform(seed, con_id, life + word)))) for word in _SIZE_WORDS)
    return bid, ask


@dataclass(frozen=True, slots=True)
class StockTape:
    """One underlying's quotes and trades, second by second, in cents and shares; an index shows only `last`."""

    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    last: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    volume: NDArray[np.int64]  # running total of the session
    trades: NDArray[np.int64]  # trades of that second
    imbalance: Floats


def build_tape(spec: UnderlyingSpec, symbol: str, path: DayPath, line: Timeline, noise: float, seed: int) -> StockTape:
    """Derive quotes, trades and the book's lean from the path."""
    rng = generator(seed, symbol, "tape")
    cents = path.price * 100.0
    wide = np.where((np.arange(line.count) < line.open_index) | (np.arange(line.count) >= line.close_index), 4, 1)
    width = wide + (rng.random(line.count) < 0.08)
    bid = np.floor(cents - width / 2.0 + 0.5).astype(np.int64)
    ask = bid + width
    at_bid = rng.random(line.count) < 0.5 * (1.0 - path.tape_lean)
    last = np.round(cents).astype(np.int64) if spec.sec_type == "IND" else np.where(at_bid, bid, ask)
    volume, trades = _volume(spec, path, line, rng)
    session = last[line.open_index :]
    high, low = last.copy(), last.copy()
    high[line.open_index :], low[line.open_index :] = np.maximum.accumulate(session), np.minimum.accumulate(session)
    return StockTape(bid, ask, last, high, low, volume, trades, _imbalance(path, noise, rng, line))


def _volume(
    spec: UnderlyingSpec, path: DayPath, line: Timeline, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    shares = spec.share_volume * path.activity * rng.lognormal(-0.3, 0.75, line.count)
    shares[: line.open_index] = 0
    shares[line.close_index :] *= 0.05
    shares[path.halted] = 0
    per_second = np.round(shares).astype(np.int64)
    trades = np.where(per_second > 0, 1 + rng.poisson(1.5, line.count), 0)
    if spec.sec_type == "IND":
        trades = ((np.arange(line.count) >= line.open_index) & ~path.halted).astype(np.int64)
    return np.cumsum(per_second), trades.astype(np.int64)


def _imbalance(path: DayPath, noise: float, rng: np.random.Generator, line: Timeline) -> Floats:
    """Return the book's lean: an AR(1) that stays within 2.5 times its deviation, and the script's bias on top."""
    shocks = (rng.standard_normal(line.count) * math.sqrt(1 - _IMBALANCE_KEEP**2)).tolist()
    levels = np.empty(line.count)
    level = 0.0
    for i, shock in enumerate(shocks):
        level = _IMBALANCE_KEEP * level + shock
        levels[i] = level
    return np.clip(path.book_bias + noise * 2.5 * np.tanh(levels / 2.5), -0.9, 0.9)


def stock_depth(
    spec: UnderlyingSpec, tape: StockTape, index: int, levels: int, seed: int, con_id: int, size_factor: float
) -> VenueDepth:
    """Return the book: level sizes vary, their totals lean exactly as the tape says (to rounding)."""
    total = spec.shares_displayed * size_factor
    lean = float(tape.imbalance[index])
    bids = _side(total * (1 + lean) / 2, int(tape.bid[index]), -1, levels, seed, con_id, index)
    asks = _side(total * (1 - lean) / 2, int(tape.ask[index]), +1, levels, seed, con_id, index)
    return VenueDepth(bids, asks)


def _side(total: float, best: int, step: int, levels: int, seed: int, con_id: int, index: int) -> tuple[BookLevel, ...]:
    bits = mix(seed, con_id, index * 64 + _DEPTH_WORD + step)  # six of them a level
    weights = [usual * _SHARES[(bits >> 6 * n) & 63] for n, usual in enumerate(_USUAL)]
    share = total / sum(weights)
    return tuple(
        BookLevel(dollars(best + step * n), max(1, round(share * weights[n])), _MARKET_MAKERS[n])
        for n in range(min(levels, 10))
    )


@lru_cache(maxsize=65_536)  # the same few thousand prices all day
def dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
