"""How the fields of a request to the Bot API are read, and how a refusal of it looks."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from bot.sim.services.web_service import ServiceAnswer, ServiceRequest

MOST_DATA: Final = 64


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


async def form_of(raw: web.Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
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


def json_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise TelegramRefused(400, "Bad Request: can't parse JSON object") from None


def listed(value: Any) -> list[str] | None:
    found = json_of(value) if value else None
    return [str(each) for each in found] if isinstance(found, list) else None


def whole(value: Any, default: int) -> int:
    try:
        return default if value in {None, ""} else int(value)
    except (TypeError, ValueError):
        return default


def buttons_of(value: Any) -> list[list[tuple[str, str]]]:
    markup = json_of(value) or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else []
    found = [[(str(b.get("text", "")), str(b.get("callback_data") or b.get("url", ""))) for b in row] for row in rows]
    if any(not 1 <= len(data.encode()) <= MOST_DATA for row in found for _, data in row):
        raise TelegramRefused(400, "Bad Request: BUTTON_DATA_INVALID")
    return found


def scope_of(request: ServiceRequest) -> str:
    scope = json_of(request.fields.get("scope")) or {}
    return str(scope.get("chat_id") or scope.get("type") or "default")
