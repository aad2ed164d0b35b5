"""What ends an alert: another alert that says so, or a transition of what it is about. Others end by time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ENDED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "EXIT_GOES_ON": ("EXIT_IN_HALT", "EXIT_WITHOUT_BID", "HELD_IN_HALT", "HELD_WITHOUT_BID"),
        "QUOTED_AGAIN": ("HELD_IN_HALT", "HELD_WITHOUT_BID", "EXIT_IN_HALT", "EXIT_WITHOUT_BID"),
        "FACT_APPLIED": ("FACT_FAULT",),
        "FACT_GONE": ("FACT_FAULT",),
        "SHARES_GONE": ("SHARES_DELIVERED",),
        "FEED_BACK": ("FEED_DISABLED", "FEED_UNKNOWN_SYMBOL", "FEED_BREAKER_OPEN"),
        "DATA_AGREE": ("DATA_DIVERGE",),
        "CLOCK_AGREES": ("CLOCK_PARTED",),
        "CLOCK_RIGHT": ("CLOCK_WRONG", "CLOCK_SKEW"),
        "HOURS_AGREE": ("HOURS_DIFFER",),
        "MACHINE_RESUMED": ("MACHINE_PARKED",),
        "DISK_ROOM": ("DISK_LOW",),
        "SETTINGS_TAKEN": ("SETTINGS_REFUSED", "SETTINGS_WAIT"),
        "OVERSEER_MODEL_BACK": ("OVERSEER_MODEL_SILENT",),
    }
)
"""By the code that tells an end: what is over with it, of the same thing; where it names no thing, of every one."""

ENDED_WHOLLY_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"FEED_BACK": ("FEED_REFUSED",)})
"""The same where it is over with everything that it was about."""

NAMES_THE_CODE: Final = frozenset({"OVERSEER_OVER"})
"""Codes that tell an end and name in their facts (`code`) which alert is over."""


@dataclass(frozen=True, slots=True)
class EndedByStep:
    """When `machine` goes through `trigger`, or into `to_state`, these codes are over: those of the same thing, or all
    of them where what happened is the whole bot's matter."""

    machine: str
    codes: frozenset[str]
    trigger: str = ""
    to_state: str = ""
    of_the_same: bool = True


_OF_POSITION: Final = frozenset(
    {
        "UNPROTECTED", "PROTECTION_LOST", "STOP_NOT_TAKEN", "STOP_TOO_LARGE", "EXIT_SLOW", "SALE_NOT_TAKEN",
        "EXIT_IN_HALT", "EXIT_WITHOUT_BID", "HELD_IN_HALT", "HELD_WITHOUT_BID", "LEFT_AT_CLOSE",
        "HELD_THROUGH_EXPIRY", "SETTLEMENT_PENDING",
    }
)  # fmt: skip
_OF_DOUBT: Final = frozenset({"ORDER_IN_DOUBT"})
_OF_ORDER: Final = frozenset({"ORDER_IN_DOUBT", "CANCEL_MISSED", "ORDER_STILL_LIVE"})
_OF_LINK: Final = frozenset(
    {
        "BROKER_UNREACHABLE", "ACCOUNT_REFUSED", "CLIENT_ID_IN_USE", "LINK_DEGRADED", "LOGIN_DUE", "LOGIN_MISSED",
        "CONNECTION_FAULT",
    }
)  # fmt: skip

ENDED_BY_STEP: Final = (
    EndedByStep("position", frozenset({"UNPROTECTED", "PROTECTION_LOST", "STOP_NOT_TAKEN"}), trigger="protect"),
    EndedByStep("position", _OF_POSITION, to_state="closed"),
    *(EndedByStep("order", _OF_ORDER, to_state=state) for state in ("filled", "cancelled", "rejected")),
    *(EndedByStep("order", _OF_DOUBT, to_state=state) for state in ("working", "partially_filled", "submitted")),
    EndedByStep("connection", _OF_LINK, to_state="synced", of_the_same=False),
    EndedByStep("session", frozenset({"NOT_TRADABLE", "EMERGENCY_STOP"}), to_state="active", of_the_same=False),
    EndedByStep("breaker", frozenset({"BREAKER_TRIPPED", "BREAKER_WARNING"}), to_state="armed"),
)

_BY_NAME: Final = frozenset(
    {
        "OVERSEER_UNPROTECTED", "OVERSEER_BOOK_DIFFERS", "OVERSEER_BROKER_SILENT", "OVERSEER_EQUITY_JUMP",
        "OVERSEER_BOOK_OLD", "OVERSEER_ORDER_IN_DOUBT", "OVERSEER_DATA_STALE", "OVERSEER_DIVERGENCE",
        "OVERSEER_SLIPPAGE", "OVERSEER_SIGNAL_RATE",
    }
)  # fmt: skip
"""Codes whose end names them: what a rule of the overseer finds lasts until the rule finds it no more."""
_TOLD: Final = (*ENDED_BY.values(), *ENDED_WHOLLY_BY.values())
LASTING: Final = _BY_NAME | frozenset(
    {code for codes in _TOLD for code in codes} | {code for row in ENDED_BY_STEP for code in row.codes}
)
"""Codes whose end is told or seen: they last until then, however long ago they were raised."""
