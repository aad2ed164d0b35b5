"""A report: drafted from the store, approved by a person, published once.

A person's edit of its text takes it back to `drafted`, and it is asked for anew in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


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


class ReportChange(TypedDict, total=False):
    """What may change of a report."""

    body: str
    edits: int
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    published_at: datetime | None


@living
class Report(Living[ReportTrigger, ReportChange]):
    """One report. `kind` says what it is of (day), `period` of when (2026-11-20); `body` is plain text, `edits` how
    often a person changed it; `decided_by` is the actor of the answer, `reason` why it was rejected."""

    id: str
    kind: str
    period: str
    title: str
    body: str
    created_at: datetime
    state: ReportState = ReportState.DRAFTED
    edits: int = 0
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    published_at: datetime | None = None
