"""What is to be said, before it is known to whom in particular: one draft makes one message for each target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.domain.actors import PERSONS, Role
from bot.domain.message import ADMIN

ANYBODY: Final = PERSONS
APPROVERS: Final = frozenset({Role.OWNER, Role.OPERATOR, Role.APPROVER})
OPERATORS: Final = frozenset({Role.OWNER, Role.OPERATOR})
OWNERS: Final = frozenset({Role.OWNER})


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing to say.

    `key` names it: with tier, channel and target it is the message's dedupe key, so that it is said once to each.
    `channels`: None for every one that is there; `roles`: of persons, who hears it; `only`: names of targets, empty
    for all. `edits` and `answers` are the key of what was said before: an edit replaces that text (where the channel
    cannot, or it never arrived, it is said anew, or with `only_edits` not at all), an answer stands below it.
    `due_at`: None for now.
    """

    key: str
    kind: str
    body: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] | None = None
    roles: frozenset[Role] = ANYBODY
    only: tuple[str, ...] = ()
    tier: str = ADMIN
    due_at: datetime | None = None
    edits: str = ""
    answers: str = ""
    only_edits: bool = False
    signal_id: str | None = None
    position_id: str | None = None
