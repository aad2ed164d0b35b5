"""How a position ended at its expiry: what it was settled at, what that rests on, and reasons by name.

What was closed as `settled` was counted as worthless without evidence: it is `settlement_pending` now, at that value.
A position that was closed for its underlying's jump has its own word, `gap`, too.

Revision: 0006, after 0005
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from bot.store.constraints import allow_words

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STAYED = ("stop", "trail", "flat_time", "target", "operator", "flatten", "protection_failed")
_BEFORE = (*_STAYED, "settled", "externally_closed")
_NOW = (
    *_STAYED,
    "gap",
    "externally_closed",
    "awaiting_settlement",
    "settlement_pending",
    "expired",
    "cash_settled",
    "exercised",
)
_EITHER = tuple(dict.fromkeys((*_BEFORE, *_NOW)))
_COLUMNS = ("left_early", "settled_value", "settlement", "settlement_price", "shares_before")

# With its constraint in the column's own words, so that the table need not be copied to add or to drop it.
_SETTLEMENT = """
ALTER TABLE position ADD COLUMN settlement VARCHAR(128)
CONSTRAINT ck_position_settlement_word CHECK ("settlement" IN ('pending', 'seen', 'final'))"""


def upgrade() -> None:
    """Five columns more at the position, and other reasons to close."""
    op.add_column("position", sa.Column("left_early", sa.Integer(), server_default=sa.text("'0'"), nullable=False))
    op.add_column(
        "position", sa.Column("settled_value", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False)
    )
    op.execute(_SETTLEMENT)
    op.add_column("position", sa.Column("settlement_price", sa.BigInteger(), nullable=True))
    op.add_column("position", sa.Column("shares_before", sa.Integer(), nullable=True))
    allow_words("position", "close_reason", _EITHER, instead_of=_BEFORE)
    op.execute(
        "UPDATE position SET close_reason = 'settlement_pending', settlement = 'pending' WHERE close_reason = 'settled'"
    )
    allow_words("position", "close_reason", _NOW, instead_of=_EITHER)


def downgrade() -> None:
    """The older schema counts what was settled as worthless, and what is still in the broker's book as on its way out
    without a reason."""
    allow_words("position", "close_reason", _EITHER, instead_of=_NOW)
    op.execute("UPDATE position SET realized_pnl = realized_pnl - settled_value * multiplier WHERE settled_value <> 0")
    op.execute("UPDATE position SET close_reason = 'flatten' WHERE close_reason = 'gap'")
    op.execute("UPDATE position SET close_reason = NULL WHERE close_reason = 'awaiting_settlement'")
    op.execute(
        "UPDATE position SET close_reason = 'settled' "
        "WHERE close_reason IN ('settlement_pending', 'expired', 'cash_settled', 'exercised')"
    )
    allow_words("position", "close_reason", _BEFORE, instead_of=_EITHER)
    for name in reversed(_COLUMNS):
        op.drop_column("position", name)
