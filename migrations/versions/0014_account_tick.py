"""The account's rows say in which tick they were written: their times do not tell the last one where a clock was set.

Revision: 0014, after 0013
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MEANING = "orders the rows as they were written, whatever the clock said"


def upgrade() -> None:
    """One count more, zero for the rows that are there: among those the time decides, as before."""
    column = sa.Column("tick", sa.Integer(), server_default=sa.text("'0'"), nullable=False, comment=_MEANING)
    op.add_column("account_snapshot", column)


def downgrade() -> None:
    op.drop_column("account_snapshot", "tick")
