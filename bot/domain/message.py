"""A message to an audience: queued at the fact, due after its tier's delay, sent once."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.machine import Lifecycle


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
