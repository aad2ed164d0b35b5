"""Our executions of the day against the broker's, once after the close: before midnight, for a gateway forgets then.

The reconciler takes in what we lack; this finds what the broker lacks, or counts otherwise. The store's own executions
are the history: what the broker tells later than midnight can neither prove nor refute them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from bot.domain.calendar import new_york_day
from bot.domain.connection import ConnectionState
from bot.domain.events.account import BrokerSnapshot
from bot.domain.ids import is_ours
from bot.domain.instructions import AskSnapshot
from bot.domain.order import Execution
from bot.domain.timetable import DAY_TOTALS
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.moment_runs import MomentRuns
from bot.engine.state.records import JobRow

Totals = Mapping[tuple[str, str], tuple[int, Decimal]]
"""(contract, side) to contracts and the sum of price times contracts."""


class DayTotals:
    """Asks for the book, and compares: a comparison may come before anything was asked."""

    def __init__(self) -> None:
        self._asked, self._compared = MomentRuns(DAY_TOTALS), MomentRuns(DAY_TOTALS)

    def ask(self, ctx: Context, journal: Journal) -> None:
        """Have the broker's book read once after the close; the comparison itself waits for it to be whole."""
        run = self._run_now(ctx)
        if run is None or self._asked.asked == run:
            return
        if ctx.ledger.connection.state is ConnectionState.SYNCED:
            self._asked.asked = run
            journal.instructions.append(AskSnapshot("totals of the day"))

    def rests_until(self, ctx: Context) -> datetime:
        """Return until when `ask` has nothing to do, on this trading day."""
        return self._asked.rests_until(ctx)

    def compare(self, snapshot: BrokerSnapshot, ctx: Context, journal: Journal) -> None:
        """Put on record that the day's totals agree, or alert every contract and side that differs."""
        day, run = ctx.trading.day, self._run_now(ctx)
        if run is None or self._compared.done == run or not snapshot.complete:
            return
        self._compared.done = run
        ours = _totals(ctx, ctx.ledger.fills.executions.values(), day)
        theirs = _totals(ctx, snapshot.executions, day)
        different = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
        words = f"{len(ours)} totals of {day}, {len(different)} differ"
        journal.batch.jobs.append(JobRow(DAY_TOTALS.name, ctx.now, "differs" if different else "agrees", words))
        if different:
            facts = {f"{key.strip()} {side}": _both(ours, theirs, (key, side)) for key, side in sorted(different)}
            told = "; ".join(f"{name}: {said}" for name, said in facts.items())
            journal.alert("DAY_TOTALS_DIFFER", f"the day's executions are not the broker's: {told}", facts)

    def _run_now(self, ctx: Context) -> str | None:
        return self._asked.latest(ctx) if ctx.hour_is_known else None


def _totals(ctx: Context, executions: Iterable[Execution], day: date) -> Totals:
    """Sum our executions of a day, each by its latest correction."""
    latest: dict[str, Execution] = {}
    for execution in executions:
        known = latest.get(execution.base_id)
        if known is None or known.revision < execution.revision:
            latest[execution.base_id] = execution
    sums: dict[tuple[str, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for each in latest.values():
        if new_york_day(each.executed_at) == day and each.quantity and is_ours(ctx.settings.bot_id, each.order_ref):
            quantity, value = sums[each.contract_key, each.side.value]
            sums[each.contract_key, each.side.value] = quantity + each.quantity, value + each.price * each.quantity
    return dict(sums)


def _both(ours: Totals, theirs: Totals, key: tuple[str, str]) -> str:
    return f"{_said(ours, key)} here, {_said(theirs, key)} there"


def _said(totals: Totals, key: tuple[str, str]) -> str:
    quantity, value = totals.get(key, (0, Decimal(0)))
    return f"{quantity} for {value}"
