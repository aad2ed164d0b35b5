"""Outbox of everything said to an audience or to those who run the bot."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, String, text

from bot.domain.message import Message, MessageMode, MessageState
from bot.store.columns import label as short
from bot.store.fields import facts, ident, key, label, of_column, utc, whole, word, words
from bot.store.stored import Stored

_TARGET: Final = "a name of the settings: person, chat, webhook, mailbox"

MESSAGES: Final = Stored(
    Message,
    "message",
    key(),
    label("tier", "admin: those who run the bot; any other is an audience"),
    label("channel"),
    label("kind"),
    ident("signal_id", "the trade it is about, if any"),
    ident("position_id", "the trade it is about, if any"),
    utc("created_at"),
    utc("due_at", "never sent before this"),
    utc("sent_at", maybe=True),
    word("state", MessageState),
    label("external_id", "the channel's id of what was sent", maybe=True),
    of_column(Column("dedupe_key", String(200), nullable=False, unique=True, comment="what is said to whom: once")),
    words("body", "plain text: the channel escapes it"),
    words("reason", "why withheld, retrying, unknown or dead"),
    of_column(short("target", server_default=text("''"), comment=_TARGET)),
    ident("parent_id", "the message that it edits or answers"),
    word("mode", MessageMode, default=MessageMode.NEW),
    utc("sending_at", "when it was last handed to the channel", maybe=True),
    whole("attempts", "how often it was handed to the channel", default="0"),
    utc("retry_at", "not tried again before this", maybe=True),
    facts("extra", "JSON for the channel: level, code, subject, buttons, ids"),
    more=(Index(None, "state", "due_at"), Index(None, "position_id")),
    comment="outbox of everything said to an audience or to those who run the bot",
)
MESSAGE: Final = MESSAGES.table
