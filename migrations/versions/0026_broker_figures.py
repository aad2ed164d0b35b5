"""What the broker reckons: profit and loss of each holding, and what the account holds in each currency.

Revision: 0026, after 0025
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing was kept of either yet."""
    op.create_table(
        "broker_pnl",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("daily", sa.BigInteger(), nullable=True, comment="of the day"),
        sa.Column("unrealized", sa.BigInteger(), nullable=True),
        sa.Column("realized", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_broker_pnl")),
        comment="profit and loss of each holding as the broker reckons it; ours come from fills",
    )
    op.create_table(
        "account_currency",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=64), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=True, comment="in this currency"),
        sa.Column("net_liquidation", sa.BigInteger(), nullable=True, comment="in this currency"),
        sa.Column("exchange_rate", sa.Float(), nullable=True, comment="to the account's own currency"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_account_currency")),
        comment="what the account holds in each currency, as the broker tells it",
    )


def downgrade() -> None:
    op.drop_table("account_currency")
    op.drop_table("broker_pnl")
