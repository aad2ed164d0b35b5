"""How a position is left by more rules than its own price and the hour: reasons by name, the underlying's best move.

Revision: 0032, after 0031
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIRST = ("stop", "trail", "flat_time", "target", "operator", "flatten")
_LAST = (
    "externally_closed", "awaiting_settlement", "settlement_pending", "expired", "cash_settled", "exercised",
)  # fmt: skip
_NEW = ("days", "earnings", "thesis", "atr")
_BEFORE = (*_FIRST, "protection_failed", "gap", *_LAST)
_NOW = (*_FIRST, "gap", "protection_failed", *_NEW, *_LAST)
_BEST = "dollars that the underlying has gone our way since the entry, at best"


def upgrade() -> None:
    """Four reasons more to close, and a column more at the position."""
    _allow(_NOW, instead_of=_BEFORE)
    op.add_column(
        "position",
        sa.Column("underlying_best", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False, comment=_BEST),
    )


def downgrade() -> None:
    """The older schema knows the clock alone: what a rule of these sold counts as sold by it."""
    op.drop_column("position", "underlying_best")
    listed = ", ".join(f"'{word}'" for word in _NEW)
    op.execute(f"UPDATE position SET close_reason = 'flat_time' WHERE close_reason IN ({listed})")  # noqa: S608
    _allow(_BEFORE, instead_of=_NOW)


def _allow(reasons: Sequence[str], *, instead_of: Sequence[str]) -> None:
    """Let `close_reason` be one of other words.

    SQLite has no statement for that, and to copy the table is not possible while others refer to it. It documents this
    way instead: a constraint is text in the schema, which is changed and read anew; no row is touched.
    """
    words, before = _words(reasons), _words(instead_of)
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_position_close_reason_word"), "position", type_="check")
        op.create_check_constraint(op.f("ck_position_close_reason_word"), "position", words)
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = 'position' AND instr(sql, ?) > 0",
        (before, words, before),
    )
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=RESET")
    if changed.rowcount != 1:
        raise RuntimeError("the table position has not the constraint that this revision changes")


def _words(reasons: Sequence[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in reasons)
    return f'"close_reason" IN ({listed})'
