"""Facts of the connection to the broker, and of its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.outside import outside, through


class LinkChange(StrEnum):
    """What happened to the connection; the engine's table turns it into a trigger of the connection machine."""

    CONNECTING = "connecting"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    DATA_LOST = "data_lost"
    DATA_RESTORED = "data_restored"
    ORDERS_LOST = "orders_lost"
    RESTORED = "restored"
    COMPETING = "competing"


@dataclass(frozen=True, slots=True)
class LinkChanged:
    change: LinkChange
    detail: str
    at: datetime

    def __post_init__(self) -> None:
        through(self, detail=outside(self.detail))


@dataclass(frozen=True, slots=True)
class BrokerTimeTold:
    """The broker's time of a moment between `asked_at` and `at`, which are ours; cut to whole seconds, as TWS tells it.
    `steady_s` is what the clock that never jumps showed at `at`."""

    broker_at: datetime
    asked_at: datetime
    at: datetime
    steady_s: float
