"""Exposure of dealers from a chain of contracts: gamma, delta, vanna and charm by strike, by expiry and in all.

Per contract, with S the price of the underlying and 100 shares a contract:

    GEX   = gamma x open interest x 100 x S^2 x 0.01     dollars of delta for a move of 1 %
    DEX   = delta x open interest x 100 x S              dollars; a put's delta is negative by itself
    vanna = vanna x open interest x 100 x S              dollars of delta for one point of volatility
    charm = charm x open interest x 100 x S              dollars of delta for one day that passes

Gamma, vanna and charm of puts count negative: dealers are taken to be long the calls and short the puts that customers
hold. `Convention` names the other readings that are published. Sources: S. Barbon and A. Buraschi, "Gamma fragility",
2020 (dollar gamma); SqueezeMetrics, "The implied order book" and "Gamma exposure", 2017 (shares, signs).

What says nothing of a contract (a NaN, no volatility, no open interest, an expiry that is over) leaves that contract
out of the sum that it is needed for; `counted` says how many are in. The rows of one chain are gone through once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from bot.domain.calendar import NEW_YORK

if TYPE_CHECKING:
    from bot.config.exposure import ExposureSettings

SHARES: Final = 100
DAYS_A_YEAR: Final = 365
BUSINESS_DAYS_A_YEAR: Final = 262
_ROOT_TWO, _ROOT_TWO_PI = math.sqrt(2), math.sqrt(2 * math.pi)
_CLOSE_HOUR: Final = 16
_FAR: Final = 9.0
"""Standard deviations beyond which a contract has no gamma that a sum of billions would show (1e-18 of the most)."""


class GammaUnit(StrEnum):
    """Of what move GEX is: of 1 % (x S^2 x 0.01), of one dollar (x S), or in shares for one dollar (SqueezeMetrics)."""

    PERCENT = "percent"
    POINT = "point"
    SHARES = "shares"


class Dealers(StrEnum):
    """What dealers are taken to hold: long the calls and short the puts, or short whatever customers hold."""

    LONG_CALLS_SHORT_PUTS = "long_calls_short_puts"
    SHORT_ALL = "short_all"


class GammaFrom(StrEnum):
    """Whose gamma: the one that is quoted beside the contract, or Black and Scholes' at the quoted volatility."""

    QUOTED = "quoted"
    MODEL = "model"


class FlipBy(StrEnum):
    """What the flip is: the price at which the chain re-priced there has no gamma, or where the sum of today's gamma
    over the strikes from the lowest up changes its sign."""

    REPRICED = "repriced"
    STRIKES = "strikes"


class DayCount(StrEnum):
    """How long a contract lives: to the second over 365 days, or in whole business days (at least one) over 262."""

    CALENDAR_365 = "calendar_365"
    BUSINESS_262 = "business_262"


@dataclass(frozen=True, slots=True)
class Convention:
    """One reading of dealers' exposure; the default is the vendor's and the field's."""

    unit: GammaUnit = GammaUnit.PERCENT
    dealers: Dealers = Dealers.LONG_CALLS_SHORT_PUTS
    gamma: GammaFrom = GammaFrom.QUOTED
    flip: FlipBy = FlipBy.REPRICED
    days: DayCount = DayCount.CALENDAR_365

    def scale(self, spot: float) -> float:
        """Return by what gamma x open interest x 100 is multiplied."""
        if self.unit is GammaUnit.PERCENT:
            return spot * spot * 0.01
        return spot if self.unit is GammaUnit.POINT else 1.0

    def signs(self) -> tuple[float, float]:
        """Return the signs of calls and of puts."""
        return (1.0, -1.0) if self.dealers is Dealers.LONG_CALLS_SHORT_PUTS else (-1.0, -1.0)


def convention_of(settings: ExposureSettings) -> Convention:
    """Return the reading that the settings choose."""
    return Convention(
        GammaUnit(settings.unit), Dealers(settings.dealers), GammaFrom(settings.gamma), FlipBy(settings.flip),
        DayCount(settings.days),
    )  # fmt: skip


class ListedOption(NamedTuple):
    """One contract as exposure needs it: volatility a year as a fraction, greeks a share; NaN where nothing is told."""

    expiry: date
    strike: float
    call: bool
    open_interest: float
    iv: float
    delta: float
    gamma: float
    volume: float = 0.0


