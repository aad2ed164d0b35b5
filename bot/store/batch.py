"""A tick's batch as rows, in the order in which foreign keys want them. The transitions are chained here.

Everything is taken at once, before the writer's thread starts: the live objects may go on changing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

from bot.domain.ids import derived_id
from bot.domain.money import to_units
from bot.engine.state.records import (
    AccountSnapshotRow,
    JobRow,
    NewExecution,
    NewTransition,
    TickBatch,
)
from bot.store.chain import HASHED, Head, row_hash
from bot.store.statements import Write
from bot.store.tables import LIVING
from bot.store.tables.account_currency import ACCOUNT_CURRENCIES
from bot.store.tables.account_snapshot import ACCOUNTS
from bot.store.tables.broker_pnl import BROKER_PNLS
from bot.store.tables.command import ANSWERS, COMMANDS
from bot.store.tables.endpoint_day import ENDPOINT_DAYS
from bot.store.tables.engine_status import PULSE
from bot.store.tables.execution import execution_row
from bot.store.tables.feed_rows import FEED_ROWS_SHOWN
from bot.store.tables.feed_status import FEEDS
from bot.store.tables.forecast import FORECASTS
from bot.store.tables.gamma_profile import GAMMA_PROFILES
from bot.store.tables.inbound import INBOUND_ANSWERS
from bot.store.tables.instrument import INSTRUMENTS
from bot.store.tables.job_run import JOB_RUNS
from bot.store.tables.market_line import MARKET_LINES
from bot.store.tables.overseer_call import CALL_OUTCOMES, OVERSEER_CALLS
from bot.store.tables.position_mark import LATEST_MARKS, MARKS
from bot.store.tables.reconciliation import RECONCILIATIONS
from bot.store.tables.reconciliation_line import LINES
from bot.store.tables.strategy_stat import STRATEGY_STATS
from bot.store.tables.transition import TRANSITIONS
from bot.store.written import Written

Row = Mapping[str, Any]


def writes_of(batch: TickBatch, written: Written | None = None) -> list[Write]:
    """Return what a batch writes but for its transitions, statements without rows left out. `written`: what the store
    has already; without it every thing is written whole."""
    known = Written() if written is None else written
    changed = batch.changed.kinds()
    living = (
        known.writes(each, batch.changed.of(each.kind).values()) for each in LIVING.values() if each.kind in changed
    )
    found: list[Write] = [
        *chain.from_iterable(living),
        *_execution_writes(batch.executions, batch.recorded_at),
        ("commission", [{"exec_id_": key, "commission": to_units(paid)} for key, paid in batch.commissions.items()]),
        *((name, rows_of(batch)) for name, rows_of in _BESIDE.items()),
    ]
    return [(name, listed) for name, listed in found if listed]


def _execution_writes(executions: Sequence[NewExecution], recorded_at: datetime) -> Iterable[Write]:
    """One execution after the other where any is corrected, all at once otherwise."""
    if not any(row.replaces for row in executions):
        return [("execution", [execution_row(row, recorded_at) for row in executions])]
    return [write for row in executions for write in _one_execution(row, recorded_at)]


def _one_execution(row: NewExecution, recorded_at: datetime) -> list[Write]:
    written: Write = ("execution", [execution_row(row, recorded_at)])
    if row.replaces is None:
        return [written]
    ids = {"replaces": row.replaces, "exec_id": row.execution.exec_id, "exec_id_": row.execution.exec_id}
    return [("execution_replaced", [ids]), ("execution_removed", [ids]), written, ("execution_carried", [ids])]


def _job_id(tick: int, number: int, job: JobRow) -> str:
    return derived_id(job.ran_at, "job", tick, number, job.name)


def _account_row(tick: int, snapshot: AccountSnapshotRow) -> Row:
    report = snapshot.report
    return ACCOUNTS.row(
        report,
        id=derived_id(report.at, "account", tick, report.account),
        day=snapshot.day,
        day_pnl=snapshot.day_pnl,
        open_positions=snapshot.open_positions,
        tick=tick,
    )


def _line_rows(batch: TickBatch) -> list[Row]:
    compared = batch.reconciliations
    return [LINES.row(each, reconciliation_id=x.id, line=i) for x in compared for i, each in enumerate(x.lines)]


_UNANSWERED: Final[Row] = {"state": "queued", "handled_at": None, "answer": "", "asked_at": None}
_BESIDE: Final[Mapping[str, Callable[[TickBatch], Sequence[Row]]]] = {
    "latest_mark": lambda b: [row | {"seen_bid": row["bid"]} for row in map(LATEST_MARKS.row, b.marks)],
    "position_mark": lambda b: [MARKS.row(x) for x in b.marks if x.sampled],
    "command_heard": lambda b: [COMMANDS.row(x, **_UNANSWERED) for x in b.heard],
    "command": lambda b: [ANSWERS.row(x) for x in b.commands],
    "inbound": lambda b: [INBOUND_ANSWERS.row(x) for x in b.inbound],
    "feed_status": lambda b: [FEEDS.row(x) for x in b.feeds.values()],
    "feed_rows": lambda b: [FEED_ROWS_SHOWN.row(x) for x in b.feed_rows.values()],
    "market_line": lambda b: [MARKET_LINES.row(x) for x in b.market_lines.values()],
    "broker_pnl": lambda b: [BROKER_PNLS.row(x) for x in b.broker_pnl.values()],
    "account_currency": lambda b: [ACCOUNT_CURRENCIES.row(x) for x in b.currencies.values()],
    "endpoint_day": lambda b: [ENDPOINT_DAYS.row(x) for x in b.endpoints.values()],
    "account_snapshot": lambda b: [_account_row(b.tick, b.account)] if b.account else [],
    "reconciliation": lambda b: [RECONCILIATIONS.row(x) for x in b.reconciliations],
    "reconciliation_line": _line_rows,
    "job_run": lambda b: [JOB_RUNS.row(x, id=_job_id(b.tick, i, x)) for i, x in enumerate(b.jobs)],
    "instrument": lambda b: [INSTRUMENTS.row(x, qualified_at=b.recorded_at) for x in b.instruments],
    "strategy_stat": lambda b: [STRATEGY_STATS.row(x) for x in b.strategy_stats.values()],
    "gamma_profile": lambda b: [GAMMA_PROFILES.row(x) for x in b.gamma_profiles.values()],
    "forecast": lambda b: [FORECASTS.row(x) for x in b.forecasts.values()],
    "overseer_call": lambda b: [OVERSEER_CALLS.row(x) for x in b.calls],
    "call_outcome": lambda b: [CALL_OUTCOMES.row(x) for x in b.call_outcomes],
    "engine_status": lambda b: [PULSE.row(b.status)] if b.status else [],
}
"""What a batch writes beside entities and executions: the statement, and the rows that it runs for, in their order."""


def chained(
    transitions: Sequence[NewTransition], head: Head, *, tick: int, recorded_at: datetime, config_version: str | None
) -> tuple[list[Row], Head]:
    """Return the rows of a batch's transitions, numbered and hashed on from `head`, and the new head."""
    seq, prev_hash = head.seq, head.hash
    written = {"config_version": config_version, "recorded_at": recorded_at, "tick": tick, **_NOT_HASHED}
    rows: list[Row] = []
    for transition in transitions:
        seq += 1
        row = TRANSITIONS.row(transition, seq=seq, **written)
        digest = row_hash(prev_hash, {name: row[name] for name in HASHED})
        row["prev_hash"], row["hash"] = prev_hash, digest
        prev_hash = digest
        rows.append(row)
    return rows, Head(prev_hash, seq)


_NOT_HASHED: Final[Row] = {"prev_hash": "", "hash": ""}
