"""A person's stop of a signal, and strategies that a person switched.

Revision: 0018, after 0017
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """No signal has such a stop yet; no strategy was switched."""
    stop = sa.Column(
        "stop_price", sa.BigInteger(), nullable=True, comment="a share's first stop where a person chose one"
    )
    op.add_column("signal", stop)
    op.create_table(
        "strategy_switch",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the strategy's name"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("switched_by", sa.String(length=128), nullable=True, comment="the person"),
        sa.Column("switched_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("\"state\" IN ('on', 'shadow', 'off')", name=op.f("ck_strategy_switch_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategy_switch")),
        comment="strategies that a person switched; one that is not here is on",
    )


def downgrade() -> None:
    op.drop_table("strategy_switch")
    op.drop_column("signal", "stop_price")
