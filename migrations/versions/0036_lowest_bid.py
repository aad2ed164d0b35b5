"""The lowest bid of a position's marks, kept on the position: its price path is kept for a while only.

Revision: 0036, after 0035
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """What the price paths that are still there say is taken over."""
    op.add_column("position", sa.Column("low", sa.BigInteger(), nullable=True, comment="lowest bid of its marks"))
    op.execute("UPDATE position SET low = (SELECT MIN(m.bid) FROM position_mark m WHERE m.position_id = position.id)")


def downgrade() -> None:
    op.drop_column("position", "low")
