"""The session, the connection, breakers, halted symbols and adoptions.

Each is one table of columns, read in both directions: a column that is forgotten on one way is forgotten on both, and
the test that brings a whole thing back is red.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from bot.domain.adoption import Adoption, AdoptionState
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.connection import Connection, ConnectionState
from bot.domain.session import Hold, Session, SessionState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.store.values import Row, json_text, maybe_parse_time, maybe_time_text, parse_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """How one value is written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _word(words: type[StrEnum]) -> Form:
    return Form(lambda value: value.value, words)


AS_IT_IS: Final = Form(_same, _same)
TIME: Final = Form(maybe_time_text, maybe_parse_time)
FACTS: Final = Form(json_text, parse_json)
NAMES: Final = Form(lambda names: json_text(list(names)), lambda text: tuple(parse_json(text) or ()))


class RowOf(Generic[T]):
    """A thing and its row. `forms`: field -> form, in the order of the columns; `columns`: where a column has another
    name than its field."""

    def __init__(self, kind: type[T], forms: Mapping[str, Form], columns: Mapping[str, str] | None = None) -> None:
        self._kind = kind
        self._forms = [(field, (columns or {}).get(field, field), form) for field, form in forms.items()]

    def write(self, thing: T) -> dict[str, Any]:
        return {column: form.write(getattr(thing, field)) for field, column, form in self._forms}

    def read(self, row: Row) -> T:
        return self._kind(**{field: form.read(row[column]) for field, column, form in self._forms})


SESSION: Final = RowOf(
    Session,
    {
        "id": AS_IT_IS,
        "state": _word(SessionState),
        "hold": _word(Hold),
        "held_by": AS_IT_IS,
        "held_at": TIME,
        "hold_reason": AS_IT_IS,
    },
)
BREAKER: Final = RowOf(
    Breaker,
    {
        "id": AS_IT_IS,
        "state": _word(BreakerState),
        "value": AS_IT_IS,
        "limit": AS_IT_IS,
        "share": AS_IT_IS,
        "detail": AS_IT_IS,
        "since": TIME,
        "acknowledged_at": TIME,
        "facts": FACTS,
    },
    columns={"limit": "limit_words"},
)
SYMBOL_HALT: Final = RowOf(
    SymbolHalt,
    {
        "id": AS_IT_IS,
        "state": _word(SymbolState),
        "reason": AS_IT_IS,
        "causes": NAMES,
        "halted_by": AS_IT_IS,
        "halted_at": TIME,
        "lifted_by": AS_IT_IS,
        "lifted_at": TIME,
    },
)
ADOPTION: Final = RowOf(
    Adoption,
    {
        "id": AS_IT_IS,
        "state": _word(AdoptionState),
        "symbol": AS_IT_IS,
        "quantity": AS_IT_IS,
        "why": AS_IT_IS,
        "asked_at": TIME,
        "answered_by": AS_IT_IS,
        "answered_at": TIME,
        "adopted_at": TIME,
    },
)
CONNECTION: Final = RowOf(
    Connection, {"id": AS_IT_IS, "state": _word(ConnectionState), "since": TIME, "detail": AS_IT_IS}
)

session_row, session_of = SESSION.write, SESSION.read
breaker_row, breaker_of = BREAKER.write, BREAKER.read
symbol_halt_row, symbol_halt_of = SYMBOL_HALT.write, SYMBOL_HALT.read
adoption_row, adoption_of = ADOPTION.write, ADOPTION.read
connection_row, connection_of = CONNECTION.write, CONNECTION.read
