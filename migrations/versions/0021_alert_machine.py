"""An alert has a life: what it is about, how often it was raised, who was told, who acknowledged it, when it was over.

Revision: 0021, after 0020
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEPT = "id, code, severity, text, facts, at"
_SUBJECT = "the id or name of what it is about; empty: its code says that"


def _columns(at_means: str | None) -> list[sa.Column[str]]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("severity", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("facts", sa.Text(), server_default=sa.text("'{}'"), nullable=False, comment="JSON"),
        sa.Column("at", sa.String(length=32), nullable=False, comment=at_means),
    ]


def _life() -> list[sa.Column[str] | sa.Column[int]]:
    number, short, time = sa.Integer(), sa.String(length=128), sa.String(length=32)
    told_again = "how often it was told again, further each time"
    return [
        sa.Column("first_at", time, nullable=True, comment="when it was first raised"),
        sa.Column("state", short, server_default="raised", nullable=False),
        sa.Column("entity", short, server_default=sa.text("('')"), nullable=False, comment=_SUBJECT),
        sa.Column("count", number, server_default=sa.text("'1'"), nullable=False, comment="how often it was raised"),
        sa.Column("escalation", number, server_default=sa.text("'0'"), nullable=False, comment=told_again),
        sa.Column("told_at", time, nullable=True, comment="when a channel confirmed it"),
        sa.Column("shown_at", time, nullable=True, comment="when its count was last told"),
        sa.Column("acknowledged_at", time, nullable=True),
        sa.Column("acknowledged_by", short, nullable=True),
        sa.Column("resolved_at", time, nullable=True),
    ]


def _made_anew(*columns: sa.Column[str] | sa.Column[int], words: Sequence[sa.CheckConstraint]) -> None:
    """Put another table in the place of `alert`, with the rows that are there: SQLite adds no constraint to a table
    that stands."""
    op.execute(f"CREATE TABLE alert_kept AS SELECT {_KEPT} FROM alert")  # noqa: S608 - names of ours
    op.drop_index(op.f("ix_alert_at"), table_name="alert")
    op.drop_table("alert")
    severity = sa.CheckConstraint(
        "\"severity\" IN ('info', 'warning', 'critical')", name=op.f("ck_alert_severity_word")
    )
    op.create_table(
        "alert",
        *columns,
        *words,
        severity,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        comment="what a person should see",
    )
    op.execute(f"INSERT INTO alert ({_KEPT}) SELECT {_KEPT} FROM alert_kept")  # noqa: S608 - names of ours
    op.drop_table("alert_kept")
    op.create_index(op.f("ix_alert_at"), "alert", ["at"], unique=False)


def upgrade() -> None:
    """What was told before alerts had a life is over: nobody waits for an acknowledgement of it."""
    allowed = "'raised', 'told', 'escalated', 'acknowledged', 'resolved'"
    state = sa.CheckConstraint(f'"state" IN ({allowed})', name=op.f("ck_alert_state_word"))
    _made_anew(*_columns("when it was last raised"), *_life(), words=[state])
    op.execute("UPDATE alert SET state = 'resolved', first_at = at, resolved_at = at")
    op.create_index(op.f("ix_alert_state"), "alert", ["state"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_alert_state"), table_name="alert")
    _made_anew(*_columns(None), words=[])
