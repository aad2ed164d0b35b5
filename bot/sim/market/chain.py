"""What is listed: underlyings, expiries, strikes, and the open interest of the day.

Contract ids come from the SHA-256 of the local symbol, so that a contract keeps its id in every run and process.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.sim.market.noise import generator
from bot.sim.market.paths import Timeline
from bot.sim.market.rules import MARKET_RULES, PENNY_RULE, UnderlyingSpec, spec_of
from bot.sim.market.surface import Floats
from bot.sim.scenario import Scenario
from bot.sim.vocabulary import VenueInstrument

_DAILIES: Final = 5
_WEEKLIES: Final = 4
_MONTHLIES: Final = 3
_NEAR_SESSIONS: Final = 2  # sessions whose expiry lists every strike
_NEAR_REACH: Final = 0.04
_DENSE_REACH: Final = 0.025
_FAR_REACH: Final = 0.09
_EXPIRY_TIME: Final = time(16, 0)
_MORNING_SETTLEMENT: Final = time(9, 30)
_ID_BASE: Final = 500_000_000
_ID_SPAN: Final = 1_400_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """One expiry of one trading class; `ends` is when trading ends, in seconds of the timeline."""

    expiry: date
    root: str
    ends: float


@dataclass(frozen=True, slots=True)
class OptionUniverse:
    """Every option of one underlying. Arrays run parallel to `instruments`; `right` is +1 for calls, −1 for puts."""

    underlying: VenueInstrument
    spec: UnderlyingSpec
    instruments: Sequence[VenueInstrument]
    listings: Sequence[Listing]
    listing: NDArray[np.int64]
    strike: Floats
    right: Floats
    ends: Floats
    con_id: NDArray[np.int64]
    expiry: Sequence[str]  # ISO dates
    row_of: dict[int, int]


class IdBook:
    """Gives out contract ids, none twice."""

    def __init__(self) -> None:
        self._taken: dict[int, str] = {}

    def id_of(self, name: str) -> int:
        for attempt in range(64):
            digest = hashlib.sha256(f"{name}#{attempt}".encode()).digest()
            con_id = _ID_BASE + int.from_bytes(digest[:8], "big") % _ID_SPAN
            if self._taken.setdefault(con_id, name) == name:
                return con_id
        raise ValueError(f"no free contract id for {name}")


def local_symbol(root: str, expiry: date, right: str, strike: float) -> str:
    """Return the OSI symbol of 21 characters."""
    return f"{root:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"


def sessions_from(day: date, holidays: Iterable[date], count: int) -> list[date]:
    """Return the next `count` sessions, `day` included."""
    closed = frozenset(holidays)
    found: list[date] = []
    while len(found) < count:
        if day.weekday() < 5 and day not in closed:
            found.append(day)
        day += timedelta(days=1)
    return found


def _last_session(day: date, holidays: Sequence[date]) -> date:
    while day in holidays or day.weekday() >= 5:
        day -= timedelta(days=1)
    return day


def third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def monthlies_from(day: date, holidays: Sequence[date], count: int) -> list[date]:
    found: list[date] = []
    year, month = day.year, day.month
    while len(found) < count:
        expiry = _last_session(third_friday(year, month), holidays)
        if expiry >= day:
            found.append(expiry)
        year, month = (year + month // 12, month % 12 + 1)
    return found


def listings(scenario: Scenario, spec: UnderlyingSpec, line: Timeline) -> list[Listing]:
    """Return the expiries that trade: dailies of five sessions, four Fridays, three monthlies.

    An index's monthly class settles on its morning, so it does not trade on its expiry day; the weekly class expires
    that afternoon as on any other day.
    """
    day, holidays = line.day, scenario.holidays
    fridays = [_last_session(day + timedelta(days=(4 - day.weekday()) % 7 + 7 * week), holidays) for week in range(5)]
    monthlies = monthlies_from(day, holidays, _MONTHLIES + 1)
    weekly = {*sessions_from(day, holidays, _DAILIES), *[each for each in fridays if each >= day][:_WEEKLIES]}
    weekly |= set(monthlies[:_MONTHLIES])
    found = [_listing(scenario, line, each, spec.daily_root, _EXPIRY_TIME) for each in weekly]
    if spec.monthly_root != spec.daily_root:
        trading = [each for each in monthlies if each > day][:_MONTHLIES]
        found += [_listing(scenario, line, each, spec.monthly_root, _MORNING_SETTLEMENT) for each in trading]
    return sorted(found, key=lambda each: (each.expiry, each.root))


def _listing(scenario: Scenario, line: Timeline, expiry: date, root: str, at: time) -> Listing:
    if expiry == line.day:
        return Listing(expiry, root, float(line.close_index))
    ends = scenario.moment(at, expiry).astimezone(UTC)
    return Listing(expiry, root, (ends - line.origin).total_seconds())


def strikes(spec: UnderlyingSpec, spot: float, pin: float | None, *, near: bool) -> list[float]:
    """Return the strikes of one expiry: every step near the money, coarse ones beyond."""
    reach = _NEAR_REACH if near else _DENSE_REACH
    found = set(_grid(spot * (1 - reach), spot * (1 + reach), spec.strike_step))
    if not near:
        found |= set(_grid(spot * (1 - _FAR_REACH), spot * (1 + _FAR_REACH), spec.far_step))
    if pin is not None:
        found.add(pin)
    return sorted(found)


def _grid(low: float, high: float, step: float) -> list[float]:
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def underlying_instrument(symbol: str, ids: IdBook) -> VenueInstrument:
    spec = spec_of(symbol)
    return VenueInstrument(
        con_id=ids.id_of(symbol),
        symbol=symbol,
        sec_type=spec.sec_type,
        exchange=spec.exchange,
        primary_exchange=spec.primary_exchange,
        local_symbol=symbol,
        trading_class=symbol,
        market_rule_id=PENNY_RULE,
        long_name=spec.long_name,
    )


def build_universe(scenario: Scenario, symbol: str, line: Timeline, ids: IdBook) -> OptionUniverse:
    """List the options of one underlying."""
    script, spec = scenario.symbols[symbol], spec_of(symbol)
    underlying = underlying_instrument(symbol, ids)
    listed = listings(scenario, spec, line)
    near = set(sessions_from(line.day, scenario.holidays, _NEAR_SESSIONS))
    instruments: list[VenueInstrument] = []
    listing: list[int] = []
    for number, each in enumerate(listed):
        for strike in strikes(spec, script.open, script.pin, near=each.expiry in near):
            for right in "CP":
                instruments.append(_option(underlying, spec, each, strike, right, ids))
                listing.append(number)
    numbers = np.array(listing, dtype=np.int64)
    return OptionUniverse(
        underlying=underlying,
        spec=spec,
        instruments=instruments,
        listings=listed,
        listing=numbers,
        strike=np.array([float(each.strike or 0) for each in instruments]),
        right=np.array([1.0 if each.right == "C" else -1.0 for each in instruments]),
        ends=np.array([each.ends for each in listed])[numbers],
        con_id=np.array([each.con_id for each in instruments], dtype=np.int64),
        expiry=[listed[number].expiry.isoformat() for number in listing],
        row_of={each.con_id: row for row, each in enumerate(instruments)},
    )


def _option(
    underlying: VenueInstrument, spec: UnderlyingSpec, listing: Listing, strike: float, right: str, ids: IdBook
) -> VenueInstrument:
    local = local_symbol(listing.root, listing.expiry, right, strike)
    return VenueInstrument(
        con_id=ids.id_of(local),
        symbol=underlying.symbol,
        sec_type="OPT",
        exchange="SMART",
        primary_exchange="CBOE",
        local_symbol=local,
        trading_class=listing.root,
        multiplier=100,
        expiry=listing.expiry,
        strike=Decimal(f"{strike:g}"),
        right=right,
        min_tick=MARKET_RULES[spec.option_rule][0][1],
        market_rule_id=spec.option_rule,
        long_name=underlying.long_name,
        under_con_id=underlying.con_id,
    )


def open_interest(universe: OptionUniverse, spot: float, pin: float | None, seed: int) -> Floats:
    """Return contracts open per option before any pin: a bell around the money, more on round strikes and monthlies.

    Calls sit above the money and puts below, as covered calls and protective puts do.
    """
    rng = generator(seed, universe.underlying.symbol, "open interest")
    days = np.maximum(universe.ends / 86_400.0, 0.3)
    width = 0.012 + 0.009 * np.sqrt(days)
    x = np.log(universe.strike / spot) / width - 0.35 * universe.right
    base = universe.spec.open_interest * np.exp(-0.5 * x * x) * (0.4 + np.minimum(days, 30.0) / 12.0)
    step = universe.spec.far_step
    roundness = np.where(universe.strike % (2 * step) == 0, 3.0, np.where(universe.strike % step == 0, 1.8, 1.0))
    noise = rng.lognormal(0.0, 0.35, len(universe.instruments))
    return np.maximum(np.round(base * roundness * noise), 1.0)


def years_left(ends: float, index: float) -> float:
    """Return the time to the end of trading, in years of 365 days, never below a second."""
    return max(ends - index, 1.0) / (365.0 * 86_400.0)
