"""The words that a column may hold, as revisions change them."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def allow_words(table: str, column: str, words: Sequence[str], *, instead_of: Sequence[str]) -> None:
    """Let a column of words hold others; raises RuntimeError where its constraint does not have those before.

    SQLite has no statement for that, and to copy the table is not possible while others refer to it. It documents this
    way instead: a constraint is text in the schema, which is changed and read anew; no row is touched.
    """
    allowed, before = _condition(column, words), _condition(column, instead_of)
    bind, name = op.get_bind(), op.f(f"ck_{table}_{column}_word")
    if bind.dialect.name != "sqlite":
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, allowed)
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?) > 0",
        (before, allowed, table, before),
    )
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=RESET")
    if changed.rowcount != 1:
        raise RuntimeError(f"the table {table} has not the constraint that this revision changes")


def _condition(column: str, words: Sequence[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f'"{column}" IN ({listed})'
