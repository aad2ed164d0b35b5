"""A tick's batch as rows, in the order in which foreign keys want them. The transitions are chained here.

Everything is taken at once, before the writer's thread starts: the live objects may go on changing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain.events import RequestReceived
from bot.domain.ids import derived_id
from bot.domain.instruments import option_of_key
from bot.domain.kinds import E, Entities
from bot.domain.money import to_units
from bot.domain.overseer import CallOutcome
from bot.engine.state.records import (
    AccountSnapshotRow,
    JobRow,
    NewExecution,
    NewMark,
    NewTransition,
    TickBatch,
)
from bot.store.chain import Head, row_hash
from bot.store.stored import Stored
from bot.store.tables import LIVING
from bot.store.tables.account_snapshot import ACCOUNTS
from bot.store.tables.engine_status import PULSE
from bot.store.tables.execution import execution_row
from bot.store.tables.feed_status import FEEDS
from bot.store.tables.instrument import grid_text, named_text
from bot.store.tables.job_run import JOB_RUNS
from bot.store.tables.overseer_call import OVERSEER_CALLS
from bot.store.tables.reconciliation import RECONCILIATIONS
from bot.store.tables.reconciliation_line import LINES
from bot.store.tables.strategy_stat import STRATEGY_STATS
from bot.store.values import json_text, maybe_time_text, maybe_units, time_text

Row = Mapping[str, Any]
Write = tuple[str, Sequence[Row]]


def writes_of(batch: TickBatch) -> list[Write]:
    """Return what a batch writes but for its transitions: (statement name, rows), empty ones left out."""
    recorded_at = time_text(batch.recorded_at)
    found = [
        *((each.table.name, _rows_of(each, batch.changed)) for each in LIVING.values()),
        *_execution_writes(batch.executions, batch.recorded_at),
        ("commission", [{"exec_id_": key, "commission": to_units(paid)} for key, paid in batch.commissions.items()]),
        *_mark_writes(batch.marks),
        *_watch_writes(batch, recorded_at),
    ]
    return [(name, listed) for name, listed in found if listed]


def _rows_of(table: Stored[E], changed: Entities) -> list[Row]:
    return [table.row(entity) for entity in changed.of(table.kind).values()]


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


def _mark_writes(marks: Sequence[NewMark]) -> list[Write]:
    listed = [_mark_row(mark) for mark in marks]
    latest = [{**row, "quoted_at": maybe_time_text(mark.quoted_at)} for row, mark in zip(listed, marks, strict=True)]
    return [
        ("latest_mark", latest),
        ("position_mark", [row for row, mark in zip(listed, marks, strict=True) if mark.sampled]),
    ]


def _mark_row(mark: NewMark) -> Row:
    return {
        "position_id": mark.position_id,
        "at": time_text(mark.at),
        "bid": maybe_units(mark.bid),
        "ask": maybe_units(mark.ask),
        "underlying": maybe_units(mark.underlying),
        "unrealized_pnl": maybe_units(mark.unrealized_pnl),
    }


def _watch_writes(batch: TickBatch, recorded_at: str) -> list[Write]:
    """Return what is written for those who watch: commands, alerts, feeds, account, reconciliations, jobs, pulse."""
    return [
        ("command_heard", [_heard_row(x) for x in batch.heard]),
        ("command", [_command_row(x.id, x.state, x.answer, x.handled_at) for x in batch.commands]),
        ("inbound", [_command_row(x.id, x.state, x.answer, x.handled_at) for x in batch.inbound]),
        ("feed_status", [FEEDS.row(x) for x in batch.feeds.values()]),
        ("account_snapshot", [_account_row(batch.tick, batch.account)] if batch.account else []),
        ("reconciliation", [RECONCILIATIONS.row(x) for x in batch.reconciliations]),
        (
            "reconciliation_line",
            [
                LINES.row(each, reconciliation_id=x.id, line=i)
                for x in batch.reconciliations
                for i, each in enumerate(x.lines)
            ],
        ),
        ("job_run", [JOB_RUNS.row(x, id=_job_id(batch.tick, i, x)) for i, x in enumerate(batch.jobs)]),
        ("instrument", [_instrument_row(x, recorded_at) for x in batch.instruments]),
        ("strategy_stat", [STRATEGY_STATS.row(x) for x in batch.strategy_stats.values()]),
        ("overseer_call", [OVERSEER_CALLS.row(x) for x in batch.calls]),
        ("call_outcome", [_outcome_row(x) for x in batch.call_outcomes]),
        ("engine_status", [PULSE.row(batch.status)] if batch.status else []),
    ]


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


def _heard_row(command: RequestReceived) -> Row:
    return {
        "id": command.id,
        "kind": command.kind.value,
        "payload": json_text(command.payload),
        "actor": command.actor,
        "state": "queued",
        "created_at": time_text(command.created_at),
        "handled_at": None,
        "answer": "",
        "asked_at": None,
    }


def _command_row(command_id: str, state: str, answer: str, handled_at: datetime) -> Row:
    return {"command_id": command_id, "state": state, "answer": answer, "handled_at": time_text(handled_at)}


def _instrument_row(row: Any, recorded_at: str) -> Row:
    return {
        "key": row.key,
        "con_id": row.instrument.con_id,
        "is_option": option_of_key(row.key) is not None,
        "grid": grid_text(row.grid),
        "qualified_at": recorded_at,
        "named": named_text(row.instrument),
    }


def _outcome_row(told: CallOutcome) -> Row:
    return {"call_id": told.id, "outcome": told.outcome, "outcome_at": time_text(told.at)}


def chained(
    transitions: Sequence[NewTransition], head: Head, *, tick: int, recorded_at: datetime, config_version: str | None
) -> tuple[list[Row], Head]:
    """Return the rows of a batch's transitions, numbered and hashed on from `head`, and the new head."""
    stamp = time_text(recorded_at)
    seq, prev_hash = head.seq, head.hash
    chain: list[Row] = []
    for transition in transitions:
        seq += 1
        at = transition.event_at
        row: dict[str, Any] = {
            "seq": seq,
            "machine": transition.machine,
            "entity_id": transition.entity_id,
            "from_state": transition.from_state,
            "to_state": transition.to_state,
            "trigger": transition.trigger,
            "actor": transition.actor,
            "reason": transition.reason,
            "evidence": json_text(transition.evidence),
            "config_version": config_version,
            "event_at": stamp if at is recorded_at else time_text(at),
            "recorded_at": stamp,
            "tick": tick,
        }
        digest = row_hash(prev_hash, row)
        row["prev_hash"], row["hash"] = prev_hash, digest
        prev_hash = digest
        chain.append(row)
    return chain, Head(prev_hash, seq)
