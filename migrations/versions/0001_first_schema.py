"""The first schema: trades, audit chain, commands, the running bot, its audiences.

Revision: 0001, after nothing
"""

# ruff: noqa: E501, PLR0915  (one statement a table, constraints spelled out)

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_APPEND_ONLY = {
    "sqlite": (
        """
        CREATE TRIGGER transition_is_never_changed BEFORE UPDATE ON transition
        BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never changed'); END
        """,
        """
        CREATE TRIGGER transition_is_never_removed BEFORE DELETE ON transition
        BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never removed'); END
        """,
        # INSERT OR REPLACE removes a row without waking the trigger above.
        """
        CREATE TRIGGER transition_is_never_replaced BEFORE INSERT ON transition
        WHEN EXISTS (SELECT 1 FROM transition WHERE seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'transition is append-only: a row is never replaced'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION transition_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'transition is append-only: % refused', TG_OP; END $$
        """,
        """
        CREATE TRIGGER transition_is_never_changed BEFORE UPDATE OR DELETE ON transition
        FOR EACH ROW EXECUTE FUNCTION transition_is_append_only()
        """,
        """
        CREATE TRIGGER transition_is_never_emptied BEFORE TRUNCATE ON transition
        FOR EACH STATEMENT EXECUTE FUNCTION transition_is_append_only()
        """,
    ),
}
_FREE_AGAIN = {
    "sqlite": (
        "DROP TRIGGER transition_is_never_changed",
        "DROP TRIGGER transition_is_never_removed",
        "DROP TRIGGER transition_is_never_replaced",
    ),
    "postgresql": (
        "DROP TRIGGER transition_is_never_changed ON transition",
        "DROP TRIGGER transition_is_never_emptied ON transition",
        "DROP FUNCTION transition_is_append_only()",
    ),
}


