"""The messages API on loopback, as the anthropic client meets it, in front of the simulated model.

It refuses what the API refuses: an unknown model, sampling parameters, forced tools, an assistant's turn at the
end, a budget for thinking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import Bend, FaultBoard, ServiceFault
from bot.sim.services.model import ModelMode, SimulatedModel, nonsense
from bot.sim.services.web_service import ServiceAnswer, ServiceRequest, WebService

MODELS: Final = (
    "claude-fable-5-1", "claude-fable-5-2", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5",
    "claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5",
)  # fmt: skip
_NO_FORCING: Final = frozenset({"claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1"})
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_LETTERS_A_TOKEN: Final = 4
_LONGEST_STORED: Final = 20_000
_THINKING_TOKENS: Final = 40


class ModelRefused(Exception):
    """A request that is answered with an error: status, type, text."""

    def __init__(self, status: int, kind: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.details = status, kind, message, details

    def answer(self, **headers: str) -> ServiceAnswer:
        error = {"type": self.kind, "message": self.message, **({"details": self.details} if self.details else {})}
        body = {"type": "error", "error": error, "request_id": "req_simulated"}
        return ServiceAnswer(self.status, body, {"request-id": "req_simulated", **headers})


class AnthropicService(WebService):
    """One account's API. `key` None takes any that is not empty. Each prompt is an entry of the book, by its model."""

    service = Service.ANTHROPIC

    def __init__(self, book: ServiceBook, board: FaultBoard, key: str | None = None) -> None:
        super().__init__(book, board)
        self._key = key
        self.model = SimulatedModel()

    async def read(self, raw: web.Request) -> ServiceRequest:
        path = raw.path.removeprefix("/v1/").strip("/")
        fields = await _object(raw) if raw.method == "POST" else {}
        method = "models" if path.startswith("models") else path
        return ServiceRequest(method, str(fields.get("model", "")), {**fields, "_path": path}, {}, raw)

    def refusal(self, request: ServiceRequest) -> ServiceAnswer | None:
        if request.raw is None:
            return None
        scheme, _, bearer = request.raw.headers.get("Authorization", "").partition(" ")
        key = bearer if scheme == "Bearer" else request.raw.headers.get("x-api-key", "")
        if not key or self._key not in {None, key}:
            return ModelRefused(401, "authentication_error", "invalid x-api-key").answer()
        return None

    async def perform(self, request: ServiceRequest) -> ServiceAnswer:
        try:
            if request.method == "messages":
                return await self._message(request)
            if request.method == "messages/count_tokens":
                return ServiceAnswer(200, {"input_tokens": _tokens(_prompt(request.fields))})
            if request.method == "models":
                return self._models(request)
        except ModelRefused as refused:
            return refused.answer()
        return ModelRefused(404, "not_found_error", "Not found").answer()

    def problem(self, fault: ServiceFault, request: ServiceRequest) -> ServiceAnswer:
        if fault.fault is Bend.LIMITED:
            hint = {} if fault.retry_after_s is None else {"retry-after": str(round(fault.retry_after_s))}
            return ModelRefused(429, "rate_limit_error", "Too many requests").answer(**hint)
        table = {
            Bend.REVOKED: ModelRefused(401, "authentication_error", "invalid x-api-key"),
            Bend.NOT_FOUND: ModelRefused(404, "not_found_error", f"model: {request.target}"),
            Bend.TOO_LONG: ModelRefused(413, "request_too_large", "Request exceeds the maximum size"),
        }
        return table.get(fault.fault, ModelRefused(500, "api_error", "Internal server error")).answer()

    def bare(self, answer: ServiceAnswer) -> ServiceAnswer:
        content = answer.content
        if isinstance(content, dict) and "content" in content:
            content = {"type": "message", "role": "assistant", "content": content["content"]}
        return ServiceAnswer(answer.status, content)

    # ---- the model

    async def _message(self, request: ServiceRequest) -> ServiceAnswer:
        fields, mode = request.fields, self.model.mode
        _check(fields)
        if mode is ModelMode.LIMITED:
            raise ModelRefused(429, "rate_limit_error", "This request would exceed your rate limit")
        if mode is ModelMode.OVERLOADED:
            raise ModelRefused(529, "overloaded_error", "Overloaded")
        if mode is ModelMode.SLOW and not await self.until_left(request.raw, self.model.slow_s):
            return ServiceAnswer(499, {})  # nobody is there any more
        prompt = _prompt(fields)
        whole = self.model.text(prompt, _schema(fields))
        content, stop, tokens = self._content(whole, int(fields["max_tokens"]))
        place = self.book.place(self.service, str(fields["model"]), name=str(fields["model"]), kind="model")
        extra = {"answer": content, "stop_reason": stop, "mode": mode.value}
        self.book.store(place, prompt[:_LONGEST_STORED], extra=extra)
        usage = {"input_tokens": _tokens(prompt), "output_tokens": tokens, "service_tier": "standard"}
        caches = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        return ServiceAnswer(
            200,
            {
                "id": f"msg_{place.next_id:08d}", "type": "message", "role": "assistant", "model": fields["model"],
                "content": content, "stop_reason": stop, "stop_sequence": None, "usage": {**usage, **caches},
            },
            {"request-id": f"req_{place.next_id:08d}"},
        )  # fmt: skip

    def _content(self, whole: str, most: int) -> tuple[list[dict[str, Any]], str, int]:
        """Return blocks, the reason why it stopped, and output tokens."""
        mode, tokens = self.model.mode, _tokens(whole)
        if mode is ModelMode.REFUSING:
            return [{"type": "text", "text": "I can't help with that."}], "refusal", 8
        if mode is ModelMode.MALFORMED:
            return nonsense(self.model.count, whole), "end_turn", tokens
        thought: list[dict[str, Any]] = []
        if mode is ModelMode.THINKING:
            thought = [{"type": "thinking", "thinking": "Facts first, then the schema.", "signature": "simulated"}]
            tokens += _THINKING_TOKENS
        if mode is ModelMode.TRUNCATED or tokens > most:
            kept = min(len(whole) * 2 // 3, most * _LETTERS_A_TOKEN)
            return [*thought, {"type": "text", "text": whole[:kept]}], "max_tokens", min(tokens, most)
        return [*thought, {"type": "text", "text": whole}], "end_turn", tokens

    def _models(self, request: ServiceRequest) -> ServiceAnswer:
        wanted = str(request.fields["_path"]).removeprefix("models").strip("/")
        if wanted and wanted not in MODELS:
            raise ModelRefused(404, "not_found_error", f"model: {wanted}")
        listed = [_model(each) for each in MODELS if not wanted or each == wanted]
        if wanted:
            return ServiceAnswer(200, listed[0])
        return ServiceAnswer(200, {"data": listed, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
    }


def _check(fields: Mapping[str, Any]) -> None:
    """Refuse what the API refuses."""
    model, messages = str(fields.get("model", "")), fields.get("messages")
    if model not in MODELS:
        raise ModelRefused(404, "not_found_error", f"model: {model}")
    if not isinstance(messages, list) or not messages:
        raise _bad("messages: at least one message is required")
    if not isinstance(fields.get("max_tokens"), int) or fields["max_tokens"] < 1:
        raise _bad("max_tokens: must be greater than or equal to 1")
    if sampling := [name for name in _SAMPLING if name in fields]:
        raise _bad(f"{sampling[0]}: not supported by this model")
    if messages[-1].get("role") == "assistant":
        raise _bad("messages: this model does not support assistant message prefill")
    if model in _NO_FORCING and (fields.get("tool_choice") or {}).get("type") in {"tool", "any"}:
        raise _bad("tool_choice: forced tool use is not supported by this model")
    if "budget_tokens" in (fields.get("thinking") or {}):
        raise _bad("thinking.budget_tokens: not supported by this model")
    wanted = (fields.get("output_config") or {}).get("format")
    if wanted is not None and (wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict)):
        raise _bad("output_config.format: must be {type: json_schema, schema}")


def _bad(message: str) -> ModelRefused:
    return ModelRefused(400, "invalid_request_error", message)


def _schema(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = (fields.get("output_config") or {}).get("format")
    return wanted["schema"] if wanted else None


def _prompt(fields: Mapping[str, Any]) -> str:
    """Return everything that the model reads, in order."""
    parts = [_words(fields.get("system", ""))]
    parts += [_words(each.get("content", "")) for each in fields.get("messages", [])]
    return "\n\n".join(part for part in parts if part)


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))


def _tokens(text: str) -> int:
    return max(1, len(text) // _LETTERS_A_TOKEN)


async def _object(raw: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await raw.text())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
