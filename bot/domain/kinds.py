"""Every kind of thing with a life that the tick keeps, one row each.

Context: a machine was spelled in the journal, the batch, the ledger and four places of the store, and one of them was
easily forgotten. Decision: what sets a kind apart is its row here; whoever carries entities about asks the row and
knows no kind by name. Consequence: a new machine is its module in this room, its row, its table's file and one
migration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

from bot.domain.adoption import ADOPTION, Adoption
from bot.domain.alert import ALERT, Alert
from bot.domain.approval import APPROVAL, Approval
from bot.domain.breaker import BREAKER, Breaker
from bot.domain.connection import CONNECTION, Connection
from bot.domain.machine import Lifecycle
from bot.domain.message import MESSAGE, Message
from bot.domain.order import ORDER, Order, OrderChange
from bot.domain.position import POSITION, Position, PositionState
from bot.domain.quiet import QUIET, QuietTime
from bot.domain.report import REPORT, Report
from bot.domain.review import REVIEW, Review
from bot.domain.session import SESSION, Session
from bot.domain.signal import SIGNAL, Signal
from bot.domain.slowdown import SLOWDOWN, Slowdown
from bot.domain.strategy_switch import STRATEGY_SWITCH, StrategySwitch
from bot.domain.symbol_halt import SYMBOL_HALT, SymbolHalt


class Entity(Protocol):
    """A thing with a life: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> StrEnum: ...


E = TypeVar("E", bound=Entity)
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Kind(Generic[E]):
    """What is to be known of one kind of entity.

    `urgent`: a change of it is written at once, also when it is no transition. `position_of`: the id of the position
    that a change of it is about. `settle`: the change that brings its values into the form in which they are kept,
    before they are written. `enter`: what else changes when it comes into another state. `closing`: what each of its
    steps has beside its evidence.
    """

    entity: type[E]
    life: Lifecycle
    urgent: bool = False
    position_of: Callable[[E], str | None] = lambda _: None
    settle: Callable[[E], Any] = lambda _: None
    enter: Callable[[E, datetime], Any] = lambda _, __: None
    closing: Callable[[E], Mapping[str, Any]] = lambda _: _NOTHING

    @property
    def alive(self) -> frozenset[StrEnum]:
        """The states in which a start has to know of it, however old it is."""
        return frozenset(self.life.states) - self.life.terminal

    def is_alive(self, entity: E) -> bool:
        return entity.state not in self.life.terminal


def _closing_numbers(position: Position) -> Mapping[str, Any]:
    """What a trade came to, beside each step that closes it or changes it afterwards, so that the chain holds it."""
    if position.state is not PositionState.CLOSED:
        return _NOTHING
    return {"closing": position.closing_numbers()}


_ALL: Final[tuple[Kind[Any], ...]] = (
    Kind(Signal, SIGNAL),
    Kind(Position, POSITION, position_of=lambda p: p.id, settle=lambda p: p.rounded_sums(), closing=_closing_numbers),
    Kind(
        Order,
        ORDER,
        urgent=True,
        position_of=lambda o: o.position_id,
        enter=lambda _, now: OrderChange(state_since=now),
    ),
    Kind(Approval, APPROVAL),
    Kind(Session, SESSION),
    Kind(Connection, CONNECTION),
    Kind(Breaker, BREAKER),
    Kind(SymbolHalt, SYMBOL_HALT),
    Kind(Adoption, ADOPTION),
    Kind(Message, MESSAGE),
    Kind(StrategySwitch, STRATEGY_SWITCH),
    Kind(Slowdown, SLOWDOWN),
    Kind(Review, REVIEW),
    Kind(Alert, ALERT),
    Kind(QuietTime, QUIET),
    Kind(Report, REPORT),
)

KINDS: Final[Mapping[type[Entity], Kind[Any]]] = {kind.entity: kind for kind in _ALL}


def kind_of(entity: E) -> Kind[E]:
    """Return the row of an entity's kind; KeyError for what is none."""
    return KINDS[type(entity)]


class Entities:
    """Entities by kind and id, in the order in which they came: what a tick changed, what a start found, what is in
    memory."""

    def __init__(
        self, entities: Iterable[Entity] = (), table: Callable[[], dict[str, Entity]] = dict[str, "Entity"]
    ) -> None:
        self._by_kind: dict[type[Entity], dict[str, Entity]] = {}
        self._table = table  # makes what those of one kind are kept in
        for entity in entities:
            self.add(entity)

    def of(self, kind: type[E]) -> dict[str, E]:
        """Return those of one kind by id: the mapping itself, not a copy."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = self._table()
        return cast("dict[str, E]", found)

    def one(self, kind: type[E]) -> E | None:
        """Return the one of a kind of which there is only one; None: there is none yet."""
        return next(iter(self.of(kind).values()), None)

    def add(self, entity: Entity) -> None:
        self.of(type(entity))[entity.id] = entity

    def kinds(self) -> list[type[Entity]]:
        """Return the kinds of which there is any."""
        return [kind for kind, found in self._by_kind.items() if found]

    @property
    def are_urgent(self) -> bool:
        """Whether what changed must be on disk at once, transition or not."""
        return any(found and KINDS[kind].urgent for kind, found in self._by_kind.items())

    def __iter__(self) -> Iterator[Entity]:
        return chain.from_iterable(found.values() for found in self._by_kind.values())

    def __bool__(self) -> bool:
        return any(self._by_kind.values())
