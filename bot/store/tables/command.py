"""What people asked for: the only way in from outside the tick."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.events.people import RequestKind, RequestReceived
from bot.engine.state.records import RequestOutcome
from bot.store import columns
from bot.store.fields import Field, facts, given, key, label, of_column, open_word, utc, words
from bot.store.stored import Patch, Stored

COMMAND_STATES: Final = ("queued", "done", "refused")

COMMANDS: Final = Stored(
    RequestReceived,
    "command",
    key(),
    open_word("kind", RequestKind),
    facts("payload", "JSON"),
    label("actor", "admin:web:<user>, admin:telegram:<id>, cli"),
    given(of_column(columns.label("state", server_default="queued"))),
    utc("created_at"),
    given(utc("handled_at", maybe=True)),
    given(words("answer", "what the person is told")),
    given(
        utc(
            "asked_at",
            "by the wall, whatever clock the bot lives by; empty where the writer does not say",
            maybe=True,
        )
    ),
    more=(columns.one_of("state", COMMAND_STATES), Index(None, "state", "created_at")),
    in_memory=("age_s", "read_s"),
    comment="what people asked for: the only way in from outside the tick",
)
COMMAND: Final = COMMANDS.table


def answer() -> tuple[Field, ...]:
    """Return what the tick writes into a row that others inserted."""
    return label("state"), words("answer"), utc("handled_at")


ANSWERS: Final = Patch(RequestOutcome, "command", COMMAND, "id", *answer())
