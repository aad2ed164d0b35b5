"""The day in a few lines: trades, P&L, win rate, slippage, invariants. Read from the store alone, by the one room that
reads."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from bot.app.job_process import serve
from bot.domain.instruments import option_of_key
from bot.domain.money import ZERO
from bot.domain.wording import dollars, key_words, new_york, price, signed
from bot.store.database import open_reader
from bot.store.invariants import Finding, check_invariants
from bot.store.read.money import DayMoney, Slippage, money_of_day, slippage_of_day
from bot.store.read.trading import PositionRow, closed_positions, open_positions

_ALL: Final = 1_000_000


@dataclass(frozen=True)
class DaySummary:
    """What a day came to; money in dollars. `trades`: those closed today and those still open, oldest first."""

    day: date
    trades: Sequence[PositionRow]
    money: DayMoney
    slippage: Slippage | None
    findings: Sequence[Finding]

    @property
    def sound(self) -> bool:
        return all(finding.ok for finding in self.findings)


def summarize(url: str, day: date, *, with_invariants: bool = True) -> DaySummary:
    """Read a day from the store."""
    with open_reader(url) as reader:
        trades = [*closed_positions(reader, day, _ALL), *open_positions(reader)]
        money, slippage = money_of_day(reader, day), slippage_of_day(reader, day)
    trades.sort(key=lambda row: (row.opened_at, row.id))
    return DaySummary(day, trades, money, slippage, check_invariants(url) if with_invariants else ())


def answer(question: Mapping[str, str]) -> list[str]:
    """Return a day's lines, asked for by `url` and `day` (see `bot.app.job_process`)."""
    return lines(summarize(question["url"], date.fromisoformat(question["day"])))


def lines(summary: DaySummary) -> list[str]:
    """Return the day as the trader reads it at the close."""
    money = summary.money
    out = [f"The day {summary.day}", f"  trades      {len(summary.trades)}"]
    out += [f"    {_trade(row, money)}" for row in summary.trades]
    out.append(f"  P&L         {headline(money)}")
    if money.equity_change is not None and money.equity_at is not None:
        out.append(f"  at broker   {broker_words(money)}")
    if money.closed:
        out.append(f"  win rate    {money.wins} of {money.closed} ({money.wins / money.closed:.0%})")
    if summary.slippage is not None:
        out.append(f"  slippage    {slippage_words(summary.slippage)}")
    broken = [f"{f.invariant}: {f.detail}" for f in summary.findings if not f.ok]
    if summary.findings:
        out.append(f"  invariants  {len(summary.findings) - len(broken)} of {len(summary.findings)} hold")
    out.extend(f"    BROKEN {words}" for words in broken)
    return out


def headline(money: DayMoney) -> str:
    """Return the day's P&L with its parts: they are of one instant and add up."""
    total = dollars(money.total, plus=True)
    parts = f"realized {dollars(money.realized, plus=True)}, open {dollars(money.open, plus=True)}"
    return f"{total} = {parts}, fees {dollars(money.fees)} paid"


def broker_words(money: DayMoney) -> str:
    """Return the broker's equity with its own time, and by how much it differs from our figure."""
    if money.equity_at is None or money.difference is None:
        return "no equity today yet"
    differs = f"{dollars(money.difference, plus=True)} from ours" if money.difference else "as ours"
    change = f"{dollars(money.equity_change, plus=True)} today"
    return f"equity {dollars(money.equity)}, {change} at {new_york(money.equity_at, money.equity_at)}: {differs}"


def slippage_words(slippage: Slippage) -> str:
    """Return dollars and percent; a cost is positive."""
    part = "" if slippage.percent is None else f", {signed(slippage.percent)} % of the premium"
    return f"{dollars(slippage.dollars, plus=True)}{part}, over {slippage.orders} orders (a cost is positive)"


def _trade(row: PositionRow, money: DayMoney) -> str:
    brought = next((part.day for part in money.positions if part.id == row.id), row.realized_pnl)
    what = f"{key_words(row.contract_key, money.day):<20} {row.entry_quantity:>3} at {price(row.entry_price):>6}"
    return f"{what}  {dollars(brought, plus=True):>12}  {_how_it_ended(row)}"


def _how_it_ended(row: PositionRow) -> str:
    """Return reason or state, and for what somebody else sold what its value rests on."""
    words = str(row.close_reason or row.state) if row.closed_at else f"open, {row.quantity} left"
    return f"{words}, sold elsewhere: {row.valuation}" if row.valuation else words


def as_data(summary: DaySummary) -> dict[str, Any]:
    """Return the day for programs: dollars as numbers in text, null where there is nothing."""
    money, slip = summary.money, summary.slippage
    return {
        "day": summary.day.isoformat(),
        "trades": [_as_data(row) for row in summary.trades],
        "pnl": str(money.total),
        "realized_pnl": str(money.realized),
        "open_pnl": str(money.open),
        "fees": str(money.fees),
        "wins": money.wins,
        "closed": money.closed,
        "slippage": None if slip is None else str(slip.dollars),
        "slippage_percent": None if slip is None or slip.percent is None else str(round(slip.percent, 4)),
        "invariants": {f.invariant: f.ok for f in summary.findings},
    }


def _as_data(row: PositionRow) -> dict[str, Any]:
    option = option_of_key(row.contract_key)
    return {
        "id": row.id,
        "contract": key_words(row.contract_key),
        "symbol": option.symbol if option else row.contract_key,
        "right": option.right.value if option else None,
        "strike": f"{option.strike:f}" if option else None,
        "expiry": option.expiry.isoformat() if option else None,
        "quantity": row.entry_quantity,
        "entry_price": _number(row.entry_price),
        "realized_pnl": str(row.realized_pnl),
        "open_pnl": _number(row.unrealized_pnl) if row.closed_at is None else str(ZERO),
        "opened_at": row.opened_at.isoformat(),
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "close_reason": row.close_reason,
        "state": row.state,
        "valuation": row.valuation,
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


if __name__ == "__main__":
    sys.exit(serve(answer))
