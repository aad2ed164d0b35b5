"""The look of the overseer at a complex signal before it is traded: asked, answered in time, or over without a verdict.

A verdict can veto or annotate; nothing of it approves. One that comes after the deadline finds the review over.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class ReviewState(StrEnum):
    ASKED = "asked"
    CLEARED = "cleared"
    VETOED = "vetoed"
    SILENT = "silent"
    DROPPED = "dropped"


class ReviewTrigger(StrEnum):
    CLEAR = "clear"
    VETO = "veto"
    SILENCE = "silence"
    DROP = "drop"


S, T = ReviewState, ReviewTrigger

REVIEW: Final = Lifecycle(
    name="review",
    states=ReviewState,
    triggers=ReviewTrigger,
    table=MappingProxyType(
        {
            (S.ASKED, T.CLEAR): S.CLEARED,
            (S.ASKED, T.VETO): S.VETOED,
            (S.ASKED, T.SILENCE): S.SILENT,  # the deadline, or the word that there will be no verdict
            (S.ASKED, T.DROP): S.DROPPED,  # the signal ended otherwise
        }
    ),
    terminal=frozenset({S.CLEARED, S.VETOED, S.SILENT, S.DROPPED}),
    notes=MappingProxyType(
        {
            S.ASKED: "the signal waits for the verdict, no longer than the deadline",
            S.CLEARED: "a verdict came in time and does not veto; the rules decide, or a person is asked",
            S.VETOED: "the signal is rejected",
            S.SILENT: "no verdict in time: overseer.review.on_silence says what follows",
            S.DROPPED: "the signal was over before the verdict",
        }
    ),
)


class ReviewChange(TypedDict, total=False):
    """What may change of a review."""

    decided_at: datetime | None
    note: str
    call_id: str


@living
class Review(Living[ReviewTrigger, ReviewChange]):
    """One question to the overseer. `why` names what makes the signal complex, `note` is what the verdict says."""

    id: str
    signal_id: str
    asked_at: datetime
    deadline: datetime
    state: ReviewState = ReviewState.ASKED
    why: tuple[str, ...] = ()
    note: str = ""
    call_id: str = ""
    decided_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state is ReviewState.ASKED
