"""Quiet hours of persons.

Revision: 0024, after 0023
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nobody has chosen any yet."""
    begins, ends = "HH:MM of New York's clock", "HH:MM of New York's clock; the same as begins: none"
    op.create_table(
        "quiet_time",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the person's name"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("begins", sa.String(length=128), nullable=False, comment=begins),
        sa.Column("ends", sa.String(length=128), nullable=False, comment=ends),
        sa.Column("chosen_by", sa.String(length=128), nullable=True, comment="who chose them"),
        sa.Column("chosen_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("\"state\" IN ('usual', 'own')", name=op.f("ck_quiet_time_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quiet_time")),
        comment="quiet hours that persons chose for themselves; who is not here has those of the settings",
    )


def downgrade() -> None:
    op.drop_table("quiet_time")
