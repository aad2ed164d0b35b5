"""Of an update of Telegram where its answer goes and when it was told; of a report its edits, and why it was rejected.

Revision: 0029, after 0028
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_EDITS = "how often a person changed its text"
_CHAT = "where its answer goes"
_ANSWERED = "when what came of its request was told"


def upgrade() -> None:
    """Of what was handled before nobody is owed an answer, for it has no chat; nobody has drafted a report yet."""
    op.add_column("telegram_update", sa.Column("chat", sa.String(length=128), nullable=True, comment=_CHAT))
    op.add_column("telegram_update", sa.Column("answered_at", sa.String(length=32), nullable=True, comment=_ANSWERED))
    op.add_column(
        "report", sa.Column("edits", sa.Integer(), server_default=sa.text("0"), nullable=False, comment=_EDITS)
    )
    op.add_column("report", sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False))


def downgrade() -> None:
    op.drop_column("report", "reason")
    op.drop_column("report", "edits")
    op.drop_column("telegram_update", "answered_at")
    op.drop_column("telegram_update", "chat")
