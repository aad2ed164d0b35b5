"""What other processes of ours say: outcomes of deliveries, verdicts, jobs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.engine.state.records import RequestOutcome
from bot.store.columns import METADATA, key, label, one_of, utc, words
from bot.store.stored import Patch
from bot.store.tables.command import COMMAND_STATES, answer

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

INBOUND_ANSWERS: Final = Patch(RequestOutcome, "inbound", INBOUND, "id", *answer())
