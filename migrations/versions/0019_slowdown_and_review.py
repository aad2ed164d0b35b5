"""What the overseer slows, and what it is asked about before a trade.

Revision: 0019, after 0018
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _words(name: str, comment: str | None = None, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False, comment=comment)


def upgrade() -> None:
    """Two tables more; nothing that is there changes."""
    op.create_table(
        "slowdown",
        sa.Column("id", sa.String(64), nullable=False, comment="slowdown"),
        sa.Column("state", sa.String(128), nullable=False),
        sa.Column("scale", sa.String(128), nullable=False, comment="decimal text: of the size that the rules allow"),
        sa.Column("spacing_s", sa.Float(), nullable=False, comment="seconds between two entries"),
        sa.Column("until", sa.String(32), nullable=True),
        _words("reason"),
        sa.Column("by", sa.String(128), nullable=False, comment="the overseer"),
        sa.CheckConstraint("\"state\" IN ('free', 'slowed')", name="state_word"),
        sa.PrimaryKeyConstraint("id"),
        comment="one row: how slowly the bot may enter, until when",
    )
    op.create_table(
        "review",
        sa.Column("id", sa.String(64), nullable=False, comment="ULID"),
        sa.Column("signal_id", sa.String(128), nullable=False),
        sa.Column("state", sa.String(128), nullable=False),
        _words("why", "JSON list: what makes the signal complex", "[]"),
        sa.Column("asked_at", sa.String(32), nullable=False),
        sa.Column("deadline", sa.String(32), nullable=False, comment="a verdict after it is none"),
        sa.Column("decided_at", sa.String(32), nullable=True),
        _words("note", "what the verdict says to it"),
        sa.Column("call_id", sa.String(128), nullable=False, comment="the call of the model; empty: none"),
        sa.CheckConstraint("\"state\" IN ('asked', 'cleared', 'vetoed', 'silent', 'dropped')", name="state_word"),
        sa.PrimaryKeyConstraint("id"),
        comment="looks of the overseer at signals before they are traded",
    )
    for column in ("signal_id", "state"):
        op.create_index(op.f(f"ix_review_{column}"), "review", [column])


def downgrade() -> None:
    for column in ("signal_id", "state"):
        op.drop_index(op.f(f"ix_review_{column}"), table_name="review")
    op.drop_table("review")
    op.drop_table("slowdown")
