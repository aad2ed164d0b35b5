"""Option flow: how what is bought changes, and whether those who file their trades disagree with it.

Amounts are dollars of premium: what was bought of calls less what was bought of puts, ask side less bid side.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Final

from bot.domain.data.flow import NetPremiumTick
from bot.domain.data.people import CongressTrade, Dealing, InsiderTrade

WINDOWS: Final = (5, 15, 60)
"""Minutes over which momentum is told."""
TREND_DAYS: Final = 3
TOLD_ABOVE: Final = 2.0
"""Standard deviations from which a divergence is told."""
FILED_WITHIN: Final = timedelta(days=30)
_FEWEST_TRADES: Final = 3
_FEWEST_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Momentum:
    """Of one window of `minutes`: `change` is what was bought in it, dollars; `acceleration` that less what was bought
    in the window before, None where the day is not that old yet."""

    minutes: int
    change: float
    acceleration: float | None


def net_of(tick: NetPremiumTick) -> float:
    """Return what was bought of calls less what was bought of puts in a minute, dollars."""
    return tick.net_call_premium - tick.net_put_premium


def momentum(ticks: Sequence[NetPremiumTick], now: datetime, windows: Sequence[int] = WINDOWS) -> dict[int, Momentum]:
    """Return momentum by window, in minutes; a window that is longer than what is known is not there.

    With C(t) the sum of net premium to t: change = C(now) - C(now - w), acceleration = change - (C(now - w) - C(now -
    2 w)). A minute counts once it is over; minutes that are no numbers count nothing.
    """
    known = sorted((tick for tick in ticks if tick.at < now and math.isfinite(net_of(tick))), key=lambda tick: tick.at)
    if not known:
        return {}
    times = [tick.at for tick in known]
    sums = [0.0, *accumulate(net_of(tick) for tick in known)]
    end = times[-1] + timedelta(minutes=1)
    age = (end - times[0]).total_seconds() / 60

    def until(minutes_ago: int) -> float:
        return sums[bisect_right(times, end - timedelta(minutes=minutes_ago, seconds=1))]

    found = {}
    for minutes in windows:
        if age >= minutes:
            change = sums[-1] - until(minutes)
            before = until(minutes) - until(2 * minutes) if age >= 2 * minutes else None
            found[minutes] = Momentum(minutes, change, None if before is None else change - before)
    return found


def trend(daily: Sequence[tuple[date, float]], days: int = TREND_DAYS) -> float | None:
    """Return the slope of daily net premium over the last days, as a share of its mean size a day: above 0 more is
    bought each day. None with fewer days, or without any premium.

    Ordinary least squares of the amounts on 0, 1, 2; +1 is a rise by the mean absolute amount every day.
    """
    last = [amount for _, amount in sorted(daily) if math.isfinite(amount)][-days:]
    size = math.fsum(map(abs, last)) / days
    if len(last) < days or size <= 0:
        return None
    middle = (days - 1) / 2
    above = math.fsum((n - middle) * amount for n, amount in enumerate(last))
    return above / math.fsum((n - middle) ** 2 for n in range(days)) / size


# ---- smart money against the crowd


@dataclass(frozen=True, slots=True)
class Lean:
    """Which way money went: `share` is (bought - sold) / (bought + sold), -1 to 1; `error` its standard error."""

    share: float
    error: float
    count: int


@dataclass(frozen=True, slots=True)
class Divergence:
    """`z`: by how many standard errors those who file their trades lean otherwise than the option flow; above 0 they
    buy where the crowd sells."""

    z: float
    smart: Lean
    crowd: Lean

    @property
    def is_told(self) -> bool:
        return abs(self.z) > TOLD_ABOVE


def lean_of(signed: Iterable[float], least: int) -> Lean | None:
    """Return the lean of signed dollars, None with fewer than `least` of them.

    Weighted by dollars the share has the variance (1 - share^2) / n, with n = (sum w)^2 / sum w^2 the effective number
    (L. Kish, "Survey Sampling", 1965, ch. 8). A unanimous few are no certainty: one more on either side is added, as
    Agresti and Coull (1998) do for a proportion.
    """
    weights = [amount for amount in signed if math.isfinite(amount) and amount]
    if len(weights) < least:
        return None
    whole = math.fsum(map(abs, weights))
    effective = whole**2 / math.fsum(w * w for w in weights)
    share = math.fsum(weights) / whole
    damped = share * effective / (effective + 2)
    return Lean(share, math.sqrt((1 - damped * damped) / (effective + 2)), len(weights))


def divergence(smart: Lean, crowd: Lean) -> Divergence:
    """Return the two-sample z of their shares: (smart - crowd) / sqrt(error^2 + error^2)."""
    return Divergence((smart.share - crowd.share) / math.hypot(smart.error, crowd.error), smart, crowd)


def smart_lean(
    congress: Iterable[CongressTrade], insiders: Iterable[InsiderTrade], symbol: str, today: date
) -> Lean | None:
    """Return how members of Congress and insiders lean in a stock by what was filed in the last thirty days; None with
    fewer than three such trades. A trade counts from the day it was filed."""
    since = today - FILED_WITHIN
    signed = [*_of_congress(congress, symbol, since, today), *_of_insiders(insiders, symbol, since, today)]
    return lean_of(signed, _FEWEST_TRADES)


def crowd_lean(ticks: Iterable[NetPremiumTick]) -> Lean | None:
    """Return how the option flow of the session leans, a minute an observation; None under a quarter of an hour."""
    return lean_of((net_of(tick) for tick in ticks), _FEWEST_MINUTES)


def congress_dollars(trade: CongressTrade) -> float:
    """Return signed dollars of a filed trade: the middle of its range, its lower end where that is open; 0 for what is
    neither bought nor sold."""
    sign = {Dealing.BUY: 1.0, Dealing.SELL: -1.0}.get(trade.dealing, 0.0)
    least, most = trade.least, trade.most
    if least is None:
        return sign * float(most or 0) / 2
    return sign * (float(least) if most is None else (float(least) + float(most)) / 2)


def _of_congress(trades: Iterable[CongressTrade], symbol: str, since: date, today: date) -> Iterable[float]:
    for trade in trades:
        if trade.ticker == symbol and trade.filed_on is not None and since <= trade.filed_on <= today:
            yield congress_dollars(trade)


def _of_insiders(trades: Iterable[InsiderTrade], symbol: str, since: date, today: date) -> Iterable[float]:
    for trade in trades:
        filed = trade.filed_on
        chosen = trade.code in {"P", "S"} and not trade.planned
        if (
            chosen
            and trade.ticker == symbol
            and filed is not None
            and since <= filed <= today
            and trade.value is not None
        ):
            yield float(trade.value)
