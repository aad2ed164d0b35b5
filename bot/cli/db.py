"""`db`: the store's schema and its copies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli import show
from bot.cli.invocation import REFUSED, OneLineHelp, configuration, database_url, fail

_HELP: Final = "The store: upgrade, downgrade, backup, backups, restore."
app = typer.Typer(cls=OneLineHelp, help=_HELP, no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the store to this program's schema, on a copy that is checked first; makes it where there is none."""
    from bot.store import revision

    with _nobody_beside():
        revision.upgrade(database_url(), tell=_tell)


@app.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="A revision, or base for an empty database.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it: what is lost is lost.")] = False,
) -> None:
    """Take the store back to an older schema. What that schema has no place for is lost."""
    from bot.store import revision

    if not yes:
        fail(f"downgrade {to} can lose rows: add --yes; a backup is made first")
    with _nobody_beside():
        revision.downgrade(database_url(), to, tell=_tell)


@app.command()
def backup(
    to: Annotated[
        Path | None,
        typer.Argument(help="A file that does not exist yet; without one: in database.backup_dir or by the store."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Copy the store while it is in use, and check the copy."""
    from bot.clocks.clock import SystemClock
    from bot.store import backup as copies

    database = configuration().settings.database
    folder = copies.folder_of(database.url, database.backup_dir)
    target = to or folder / copies.backup_name(SystemClock().now())
    made = copies.backup(database.url, target)
    if json:
        show.as_json(made)
        return
    print(f"{made.path}: {made.size_bytes / 2**20:.1f} MB, {made.transitions} transitions, checked")


@app.command()
def backups(json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List the store's backups, newest first."""
    from bot.store import backup as copies

    database = configuration().settings.database
    found = copies.backups(copies.folder_of(database.url, database.backup_dir))
    rows = [(str(path), copies.taken_at(path), path.stat().st_size) for path in found]
    columns = ("file", "taken at", "bytes")
    if json:
        show.as_json(show.records(columns, rows))
    else:
        show.as_table(columns, rows, "backups", "none yet")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `db backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where the store has a history that the backup lacks.")
    ] = False,
) -> None:
    """Put a checked backup in the place of the store. The bot must not be running."""
    from bot.clocks.clock import SystemClock
    from bot.store import backup as copies
    from bot.store.heads import file_in, note

    with _nobody_beside():
        head = copies.restore(database_url(), source, force=force)
        database = configuration().settings.database
        note(file_in(copies.folder_of(database.url, database.backup_dir)), head, SystemClock().now(), "restore")
    print(
        f"restored {source}: {head.seq} transitions. The next start compares it with the broker's book and takes over "
        "what happened since; entries wait until both agree. `python run.py db upgrade` first if its schema is older"
    )


@contextmanager
def _nobody_beside() -> Iterator[None]:
    """Refuse beside a bot or another such command, and keep both out for as long as the file is worked on."""
    from bot.app.locks import holder_of, store_alone, store_lock
    from bot.clocks.clock import SystemClock

    settings = configuration().settings
    holder = holder_of(store_lock(settings))
    if holder is not None:
        fail(f"the bot runs on this store: {holder}; stop it first", REFUSED)
    with store_alone(settings, SystemClock().now()):
        yield


def _tell(words: str) -> None:
    from bot.config.secret_words import without_passwords

    print(without_passwords(words))
