"""The feed's transport straight into the face, for a replay: same paths, same bytes, no socket."""

from __future__ import annotations

from bot.feeds.outcome import Outcome
from bot.feeds.transport import MOST_BYTES, Params, Response, TransportFailed
from bot.sim.uw.routes import Repeated
from bot.sim.uw.server import UwFace


def refuse_repeated(body: bytes, most_bytes: int) -> None:
    """Raise TransportFailed for a body that is sent again and again and becomes too large, as a socket finds out."""
    if isinstance(body, Repeated) and (body.times == 0 or body.times * len(body) > most_bytes):
        raise TransportFailed(f"the answer is larger than {most_bytes} bytes", Outcome.TOO_LARGE)


class InProcessTransport:
    """Answers at once, from the same handlers as the socket."""

    def __init__(self, face: UwFace, token: str = "replay") -> None:  # noqa: S107 - no secret: the face takes any
        self.face, self._authorization = face, f"Bearer {token}"

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        reply = self.face.answer(path, params, self._authorization)
        refuse_repeated(reply.body, most_bytes)
        return Response(reply.status, reply.headers, reply.body)

    async def close(self) -> None:
        """Nothing is open."""
