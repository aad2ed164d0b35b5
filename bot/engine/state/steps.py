"""What a decision says: which machine moves, by which trigger, why, what is born with it and what the world is asked.

A decision is a pure function that returns steps; the journal is the one place that carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.adoption import ADOPTION, Adoption
from bot.domain.approval import APPROVAL, Approval
from bot.domain.breaker import BREAKER, Breaker
from bot.domain.connection import CONNECTION, Connection
from bot.domain.events import AlertRaised
from bot.domain.instructions import Instruction
from bot.domain.machine import Lifecycle
from bot.domain.order import ORDER, Order
from bot.domain.position import POSITION, Position
from bot.domain.session import SESSION, Session
from bot.domain.signal import SIGNAL, Signal
from bot.domain.symbol_halt import SYMBOL_HALT, SymbolHalt

Entity = Signal | Approval | Order | Position | Session | Connection | Breaker | SymbolHalt | Adoption

LIFECYCLE_OF: Mapping[type, Lifecycle] = {
    Signal: SIGNAL,
    Approval: APPROVAL,
    Order: ORDER,
    Position: POSITION,
    Session: SESSION,
    Connection: CONNECTION,
    Breaker: BREAKER,
    SymbolHalt: SYMBOL_HALT,
    Adoption: ADOPTION,
}


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
