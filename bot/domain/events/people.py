"""Facts of what people and other processes of ours ask and say, and of what a person should see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.notices import severity_of
from bot.domain.outside import facts, outside, sentence, through


class RequestKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    PAUSE = "pause"
    RESUME = "resume"
    RESUME_SYMBOL = "resume_symbol"
    HALT = "halt"
    CLOSE = "close"
    MOVE_STOP = "move_stop"
    FLATTEN = "flatten"
    RECONCILE = "reconcile"
    EMERGENCY = "emergency"
    CANCEL_ALL = "cancel_all"
    SETTLE = "settle"
    WITHDRAW = "withdraw"
    ACK = "ack"
    UNACK = "unack"
    REPORT_DRAFT = "report_draft"
    REPORT_APPROVE = "report_approve"
    REPORT_REJECT = "report_reject"
    REPORT_EDIT = "report_edit"
    TEST_ALERTS = "test_alerts"
    TEST_CHANNEL = "test_channel"
    ADOPT = "adopt"
    DECLINE = "decline"
    EDIT = "edit"
    CANCEL_ORDER = "cancel_order"
    STRATEGY = "strategy"
    RELOAD_CONFIG = "reload_config"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A row that a person inserted: the only way in which anybody outside the tick asks for anything.

    `age_s`: wall seconds from the asking to the reading, None where the row's dates prove none; `read_s`: the clock's
    steady seconds at the reading, None for what was asked in this process just now.
    """

    id: str
    kind: RequestKind
    payload: Mapping[str, Any]
    actor: str
    created_at: datetime
    age_s: float | None = 0.0
    read_s: float | None = None

    def __post_init__(self) -> None:
        through(self, payload=facts(self.payload), actor=outside(self.actor))


@dataclass(frozen=True, slots=True)
class RequestUnreadable:
    """A row of `command` that makes no sense: unknown kind, a payload that is no JSON object, a date that is none."""

    id: str
    kind: str
    actor: str
    why: str

    def __post_init__(self) -> None:
        through(self, kind=outside(self.kind), actor=outside(self.actor), why=outside(self.why))


@dataclass(frozen=True, slots=True)
class InboundReceived:
    """A row of `inbound`: what another process of ours has to say (outcomes, verdicts), never what a person asks."""

    id: str
    source: str
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    fault: str = ""  # why its payload cannot be read

    def __post_init__(self) -> None:
        through(self, payload=facts(self.payload), source=outside(self.source), kind=outside(self.kind))
        through(self, fault=outside(self.fault))


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something a person should see; `code` is a row of the register (bot/domain/notices), `facts` the raw fields.

    `severity` is the row's; it is named only where the row has more than one. Raises UnknownNotice for any other.
    """

    code: str
    text: str
    facts: Mapping[str, Any]
    at: datetime
    severity: str = ""

    def __post_init__(self) -> None:
        severity = severity_of(self.code, self.severity or None)
        through(self, text=sentence(self.text), facts=facts(self.facts), severity=severity)
