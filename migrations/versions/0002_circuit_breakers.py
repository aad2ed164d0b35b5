"""Circuit breakers: limits of the whole book with their present numbers.

Revision: 0002, after 0001
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """One table more; nothing that is there changes."""
    op.create_table(
        "breaker",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the rule's name"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="as a person reads it"),
        sa.Column(
            "limit_words", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="as a person reads it"
        ),
        sa.Column("share", sa.Float(), nullable=True, comment="value as a part of its limit; 1: at the limit"),
        sa.Column("detail", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=True, comment="when the state was entered"),
        sa.Column(
            "acknowledged_at", sa.String(length=32), nullable=True, comment="what is counted, is counted from here"
        ),
        sa.Column(
            "facts",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: the numbers behind it",
        ),
        sa.CheckConstraint("\"state\" IN ('ok', 'warning', 'tripped')", name=op.f("ck_breaker_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breaker")),
        comment="circuit breakers: limits of the whole book with their present numbers",
    )


def downgrade() -> None:
    op.drop_table("breaker")
