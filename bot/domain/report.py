"""A report: drafted from the store, approved by a person, published once."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.machine import Lifecycle


class ReportState(StrEnum):
    DRAFTED = "drafted"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"


class ReportTrigger(StrEnum):
    ASK = "ask"
    REDRAFT = "redraft"
    APPROVE = "approve"
    REJECT = "reject"
    PUBLISH = "publish"


S, T = ReportState, ReportTrigger

REPORT: Final = Lifecycle(
    name="report",
    states=ReportState,
    triggers=ReportTrigger,
    table=MappingProxyType(
        {
            (S.DRAFTED, T.REDRAFT): S.DRAFTED,
            (S.DRAFTED, T.ASK): S.AWAITING_APPROVAL,
            (S.AWAITING_APPROVAL, T.REDRAFT): S.DRAFTED,
            (S.AWAITING_APPROVAL, T.APPROVE): S.APPROVED,
            (S.AWAITING_APPROVAL, T.REJECT): S.REJECTED,
            (S.APPROVED, T.PUBLISH): S.PUBLISHED,
        }
    ),
    terminal=frozenset({S.PUBLISHED, S.REJECTED}),
    notes=MappingProxyType(
        {
            S.DRAFTED: "written from the store",
            S.AWAITING_APPROVAL: "shown to a person",
            S.APPROVED: "may be published",
            S.PUBLISHED: "its messages are queued",
            S.REJECTED: "will not be published, with the reason",
        }
    ),
)
