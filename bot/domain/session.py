"""The trading session of the bot: whether it may enter. Halt and pause survive a restart; only a person ends a halt."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class SessionState(StrEnum):
    STARTING = "starting"
    RECONCILING = "reconciling"
    ACTIVE = "active"
    PAUSED = "paused"
    HALTED = "halted"
    STOPPING = "stopping"


class SessionTrigger(StrEnum):
    RESTART = "restart"
    RECONCILE = "reconcile"
    RECONCILED = "reconciled"
    HOLD_PAUSE = "hold_pause"
    HOLD_HALT = "hold_halt"
    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    STOP = "stop"


S, T = SessionState, SessionTrigger

SESSION: Final = Lifecycle(
    name="session",
    states=SessionState,
    triggers=SessionTrigger,
    table=MappingProxyType(
        {
            (S.STARTING, T.RECONCILE): S.RECONCILING,
            (S.RECONCILING, T.RECONCILED): S.ACTIVE,
            (S.RECONCILING, T.HOLD_PAUSE): S.PAUSED,  # it was paused before the restart or the reconnect
            (S.RECONCILING, T.HOLD_HALT): S.HALTED,
            (S.ACTIVE, T.RECONCILE): S.RECONCILING,  # the broker came back
            (S.PAUSED, T.RECONCILE): S.RECONCILING,
            (S.ACTIVE, T.PAUSE): S.PAUSED,
            (S.STARTING, T.PAUSE): S.STARTING,  # it takes effect once the books were compared
            (S.RECONCILING, T.PAUSE): S.RECONCILING,
            (S.PAUSED, T.RESUME): S.ACTIVE,
            (S.HALTED, T.RESUME): S.RECONCILING,  # never straight to trading: the book is compared first
            **{(state, T.HALT): S.HALTED for state in (S.STARTING, S.RECONCILING, S.ACTIVE, S.PAUSED)},
            **{(state, T.STOP): S.STOPPING for state in (S.STARTING, S.RECONCILING, S.ACTIVE, S.PAUSED, S.HALTED)},
            **{(state, T.RESTART): S.STARTING for state in S},  # a start after a stop, a crash or a kill
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.STARTING: "connecting; nothing may be traded",
            S.RECONCILING: "our book is compared with the broker's; exits only",
            S.ACTIVE: "entries and exits",
            S.PAUSED: "no entries; positions are managed to their end",
            S.HALTED: "no entries; something is wrong; a person must resume",
            S.STOPPING: "the last tick; positions stay protected at the broker",
        }
    ),
)

SESSION_ID: Final = "session"

COMING_UP: Final = frozenset({S.STARTING, S.RECONCILING})
PAUSABLE: Final = COMING_UP | {S.ACTIVE}
HALTABLE: Final = PAUSABLE | {S.PAUSED}


class Hold(StrEnum):
    """What a restart must come back to."""

    NONE = "none"
    PAUSE = "pause"
    HALT = "halt"


class SessionChange(TypedDict, total=False):
    """What may change of a session."""

    hold: Hold
    held_by: str | None
    held_at: datetime | None
    hold_reason: str


@living
class Session(Living[SessionTrigger, SessionChange]):
    """The one session: its state, and who holds it back since when and why."""

    id: str = SESSION_ID
    state: SessionState = SessionState.STARTING
    hold: Hold = Hold.NONE
    held_by: str | None = None
    held_at: datetime | None = None
    hold_reason: str = ""
