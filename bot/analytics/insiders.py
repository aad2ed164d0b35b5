"""Insiders who act together: how many different people bought or sold of their own accord within two weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bot.domain.data.people import InsiderTrade

WITHIN: Final = timedelta(days=14)
CLUSTER: Final = 3
"""Different people on one side that are a cluster."""
KNOWN_FOR: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class InsiderCluster:
    """The most people on one side within two weeks. `count` is positive for buyers and negative for sellers; dollars
    are those of the same trades, `since` and `until` the first and last of them."""

    count: int
    dollars: float
    since: date
    until: date

    @property
    def is_cluster(self) -> bool:
        return abs(self.count) >= CLUSTER


def insider_cluster(trades: Iterable[InsiderTrade], symbol: str, today: date) -> InsiderCluster | None:
    """Return the largest group of insiders of a company on one side within 14 days, of what was filed by `today` and
    traded in the last 90 days; None where nobody bought or sold.

    Purchases and sales in the open market that no plan had fixed (codes P and S, not 10b5-1) count, each person once.
    Of equal groups the later one, then the larger in dollars. Source: that several insiders buy is told to mean more
    than that one does: H. Alldredge, D. Cicero, "Attentive insider trading", 2015; C. Kang, D. Kim, Q. Wang, "Cluster
    trading of corporate insiders", 2018.
    """
    known = [trade for trade in trades if trade.ticker == symbol and _counts(trade, today)]
    groups = [group for side in (1, -1) for group in _groups([t for t in known if t.shares * side > 0], side)]
    return max(groups, key=lambda each: (abs(each.count), each.until, abs(each.dollars)), default=None)


def _counts(trade: InsiderTrade, today: date) -> bool:
    if trade.code not in {"P", "S"} or trade.planned or not trade.shares:
        return False
    if trade.filed_on is None or trade.filed_on > today or trade.traded_on is None:
        return False
    return today - KNOWN_FOR <= trade.traded_on <= trade.filed_on


def _groups(trades: list[InsiderTrade], side: int) -> Iterable[InsiderCluster]:
    ordered = sorted(((trade.traded_on, trade) for trade in trades if trade.traded_on), key=lambda each: each[0])
    for first, _ in ordered:
        members = [(day, trade) for day, trade in ordered if first <= day < first + WITHIN]
        people = {trade.owner for _, trade in members}
        dollars = sum(float(trade.value or 0) for _, trade in members)
        yield InsiderCluster(side * len(people), dollars, first, members[-1][0])
