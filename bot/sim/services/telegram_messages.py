"""Messages at the simulated Bot API: sent, edited, deleted, answered and reacted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sim.services.book import Entry, Service, ServiceBook, ServicePlace
from bot.sim.services.telegram_fields import TelegramRefused, buttons_of, json_of, whole
from bot.sim.services.telegram_people import TelegramPeople
from bot.sim.services.telegram_text import CannotParse, Seen, seen, units
from bot.sim.services.web_service import ServiceRequest

MOST_TEXT, MOST_CAPTION, MOST_ANSWER = 4096, 1024, 200


def open_chat(people: TelegramPeople, request: ServiceRequest) -> ServicePlace:
    """Return the chat of a request; raises TelegramRefused where nothing can be sent there."""
    try:
        chat_id = int(str(request.fields.get("chat_id", "")))
    except ValueError:
        raise TelegramRefused(400, "Bad Request: chat not found") from None
    if chat_id == 0:
        raise TelegramRefused(400, "Bad Request: chat not found")
    place = people.chat(chat_id)
    if place.moved_to:
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        raise TelegramRefused(400, moved, migrate_to_chat_id=int(place.moved_to))
    if place.gone:
        raise TelegramRefused(403, place.gone)
    return place


class TelegramMessages:
    """What a bot says in its chats."""

    def __init__(self, book: ServiceBook, people: TelegramPeople) -> None:
        self.book, self.people = book, people

    async def send_message(self, request: ServiceRequest) -> dict[str, Any]:
        place = open_chat(self.people, request)
        text = self._words(request, "text", MOST_TEXT)
        return self._posted(place, text, request)

    async def send_photo(self, request: ServiceRequest) -> dict[str, Any]:
        return self._send_file(request, "photo")

    async def send_document(self, request: ServiceRequest) -> dict[str, Any]:
        return self._send_file(request, "document")

    def _send_file(self, request: ServiceRequest, kind: str) -> dict[str, Any]:
        place = open_chat(self.people, request)
        given = request.files.get(kind) or next(iter(request.files.values()), None)
        if given is None:
            raise TelegramRefused(400, f"Bad Request: there is no {kind} in the request")
        name, content = given
        caption = self._words(request, "caption", MOST_CAPTION)
        picture = self.book.keep_picture(name, content) if kind == "photo" else ""
        more = {"file": name, "size": len(content), "kind": kind}
        return self._posted(place, caption, request, picture=picture, more=more)

    def _posted(
        self,
        place: ServicePlace,
        text: Seen,
        request: ServiceRequest,
        *,
        picture: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        fields = request.fields
        entry = self.book.store(
            place,
            text.text,
            buttons=buttons_of(fields.get("reply_markup")),
            reply_to=self._parent(place, fields),
            picture=picture,
            silent=fields.get("disable_notification") in {"true", True},
            extra={"entities": text.entities, **(more or {})},
        )
        return self.people.message(place, entry)

    async def edit_message_text(self, request: ServiceRequest) -> dict[str, Any]:
        return self._edit(request, self._words(request, "text", MOST_TEXT))

    async def edit_message_caption(self, request: ServiceRequest) -> dict[str, Any]:
        return self._edit(request, self._words(request, "caption", MOST_CAPTION))

    async def edit_message_reply_markup(self, request: ServiceRequest) -> dict[str, Any]:
        return self._edit(request, None)

    def _edit(self, request: ServiceRequest, text: Seen | None) -> dict[str, Any]:
        place, entry = self._entry(request, "edit")
        buttons = buttons_of(request.fields.get("reply_markup"))
        words = entry.text if text is None else text.text
        if (words, buttons) == (entry.text, entry.buttons):
            raise TelegramRefused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
            )
        self.book.edit(entry, words, buttons)
        entry.extra["entities"] = text.entities if text is not None else entry.extra.get("entities", [])
        return self.people.message(place, entry)

    async def delete_message(self, request: ServiceRequest) -> bool:
        _, entry = self._entry(request, "delete")
        entry.deleted = True
        self.book.changed()
        return True

    async def answer_callback_query(self, request: ServiceRequest) -> bool:
        wanted, text = str(request.fields.get("callback_query_id", "")), str(request.fields.get("text", ""))
        if units(text) > MOST_ANSWER:
            raise TelegramRefused(400, "Bad Request: MESSAGE_TOO_LONG")
        for place in self.book.of(Service.TELEGRAM):
            for entry in reversed(place.entries):
                for press in entry.presses:
                    if press.query_id == wanted:
                        press.answer = text
                        self.book.changed()
                        return True
        raise TelegramRefused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

    async def set_message_reaction(self, request: ServiceRequest) -> bool:
        _, entry = self._entry(request, "react to")
        reactions = json_of(request.fields.get("reaction")) or []
        entry.reactions["bot"] = reactions[0]["emoji"] if reactions else ""
        self.book.changed()
        return True

    def _entry(self, request: ServiceRequest, what: str) -> tuple[ServicePlace, Entry]:
        place = open_chat(self.people, request)
        entry = place.entry(whole(request.fields.get("message_id"), 0))
        if entry is None:
            raise TelegramRefused(400, f"Bad Request: message to {what} not found")
        return place, entry

    def _words(self, request: ServiceRequest, name: str, most: int) -> Seen:
        fields = request.fields
        try:
            text = seen(str(fields.get(name, "")), str(fields.get("parse_mode", "")))
        except CannotParse as error:
            raise TelegramRefused(400, f"Bad Request: can't parse entities: {error}") from error
        if name == "text" and not text.text.strip():
            raise TelegramRefused(400, "Bad Request: message text is empty")
        if units(text.text) > most:
            raise TelegramRefused(400, f"Bad Request: {'message' if name == 'text' else 'message caption'} is too long")
        if not text.entities and (given := json_of(fields.get("entities"))):
            text.entities = given
        return text

    @staticmethod
    def _parent(place: ServicePlace, fields: Mapping[str, Any]) -> int | None:
        asked = json_of(fields.get("reply_parameters")) or {}
        wanted = asked.get("message_id") or whole(fields.get("reply_to_message_id"), 0)
        if not wanted:
            return None
        if place.entry(int(wanted)) is None:
            if asked.get("allow_sending_without_reply"):
                return None
            raise TelegramRefused(400, "Bad Request: message to be replied not found")
        return int(wanted)
