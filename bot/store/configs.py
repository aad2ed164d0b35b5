"""Configurations that were in force, in the order of their acceptance; transitions point to them."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.values import time_text


def record_config(connection: Connection, version: str, text: str, at: datetime) -> str:
    """Write that a configuration is in force from `at` on and return its id.

    The same configuration again is the same row; one that comes back after another was in force is a row of its own
    (`<version>-2`), so that every moment has its configuration.
    """
    latest = _latest(connection)
    if latest is None or not _is_version(latest["id"], version):
        return _insert(connection, version, text, at)
    if latest["body"] != text:
        values = {"body": text, "hash": sha256(text.encode()).hexdigest()}
        connection.execute(update(CONFIG_VERSION).where(CONFIG_VERSION.c.id == latest["id"]).values(**values))
    return str(latest["id"])


def name_config(connection: Connection, version: str, at: datetime) -> None:
    """See to it that a version that transitions will point to has a row; its text may come later."""
    known = connection.execute(select(CONFIG_VERSION.c.id).where(CONFIG_VERSION.c.id == version)).first()
    if known is None:
        _insert(connection, version, "", at)


def _latest(connection: Connection) -> RowMapping | None:
    return (
        connection.execute(select(CONFIG_VERSION).order_by(CONFIG_VERSION.c.number.desc()).limit(1)).mappings().first()
    )


def _is_version(row_id: str, version: str) -> bool:
    return row_id == version or row_id.startswith(f"{version}-")


def _insert(connection: Connection, version: str, text: str, at: datetime) -> str:
    ids = connection.execute(select(CONFIG_VERSION.c.id)).scalars()
    times = sum(_is_version(row_id, version) for row_id in ids)
    row_id = f"{version}-{times + 1}" if times else version
    number = (connection.execute(select(func.max(CONFIG_VERSION.c.number))).scalar() or 0) + 1
    connection.execute(
        insert(CONFIG_VERSION).values(
            id=row_id,
            number=number,
            hash=sha256(text.encode()).hexdigest(),
            body=text,
            created_at=time_text(at),
        )
    )
    return row_id
