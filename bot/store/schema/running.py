"""Tables of the running bot: session, connection, pulse, jobs, feeds, account, strategy counters, alerts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Index, Integer, String, Table

from bot.domain.adoption import AdoptionState
from bot.domain.breaker import BreakerState
from bot.domain.connection import ConnectionState
from bot.domain.session import Hold, SessionState
from bot.domain.symbol_halt import SymbolState
from bot.store.schema.columns import METADATA, day, key, label, one_of, units, utc, whole, words

SESSION_STATE: Final = Table(
    "session_state",
    METADATA,
    key(comment="session"),
    label("state"),
    label("hold", comment="what a restart comes back to"),
    label("held_by", nullable=True),
    utc("held_at"),
    words("hold_reason"),
    one_of("state", SessionState),
    one_of("hold", Hold),
    comment="one row: whether the bot may enter",
)

CONNECTION_STATE: Final = Table(
    "connection_state",
    METADATA,
    key(comment="ibkr"),
    label("state"),
    utc("since"),
    words("detail"),
    one_of("state", ConnectionState),
    comment="one row: the connection to the broker",
)

BOT_IDENTITY: Final = Table(
    "bot_identity",
    METADATA,
    key(comment="bot"),
    label("bot_id", comment="first part of every order reference"),
    whole("client_id", nullable=False, comment="the broker lets this client alone cancel and change its orders"),
    utc("since", nullable=False),
    comment="one row: as whom this store's orders were sent",
)

BREAKER: Final = Table(
    "breaker",
    METADATA,
    key(comment="the rule's name"),
    label("state"),
    words("value", comment="as a person reads it"),
    words("limit_words", comment="as a person reads it"),
    Column("share", Float, comment="value as a part of its limit; 1: at the limit"),
    words("detail"),
    utc("since", comment="when the state was entered"),
    utc("acknowledged_at", comment="what is counted, is counted from here"),
    words("facts", default="{}", comment="JSON: the numbers behind it"),
    one_of("state", BreakerState),
    comment="circuit breakers: limits of the whole book with their present numbers",
)

SYMBOL_HALT: Final = Table(
    "symbol_halt",
    METADATA,
    key(comment="the symbol"),
    label("state"),
    words("reason", comment="its first cause"),
    words("causes", default="[]", comment="JSON list: each halts once"),
    label("halted_by", nullable=True),
    utc("halted_at"),
    label("lifted_by", nullable=True, comment="the person; empty when the day ended it"),
    utc("lifted_at"),
    one_of("state", SymbolState),
    comment="symbols that other people's trades halted",
)

ADOPTION: Final = Table(
    "adoption",
    METADATA,
    key(comment="the contract's key"),
    label("state"),
    label("symbol"),
    Column("quantity", Integer, nullable=False, comment="contracts beyond our book that it is about"),
    words("why", comment="what sets it apart; a question with one is answered only by its key"),
    utc("asked_at"),
    label("answered_by", nullable=True, comment="a person, or reconcile where it was proved"),
    utc("answered_at"),
    utc("adopted_at"),
    one_of("state", AdoptionState),
    comment="what the broker holds beyond our book: asked about, allowed, taken over",
)

ENGINE_STATUS: Final = Table(
    "engine_status",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("tick", BigInteger, nullable=False),
    utc("at", nullable=False),
    Column("tick_ms", Float, nullable=False),
    label("mode"),
    Column("speed", Float, nullable=False, comment="clock seconds per wall second"),
    label("scenario"),
    whole("inbox_depth", nullable=False),
    Column("quotes_per_s", Float, nullable=False),
    day("session_day"),
    utc("session_open_at"),
    utc("session_close_at"),
    utc("broker_synced_at"),
    words("waiting_for", default="[]", comment="JSON list: why there is no trade right now"),
    words("clock_fault", comment="how the machine's clock differs from the broker's, what follows and what to do"),
    CheckConstraint("id = 1", name="one_row"),
    comment="the engine's pulse: one row",
)

JOB_RUN: Final = Table(
    "job_run",
    METADATA,
    key(),
    label("name"),
    utc("ran_at", nullable=False),
    label("state"),
    words("detail"),
    Index(None, "name", "ran_at"),
    comment="marks of scheduled jobs",
)

FEED_STATUS: Final = Table(
    "feed_status",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("dataset", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    label("state", comment="ok, waiting, retrying, open, refused, disabled"),
    utc("last_success_at"),
    words("last_error"),
    whole("requests", nullable=False),
    whole("failures", nullable=False),
    whole("dropped", nullable=False, comment="data that could not be parsed"),
    Column("max_age_s", Float, nullable=False),
    whole("quota_used"),
    whole("quota_limit"),
    utc("at", nullable=False),
    comment="how each feed is doing",
)

ACCOUNT_SNAPSHOT: Final = Table(
    "account_snapshot",
    METADATA,
    key(),
    label("account"),
    day("day", nullable=False),
    utc("at", nullable=False),
    units("net_liquidation"),
    units("available_funds"),
    units("buying_power"),
    units("cash"),
    units("realized_pnl", comment="as the broker counts it"),
    units("unrealized_pnl", comment="as the broker counts it"),
    units("day_pnl", nullable=False, comment="equity less the day's first"),
    whole("open_positions", nullable=False),
    Index(None, "day", "at"),
    comment="the account over time",
)

STRATEGY_STAT: Final = Table(
    "strategy_stat",
    METADATA,
    Column("strategy", String(64), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    day("day", nullable=False, primary_key=True),
    whole("evaluated", nullable=False),
    whole("proposed", nullable=False),
    words("last_reason", comment="why its latest look was no signal"),
    utc("at", nullable=False),
    comment="counters of a strategy and symbol on a day",
)

ALERT: Final = Table(
    "alert",
    METADATA,
    key(),
    label("code"),
    label("severity"),
    words("text"),
    words("facts", default="{}", comment="JSON"),
    utc("at", nullable=False),
    one_of("severity", ("info", "warning", "critical")),
    Index(None, "at"),
    comment="what a person should see",
)
