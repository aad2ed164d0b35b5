"""What a signal is worth and risks: confidence, targets, reward for risk, most that it may lose, what makes it complex.

Revision: 0034, after 0033
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Of signals before, nothing of it is known."""
    op.add_column(
        "signal", sa.Column("confidence", sa.Integer(), nullable=True, comment="0 to 100, as its strategy says")
    )
    op.add_column(
        "signal",
        sa.Column(
            "targets", sa.Text(), server_default=sa.text("('[]')"), nullable=False,
            comment="JSON: prices per share at which profit is taken",
        ),
    )  # fmt: skip
    op.add_column(
        "signal",
        sa.Column(
            "risk_reward", sa.Float(), nullable=True,
            comment="gain at the last target for each dollar that the stop would lose",
        ),
    )  # fmt: skip
    op.add_column(
        "signal",
        sa.Column("max_risk", sa.BigInteger(), nullable=True, comment="1/10000 dollar: what all of it may lose"),
    )
    op.add_column(
        "signal",
        sa.Column(
            "complexity", sa.Text(), server_default=sa.text("('')"), nullable=False,
            comment="what makes it complex; empty: it is plain",
        ),
    )  # fmt: skip


def downgrade() -> None:
    for column in ("complexity", "max_risk", "risk_reward", "targets", "confidence"):
        op.drop_column("signal", column)
