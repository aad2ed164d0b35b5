"""What the account is worth: the broker's word, how old it is, and what has been won and lost since.

Context: the broker tells NetLiquidation every three minutes or when a position changed, and a day can be lost in one;
profit and loss come every second. The word may be old, zero while the account is being reset, or in another currency;
and cash that is paid in or out is neither profit nor loss. Decision: equity is the last sound word plus the change of
P&L since, none once the word is older than its limit. Consequence: a fall trips within seconds, nobody trades on
yesterday's value, and a deposit or withdrawal moves the day's first equity and the high water along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from bot.domain.events.account import AccountReported
from bot.domain.order import Execution, OrderSide

DOLLARS: Final = "USD"
STALE: Final = "EQUITY_STALE"
OTHER_CURRENCY: Final = "EQUITY_NOT_IN_DOLLARS"
UNKNOWN: Final = "EQUITY_UNKNOWN"
_AGREES: Final = Decimal("0.5")
"""What equity gained beyond P&L may differ by so much of what cash gained beyond trades: the two are not told at one
instant."""

_MOST_EDGES: Final = 10
"""Fills of which it is not known whether a word holds them; each doubles what is possible."""

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
    by_marks: Decimal = Decimal(0)  # what our positions brought between the last two words, by their quotes

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
        now = dict(worth())
        self.by_marks = self._by_marks(now)
        self.told, self.told_at, self.worth = value, event.at, now
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
    gained: Decimal | None = None,
) -> CashFlow | None:
    """Return what was paid in or out between two words of the broker's: equity changed beyond P&L, and cash beyond
    trades, by about as much. Both are needed: a loss whose P&L is not told moves no cash, a purchase no equity.

    `fills`: executions with their multiplier and commission, between the two. `least`: dollars from which on it counts.
    A fill within `slack` of one of the two words may be in it or not. Where some of these explain what cash did,
    nothing was paid: two clocks apart are likelier than a deposit of a fill's very sum. Else those count that bring
    cash and equity together. `gained`: what was won in between, where the P&L of the two words is not of their time.
    """
    gained = pnl_change(before, after) if gained is None else gained
    values = (before.net_liquidation, after.net_liquidation, before.cash, after.cash, gained)
    if any(value is None for value in values):
        return None
    equity_before, equity, cash_before, cash, gained = (value or Decimal(0) for value in values)
    jump = equity - equity_before - gained
    sums = _sums(fills, before.at + slack, after.at - slack)
    if any(abs(cash - cash_before - traded) < least for traded in sums):
        return None
    traded = min(sums, key=lambda each: abs(cash - cash_before - each - jump))
    moved = cash - cash_before - traded
    if abs(jump - moved) > _AGREES * abs(moved):
        return None
    facts = {"equity": equity, "before": equity_before, "pnl": gained, "cash": cash, "cash_before": cash_before}
    return CashFlow(moved, {**facts, "traded": traded})


def _sums(fills: Sequence[tuple[Execution, int, Decimal]], begin: datetime, end: datetime) -> list[Decimal]:
    """Return what cash may have changed by with these fills: those after `begin` and up to `end` count, of the others
    any may. Of very many it is only asked from which on, and up to which, they do."""
    certain = sum((_cash_of(*each) for each in fills if begin < each[0].executed_at <= end), Decimal(0))
    edges = [each for each in fills if not begin < each[0].executed_at <= end]
    if len(edges) > _MOST_EDGES:
        ordered = sorted(fills, key=lambda each: each[0].executed_at)
        upto = [Decimal(0), *accumulate(_cash_of(*each) for each in ordered)]
        return [last - first for i, first in enumerate(upto) for last in upto[i:]]
    sums = {certain}
    for each in edges:
        sums |= {traded + _cash_of(*each) for traded in sums}
    return sorted(sums)


def _cash_of(execution: Execution, multiplier: int, commission: Decimal) -> Decimal:
    paid = execution.price * execution.quantity * multiplier
    return (paid if execution.side is OrderSide.SELL else -paid) - commission
