"""What a move would do: the greeks of what is held in dollars, its value if each underlying moved now, what a day may
cost, and which bets are one bet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from bot.analytics.greeks import OptionGreeks, black_scholes
from bot.analytics.portfolio import DollarGreeks, PremiumPaid, by_sector, concentration, dollar_greeks
from bot.analytics.value_at_risk import CONFIDENCE, DayAtRisk, OptionHeld, day_at_risk, delta_gamma
from bot.domain.calendar import new_york_day
from bot.domain.instruments import OptionContract, Right, option_of_key
from bot.domain.money import ZERO
from bot.domain.wording import key_words
from bot.risk.correlation import bet_on
from bot.store import read as ask
from bot.store.read.alike import correlations, pair_limit
from bot.web.holding import greeks_of, years_left

MOVES: Final = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02)
"""Of every underlying alike, as fractions; volatility and time stand still."""


@dataclass(frozen=True, slots=True)
class Held:
    """One position, dollars for all that is left of it: `delta` for a rise of 1 %, `gamma` what that changes with the
    next 1 %, `theta` an hour on the last day and a day before (`theta_hour` always an hour), `vega` a point;
    `volatility` a fraction; `moved` what it would gain at each of MOVES. None of it without a mark that implies a
    volatility. `paid` is the premium of what is left: all that it can lose; `worth` what it would bring at the bid;
    `even` where the underlying has to be at expiry to bring that back."""

    id: str
    title: str
    quantity: int
    symbol: str = ""
    paid: Decimal = ZERO
    even: Decimal | None = None
    worth: Decimal | None = None
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
    paid: Decimal
    worth: Decimal
    by_symbol: tuple[UnderlyingHeld, ...] = ()
    by_sector: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnderlyingHeld:
    """All that is held on one underlying: greeks in dollars (None where no position has a usable quote), what was paid
    for it and its share of all that was paid."""

    symbol: str
    positions: int
    greeks: DollarGreeks | None
    paid: Decimal
    share: Decimal


def exposure_of(rows: Sequence[ask.PositionRow], now: datetime) -> HeldExposure:
    """Return the exposure of open positions."""
    held = tuple(_held(row, now) for row in rows)
    known = [each for each in held if each.moved]
    return HeldExposure(
        held, MOVES, sum(h.delta or 0.0 for h in known), sum(h.gamma or 0.0 for h in known),
        sum(h.theta_hour or 0.0 for h in known), sum(h.vega or 0.0 for h in known),
        tuple(sum(h.moved[i] for h in known) for i in range(len(MOVES))), len(held) - len(known),
        sum((h.paid for h in held), ZERO), sum((h.worth or ZERO for h in held), ZERO), _by_symbol(held),
        _by_sector(held),
    )  # fmt: skip


def _by_symbol(held: Sequence[Held]) -> tuple[UnderlyingHeld, ...]:
    """Return what is held by underlying, the largest premium first."""
    shares = concentration([PremiumPaid(each.symbol or each.title, each.paid) for each in held])
    return tuple(
        _on_one(name, [h for h in held if (h.symbol or h.title) == name], share) for name, share in shares.items()
    )


def _on_one(name: str, held: Sequence[Held], share: Decimal) -> UnderlyingHeld:
    known = [DollarGreeks(h.delta or 0.0, h.gamma or 0.0, h.theta_hour or 0.0, h.vega or 0.0) for h in held if h.moved]
    whole = sum(known, DollarGreeks()) if known else None
    return UnderlyingHeld(name, len(held), whole, sum((h.paid for h in held), ZERO), share)


def _by_sector(held: Sequence[Held]) -> Mapping[str, Decimal]:
    return by_sector([PremiumPaid(each.symbol, each.paid) for each in held if each.symbol])


def _held(row: ask.PositionRow, now: datetime) -> Held:
    today = new_york_day(now)
    title = key_words(row.contract_key, today)
    option = option_of_key(row.contract_key)
    found = None if option is None else greeks_of(row, option, now)
    paid, worth = row.entry_price * row.quantity * row.multiplier, None
    if row.bid is not None:
        worth = row.bid * row.quantity * row.multiplier
    if option is None:
        return Held(row.id, title, row.quantity, paid=paid, worth=worth)
    even = option.strike + row.entry_price * (1 if option.right is Right.CALL else -1)
    if found is None:
        return Held(row.id, title, row.quantity, option.symbol, paid, even, worth)
    volatility, each = found
    size, last_day = row.quantity * row.multiplier, option.expiry <= today
    all_of_it = dollar_greeks(_as_held(row, option, volatility, now))
    hour = all_of_it.theta_hour
    return Held(
        row.id, title, row.quantity, option.symbol, paid, even, worth, last_day, volatility,
        all_of_it.delta, all_of_it.gamma, hour if last_day else hour * 24, hour, all_of_it.vega,
        tuple(_worth(row, option, volatility, now, move, each) * size for move in MOVES),
    )  # fmt: skip


def _worth(
    row: ask.PositionRow, option: OptionContract, volatility: float, now: datetime, move: float, each: OptionGreeks
) -> float:
    """Return what a share would gain if its underlying moved now."""
    spot = float(row.underlying or 0) * (1 + move)
    years, call = years_left(option, row.marked_at or now), option.right is Right.CALL
    return black_scholes(spot, float(option.strike), years, volatility, call=call).price - each.price


# ---- what a day may cost, and which bets are one bet


@dataclass(frozen=True, slots=True)
class AlikeCell:
    """How much two bets are one: above 0 they win and lose together; `tone` is ca or co with 1 to 3, h0 for none."""

    value: float | None
    tone: str = "h0"


@dataclass(frozen=True, slots=True)
class AlikeRow:
    title: str
    path: str
    asked: bool
    cells: tuple[AlikeCell, ...]


@dataclass(frozen=True, slots=True)
class BookRisk:
    """`day` over the positions that have a usable quote, `by_greeks` the same by delta and gamma alone; `alike` their
    correlations, signed by direction, and those of signals that wait; `limit` above which an entry is refused."""

    confidence: float
    day: DayAtRisk | None
    alike: tuple[AlikeRow, ...]
    limit: Decimal | None
    account: ask.AccountRow | None
    by_greeks: DayAtRisk | None = None


@dataclass(frozen=True, slots=True)
class _BetView:
    title: str
    path: str
    symbol: str
    direction: int
    asked: bool = False


def book_risk(connection: Connection, now: datetime) -> BookRisk:
    """Return what the open positions may lose in a day, and how much they are one bet."""
    rows = ask.open_positions(connection)
    bets = _bets(connection, rows, new_york_day(now))
    known = correlations(connection, [bet.symbol for bet in bets], now)
    options = [found for row in rows if (found := _option_held(row, now)) is not None]
    alike = tuple(_alike(bet, bets, known) for bet in bets) if len(bets) > 1 else ()
    return BookRisk(
        CONFIDENCE, day_at_risk(options, known), alike, pair_limit(connection), ask.account(connection),
        delta_gamma(options, known),
    )  # fmt: skip


def _option_held(row: ask.PositionRow, now: datetime) -> OptionHeld | None:
    option = option_of_key(row.contract_key)
    found = None if option is None else greeks_of(row, option, now)
    if option is None or found is None:
        return None
    return _as_held(row, option, found[0], now)


def _as_held(row: ask.PositionRow, option: OptionContract, volatility: float, now: datetime) -> OptionHeld:
    return OptionHeld(
        option.symbol, row.quantity * row.multiplier, float(row.underlying or 0), float(option.strike),
        years_left(option, row.marked_at or now), volatility, option.right is Right.CALL,
    )  # fmt: skip


def _bets(connection: Connection, rows: Sequence[ask.PositionRow], today: date) -> list[_BetView]:
    asked = ask.signals_that_wait_for_a_person(connection)
    waiting = [row for row in ask.live_signals(connection) if row.id in asked]
    named = [(row.contract_key, f"/position/{row.id}", False) for row in rows]
    named += [(row.contract_key, f"/signal/{row.id}", True) for row in waiting]
    return [
        _BetView(key_words(key, today), path, *bet_on(option), waits)
        for key, path, waits in named
        if (option := option_of_key(key)) is not None
    ]


def _alike(bet: _BetView, bets: Sequence[_BetView], known: Mapping[tuple[str, str], float]) -> AlikeRow:
    return AlikeRow(bet.title, bet.path, bet.asked, tuple(_cell(bet, other, known) for other in bets))


def _cell(bet: _BetView, other: _BetView, known: Mapping[tuple[str, str], float]) -> AlikeCell:
    if bet is other:
        return AlikeCell(None)
    pair = (min(bet.symbol, other.symbol), max(bet.symbol, other.symbol))
    found = 1.0 if bet.symbol == other.symbol else known.get(pair)
    if found is None:
        return AlikeCell(None)
    value = found * bet.direction * other.direction
    depth = 3 if abs(value) >= _STRONG else 2 if abs(value) >= _MIDDLE else 1
    return AlikeCell(value, f"{'ca' if value > 0 else 'co'}{depth}")


_STRONG, _MIDDLE = 0.7, 0.4
