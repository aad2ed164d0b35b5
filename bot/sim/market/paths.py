"""The price path of each underlying, second by second, and what the script does to its book, spreads and flow.

Between acts the logarithm of the price walks freely, with a volatility that is high after the open and before the
close (the usual U) and a few seeded jumps. During an act it reverts to the act's line with a time constant of a
minute, so the script bends the path and never teleports it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.sim.market.noise import generator
from bot.sim.market.surface import Floats
from bot.sim.market.truth import as_it_comes
from bot.sim.scenario import BookBias, Closing, Drift, FlowBias, Halt, Jump, Pin, Scenario, SymbolScript, WideSpread

ORIGIN: Final = time(9, 0)
_AFTER_CLOSE_S: Final = 900
_SESSIONS_PER_YEAR: Final = 252.0
_SESSION_S: Final = 23_400.0
_REVERSION_S: Final = 60.0
_APPROACH_S: Final = 240
_PRE_MARKET_CALM: Final = 0.35
_MARKET_SHARE: Final = 0.85  # correlation of each symbol's shocks with the market's
_JUMPS_PER_DAY: Final = 3.0
_RAMP_S: Final = 20.0  # how fast a book or flow bias takes hold


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds of one day, counted from 09:00 New York."""

    day: date
    origin: datetime
    open_index: int
    close_index: int
    count: int

    def index(self, at: datetime) -> int:
        """Return the second that contains `at`, kept within the day."""
        seconds = math.floor((at - self.origin).total_seconds())
        return max(0, min(self.count - 1, seconds))

    def instant(self, index: int) -> datetime:
        return self.origin + timedelta(seconds=index)

    def of_clock(self, seconds_since_midnight: int) -> int:
        return seconds_since_midnight - ORIGIN.hour * 3600

    def in_session(self, at: datetime) -> bool:
        seconds = (at - self.origin).total_seconds()
        return self.open_index <= seconds < self.close_index


def timeline(scenario: Scenario, day: date) -> Timeline:
    origin = scenario.moment(ORIGIN, day).astimezone(UTC)
    open_index = round((scenario.moment(scenario.open, day) - origin).total_seconds())
    close_index = round((scenario.moment(scenario.close, day) - origin).total_seconds())
    return Timeline(day, origin, open_index, close_index, close_index + _AFTER_CLOSE_S + 1)


@dataclass(frozen=True, slots=True)
class DayPath:
    """One symbol's day; every array has one entry a second."""

    price: Floats
    halted: NDArray[np.bool_]
    spread_factor: Floats
    size_factor: Floats
    book_bias: Floats
    flow_bias: Floats
    activity: Floats
    previous_close: float
    tape_lean: Floats
    """How much more of the shares trades at the ask than at the bid, -1 to 1."""


def u_shape(line: Timeline) -> Floats:
    """Return the intraday multiplier of volatility, about one on average over the session."""
    minutes = (np.arange(line.count) - line.open_index) / 60.0
    left = (line.close_index - line.open_index) / 60.0 - minutes
    shape = 0.82 + 0.9 * np.exp(-np.maximum(minutes, 0) / 22.0) + 0.45 * np.exp(-np.maximum(left, 0) / 20.0)
    outside = (minutes < 0) | (left <= 0)
    return np.where(outside, _PRE_MARKET_CALM, shape)


def build_paths(scenario: Scenario, seed: int, line: Timeline) -> dict[str, DayPath]:
    """Return the paths of all symbols of a scenario, leaders first and then those that follow them."""
    market = generator(seed, "market", "shocks").standard_normal(line.count)
    paths: dict[str, DayPath] = {}
    for symbol, written in sorted(scenario.symbols.items(), key=lambda item: item[1].follows is not None):
        script = as_it_comes(written, seed, symbol)
        rng = generator(seed, symbol, "path")
        previous = script.previous_close or script.open * math.exp(-0.3 * script.iv / 16.0 * rng.standard_normal())
        if script.follows:
            leader = paths[script.follows]
            scale = script.open / scenario.symbols[script.follows].open
            price, halted = leader.price * scale * _basis(rng, line), leader.halted
        else:
            own = rng.standard_normal(line.count)
            shocks = _MARKET_SHARE * market + math.sqrt(1 - _MARKET_SHARE**2) * own
            price, halted = _walk(script, shocks, rng, line)
        gathering = [act for act in written.acts if isinstance(act, Closing)]
        paths[symbol] = _dress(script, price, halted, line, previous, gathering)
    return paths


def _basis(rng: np.random.Generator, line: Timeline) -> Floats:
    """Return the index's drift away from its fund: mean-reverting, a few thousandths of a percent."""
    keep = math.exp(-1 / 300.0)
    shocks = rng.standard_normal(line.count) * 3e-5 * math.sqrt(1 - keep * keep)
    basis = np.empty(line.count)
    level = 0.0
    for i, shock in enumerate(shocks.tolist()):
        level = keep * level + shock
        basis[i] = level
    basis -= basis[line.open_index]
    return np.exp(basis)


@dataclass(frozen=True, slots=True)
class _Segment:
    start: int
    end: int
    act: Pin | Drift | None


