"""How each position is protected, and for how long contracts of it were not.

Revision: 0005, after 0004
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = ("protection", "unprotected_quantity", "unprotected_ms", "unprotected_contract_ms", "cover_at")

# With its constraint in the column's own words, so that the table need not be copied to add or to drop it.
_PROTECTION = """
ALTER TABLE position ADD COLUMN protection VARCHAR(128) DEFAULT 'wanted' NOT NULL
CONSTRAINT ck_position_protection_word
CHECK ("protection" IN ('wanted', 'working', 'rejected', 'synthetic', 'leaving', 'ended'))"""

# What was counted before nobody knows; what is, follows from what the older schema kept.
_AS_IT_IS = """
UPDATE position SET
    protection = CASE WHEN state = 'closed' THEN 'ended' WHEN state = 'closing' THEN 'leaving'
        WHEN unprotected_since IS NULL THEN 'working' ELSE 'wanted' END,
    unprotected_quantity = CASE WHEN state <> 'closed' AND unprotected_since IS NOT NULL THEN quantity ELSE 0 END,
    cover_at = unprotected_since"""


def upgrade() -> None:
    """Five columns more at the position."""
    op.execute(_PROTECTION)
    op.add_column(
        "position", sa.Column("unprotected_quantity", sa.Integer(), server_default=sa.text("'0'"), nullable=False)
    )
    op.add_column(
        "position", sa.Column("unprotected_ms", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False)
    )
    op.add_column(
        "position", sa.Column("unprotected_contract_ms", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False)
    )
    op.add_column("position", sa.Column("cover_at", sa.String(length=32), nullable=True))
    op.execute(_AS_IT_IS)


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("position", name)
