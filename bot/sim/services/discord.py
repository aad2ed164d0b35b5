"""Discord's REST and its webhooks on loopback, as discord.py meets them without a gateway.

The bot's posts carry a nonce: with `enforce_nonce` the same nonce in the same channel gives the first message again.
A webhook has nothing of the kind, so its repetitions are seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Entry, Service, ServiceBook, ServicePlace
from bot.sim.services.faults import Bend, FaultBoard, ServiceFault
from bot.sim.services.web_service import ServiceAnswer, ServiceRequest, WebService

MOST_CONTENT, MOST_EMBEDS, MOST_EMBED_TEXT = 2000, 10, 6000
_EMBED_LIMITS: Final = (("title", 256), ("description", 4096))
_MOST_FIELDS: Final = 25
_NONCE_WALL_S: Final = 300.0
_MOST_NONCE: Final = 25
_EPOCH_MS: Final = 1_420_070_400_000
_BASE: Final = "/api/v10"
BOT_USER: Final = {
    "id": "100000000000000009",
    "username": "quanticity",
    "discriminator": "0000",
    "avatar": None,
    "bot": True,
}
_GUILD: Final = "100000000000000000"
_THREAD_LASTS: Final = frozenset({60, 1440, 4320, 10080})
_MOST_NAME: Final = 100


class DiscordRefused(Exception):
    """A request that is answered with an error: status, Discord's code, text."""

    def __init__(self, status: int, code: int, message: str, errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, errors

    def answer(self) -> ServiceAnswer:
        more = {"errors": self.errors} if self.errors else {}
        return ServiceAnswer(self.status, {"code": self.code, "message": self.message, **more})


class DiscordService(WebService):
    """One application's view of Discord. `token` None takes any that is not empty."""

    service = Service.DISCORD

    def __init__(self, book: ServiceBook, board: FaultBoard, token: str | None = None) -> None:
        super().__init__(book, board)
        self._token = token
        self._first_tokens: dict[str, str] = {}

    # ---- the wire

    async def read(self, raw: web.Request) -> ServiceRequest:
        fields, files = await _body(raw)
        path = raw.path.removeprefix(_BASE)
        found = next(
            ((name, match) for name, verb, form in _ROUTES if raw.method == verb and (match := form.fullmatch(path))),
            None,
        )
        if found is None:
            return ServiceRequest("none", "", fields, files, raw)
        name, match = found
        parts = match.groupdict()
        return ServiceRequest(name, parts.get("place", ""), {**fields, "_path": parts}, files, raw)

    def refusal(self, request: ServiceRequest) -> ServiceAnswer | None:
        if request.method.startswith("webhook") or request.raw is None:
            return None
        scheme, _, token = request.raw.headers.get("Authorization", "").partition(" ")
        if scheme != "Bot" or not token or self._token not in {None, token}:
            return DiscordRefused(401, 0, "401: Unauthorized").answer()
        return None

    async def perform(self, request: ServiceRequest) -> ServiceAnswer:
        do = _METHODS.get(request.method)
        if do is None:
            return DiscordRefused(404, 0, "404: Not Found").answer()
        try:
            return do(self, request)
        except DiscordRefused as refused:
            return refused.answer()

    def problem(self, fault: ServiceFault, request: ServiceRequest) -> ServiceAnswer:
        if fault.fault is Bend.LIMITED:
            return _limited(fault.retry_after_s)
        webhook = request.method.startswith("webhook")
        refused = (
            DiscordRefused(404, 10015, "Unknown Webhook")
            if webhook
            else DiscordRefused(403, 50013, "Missing Permissions")
        )
        table = {
            Bend.REFUSED: refused,
            Bend.REVOKED: DiscordRefused(401, 0, "401: Unauthorized"),
            Bend.NOT_FOUND: DiscordRefused(404, 10015, "Unknown Webhook")
            if webhook
            else DiscordRefused(404, 10003, "Unknown Channel"),
            Bend.TOO_LONG: _invalid("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_CONTENT} or fewer in length."),
        }
        return table.get(fault.fault, DiscordRefused(500, 0, "500: Internal Server Error")).answer()

    def bare(self, answer: ServiceAnswer) -> ServiceAnswer:
        content = answer.content
        if isinstance(content, dict) and "channel_id" in content:
            content = {
                key: value for key, value in content.items() if key not in {"nonce", "webhook_id", "referenced_message"}
            }
        return ServiceAnswer(answer.status, content)

    def forgetting(self, request: ServiceRequest) -> None:
        for entry in self._place(request).entries:
            entry.extra.pop("enforced", None)

    # ---- the bot's own

    def me(self, _request: ServiceRequest) -> ServiceAnswer:
        return ServiceAnswer(200, {**BOT_USER, "global_name": None, "verified": True, "flags": 0, "mfa_enabled": False})

    def application(self, _request: ServiceRequest) -> ServiceAnswer:
        owner = {"id": "100000000000000008", "username": "owner", "discriminator": "0000", "avatar": None}
        about: dict[str, Any] = {
            "description": "",
            "icon": None,
            "rpc_origins": [],
            "bot_public": False,
            "bot_require_code_grant": False,
        }
        return ServiceAnswer(
            200, {"id": BOT_USER["id"], "name": "quanticity", **about, "owner": owner, "verify_key": "", "flags": 0}
        )

    def channel(self, request: ServiceRequest) -> ServiceAnswer:
        place = self._place(request)
        return ServiceAnswer(200, _thread(place) if place.kind == "thread" else _channel(place))

    def post(self, request: ServiceRequest) -> ServiceAnswer:
        place = self._place(request)
        _check(request)
        nonce = str(request.fields.get("nonce") or "")
        if len(nonce) > _MOST_NONCE:
            raise DiscordRefused(400, 50035, "Invalid Form Body")
        if nonce and request.fields.get("enforce_nonce") and (first := self._first_with(place, nonce)) is not None:
            return ServiceAnswer(200, _message(place, first))
        return ServiceAnswer(200, _message(place, self._store(place, request, {"nonce": nonce, "enforced": nonce})))

    def _first_with(self, place: ServicePlace, nonce: str) -> Entry | None:
        since = self.book.stamp().wall - _NONCE_WALL_S
        return next(
            (e for e in reversed(place.entries) if e.extra.get("enforced") == nonce and e.stamp.wall > since), None
        )

    def history(self, request: ServiceRequest) -> ServiceAnswer:
        place = self._place(request)
        query = request.raw.query if request.raw is not None else {}
        most = int(query.get("limit", 50))
        after = int(query.get("after", 0))
        shown = [e for e in reversed(place.entries) if not e.deleted and _snowflake(e) > after]
        return ServiceAnswer(200, [_message(place, each) for each in shown[:most]])

    def one(self, request: ServiceRequest) -> ServiceAnswer:
        place, entry = self._entry(request)
        return ServiceAnswer(200, _message(place, entry))

    def patch(self, request: ServiceRequest) -> ServiceAnswer:
        place, entry = self._entry(request)
        _check(request)
        self.book.edit(entry, _shown(request.fields, entry.text))
        entry.extra["embeds"] = request.fields.get("embeds", entry.extra.get("embeds", []))
        entry.extra["content"] = request.fields.get("content", entry.extra.get("content", ""))
        return ServiceAnswer(200, _message(place, entry))

    def delete(self, request: ServiceRequest) -> ServiceAnswer:
        _, entry = self._entry(request)
        entry.deleted = True
        self.book.changed()
        return ServiceAnswer(204, body=b"")

    def thread_of_message(self, request: ServiceRequest) -> ServiceAnswer:
        place, entry = self._entry(request)
        return self._new_thread(place, request, str(_snowflake(entry)))

    def thread(self, request: ServiceRequest) -> ServiceAnswer:
        return self._new_thread(self._place(request), request, "")

    def _new_thread(self, place: ServicePlace, request: ServiceRequest, wanted: str) -> ServiceAnswer:
        name = str(request.fields.get("name", ""))
        if not 1 <= len(name) <= _MOST_NAME:
            raise DiscordRefused(400, 50035, "Invalid Form Body")
        if request.fields.get("auto_archive_duration", 1440) not in _THREAD_LASTS:
            raise DiscordRefused(400, 50035, "Invalid Form Body")
        thread_id = wanted or str(_id_at(self.book.stamp().wall, len(self.book.places)))
        thread = self.book.place(self.service, thread_id, name=name, kind="thread")
        thread.members = [int(place.id)]
        return ServiceAnswer(201, _thread(thread))

    # ---- webhooks

    def webhook_post(self, request: ServiceRequest) -> ServiceAnswer:
        place = self._webhook(request)
        _check(request)
        query = request.raw.query if request.raw is not None else {}
        username = str(request.fields.get("username") or "")
        entry = self._store(place, request, {"webhook": request.fields["_path"]["place"], "username": username})
        if query.get("wait") in {"1", "true", "True"}:
            return ServiceAnswer(200, _message(place, entry))
        return ServiceAnswer(204, body=b"")

    def _webhook(self, request: ServiceRequest) -> ServicePlace:
        parts = request.fields["_path"]
        hook, token = parts["place"], parts["token"]
        if self._first_tokens.setdefault(hook, token) != token:
            raise DiscordRefused(401, 50027, "Invalid Webhook Token")
        place = self.book.place(self.service, f"webhook-{hook}", name=f"webhook {hook}", kind="webhook")
        if place.gone:
            raise DiscordRefused(404, 10015, place.gone)
        return place

    # ---- parts

    def _store(self, place: ServicePlace, request: ServiceRequest, more: dict[str, Any]) -> Entry:
        files = [(name, content) for name, content in request.files.values()]
        picture = self.book.keep_picture(*files[0]) if files else ""
        reference = (request.fields.get("message_reference") or {}).get("message_id")
        extra = {
            "content": str(request.fields.get("content") or ""),
            "embeds": request.fields.get("embeds") or [],
            "files": [name for name, _ in files],
            "mentions": request.fields.get("allowed_mentions"),
            **more,
        }
        reply_to = int(reference) & _LOW if reference else None
        return self.book.store(place, _shown(request.fields), picture=picture, reply_to=reply_to, extra=extra)

    def _place(self, request: ServiceRequest) -> ServicePlace:
        place_id = request.target
        known = self.book.places.get(f"{self.service}:{place_id}")
        place = known or self.book.place(self.service, place_id, name=f"channel {place_id}", kind="channel")
        if place.gone:
            raise DiscordRefused(403, 50001, place.gone)
        return place

    def _entry(self, request: ServiceRequest) -> tuple[ServicePlace, Entry]:
        place = self._webhook(request) if request.method.startswith("webhook") else self._place(request)
        wanted = int(request.fields["_path"]["message"])
        entry = next((e for e in reversed(place.entries) if _snowflake(e) == wanted and not e.deleted), None)
        if entry is None:
            raise DiscordRefused(404, 10008, "Unknown Message")
        return place, entry


_Method = Callable[[DiscordService, ServiceRequest], ServiceAnswer]
_METHODS: Final[Mapping[str, _Method]] = {
    "me": DiscordService.me,
    "application": DiscordService.application,
    "channel": DiscordService.channel,
    "post": DiscordService.post,
    "history": DiscordService.history,
    "message": DiscordService.one,
    "edit": DiscordService.patch,
    "delete": DiscordService.delete,
    "thread_of_message": DiscordService.thread_of_message,
    "thread": DiscordService.thread,
    "webhook": DiscordService.webhook_post,
    "webhook_message": DiscordService.one,
    "webhook_edit": DiscordService.patch,
    "webhook_delete": DiscordService.delete,
}
_PLACE: Final = r"/channels/(?P<place>\d{1,20})"
_HOOK: Final = r"/webhooks/(?P<place>\d{1,20})/(?P<token>[\w-]+)"
_ROUTES: Final = tuple(
    (name, verb, re.compile(form))
    for name, verb, form in (
        ("me", "GET", r"/users/@me"),
        ("application", "GET", r"/oauth2/applications/@me"),
        ("channel", "GET", _PLACE),
        ("post", "POST", _PLACE + r"/messages"),
        ("history", "GET", _PLACE + r"/messages"),
        ("message", "GET", _PLACE + r"/messages/(?P<message>\d+)"),
        ("edit", "PATCH", _PLACE + r"/messages/(?P<message>\d+)"),
        ("delete", "DELETE", _PLACE + r"/messages/(?P<message>\d+)"),
        ("thread_of_message", "POST", _PLACE + r"/messages/(?P<message>\d+)/threads"),
        ("thread", "POST", _PLACE + r"/threads"),
        ("webhook", "POST", _HOOK),
        ("webhook_message", "GET", _HOOK + r"/messages/(?P<message>\d+)"),
        ("webhook_edit", "PATCH", _HOOK + r"/messages/(?P<message>\d+)"),
        ("webhook_delete", "DELETE", _HOOK + r"/messages/(?P<message>\d+)"),
    )
)


async def _body(raw: web.Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    if raw.content_type.startswith("multipart/"):
        posted = await raw.post()
        files = {n: (v.filename, v.file.read()) for n, v in posted.items() if isinstance(v, web.FileField)}
        return _object(str(posted.get("payload_json", "{}"))), files
    return _object(await raw.text() if raw.can_read_body else "{}"), {}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _limited(wait: float | None) -> ServiceAnswer:
    # A Via header says that Discord's own proxy answered; without it the client takes it for a ban.
    body: dict[str, Any] = {"message": "You are being rate limited.", "global": False}
    headers = {"Via": "1.1 google", "X-RateLimit-Scope": "shared"}
    if wait is not None:
        body["retry_after"] = wait
        headers["Retry-After"] = str(max(1, round(wait)))
    else:
        body["retry_after"] = 1.0
    return ServiceAnswer(429, body, headers)


def _invalid(field: str, code: str, words: str) -> DiscordRefused:
    return DiscordRefused(400, 50035, "Invalid Form Body", {field: {"_errors": [{"code": code, "message": words}]}})


def _check(request: ServiceRequest) -> None:
    """Refuse what Discord would: too long, too many, empty."""
    fields = request.fields
    content, embeds = str(fields.get("content") or ""), fields.get("embeds") or []
    if len(content) > MOST_CONTENT:
        raise _invalid("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_CONTENT} or fewer in length.")
    if len(embeds) > MOST_EMBEDS:
        raise _invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_EMBEDS} or fewer in length.")
    for each in embeds:
        for name, most in _EMBED_LIMITS:
            if len(str(each.get(name) or "")) > most:
                raise _invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        if len(each.get("fields") or []) > _MOST_FIELDS:
            raise _invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {_MOST_FIELDS} or fewer in length.")
    if sum(len(_embed_text(each)) for each in embeds) > MOST_EMBED_TEXT:
        raise _invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MOST_EMBED_TEXT}")
    if not content and not embeds and not request.files and "edit" not in request.method:
        raise DiscordRefused(400, 50006, "Cannot send an empty message")


