"""The commands by name."""

from __future__ import annotations

import os
from collections.abc import Sequence

import typer

from bot.cli import analyze, audit, channels, db, feeds, recordings
from bot.cli.alerts import alerts
from bot.cli.calibration import calibration
from bot.cli.check import check
from bot.cli.discover import discover
from bot.cli.importing import import_
from bot.cli.invocation import Commands, configuration
from bot.cli.lines import lines
from bot.cli.machines import machines
from bot.cli.operator import (
    ack,
    adopt,
    approve,
    cancel_all,
    cancel_order,
    close,
    decline,
    edit,
    emergency,
    flatten,
    halt,
    move_stop,
    pause,
    quiet,
    reject,
    reload_config,
    requests,
    resume,
    settle,
    strategy,
    unack,
    withdraw,
)
from bot.cli.overseer import overseer
from bot.cli.page import page
from bot.cli.people import people
from bot.cli.performance import performance
from bot.cli.reconcile import reconcile
from bot.cli.starting import replay, run, sim
from bot.cli.status import status
from bot.cli.strategies import strategies, why
from bot.domain.errors import BotError

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Quanticity, an automated options trader. Without a command: `run`. Every command takes `--overlay NAME`: "
    "config/overlays/NAME.yaml is laid over the settings.",
)
for command in (
    run, status, lines, performance, calibration, discover, alerts, ack, unack,
    approve, reject, pause, resume, halt, close, move_stop, settle, flatten, cancel_all, emergency,
    edit, cancel_order, strategy, reload_config, quiet, requests, withdraw, adopt, decline, reconcile, check,
    machines, people, overseer, replay, sim, page, strategies, why,
):  # fmt: skip
    app.command()(command)
app.command(name="import")(import_)
app.add_typer(analyze.app, name="analyze")
app.add_typer(audit.app, name="audit")
app.add_typer(channels.app, name="channels")
app.add_typer(db.app, name="db")
app.add_typer(feeds.app, name="feeds")
app.add_typer(recordings.app, name="recordings")


def main() -> None:
    """Run the command that the process was started with; leaves with its exit code."""
    os.umask(0o077)  # store, backups, venue book, exports of every command and child: for their owner alone
    try:
        app(prog_name="python run.py")
    except Exception:
        from bot.log import guard_last_words, redactor

        guard_last_words(redactor(_hidden()))  # only now, for typer puts its own hook in front while it runs
        raise


def _hidden() -> Sequence[str]:
    """Return what no traceback may show; of a configuration that cannot be read only what looks like a secret is
    known."""
    try:
        return configuration().hidden()
    except (BotError, OSError):
        return ()
