"""Work by the clock: account snapshots, the regular reconcile, the room on the disk."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.connection import ConnectionState
from bot.domain.events.account import AccountReported
from bot.domain.events.host import DiskTold
from bot.domain.instructions import AskSnapshot
from bot.domain.session import SessionState
from bot.domain.timetable import ACCOUNT_SNAPSHOT, RECONCILE
from bot.engine.day.timekeeping import wants_the_book
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import AccountSnapshotRow, JobRow
from bot.engine.state.schedule import NEVER, Schedule

_ASK_AGAIN = timedelta(seconds=2)
_FAULTY_AGAIN_S = 15.0
_ASKING = frozenset(
    {ConnectionState.SYNCING, ConnectionState.SYNCED, ConnectionState.DEGRADED_DATA, ConnectionState.COMPETING}
)  # TWS has the broker's word for orders, whatever is wrong with the quotes


def ask_for_the_book(
    ctx: Context,
    journal: Journal,
    schedule: Schedule,
    *,
    in_doubt: bool = False,
    confirm_at: datetime | None = None,
) -> None:
    """Ask for the broker's book on the timer, soon again while a comparison is unfinished or something is in doubt, and
    at `confirm_at`, when a second look can confirm what the first one found."""
    if ctx.ledger.connection.state not in _ASKING:
        return
    last = schedule.since(RECONCILE.name, ctx.now)
    if confirm_at is not None and last < confirm_at <= ctx.now:
        schedule.ran(RECONCILE.name, ctx.now)
        journal.instructions.append(AskSnapshot("a difference may be confirmed"))
        return
    if ctx.now - last < _ASK_AGAIN:
        return
    every, reason = _patience(ctx, in_doubt)
    if schedule.due(RECONCILE.name, ctx.now, every):
        journal.instructions.append(AskSnapshot(reason))
        journal.batch.jobs.append(JobRow(RECONCILE.name, ctx.now, "asked", reason))


def book_rests_until(
    ctx: Context, schedule: Schedule, *, in_doubt: bool = False, confirm_at: datetime | None = None
) -> datetime:
    """Return until when `ask_for_the_book` has nothing to ask."""
    if ctx.ledger.connection.state not in _ASKING:
        return NEVER
    if ctx.ledger.foreign.buys:
        return ctx.now  # whose they are may change at any moment
    last, (every_s, _) = schedule.next(RECONCILE.name, ctx.now, 0.0), _patience(ctx, in_doubt)
    again = last + max(_ASK_AGAIN, timedelta(seconds=every_s))
    return min(again, confirm_at) if confirm_at is not None and last < confirm_at else again


def _patience(ctx: Context, in_doubt: bool) -> tuple[float, str]:
    """Return after how many seconds the book is asked again, and why."""
    ledger = ctx.ledger
    if in_doubt or (ledger.session.state is SessionState.RECONCILING and not _waits_for_the_clock(ctx)):
        return _ASK_AGAIN.total_seconds(), "unfinished"
    if wants_the_book(ledger):
        return _ASK_AGAIN.total_seconds(), "the machine's clock was set"
    if ledger.tallies.in_doubt:
        return _ASK_AGAIN.total_seconds(), "an order is in doubt"
    if ledger.foreign.buys and any(
        p.unprotected_since and ledger.foreign.buys_on(p.key) for p in ledger.positions.values()
    ):
        return _ASK_AGAIN.total_seconds(), "an order of somebody else is in the way of a sale"
    if ledger.tallies.unseen:
        return ctx.settings.engine.ack_seconds, "an execution is missing"
    if ledger.proof.fact_faults:
        return _FAULTY_AGAIN_S, "a fact waits to be applied"
    if ledger.proof.ghosts:
        return ctx.settings.engine.ack_seconds, "an order that is over is shown as live"
    return RECONCILE.every_s(ctx.setting), "timer"


def _waits_for_the_clock(ctx: Context) -> bool:
    """Say whether the comparison came to its end and only the time of day is missing."""
    return not ctx.hour_is_known and ctx.ledger.connection.state in _ASKING - {ConnectionState.SYNCING}


def snapshot_account(ctx: Context, journal: Journal, schedule: Schedule, report: AccountReported | None) -> None:
    """Keep the account's values once in a while: the equity curve of the day."""
    if report is None or not report.net_liquidation or report.net_liquidation < 0 or not ctx.hour_is_known:
        return  # what is no value is no equity; a row at a wrong hour could pass for the day's first
    if not schedule.due(ACCOUNT_SNAPSHOT.name, ctx.now, ACCOUNT_SNAPSHOT.every_s(ctx.setting)):
        return
    pnl = ctx.ledger.account.day_pnl(ctx.trading.day)
    if pnl is not None:
        journal.batch.account = AccountSnapshotRow(report, ctx.trading.day, pnl, len(ctx.ledger.positions))


def snapshot_rests_until(ctx: Context, schedule: Schedule) -> datetime:
    """Return until when `snapshot_account` has nothing to do: not before the broker has told of the account."""
    if ctx.ledger.account.heard.latest is None:
        return NEVER
    return schedule.next(ACCOUNT_SNAPSHOT.name, ctx.now, ACCOUNT_SNAPSHOT.every_s(ctx.setting))


def disk_told(journal: Journal, event: DiskTold) -> None:
    """Keep entries out while the disk of the store has too little room; that it began and that it is over is told."""
    ledger = journal.ledger
    words = f"the disk of the store has less than {event.least_mb} MB left" if event.short else ""
    if bool(words) == bool(ledger.entering.disk_block):
        return
    ledger.entering.disk_block = words
    facts = {"free_mb": event.free_mb, "least_mb": event.least_mb}
    if words:
        text = f"{words} ({event.free_mb} MB): no entries; remove old backups and logs, exits go on"
        journal.alert("DISK_LOW", text, facts)
    else:
        journal.alert("DISK_ROOM", f"the disk of the store has room again: {event.free_mb} MB", facts)
