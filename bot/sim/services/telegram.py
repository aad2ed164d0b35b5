"""The Bot API on loopback: its wire, its methods by name and its refusals, as python-telegram-bot meets them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import Bend, FaultBoard, ServiceFault
from bot.sim.services.telegram_chats import TelegramChats
from bot.sim.services.telegram_fields import TelegramRefused, form_of
from bot.sim.services.telegram_messages import TelegramMessages
from bot.sim.services.telegram_people import TelegramPeople
from bot.sim.services.telegram_poll import CONFLICT, TelegramPoll
from bot.sim.services.web_service import ServiceAnswer, ServiceRequest, WebService

_Method = Callable[[ServiceRequest], Awaitable[Any]]


class TelegramService(WebService):
    """One bot's API. `tokens` are those it knows; none: any that is not empty."""

    service = Service.TELEGRAM

    def __init__(self, book: ServiceBook, board: FaultBoard, tokens: Iterable[str] = ()) -> None:
        super().__init__(book, board)
        self.people = TelegramPeople(book)
        self.tokens = set(tokens)
        poll = TelegramPoll(book, board, self._cut)
        messages, chats = TelegramMessages(book, self.people), TelegramChats(book, self.people)
        self._methods: Mapping[str, _Method] = {
            "getme": chats.get_me,
            "getupdates": poll.get_updates,
            "sendmessage": messages.send_message,
            "sendphoto": messages.send_photo,
            "senddocument": messages.send_document,
            "editmessagetext": messages.edit_message_text,
            "editmessagecaption": messages.edit_message_caption,
            "editmessagereplymarkup": messages.edit_message_reply_markup,
            "deletemessage": messages.delete_message,
            "answercallbackquery": messages.answer_callback_query,
            "setmycommands": chats.set_my_commands,
            "deletemycommands": chats.delete_my_commands,
            "getmycommands": chats.get_my_commands,
            "setmessagereaction": messages.set_message_reaction,
            "getchat": chats.get_chat,
            "getchatmember": chats.get_chat_member,
            "createchatinvitelink": chats.create_chat_invite_link,
            "banchatmember": chats.ban_chat_member,
            "unbanchatmember": chats.yes,
            "sendchataction": chats.yes,
            "deletewebhook": chats.yes,
            "pinchatmessage": chats.yes,
            "unpinchatmessage": chats.yes,
            "close": chats.yes,
            "logout": chats.yes,
        }

    async def read(self, raw: web.Request) -> ServiceRequest:
        method = raw.path.rsplit("/", 1)[-1] or "none"
        fields, files = await form_of(raw)
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
        do = self._methods.get(request.method.lower())
        if do is None:
            return TelegramRefused(404, "Not Found: method not found").answer()
        try:
            return ServiceAnswer(200, {"ok": True, "result": await do(request)})
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


_PROBLEMS: Final = {
    Bend.REVOKED: (401, "Unauthorized"),
    Bend.NOT_FOUND: (404, "Not Found"),
    Bend.REFUSED: (403, "Forbidden: bot was blocked by the user"),
    Bend.TOO_LONG: (400, "Bad Request: message is too long"),
    Bend.SECOND_POLLER: (409, CONFLICT),
}
