"""What closed trades came to: pure functions, each figure defined once, for page, command line, chats and reports.

- P&L of a trade: dollars, realized, net of every commission paid (`Position.realized_pnl`)
- won / lost: a P&L above / below zero; a trade at exactly zero is neither
- expectancy: mean P&L a trade, dollars
- profit factor: dollars won over dollars lost, a pure number; None with fewer than FEWEST trades, or nothing lost
- Sharpe ratio: mean over sample standard deviation of the daily returns, times the square root of 252, with a riskless
  rate of zero (W. F. Sharpe, "The Sharpe Ratio", 1994); a day's return is its P&L over the equity at its start, and
  days without a trade count as zero. None with fewer than FEWEST_DAYS days, or when every day is alike
- drawdown: how far the equity lies below its highest so far, as a fraction of that highest (0 or negative)
- best / worst (MFE / MAE): the highest and lowest price seen while held, as a fraction of the entry price
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.domain.instruments import OptionContract
from bot.domain.money import ZERO, to_cents

FEWEST: Final = 10
FEWEST_DAYS: Final = 20
DAYS_A_YEAR: Final = 252


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One trade that is over; money in dollars, `premium` paid for all of it, `day` that of its close in New York.
    `mfe` and `mae`: the best and the worst price while it was held, as fractions of its entry price; `slippage`:
    dollars that its orders cost against the mid at their decision, a cost above 0; None where nothing was measured."""

    id: str
    strategy: str
    symbol: str
    contracts: int
    premium: Decimal
    pnl: Decimal
    fees: Decimal
    opened_at: datetime
    closed_at: datetime
    day: date
    reason: str
    mfe: Decimal | None = None
    mae: Decimal | None = None
    slippage: Decimal | None = None

    @property
    def held(self) -> timedelta:
        return self.closed_at - self.opened_at


@dataclass(frozen=True, slots=True)
class Figures:
    """What some trades came to together; dollars, None where there is nothing to tell."""

    trades: int
    wins: int
    losses: int
    pnl: Decimal
    fees: Decimal
    contracts: int
    win_rate: Decimal | None
    expectancy: Decimal | None
    factor: Decimal | None
    mean_win: Decimal | None
    mean_loss: Decimal | None
    best: Decimal | None
    worst: Decimal | None


def figures(trades: Iterable[ClosedTrade]) -> Figures:
    """Return what trades came to."""
    known = list(trades)
    won = [trade.pnl for trade in known if trade.pnl > 0]
    lost = [trade.pnl for trade in known if trade.pnl < 0]
    pnl = sum((trade.pnl for trade in known), ZERO)
    return Figures(
        trades=len(known),
        wins=len(won),
        losses=len(lost),
        pnl=pnl,
        fees=sum((trade.fees for trade in known), ZERO),
        contracts=sum(trade.contracts for trade in known),
        win_rate=Decimal(len(won)) / len(known) if known else None,
        expectancy=pnl / len(known) if known else None,
        factor=profit_factor([trade.pnl for trade in known]),
        mean_win=sum(won, ZERO) / len(won) if won else None,
        mean_loss=sum(lost, ZERO) / len(lost) if lost else None,
        best=max((trade.pnl for trade in known), default=None),
        worst=min((trade.pnl for trade in known), default=None),
    )


@dataclass(frozen=True, slots=True)
class SignalQuality:
    """How good the signals behind some trades were, beside their `figures`: `sharpe` of their daily returns, means of
    best and worst price while held, as fractions of the entry, over `measured` trades; dollars of slippage a trade over
    `slipped` trades; how long they were held in the mean. None where there is nothing to tell."""

    figures: Figures
    sharpe: float | None
    mfe: Decimal | None
    mae: Decimal | None
    measured: int
    slippage: Decimal | None
    slipped: int
    held: timedelta | None


def signal_quality(
    trades: Iterable[ClosedTrade], days: Iterable[date] = (), start: Decimal | None = None
) -> SignalQuality:
    """Return how good the signals behind trades were; `days` are those on which there could have been any, `start` the
    equity before the first: without it there is no Sharpe ratio."""
    known = list(trades)
    best = [trade.mfe for trade in known if trade.mfe is not None]
    worst = [trade.mae for trade in known if trade.mae is not None]
    slipped = [trade.slippage for trade in known if trade.slippage is not None]
    return SignalQuality(
        figures=figures(known),
        sharpe=sharpe(curve(daily(known, days), start)),
        mfe=sum(best, ZERO) / len(best) if best else None,
        mae=sum(worst, ZERO) / len(worst) if worst else None,
        measured=min(len(best), len(worst)),
        slippage=sum(slipped, ZERO) / len(slipped) if slipped else None,
        slipped=len(slipped),
        held=sum((trade.held for trade in known), timedelta()) / len(known) if known else None,
    )


