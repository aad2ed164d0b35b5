"""How often a person changed the terms of a question, and the updates of Telegram that were taken up.

Revision: 0020, after 0019
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MEANING = "how often a person changed its terms"


def upgrade() -> None:
    """None was edited yet; no update was taken up."""
    op.add_column("approval", sa.Column("edits", sa.Integer(), server_default="0", nullable=False, comment=_MEANING))
    op.create_table(
        "telegram_update",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "command_id",
            sa.String(length=128),
            nullable=False,
            comment="the id under which a request of it is, or would be, in command",
        ),
        sa.Column("actor", sa.String(length=128), nullable=False, comment="who it came from"),
        sa.Column("words", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="what it was, in short"),
        sa.Column("state", sa.String(length=128), server_default="taken", nullable=False),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("\"state\" IN ('taken', 'handled')", name=op.f("ck_telegram_update_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telegram_update")),
        comment="updates of Telegram that were taken up: each is handled once, also across a kill",
    )


def downgrade() -> None:
    op.drop_table("telegram_update")
    op.drop_column("approval", "edits")
