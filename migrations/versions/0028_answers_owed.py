"""Of each update of Telegram where its answer goes, and when it was told.

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
    """Of what was handled before nobody is owed an answer: it has no chat."""
    op.add_column(
        "telegram_update", sa.Column("chat", sa.String(length=128), nullable=True, comment="where its answer goes")
    )
    op.add_column(
        "telegram_update",
        sa.Column("answered_at", sa.String(length=32), nullable=True, comment="when what came of its request was told"),
    )


def downgrade() -> None:
    op.drop_column("telegram_update", "answered_at")
    op.drop_column("telegram_update", "chat")
