"""The question whether a signal may be traded, and its answer."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.approval import Approval, ApprovalState
from bot.store.fields import key, label, ref, utc, whole, word, words
from bot.store.stored import Stored

APPROVALS: Final = Stored(
    Approval,
    "approval",
    key(),
    ref("signal_id", "signal.id"),
    word("state", ApprovalState),
    utc("requested_at"),
    utc("expires_at"),
    utc("decided_at", maybe=True),
    label("decided_by", "actor of the answer; rules: nobody was asked", maybe=True),
    words("reason"),
    whole("edits", "how often a person changed its terms", default="0"),
    more=(Index(None, "signal_id"), Index(None, "state")),
    comment="the question whether a signal may be traded, and its answer",
)
APPROVAL: Final = APPROVALS.table
