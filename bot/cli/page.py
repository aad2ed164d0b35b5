"""`page`: the page on a store, read-only, without the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.invocation import configuration

if TYPE_CHECKING:
    from bot.config.schema import Settings


def page(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Instead of web.port; 0 is any free one.")] = None,
) -> None:
    """Serve the store's page read-only, without the bot: it says that none runs, and since when."""
    from bot.store.revision import check_revision
    from bot.web.__main__ import serve_alone

    config = configuration()
    check_revision(config.settings.database.url)
    raise typer.Exit(serve_alone(config, port, lambda: who_runs(config.settings)))


def who_runs(settings: Settings) -> str:
    """Return in words whether a bot holds the store now; the lock knows."""
    from bot.app.locks import holder_of, store_lock

    holder = holder_of(store_lock(settings))
    if holder is None:
        return "No bot runs on this store; start one with python run.py to act."
    return f"This page is read-only; a bot runs on this store ({holder}), and its own page can act."
