"""Who may ask the bot for something: roles, the people of a mode, and the actor of a request.

An actor is a text of the audit trail (`cli`, `admin:web:<user>`, ...). It is parsed once into role and name; a shape
that nobody knows is a viewer, who may ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    OWNER = "owner"
    OPERATOR = "operator"
    APPROVER = "approver"
    VIEWER = "viewer"
    OVERSEER = "overseer"
    RULES = "rules"
    BROKER = "broker"
    SIGNAL = "signal"  # of the operating system


PERSONS: Final = frozenset({Role.OWNER, Role.OPERATOR, Role.APPROVER, Role.VIEWER})
"""The roles that a person can be given."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `text` is the form of the audit trail, `name` the person or process within its role."""

    role: Role
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of `people.users`: known by the name in every channel, at Telegram by a numeric id (None: not there)."""

    name: str
    role: Role
    telegram_id: int | None = None

    @property
    def login_variable(self) -> str:
        """The environment variable with this person's login token of the page."""
        return LOGIN_VARIABLE + re.sub(r"[^A-Z0-9]", "_", self.name.upper())


UNTOLD_ID: Final = 0
"""Instead of the id of somebody who is at Telegram, in a process that has no use for the number; nobody's id."""
LOGIN_VARIABLE: Final = "WEB_LOGIN_TOKEN_"
UNNAMED: Final = "operator"
"""Who logged in at the page by the token that names nobody."""
SIM_PEOPLE: Final = tuple(
    Person(role.value, role, telegram_id)
    for telegram_id, role in enumerate((Role.OWNER, Role.OPERATOR, Role.APPROVER, Role.VIEWER), 1001)
)
"""Who is known in sim beside `people.users`: one person of each role, in the simulator's inbox by these ids."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is known, and by which role. `unnamed` is whoever logged in at the page by the token that names nobody,
    `elsewise` whoever logged in there by a name that is on no list any more (in sim the owner, else a viewer)."""

    people: Mapping[str, Person] = field(default_factory=dict)
    unnamed: Role = Role.OWNER
    elsewise: Role = Role.VIEWER

    @classmethod
    def of(cls, people: Iterable[Person], *, unnamed: Role = Role.OWNER, sim: bool = False) -> Roster:
        """Return the roster of a mode; in sim whoever is on no list sits before the simulator, and is the owner."""
        known = {person.name: person for person in people}
        if not sim:
            return cls(known, unnamed, Role.VIEWER)
        ids = {person.telegram_id for person in known.values()}
        known = {person.name: person for person in SIM_PEOPLE if person.telegram_id not in ids} | known
        return cls(known, Role.OWNER, Role.OWNER)

    def at_page(self, name: str) -> Role:
        """Return the role of a login at the page."""
        if name == UNNAMED:
            return self.unnamed
        person = self.people.get(name)
        return self.elsewise if person is None else person.role

    def at_telegram(self, telegram_id: int) -> Person | None:
        """Return who has this id at Telegram; None is a stranger. A chat's id is nobody's."""
        return next((p for p in self.people.values() if p.telegram_id == telegram_id), None)


_BY_SHAPE: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "tick": Role.RULES,
        "broker": Role.BROKER,
        "reconcile": Role.BROKER,
        "overseer": Role.OVERSEER,
        "signal": Role.SIGNAL,
        "cli": Role.OWNER,  # whoever may run commands on this machine may read and change the store
    }
)
_PERSON: Final = re.compile(r"admin:(web|telegram):([A-Za-z0-9][A-Za-z0-9._@-]{0,63})", re.ASCII)


def actor_of(text: str, roster: Roster) -> Actor:
    """Parse an actor's text; an unknown shape, or a person who is not on the roster, is a viewer."""
    if text in _BY_SHAPE:
        return Actor(_BY_SHAPE[text], text, text)
    person = _PERSON.fullmatch(text)
    if person is None:
        return Actor(Role.VIEWER, text, text)
    channel, name = person.groups()
    if channel == "web":
        return Actor(roster.at_page(name), name, text)
    known = roster.people.get(name)
    at_telegram = known is not None and known.telegram_id is not None
    return Actor(known.role if known is not None and at_telegram else Role.VIEWER, name, text)
