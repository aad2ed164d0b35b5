"""Symbols on which entries stop because somebody else traded a contract of ours.

Revision: 0004, after 0003
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """One table more; nothing that is there changes."""
    op.create_table(
        "symbol_halt",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the symbol"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="its first cause"),
        sa.Column(
            "causes", sa.Text(), server_default=sa.text("'[]'"), nullable=False, comment="JSON list: each halts once"
        ),
        sa.Column("halted_by", sa.String(length=128), nullable=True),
        sa.Column("halted_at", sa.String(length=32), nullable=True),
        sa.Column("lifted_by", sa.String(length=128), nullable=True, comment="the person; empty when the day ended it"),
        sa.Column("lifted_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("\"state\" IN ('open', 'halted')", name=op.f("ck_symbol_halt_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_symbol_halt")),
        comment="symbols that other people's trades halted",
    )


def downgrade() -> None:
    op.drop_table("symbol_halt")
