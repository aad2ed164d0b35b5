"""What the raw fields of a message say of whose it is (`bot.domain.ownership` judges it), and what is kept of somebody
else's: it is shown as it came, and told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.domain.events.account import ForeignSeen
from bot.domain.ownership import Marks, Ownership

_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a message says whose it is: field numbers, the message's own number being field 0. `contract` is where its
    eleven or more contract fields begin, `identity` what sets it apart from others of its kind."""

    subject: str
    contract: int
    identity: int
    client_id: int | None = None
    reference: int | None = None
    perm_id: int | None = None
    terms: tuple[int, ...] = ()  # side, quantity, type, price, ...: what a person wants to read of it

    @property
    def last(self) -> int:
        """The last field that is needed to tell."""
        return max(self.identity, self.client_id or 0, self.reference or 0, self.contract + 2)


LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {
        "5": Layout("order", 2, 25, client_id=24, reference=23, perm_id=25, terms=(13, 14, 15, 16)),
        "11": Layout("execution", 3, 14, client_id=22, reference=26, perm_id=21, terms=(18, 19, 20)),
        "61": Layout("position", 3, 3, terms=(14,)),
        "101": Layout("order", 1, 23, reference=22, perm_id=23, terms=(12, 13, 14, 15)),
    }
)
"""openOrder, execDetails, position, completedOrder, of server version 157 and later."""
STATUS: Final = "3"
_STATUS_CLIENT: Final = 9


def may_be_ours(fields: Sequence[str], ours: Ownership) -> bool:
    """Say whether a message, readable or not, may be about something of ours."""
    if fields[0] == STATUS:
        return len(fields) <= _STATUS_CLIENT or ours.is_our_client(fields[_STATUS_CLIENT])
    layout = LAYOUTS.get(fields[0])
    if layout is None or len(fields) <= layout.last:
        return True  # cut off before it says whose it is
    return ours.may_be_ours(_marks(fields, layout))


def _marks(fields: Sequence[str], layout: Layout) -> Marks:
    def at(index: int | None) -> str | None:
        return None if index is None else fields[index]

    return Marks(
        client_id=at(layout.client_id),
        reference=at(layout.reference),
        perm_id=at(layout.perm_id),
        con_id=fields[layout.contract],
        sec_type=fields[layout.contract + 2],
    )


def foreign_of(fields: Sequence[str], why: str, at: datetime) -> ForeignSeen:
    """Return what somebody else's message says, as it came."""
    layout = LAYOUTS[fields[0]]
    con_id, symbol, sec_type = (_cut(each) for each in fields[layout.contract : layout.contract + 3])
    key = f"{symbol[:12] or '?'}:{sec_type[:12] or '?'}:{con_id}"
    terms = " ".join(_cut(fields[index]) for index in layout.terms if index < len(fields) and fields[index])
    facts = {"why": why, "fields": " ".join(_cut(each) or "-" for each in fields[: layout.identity + 2])}
    identity = _cut(fields[layout.identity])
    return ForeignSeen(layout.subject, key, identity if layout.subject != "position" else key, terms, facts, at)


def _cut(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST])
