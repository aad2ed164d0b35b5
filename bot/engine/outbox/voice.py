"""Who can be spoken to: channels, what each of them can do, and the targets on it.

Context: whether a channel is configured is a matter of settings and of secrets, which the engine never sees. Decision:
the composition tells the engine who is there; a replay and a bot without a channel are told nobody. Consequence: where
nobody hears, no row is written at all. A row that nobody was ever meant to get would be no record of anything, and the
history of a replay stays the same whatever channels are configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bot.domain.actors import Role


@dataclass(frozen=True, slots=True)
class Channel:
    """What the voice has to know of a channel.

    `edits`: a text that was sent can be replaced. `repeats_within_s`: wall seconds within which sending the same
    message again is safe, for the channel shows it once (0: never). `per_minute`: messages to one target in a minute of
    the wall; `longest`: characters of a text; `process`: the child that delivers it; `lists`: people read it, so many
    alerts at once are one message.
    """

    name: str
    edits: bool = False
    repeats_within_s: float = 0.0
    per_minute: int = 20
    longest: int = 4000
    process: str = "people"
    lists: bool = True


@dataclass(frozen=True, slots=True)
class MessageTarget:
    """Somebody, or a place, that a channel can reach; `name` is one of the settings. A place has no role of its own:
    what is said there is what anybody of the bot's people may read."""

    channel: str
    name: str
    role: Role | None = None

    @property
    def is_person(self) -> bool:
        return self.role is not None


@dataclass(frozen=True, slots=True)
class Voice:
    """Channels by name and every target on them, in the order of the settings. `waits`: what is due is handed only to a
    process that has said that it began; else whoever takes it is taken to be there."""

    channels: Mapping[str, Channel] = field(default_factory=lambda: MappingProxyType({}))
    targets: tuple[MessageTarget, ...] = ()
    waits: bool = False

    @property
    def processes(self) -> frozenset[str]:
        """The processes that deliver for these channels."""
        return frozenset(channel.process for channel in self.channels.values())

    @property
    def is_silent(self) -> bool:
        return not self.targets

    def on(self, channel: str, roles: Set[Role] | None = None) -> Iterator[MessageTarget]:
        """Yield the targets on a channel; of persons those with one of these roles, None: all."""
        for target in self.targets:
            if target.channel == channel and (roles is None or target.role is None or target.role in roles):
                yield target


SILENT: Final = Voice()
"""Nobody to speak to: a replay, a bot without channels, most tests."""
