"""Each call of the overseer's model has a row: what it cost, what it said, what became of it.

Revision: 0016, after 0015
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _words(name: str, comment: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False, comment=comment)


def upgrade() -> None:
    """One table more; nothing that is there changes."""
    op.create_table(
        "overseer_call",
        sa.Column("id", sa.String(64), nullable=False, comment="ULID of the inbound row that told of it"),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False, comment="New York day, whose budget it counts against"),
        sa.Column("task", sa.String(128), nullable=False),
        sa.Column(
            "subject",
            sa.String(128),
            nullable=False,
            comment="what it was about: a review, a position, an alert, a day",
        ),
        sa.Column("model", sa.String(128), nullable=False, comment="empty: nobody was asked"),
        sa.Column(
            "prompt_hash",
            sa.String(128),
            nullable=False,
            comment="first digits of the SHA-256 of the prompt's file",
        ),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False, comment="thinking included"),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False, comment="millionths of a dollar"),
        sa.Column("ms", sa.BigInteger(), nullable=False, comment="wall milliseconds of the call"),
        sa.Column("answered", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False, comment="what the verdict asked for"),
        _words("done", "what the bot made of it"),
        _words("text", "what people read: the model's, or the rules' where that could not stand"),
        _words("verdict", "JSON: the answer as it was understood", "{}"),
        _words("outcome", "what became of what it was about"),
        sa.Column("outcome_at", sa.String(32), nullable=True),
        sa.CheckConstraint(
            "\"task\" IN ('anomaly', 'pre_trade_review', 'explanation', 'day_summary', 'alert_context', "
            "'risk_in_words')",
            name="task_word",
        ),
        sa.CheckConstraint(
            "\"answered\" IN ('answered', 'replaced', 'late', 'refused', 'malformed', 'unavailable', 'no_key', "
            "'budget', 'rules')",
            name="answered_word",
        ),
        sa.CheckConstraint("\"action\" IN ('none', 'warn', 'slow', 'veto', 'pause', 'halt')", name="action_word"),
        sa.PrimaryKeyConstraint("id"),
        comment="calls of the overseer's model, with what they cost, and what became of what they judged",
    )
    for column in ("at", "day", "subject"):
        op.create_index(op.f(f"ix_overseer_call_{column}"), "overseer_call", [column])


def downgrade() -> None:
    for column in ("at", "day", "subject"):
        op.drop_index(op.f(f"ix_overseer_call_{column}"), table_name="overseer_call")
    op.drop_table("overseer_call")
