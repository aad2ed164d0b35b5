"""What is watched for context beside what the engine wants, and what of it the login has no subscription for.

Decision: context belongs to the adapter's budget and not to the engine's wants, for nothing is decided on it: its lines
take what is left, its contracts and refusals cause no alert of their own. A group is judged as a whole: some time after
its first refusal, when whoever is served has spoken, the members that were refused are told of, once a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.broker.settings import BrokerSettings
from bot.domain.events.people import AlertRaised
from bot.domain.universe import Member, Universe
from bot.engine.state.ports import Clock, Sink


@dataclass(slots=True)
class _Group:
    refused: dict[str, str] = field(default_factory=dict)  # key -> code and words
    code: int = 0
    is_told: bool = False


class ContextMembers:
    """The members of the universe by key, and what the broker refused of them on this connection."""

    def __init__(self, settings: BrokerSettings, clock: Clock, sink: Sink) -> None:
        self._quiet_s = settings.line_quiet_s
        self._clock = clock
        self._sink = sink
        self.universe: Universe = settings.universe
        self.members = self.universe.by_key()
        self._groups: dict[str, _Group] = {}
        self._timers: list[asyncio.TimerHandle] = []

    def member(self, key: str) -> Member | None:
        return self.members.get(key)

    def refuse(self, key: str, code: int, text: str) -> None:
        """The broker gives no data of a member: its group is told of a moment later, with whoever else was refused."""
        member = self.members[key]
        group = self._groups.setdefault(member.group, _Group())
        group.refused[key] = f"{code} {text}"
        if group.code == 0:
            group.code = code
            self._after(lambda: self._tell(member.group, text))

    def why(self, key: str) -> str:
        """Return the words with which a member was refused, empty where it was not."""
        member = self.members.get(key)
        group = self._groups.get(member.group) if member is not None else None
        return group.refused.get(key, "") if group is not None else ""

    def forget(self) -> None:
        """The connection is gone: another login may be allowed more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._groups.clear()

    def _tell(self, name: str, text: str) -> None:
        group = self._groups[name]
        everyone = self.universe.of_group(name)
        names = [self.members[key].name for key in group.refused]
        whole = len(names) == len(everyone)
        who = f"all {len(names)} of {name}" if whole else f"{', '.join(names)} of {name}"
        words = f"no market data for {who}: {group.code} {text}; left out until the next connection, the rest goes on"
        facts = {"group": name, "members": names, "whole_group": whole, "code": group.code, "text": text}
        self._sink(AlertRaised("DATA_GROUP_REFUSED", words, facts, self._clock.now()))

    def _after(self, call: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(2 * self._quiet_s, call))
