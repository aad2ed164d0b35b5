"""One GET to a vendor: a port with three fields back, and its real form over aiohttp.

The port is what lets a replay ask a simulated vendor in the same process with the same fetching and parsing code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from bot.domain.errors import BotError
from bot.domain.outside import outside

if TYPE_CHECKING:
    import aiohttp

USER_AGENT: Final = "Quanticity/0.1 (aiohttp)"
MAX_BODY_BYTES: Final = 32 * 1024 * 1024

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportFailed(BotError):
    """No answer came: refused, reset, timed out, or too big. Trying again may help."""


class Transport(Protocol):
    """Anything that answers a GET."""

    async def get(self, path: str, params: Params) -> Response:
        """Return the answer of whatever status; raises TransportFailed when there is none."""
        ...

    async def close(self) -> None: ...


class AiohttpTransport:
    """HTTP with a bearer token. Redirects are not followed: the token is for this host alone.

    aiohttp is loaded with the first question: at a start the broker's book comes first, and loading takes a while.
    """

    def __init__(self, base_url: str, token: str, *, timeout_s: float = 20.0) -> None:
        self._base_url = base_url.rstrip("/")
        # The vendor's edge refuses the default agents of HTTP libraries (403, code 1010).
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            "UW-CLIENT-API-ID": "100001",
        }
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, params: Params) -> Response:
        import aiohttp

        session = self._open()
        try:
            async with session.get(self._base_url + path, params=list(params), allow_redirects=False) as answer:
                body = bytearray()
                while len(body) <= MAX_BODY_BYTES and (chunk := await answer.content.read(MAX_BODY_BYTES)):
                    body += chunk
                headers = {name.lower(): value for name, value in answer.headers.items()}
                status = answer.status
        except TimeoutError:
            raise TransportFailed(f"no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TransportFailed(f"{type(error).__name__}: {outside(error)}") from error
        if len(body) > MAX_BODY_BYTES:
            raise TransportFailed(f"the answer is larger than {MAX_BODY_BYTES} bytes")
        return Response(status, headers, bytes(body))

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self._session
