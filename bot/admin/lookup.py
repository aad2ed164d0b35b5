"""What somebody means by an id, whole or the end of it: found in the store, or in words why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from bot.domain.requests import Subject
from bot.domain.wording import key_words
from bot.store import read as ask

SHORT: Final = 6
_LONGEST: Final = 64


class Unclear(Exception):
    """An argument that means nothing, or several things; the text is the answer."""


class Hint(Unclear):
    """What to type instead of pressing: nobody tried anything."""


@dataclass(frozen=True, slots=True)
class _Way:
    alive: Callable[[Connection], Sequence[Any]]
    ending: Callable[[Connection, str], Sequence[Any]]


_WAYS: Final = {
    Subject.SIGNAL: _Way(ask.live_signals, ask.signals_ending),
    Subject.POSITION: _Way(ask.open_positions, ask.positions_ending),
    Subject.ORDER: _Way(ask.live_orders, ask.orders_ending),
}


def one(connection: Connection, subject: Subject, given: str) -> Any:
    """Return the row that an id, or the end of one, names; raises Unclear for none and for several."""
    wanted, way = given.strip().upper()[:_LONGEST], _WAYS[subject]
    alive = way.alive(connection)
    if not wanted:
        raise Unclear(f"Which {subject}? {_there(alive, subject)}")
    found = [row for row in alive if any(name.upper().endswith(wanted) for name in _names(row))]
    found = [row for row in found if wanted in {name.upper() for name in _names(row)}] or found
    if not found:
        found = list(way.ending(connection, wanted))
    if len(found) == 1:
        return found[0]
    why = "fits several" if found else "fits none"
    raise Unclear(f"{subject} {given[:_LONGEST]!r} {why}. {_there(alive, subject)}")


def _names(row: Any) -> list[str]:
    return [row.id, *(name for name in (getattr(row, "approval_id", None), getattr(row, "order_ref", None)) if name)]


def _there(rows: Sequence[Any], subject: Subject) -> str:
    there = ", ".join(f"{row.id[-SHORT:]} ({key_words(row.contract_key)}, {row.state})" for row in rows)
    return f"There now: {there}" if there else f"There is no {subject} now."
