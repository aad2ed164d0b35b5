"""As whom the orders of this store were sent.

Revision: 0003, after 0002
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """One table more; it is filled at the next start."""
    op.create_table(
        "bot_identity",
        sa.Column("id", sa.String(length=64), nullable=False, comment="bot"),
        sa.Column("bot_id", sa.String(length=128), nullable=False, comment="first part of every order reference"),
        sa.Column(
            "client_id",
            sa.Integer(),
            nullable=False,
            comment="the broker lets this client alone cancel and change its orders",
        ),
        sa.Column("since", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_identity")),
        comment="one row: as whom this store's orders were sent",
    )


def downgrade() -> None:
    op.drop_table("bot_identity")