def _run_each(statements: Sequence[str]) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def upgrade() -> None:
    op.create_table(
        "account_snapshot",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("net_liquidation", sa.BigInteger(), nullable=True),
        sa.Column("available_funds", sa.BigInteger(), nullable=True),
        sa.Column("buying_power", sa.BigInteger(), nullable=True),
        sa.Column("cash", sa.BigInteger(), nullable=True),
        sa.Column("realized_pnl", sa.BigInteger(), nullable=True, comment="as the broker counts it"),
        sa.Column("unrealized_pnl", sa.BigInteger(), nullable=True, comment="as the broker counts it"),
        sa.Column("day_pnl", sa.BigInteger(), nullable=False, comment="equity less the day's first"),
        sa.Column("open_positions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_snapshot")),
        comment="the account over time",
    )
    op.create_index(op.f("ix_account_snapshot_day_at"), "account_snapshot", ["day", "at"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("severity", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("facts", sa.Text(), server_default=sa.text("'{}'"), nullable=False, comment="JSON"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("\"severity\" IN ('info', 'warning', 'critical')", name=op.f("ck_alert_severity_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        comment="what a person should see",
    )
    op.create_index(op.f("ix_alert_at"), "alert", ["at"], unique=False)

    op.create_table(
        "command",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("payload", sa.Text(), server_default=sa.text("'{}'"), nullable=False, comment="JSON"),
        sa.Column("actor", sa.String(length=128), nullable=False, comment="admin:web:<user>, admin:telegram:<id>, cli"),
        sa.Column("state", sa.String(length=128), server_default="queued", nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("handled_at", sa.String(length=32), nullable=True),
        sa.Column(
            "answer", sa.Text(), server_default=sa.text("('')"), nullable=False, comment="what the person is told"
        ),
        sa.CheckConstraint("\"state\" IN ('queued', 'done', 'refused')", name=op.f("ck_command_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
        comment="what people asked for: the only way in from outside the tick",
    )
    op.create_index(op.f("ix_command_state_created_at"), "command", ["state", "created_at"], unique=False)

    op.create_table(
        "config_version",
        sa.Column(
            "id",
            sa.String(length=64),
            nullable=False,
            comment="version of the text; version-2, -3 when the same text came into force again",
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3: in the order of acceptance"),
        sa.Column("hash", sa.String(length=128), nullable=False, comment="sha256 of the text, hex"),
        sa.Column(
            "body",
            sa.Text(),
            server_default=sa.text("('')"),
            nullable=False,
            comment="the accepted configuration without secrets",
        ),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="when it came into force"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_version")),
        sa.UniqueConstraint("number", name=op.f("uq_config_version_number")),
        comment="each configuration that was accepted",
    )
    op.create_table(
        "connection_state",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ibkr"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('down', 'handshaking', 'syncing', 'synced', 'degraded_data', 'degraded_orders', 'competing', 'restart_window')",
            name=op.f("ck_connection_state_state_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_state")),
        comment="one row: the connection to the broker",
    )
    op.create_table(
        "engine_status",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("tick_ms", sa.Float(), nullable=False),
        sa.Column("mode", sa.String(length=128), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False, comment="clock seconds per wall second"),
        sa.Column("scenario", sa.String(length=128), nullable=False),
        sa.Column("inbox_depth", sa.Integer(), nullable=False),
        sa.Column("quotes_per_s", sa.Float(), nullable=False),
        sa.Column("session_day", sa.String(length=10), nullable=True),
        sa.Column("session_open_at", sa.String(length=32), nullable=True),
        sa.Column("session_close_at", sa.String(length=32), nullable=True),
        sa.Column("broker_synced_at", sa.String(length=32), nullable=True),
        sa.Column(
            "waiting_for",
            sa.Text(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="JSON list: why there is no trade right now",
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_engine_status_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_status")),
        comment="the engine's pulse: one row",
    )
    op.create_table(
        "feed_status",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column(
            "state", sa.String(length=128), nullable=False, comment="ok, waiting, retrying, open, refused, disabled"
        ),
        sa.Column("last_success_at", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False, comment="data that could not be parsed"),
        sa.Column("max_age_s", sa.Float(), nullable=False),
        sa.Column("quota_used", sa.Integer(), nullable=True),
        sa.Column("quota_limit", sa.Integer(), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("feed", "dataset", "key", name=op.f("pk_feed_status")),
        comment="how each feed is doing",
    )
    op.create_table(
        "instrument",
        sa.Column("key", sa.String(length=32), nullable=False, comment="ticker or OSI symbol"),
        sa.Column("con_id", sa.Integer(), nullable=False),
        sa.Column("is_option", sa.Boolean(), nullable=False),
        sa.Column(
            "grid",
            sa.Text(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="JSON: price bands [[from, tick], ...] as decimal text",
        ),
        sa.Column("qualified_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_instrument")),
        comment="contracts that the broker knows, with their price grids",
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("ran_at", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("detail", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        comment="marks of scheduled jobs",
    )
    op.create_index(op.f("ix_job_run_name_ran_at"), "job_run", ["name", "ran_at"], unique=False)

    op.create_table(
        "message",
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
        sa.CheckConstraint(
            "\"state\" IN ('queued', 'sending', 'sent', 'retrying', 'unknown', 'dead', 'withheld')",
            name=op.f("ck_message_state_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
        comment="outbox of everything said to an audience",
    )
    op.create_index(op.f("ix_message_position_id"), "message", ["position_id"], unique=False)
    op.create_index(op.f("ix_message_state_due_at"), "message", ["state", "due_at"], unique=False)

    op.create_table(
        "reconciliation",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column(
            "complete", sa.Boolean(), nullable=False, comment="every part of the broker's book gave its end marker"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
        comment="comparisons of our book with the broker's",
    )
    op.create_index(op.f("ix_reconciliation_at"), "reconciliation", ["at"], unique=False)

    op.create_table(
        "report",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("period", sa.String(length=128), nullable=False),
        sa.Column("title", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("body", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("published_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "\"state\" IN ('drafted', 'awaiting_approval', 'approved', 'published', 'rejected')",
            name=op.f("ck_report_state_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        comment="drafted from the store, approved by a person, published once",
    )
    op.create_index(op.f("ix_report_state"), "report", ["state"], unique=False)

    op.create_table(
        "session_state",
        sa.Column("id", sa.String(length=64), nullable=False, comment="session"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("hold", sa.String(length=128), nullable=False, comment="what a restart comes back to"),
        sa.Column("held_by", sa.String(length=128), nullable=True),
        sa.Column("held_at", sa.String(length=32), nullable=True),
        sa.Column("hold_reason", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.CheckConstraint("\"hold\" IN ('none', 'pause', 'halt')", name=op.f("ck_session_state_hold_word")),
        sa.CheckConstraint(
            "\"state\" IN ('starting', 'reconciling', 'active', 'paused', 'halted', 'stopping')",
            name=op.f("ck_session_state_state_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_state")),
        comment="one row: whether the bot may enter",
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("strategy", sa.String(length=128), nullable=False),
        sa.Column("symbol", sa.String(length=128), nullable=False, comment="underlying ticker"),
        sa.Column("root", sa.String(length=128), nullable=False, comment="option root (SPXW)"),
        sa.Column("right", sa.String(length=128), nullable=False, comment="C or P"),
        sa.Column("strike", sa.BigInteger(), nullable=False),
        sa.Column("expiry", sa.String(length=10), nullable=False),
        sa.Column("multiplier", sa.Integer(), nullable=False),
        sa.Column("contract_key", sa.String(length=128), nullable=False, comment="21-character OSI symbol"),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="contracts proposed; 0: one was already too much"),
        sa.Column("limit_price", sa.BigInteger(), nullable=False),
        sa.Column("notional", sa.BigInteger(), nullable=False, comment="full premium of the quantity"),
        sa.Column("risk_fraction", sa.String(length=128), nullable=False, comment="decimal text: notional of equity"),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column("session_day", sa.String(length=10), nullable=False, comment="New York day of created_at"),
        sa.Column(
            "rationale",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: what the strategy saw",
        ),
        sa.Column("approval_id", sa.String(length=64), nullable=True),
        sa.Column("entry_order_id", sa.String(length=64), nullable=True),
        sa.Column("position_id", sa.String(length=64), nullable=True),
        sa.Column("what_if", sa.Text(), nullable=True, comment="JSON: the broker's margin preview"),
        sa.Column("what_if_asked_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("\"right\" IN ('C', 'P')", name=op.f("ck_signal_right_word")),
        sa.CheckConstraint(
            "\"state\" IN ('pending', 'approved', 'working', 'filled', 'rejected', 'expired', 'cancelled')",
            name=op.f("ck_signal_state_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
        comment="one idea to buy one option contract",
    )
    op.create_index(op.f("ix_signal_session_day"), "signal", ["session_day"], unique=False)
    op.create_index(op.f("ix_signal_state"), "signal", ["state"], unique=False)
    op.create_index(
        op.f("ix_signal_strategy_symbol_created_at"), "signal", ["strategy", "symbol", "created_at"], unique=False
    )

    op.create_table(
        "strategy_stat",
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("evaluated", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column(
            "last_reason",
            sa.Text(),
            server_default=sa.text("('')"),
            nullable=False,
            comment="why its latest look was no signal",
        ),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("strategy", "symbol", "day", name=op.f("pk_strategy_stat")),
        comment="counters of a strategy and symbol on a day",
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("signal_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.Column(
            "decided_by", sa.String(length=128), nullable=True, comment="actor of the answer; rules: nobody was asked"
        ),
        sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('requested', 'approved', 'rejected', 'expired')", name=op.f("ck_approval_state_word")
        ),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_approval_signal_id_signal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        comment="the question whether a signal may be traded, and its answer",
    )
    op.create_index(op.f("ix_approval_signal_id"), "approval", ["signal_id"], unique=False)
    op.create_index(op.f("ix_approval_state"), "approval", ["state"], unique=False)

    op.create_table(
        "position",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column("signal_id", sa.String(length=64), nullable=True),
        sa.Column("strategy", sa.String(length=128), nullable=False),
        sa.Column("symbol", sa.String(length=128), nullable=False),
        sa.Column("root", sa.String(length=128), nullable=False),
        sa.Column("right", sa.String(length=128), nullable=False),
        sa.Column("strike", sa.BigInteger(), nullable=False),
        sa.Column("expiry", sa.String(length=10), nullable=False),
        sa.Column("multiplier", sa.Integer(), nullable=False),
        sa.Column("contract_key", sa.String(length=128), nullable=False),
        sa.Column(
            "plan",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: exit plan frozen at the entry",
        ),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("origin", sa.String(length=128), nullable=False, comment="broker: found there and adopted"),
        sa.Column("entry_quantity", sa.Integer(), nullable=False),
        sa.Column("exit_quantity", sa.Integer(), nullable=False),
        sa.Column(
            "settled_quantity", sa.Integer(), nullable=False, comment="left by expiry or elsewhere, not by our orders"
        ),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="contracts left"),
        sa.Column("entry_price", sa.BigInteger(), nullable=False, comment="average"),
        sa.Column("entry_value", sa.BigInteger(), nullable=False, comment="sum of price x contracts"),
        sa.Column("exit_value", sa.BigInteger(), nullable=False, comment="sum of price x contracts"),
        sa.Column("commissions", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False, comment="highest bid since the entry"),
        sa.Column("stop_price", sa.BigInteger(), nullable=True),
        sa.Column("rungs_done", sa.Integer(), nullable=False),
        sa.Column("room_for", sa.Integer(), nullable=False, comment="contracts that the stop was shrunk for"),
        sa.Column("exit_attempts", sa.Integer(), nullable=False),
        sa.Column("realized_pnl", sa.BigInteger(), nullable=False, comment="to the cent, commissions included"),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column("close_reason", sa.String(length=128), nullable=True),
        sa.Column("opened_day", sa.String(length=10), nullable=False, comment="New York day of opened_at"),
        sa.Column("session_day", sa.String(length=10), nullable=True, comment="New York day of closed_at"),
        sa.Column("protected_at", sa.String(length=32), nullable=True),
        sa.Column("unprotected_since", sa.String(length=32), nullable=True),
        sa.Column("ratcheted_at", sa.String(length=32), nullable=True),
        sa.Column("bid", sa.BigInteger(), nullable=True, comment="latest mark"),
        sa.Column("ask", sa.BigInteger(), nullable=True, comment="latest mark"),
        sa.Column("underlying", sa.BigInteger(), nullable=True, comment="latest mark"),
        sa.Column("unrealized_pnl", sa.BigInteger(), nullable=True, comment="latest mark"),
        sa.Column("marked_at", sa.String(length=32), nullable=True, comment="latest mark"),
        sa.CheckConstraint(
            "\"close_reason\" IN ('stop', 'trail', 'flat_time', 'target', 'operator', 'flatten', 'protection_failed', 'settled', 'externally_closed')",
            name=op.f("ck_position_close_reason_word"),
        ),
        sa.CheckConstraint("\"origin\" IN ('bot', 'broker')", name=op.f("ck_position_origin_word")),
        sa.CheckConstraint("\"right\" IN ('C', 'P')", name=op.f("ck_position_right_word")),
        sa.CheckConstraint(
            "\"state\" IN ('filled', 'trailing', 'closing', 'closed')", name=op.f("ck_position_state_word")
        ),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_position_signal_id_signal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
        comment="contracts held, from the first entry fill until none is left",
    )
    op.create_index(op.f("ix_position_session_day"), "position", ["session_day"], unique=False)
    op.create_index(op.f("ix_position_signal_id"), "position", ["signal_id"], unique=False)
    op.create_index(op.f("ix_position_state"), "position", ["state"], unique=False)

    op.create_table(
        "reconciliation_line",
        sa.Column("reconciliation_id", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False, comment="position, order, execution"),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("ours", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("broker", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("action", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
            name=op.f("fk_reconciliation_line_reconciliation_id_reconciliation"),
        ),
        sa.PrimaryKeyConstraint("reconciliation_id", "line", name=op.f("pk_reconciliation_line")),
        comment="one difference or agreement of a reconciliation",
    )
    op.create_table(
        "transition",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("machine", sa.String(length=128), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("from_state", sa.String(length=128), nullable=False),
        sa.Column("to_state", sa.String(length=128), nullable=False),
        sa.Column(
            "trigger",
            sa.String(length=128),
            nullable=False,
            comment="created: birth row; refused:<trigger>: not allowed, nothing changed",
        ),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column(
            "evidence",
            sa.Text(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON: the quotes, metrics and limits that decided it",
        ),
        sa.Column("config_version", sa.String(length=64), nullable=True),
        sa.Column("event_at", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["config_version"], ["config_version.id"], name=op.f("fk_transition_config_version_config_version")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_transition")),
        comment="append-only, hash-chained: every move of every machine",
    )
    op.create_index(
        op.f("ix_transition_machine_entity_id_seq"), "transition", ["machine", "entity_id", "seq"], unique=False
    )
    op.create_index(op.f("ix_transition_recorded_at"), "transition", ["recorded_at"], unique=False)

    op.create_table(
        "broker_order",
        sa.Column("id", sa.String(length=64), nullable=False, comment="ULID"),
        sa.Column(
            "order_ref", sa.String(length=128), nullable=False, comment="<bot id>-<ulid>; travels with the order"
        ),
        sa.Column("signal_id", sa.String(length=64), nullable=True),
        sa.Column("position_id", sa.String(length=64), nullable=True),
        sa.Column("contract_key", sa.String(length=128), nullable=False),
        sa.Column("purpose", sa.String(length=128), nullable=False),
        sa.Column("side", sa.String(length=128), nullable=False),
        sa.Column("order_type", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="in force at the broker"),
        sa.Column("filled_quantity", sa.Integer(), nullable=False, comment="by executions"),
        sa.Column("reported_filled", sa.Integer(), nullable=False, comment="by the broker's statuses"),
        sa.Column("filled_value", sa.BigInteger(), nullable=False, comment="sum of price x contracts"),
        sa.Column("limit_price", sa.BigInteger(), nullable=True),
        sa.Column("stop_price", sa.BigInteger(), nullable=True),
        sa.Column("wanted_quantity", sa.Integer(), nullable=True, comment="amendment sent and not yet echoed"),
        sa.Column("wanted_limit_price", sa.BigInteger(), nullable=True),
        sa.Column("wanted_stop_price", sa.BigInteger(), nullable=True),
        sa.Column("wanted_since", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("state_since", sa.String(length=32), nullable=False),
        sa.Column(
            "tag",
            sa.String(length=128),
            nullable=False,
            comment="why it exists: entry, stop, rung:1, flat_time, close:<command>",
        ),
        sa.Column("amendments", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True, comment="TWS order id: alone it identifies nothing"),
        sa.Column("perm_id", sa.BigInteger(), nullable=True, comment="IBKR permanent id"),
        sa.Column("client_id", sa.Integer(), nullable=True),
        sa.Column(
            "mid_at_decision", sa.BigInteger(), nullable=True, comment="mid of bid and ask when the order was decided"
        ),
        sa.Column("reject_code", sa.Integer(), nullable=True),
        sa.Column("reject_reason", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("submitted_at", sa.String(length=32), nullable=True),
        sa.Column("acknowledged_at", sa.String(length=32), nullable=True),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("\"order_type\" IN ('LMT', 'MKT', 'STP')", name=op.f("ck_broker_order_order_type_word")),
        sa.CheckConstraint("\"purpose\" IN ('entry', 'protect', 'exit')", name=op.f("ck_broker_order_purpose_word")),
        sa.CheckConstraint("\"side\" IN ('BUY', 'SELL')", name=op.f("ck_broker_order_side_word")),
        sa.CheckConstraint(
            "\"state\" IN ('intent', 'submitted', 'working', 'partially_filled', 'cancelling', 'unknown', 'filled', 'cancelled', 'rejected')",
            name=op.f("ck_broker_order_state_word"),
        ),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"], name=op.f("fk_broker_order_position_id_position")),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_broker_order_signal_id_signal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broker_order")),
        sa.UniqueConstraint("order_ref", name=op.f("uq_broker_order_order_ref")),
        comment="an order at the broker, written before it is sent",
    )
    op.create_index(op.f("ix_broker_order_created_at"), "broker_order", ["created_at"], unique=False)
    op.create_index(op.f("ix_broker_order_order_id"), "broker_order", ["order_id"], unique=False)
    op.create_index(op.f("ix_broker_order_position_id"), "broker_order", ["position_id"], unique=False)
    op.create_index(op.f("ix_broker_order_signal_id"), "broker_order", ["signal_id"], unique=False)
    op.create_index(op.f("ix_broker_order_state"), "broker_order", ["state"], unique=False)

    op.create_table(
        "position_mark",
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("bid", sa.BigInteger(), nullable=True),
        sa.Column("ask", sa.BigInteger(), nullable=True),
        sa.Column("underlying", sa.BigInteger(), nullable=True),
        sa.Column("unrealized_pnl", sa.BigInteger(), nullable=True),
        sa.Column("stop_price", sa.BigInteger(), nullable=True, comment="where the stop stood"),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"], name=op.f("fk_position_mark_position_id_position")),
        sa.PrimaryKeyConstraint("position_id", "at", name=op.f("pk_position_mark")),
        comment="price path of a position, sampled",
    )
    op.create_table(
        "execution",
        sa.Column("exec_id", sa.String(length=64), nullable=False, comment="the broker's id, revision included"),
        sa.Column("base_id", sa.String(length=64), nullable=False, comment="exec_id without its revision"),
        sa.Column("order_ref", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("position_id", sa.String(length=64), nullable=True),
        sa.Column("perm_id", sa.BigInteger(), nullable=False),
        sa.Column("broker_order_id", sa.Integer(), nullable=False, comment="TWS order id"),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("contract_key", sa.String(length=128), nullable=False),
        sa.Column("side", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("commission", sa.BigInteger(), nullable=True, comment="null: not reported yet"),
        sa.Column("executed_at", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("\"side\" IN ('BUY', 'SELL')", name=op.f("ck_execution_side_word")),
        sa.ForeignKeyConstraint(["order_id"], ["broker_order.id"], name=op.f("fk_execution_order_id_broker_order")),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"], name=op.f("fk_execution_position_id_position")),
        sa.PrimaryKeyConstraint("exec_id", name=op.f("pk_execution")),
        sa.UniqueConstraint("base_id", name=op.f("uq_execution_base_id")),
        comment="fills that count, once each; a corrected one moves to execution_replaced",
    )
    op.create_index(op.f("ix_execution_executed_at"), "execution", ["executed_at"], unique=False)
    op.create_index(op.f("ix_execution_order_id"), "execution", ["order_id"], unique=False)
    op.create_index(op.f("ix_execution_order_ref"), "execution", ["order_ref"], unique=False)
    op.create_index(op.f("ix_execution_position_id"), "execution", ["position_id"], unique=False)

    op.create_table(
        "execution_replaced",
        sa.Column("exec_id", sa.String(length=64), nullable=False, comment="the broker's id, revision included"),
        sa.Column("base_id", sa.String(length=64), nullable=False, comment="exec_id without its revision"),
        sa.Column("order_ref", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("position_id", sa.String(length=64), nullable=True),
        sa.Column("perm_id", sa.BigInteger(), nullable=False),
        sa.Column("broker_order_id", sa.Integer(), nullable=False, comment="TWS order id"),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("contract_key", sa.String(length=128), nullable=False),
        sa.Column("side", sa.String(length=128), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("commission", sa.BigInteger(), nullable=True, comment="null: not reported yet"),
        sa.Column("executed_at", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.Column("replaced_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["broker_order.id"], name=op.f("fk_execution_replaced_order_id_broker_order")
        ),
        sa.ForeignKeyConstraint(
            ["position_id"], ["position.id"], name=op.f("fk_execution_replaced_position_id_position")
        ),
        sa.PrimaryKeyConstraint("exec_id", name=op.f("pk_execution_replaced")),
        comment="fills that the broker corrected: kept for the record, counted nowhere",
    )
    _run_each(_APPEND_ONLY[op.get_bind().dialect.name])


def downgrade() -> None:
    _run_each(_FREE_AGAIN[op.get_bind().dialect.name])
    op.drop_table("execution_replaced")
    op.drop_index(op.f("ix_execution_position_id"), table_name="execution")
    op.drop_index(op.f("ix_execution_order_ref"), table_name="execution")
    op.drop_index(op.f("ix_execution_order_id"), table_name="execution")
    op.drop_index(op.f("ix_execution_executed_at"), table_name="execution")

    op.drop_table("execution")
    op.drop_table("position_mark")
    op.drop_index(op.f("ix_broker_order_state"), table_name="broker_order")
    op.drop_index(op.f("ix_broker_order_signal_id"), table_name="broker_order")
    op.drop_index(op.f("ix_broker_order_position_id"), table_name="broker_order")
    op.drop_index(op.f("ix_broker_order_order_id"), table_name="broker_order")
    op.drop_index(op.f("ix_broker_order_created_at"), table_name="broker_order")

    op.drop_table("broker_order")
    op.drop_index(op.f("ix_transition_recorded_at"), table_name="transition")
    op.drop_index(op.f("ix_transition_machine_entity_id_seq"), table_name="transition")

    op.drop_table("transition")
    op.drop_table("reconciliation_line")
    op.drop_index(op.f("ix_position_state"), table_name="position")
    op.drop_index(op.f("ix_position_signal_id"), table_name="position")
    op.drop_index(op.f("ix_position_session_day"), table_name="position")

    op.drop_table("position")
    op.drop_index(op.f("ix_approval_state"), table_name="approval")
    op.drop_index(op.f("ix_approval_signal_id"), table_name="approval")

    op.drop_table("approval")
    op.drop_table("strategy_stat")
    op.drop_index(op.f("ix_signal_strategy_symbol_created_at"), table_name="signal")
    op.drop_index(op.f("ix_signal_state"), table_name="signal")
    op.drop_index(op.f("ix_signal_session_day"), table_name="signal")

    op.drop_table("signal")
    op.drop_table("session_state")
    op.drop_index(op.f("ix_report_state"), table_name="report")

    op.drop_table("report")
    op.drop_index(op.f("ix_reconciliation_at"), table_name="reconciliation")

    op.drop_table("reconciliation")
    op.drop_index(op.f("ix_message_state_due_at"), table_name="message")
    op.drop_index(op.f("ix_message_position_id"), table_name="message")

    op.drop_table("message")
    op.drop_index(op.f("ix_job_run_name_ran_at"), table_name="job_run")

    op.drop_table("job_run")
    op.drop_table("instrument")
    op.drop_table("feed_status")
    op.drop_table("engine_status")
    op.drop_table("connection_state")
    op.drop_table("config_version")
    op.drop_index(op.f("ix_command_state_created_at"), table_name="command")

    op.drop_table("command")
    op.drop_index(op.f("ix_alert_at"), table_name="alert")

    op.drop_table("alert")
    op.drop_index(op.f("ix_account_snapshot_day_at"), table_name="account_snapshot")

    op.drop_table("account_snapshot")
