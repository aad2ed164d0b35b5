"""`db`: the store's schema and its copies."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.edge import BAD_INPUT, database_url, fail

app = typer.Typer(help="The store: upgrade, downgrade, backup, restore.", no_args_is_help=True)
Yes = Annotated[bool, typer.Option("--yes", help="Do it: what is lost is lost.")]


@app.command()
def upgrade() -> None:
    """Bring the store to this program's schema; makes it where there is none."""
    from bot.store import revision

    revision.upgrade(database_url(), tell=print)


@app.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="A revision, -1 for the one before, base for an empty database.")],
    yes: Yes = False,
) -> None:
    """Take the store back to an older schema. What that schema has no place for is lost."""
    from bot.store import revision

    if not yes:
        fail(f"downgrade {to} can lose rows: make a `db backup` first, then add --yes", BAD_INPUT)
    revision.downgrade(database_url(), to, tell=print)
