"""One call of the model: sent once, given up at its deadline, and read as a stranger's word.

The client's library is loaded when there is a model to ask, in a process of its own (`bot.overseer.model_process`). It
obeys a server's retry hints inside the call, however long, so it is told not to retry; the deadline is ours. A success
can be malformed without the library's saying so: what is not a message with a block of text is no answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.config.overseer import ModelSettings, OverseerSettings
from bot.domain.outside import outside
from bot.domain.overseer import Answered
from bot.overseer.budget import cost_micros, most_micros
from bot.overseer.prompts import Prompt

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_WHOLE: Final = frozenset({"end_turn", "stop_sequence"})
_LONGEST_ANSWER: Final = 20_000
_FREE: Final = frozenset({400, 401, 402, 403, 404, 413, 422, 429})
"""Statuses with which nothing was made, so that nothing is paid."""


@dataclass(frozen=True, slots=True)
class ModelSaid:
    """How a call ended. `text` is the answer's JSON where it ended well, `why` what was wrong where it did not. A call
    that was given up is counted at the most that it can have cost."""

    answered: Answered
    text: str = ""
    why: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    ms: int = 0


class LanguageModel(Protocol):
    """Whom the overseer asks."""

    def most_micros(self, prompt: Prompt, cap: int) -> int:
        """Return the most that a call can cost, in millionths of a dollar."""
        ...

    async def ask(self, prompt: Prompt, cap: int, within_s: float) -> ModelSaid:
        """Ask once; never raises for what the other side does. `cap`: tokens of the answer, thinking on top."""
        ...

    async def close(self) -> None: ...


def cost_at_most(settings: OverseerSettings, prompt: Prompt, cap: int) -> int:
    """Return the most that a call can cost, in millionths of a dollar."""
    model = settings.models[settings.model]
    letters = len(prompt.system) + len(prompt.content) + len(str(prompt.schema))
    return most_micros(model, letters, cap + model.thinking)


class Claude:
    """A model behind the Anthropic API."""

    def __init__(self, settings: OverseerSettings, base_url: str, key: str) -> None:
        self._name, self._settings, self._whole = settings.model, settings.models[settings.model], settings
        self._base_url, self._key = base_url, key
        self._client: AsyncAnthropic | None = None

    def most_micros(self, prompt: Prompt, cap: int) -> int:
        return cost_at_most(self._whole, prompt, cap)

    async def ask(self, prompt: Prompt, cap: int, within_s: float) -> ModelSaid:
        client = await self._connected()
        began = time.monotonic()
        try:
            async with asyncio.timeout(within_s):
                said = await self._say(client, prompt, cap, within_s)
        except TimeoutError:
            said = ModelSaid(
                Answered.LATE, why=f"no answer within {within_s:g} s", cost_micros=self.most_micros(prompt, cap)
            )
        except Exception as error:  # the library's own tree, its transport's, and what a malformed success raises in it
            said = self._failed(error, prompt, cap)
        return replace(said, ms=round((time.monotonic() - began) * 1000))

    async def begin(self) -> None:
        """Load what the first call needs."""
        await self._connected()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _say(self, client: AsyncAnthropic, prompt: Prompt, cap: int, within_s: float) -> ModelSaid:
        config: dict[str, Any] = {"format": {"type": "json_schema", "schema": dict(prompt.schema)}}
        if self._settings.effort:
            config["effort"] = self._settings.effort
        request: dict[str, Any] = {
            "model": self._name,
            "max_tokens": cap + self._settings.thinking,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.content}],
            "output_config": config,
        }
        return _read(await client.messages.create(**request, timeout=within_s), self._settings)

    async def _connected(self) -> AsyncAnthropic:
        """Return the client. Its library takes a while to load, off the loop and at nobody's expense."""
        if self._client is None:
            await asyncio.to_thread(import_module, "anthropic")
            self._client = self._made()
        return self._client

    def _made(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        for name in ("httpx2", "anthropic"):
            logging.getLogger(name).setLevel(logging.WARNING)  # a line a call is no news
        http = DefaultAsyncHttpxClient(trust_env=False)  # a proxy of the environment is nobody's business here
        return AsyncAnthropic(api_key=self._key, base_url=self._base_url, max_retries=0, http_client=http)

    def _failed(self, error: Exception, prompt: Prompt, cap: int) -> ModelSaid:
        from anthropic import APIConnectionError, APIStatusError, APITimeoutError

        why, most = outside(f"{type(error).__name__}: {error}", 200), self.most_micros(prompt, cap)
        if isinstance(error, APITimeoutError):
            return ModelSaid(Answered.LATE, why=why, cost_micros=most)
        if isinstance(error, APIStatusError):
            free = error.status_code in _FREE
            return ModelSaid(Answered.UNAVAILABLE, why=why, cost_micros=0 if free else most)
        if isinstance(error, APIConnectionError):
            return ModelSaid(Answered.UNAVAILABLE, why=why)
        return ModelSaid(Answered.MALFORMED, why=why, cost_micros=most)


def _read(message: Any, model: ModelSettings) -> ModelSaid:
    """Read a success of the library: also one that is a plain text, or lacks what every message has."""
    tokens_in, tokens_out, cached = (
        _count(getattr(message, "usage", None), name)
        for name in ("input_tokens", "output_tokens", "cache_read_input_tokens")
    )
    written = _count(getattr(message, "usage", None), "cache_creation_input_tokens")
    cost = cost_micros(model, tokens_in + written, tokens_out, cached)
    counted = ModelSaid(
        Answered.ANSWERED, tokens_in=tokens_in + written + cached, tokens_out=tokens_out, cost_micros=cost
    )
    stop = getattr(message, "stop_reason", None)
    if stop == "refusal":
        return replace(counted, answered=Answered.REFUSED, why="the model refused")
    texts = [each.text for each in _blocks(message) if getattr(each, "type", "") == "text"]
    whole = [text for text in texts if isinstance(text, str)]
    if stop not in _WHOLE or len(whole) != 1 or len(texts) != 1 or len(whole[0]) > _LONGEST_ANSWER:
        why = f"no whole answer: {outside(stop, 40)}, {len(whole)} texts"
        return replace(counted, answered=Answered.MALFORMED, why=why)
    return replace(counted, text=whole[0])


def _blocks(message: Any) -> list[Any]:
    content = getattr(message, "content", None)
    return content if isinstance(content, list) else []


def _count(usage: Any, name: str) -> int:
    found = getattr(usage, name, None)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