def _embed_text(embed: Mapping[str, Any]) -> str:
    rows = [str(embed.get(name) or "") for name in ("title", "description")]
    rows += [f"{each.get('name', '')}: {each.get('value', '')}" for each in embed.get("fields") or []]
    rows += [str((embed.get("footer") or {}).get("text", "")), str((embed.get("author") or {}).get("name", ""))]
    return "\n".join(row for row in rows if row)


def _shown(fields: Mapping[str, Any], before: str = "") -> str:
    """Return a message as somebody reads it: its words, then its embeds'."""
    parts = [str(fields["content"] or "")] if "content" in fields else []
    parts += [_embed_text(each) for each in fields.get("embeds") or []]
    return "\n".join(part for part in parts if part) if parts else before


_LOW: Final = (1 << 22) - 1


def _id_at(wall: float, low: int) -> int:
    return (int(wall * 1000) - _EPOCH_MS << 22) | (low & _LOW)


def _snowflake(entry: Entry) -> int:
    return _id_at(entry.stamp.wall, entry.id)


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()


def _message(place: ServicePlace, entry: Entry) -> dict[str, Any]:
    hook = entry.extra.get("webhook")
    author = {**BOT_USER, **({"id": hook, "username": entry.extra.get("username") or "hook"} if hook else {})}
    content = entry.extra.get("content", entry.text)
    return {
        "id": str(_snowflake(entry)), "channel_id": place.id.removeprefix("webhook-"), "author": author,
        "content": content, "timestamp": _time(entry.stamp.wall),
        "edited_timestamp": _time(entry.edits[-1].stamp.wall) if entry.edits else None, "tts": False,
        "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [],
        "embeds": [{"type": "rich", **each} for each in entry.extra.get("embeds") or []], "pinned": False, "type": 0,
        "components": [], **({"webhook_id": hook} if hook else {}), **_nonce(entry),
    }  # fmt: skip


def _nonce(entry: Entry) -> dict[str, str]:
    return {"nonce": entry.extra["nonce"]} if entry.extra.get("nonce") else {}


def _channel(place: ServicePlace) -> dict[str, Any]:
    return {
        "id": place.id, "type": 0, "guild_id": _GUILD, "name": place.name, "position": 0, "permission_overwrites": [],
        "nsfw": False, "parent_id": None, "topic": None, "rate_limit_per_user": 0, "last_message_id": None,
    }  # fmt: skip


def _thread(place: ServicePlace) -> dict[str, Any]:
    began = _time(place.entries[0].stamp.wall) if place.entries else _time(0)
    return {
        "id": place.id, "type": 11, "guild_id": _GUILD, "parent_id": str(place.members[0] if place.members else 0),
        "owner_id": BOT_USER["id"], "name": place.name, "message_count": len(place.entries), "member_count": 1,
        "rate_limit_per_user": 0, "flags": 0,
        "thread_metadata": {
            "archived": False, "auto_archive_duration": 1440, "archive_timestamp": began, "locked": False,
        },
    }  # fmt: skip
