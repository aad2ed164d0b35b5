"""A message: queued with the fact that it tells, due after its tier's delay, sent once.

Context: what was decided and what was said of it must never part, and no channel says reliably whether something
arrived. Decision: a message is written in the transaction of its fact, goes to `sending` in a second one that is on
disk before anything leaves, and what the channel answered is a third. Consequence: whatever ends in between, a row says
how far it came; `sending` without an answer may have arrived, so it is `unknown` and is repeated only where the channel
makes that safe.

A message of tier `admin` goes to the people who run the bot (approvals, alerts, notices); any other is an audience.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living

ADMIN: Final = "admin"
"""The tier of those who run the bot: no audience."""


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    DEAD = "dead"
    WITHHELD = "withheld"


class MessageTrigger(StrEnum):
    SEND = "send"
    DELIVER = "deliver"
    FAIL = "fail"
    LOSE_SIGHT = "lose_sight"
    GIVE_UP = "give_up"
    WITHHOLD = "withhold"


S, T = MessageState, MessageTrigger

MESSAGE: Final = Lifecycle(
    name="message",
    states=MessageState,
    triggers=MessageTrigger,
    table=MappingProxyType(
        {
            (S.QUEUED, T.SEND): S.SENDING,
            (S.QUEUED, T.WITHHOLD): S.WITHHELD,
            (S.SENDING, T.DELIVER): S.SENT,
            (S.SENDING, T.FAIL): S.RETRYING,
            (S.SENDING, T.LOSE_SIGHT): S.UNKNOWN,  # the connection broke after the request went out
            (S.SENDING, T.GIVE_UP): S.DEAD,
            (S.RETRYING, T.SEND): S.SENDING,
            (S.RETRYING, T.GIVE_UP): S.DEAD,
            (S.RETRYING, T.WITHHOLD): S.WITHHELD,
            (S.UNKNOWN, T.DELIVER): S.SENT,  # the channel shows it after all
            (S.UNKNOWN, T.SEND): S.SENDING,  # only where the channel makes a repeat safe
            (S.UNKNOWN, T.FAIL): S.RETRYING,  # the channel answers late that nothing arrived
            (S.UNKNOWN, T.GIVE_UP): S.DEAD,
        }
    ),
    terminal=frozenset({S.SENT, S.DEAD, S.WITHHELD}),
    notes=MappingProxyType(
        {
            S.QUEUED: "written with the fact that it tells; not due yet or not yet taken",
            S.SENDING: "handed to the channel",
            S.SENT: "the channel confirmed it; its id is on the row",
            S.RETRYING: "failed in passing; tried again with back-off",
            S.UNKNOWN: "it may have gone out; repeated only where that is safe",
            S.DEAD: "given up, with the reason",
            S.WITHHELD: "held back on purpose, with the reason",
        }
    ),
)


class MessageMode(StrEnum):
    """What a message does with its parent: nothing, replace its text, or answer it."""

    NEW = "new"
    EDIT = "edit"
    REPLY = "reply"


OUT: Final = frozenset({S.SENDING, S.UNKNOWN})
"""It may be on its way, or there."""
WAITING: Final = frozenset({S.QUEUED, S.RETRYING})


class MessageChange(TypedDict, total=False):
    """What may change of a message."""

    due_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    attempts: int
    retry_at: datetime | None
    external_id: str | None
    reason: str
    body: str
    extra: Mapping[str, Any]
    mode: MessageMode
    parent_id: str | None


@living
class Message(Living[MessageTrigger, MessageChange]):
    """One text to one target on one channel.

    `target` is a name of the settings: a person, a chat, a webhook, a mailbox. `body` is plain text without markup;
    `extra` is JSON for the channel: level, code, subject, buttons as [[label, data], ...], ids of what it is about.
    `dedupe_key` names what is said to whom: it is said once. `external_id` is the channel's own id of it.
    """

    id: str
    tier: str
    channel: str
    kind: str
    target: str
    created_at: datetime
    due_at: datetime
    dedupe_key: str
    body: str
    state: MessageState = MessageState.QUEUED
    mode: MessageMode = MessageMode.NEW
    parent_id: str | None = None
    signal_id: str | None = None
    position_id: str | None = None
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    external_id: str | None = None
    reason: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
