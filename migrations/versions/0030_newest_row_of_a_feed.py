"""Of a feed the vendor's own time of its newest row, so that answers in time with old rows are seen.

Revision: 0030, after 0029
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NEWEST = "the vendor's own time of the newest row, null where rows have none"


def upgrade() -> None:
    op.add_column("feed_status", sa.Column("newest_row_at", sa.String(length=32), nullable=True, comment=_NEWEST))


def downgrade() -> None:
    op.drop_column("feed_status", "newest_row_at")
