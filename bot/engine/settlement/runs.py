"""The settlement job: the broker's book is asked for in the evening and in the morning after an expiry."""

from __future__ import annotations

from typing import Final

from bot.domain.connection import ConnectionState
from bot.domain.instructions import AskSnapshot
from bot.domain.position import Settlement
from bot.domain.timetable import SETTLEMENT
from bot.engine.settlement.expiry import is_last_call
from bot.engine.settlement.settler import price_unknown
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.moment_runs import MomentRuns
from bot.engine.state.records import JobRow

JOB: Final = SETTLEMENT.name
_ASKING: Final = frozenset({ConnectionState.SYNCING, ConnectionState.SYNCED})


def by_the_clock(ctx: Context, journal: Journal, runs: MomentRuns) -> None:
    """Ask for the book in the evening and again in the morning of each session, once each, as soon as it can be."""
    run = runs.latest(ctx) if ctx.hour_is_known else None
    if run is None or run in {runs.asked, runs.done} or ctx.ledger.connection.state not in _ASKING:
        return
    ledger = ctx.ledger
    waits = ledger.position_index.awaiting_settlement or any(p.is_unsettled for p in ledger.closed.values())
    if not waits:
        runs.done = run
        journal.batch.jobs.append(JobRow(JOB, ctx.now, "done", f"{run}: nothing to settle"))
        return
    runs.asked = run
    journal.instructions.append(AskSnapshot(f"{JOB}: {run}"))
    journal.batch.jobs.append(JobRow(JOB, ctx.now, "asked", run))


def compared(ctx: Context, journal: Journal, runs: MomentRuns) -> None:
    """A whole book was compared and nothing is in doubt: the run that asked for it is done."""
    if not runs.asked:
        return
    run = runs.finish()
    ghosts = ctx.ledger.position_index.awaiting_settlement
    pending = [p for p in ctx.ledger.closed.values() if p.settlement is Settlement.PENDING]
    words = f"{run}: {len(ghosts)} await the broker's settlement, {len(pending)} without a price"
    journal.batch.jobs.append(JobRow(JOB, ctx.now, "done", words))
    for position in pending:
        unknown = f"{position.settled_quantity} x {price_unknown(position.contract)}"
        text = f"{unknown}: tell it with `settle {position.id} PRICE`"
        journal.alert("SETTLEMENT_PENDING", text, {"position_id": position.id})
    for position in ghosts:
        if is_last_call(ctx, position.contract):
            text = (
                f"{position.quantity} x {position.contract} expired and is still in the broker's book: ask the broker"
            )
            journal.alert("GHOST_AT_BROKER", text, {"position_id": position.id})
