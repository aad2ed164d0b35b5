"""The last rows of data sets that people may read by name.

Revision: 0028, after 0027
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing was kept of them yet."""
    op.create_table(
        "feed_rows",
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False, comment="who said it"),
        sa.Column("at", sa.String(length=32), nullable=False, comment="received"),
        sa.Column("source_at", sa.String(length=32), nullable=True, comment="by the source"),
        sa.Column("max_age_s", sa.Float(), nullable=False, comment="older is stale"),
        sa.Column("rows_in_all", sa.Integer(), nullable=False, comment="of which the last are kept"),
        sa.Column(
            "rows", sa.Text(), server_default=sa.text("('[]')"), nullable=False,
            comment="JSON list: the last rows, each an object",
        ),
        sa.PrimaryKeyConstraint("dataset", "key", name=op.f("pk_feed_rows")),
        comment="the last rows of data sets that people may read by name",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("feed_rows")
