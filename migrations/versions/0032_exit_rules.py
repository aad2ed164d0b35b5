"""How a position is left by more rules than its own price and the hour: reasons by name, the underlying's best move.

Revision: 0032, after 0031
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from bot.store.constraints import allow_words

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIRST = ("stop", "trail", "flat_time", "target", "operator", "flatten")
_LAST = (
    "externally_closed", "awaiting_settlement", "settlement_pending", "expired", "cash_settled", "exercised",
)  # fmt: skip
_NEW = ("days", "earnings", "thesis", "atr")
_BEFORE = (*_FIRST, "protection_failed", "gap", *_LAST)
_NOW = (*_FIRST, "gap", "protection_failed", *_NEW, *_LAST)
_BEST = "dollars that the underlying has gone our way since the entry, at best"


def upgrade() -> None:
    """Four reasons more to close, and a column more at the position."""
    allow_words("position", "close_reason", _NOW, instead_of=_BEFORE)
    op.add_column(
        "position",
        sa.Column("underlying_best", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False, comment=_BEST),
    )


def downgrade() -> None:
    """The older schema knows the clock alone: what a rule of these sold counts as sold by it."""
    op.drop_column("position", "underlying_best")
    listed = ", ".join(f"'{word}'" for word in _NEW)
    op.execute(f"UPDATE position SET close_reason = 'flat_time' WHERE close_reason IN ({listed})")  # noqa: S608
    allow_words("position", "close_reason", _BEFORE, instead_of=_NOW)
