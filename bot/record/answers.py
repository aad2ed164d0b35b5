"""A vendor's transport that leaves every answer, as it came, with a recording."""

from __future__ import annotations

from bot.feeds.transport import MOST_BYTES, Params, Response, Transport
from bot.record.tap import Tap


class RecordedTransport:
    """Asks through another transport and keeps what it answered; what failed is no answer."""

    def __init__(self, inner: Transport, tap: Tap, source: str) -> None:
        self._inner, self._tap, self._source = inner, tap, source

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        answer = await self._inner.get(path, params, most_bytes)
        self._tap.answered(self._source, path, params, answer.status, answer.headers, answer.body)
        return answer

    async def close(self) -> None:
        await self._inner.close()
