"""A circuit breaker: one limit of the whole book, watched all day. Its numbers are in its row, its moves in the audit.

A tripped breaker keeps entries out, whatever else it does; exits are never its business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class BreakerState(StrEnum):
    OK = "ok"
    WARNING = "warning"
    TRIPPED = "tripped"


class BreakerTrigger(StrEnum):
    WARN = "warn"
    TRIP = "trip"
    CALM = "calm"
    ACKNOWLEDGE = "acknowledge"
    ADJUST = "adjust"


S, T = BreakerState, BreakerTrigger

BREAKER: Final = Lifecycle(
    name="breaker",
    states=BreakerState,
    triggers=BreakerTrigger,
    table=MappingProxyType(
        {
            (S.OK, T.WARN): S.WARNING,
            (S.OK, T.TRIP): S.TRIPPED,
            (S.WARNING, T.TRIP): S.TRIPPED,
            (S.WARNING, T.CALM): S.OK,
            (S.TRIPPED, T.WARN): S.WARNING,  # back under the limit, not yet far from it
            (S.TRIPPED, T.CALM): S.OK,
            (S.TRIPPED, T.ACKNOWLEDGE): S.OK,  # a person resumed: it counts anew from here
            (S.OK, T.ADJUST): S.OK,  # money was paid in or out: what it compares with has moved
            (S.WARNING, T.ADJUST): S.WARNING,
            (S.TRIPPED, T.ADJUST): S.TRIPPED,
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.OK: "within its limit",
            S.WARNING: "close to its limit, or not measurable",
            S.TRIPPED: "over its limit: no entry passes; exits do",
        }
    ),
)


class BreakerChange(TypedDict, total=False):
    """What may change of a breaker."""

    value: str
    limit: str
    share: float | None
    detail: str
    since: datetime | None
    acknowledged_at: datetime | None
    facts: Mapping[str, Any]


@living
class Breaker(Living[BreakerTrigger, BreakerChange]):
    """One breaker. `value` and `limit` as a person reads them, `share` is value of limit (1.0: at the limit; None:
    unknown). `acknowledged_at`: what is counted, is counted from there."""

    id: str
    state: BreakerState = BreakerState.OK
    value: str = ""
    limit: str = ""
    share: float | None = None
    detail: str = ""
    since: datetime | None = None
    acknowledged_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
