"""Who holds which market data line.

Revision: 0025, after 0024
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing was kept of it yet."""
    op.create_table(
        "market_line",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.String(length=128), nullable=False, comment="position, candidate, context"),
        sa.Column("group_name", sa.String(length=128), nullable=False, comment="of the universe; empty: none"),
        sa.Column(
            "state", sa.String(length=128), nullable=False,
            comment="open, waiting, delayed, refused, left_out, closed",
        ),
        sa.Column("detail", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("ticked_at", sa.String(length=32), nullable=True),
        sa.Column("gaps", sa.Integer(), nullable=False, comment="found missing in its sequence on this connection"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", name=op.f("pk_market_line")),
        comment="who holds which market data line, and who waits for one",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("market_line")
