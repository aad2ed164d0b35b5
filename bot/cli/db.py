"""`db`: the store's schema and its copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import show
from bot.cli.edge import configuration, database_url, fail

app = typer.Typer(help="The store: upgrade, downgrade, backup, restore.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the store to this program's schema; makes it where there is none."""
    from bot.store import revision

    revision.upgrade(database_url(), tell=_tell)


@app.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="A revision, or base for an empty database.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it: what is lost is lost.")] = False,
) -> None:
    """Take the store back to an older schema. What that schema has no place for is lost."""
    from bot.store import revision

    if not yes:
        fail(f"downgrade {to} can lose rows: make a `db backup` first, then add --yes")
    revision.downgrade(database_url(), to, tell=_tell)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Argument(help="A file that does not exist yet; without one: in database.backup_dir.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Copy the store while it is in use, and check the copy."""
    from bot.feeds.clock import SystemClock
    from bot.store import backup as copies

    database = configuration().settings.database
    target = to or Path(database.backup_dir) / copies.backup_name(SystemClock().now())
    made = copies.backup(database.url, target)
    if json:
        show.as_json(made)
        return
    print(f"{made.path}: {made.size_bytes / 2**20:.1f} MB, {made.transitions} transitions, checked")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `db backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where the store has a history that the backup lacks.")
    ] = False,
) -> None:
    """Put a checked backup in the place of the store. The bot must not be running."""
    from bot.store import backup as copies

    head = copies.restore(database_url(), source, force=force)
    print(f"restored {source}: {head.seq} transitions. `python run.py db upgrade` if its schema is older")


def _tell(words: str) -> None:
    from bot.config.secret_words import without_passwords

    print(without_passwords(words))
