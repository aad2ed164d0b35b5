"""Whose a message is that nobody can read: told from its raw fields, for what is not ours must never spoil what is.

An order or an execution may be ours when it bears our client id, our reference or the permId of an order of ours, a
holding when it is of a contract that we trade; so may be any of which the fields that would say so cannot be read
themselves. Every other one is somebody else's, also on a contract of ours (what it does to the holding, the holding
tells): it is kept as it came, shown and told once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.domain.events import ForeignSeen
from bot.domain.ids import is_ours

_LONGEST: Final = 60
_NO_CONTRACT: Final = frozenset({"", "0"})


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


class Ownership:
    """Judges raw messages for one client id and one bot."""

    def __init__(
        self, client_id: int, bot_id: str, trades: Callable[[int], bool], is_our_order: Callable[[int], bool]
    ) -> None:
        self._client_id = str(client_id)
        self._bot_id = bot_id
        self._trades = trades
        self._is_our_order = is_our_order

    def may_be_ours(self, fields: Sequence[str]) -> bool:
        """Say whether a message, readable or not, may be about something of ours."""
        if fields[0] == STATUS:
            return len(fields) <= _STATUS_CLIENT or fields[_STATUS_CLIENT] == self._client_id
        layout = LAYOUTS.get(fields[0])
        if layout is None or len(fields) <= layout.last:
            return True  # cut off before it says whose it is
        if layout.client_id is not None and not self._is_another_client(fields[layout.client_id]):
            return True
        if layout.reference is not None and is_ours(self._bot_id, fields[layout.reference]):
            return True
        if layout.perm_id is not None:
            perm_id = fields[layout.perm_id]
            return not perm_id.isdigit() or self._is_our_order(int(perm_id))
        return self._may_be_our_contract(fields[layout.contract], fields[layout.contract + 2])

    def _is_another_client(self, text: str) -> bool:
        return text.lstrip("-").isdigit() and text != self._client_id

    def _may_be_our_contract(self, con_id: str, sec_type: str) -> bool:
        if con_id.isdigit():
            return self._trades(int(con_id))
        return sec_type == "OPT" and con_id not in _NO_CONTRACT


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
