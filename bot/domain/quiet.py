"""The quiet hours that a person chose: in them warnings wait for a digest, for this person alone. What is critical and
what asks for an answer is never held. They outlive restarts."""

from __future__ import annotations

import re
from datetime import datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class QuietState(StrEnum):
    USUAL = "usual"
    OWN = "own"


class QuietTrigger(StrEnum):
    CHOOSE = "choose"
    FORGET = "forget"


S, T = QuietState, QuietTrigger

QUIET: Final = Lifecycle(
    name="quiet",
    states=QuietState,
    triggers=QuietTrigger,
    table=MappingProxyType(
        {
            (S.USUAL, T.CHOOSE): S.OWN,
            (S.OWN, T.CHOOSE): S.OWN,
            (S.OWN, T.FORGET): S.USUAL,
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.USUAL: "the hours of the settings hold (`alerts.quiet`)",
            S.OWN: "this person's own hours hold; the same time twice is none",
        }
    ),
)


class QuietChange(TypedDict, total=False):
    """What may change of a person's quiet hours."""

    begins: str
    ends: str
    chosen_by: str | None
    chosen_at: datetime | None


@living
class QuietTime(Living[QuietTrigger, QuietChange]):
    """The quiet hours of one person, by New York's clock: HH:MM. Somebody without a row has those of the settings."""

    id: str  # the person's name
    state: QuietState = QuietState.USUAL
    begins: str = "00:00"
    ends: str = "00:00"
    chosen_by: str | None = None
    chosen_at: datetime | None = None

    @property
    def hours(self) -> tuple[time, time]:
        """From when to when."""
        return time.fromisoformat(self.begins), time.fromisoformat(self.ends)

    @property
    def words(self) -> str:
        """Its hours for a person."""
        return "none" if self.begins == self.ends else f"{self.begins} to {self.ends}"


class HoursUnclear(ValueError):
    """A text that names no hours; the message says what would."""


_HOURS: Final = re.compile(r"([01]?\d|2[0-3])(?::([0-5]\d))?\s*(?:-|–|to)\s*([01]?\d|2[0-3])(?::([0-5]\d))?", re.ASCII)
_OFF: Final = frozenset({"off", "none"})
USUAL: Final = "usual"


def hours_of(text: str) -> tuple[str, str] | None:
    """Return the hours that somebody typed (`22:00-07:00`, `22-7`, `off`), None for `usual`; raises HoursUnclear."""
    wanted = text.strip().lower()
    if wanted == USUAL:
        return None
    if wanted in _OFF:
        return "00:00", "00:00"
    found = _HOURS.fullmatch(wanted)
    if found is None:
        raise HoursUnclear(f"{text[:40]!r} names no hours: write them like 22:00-07:00, or off, or usual")
    begins, ends = (f"{int(found[at]):02}:{found[at + 1] or '00'}" for at in (1, 3))
    if begins == ends:
        raise HoursUnclear(f"{text[:40]!r} begins when it ends: off is none, and all day is not to be had")
    return begins, ends
