"""A symbol on which entries stop because somebody else traded a contract of ours.

It ends with the day, or when a person lifts it. Each cause halts once: what a person has seen and lifted does not halt
the symbol again when the broker tells of it once more.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class SymbolState(StrEnum):
    OPEN = "open"
    HALTED = "halted"


class SymbolTrigger(StrEnum):
    HALT = "halt"
    LIFT = "lift"
    DAY_OVER = "day_over"


S, T = SymbolState, SymbolTrigger

SYMBOL_HALT: Final = Lifecycle(
    name="symbol",
    states=SymbolState,
    triggers=SymbolTrigger,
    table=MappingProxyType(
        {
            (S.OPEN, T.HALT): S.HALTED,
            (S.HALTED, T.HALT): S.HALTED,  # one more cause
            (S.HALTED, T.LIFT): S.OPEN,  # a person looked
            (S.HALTED, T.DAY_OVER): S.OPEN,
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.OPEN: "entries are allowed, as far as everything else allows them",
            S.HALTED: "no entry on it until the day is over or a person lifts it; positions are managed to their end",
        }
    ),
)


class SymbolHaltChange(TypedDict, total=False):
    """What may change of a symbol's halt."""

    reason: str
    causes: tuple[str, ...]
    halted_by: str | None
    halted_at: datetime | None
    lifted_by: str | None
    lifted_at: datetime | None


@living
class SymbolHalt(Living[SymbolTrigger, SymbolHaltChange]):
    """One symbol that was ever halted. `reason` is the first cause in words, `causes` are the keys of all that were
    seen since the last day that ended halted."""

    id: str  # the symbol
    state: SymbolState = SymbolState.OPEN
    reason: str = ""
    causes: tuple[str, ...] = ()
    halted_by: str | None = None
    halted_at: datetime | None = None
    lifted_by: str | None = None
    lifted_at: datetime | None = None
