"""People at the simulated Telegram: each thing that somebody does becomes an update that the bot's poll will bring."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bot.sim.services.book import BOT, Entry, Press, Service, ServiceBook, ServicePerson, ServicePlace

BOT_ID: Final = 1000000001
BOT_USER: Final = {"id": BOT_ID, "is_bot": True, "first_name": "Quanticity", "username": "quanticity_sim_bot"}
BLOCKED: Final = "Forbidden: bot was blocked by the user"
KICKED: Final = "Forbidden: bot was kicked from the group chat"
_SUPERGROUP: Final = 1_000_000_000_000


class TelegramPeople:
    """What somebody with a phone can do. Updates wait in the book until a poll has confirmed them."""

    def __init__(self, book: ServiceBook) -> None:
        self.book = book

    # ---- where people are

    def chat(self, chat_id: int) -> ServicePlace:
        """Return a chat, which exists from now on: a private one under the person's own id, a group below zero."""
        if chat_id > 0:
            person = self.book.person(chat_id)
            place = self.book.place(Service.TELEGRAM, str(chat_id), name=person.name, kind="private")
            place.members = place.members or [chat_id]
            return place
        kind = "supergroup" if chat_id < -_SUPERGROUP else "group"
        return self.book.place(Service.TELEGRAM, str(chat_id), name=f"group {chat_id}", kind=kind)

    def join(self, place: ServicePlace, person: ServicePerson) -> None:
        if person.id not in place.members:
            place.members.append(person.id)
            self.book.changed()

    # ---- what people do

    def say(self, person: ServicePerson, chat_id: int, text: str, *, reply_to: int | None = None) -> Entry:
        """Write into a chat, as an answer to one of its messages or as such."""
        place = self.chat(chat_id)
        self.join(place, person)
        entry = self.book.store(place, text, person.name, reply_to=reply_to, extra={"from": person.id})
        self._bring("message", self.message(place, entry))
        return entry

    def press(self, person: ServicePerson, chat_id: int, message_id: int, data: str) -> Press:
        """Press a button; raises LookupError when the message has none like it."""
        place = self.chat(chat_id)
        entry = place.entry(message_id)
        if entry is None or all(data != word for row in entry.buttons for _, word in row):
            raise LookupError(f"message {message_id} of chat {chat_id} has no such button")
        pressed = Press(str(self.book.next_query_id), person.id, data, self.book.stamp())
        self.book.next_query_id += 1
        entry.presses.append(pressed)
        self._bring(
            "callback_query",
            {
                "id": pressed.query_id,
                "from": user(person),
                "chat_instance": place.id,
                "data": data,
                "message": self.message(place, entry),
            },
        )
        return pressed

    def react(self, person: ServicePerson, chat_id: int, message_id: int, emoji: str) -> None:
        """Put an emoji under a message; raises LookupError when it is not there."""
        place = self.chat(chat_id)
        entry = place.entry(message_id)
        if entry is None:
            raise LookupError(f"chat {chat_id} has no message {message_id}")
        before = entry.reactions.get(person.name)
        entry.reactions[person.name] = emoji
        self._bring(
            "message_reaction",
            {
                "chat": chat_of(place),
                "message_id": message_id,
                "user": user(person),
                "date": self._now(),
                "old_reaction": [{"type": "emoji", "emoji": before}] if before else [],
                "new_reaction": [{"type": "emoji", "emoji": emoji}],
            },
        )

    def block(self, person: ServicePerson) -> None:
        """Block the bot: nothing more can be sent to the private chat."""
        self._membership(self.chat(person.id), person, "member", "kicked", BLOCKED)

    def unblock(self, person: ServicePerson) -> None:
        self._membership(self.chat(person.id), person, "kicked", "member", "")

    def kick(self, person: ServicePerson, chat_id: int) -> None:
        """Throw the bot out of a group."""
        self._membership(self.chat(chat_id), person, "member", "kicked", KICKED)

    def leave(self, person: ServicePerson, chat_id: int) -> None:
        """Leave a group oneself."""
        place = self.chat(chat_id)
        if person.id in place.members:
            place.members.remove(person.id)
        entry = self.book.store(place, f"{person.name} left", person.name, extra={"from": person.id, "service": True})
        self._bring("message", self.message(place, entry) | {"left_chat_member": user(person)})

    def migrate(self, chat_id: int) -> ServicePlace:
        """Make a supergroup of a group: it has another id from now on, and the old one says so."""
        old = self.chat(chat_id)
        new = self.chat(chat_id - _SUPERGROUP)
        new.name, new.members, old.moved_to = old.name, list(old.members), new.id
        entry = self.book.store(old, f"the group is now {new.id}", old.name, extra={"service": True})
        self._bring("message", self.message(old, entry) | {"migrate_to_chat_id": int(new.id)})
        return new

    def raw(self, update: dict[str, Any]) -> None:
        """Queue an update of any form: what a client cannot parse, or has seen before."""
        self.book.updates.append({"update_id": self.book.next_update_id, **update})
        self.book.next_update_id += 1
        self.book.changed()

    # ---- what the server makes of it

    def message(self, place: ServicePlace, entry: Entry) -> dict[str, Any]:
        """Return a message as the Bot API shows it."""
        sender = BOT_USER if entry.sender == BOT else self._sender(entry)
        shown: dict[str, Any] = {
            "message_id": entry.id,
            "date": _epoch(entry.stamp.wall),
            "chat": chat_of(place),
            **({"from": sender} if sender else {}),
        }
        words = "caption" if entry.extra.get("file") else "text"
        if entry.text and not entry.extra.get("service"):
            shown[words] = entry.text
        if entities := entry.extra.get("entities") or _command(entry.text):
            shown["entities" if words == "text" else "caption_entities"] = entities
        if entry.edits:
            shown["edit_date"] = _epoch(entry.edits[-1].stamp.wall)
        if entry.buttons:
            rows = [[{"text": label, "callback_data": data} for label, data in row] for row in entry.buttons]
            shown["reply_markup"] = {"inline_keyboard": rows}
        if entry.reply_to is not None and (parent := place.entry(entry.reply_to)) is not None:
            shown["reply_to_message"] = self.message(place, parent)
        return shown | _media(entry)

    def _sender(self, entry: Entry) -> dict[str, Any] | None:
        person = self.book.people.get(int(entry.extra.get("from", 0)))
        return user(person) if person else None

    def _membership(self, place: ServicePlace, person: ServicePerson, before: str, after: str, gone: str) -> None:
        place.gone = gone
        self._bring(
            "my_chat_member",
            {
                "chat": chat_of(place),
                "from": user(person),
                "date": self._now(),
                "old_chat_member": _member(before),
                "new_chat_member": _member(after),
            },
        )

    def _bring(self, kind: str, content: dict[str, Any]) -> None:
        self.raw({kind: content})

    def _now(self) -> int:
        return _epoch(self.book.stamp().wall)


