"""A message knows its target, what it edits or answers, how often it was tried, and what a channel needs of it.

Revision: 0017, after 0016
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATES = "\"state\" IN ('queued', 'sending', 'sent', 'retrying', 'unknown', 'dead', 'withheld')"
_KEPT = (
    "id", "tier", "channel", "kind", "signal_id", "position_id", "created_at", "due_at", "sent_at", "state",
    "external_id", "dedupe_key", "body", "reason",
)  # fmt: skip


def _columns_of_before() -> list[sa.Column[str]]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("tier", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("signal_id", sa.String(length=64), nullable=True, comment="the trade it is about, if any"),
        sa.Column("position_id", sa.String(length=64), nullable=True, comment="the trade it is about, if any"),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False, comment="never sent before this"),
        sa.Column("sent_at", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=True, comment="the channel's id of what was sent"),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False, comment="fact + tier + channel: said once"),
        sa.Column("body", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="why withheld or dead"),
    ]


def _new_columns() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column(
            "target",
            sa.String(length=128),
            server_default=sa.text("('')"),
            nullable=False,
            comment="a name of the settings: person, chat, webhook, mailbox",
        ),
        sa.Column("parent_id", sa.String(length=64), nullable=True, comment="the message that it edits or answers"),
        sa.Column("mode", sa.String(length=128), server_default="new", nullable=False),
        sa.Column("sending_at", sa.String(length=32), nullable=True, comment="when it was last handed to the channel"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default=sa.text("'0'"),
            nullable=False,
            comment="how often it was handed to the channel",
        ),
        sa.Column("retry_at", sa.String(length=32), nullable=True, comment="not tried again before this"),
        sa.Column(
            "extra",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON for the channel: level, code, subject, buttons, ids",
        ),
    ]


def _made_anew(*columns: sa.Column[str] | sa.Column[int], words: Sequence[sa.CheckConstraint]) -> None:
    """Put another table in the place of `message`, with the rows that are there: SQLite adds no constraint to a table
    that stands."""
    kept = ", ".join(_KEPT)
    op.execute(f"CREATE TABLE message_kept AS SELECT {kept} FROM message")  # noqa: S608 - names of ours
    op.drop_index(op.f("ix_message_state_due_at"), table_name="message")
    op.drop_index(op.f("ix_message_position_id"), table_name="message")
    op.drop_table("message")
    op.create_table(
        "message",
        *columns,
        sa.CheckConstraint(_STATES, name=op.f("ck_message_state_word")),
        *words,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
        comment="outbox of everything said to an audience",
    )
    op.execute(f"INSERT INTO message ({kept}) SELECT {kept} FROM message_kept")  # noqa: S608 - names of ours
    op.drop_table("message_kept")
    op.create_index(op.f("ix_message_position_id"), "message", ["position_id"], unique=False)
    op.create_index(op.f("ix_message_state_due_at"), "message", ["state", "due_at"], unique=False)


def upgrade() -> None:
    """The rows that are there keep what they say; they have no target of their own."""
    mode = sa.CheckConstraint("\"mode\" IN ('new', 'edit', 'reply')", name=op.f("ck_message_mode_word"))
    _made_anew(*_columns_of_before(), *_new_columns(), words=[mode])


def downgrade() -> None:
    _made_anew(*_columns_of_before(), words=[])
