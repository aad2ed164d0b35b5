"""What a strategy's closed trades say against it, beside its switch.

Revision: 0031, after 0030
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing was said against any strategy yet."""
    op.add_column(
        "strategy_switch",
        sa.Column(
            "findings", sa.Text(), server_default=sa.text("('[]')"), nullable=False,
            comment="JSON: what its closed trades say against it now",
        ),
    )  # fmt: skip
    op.add_column(
        "strategy_switch",
        sa.Column(
            "degraded_at", sa.String(length=32), nullable=True,
            comment="since when they keep it off, until an owner switches it on",
        ),
    )  # fmt: skip
    op.add_column(
        "strategy_switch",
        sa.Column(
            "counted_from", sa.String(length=32), nullable=True, comment="only trades that closed later are judged"
        ),
    )


def downgrade() -> None:
    for column in ("counted_from", "degraded_at", "findings"):
        op.drop_column("strategy_switch", column)
