"""An order that rests at the broker until a moment: a stop that is not left to the opening print.

Revision: 0035, after 0034
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AFTER = "it rests at the broker until then, and cannot fill before; null: it fills as it arrives"


def upgrade() -> None:
    """What was sent so far fills as it arrived."""
    op.add_column("broker_order", sa.Column("good_after", sa.String(length=32), nullable=True, comment=_AFTER))


def downgrade() -> None:
    op.drop_column("broker_order", "good_after")
