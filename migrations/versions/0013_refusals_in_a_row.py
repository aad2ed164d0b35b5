"""How often in a row a change of an order was refused, and how often a cancel of it: a restart does not forget.

Revision: 0013, after 0012
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COUNTS = (
    ("change_refusals", "changes in a row that did not come into force"),
    ("cancel_misses", "cancels that the broker refused"),
)


def upgrade() -> None:
    """Two counts more, zero for the orders that are there."""
    for name, meaning in _COUNTS:
        column = sa.Column(name, sa.Integer(), server_default=sa.text("'0'"), nullable=False, comment=meaning)
        op.add_column("broker_order", column)


def downgrade() -> None:
    for name, _ in reversed(_COUNTS):
        op.drop_column("broker_order", name)
