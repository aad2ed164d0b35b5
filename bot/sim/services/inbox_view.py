"""What the inbox shows: places, messages and times as plain values for its templates."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.sim.services.book import BOT, Entry, Press, Service, ServiceBook, ServicePerson, ServicePlace, Stamp

NEWEST: Final = 50
_NEW_YORK: Final = ZoneInfo("America/New_York")
_TAGS: Final = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code", "pre": "code",
    "blockquote": "q",
}  # fmt: skip
TABS: Final = (
    (Service.TELEGRAM, "Telegram"),
    (Service.DISCORD, "Discord"),
    (Service.SMTP, "Mail"),
    (Service.RECEIVER, "Webhooks"),
    (Service.ANTHROPIC, "Model"),
)
_EMPTY: Final = {
    Service.TELEGRAM: "Nothing yet. Type /help to see what this person may ask.",
    Service.DISCORD: "Nothing yet. Alerts of level WARNING and above come here.",
    Service.SMTP: "Nothing yet. Critical alerts come here.",
    Service.RECEIVER: "Nothing yet. Deliveries of signed webhooks come here.",
    Service.ANTHROPIC: "Nothing yet. What the model is asked, and what it answers, stands here.",
}


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """Where somebody looks: the service's tab, as which person, which message is answered."""

    service: Service
    person: ServicePerson
    reply_chat: str = ""
    reply_to: int = 0


def people_of(book: ServiceBook) -> list[ServicePerson]:
    return list(book.people.values())


def place_views(book: ServiceBook, seen: SeenMessage) -> list[dict[str, Any]]:
    """Return what stands in each place of a service; at Telegram the person's own chat is first, empty or not."""
    places = [place for place in book.of(seen.service) if place.entries or (place.kind == "group" and place.members)]
    if seen.service is Service.TELEGRAM:
        own = book.places.get(f"{seen.service}:{seen.person.id}")
        if own is None:
            own = ServicePlace(seen.service, str(seen.person.id), seen.person.name, "private", [seen.person.id])
        places = [own, *(place for place in places if place.key != own.key)]
    return [_place(book, place, seen) for place in places]


def tab_views(book: ServiceBook, shown: str) -> list[dict[str, Any]]:
    """Return the tabs with how many messages each service has received."""
    tabs = [
        {"word": service.value, "label": label, "count": sum(place.received for place in book.of(service))}
        for service, label in TABS
    ]
    return [{**tab, "current": tab["word"] == shown} for tab in tabs]


def nothing_yet(service: Service) -> str:
    return _EMPTY[service]


def _place(book: ServiceBook, place: ServicePlace, seen: SeenMessage) -> dict[str, Any]:
    newest = place.entries[-NEWEST:]
    speaker = seen.person
    if place.kind == "private" and place.id.lstrip("-").isdigit():
        speaker = book.people.get(int(place.id), seen.person)
    replies = place.entry(seen.reply_to) if seen.reply_to and seen.reply_chat == place.id else None
    return {
        "key": place.key,
        "id": place.id,
        "name": place.name,
        "what": _what(place),
        "gone": place.gone,
        "speaks": place.service is Service.TELEGRAM and not place.moved_to,
        "speaker": speaker,
        "earlier": place.received - len(newest),
        "messages": [_message(book, place, entry) for entry in newest],
        "reply": {"id": replies.id, "text": _first_line(replies)} if replies else None,
    }


def _what(place: ServicePlace) -> str:
    kinds = {"mailbox": "mailbox", "webhook": "webhook", "channel": "channel", "thread": "thread", "model": "prompts"}
    members = f"{len(place.members)} members" if len(place.members) > 1 else ""
    return ", ".join(each for each in (kinds.get(place.kind, f"{place.kind} chat"), members) if each)


def _pressed(book: ServiceBook, entry: Entry, press: Press) -> str:
    labels = (label for row in entry.buttons for label, data in row if data == press.data)
    name = book.person(press.person_id).name
    answer = "not answered yet" if press.answer is None else press.answer or "answered"
    return f"{name} pressed {next(labels, 'a button')}: {answer}"


def _message(book: ServiceBook, place: ServicePlace, entry: Entry) -> dict[str, Any]:
    parent = place.entry(entry.reply_to) if entry.reply_to is not None else None
    return {
        "id": entry.id,
        "mine": entry.sender != BOT,
        "sender": entry.sender,
        "title": entry.title,
        "html": rendered(entry.text, entry.extra.get("entities") or ()),
        "quote": _first_line(parent) if parent else "",
        "picture": entry.picture,
        "file": entry.extra.get("file", ""),
        "deleted": entry.deleted,
        "buttons": [] if entry.deleted else entry.buttons,
        "pressed": [_pressed(book, entry, each) for each in entry.presses],
        "reactions": [emoji for emoji in entry.reactions.values() if emoji],
        "edited": clock_of(entry.edits[-1].stamp) if entry.edits else None,
        "edits": len(entry.edits),
        "silent": entry.silent,
        "answer": _answer(entry),
        "headers": list((entry.extra.get("headers") or {}).items()),
        "signed": entry.extra.get("signed", ""),
        "at": clock_of(entry.stamp),
    }


def _answer(entry: Entry) -> str:
    blocks = entry.extra.get("answer") or []
    return "\n".join(str(block.get("text") or block.get("thinking") or "") for block in blocks)


def _first_line(entry: Entry | None) -> str:
    text = entry.text.strip() if entry is not None else ""
    return text.splitlines()[0][:120] if text else ""


def clock_of(stamp: Stamp) -> dict[str, str]:
    """Return both times of a moment: New York's of the simulated day, and the wall's."""
    at = datetime.fromisoformat(stamp.at)
    wall = datetime.fromtimestamp(stamp.wall).astimezone()
    return {"at": f"{at.astimezone(_NEW_YORK):%H:%M:%S}", "iso": stamp.at, "wall": f"{wall:%H:%M:%S}"}


def rendered(text: str, entities: Iterable[Mapping[str, Any]]) -> str:
    """Return a text as HTML, everything in it escaped and only its entities as tags. Offsets are UTF-16 units; one
    that cuts another in two is left out."""
    units = text.encode("utf-16-le")
    marks: list[tuple[int, int, str]] = []
    kept: list[tuple[int, int, str]] = []
    known = ((int(e["offset"]), int(e["length"]), _TAGS.get(str(e["type"]))) for e in entities)
    for begin, length, tag in sorted(known, key=lambda each: (each[0], -each[1])):
        end = min(begin + length, len(units) // 2)
        if tag and begin < end and not any(b < begin < e < end for b, e, _ in kept):
            kept.append((begin, end, tag))
    for order, (begin, end, tag) in enumerate(kept):
        marks += [(begin, order + 1, f"<{tag}>"), (end, -order - 1, f"</{tag}>")]
    out, at = [], 0
    for where, _, mark in sorted(marks):
        out += [html.escape(units[2 * at : 2 * where].decode("utf-16-le", "replace")), mark]
        at = where
    return "".join([*out, html.escape(units[2 * at :].decode("utf-16-le", "replace"))])