@dataclass(slots=True)
class Sums:
    """Exposure of one strike, of one expiry or of a chain, in dollars as the module says; puts have their sign."""

    call_gex: float = 0.0
    put_gex: float = 0.0
    call_dex: float = 0.0
    put_dex: float = 0.0
    vanna: float = 0.0
    charm: float = 0.0
    call_interest: float = 0.0
    put_interest: float = 0.0

    def add(self, call: bool, gex: float, dex: float, vanna: float, charm: float, interest: float) -> None:
        """Add one contract's."""
        if call:
            self.call_gex += gex
            self.call_dex += dex
            self.call_interest += interest
        else:
            self.put_gex += gex
            self.put_dex += dex
            self.put_interest += interest
        self.vanna += vanna
        self.charm += charm

    def join(self, other: Sums) -> None:
        """Add another sum."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def gex(self) -> float:
        return self.call_gex + self.put_gex

    @property
    def dex(self) -> float:
        return self.call_dex + self.put_dex


@dataclass(frozen=True, slots=True)
class Walls:
    """The strikes with the most gamma of calls and of puts: above the one and below the other moves are damped."""

    call: float | None
    put: float | None


@dataclass(frozen=True, slots=True)
class ChainExposure:
    """A chain's exposure at one price. `counted` contracts have gamma in it, `seen` were looked at."""

    spot: float
    by_strike: dict[float, Sums]
    by_expiry: dict[date, Sums]
    total: Sums
    counted: int
    seen: int

    @property
    def is_empty(self) -> bool:
        return self.counted == 0

    @property
    def strikes(self) -> Sequence[float]:
        return sorted(self.by_strike)

    @property
    def pin(self) -> float | None:
        """The strike with the largest absolute GEX; of equal ones the nearest to the price, then the lower."""
        return self._most(lambda sums: abs(sums.gex))

    @property
    def walls(self) -> Walls:
        return Walls(
            self._most(lambda sums: abs(sums.call_gex)), self._most(lambda sums: abs(sums.put_gex))
        )  # fmt: skip

    def _most(self, size: Callable[[Sums], float]) -> float | None:
        found = [
            (-size(sums), abs(strike - self.spot), strike) for strike, sums in self.by_strike.items() if size(sums)
        ]
        return min(found)[2] if found else None


def years_to(expiry: date, now: datetime, days: DayCount = DayCount.CALENDAR_365) -> float:
    """Return how long a contract of an expiry still lives, in years of the count; 0 once it is over.

    To the second it ends at 16:00 New York of its day. In business days today counts and the expiry does not; one that
    ends today, or before the next business day, counts as one.
    """
    local = now.astimezone(NEW_YORK)
    if days is DayCount.BUSINESS_262:
        left = business_days(local.date(), expiry)
        return 0.0 if expiry < local.date() else max(left, 1) / BUSINESS_DAYS_A_YEAR
    end = local.replace(
        year=expiry.year, month=expiry.month, day=expiry.day, hour=_CLOSE_HOUR, minute=0, second=0, microsecond=0
    )
    return max((end - now).total_seconds(), 0.0) / (DAYS_A_YEAR * 86400)


def business_days(since: date, until: date) -> int:
    """Return the days from Monday to Friday from one date on, up to but without another; 0 where it is not later."""
    count = (until - since).days
    if count <= 0:
        return 0
    weeks, rest = divmod(count, 7)
    return weeks * 5 + sum((since + timedelta(days=weeks * 7 + n)).weekday() < 5 for n in range(rest))


def exposure(
    rows: Iterable[ListedOption],
    spot: float,
    now: datetime,
    convention: Convention = Convention(),
) -> ChainExposure:
    """Return a chain's exposure with its underlying at `spot`. A price that is none (NaN, zero) leaves all out."""
    by_strike: dict[float, Sums] = {}
    by_expiry: dict[date, Sums] = {}
    chain = by_expiry_of(rows)
    seen = sum(map(len, chain.values()))
    total = Sums()
    counted = 0
    if math.isfinite(spot) and spot > 0:
        for expiry, members in sorted(chain.items()):
            years = years_to(expiry, now, convention.days)
            by_expiry[expiry], with_gamma = _of_expiry(members, spot, years, convention, by_strike)
            total.join(by_expiry[expiry])
            counted += with_gamma
    return ChainExposure(spot, by_strike, by_expiry, total, counted, seen)


