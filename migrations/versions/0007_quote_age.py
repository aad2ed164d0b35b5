"""When the line of a held contract last said anything: whether the tick can watch a stop shows in the store.

Revision: 0007, after 0006
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("position", sa.Column("quoted_at", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("position", "quoted_at")
