"""The port of a channel, and the table of all: a channel is a module with a deliverer and a row here.

The engine says what is to be sent (`message` rows in `sending`), a deliverer sends one of them and says what came of
it; that goes back by `inbound`, and the engine decides what follows. A deliverer decides nothing and never tries twice:
what may have arrived is `unknown`, what surely did not is `failed` (it may be tried again) or `refused` (it may not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Protocol

from bot.alerts import telegram
from bot.alerts.ground import Ground
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.message import MessageMode
from bot.engine.outbox.voice import Channel, Target, Voice


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
class Outcome:
    """What came of one attempt: `delivered`, `failed`, `refused` or `unknown`, made by the functions below."""

    word: str
    external_id: str = ""
    reason: str = ""
    retry_after_s: float | None = None


def delivered(external_id: str) -> Outcome:
    """The channel confirmed it, under an id of its own."""
    return Outcome("delivered", external_id)


def failed(reason: str, retry_after_s: float | None = None) -> Outcome:
    """Nothing arrived, and it may be tried again: after so many wall seconds, where the channel says how many."""
    return Outcome("failed", reason=reason, retry_after_s=retry_after_s)


def refused(reason: str) -> Outcome:
    """Nothing arrived, and nothing would at another attempt."""
    return Outcome("refused", reason=reason)


def unknown(reason: str) -> Outcome:
    """It went out and nobody can tell whether it arrived."""
    return Outcome("unknown", reason=reason)


class Deliverer(Protocol):
    """Sends messages of one channel. Its client library is loaded when the first one is sent."""

    async def deliver(self, message: Outgoing) -> Outcome:
        """Make one attempt, within a deadline of its own; raises nothing for what a channel may answer."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is sent afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel: what the engine has to know of it, who is on it (nobody: it is not configured), and the function
    `module:name` that makes its deliverer of a `Ground`."""

    channel: Channel
    targets: Callable[[Settings, Secrets], Iterable[Target]]
    deliverer: str

    def make(self, ground: Ground) -> Deliverer:
        """Return its deliverer; the module is loaded now."""
        module, name = self.deliverer.split(":")
        made: Deliverer = getattr(import_module(module), name)(ground)
        return made


_ROWS: Final[tuple[ChannelRow, ...]] = (ChannelRow(telegram.CHANNEL, telegram.targets, "bot.admin.deliverer:make"),)
CHANNELS: Final[Mapping[str, ChannelRow]] = MappingProxyType({row.channel.name: row for row in _ROWS})


def voice_of(settings: Settings, secrets: Secrets) -> Voice:
    """Return who can be spoken to by these settings and secrets."""
    targets = tuple(target for row in CHANNELS.values() for target in row.targets(settings, secrets))
    there = {target.channel for target in targets}
    return Voice({name: row.channel for name, row in CHANNELS.items() if name in there}, targets)
