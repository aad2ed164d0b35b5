"""Error codes, each handed to whom its id belongs."""

from __future__ import annotations

from typing import Final

from bot.broker import words
from bot.broker.callbacks.hearing import ConnectionHearing
from bot.broker.requests import RequestRefused
from bot.domain.outside import outside

UNKNOWN_REQUEST_NOTICES: Final = frozenset({200, 300, 310, 10167, 2152})
"""What may come late for a request that was given up in the meantime."""


class ErrorCalls:
    """Error codes, each handed to whom its id belongs."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def error(self, request_id: int, code: int, text: str, reject_json: str = "") -> None:
        if self._hearing.muted:
            return
        text, reject_json = outside(text) if text else "", outside(reject_json) if reject_json else ""
        if request_id == -1:
            self._system(code, text)
        elif self._parts.what_ifs.error(request_id, code, text) or self._requests_end(request_id, code, text):
            return
        elif self._parts.market.is_mine(request_id):
            self._parts.market.trouble.error(request_id, code, text)
        elif not self._parts.desk.error(request_id, code, f"{text} {reject_json}".strip()):
            self._stray(request_id, code, text)

    def _system(self, code: int, text: str) -> None:
        if code == 326:
            self._hearing.refusal = f"another program holds client id {self._hearing.client_id}: {text}"
        self._parts.link.system(code, text)

    def _requests_end(self, request_id: int, code: int, text: str) -> bool:
        """An error ends the question that it came for; a warning does not."""
        if request_id not in self._hearing.requests:
            return False
        if code not in words.NOTICE_RANGE:
            self._hearing.requests.fail(request_id, RequestRefused(code, text))
        return True

    def _stray(self, request_id: int, code: int, text: str) -> None:
        if (
            self._parts.account.is_mine(request_id)
            or self._parts.position_pnl.is_mine(request_id)
            or code in UNKNOWN_REQUEST_NOTICES
        ):
            return
        facts = {"id": request_id, "code": code, "text": text}
        self._hearing.alert("STRAY_ERROR", f"error {code} for id {request_id}, which is nobody's: {text}", facts)