def user(person: ServicePerson) -> dict[str, Any]:
    return {
        "id": person.id,
        "is_bot": False,
        "first_name": person.name,
        "username": person.name.replace(" ", "_"),
        "language_code": "en",
    }


def chat_of(place: ServicePlace) -> dict[str, Any]:
    named = {"first_name": place.name} if place.kind == "private" else {"title": place.name}
    return {"id": int(place.id), "type": place.kind, **named}


def moment(wall: float) -> datetime:
    """Return a wall moment in the machine's zone, for people who look at the inbox."""
    return datetime.fromtimestamp(wall).astimezone()


def _member(status: str) -> dict[str, Any]:
    return {"user": BOT_USER, "status": status, **({"until_date": 0} if status == "kicked" else {})}


def _command(text: str) -> list[dict[str, Any]]:
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return [{"type": "bot_command", "offset": 0, "length": len(first)}] if text.startswith("/") else []


def _media(entry: Entry) -> dict[str, Any]:
    name = entry.extra.get("file")
    if not name:
        return {}
    file = {"file_id": f"file-{entry.id}", "file_unique_id": f"f{entry.id}", "file_size": entry.extra.get("size", 0)}
    if entry.extra.get("kind") == "photo":
        return {"photo": [{**file, "width": 800, "height": 450}]}
    return {"document": {**file, "file_name": name}}


def _epoch(wall: float) -> int:
    return int(wall)
