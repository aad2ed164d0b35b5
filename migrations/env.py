"""How alembic meets the store: whichever connection it is handed, or the configured address.

Views are not versioned: they are dropped before the revisions run and created anew, from `bot.store.views`, when the
schema has arrived at its head. A view so never stands in the way of a table that changes, and never shows an older
idea of one.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from bot.config.schema import DatabaseSettings
from bot.store.database import writer_engine
from bot.store.tables import METADATA
from bot.store.views import create_views, drop_views


def run(connection: Connection) -> None:
    """Run the wanted revisions in one transaction."""
    context.configure(
        connection=connection, target_metadata=METADATA, compare_type=True, transaction_per_migration=False,
        render_as_batch=connection.dialect.name == "sqlite",
    )  # fmt: skip
    with context.begin_transaction():
        drop_views(connection)
        context.run_migrations()
        if set(context.get_context().get_current_heads()) == set(context.script.get_heads()):
            create_views(connection)


def run_alone() -> None:
    """Run from the `alembic` command: open the store that the settings name."""
    url = os.environ.get("QUANTICITY__DATABASE__URL") or DatabaseSettings().url
    with writer_engine(url).connect() as connection:
        run(connection)
        connection.commit()


handed = context.config.attributes.get("connection")
if context.is_offline_mode():
    raise SystemExit("the store migrates a database, not a script: run without --sql")
if handed is None:
    run_alone()
else:
    run(handed)
