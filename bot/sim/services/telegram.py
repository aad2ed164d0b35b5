"""The Bot API on loopback: methods, long poll and refusals, as python-telegram-bot meets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Entry, Service, ServiceBook, ServicePlace
from bot.sim.services.faults import UPDATES, Bend, FaultBoard, ServiceFault
from bot.sim.services.telegram_people import BOT_USER, TelegramPeople, chat_of, user
from bot.sim.services.telegram_text import CannotParse, Seen, seen, units
from bot.sim.services.web_service import ServiceAnswer, ServiceRequest, WebService

MOST_TEXT, MOST_CAPTION, MOST_DATA, MOST_ANSWER = 4096, 1024, 64, 200
_LONGEST_POLL_S: Final = 50.0
_AN_HOUR: Final = 3600
_MOST_UPDATES: Final = 100
_CONFLICT: Final = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_DEFAULT_UPDATES: Final = frozenset({"message", "edited_message", "callback_query", "my_chat_member"})
"""What comes when a poll names nothing: reactions and members of others only when asked for."""


class TelegramRefused(Exception):
    """A request that the server answers with an error; the text is the description."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters

    def answer(self) -> ServiceAnswer:
        more = {"parameters": self.parameters} if self.parameters else {}
        return ServiceAnswer(
            self.status, {"ok": False, "error_code": self.status, "description": self.description, **more}
        )