def profit_factor(pnls: Sequence[Decimal]) -> Decimal | None:
    """Return dollars won over dollars lost, None with too few trades or nothing lost."""
    lost = -sum((pnl for pnl in pnls if pnl < 0), ZERO)
    if len(pnls) < FEWEST or not lost:
        return None
    return sum((pnl for pnl in pnls if pnl > 0), ZERO) / lost


def daily(trades: Iterable[ClosedTrade], days: Iterable[date] = ()) -> dict[date, Decimal]:
    """Return the P&L of each New York day on which a trade was closed, zero for the other `days`, in order."""
    found: dict[date, Decimal] = dict.fromkeys(days, ZERO)
    for trade in trades:
        found[trade.day] = found.get(trade.day, ZERO) + trade.pnl
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The end of a day: its P&L, the sum since the beginning, equity and drawdown (None without a known equity).
    `fall` is the sum's distance to its highest so far, in dollars."""

    day: date
    pnl: Decimal
    total: Decimal
    fall: Decimal
    equity: Decimal | None
    drawdown: Decimal | None


def curve(by_day: Mapping[date, Decimal], start: Decimal | None) -> list[CurvePoint]:
    """Return the cumulative curve; `start` is the equity before the first day."""
    found, total, highest = [], ZERO, ZERO
    for day, pnl in by_day.items():
        total += pnl
        highest = max(highest, total)
        equity = None if start is None else start + total
        drawdown = None if start is None or start + highest <= 0 else (total - highest) / (start + highest)
        found.append(CurvePoint(day, pnl, total, total - highest, equity, drawdown))
    return found


def sharpe(points: Sequence[CurvePoint]) -> float | None:
    """Return the yearly Sharpe ratio of daily returns, None where it says nothing."""
    returns = [float(p.pnl / (p.equity - p.pnl)) for p in points if p.equity is not None and p.equity - p.pnl > 0]
    if len(returns) < FEWEST_DAYS:
        return None
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    return None if variance < 1e-18 else mean / math.sqrt(variance) * math.sqrt(DAYS_A_YEAR)


def worst_drawdown(points: Sequence[CurvePoint]) -> Decimal | None:
    """Return the deepest drawdown as a fraction (0 or negative), None without a known equity."""
    return min((p.drawdown for p in points if p.drawdown is not None), default=None)


def _hour(trade: ClosedTrade) -> str:
    return f"{trade.opened_at.astimezone(NEW_YORK):%H}:00"


def _week(trade: ClosedTrade) -> str:
    return (trade.day - timedelta(days=trade.day.weekday())).isoformat()


GROUPINGS: Final[Mapping[str, Callable[[ClosedTrade], str]]] = MappingProxyType(
    {
        "strategy": lambda trade: trade.strategy,
        "symbol": lambda trade: trade.symbol,
        "hour": _hour,
        "reason": lambda trade: trade.reason,
        "day": lambda trade: trade.day.isoformat(),
        "week": _week,
        "month": lambda trade: f"{trade.day:%Y-%m}",
    }
)
"""By what trades are counted together: a week by its Monday, an hour by New York's clock at the entry."""
IN_TIME: Final = frozenset({"hour", "day", "week", "month"})


def grouped(trades: Iterable[ClosedTrade], by: str) -> list[tuple[str, Figures]]:
    """Return the figures of each group: those of time in its order, the others by P&L, the best first."""
    rows = [(name, figures(group)) for name, group in groups(trades, by).items()]
    return (
        sorted(rows, key=lambda row: row[0]) if by in IN_TIME else sorted(rows, key=lambda row: (-row[1].pnl, row[0]))
    )


def groups(trades: Iterable[ClosedTrade], by: str) -> dict[str, list[ClosedTrade]]:
    """Return the trades of each group, as they came."""
    found: dict[str, list[ClosedTrade]] = {}
    for trade in trades:
        found.setdefault(GROUPINGS[by](trade), []).append(trade)
    return found


def brought_at_expiry(contract: OptionContract, quantity: int, price: Decimal, underlying: Decimal) -> Decimal:
    """Return the dollars that contracts bought at a price a share would come to if they were held to their expiry with
    the underlying there: (intrinsic value - price) x quantity x multiplier, before fees. No exit plan is followed."""
    return to_cents((contract.intrinsic(underlying) - price) * quantity * contract.multiplier)
