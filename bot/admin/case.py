"""One update under way."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.admin.incoming import Incoming
from bot.domain.actors import Person
from bot.store.read.telegram import (
    UpdateMark,
)


@dataclass(frozen=True, slots=True)
class ChatCase:
    """One update under way: from whom, by which mark it is on record, and how old it may be."""

    incoming: Incoming
    person: Person
    mark: UpdateMark
    age_s: float
    closed: list[bool] = field(default_factory=list)  # once something durable came of it

    @property
    def actor(self) -> str:
        return self.mark.actor
