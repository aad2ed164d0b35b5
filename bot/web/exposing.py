"""What a move would do: the greeks of what is held in dollars, and its value if each underlying moved now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.analytics.greeks import OptionGreeks, black_scholes
from bot.domain.calendar import new_york_day
from bot.domain.instruments import OptionContract, Right, option_of_key
from bot.domain.wording import key_words
from bot.store import read as ask
from bot.web.holding import greeks_of, years_left

MOVES: Final = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02)
"""Of every underlying alike, as fractions; volatility and time stand still."""


@dataclass(frozen=True, slots=True)
class Held:
    """One position, dollars for all that is left of it: `delta` for a rise of 1 %, `gamma` what that changes with the
    next 1 %, `theta` an hour on the last day and a day before (`theta_hour` always an hour), `vega` a point;
    `volatility` a fraction; `moved` what it would gain at each of MOVES. None of it without a mark that implies a
    volatility."""

    id: str
    title: str
    quantity: int
    expires_today: bool = False
    volatility: float | None = None
    delta: float | None = None
    gamma: float | None = None
    theta: float | None = None
    theta_hour: float | None = None
    vega: float | None = None
    moved: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldExposure:
    """What is held, and what its known parts add up to; `unknown` counts the positions that are in no sum."""

    held: tuple[Held, ...]
    moves: tuple[float, ...]
    delta: float
    gamma: float
    theta_hour: float
    vega: float
    moved: tuple[float, ...]
    unknown: int


def exposure_of(rows: Sequence[ask.PositionRow], now: datetime) -> HeldExposure:
    """Return the exposure of open positions."""
    held = tuple(_held(row, now) for row in rows)
    known = [each for each in held if each.moved]
    return HeldExposure(
        held, MOVES, sum(h.delta or 0.0 for h in known), sum(h.gamma or 0.0 for h in known),
        sum(h.theta_hour or 0.0 for h in known), sum(h.vega or 0.0 for h in known),
        tuple(sum(h.moved[i] for h in known) for i in range(len(MOVES))), len(held) - len(known),
    )  # fmt: skip


def _held(row: ask.PositionRow, now: datetime) -> Held:
    today = new_york_day(now)
    title = key_words(row.contract_key, today)
    option = option_of_key(row.contract_key)
    found = None if option is None else greeks_of(row, option, now)
    if option is None or found is None:
        return Held(row.id, title, row.quantity)
    volatility, each = found
    size, one = row.quantity * row.multiplier, float(row.underlying or 0) / 100
    last_day = option.expiry <= today
    hour = each.theta_hour * size
    return Held(
        row.id, title, row.quantity, last_day, volatility, each.delta * size * one, each.gamma * size * one * one,
        hour if last_day else hour * 24, hour, each.vega * size,
        tuple(_worth(row, option, volatility, now, move, each) * size for move in MOVES),
    )  # fmt: skip


def _worth(
    row: ask.PositionRow, option: OptionContract, volatility: float, now: datetime, move: float, each: OptionGreeks
) -> float:
    """Return what a share would gain if its underlying moved now."""
    spot = float(row.underlying or 0) * (1 + move)
    years, call = years_left(option, row.marked_at or now), option.right is Right.CALL
    return black_scholes(spot, float(option.strike), years, volatility, call=call).price - each.price
