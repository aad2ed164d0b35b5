"""What a channel is given, and what it may answer: the values of the port (`bot.alerts.channels`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.message import MessageMode


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as its channel gets it. `body` is plain text: the channel escapes it. `parent` is the channel's own id
    of the message that it edits or answers; `dedupe_key` is the same at every attempt."""

    id: str
    tier: str
    channel: str
    kind: str
    target: str
    body: str
    dedupe_key: str
    mode: MessageMode = MessageMode.NEW
    parent: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What came of one attempt: `delivered`, `failed`, `refused` or `unknown`, made by the functions below."""

    word: str
    external_id: str = ""
    reason: str = ""
    retry_after_s: float | None = None


def delivered(external_id: str) -> DeliveryOutcome:
    """The channel confirmed it, under an id of its own."""
    return DeliveryOutcome("delivered", external_id)


def failed(reason: str, retry_after_s: float | None = None) -> DeliveryOutcome:
    """Nothing arrived, and it may be tried again: after so many wall seconds, where the channel says how many."""
    return DeliveryOutcome("failed", reason=reason, retry_after_s=retry_after_s)


def refused(reason: str) -> DeliveryOutcome:
    """Nothing arrived, and nothing would at another attempt."""
    return DeliveryOutcome("refused", reason=reason)


def unknown(reason: str) -> DeliveryOutcome:
    """It went out and nobody can tell whether it arrived."""
    return DeliveryOutcome("unknown", reason=reason)
