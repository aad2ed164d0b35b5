"""Simulated afternoons whose closing auction is scripted, as the vendor would tell them, and what came true of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from bot.analytics.closing import ClosingPressure, closing_pressure
from bot.domain.calendar import TradingSession
from bot.domain.data.flow import NetPremiumTick, TradeSide
from bot.domain.data.tape import DarkPoolTrade, PriceLevel
from bot.sim.market.books import StockTape, build_tape
from bot.sim.market.chain import IdBook, build_universe
from bot.sim.market.flow import build_option_tape, net_premium_minutes
from bot.sim.market.noise import generator
from bot.sim.market.paths import Timeline, build_paths, timeline
from bot.sim.market.truth import truths
from bot.sim.scenario import Scenario

SYMBOL = "QQQ"
STRENGTHS = (0.05, 0.2, 0.4, 0.7)


@dataclass(frozen=True)
class Afternoon:
    """What was foreseen at 15:50, and which way the price then went: 1 up, -1 down."""

    seed: int
    found: ClosingPressure
    went: int
    stated: float

    @property
    def came_true(self) -> bool:
        return self.found.direction == self.went


def scripted(seed: int) -> Scenario:
    """A day that opens at 13:30: direction and strength are of the seed, and the stronger it leans the likelier it
    comes true."""
    rng = generator(seed, "afternoons")
    strength, direction = STRENGTHS[int(rng.integers(len(STRENGTHS)))], 1 if rng.random() < 0.5 else -1
    act = {"kind": "closing", "at": "14:00", "for_minutes": 110, "direction": direction, "strength": strength,
           "probability": 0.5 + 0.45 * strength}  # fmt: skip
    symbols = {SYMBOL: {"open": 511.3, "iv": 0.16, "acts": [act]}}
    day = {"name": "afternoon", "description": "a close", "date": "2026-11-20", "open": "13:30", "start_at": "13:30"}
    return Scenario.model_validate(day | {"symbols": symbols})


def afternoons(seeds: Sequence[int]) -> Iterator[Afternoon]:
    for seed in seeds:
        yield afternoon(seed)


def afternoon(seed: int) -> Afternoon:
    scenario = scripted(seed)
    line = timeline(scenario, scenario.date)
    path, script = build_paths(scenario, seed, line)[SYMBOL], scenario.symbols[SYMBOL]
    universe = build_universe(scenario, SYMBOL, line, IdBook())
    options = build_option_tape(universe, path, line, script.iv, script.open, seed)
    tape = build_tape(universe.spec, SYMBOL, path, line, script.book_noise, seed)
    minutes = net_premium_minutes(options, universe, line, 0, (line.close_index - line.open_index) // 60)
    ticks = [
        NetPremiumTick(each.at, float(each.net_call_premium), float(each.net_put_premium), 0, 0, each.net_delta)
        for each in minutes
    ]
    session = TradingSession(scenario.date, line.instant(line.open_index), line.instant(line.close_index), False)
    now = session.close_at - timedelta(minutes=10)
    found = closing_pressure(ticks, _prints(tape, line), _levels(tape, line), session, now, script.iv / 16)
    assert found is not None
    (truth,) = truths(scenario, seed, SYMBOL)
    end = line.close_index - 1
    assert (path.price[end] > path.price[line.index(now)]) == (truth.percent > 0), "the price goes where the coin says"
    return Afternoon(seed, found, 1 if truth.percent > 0 else -1, truth.act.probability)


def _prints(tape: StockTape, line: Timeline) -> list[DarkPoolTrade]:
    seconds = range(line.open_index, line.close_index, 20)
    traded = np.diff(tape.volume, prepend=tape.volume[0])
    return [
        DarkPoolTrade(
            line.instant(n), SYMBOL, Decimal(int(tape.last[n])) / 100, int(traded[n]), float(tape.last[n] * traded[n])
            / 100, None, None, TradeSide.ASK if tape.last[n] == tape.ask[n] else TradeSide.BID, "L", (), n,
        )
        for n in seconds
    ]  # fmt: skip


def _levels(tape: StockTape, line: Timeline) -> list[PriceLevel]:
    traded = np.diff(tape.volume, prepend=tape.volume[0])[line.open_index : line.close_index - 600]
    cents, place = np.unique(tape.last[line.open_index : line.close_index - 600], return_inverse=True)
    shares = np.bincount(place, weights=traded).tolist()
    return [
        PriceLevel(Decimal(int(at)) / 100, int(each * 0.6), int(each * 0.4))
        for at, each in zip(cents.tolist(), shares, strict=True)
    ]
