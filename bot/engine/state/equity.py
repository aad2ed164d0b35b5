"""What the account is worth: the broker's word, how old it is, and what has been won and lost since.

Context: the broker tells NetLiquidation every three minutes or when a position changed, and a day can be lost in one;
profit and loss come every second. The word may be old, zero while the account is being reset, or in another currency;
and cash that is paid in or out is neither profit nor loss. Decision: equity is the last sound word plus the change of
P&L since, none once the word is older than its limit. Consequence: a fall trips within seconds, nobody trades on
yesterday's value, and a deposit or withdrawal moves the day's first equity and the high water along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.domain.events import AccountReported
from bot.domain.order import Execution, OrderSide

DOLLARS: Final = "USD"
STALE: Final = "EQUITY_STALE"
OTHER_CURRENCY: Final = "EQUITY_NOT_IN_DOLLARS"
UNKNOWN: Final = "EQUITY_UNKNOWN"
_AGREES: Final = Decimal("0.5")
"""What equity gained beyond P&L may differ by so much of what cash gained beyond trades: the two are not told at one
instant."""

Worth = Mapping[str, Decimal]
"""Position -> dollars won or lost with it so far, realized and open."""


@dataclass(frozen=True, slots=True)
class ValueFault:
    """Why there is no equity: a code, words, numbers."""

    code: str
    words: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Dollars that came in (negative: that left) without a trade and without P&L."""

    amount: Decimal
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Equity:
    """The broker's last sound word and what was known at that moment. `worth` is the ledger's at `told_at`."""

    told: Decimal | None = None
    told_at: datetime | None = None
    currency: str = DOLLARS
    latest: AccountReported | None = None
    at_word: AccountReported | None = None
    worth: dict[str, Decimal] = field(default_factory=dict)
    kept: AccountReported | None = None  # by the store before a start; None once the first word was compared with it

    def hear(self, event: AccountReported, worth: Callable[[], Worth]) -> AccountReported | None:
        """Take a report. Returns the one of the word before when this one brings a new word, for the two to be
        compared."""
        self.latest, self.currency = event, event.currency
        value = event.net_liquidation
        if value is None or value <= 0 or event.currency != DOLLARS:
            return None
        if self.told_at is not None and event.at < self.told_at:
            return None
        if self.told_at == event.at and self.told == value:
            return None
        before, self.at_word = self.at_word, event
        self.told, self.told_at, self.worth = value, event.at, dict(worth())
        return before

    def fault(self, now: datetime, most_s: float) -> ValueFault | None:
        """Return why there is no equity now, None when there is."""
        if self.currency != DOLLARS:
            words = f"the account is kept in {self.currency}: only an account in dollars is traded"
            return ValueFault(OTHER_CURRENCY, words, {"currency": self.currency})
        if self.told is None or self.told_at is None:
            return ValueFault(UNKNOWN, "the broker has not told the account's value yet", {})
        age_s = (now - self.told_at).total_seconds()
        if age_s <= most_s:
            return None
        facts = {"age_s": round(age_s, 1), "max_s": most_s, "told": self.told, "told_at": self.told_at}
        return ValueFault(
            STALE, f"the account's value of {self.told:,.2f} is {age_s:.0f} s old, over {most_s:g} s", facts
        )

    def estimate(self, now: datetime, worth: Callable[[], Worth], pnl_most_s: float) -> Decimal | None:
        """Return the last word plus what P&L has changed since: the broker's P&L while that is fresh, else the marks
        of our own positions."""
        if self.told is None or self.at_word is None or self.latest is None:
            return self.told
        change = None
        at = self.latest.pnl_at
        if at is not None and (now - at).total_seconds() <= pnl_most_s:
            change = pnl_change(self.at_word, self.latest)
        return self.told + (self._by_marks(worth()) if change is None else change)

    def _by_marks(self, worth: Worth) -> Decimal:
        return sum((now - self.worth.get(key, Decimal(0)) for key, now in worth.items()), Decimal(0))


def pnl_change(before: AccountReported, after: AccountReported) -> Decimal | None:
    """Return the change of the day's P&L, else of realized and unrealized together; None where neither is known."""
    if before.daily_pnl is not None and after.daily_pnl is not None:
        return after.daily_pnl - before.daily_pnl
    parts = (before.realized_pnl, before.unrealized_pnl, after.realized_pnl, after.unrealized_pnl)
    if any(part is None for part in parts):
        return None
    realized, unrealized, now_realized, now_unrealized = (part or Decimal(0) for part in parts)
    return now_realized + now_unrealized - realized - unrealized


def cash_flow(
    before: AccountReported,
    after: AccountReported,
    fills: Sequence[tuple[Execution, int, Decimal]],
    least: Decimal,
    slack: timedelta = timedelta(0),
) -> CashFlow | None:
    """Return what was paid in or out between two words of the broker's: equity changed beyond P&L, and cash beyond
    trades, by about as much. Both are needed: a loss whose P&L is not told moves no cash, a purchase no equity.

    `fills`: executions with their multiplier and commission, between the two. `least`: dollars from which on it counts.
    A fill within `slack` of one of the two words may be in it or not: it counts where that brings cash and equity
    together.
    """
    gained = pnl_change(before, after)
    values = (before.net_liquidation, after.net_liquidation, before.cash, after.cash, gained)
    if any(value is None for value in values):
        return None
    equity_before, equity, cash_before, cash, gained = (value or Decimal(0) for value in values)
    jump = equity - equity_before - gained
    doubtful = [each for each in fills if not before.at + slack < each[0].executed_at <= after.at - slack]
    traded = sum((_cash_of(*each) for each in fills if each not in doubtful), Decimal(0))
    for each in doubtful:
        traded = min(traded, traded + _cash_of(*each), key=lambda sum_: abs(cash - cash_before - sum_ - jump))
    moved = cash - cash_before - traded
    if abs(moved) < least or abs(jump - moved) > _AGREES * abs(moved):
        return None
    facts = {"equity": equity, "before": equity_before, "pnl": gained, "cash": cash, "cash_before": cash_before}
    return CashFlow(moved, {**facts, "traded": traded})


def _cash_of(execution: Execution, multiplier: int, commission: Decimal) -> Decimal:
    paid = execution.price * execution.quantity * multiplier
    return (paid if execution.side is OrderSide.SELL else -paid) - commission


def between(executions: Iterable[Execution], begin: datetime, end: datetime, slack: timedelta) -> list[Execution]:
    """Return the executions between two moments, and those so near to one that they may belong."""
    return [each for each in executions if begin - slack < each.executed_at <= end + slack]
