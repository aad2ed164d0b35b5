"""One GET to a vendor: a port with three fields back, and its real form over aiohttp.

The port is what lets a replay ask a simulated vendor in the same process with the same fetching and parsing code.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from bot.domain.errors import BotError
from bot.domain.outside import outside
from bot.feeds.outcome import Outcome

if TYPE_CHECKING:
    import aiohttp

USER_AGENT: Final = "Quanticity/0.1 (aiohttp)"
"""Edges refuse the default agents of HTTP libraries."""
MOST_BYTES: Final = 2 * 1024 * 1024
"""Of an answer, unpacked, where nothing else is said."""
_CHUNK: Final = 64 * 1024
_WINDOW_BITS: Final[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportFailed(BotError):
    """No answer came: refused, reset, timed out, or too big. Trying again may help."""

    def __init__(self, words: str, outcome: Outcome = Outcome.NO_ANSWER) -> None:
        super().__init__(words)
        self.outcome = outcome


class Transport(Protocol):
    """Anything that answers a GET."""

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        """Return the answer of whatever status; raises TransportFailed when there is none, or more than `most_bytes`
        of it."""
        ...

    async def close(self) -> None: ...


class AiohttpTransport:
    """HTTP to one host. Redirects are not followed: what identifies us is for this host alone.

    `headers` and `params` go with each call; the latter may hold a secret, and are in nothing that is said of a call.
    aiohttp is loaded with the first question: at a start the broker's book comes first, and loading takes a while.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str] | None = None, params: Params = (), *, timeout_s: float = 20.0
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": USER_AGENT,
            **(headers or {}),
        }
        self._params = list(params)
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        import aiohttp

        session = self._open()
        try:
            async with session.get(
                self._base_url + path, params=[*params, *self._params], allow_redirects=False
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                body = await _read(answer, headers.get("content-encoding", ""), most_bytes)
                return Response(answer.status, headers, body)
        except TimeoutError:
            raise TransportFailed(f"no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, zlib.error, ValueError) as error:
            raise TransportFailed(f"{type(error).__name__}: {self._without_secrets(outside(error))}") from None

    def _without_secrets(self, words: str) -> str:
        for _, value in self._params:
            words = words.replace(value, "***") if value else words
        return words

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, auto_decompress=False)
        return self._session


async def _read(answer: aiohttp.ClientResponse, encoding: str, most_bytes: int) -> bytes:
    """Return the body, unpacked by ourselves: the library would unpack a bomb before it is asked how large it is."""
    if (answer.content_length or 0) > most_bytes:
        answer.close()
        raise TransportFailed(
            f"the answer says that it has {answer.content_length} bytes, {most_bytes} at most are read",
            Outcome.TOO_LARGE,
        )
    unpack = _Unpacking(encoding, most_bytes)
    while chunk := await answer.content.read(_CHUNK):
        try:
            unpack.take(chunk)
        except TransportFailed:
            answer.close()  # what else comes is not wanted
            raise
    return unpack.whole()


class _Unpacking:
    """Collects a body piece by piece, never more than so many bytes of it."""

    def __init__(self, encoding: str, most_bytes: int) -> None:
        named = encoding.strip().lower()
        if named not in {"", "identity", *_WINDOW_BITS}:
            raise TransportFailed(f"the answer is packed in a way that was not asked for: {outside(encoding, 40)}")
        self._unpacker = zlib.decompressobj(_WINDOW_BITS[named]) if named in _WINDOW_BITS else None
        self._most = most_bytes
        self._body = bytearray()

    def take(self, chunk: bytes) -> None:
        """Add a piece; raises TransportFailed when the whole becomes too large, `zlib.error` for a broken packing."""
        if self._unpacker is None:
            self._body += chunk
        else:
            self._body += self._unpacker.decompress(chunk, self._most + 1 - len(self._body))
        if len(self._body) > self._most:
            raise TransportFailed(f"the answer is larger than {self._most} bytes", Outcome.TOO_LARGE)

    def whole(self) -> bytes:
        """Return the body; raises TransportFailed when its packing has not ended."""
        if self._unpacker is not None and self._body and not self._unpacker.eof:
            raise TransportFailed("the answer ended in the midst of its packing")
        return bytes(self._body)
