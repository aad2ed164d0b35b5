"""One machine object a kind, many models: the table of a lifecycle and the `transitions` machine that runs it.

Context: `transitions` builds its callbacks per model, which costs about a millisecond each, and goes through hooks that
nobody has hung in with each trigger. Decision: one `Machine` without models for each kind, which is asked once, at the
beginning, where each of its triggers leads from each state; `fire` goes by its answers. Consequence: a thousand live
positions cost a thousand small dataclasses, a transition costs a look into a table, and there is one place where a
state is assigned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, dataclass_transform

from transitions import Machine

from bot.domain.errors import IllegalTransition

REFUSED: Final = "refused:"
"""How the record writes a trigger that the table does not allow: nothing changed."""


def as_refused(trigger: str) -> str:
    """Return what the record writes for a trigger that was not allowed."""
    return f"{REFUSED}{trigger}"


def refused_trigger(written: str) -> str | None:
    """Return the trigger that was not allowed, from what the record has; None where it was allowed."""
    return written.removeprefix(REFUSED) if written.startswith(REFUSED) else None


class Model(Protocol):
    """What a lifecycle needs of the thing that lives."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=StrEnum)
C = TypeVar("C")
_Class = TypeVar("_Class")


class Living(Generic[T, C]):
    """What has a lifecycle: `T` are its triggers, `C` is the typed mapping of what may change of it after its birth.

    Its fields are read-only to the type checker; the ledger's `change` alone writes them.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    id: str
    state: StrEnum


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def living(entity: type[_Class]) -> type[_Class]:
    """Make a dataclass with slots of a `Living` one. The type checker takes it for frozen: whoever assigns to a field
    outside the one door is told so."""
    return dataclass(slots=True)(entity)


Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]

CREATED = "created"
"""The trigger of the first row of an entity: from and to are both the initial state."""


@dataclass(frozen=True)
class Lifecycle:
    """A kind's states, triggers and table; the first state is the initial one.

    `notes` say what each state promises; `terminal` are the states that no decision of ours leaves (late evidence from
    the broker may: the fill that raced a cancel is a row of the table).
    """

    name: str
    states: type[StrEnum]
    triggers: type[StrEnum]
    table: Table
    terminal: frozenset[StrEnum]
    notes: Mapping[StrEnum, str]
    _moves: Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = [{"trigger": t.value, "source": s, "dest": d} for (s, t), d in self.table.items()]
        machine = Machine(
            model=None,
            states=self.states,
            transitions=rows,
            initial=self.initial,
            auto_transitions=False,
            name=self.name,
        )
        object.__setattr__(self, "_moves", _moves_of(machine, self.states, self.triggers))

    @property
    def initial(self) -> StrEnum:
        return next(iter(self.states))

    def allows(self, state: StrEnum, trigger: StrEnum) -> bool:
        return (state, trigger) in self.table

    def fire(self, model: Any, trigger: StrEnum) -> tuple[StrEnum, StrEnum]:
        """Move `model.state` by one trigger and return (from, to); raises IllegalTransition and changes nothing
        otherwise."""
        before: StrEnum = model.state
        after = self._moves.get((before, trigger))
        if after is None:
            raise IllegalTransition(self.name, model.id, before, trigger)
        model.state = after
        return before, after


def _moves_of(machine: Machine, states: type[StrEnum], triggers: type[StrEnum]) -> Table:
    """Return where each trigger of a machine leads from each state. Its rows have no conditions and no hooks: that is
    all it would do."""
    named, moves = {state.name: state for state in states}, dict[tuple[StrEnum, StrEnum], StrEnum]()
    for trigger in triggers:
        event = machine.events.get(trigger.value)
        for source, rows in event.transitions.items() if event is not None else ():
            moves[named[source], trigger] = named[str(rows[0].dest)]
    return moves
