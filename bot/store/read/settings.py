"""The settings that the bot runs with, as its latest configuration has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.config.schema import Settings
from bot.config.takeover import with_live
from bot.store.tables.config_version import CONFIG_VERSION

_RESET_AT: Final = "20:00"
"""When Unusual Whales counts anew, where the settings do not say it."""


def settings_in_force(connection: Connection, part: str = "settings") -> Mapping[str, Any]:
    """Return a part of the latest configuration, `settings` or `sources`; empty before the first one."""
    table = CONFIG_VERSION.c
    latest = connection.execute(select(table.id, table.body).order_by(table.number.desc()).limit(1)).first()
    found = _read(latest[0], latest[1]).get(part) if latest else None
    return found if isinstance(found, dict) else {}


def live_settings(connection: Connection, started_with: Settings) -> Settings:
    """Return the settings that a process was started with, with what has come into force live since."""
    found = settings_in_force(connection)
    try:
        return with_live(started_with, Settings.model_validate(found)) if found else started_with
    except ValueError:
        return started_with


@lru_cache(maxsize=4)
def _read(version: str, body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def quota_resets(connection: Connection) -> dict[str, str]:
    """Return by vendor at what New York time its quota begins anew, as the settings in force have it."""
    sources = settings_in_force(connection, "sources")
    quotas = {name: each.get("quota") for name, each in sources.items() if isinstance(each, Mapping)}
    told = {name: str(quota["reset_at"])[:5] for name, quota in quotas.items()
            if isinstance(quota, Mapping) and "reset_at" in quota}  # fmt: skip
    return {name: told.get(name, _RESET_AT) for name in quotas}
