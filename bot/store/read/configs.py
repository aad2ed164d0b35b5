"""The configurations that were in force: when, by whom, and what changed from one to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.store.bounded import bounded
from bot.store.tables.alert import ALERT
from bot.store.tables.command import COMMAND
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.values import parse_json, parse_time, time_text

_ASKED_WITHIN: Final = timedelta(seconds=30)
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One configuration: `until` None while it is in force; `asked_by` who asked for it to be read, `edited` what files
    were written and whose they are, where the bot took over their edit by itself; both empty for a start."""

    id: str
    number: int
    since: datetime
    until: datetime | None
    asked_by: str
    edited: str = ""


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A setting that two configurations have otherwise; None where one has it not."""

    key: str
    before: str | None
    after: str | None


def versions(connection: Connection) -> list[ConfigRow]:
    """Return the latest configurations, the newest first."""
    table = CONFIG_VERSION.c
    rows = connection.execute(
        select(table.id, table.number, table.created_at).order_by(table.number.desc()).limit(_MOST)
    ).all()
    found, until = [], None
    for row in rows:
        since = parse_time(row[2])
        asked_by = _asked_by(connection, since)
        edited = "" if asked_by else _edited(connection, since)
        found.append(ConfigRow(row[0], int(row[1]), since, until, asked_by, edited))
        until = since
    return found


def _edited(connection: Connection, at: datetime) -> str:
    """Return the files whose edit was taken over at a time, with their owners; empty where none was."""
    told = ALERT.c
    near = told.at.between(time_text(at - _ASKED_WITHIN), time_text(at + _ASKED_WITHIN))
    query = select(bounded(told.facts)).where(told.code == "SETTINGS_TAKEN", near).order_by(told.at.desc()).limit(1)
    try:
        facts = parse_json(connection.execute(query).scalar())
    except ValueError:  # cut short, for somebody wrote far more than a list of files
        return ""
    files = facts.get("files") if isinstance(facts, dict) else None
    return ", ".join(str(each) for each in files) if isinstance(files, list) else ""


def _asked_by(connection: Connection, at: datetime) -> str:
    asked = COMMAND.c
    near = asked.handled_at.between(time_text(at - _ASKED_WITHIN), time_text(at + _ASKED_WITHIN))
    query = select(asked.actor).where(asked.kind == "reload_config", near).order_by(asked.handled_at.desc()).limit(1)
    return str(connection.execute(query).scalar() or "")


def differences(connection: Connection, before: str, after: str) -> list[SettingDifference]:
    """Return what the second configuration has otherwise than the first, by the name of the setting."""
    one, other = _flat_body(connection, before), _flat_body(connection, after)
    keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
    return [SettingDifference(key, one.get(key), other.get(key)) for key in keys]


def _flat_body(connection: Connection, version: str) -> Mapping[str, str]:
    table = CONFIG_VERSION.c
    body = connection.execute(select(table.body).where(table.id == version)).scalar()
    try:
        return dict(_flat("", json.loads(body or "{}")))
    except ValueError:
        return {}


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flat(f"{prefix}.{key}" if prefix else str(key), inner)]
    return [(prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]
