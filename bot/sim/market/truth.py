"""What of a scripted day comes true: the coins of its seed, and the acts that follow from them.

A pressure at the close, trades of people who know, a release, a report: each points one way and comes true with a
stated probability. The market is built from what came true; the vendor serves what pointed there. What the coins said
is for tests to score by, and nobody else: no face serves it, and the trader's process cannot import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from bot.sim.market.noise import generator
from bot.sim.scenario import (
    Act,
    Closing,
    Drift,
    FlowBias,
    Informed,
    Jump,
    Release,
    ReportToday,
    Scenario,
    SymbolScript,
    Uncertain,
)

AFTER_MINUTES: Final = 10.0
"""How long the price goes once a pressure at the close has gathered."""


@dataclass(frozen=True, slots=True)
class CameTrue:
    """What pointed `direction`, and whether the price went there (`comes_true`), by `percent`."""

    act: Uncertain
    comes_true: bool

    @property
    def percent(self) -> float:
        """Return by how much the price goes, signed."""
        return self.act.percent * self.act.direction * (1 if self.comes_true else -1)


def truths(scenario: Scenario, seed: int, symbol: str) -> tuple[CameTrue, ...]:
    """Return what of a symbol's day comes true, in the order of its acts."""
    return tuple(_truths(scenario.symbols[symbol], seed, symbol))


def _truths(script: SymbolScript, seed: int, symbol: str) -> Iterator[CameTrue]:
    for number, act in enumerate(script.acts):
        if isinstance(act, Closing | Informed | Release | ReportToday):
            coin = float(generator(seed, symbol, "truth", str(number), act.kind).random())
            yield CameTrue(act, coin < act.probability)


def as_it_comes(script: SymbolScript, seed: int, symbol: str) -> SymbolScript:
    """Return a symbol's script with what came true as acts that bend price and flow; itself where nothing is
    uncertain."""
    found = tuple(_truths(script, seed, symbol))
    if not found:
        return script
    acts: list[Act] = [act for act in script.acts if not isinstance(act, Closing | Informed | Release | ReportToday)]
    acts += [each for came in found for each in _acts(came)]
    gap = next(
        (came.percent for came in found if isinstance(came.act, ReportToday) and came.act.when == "premarket"), None
    )
    before = script.previous_close if gap is None else round(script.open * math.exp(-math.log1p(gap / 100)), 2)
    return script.model_copy(update={"acts": acts, "previous_close": before})


def _acts(came: CameTrue) -> Sequence[Act]:
    act, percent = came.act, came.percent
    match act:
        case Closing():
            until = act.ends()
            at = time(until // 3600, until % 3600 // 60)
            lean = FlowBias(kind="flow_bias", at=act.at, for_minutes=act.for_minutes, bias=act.direction * act.strength)
            return (lean, Drift(kind="drift", at=at, for_minutes=AFTER_MINUTES, percent=percent))
        case Informed():
            return (Drift(kind="drift", at=act.at, for_minutes=act.for_minutes, percent=percent),)
        case Release():
            return (Jump(kind="jump", at=act.at, percent=percent),)
    return ()
