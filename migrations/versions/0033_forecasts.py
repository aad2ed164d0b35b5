"""What the product stated of the future, and what came of it.

Revision: 0033, after 0032
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KINDS = "'confidence', 'pin_risk', 'moc', 'expected_move'"


def upgrade() -> None:
    """Nothing was put down of what was stated before."""
    op.create_table(
        "forecast",
        sa.Column("id", sa.String(length=64), nullable=False, comment="what it is of and about"),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("stated_by", sa.String(length=128), nullable=False, comment="strategy or measure"),
        sa.Column("symbol", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False, comment="a position's id, or a New York day"),
        sa.Column("stated", sa.Float(), nullable=False, comment="a probability from 0 to 1; of expected_move dollars"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column(
            "due_at", sa.String(length=32), nullable=True,
            comment="when it can be settled; null: when its position is closed",
        ),
        sa.Column(
            "facts", sa.Text(), server_default=sa.text("('{}')"), nullable=False,
            comment="JSON: what it was stated with",
        ),
        sa.Column(
            "outcome", sa.Float(), nullable=True,
            comment="1 it came, 0 it did not; of expected_move realized over implied",
        ),
        sa.Column(
            "settled_at", sa.String(length=32), nullable=True, comment="null: what comes of it is not known yet"
        ),
        sa.Column(
            "note", sa.Text(), server_default=sa.text("('')"), nullable=False,
            comment="why nothing can be said of what came",
        ),
        sa.CheckConstraint(f'"kind" IN ({_KINDS})', name=op.f("ck_forecast_kind_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast")),
        comment="what the product stated of the future, by whom, and what came of it",
    )  # fmt: skip
    op.create_index(op.f("ix_forecast_settled_at"), "forecast", ["settled_at"])
    op.create_index(op.f("ix_forecast_kind_at"), "forecast", ["kind", "at"])


def downgrade() -> None:
    op.drop_table("forecast")
