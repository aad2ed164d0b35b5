"""What strategies measured, and the vendor's gamma by strike: what the page draws of a market.

Revision: 0022, after 0021
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STRIKES = "JSON list: [strike, net gamma in dollars per 1 % move], in rising strikes"
_SEEN = "JSON: what its latest look that measured anything measured"


def upgrade() -> None:
    """Nothing was kept of either yet."""
    op.add_column(
        "strategy_stat", sa.Column("seen", sa.Text(), server_default=sa.text("('{}')"), nullable=False, comment=_SEEN)
    )
    op.add_column("strategy_stat", sa.Column("seen_at", sa.String(length=32), nullable=True))
    op.create_table(
        "gamma_profile",
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False, comment="of the underlying, in the vendor's rows"),
        sa.Column("strikes", sa.Text(), server_default=sa.text("('[]')"), nullable=False, comment=_STRIKES),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_gamma_profile")),
        comment="dealer gamma by strike, the latest answer of the vendor for each underlying",
    )


def downgrade() -> None:
    op.drop_table("gamma_profile")
    op.drop_column("strategy_stat", "seen_at")
    op.drop_column("strategy_stat", "seen")
