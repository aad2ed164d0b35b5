"""An approval: the question whether a signal may be traded, and its answer. Only the rules or an authorised person
approve."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class ApprovalState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ApprovalTrigger(StrEnum):
    EDIT = "edit"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"


S, T = ApprovalState, ApprovalTrigger

APPROVAL: Final = Lifecycle(
    name="approval",
    states=ApprovalState,
    triggers=ApprovalTrigger,
    table=MappingProxyType(
        {
            (S.REQUESTED, T.EDIT): S.REQUESTED,  # new terms, validated anew
            (S.REQUESTED, T.APPROVE): S.APPROVED,
            (S.REQUESTED, T.REJECT): S.REJECTED,
            (S.REQUESTED, T.EXPIRE): S.EXPIRED,
        }
    ),
    terminal=frozenset({S.APPROVED, S.REJECTED, S.EXPIRED}),
    notes=MappingProxyType(
        {
            S.REQUESTED: "asked; nothing is traded before the answer",
            S.APPROVED: "the rules or an authorised person said yes",
            S.REJECTED: "refused, with the reason",
            S.EXPIRED: "nobody answered in time",
        }
    ),
)


class ApprovalChange(TypedDict, total=False):
    """What may change of an approval."""

    decided_at: datetime | None
    decided_by: str | None
    reason: str
    edits: int


@living
class Approval(Living[ApprovalTrigger, ApprovalChange]):
    """One question about one signal; `decided_by` is the actor of the answer."""

    id: str
    signal_id: str
    requested_at: datetime
    expires_at: datetime
    state: ApprovalState = ApprovalState.REQUESTED
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    edits: int = 0  # how often its terms were changed by a person
