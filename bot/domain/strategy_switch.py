"""Whether a strategy trades: a person's switch, beside what the settings enable; and what its closed trades say against
it, which switches it off. It outlives restarts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class SwitchState(StrEnum):
    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


class SwitchTrigger(StrEnum):
    TURN_ON = "turn_on"
    SHADOW = "shadow"
    TURN_OFF = "turn_off"


S, T = SwitchState, SwitchTrigger

STRATEGY_SWITCH: Final = Lifecycle(
    name="strategy",
    states=SwitchState,
    triggers=SwitchTrigger,
    table=MappingProxyType(
        {
            (S.ON, T.SHADOW): S.SHADOW,
            (S.ON, T.TURN_OFF): S.OFF,
            (S.SHADOW, T.TURN_ON): S.ON,
            (S.SHADOW, T.TURN_OFF): S.OFF,
            (S.OFF, T.TURN_ON): S.ON,
            (S.OFF, T.SHADOW): S.SHADOW,
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.ON: "it looks, and what it proposes may be traded",
            S.SHADOW: "it looks; what it would have bought is on record as rejected, and nothing is bought",
            S.OFF: "it does not look; what it opened is managed to its end",
        }
    ),
)

TRIGGER_TO: Final = MappingProxyType({S.ON: T.TURN_ON, S.SHADOW: T.SHADOW, S.OFF: T.TURN_OFF})


class SwitchChange(TypedDict, total=False):
    """What may change of a switch."""

    switched_by: str | None
    switched_at: datetime | None
    findings: tuple[str, ...]
    degraded_at: datetime | None
    counted_from: datetime | None


@living
class StrategySwitch(Living[SwitchTrigger, SwitchChange]):
    """One strategy that was ever switched, or that something is said against; one without a row is on. Since
    `degraded_at` its closed trades keep it off, until an owner switches it on; it is judged by those that closed after
    `counted_from` (None: by all). `findings` are the names of what is said against it now."""

    id: str  # the strategy's name
    state: SwitchState = SwitchState.ON
    switched_by: str | None = None
    switched_at: datetime | None = None
    findings: tuple[str, ...] = ()
    degraded_at: datetime | None = None
    counted_from: datetime | None = None
