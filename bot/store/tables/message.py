"""Outbox of everything said to an audience."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, String, Table

from bot.domain.message import MessageState
from bot.store.columns import METADATA, ident, key, label, one_of, utc, words

MESSAGE: Final = Table(
    "message",
    METADATA,
    key(),
    label("tier"),
    label("channel"),
    label("kind"),
    ident("signal_id", comment="the trade it is about, if any"),
    ident("position_id", comment="the trade it is about, if any"),
    utc("created_at", nullable=False),
    utc("due_at", nullable=False, comment="never sent before this"),
    utc("sent_at"),
    label("state"),
    label("external_id", nullable=True, comment="the channel's id of what was sent"),
    Column("dedupe_key", String(200), nullable=False, unique=True, comment="fact + tier + channel: said once"),
    words("body"),
    words("reason", comment="why withheld or dead"),
    one_of("state", MessageState),
    Index(None, "state", "due_at"),
    Index(None, "position_id"),
    comment="outbox of everything said to an audience",
)
