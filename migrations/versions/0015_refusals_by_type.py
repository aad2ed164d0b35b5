"""What the words of a refusal say, and whether the broker ended an order unasked, in columns: no decision reads prose.

Revision: 0015, after 0014
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_REFUSAL = """
ALTER TABLE broker_order ADD COLUMN refusal VARCHAR(128)
CONSTRAINT ck_broker_order_refusal_word CHECK ("refusal" IN ('other_side', 'read_only'))"""

_MEANING = "cancelled, and by nobody here: the broker ended it, or it never arrived"

# What was read from the reason until now.
_KNOWN = (
    "UPDATE broker_order SET refusal = 'other_side' "
    "WHERE reject_code = 201 AND lower(reject_reason) LIKE '%both sides%'",
    "UPDATE broker_order SET refusal = 'read_only' WHERE refusal IS NULL AND lower(reject_reason) LIKE '%read-only%'",
    "UPDATE broker_order SET not_taken = true WHERE state = 'cancelled' AND reject_reason LIKE 'not taken%'",
)


def upgrade() -> None:
    """Two columns more, and what the orders that are there have in words."""
    op.execute(_REFUSAL)
    no = sa.false()
    column: sa.Column[bool] = sa.Column("not_taken", sa.Boolean(), server_default=no, nullable=False, comment=_MEANING)
    op.add_column("broker_order", column)
    for statement in _KNOWN:
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("broker_order", "not_taken")
    op.drop_column("broker_order", "refusal")