class TelegramService(WebService):
    """One bot's API. `tokens` are those it knows; none: any that is not empty."""

    service = Service.TELEGRAM

    def __init__(self, book: ServiceBook, board: FaultBoard, tokens: Iterable[str] = ()) -> None:
        super().__init__(book, board)
        self.people = TelegramPeople(book)
        self.tokens = set(tokens)
        self._news = asyncio.Event()
        self._polls = 0
        self._wanted = _DEFAULT_UPDATES
        self._given: list[dict[str, Any]] = []
        book.listeners.append(self._news.set)

    # ---- the wire

    async def read(self, raw: web.Request) -> ServiceRequest:
        method = raw.path.rsplit("/", 1)[-1] or "none"
        fields, files = await _form(raw)
        target = str(fields.get("chat_id", ""))
        return ServiceRequest(method, target, fields, files, raw)

    def refusal(self, request: ServiceRequest) -> ServiceAnswer | None:
        path = request.raw.path if request.raw is not None else ""
        token = path.removeprefix("/bot").rsplit("/", 1)[0] if path.startswith("/bot") else ""
        if not path.startswith("/bot") or "/" in token:
            return TelegramRefused(404, "Not Found").answer()
        if not token or (self.tokens and token not in self.tokens):
            return TelegramRefused(401, "Unauthorized").answer()
        return None

    async def perform(self, request: ServiceRequest) -> ServiceAnswer:
        do = _METHODS.get(request.method.lower())
        if do is None:
            return TelegramRefused(404, "Not Found: method not found").answer()
        try:
            return ServiceAnswer(200, {"ok": True, "result": await do(self, request)})
        except TelegramRefused as refused:
            return refused.answer()

    def problem(self, fault: ServiceFault, request: ServiceRequest) -> ServiceAnswer:
        wait = fault.retry_after_s
        if fault.fault is Bend.LIMITED:
            hint = {} if wait is None else {"retry_after": max(1, round(wait))}
            after = f": retry after {hint['retry_after']}" if hint else ""
            return TelegramRefused(429, f"Too Many Requests{after}", **hint).answer()
        status, words = _PROBLEMS.get(fault.fault, (500, "Internal Server Error"))
        if fault.fault is Bend.REFUSED and request.target.startswith("-"):
            words = "Forbidden: bot was kicked from the group chat"
        return TelegramRefused(status, words).answer()

    def bare(self, answer: ServiceAnswer) -> ServiceAnswer:
        result = answer.content["result"]
        if isinstance(result, dict) and "message_id" in result:
            kept = {key: result[key] for key in ("message_id", "date")}
            result = {**kept, "chat": {key: result["chat"][key] for key in ("id", "type")}}
        return ServiceAnswer(answer.status, {"ok": True, "result": result})

    # ---- the long poll

    async def get_updates(self, request: ServiceRequest) -> list[dict[str, Any]]:
        fields = request.fields
        if (wanted := _listed(fields.get("allowed_updates"))) is not None:
            self._wanted = frozenset(wanted) or _DEFAULT_UPDATES
        offset = _whole(fields.get("offset"), 0)
        self._confirm(offset)
        self._polls += 1
        mine = self._polls
        self._news.set()  # an older poll learns of this one
        limit = _whole(fields.get("limit"), _MOST_UPDATES)
        until = asyncio.get_running_loop().time() + min(float(_whole(fields.get("timeout"), 0)), _LONGEST_POLL_S)
        while not (found := self._waiting(limit)):
            left = until - asyncio.get_running_loop().time()
            heard = left > 0 and await self._until_news(request.raw, left)
            if mine != self._polls:
                raise TelegramRefused(409, _CONFLICT)
            if not heard:
                return []
        return self._bent(found)

    def _confirm(self, offset: int) -> None:
        before = len(self.book.updates)
        if offset > 0:
            self.book.updates = [each for each in self.book.updates if each["update_id"] >= offset]
        elif offset < 0:
            self.book.updates = self.book.updates[offset:]
        if len(self.book.updates) != before:
            self.book.changed()

    def _waiting(self, limit: int) -> list[dict[str, Any]]:
        allowed = [each for each in self.book.updates if _kind(each) in self._wanted or _kind(each) == ""]
        return allowed[:limit]

    async def _until_news(self, raw: web.Request | None, seconds: float) -> bool:
        """Wait for a change of the book, at most a second; says whether the client is still there."""
        self._news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), min(seconds, 1.0))
        transport = raw.transport if raw is not None else None
        return not self._cut.is_set() and transport is not None and not transport.is_closing()

    def _bent(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the updates as the fault on the poll has them."""
        fault = self.board.meet(self.service, UPDATES)
        given, self._given = [*self._given], deepcopy(found)
        if fault is None:
            return found
        bent = deepcopy(found)
        if fault.fault is Bend.REPEATED:
            return [*given, *bent, *bent]
        if fault.fault is Bend.REORDERED:
            return bent[::-1]
        if fault.fault is Bend.MALFORMED:
            return [{"update_id": each["update_id"], "message": {"message_id": "none", "chat": 5}} for each in bent]
        for each in bent:
            _make_old(each)
        return bent

    # ---- methods

    async def get_me(self, _request: ServiceRequest) -> dict[str, Any]:
        joins = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
        return {**BOT_USER, **joins}

    async def send_message(self, request: ServiceRequest) -> dict[str, Any]:
        place = self._open_chat(request)
        text = self._words(request, "text", MOST_TEXT)
        return self._posted(place, text, request)

    async def send_photo(self, request: ServiceRequest) -> dict[str, Any]:
        return self._send_file(request, "photo")

    async def send_document(self, request: ServiceRequest) -> dict[str, Any]:
        return self._send_file(request, "document")

    def _send_file(self, request: ServiceRequest, kind: str) -> dict[str, Any]:
        place = self._open_chat(request)
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
            buttons=_buttons(fields.get("reply_markup")),
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
        buttons = _buttons(request.fields.get("reply_markup"))
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
        for place in self.book.of(self.service):
            for entry in reversed(place.entries):
                for press in entry.presses:
                    if press.query_id == wanted:
                        press.answer = text
                        self.book.changed()
                        return True
        raise TelegramRefused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

    async def set_my_commands(self, request: ServiceRequest) -> bool:
        commands = _json(request.fields.get("commands")) or []
        if len(commands) > _MOST_COMMANDS:
            raise TelegramRefused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        if any(not 1 <= len(str(each.get("command", ""))) <= _LONGEST_COMMAND for each in commands):
            raise TelegramRefused(400, "Bad Request: BOT_COMMAND_INVALID")
        self.book.menus[_scope(request)] = commands
        self.book.changed()
        return True

    async def delete_my_commands(self, request: ServiceRequest) -> bool:
        self.book.menus.pop(_scope(request), None)
        return True

    async def get_my_commands(self, request: ServiceRequest) -> list[dict[str, str]]:
        return self.book.menus.get(_scope(request), [])

    async def set_message_reaction(self, request: ServiceRequest) -> bool:
        _, entry = self._entry(request, "react to")
        reactions = _json(request.fields.get("reaction")) or []
        entry.reactions["bot"] = reactions[0]["emoji"] if reactions else ""
        self.book.changed()
        return True

    async def get_chat(self, request: ServiceRequest) -> dict[str, Any]:
        return chat_of(self._open_chat(request)) | {"accent_color_id": 0, "max_reaction_count": 11}

    async def get_chat_member(self, request: ServiceRequest) -> dict[str, Any]:
        place = self._open_chat(request)
        person = self.book.person(_whole(request.fields.get("user_id"), 0))
        return {"status": "member" if person.id in place.members else "left", "user": user(person)}

    async def create_chat_invite_link(self, request: ServiceRequest) -> dict[str, Any]:
        place = self._open_chat(request)
        return {
            "invite_link": f"https://t.example/+{place.id.lstrip('-')}-{self.book.changes}",
            "creator": BOT_USER,
            "creates_join_request": False,
            "is_primary": False,
            "is_revoked": False,
        }

    async def ban_chat_member(self, request: ServiceRequest) -> bool:
        place, user_id = self._open_chat(request), _whole(request.fields.get("user_id"), 0)
        place.members = [each for each in place.members if each != user_id]
        self.book.changed()
        return True

    async def yes(self, _request: ServiceRequest) -> bool:
        return True

    # ---- parts of a request

    def _open_chat(self, request: ServiceRequest) -> ServicePlace:
        try:
            chat_id = int(str(request.fields.get("chat_id", "")))
        except ValueError:
            raise TelegramRefused(400, "Bad Request: chat not found") from None
        if chat_id == 0:
            raise TelegramRefused(400, "Bad Request: chat not found")
        place = self.people.chat(chat_id)
        if place.moved_to:
            moved = "Bad Request: group chat was upgraded to a supergroup chat"
            raise TelegramRefused(400, moved, migrate_to_chat_id=int(place.moved_to))
        if place.gone:
            raise TelegramRefused(403, place.gone)
        return place

    def _entry(self, request: ServiceRequest, what: str) -> tuple[ServicePlace, Entry]:
        place = self._open_chat(request)
        entry = place.entry(_whole(request.fields.get("message_id"), 0))
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
        if not text.entities and (given := _json(fields.get("entities"))):
            text.entities = given
        return text

    @staticmethod
    def _parent(place: ServicePlace, fields: Mapping[str, Any]) -> int | None:
        asked = _json(fields.get("reply_parameters")) or {}
        wanted = asked.get("message_id") or _whole(fields.get("reply_to_message_id"), 0)
        if not wanted:
            return None
        if place.entry(int(wanted)) is None:
            if asked.get("allow_sending_without_reply"):
                return None
            raise TelegramRefused(400, "Bad Request: message to be replied not found")
        return int(wanted)


_MOST_COMMANDS, _LONGEST_COMMAND = 100, 32
_PROBLEMS: Final = {
    Bend.REVOKED: (401, "Unauthorized"),
    Bend.NOT_FOUND: (404, "Not Found"),
    Bend.REFUSED: (403, "Forbidden: bot was blocked by the user"),
    Bend.TOO_LONG: (400, "Bad Request: message is too long"),
    Bend.SECOND_POLLER: (409, _CONFLICT),
}
_Method = Callable[[TelegramService, ServiceRequest], Awaitable[Any]]
_METHODS: Final[Mapping[str, _Method]] = {
    "getme": TelegramService.get_me,
    "getupdates": TelegramService.get_updates,
    "sendmessage": TelegramService.send_message,
    "sendphoto": TelegramService.send_photo,
    "senddocument": TelegramService.send_document,
    "editmessagetext": TelegramService.edit_message_text,
    "editmessagecaption": TelegramService.edit_message_caption,
    "editmessagereplymarkup": TelegramService.edit_message_reply_markup,
    "deletemessage": TelegramService.delete_message,
    "answercallbackquery": TelegramService.answer_callback_query,
    "setmycommands": TelegramService.set_my_commands,
    "deletemycommands": TelegramService.delete_my_commands,
    "getmycommands": TelegramService.get_my_commands,
    "setmessagereaction": TelegramService.set_message_reaction,
    "getchat": TelegramService.get_chat,
    "getchatmember": TelegramService.get_chat_member,
    "createchatinvitelink": TelegramService.create_chat_invite_link,
    "banchatmember": TelegramService.ban_chat_member,
    "unbanchatmember": TelegramService.yes,
    "sendchataction": TelegramService.yes,
    "deletewebhook": TelegramService.yes,
    "pinchatmessage": TelegramService.yes,
    "unpinchatmessage": TelegramService.yes,
    "close": TelegramService.yes,
    "logout": TelegramService.yes,
}


async def _form(raw: web.Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    if raw.content_type == "application/json":
        given = await raw.json()
        return (given if isinstance(given, dict) else {}), {}
    fields: dict[str, Any] = dict(raw.query)
    files: dict[str, tuple[str, bytes]] = {}
    for name, value in (await raw.post()).items():
        if isinstance(value, web.FileField):
            files[name] = (value.filename, value.file.read())
        else:
            fields[name] = value
    return fields, files


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise TelegramRefused(400, "Bad Request: can't parse JSON object") from None


def _listed(value: Any) -> list[str] | None:
    found = _json(value) if value else None
    return [str(each) for each in found] if isinstance(found, list) else None


def _whole(value: Any, default: int) -> int:
    try:
        return default if value in {None, ""} else int(value)
    except (TypeError, ValueError):
        return default


def _buttons(value: Any) -> list[list[tuple[str, str]]]:
    markup = _json(value) or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else []
    found = [[(str(b.get("text", "")), str(b.get("callback_data") or b.get("url", ""))) for b in row] for row in rows]
    if any(not 1 <= len(data.encode()) <= MOST_DATA for row in found for _, data in row):
        raise TelegramRefused(400, "Bad Request: BUTTON_DATA_INVALID")
    return found


def _scope(request: ServiceRequest) -> str:
    scope = _json(request.fields.get("scope")) or {}
    return str(scope.get("chat_id") or scope.get("type") or "default")


def _kind(update: Mapping[str, Any]) -> str:
    return next((key for key in update if key != "update_id"), "")


def _make_old(update: dict[str, Any]) -> None:
    for content in update.values():
        if isinstance(content, dict):
            inner = content.get("message", content)
            for each in {id(content): content, id(inner): inner}.values():
                if isinstance(each, dict) and "date" in each:
                    each["date"] -= _AN_HOUR
