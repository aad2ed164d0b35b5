"""How slowly the bot may enter: smaller sizes and a space between entries, until a time.

The overseer asks for it, the engine bounds it. While it lasts it only ever becomes stricter; it ends by its time or by
a person, and survives a restart. It never touches what is held: exits and stops know nothing of it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living

ALL_OF_IT: Final = Decimal(1)
"""The scale of a size that nothing slows."""


class SlowdownState(StrEnum):
    FREE = "free"
    SLOWED = "slowed"


class SlowdownTrigger(StrEnum):
    SLOW = "slow"
    END = "end"
    LIFT = "lift"


S, T = SlowdownState, SlowdownTrigger

SLOWDOWN: Final = Lifecycle(
    name="slowdown",
    states=SlowdownState,
    triggers=SlowdownTrigger,
    table=MappingProxyType(
        {
            (S.FREE, T.SLOW): S.SLOWED,
            (S.SLOWED, T.SLOW): S.SLOWED,  # asked again: never less strict, never shorter
            (S.SLOWED, T.END): S.FREE,
            (S.SLOWED, T.LIFT): S.FREE,  # a person resumes
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.FREE: "sizes are whole and entries follow each other as the strategies propose them",
            S.SLOWED: "entries are smaller and further apart until its time is over or a person resumes",
        }
    ),
)

SLOWDOWN_ID: Final = "slowdown"


class SlowdownChange(TypedDict, total=False):
    """What may change of a slowdown."""

    scale: Decimal
    spacing_s: float
    until: datetime | None
    reason: str
    by: str


@living
class Slowdown(Living[SlowdownTrigger, SlowdownChange]):
    """The one slowdown. `scale` times the size that the rules allow, rounded down; `spacing_s` seconds between two
    entries."""

    id: str = SLOWDOWN_ID
    state: SlowdownState = SlowdownState.FREE
    scale: Decimal = ALL_OF_IT
    spacing_s: float = 0.0
    until: datetime | None = None
    reason: str = ""
    by: str = ""

    def lasts(self, now: datetime) -> bool:
        return self.state is SlowdownState.SLOWED and (self.until is None or now < self.until)

    def scale_at(self, now: datetime) -> Decimal:
        """Return what a size is multiplied by: never above 1."""
        return min(self.scale, ALL_OF_IT) if self.lasts(now) else ALL_OF_IT

    def spacing_at(self, now: datetime) -> float:
        return self.spacing_s if self.lasts(now) else 0.0
