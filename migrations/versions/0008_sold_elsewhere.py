"""Contracts that somebody else sold: what they brought, and what that rests on.

What was closed that way before was counted as worthless without a word: it is `unknown` now, at that value.

Revision: 0008, after 0007
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = (
    "elsewhere_quantity",
    "elsewhere_value",
    "elsewhere_commission",
    "elsewhere_estimate",
    "elsewhere_at",
    "valuation",
)

# With its constraint in the column's own words, so that the table need not be copied to add or to drop it.
_VALUATION = """
ALTER TABLE position ADD COLUMN valuation VARCHAR(128)
CONSTRAINT ck_position_valuation_word CHECK ("valuation" IN ('executed', 'told', 'estimated', 'unknown'))"""

_UNKNOWN = """
UPDATE position SET elsewhere_quantity = left_early, elsewhere_at = closed_at, valuation = 'unknown'
WHERE left_early > 0 AND settled_value = 0 AND settlement IS NULL"""

# The older schema knows the value, and of commissions only those of our own executions.
_NUMERATOR = (
    "((exit_value + settled_value) * entry_quantity - entry_value * (exit_quantity + settled_quantity)) * multiplier"
    " - (commissions - elsewhere_commission) * entry_quantity"
)
_DENOMINATOR = "(entry_quantity * 100)"
_WITHOUT = f"""
UPDATE position SET commissions = commissions - elsewhere_commission, realized_pnl = 100 * (
    ({_NUMERATOR}) / {_DENOMINATOR} + CASE
        WHEN 2 * ABS(({_NUMERATOR}) % {_DENOMINATOR}) > {_DENOMINATOR}
            OR (2 * ABS(({_NUMERATOR}) % {_DENOMINATOR}) = {_DENOMINATOR}
                AND ABS(({_NUMERATOR}) / {_DENOMINATOR}) % 2 = 1)
        THEN CASE WHEN ({_NUMERATOR}) < 0 THEN -1 ELSE 1 END ELSE 0 END)
WHERE elsewhere_commission <> 0 AND entry_quantity > 0"""  # noqa: S608 - the pieces of this text are our own constants


def upgrade() -> None:
    """Six columns more at the position."""
    whole, units = sa.Integer(), sa.BigInteger()
    nothing = sa.text("'0'")
    op.add_column("position", sa.Column("elsewhere_quantity", whole, server_default=nothing, nullable=False))
    op.add_column("position", sa.Column("elsewhere_value", units, server_default=nothing, nullable=False))
    op.add_column("position", sa.Column("elsewhere_commission", units, server_default=nothing, nullable=False))
    op.add_column("position", sa.Column("elsewhere_estimate", units, nullable=True))
    op.add_column("position", sa.Column("elsewhere_at", sa.String(length=32), nullable=True))
    op.execute(_VALUATION)
    op.execute(_UNKNOWN)


def downgrade() -> None:
    op.execute(_WITHOUT)
    for name in reversed(_COLUMNS):
        op.drop_column("position", name)
