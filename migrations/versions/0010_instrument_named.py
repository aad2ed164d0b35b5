"""How the broker named each contract under its conId.

Revision: 0010, after 0009
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("instrument", sa.Column("named", sa.Text(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    op.drop_column("instrument", "named")
