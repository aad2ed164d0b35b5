"""What other processes say has a table of its own; a request says when it was asked by the wall.

Revision: 0011, after 0010
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "inbound",
        sa.Column("id", sa.String(64), nullable=False, comment="ULID"),
        sa.Column(
            "source",
            sa.String(128),
            nullable=False,
            comment="page, people, publisher, overseer; a channel is publisher:<name>",
        ),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("payload", sa.Text(), server_default=sa.text("'{}'"), nullable=False, comment="JSON"),
        sa.Column("state", sa.String(128), server_default="queued", nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("handled_at", sa.String(32), nullable=True),
        sa.Column("answer", sa.Text(), server_default=sa.text("''"), nullable=False, comment="what came of it"),
        sa.CheckConstraint("\"state\" IN ('queued', 'done', 'refused')", name="state_word"),
        sa.PrimaryKeyConstraint("id"),
        comment="what other processes of ours say: outcomes of deliveries, verdicts, jobs",
    )
    op.create_index(op.f("ix_inbound_state_received_at"), "inbound", ["state", "received_at"])
    op.add_column("command", sa.Column("asked_at", sa.String(32), nullable=True))


def downgrade() -> None:
    op.drop_column("command", "asked_at")
    op.drop_index(op.f("ix_inbound_state_received_at"), table_name="inbound")
    op.drop_table("inbound")
