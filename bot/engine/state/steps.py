"""What a decision says: which machine moves, by which trigger, why, what is born with it and what the world is asked.

A decision is a pure function that returns steps; the journal is the one place that carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Instruction
from bot.domain.machine import C, Living, T


@dataclass(frozen=True, slots=True)
class Birth:
    """A new entity, with the words for its first row."""

    entity: Living[Any, Any]
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Step:
    """One transition. `sets` is what changes with it: the trigger and the change are those of the entity's kind. Births
    come into being, instructions go out and alerts are raised only if it is legal. Nobody changes a step."""

    __slots__ = ("actor", "alerts", "births", "entity", "evidence", "instructions", "reason", "sets", "trigger")

    def __init__(
        self,
        entity: Living[T, C],
        trigger: T,
        reason: str,
        evidence: Mapping[str, Any] | None = None,
        sets: C | None = None,
        births: tuple[Birth, ...] = (),
        instructions: tuple[Instruction, ...] = (),
        actor: str = "tick",
        alerts: tuple[AlertRaised, ...] = (),
    ) -> None:
        self.entity: Final[Living[Any, Any]] = entity
        self.trigger: Final[StrEnum] = trigger
        self.reason: Final = reason
        self.evidence: Final[Mapping[str, Any]] = evidence or {}
        self.sets: Final[Any] = sets
        self.births: Final = births
        self.instructions: Final = instructions
        self.actor: Final = actor
        self.alerts: Final = alerts

    def __repr__(self) -> str:
        return f"Step({self.entity.id} {self.trigger}: {self.reason})"