def _segments(script: SymbolScript, line: Timeline) -> list[_Segment]:
    """Return the pulling acts in order; a later one cuts an earlier one short."""
    acts = sorted((act for act in script.acts if isinstance(act, Pin | Drift)), key=lambda act: act.starts())
    starts = [line.of_clock(act.starts()) for act in acts]
    limits = [*starts[1:], line.close_index][: len(acts)]
    return [
        _Segment(start, min(line.of_clock(act.ends()), limit), act)
        for act, start, limit in zip(acts, starts, limits, strict=True)
    ]


def _line_of(segment: _Segment, act: Pin | Drift, script: SymbolScript, start: float) -> Floats:
    """Return the logarithm of the price that an act asks for, second by second, from where the path is."""
    length = max(segment.end - segment.start, 1)
    if isinstance(act, Drift):
        goal = math.log(act.to) if act.to else start + math.log1p((act.percent or 0.0) / 100.0)
        reach = length
    else:
        goal = math.log(act.strike or script.pin or math.exp(start)) + math.log1p(act.offset_percent / 100.0)
        reach = min(_APPROACH_S, max(length // 3, 1))
    progress = np.minimum(np.arange(1, length + 1) / reach, 1.0)
    return start + (goal - start) * progress


def _walk(
    script: SymbolScript, shocks: Floats, rng: np.random.Generator, line: Timeline
) -> tuple[Floats, NDArray[np.bool_]]:
    sigma = script.iv / math.sqrt(_SESSIONS_PER_YEAR * _SESSION_S)
    steps = shocks * sigma * u_shape(line)
    segments = _segments(script, line)
    halted = _halts(script, line)
    free = np.ones(line.count, dtype=bool)
    for segment in segments:
        free[segment.start : segment.end] = False
    steps += _seeded_jumps(rng, line, sigma) * free
    scripted = np.zeros(line.count)
    for act in script.acts:
        if isinstance(act, Jump):
            scripted[line.of_clock(act.starts())] += math.log1p(act.percent / 100.0)
    log_price = np.empty(line.count)
    level = math.log(script.open)
    before = np.cumsum(steps[: line.open_index][::-1])[::-1]
    log_price[: line.open_index] = level - before
    cursor = line.open_index
    for segment in [*segments, _Segment(line.count, line.count, None)]:
        until = segment.start
        still = halted[cursor:until]
        log_price[cursor:until] = level + np.cumsum(np.where(still, 0.0, steps[cursor:until]) + scripted[cursor:until])
        level = float(log_price[until - 1]) if until > cursor else level
        cursor = until
        if segment.act:
            level = _follow(log_price, segment, segment.act, script, steps, scripted, halted, level)
            cursor = segment.end
    return np.exp(log_price), halted


def _follow(
    log_price: Floats,
    segment: _Segment,
    act: Pin | Drift,
    script: SymbolScript,
    steps: Floats,
    scripted: Floats,
    halted: NDArray[np.bool_],
    level: float,
) -> float:
    """Walk one act's seconds and return the level at its end. The line's own slope is fed forward: no lag."""
    calm, before = act.calm, level
    for i, target in enumerate(_line_of(segment, act, script, level).tolist(), segment.start):
        if not halted[i]:
            level += (target - before) + (before - level) / _REVERSION_S + steps[i] * calm
        level += scripted[i]
        before = target
        log_price[i] = level
    return level


def _halts(script: SymbolScript, line: Timeline) -> NDArray[np.bool_]:
    halted = np.zeros(line.count, dtype=bool)
    for act in script.acts:
        if isinstance(act, Halt):
            halted[line.of_clock(act.starts()) : line.of_clock(act.ends())] = True
    return halted


def _seeded_jumps(rng: np.random.Generator, line: Timeline, sigma: float) -> Floats:
    jumps = np.zeros(line.count)
    for second in rng.integers(line.open_index, line.close_index, rng.poisson(_JUMPS_PER_DAY)):
        jumps[second] += rng.standard_normal() * sigma * 12.0
    return jumps


def _dress(
    script: SymbolScript, price: Floats, halted: NDArray[np.bool_], line: Timeline, previous: float,
    gathering: Sequence[Closing],
) -> DayPath:  # fmt: skip
    spread, size = np.ones(line.count), np.ones(line.count)
    for act in script.acts:
        if isinstance(act, WideSpread):
            window = slice(line.of_clock(act.starts()), line.of_clock(act.ends()))
            spread[window] *= act.factor
            size[window] *= act.size_factor
    return DayPath(
        price=price,
        halted=halted,
        spread_factor=spread,
        size_factor=size,
        book_bias=_lean([act for act in script.acts if isinstance(act, BookBias)], line),
        flow_bias=_lean([act for act in script.acts if isinstance(act, FlowBias)], line),
        activity=u_shape(line),
        previous_close=round(previous, 2),
        tape_lean=np.clip(_lean(gathering, line), -0.9, 0.9),
    )


def _lean(acts: Sequence[BookBias | FlowBias | Closing], line: Timeline) -> Floats:
    """Return the sum of the biases, each easing in and out."""
    seconds = np.arange(line.count)
    total = np.zeros(line.count)
    for act in acts:
        start, end = line.of_clock(act.starts()), line.of_clock(act.ends())
        ease = np.clip(np.minimum(seconds - start, end - seconds) / _RAMP_S, 0.0, 1.0)
        total += (act.direction * act.strength if isinstance(act, Closing) else act.bias) * ease
    return total
