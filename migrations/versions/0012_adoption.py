"""What the broker holds beyond our book: asked about once, and who answered.

Revision: 0012, after 0011
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """One table more; nothing that is there changes."""
    op.create_table(
        "adoption",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the contract's key"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("symbol", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="contracts beyond our book that it is about"),
        sa.Column(
            "why",
            sa.Text(),
            server_default=sa.text("('')"),
            nullable=False,
            comment="what sets it apart; a question with one is answered only by its key",
        ),
        sa.Column("asked_at", sa.String(length=32), nullable=True),
        sa.Column(
            "answered_by",
            sa.String(length=128),
            nullable=True,
            comment="a person, or reconcile where it was proved",
        ),
        sa.Column("answered_at", sa.String(length=32), nullable=True),
        sa.Column("adopted_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "\"state\" IN ('asked', 'allowed', 'adopted', 'declined', 'gone')", name=op.f("ck_adoption_state_word")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption")),
        comment="what the broker holds beyond our book: asked about, allowed, taken over",
    )


def downgrade() -> None:
    op.drop_table("adoption")
