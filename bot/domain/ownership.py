"""Whose a message is that nobody can read: what is not ours must never spoil what is.

An order or an execution may be ours when it bears our client id, our reference or the permId of an order of ours, a
holding when it is of a contract that we trade; so may be any of which the fields that would say so cannot be read
themselves. Every other one is somebody else's, also on a contract of ours (what it does to the holding, the holding
tells).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.ids import is_ours
from bot.domain.outside import whole_number


@dataclass(frozen=True, slots=True)
class Marks:
    """What a message says of whose it is, as text. None: a message of its kind never says it."""

    client_id: str | None = None
    reference: str | None = None
    perm_id: str | None = None
    con_id: str = ""
    sec_type: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Judges for one client id and one bot. `trades`: whether a conId is of a contract that we trade; `is_our_order`:
    whether a permId is of an order that we placed."""

    client_id: int
    bot_id: str
    trades: Callable[[int], bool]
    is_our_order: Callable[[int], bool]

    def may_be_ours(self, marks: Marks) -> bool:
        """Say whether what bears these marks may be about something of ours."""
        if marks.client_id is not None and not self._is_another_client(marks.client_id):
            return True
        if marks.reference is not None and is_ours(self.bot_id, marks.reference):
            return True
        if marks.perm_id is not None:
            perm_id = whole_number(marks.perm_id)
            return perm_id is None or self.is_our_order(perm_id)
        return self._may_be_our_contract(marks)

    def is_our_client(self, client_id: str) -> bool:
        return client_id == str(self.client_id)

    def _is_another_client(self, client_id: str) -> bool:
        return whole_number(client_id) is not None and not self.is_our_client(client_id)

    def _may_be_our_contract(self, marks: Marks) -> bool:
        con_id = whole_number(marks.con_id)
        if con_id is not None and con_id > 0:
            return self.trades(con_id)
        return marks.sec_type == "OPT" and marks.con_id not in _NO_CONTRACT


_NO_CONTRACT = frozenset({"", "0"})
