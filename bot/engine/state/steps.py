"""What a decision says: which machine moves, by which trigger, why, what is born with it and what the world is asked.

A decision is a pure function that returns steps; the journal is the one place that carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.events import AlertRaised
from bot.domain.instructions import Instruction
from bot.domain.kinds import Entity


@dataclass(frozen=True, slots=True)
class Birth:
    """A new entity, with the words for its first row."""

    entity: Entity
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition. `sets` are attributes that change with it; births come into being, instructions go out and alerts
    are raised only if it is legal."""

    entity: Entity
    trigger: StrEnum
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, Any] = field(default_factory=dict)
    births: tuple[Birth, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    actor: str = "tick"
    alerts: tuple[AlertRaised, ...] = ()