def by_expiry_of(rows: Iterable[ListedOption]) -> dict[date, list[ListedOption]]:
    """Return the contracts of each expiry."""
    chain: dict[date, list[ListedOption]] = {}
    for row in rows:
        members = chain.get(row[0])
        if members is None:
            members = chain[row[0]] = []
        members.append(row)
    return chain


def _of_expiry(
    rows: Sequence[ListedOption], spot: float, years: float, convention: Convention, by_strike: dict[float, Sums]
) -> tuple[Sums, int]:
    """Add the contracts of one expiry to their strikes; return their sum and how many of them have gamma."""
    counted, vannas, charms = 0, 0.0, 0.0  # of all: kept beside the loop, for a chain asks thousands of times
    calls, puts = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]  # GEX, DEX, open interest
    call_sign, put_sign = convention.signs()
    weigh, dollars = convention.scale(spot) * SHARES, spot * SHARES
    quoted = convention.gamma is GammaFrom.QUOTED
    for _, strike, call, interest, iv, delta, gamma, _ in rows:
        if not 0.0 < interest < math.inf:  # NaN neither
            continue
        shape = curvature(spot, strike, years, iv)
        curved = gamma if quoted and 0.0 <= gamma < math.inf else shape.gamma
        slope = delta if -1.0 <= delta <= 1.0 else shape.delta - (0.0 if call else 1.0)
        gex = (call_sign if call else put_sign) * curved * interest * weigh
        signed = (call_sign if call else put_sign) * interest * dollars
        dex, vanna, charm = slope * interest * dollars, signed * shape.vanna, signed * shape.charm
        sums = by_strike.get(strike)
        if sums is None:
            sums = by_strike[strike] = Sums()
        sums.add(call, gex, dex, vanna, charm, interest)
        side = calls if call else puts
        side[0] += gex
        side[1] += dex
        side[2] += interest
        vannas += vanna
        charms += charm
        counted += gex != 0.0
    whole = Sums(calls[0], puts[0], calls[1], puts[1], vannas, charms, calls[2], puts[2])
    return whole, counted


def gamma_by_strike(
    rows: Iterable[ListedOption], spot: float, years: float, convention: Convention
) -> dict[float, float]:
    """Return the GEX of each strike of one expiry, as `exposure` has it, and nothing else: where the contract's own
    gamma is quoted there is little to work out."""
    found: dict[float, float] = {}
    call_sign, put_sign = convention.signs()
    weigh, quoted = convention.scale(spot) * SHARES, convention.gamma is GammaFrom.QUOTED
    for _, strike, call, interest, iv, _, gamma, _ in rows:
        if not 0.0 < interest < math.inf:  # NaN neither
            continue
        curved = gamma if quoted and 0.0 <= gamma < math.inf else curvature(spot, strike, years, iv).gamma
        found[strike] = found.get(strike, 0.0) + (call_sign if call else put_sign) * curved * interest * weigh
    return found


class Curvature(NamedTuple):
    """Of a call a share: delta, gamma, vanna a point of volatility, charm a day. A put has the same but for its delta,
    which is one less."""

    delta: float
    gamma: float
    vanna: float
    charm: float


_ALL, _NONE = Curvature(1.0, 0.0, 0.0, 0.0), Curvature(0.0, 0.0, 0.0, 0.0)


def curvature(spot: float, strike: float, years: float, volatility: float) -> Curvature:
    """Return what `bot.analytics.greeks` says of a call, in one go: a chain asks for thousands. NaN or no volatility,
    and an expiry that is over, have nothing but the intrinsic value's delta."""
    spread = volatility * math.sqrt(years) if years > 0.0 else 0.0
    if not 0.0 < spread < math.inf or not strike > 0.0:
        return _ALL if spot > strike else _NONE
    d1 = math.log(spot / strike) / spread + spread / 2
    if d1 > _FAR or d1 < -_FAR:
        return _ALL if d1 > 0 else _NONE
    density = math.exp(-d1 * d1 / 2) / _ROOT_TWO_PI
    slope = density * (d1 - spread)
    return Curvature(
        0.5 * math.erfc(-d1 / _ROOT_TWO), density / (spot * spread), -slope / volatility / 100, slope / years / 730
    )
