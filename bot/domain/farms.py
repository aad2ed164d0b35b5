"""Data farms: a notice of one, however worded, only says when to look; the silence of what we need decides.

Context: TWS names farms by the dozen (usopt, jfarm, secdefnj, ...), in the language of its user, and says of each that
it is broken, idle or there again; most serve nothing of ours, and one that does may be said to be well and be silent.
Decision: after a notice the lines are watched for a while. When all option lines, or all underlying lines, have been
silent for `quiet_s` and one of them that was asked for anew stayed silent, too, while TWS itself went on answering, the
data are lost, until they speak. Consequence: no words are read for that, and a quiet market is not taken for a lost
one, for a farm that is there answers whoever asks anew. A farm's name is read for one thing only: a price that stands
still is not called the present one while a farm that may serve it is said to be broken (`may_serve`).

Pure: times are seconds of any steady clock, groups are names of lines that one farm serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OPTIONS, UNDERLYINGS = "options", "underlyings"
LOOKS_FOR: Final = 3.0
"""A notice is looked into for so many times `quiet_s`: the silence may begin a while after the words."""
_ASKS_AT: Final = 0.5
"""A group is asked anew after so much of `quiet_s`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind: since when there have been any, and when one of them last spoke."""

    since: float
    spoke: float | None = None


@dataclass(slots=True)
class FarmWatch:
    """What is looked into, and what was found. `lost` names the groups that are silent."""

    quiet_s: float
    lost: frozenset[str] = frozenset()
    notice: str = ""
    _noticed: float | None = None
    _heard: float = float("-inf")
    _asked: dict[str, float] = field(default_factory=dict)

    @property
    def looks(self) -> bool:
        """Whether there is anything to judge."""
        return self._noticed is not None or bool(self.lost)

    def noticed(self, text: str, now: float) -> None:
        """Begin to look, or go on. What was asked before the notice proves nothing after it."""
        if not self.lost:
            self.notice = text
            self._asked.clear()
        self._noticed = now

    def heard(self, now: float) -> None:
        """TWS said something, whatever it was."""
        self._heard = now

    def forget(self) -> None:
        """Another connection: nothing is known to be wrong."""
        self.lost, self.notice, self._noticed = frozenset(), "", None
        self._asked.clear()

    def judge(self, now: float, groups: Mapping[str, Group]) -> list[str]:
        """Set `lost` by what is silent, and return the groups of which one line is to be asked for anew."""
        if not self.looks:
            return []
        lost = {name for name in self.lost if name in groups and not self._spoke_since_asked(name, groups[name])}
        ask = []
        for name, group in groups.items():
            if self._is_due(name, group, now):
                ask.append(name)
            if self._is_lost(name, group, now):
                lost.add(name)
        self._asked.update(dict.fromkeys(ask, now))
        if self.lost - lost:
            self._noticed = now  # who speaks once and falls silent is not back
        self.lost = frozenset(lost)
        if not lost and self._noticed is not None and now - self._noticed > LOOKS_FOR * self.quiet_s:
            self._noticed = None
        return ask

    def _silent_since(self, group: Group) -> float:
        return max(self._noticed or 0.0, group.since, group.spoke if group.spoke is not None else group.since)

    def _spoke_since_asked(self, name: str, group: Group) -> bool:
        return group.spoke is not None and group.spoke >= self._asked.get(name, float("-inf"))

    def _is_due(self, name: str, group: Group, now: float) -> bool:
        """A line is asked for anew once in each silence, and again and again while the group is lost."""
        asked = self._asked.get(name)
        if name in self.lost:
            return asked is None or now - asked >= self.quiet_s
        silent = self._silent_since(group)
        return now - silent >= _ASKS_AT * self.quiet_s and (asked is None or asked <= silent)

    def _is_lost(self, name: str, group: Group, now: float) -> bool:
        """Silent for long, asked since (a word in the moment of the question is an answer), and TWS has said something
        since: a TWS that is silent as a whole is another matter."""
        silent, asked = self._silent_since(group), self._asked.get(name)
        if now - silent < self.quiet_s or asked is None or asked <= silent:
            return False
        return self._heard > asked


def may_serve(farm: str, *, option: bool) -> bool:
    """Say whether a farm can be the one of a US option, or of what US options are written on, by its name; one without
    a name can."""
    name = farm.lower()
    if any(word in name for word in _SERVE_OTHERS):
        return False
    return not name or (_SERVES_OPTIONS in name) is option or "us" not in name


_SERVES_OPTIONS: Final = "opt"
_SERVE_OTHERS: Final = (
    "cash", "eu", "jfarm", "hfarm", "fut", "hmds", "secdef", "bond", "fund", "news", "crypto"
)  # fmt: skip
