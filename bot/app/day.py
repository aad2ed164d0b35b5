"""The day in a few lines: trades, P&L, win rate, slippage, messages that matter, invariants. Read from the store
alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.store.audit import head_of
from bot.store.chain import BEGINNING, Head
from bot.store.database import open_reader
from bot.store.heads import verified_head
from bot.store.invariants import Finding, check_invariants

_TRADES = """
SELECT symbol, "right", strike, entry_quantity, entry_price / 10000.0 AS entry, realized_pnl / 10000.0 AS pnl,
       close_reason, state, valuation
FROM position WHERE session_day = :day OR closed_at IS NULL ORDER BY opened_at
"""
_SLIPPAGE = """
SELECT AVG(CASE WHEN o.side = 'BUY' THEN e.price - o.mid_at_decision ELSE o.mid_at_decision - e.price END) / 10000.0
FROM execution e JOIN broker_order o ON o.id = e.order_id
WHERE o.mid_at_decision IS NOT NULL AND o.purpose != 'protect' AND substr(e.executed_at, 1, 10) = :day
"""


@dataclass(frozen=True)
class DaySummary:
    """What a day came to; money in dollars."""

    day: date
    trades: Sequence[Mapping[str, Any]]
    slippage_per_share: float | None
    findings: Sequence[Finding]
    head: Head

    @property
    def realized(self) -> float:
        return round(sum(float(t["pnl"]) for t in self.trades), 2)

    @property
    def wins(self) -> int:
        return sum(float(t["pnl"]) > 0 for t in self.trades)

    @property
    def sound(self) -> bool:
        return all(finding.ok for finding in self.findings)


def summarize(url: str, day: date, since: Head = BEGINNING) -> DaySummary:
    """Read a day from the store; up to `since` the chain was verified before."""
    with open_reader(url) as reader:
        trades = [dict(row._mapping) for row in reader.execute(text(_TRADES), {"day": day.isoformat()})]
        slippage = reader.execute(text(_SLIPPAGE), {"day": day.isoformat()}).scalar()
    return DaySummary(day, trades, slippage, check_invariants(url, since=since), head_of(url))


def answer(question: Mapping[str, str]) -> list[str]:
    """Return a day's lines, asked for by `url`, `day` and the file of `heads` (see `bot.app.apart`)."""
    since = verified_head(question["url"], Path(question["heads"])) if question["heads"] else BEGINNING
    return lines(summarize(question["url"], date.fromisoformat(question["day"]), since))


def lines(summary: DaySummary) -> list[str]:
    """Return the day as the trader reads it at the close."""
    out = [f"The day {summary.day}", f"  trades      {len(summary.trades)}"]
    for t in summary.trades:
        what = f"{t['symbol']:<5} {t['strike'] / 10000:g}{t['right']}  {t['entry_quantity']:>3} at {t['entry']:.2f}"
        out.append(f"    {what}  {t['pnl']:>+10,.2f}  {_how_it_ended(t)}")
    out.append(f"  P&L         {summary.realized:+,.2f} (commissions included)")
    if summary.trades:
        out.append(f"  win rate    {summary.wins} of {len(summary.trades)} ({summary.wins / len(summary.trades):.0%})")
    if summary.slippage_per_share is not None:
        out.append(f"  slippage    {summary.slippage_per_share:+.4f} a share against the mid at decision")
    broken = [f"{f.invariant}: {f.detail}" for f in summary.findings if not f.ok]
    held = len(summary.findings) - len(broken)
    out.append(f"  invariants  {held} of {len(summary.findings)} hold")
    out.extend(f"    BROKEN {words}" for words in broken)
    out.append(f"  history     {summary.head.seq} transitions, head {summary.head.hash}")
    return out


def _how_it_ended(trade: Mapping[str, Any]) -> str:
    """Return reason or state, and for what somebody else sold what its value rests on."""
    words = str(trade["close_reason"] or trade["state"])
    return f"{words}, sold elsewhere: {trade['valuation']}" if trade["valuation"] else words
