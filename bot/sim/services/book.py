"""The book: what each chat, channel, mailbox and webhook received, what people did there, and when.

It is the simulator's truth about people, as the venue's book is about orders: whoever wants to know whether an alert
arrived, once or twice, counts here. Times are both of the simulated clock and of the wall.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MOST_ENTRIES: Final = 1000
"""Entries of one place that are kept; its count goes on."""
_MOST_CALLS: Final = 2000
_MOST_PICTURES: Final = 40
_MINUTE: Final = 60.0
BOT: Final = "bot"


class Service(StrEnum):
    """What the book is written by; the word is the first part of a place's key."""

    TELEGRAM = "telegram"
    DISCORD = "discord"
    SMTP = "smtp"
    ANTHROPIC = "anthropic"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment: ISO time of the simulated clock, epoch seconds of the wall."""

    at: str
    wall: float


@dataclass(slots=True)
class Edit:
    """What an entry said before somebody changed it, and when it was changed."""

    before: str
    stamp: Stamp


@dataclass(slots=True)
class Press:
    """A button that somebody pressed: `answer` is what the bot answered the press with, None while it has not."""

    query_id: str
    person_id: int
    data: str
    stamp: Stamp
    answer: str | None = None


@dataclass(slots=True)
class Entry:
    """One message as it can be seen now. `buttons` are rows of (label, data); `extra` is the service's own."""

    id: int
    sender: str
    text: str
    stamp: Stamp
    title: str = ""
    buttons: list[list[tuple[str, str]]] = field(default_factory=list)
    reply_to: int | None = None
    picture: str = ""
    silent: bool = False
    deleted: bool = False
    edits: list[Edit] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ServicePlace:
    """A chat, channel, mailbox or webhook. `gone` is why nothing can be sent there, in the service's words; `moved_to`
    the id that a group has since it became a supergroup."""

    service: Service
    id: str
    name: str
    kind: str
    members: list[int] = field(default_factory=list)
    gone: str = ""
    moved_to: str = ""
    next_id: int = 1
    received: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.service}:{self.id}"

    def entry(self, entry_id: int) -> Entry | None:
        """Return a message that is still there."""
        return next((e for e in reversed(self.entries) if e.id == entry_id and not e.deleted), None)

    def from_bot(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.sender == BOT]

    def most_in_a_minute(self) -> int:
        """Return the largest count of messages of the bot within any sixty seconds of the wall."""
        return most_within(sorted(entry.stamp.wall for entry in self.from_bot()), _MINUTE)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached a service, with the fault that met it and how it was answered (0: not at all)."""

    service: Service
    method: str
    stamp: Stamp
    fault: str
    status: int


@dataclass(slots=True)
class ServicePerson:
    """Somebody with a phone; `blocked` says that the bot cannot write to them."""

    id: int
    name: str
    role: str = ""


class ServiceBook:
    """Places and people of all services, one writer: the event loop of the venue's process."""

    def __init__(self, now: Callable[[], datetime], wall: Callable[[], float]) -> None:
        self._now, self._wall = now, wall
        self.places: dict[str, ServicePlace] = {}
        self.people: dict[int, ServicePerson] = {}
        self.updates: list[dict[str, Any]] = []
        self.next_update_id = 1
        self.next_query_id = 1
        self.menus: dict[str, list[dict[str, str]]] = {}
        self.counts: Counter[str] = Counter()
        self.calls: deque[Call] = deque(maxlen=_MOST_CALLS)
        self.pictures: dict[str, bytes] = {}
        self.listeners: list[Callable[[], None]] = []
        self.changes = 0

    def stamp(self) -> Stamp:
        return Stamp(self._now().isoformat(timespec="milliseconds"), round(self._wall(), 3))

    def changed(self) -> None:
        """Say to whoever listens that the book is another one."""
        self.changes += 1
        for listener in self.listeners:
            listener()

    # ---- people and places

    def person(self, person_id: int, name: str = "", role: str = "") -> ServicePerson:
        """Return somebody, who is known from now on."""
        found = self.people.get(person_id)
        if found is None:
            found = self.people[person_id] = ServicePerson(person_id, name or f"person {person_id}", role)
            self.changed()
        return found

    def place(self, service: Service, place_id: str, *, name: str = "", kind: str = "") -> ServicePlace:
        """Return a place, which exists from now on."""
        key = f"{service}:{place_id}"
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = ServicePlace(service, place_id, name or place_id, kind)
            self.changed()
        return found

    def of(self, service: Service) -> list[ServicePlace]:
        return [place for place in self.places.values() if place.service is service]

    # ---- what is received

    def store(self, place: ServicePlace, text: str, sender: str = BOT, **more: Any) -> Entry:
        """Write down a message; `more` are fields of `Entry`."""
        entry = Entry(place.next_id, sender, text, self.stamp(), **more)
        place.next_id += 1
        place.received += 1
        place.entries.append(entry)
        del place.entries[:-MOST_ENTRIES]
        self.changed()
        return entry

    def edit(self, entry: Entry, text: str, buttons: list[list[tuple[str, str]]] | None = None) -> None:
        """Change a message; None leaves its buttons as they are."""
        entry.edits.append(Edit(entry.text, self.stamp()))
        entry.text = text
        if buttons is not None:
            entry.buttons = buttons
        self.changed()

    def keep_picture(self, name: str, content: bytes) -> str:
        """Keep a picture for the inbox, the newest only; it is not written to disk."""
        key = f"{len(self.pictures) + self.changes}-{name}"
        self.pictures[key] = content
        while len(self.pictures) > _MOST_PICTURES:
            del self.pictures[next(iter(self.pictures))]
        return key

    def count(self, service: Service, method: str, fault: str, status: int) -> None:
        """Write down a request."""
        self.counts[f"{service}.{method}"] += 1
        self.calls.append(Call(service, method, self.stamp(), fault, status))

    # ---- on disk

    def snapshot(self) -> dict[str, Any]:
        """Return what a start needs to go on: JSON without the pictures and the calls."""
        return {
            "places": [asdict(place) for place in self.places.values()],
            "people": [asdict(person) for person in self.people.values()],
            "updates": self.updates,
            "next_update_id": self.next_update_id,
            "next_query_id": self.next_query_id,
            "menus": self.menus,
            "counts": dict(self.counts),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take up a snapshot; raises KeyError, TypeError or ValueError where it is none."""
        places = {place.key: place for place in map(_place, data["places"])}
        people = {each["id"]: ServicePerson(**each) for each in data["people"]}
        self.updates = list(data["updates"])
        self.next_update_id, self.next_query_id = int(data["next_update_id"]), int(data["next_query_id"])
        self.menus, self.counts = dict(data["menus"]), Counter(data["counts"])
        self.places, self.people = places, people

    # ---- questions of tests and campaigns

    def texts(self, key: str) -> list[str]:
        """Return what the bot's messages in a place say now, oldest first."""
        return [entry.text for entry in self.places[key].from_bot() if not entry.deleted] if key in self.places else []

    def doubled(self) -> Iterator[tuple[str, str]]:
        """Yield place and text of each message of the bot that can be seen twice."""
        for place in self.places.values():
            seen = Counter((e.title, e.text) for e in place.from_bot() if not e.deleted)
            yield from ((place.key, text or title) for (title, text), times in seen.items() if times > 1)


def most_within(moments: list[float], seconds: float) -> int:
    """Return how many of the sorted moments lie within any span of so many seconds, its end left out."""
    most = begin = 0
    for index, moment in enumerate(moments):
        while moment - moments[begin] >= seconds:
            begin += 1
        most = max(most, index - begin + 1)
    return most


def _place(data: dict[str, Any]) -> ServicePlace:
    entries = [_entry(each) for each in data.pop("entries")]
    return ServicePlace(**{**data, "service": Service(data["service"])}, entries=entries)


def _entry(data: dict[str, Any]) -> Entry:
    data["stamp"] = Stamp(**data["stamp"])
    data["edits"] = [Edit(each["before"], Stamp(**each["stamp"])) for each in data["edits"]]
    data["presses"] = [Press(**{**each, "stamp": Stamp(**each["stamp"])}) for each in data["presses"]]
    data["buttons"] = [[(label, word) for label, word in row] for row in data["buttons"]]
    return Entry(**data)
