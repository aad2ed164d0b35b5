"""The feed's transport straight into the face, for a replay: same paths, same bytes, no socket."""

from __future__ import annotations

from bot.feeds.transport import MOST_BYTES, Params, Response
from bot.sim.uw.server import UwFace


class InProcessTransport:
    """Answers at once, from the same handlers as the socket."""

    def __init__(self, face: UwFace, token: str = "replay") -> None:  # noqa: S107 - no secret: the face takes any
        self.face, self._authorization = face, f"Bearer {token}"

    async def get(self, path: str, params: Params, most_bytes: int = MOST_BYTES) -> Response:
        reply = self.face.answer(path, params, self._authorization)
        return Response(reply.status, reply.headers, reply.body)

    async def close(self) -> None:
        """Nothing is open."""
