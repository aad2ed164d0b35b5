"""One machine object a kind, many models: the table of a lifecycle and the `transitions` machine that runs it.

Context: `transitions` builds its callbacks per model, which costs about a millisecond each. Decision: one `Machine`
without models for each kind; `fire` hands it any object with `id` and `state`. Consequence: a thousand live positions
cost a thousand small dataclasses, and there is one place where a state is assigned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from transitions import Machine, MachineError

from bot.domain.errors import IllegalTransition


class Model(Protocol):
    """What a lifecycle needs of the thing that lives."""

    @property
    def id(self) -> str: ...


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
    _machine: Machine = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "_machine", machine)

    @property
    def initial(self) -> StrEnum:
        return next(iter(self.states))

    def allows(self, state: StrEnum, trigger: StrEnum) -> bool:
        return (state, trigger) in self.table

    def fire(self, model: Any, trigger: StrEnum) -> tuple[StrEnum, StrEnum]:
        """Move `model.state` by one trigger and return (from, to); raises IllegalTransition and changes nothing
        otherwise."""
        before: StrEnum = model.state
        event = self._machine.events.get(trigger.value)
        if event is None:
            raise IllegalTransition(self.name, model.id, before, trigger)
        try:
            event.trigger(model)
        except MachineError as error:
            raise IllegalTransition(self.name, model.id, before, trigger) from error
        return before, model.state
