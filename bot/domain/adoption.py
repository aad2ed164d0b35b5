"""A holding at the broker that nothing proves ours: whether a person lets the bot take it over.

Context: a book that lost its store, a purchase by hand and the leg of somebody's spread look alike from a list of
holdings. Decision: what our reference, permId or execution proves is allowed at once; the rest is asked about once, on
the record, and left alone until a person answers yes or no. Consequence: neither a restart nor another comparison asks
anew, and who allowed or declined what is a row of the audit trail. A no is about so many contracts: more of them are
another question, and a proof that they are ours still counts.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class AdoptionState(StrEnum):
    ASKED = "asked"
    ALLOWED = "allowed"
    ADOPTED = "adopted"
    DECLINED = "declined"
    GONE = "gone"


class AdoptionTrigger(StrEnum):
    ASK = "ask"
    RECOUNT = "recount"
    ALLOW = "allow"
    ADOPT = "adopt"
    DECLINE = "decline"
    GO = "go"


S, T = AdoptionState, AdoptionTrigger

ADOPTION: Final = Lifecycle(
    name="adoption",
    states=AdoptionState,
    triggers=AdoptionTrigger,
    table=MappingProxyType(
        {
            (S.ASKED, T.RECOUNT): S.ASKED,  # more or fewer of it are there now, or for another reason
            (S.ASKED, T.ALLOW): S.ALLOWED,
            (S.ASKED, T.DECLINE): S.DECLINED,
            (S.ASKED, T.GO): S.GONE,
            (S.ALLOWED, T.ALLOW): S.ALLOWED,  # more of it was proved before it was taken over
            (S.ALLOWED, T.ASK): S.ASKED,  # it became the leg of a spread meanwhile, which is another question
            (S.ALLOWED, T.DECLINE): S.DECLINED,
            (S.ALLOWED, T.ADOPT): S.ADOPTED,
            (S.ALLOWED, T.GO): S.GONE,
            (S.DECLINED, T.RECOUNT): S.DECLINED,
            (S.DECLINED, T.ASK): S.ASKED,  # the setting asks again, the spread is over, or more came than was declined
            (S.DECLINED, T.ALLOW): S.ALLOWED,  # our reference came, the setting takes all, or a person thought again
            (S.DECLINED, T.GO): S.GONE,
            (S.ADOPTED, T.ASK): S.ASKED,  # more of it, which the answer did not cover
            (S.ADOPTED, T.ALLOW): S.ALLOWED,
            (S.ADOPTED, T.DECLINE): S.DECLINED,
            (S.GONE, T.ASK): S.ASKED,  # it is there again
            (S.GONE, T.ALLOW): S.ALLOWED,
            (S.GONE, T.DECLINE): S.DECLINED,
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.ASKED: "told once and left alone: not sold, not protected, not counted; entries on its symbol wait",
            S.ALLOWED: "a person, a proof or the setting allows it; two looks at the broker's book still have to agree",
            S.ADOPTED: "a position of ours: protected and managed to its end",
            S.DECLINED: "shown and not taken over: a person, the setting or what it is says so",
            S.GONE: "it left the account before it was taken over",
        }
    ),
)

OPEN_QUESTIONS: Final = frozenset({S.ASKED, S.ALLOWED})
LEFT_ALONE: Final = frozenset({S.ASKED, S.DECLINED})
EVERYTHING: Final = "all"
"""In place of a contract's key: all that waits, but for what has to be named."""


class AdoptionChange(TypedDict, total=False):
    """What may change of an adoption."""

    quantity: int
    why: str
    asked_at: datetime | None
    answered_by: str | None
    answered_at: datetime | None
    adopted_at: datetime | None


@living
class Adoption(Living[AdoptionTrigger, AdoptionChange]):
    """One contract of which the broker holds, or held, more than our book can explain."""

    id: str  # the contract's key
    state: AdoptionState = AdoptionState.ASKED
    symbol: str = ""
    quantity: int = 0  # contracts beyond ours that the question, or the answer, is about
    why: str = ""  # what sets it apart; a question with one is answered only by its key
    asked_at: datetime | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    adopted_at: datetime | None = None

    @property
    def needs_name(self) -> bool:
        """Whether `adopt all` passes it by."""
        return bool(self.why)

    @property
    def declined_by_person(self) -> bool:
        """Whether the no is somebody's word, and not that of the setting or of what it is."""
        return self.state is AdoptionState.DECLINED and self.answered_by is not None

    @property
    def name(self) -> str:
        """The key as a person reads and types it: without the blanks that it is padded with."""
        return " ".join(self.id.split())

    @property
    def words(self) -> str:
        return f"{self.quantity} {self.name}" + (f" ({self.why})" if self.why else "")

    @property
    def how_to_answer(self) -> str:
        every = "" if self.needs_name else f" or {EVERYTHING}"
        return f'python run.py adopt "{self.name}"{every}, or decline it'


def same_key(typed: str, key: str) -> bool:
    """Say whether a person who typed this means that contract: blanks and case, which a key pads with, do not count."""
    return "".join(typed.split()).upper() == "".join(key.split()).upper()
