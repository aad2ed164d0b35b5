"""Before anything is started: the store is there and whole, the page's port is free.

What is missing raises ConfigError or StoreError, with what to do. A gateway that is not up yet is no reason
not to start: the connection waits for it.
"""

from __future__ import annotations

import logging
import socket
from typing import Final

from bot.config.schema import Mode, Settings
from bot.domain.errors import NotNow
from bot.store.address import is_sqlite, sqlite_path
from bot.store.copies import refuse_corrupt
from bot.store.revision import check_revision, current_revision, upgrade

log: Final = logging.getLogger("quanticity")


def bring_up_store(settings: Settings) -> None:
    """Make or upgrade the store; in paper and live only a missing one, an older one is the operator's decision."""
    url = settings.database.url
    if is_sqlite(url) and sqlite_path(url).exists():
        refuse_corrupt(sqlite_path(url))
    if settings.mode is Mode.SIM or current_revision(url) is None:
        upgrade(url, tell=log.info)
    check_revision(url)


def check_page_port(settings: Settings) -> None:
    web = settings.web
    if not web.enabled or web.port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.host, web.port))
        except OSError as error:
            raise NotNow(
                f"web.port {web.port} on {web.host}: {error.strerror}; stop what listens there, or choose another port "
                "(QUANTICITY__WEB__PORT, 0 for any)"
            ) from error
