"""The commands by name."""

from __future__ import annotations

import typer

from bot.cli.check import check
from bot.cli.edge import Commands
from bot.cli.machines import machines
from bot.cli.starting import replay, run, sim

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Quanticity, an automated options trader. Without a command: `run`.",
)
app.command()(run)
app.command()(sim)
app.command()(replay)
app.command()(check)
app.command()(machines)


def main() -> None:
    """Run the command that the process was started with; leaves with its exit code."""
    app(prog_name="python run.py")
