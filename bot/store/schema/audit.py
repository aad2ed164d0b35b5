"""Tables of record: transitions, configurations, commands, reconciliations.

`transition` is append-only and hash-chained (`bot.store.chain`); SQL triggers refuse UPDATE and DELETE.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from bot.store.schema.columns import METADATA, key, label, one_of, ref, utc, words

COMMAND_STATES: Final = ("queued", "done", "refused")

CONFIG_VERSION: Final = Table(
    "config_version",
    METADATA,
    key(comment="version of the text; version-2, -3 when the same text came into force again"),
    Column("number", Integer, nullable=False, unique=True, comment="1, 2, 3: in the order of acceptance"),
    label("hash", comment="sha256 of the text, hex"),
    words("body", comment="the accepted configuration without secrets"),
    utc("created_at", nullable=False, comment="when it came into force"),
    comment="each configuration that was accepted",
)

TRANSITION: Final = Table(
    "transition",
    METADATA,
    # Assigned by the writer, gapless from 1: a missing number is a removed row.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    label("machine"),
    Column("entity_id", String(64), nullable=False),
    label("from_state"),
    label("to_state"),
    label("trigger", comment="created: birth row; refused:<trigger>: not allowed, nothing changed"),
    label("actor"),
    words("reason"),
    words("evidence", default="{}", comment="JSON: the quotes, metrics and limits that decided it"),
    ref("config_version", "config_version.id"),
    utc("event_at", nullable=False),
    utc("recorded_at", nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "machine", "entity_id", "seq"),
    Index(None, "recorded_at"),
    comment="append-only, hash-chained: every move of every machine",
)

COMMAND: Final = Table(
    "command",
    METADATA,
    key(),
    label("kind"),
    words("payload", default="{}", comment="JSON"),
    label("actor", comment="admin:web:<user>, admin:telegram:<id>, cli"),
    label("state", server_default="queued"),
    utc("created_at", nullable=False),
    utc("handled_at"),
    words("answer", comment="what the person is told"),
    utc("asked_at", comment="by the wall, whatever clock the bot lives by; empty where the writer does not say"),
    one_of("state", COMMAND_STATES),
    Index(None, "state", "created_at"),
    comment="what people asked for: the only way in from outside the tick",
)

INBOUND: Final = Table(
    "inbound",
    METADATA,
    key(),
    label("source", comment="page, people, publisher, overseer; a channel is publisher:<name>"),
    label("kind"),
    words("payload", default="{}", comment="JSON"),
    label("state", server_default="queued"),
    utc("received_at", nullable=False),
    utc("handled_at"),
    words("answer", comment="what came of it"),
    one_of("state", COMMAND_STATES),
    Index(None, "state", "received_at"),
    comment="what other processes of ours say: outcomes of deliveries, verdicts, jobs",
)

RECONCILIATION: Final = Table(
    "reconciliation",
    METADATA,
    key(),
    utc("at", nullable=False),
    words("reason"),
    Column("complete", Boolean, nullable=False, comment="every part of the broker's book gave its end marker"),
    Index(None, "at"),
    comment="comparisons of our book with the broker's",
)

RECONCILIATION_LINE: Final = Table(
    "reconciliation_line",
    METADATA,
    Column("reconciliation_id", String(64), ForeignKey("reconciliation.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    label("subject", comment="position, order, execution"),
    label("key"),
    words("ours"),
    words("broker"),
    words("action"),
    comment="one difference or agreement of a reconciliation",
)
