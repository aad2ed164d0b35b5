"""Of each feed how its last call came out, when the next is and whose rows are in use; what endpoints took day by day.

Revision: 0027, after 0026
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WORDS = {
    "outcome": "how the last call came out, in one word",
    "source": "whose rows are in use: another vendor than feed where one stands in",
    "priority": "critical, important, nice_to_have, background",
}


def upgrade() -> None:
    """Nothing was kept of either yet."""
    for name, comment in _WORDS.items():
        op.add_column(
            "feed_status",
            sa.Column(name, sa.String(length=128), server_default=sa.text("''"), nullable=False, comment=comment),
        )
    op.add_column("feed_status", sa.Column("next_call_at", sa.String(length=32), nullable=True))
    op.create_table(
        "endpoint_day",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False, comment="New York"),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False, comment="dollars"),
        sa.Column("breaker", sa.String(length=128), nullable=False, comment="closed, open, half_open"),
        sa.Column("breaker_failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("breaker_retry_at", sa.String(length=32), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("feed", "dataset", "day", name=op.f("pk_endpoint_day")),
        comment="what each endpoint of a vendor took, day by day",
    )


def downgrade() -> None:
    op.drop_table("endpoint_day")
    op.drop_column("feed_status", "next_call_at")
    for name in _WORDS:
        op.drop_column("feed_status", name)
