"""What the page's lists are found by on a large store: trades by their close, the sums of closed days, signals by age.

Revision: 0023, after 0022
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_POSITION = {
    "ix_position_closed_at_id": ["closed_at", "id"],
    "ix_position_closed_days": ["session_day", "closed_at", "realized_pnl", "commissions"],
    "ix_position_elsewhere_at": ["elsewhere_at"],
    "ix_position_settlement": ["settlement"],
    "ix_position_valuation": ["valuation"],
}


def upgrade() -> None:
    """The index of the day alone is the beginning of that of the closed days."""
    for name, columns in _POSITION.items():
        op.create_index(name, "position", columns, unique=False)
    op.drop_index(op.f("ix_position_session_day"), table_name="position")
    op.create_index(op.f("ix_signal_created_at"), "signal", ["created_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_signal_created_at"), table_name="signal")
    op.create_index(op.f("ix_position_session_day"), "position", ["session_day"], unique=False)
    for name in reversed(_POSITION):
        op.drop_index(name, table_name="position")
