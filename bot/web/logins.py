"""Logins: the token compared, visits signed, who is logged in remembered on this side, wrong tokens counted."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from bot.domain.actors import UNNAMED

FAILURES_ALLOWED: Final = 5
FAILURE_WINDOW_S: Final = 60.0
ADDRESSES_REMEMBERED: Final = 1024
LOGINS_REMEMBERED: Final = 64
SHORTEST_TOKEN: Final = 16

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptLogins:
    """What outlives a restart of the page in sim: the signing key, and each login's id with its time in seconds."""

    key: bytes = b""
    logins: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoginMemory:
    """A private file of logins. One that cannot be read or written costs the logins, never the page."""

    file: Path

    def read(self) -> KeptLogins:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            return KeptLogins(bytes.fromhex(found["key"]), {str(id_): float(at) for id_, at in found["logins"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return KeptLogins()

    def write(self, kept: KeptLogins) -> None:
        text = json.dumps({"key": kept.key.hex(), "logins": dict(kept.logins)})
        part = self.file.with_name(f"{self.file.name}.part")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            part.write_text(text, encoding="utf-8")
            part.replace(self.file)
        except OSError as error:
            _log.warning("logins will not outlive a restart: %s", error)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is looking: `user` is empty before the login; `id` is fresh at every login and keys the CSRF token."""

    id: str
    user: str
    since: float  # seconds of the door's clock

    @property
    def logged_in(self) -> bool:
        return bool(self.user)


class Doorkeeper:
    """Checks the login tokens (`token` names nobody, `named` are those of persons), counts failures, signs visits and
    remembers who is logged in.

    `seconds` gives the time in seconds; `session_seconds` is how long a login lasts. A cookie is worth something only
    while its login is remembered: logging out ends it on this side. Without `memory` a restart of the page ends every
    login; with it (in sim, where the token guards nothing but a simulation) logins outlive restarts.
    """

    def __init__(
        self,
        token: str,
        session_seconds: float,
        seconds: Callable[[], float],
        memory: LoginMemory | None = None,
        named: Mapping[str, str] | None = None,
    ) -> None:
        tokens = {**(named or {}), **({UNNAMED: token} if token else {})}
        self._tokens = {user: hashlib.sha256(each.encode()).digest() for user, each in tokens.items()}
        self._memory = memory
        kept = memory.read() if memory is not None else KeptLogins()
        self._key = kept.key or secrets.token_bytes(32)
        self._logins: OrderedDict[str, float] = OrderedDict(kept.logins)
        self._signer = URLSafeSerializer(self._key, salt="visit")
        self._session_seconds = session_seconds
        self._seconds = seconds
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def whose(self, token: str) -> str:
        """Return who logs in by this token, empty for nobody. Every token is compared, each in constant time; without a
        configured token nobody can log in."""
        given = hashlib.sha256(token.encode()).digest()
        found = [user for user, known in self._tokens.items() if hmac.compare_digest(given, known)]
        return found[-1] if found else ""

    def wait_seconds(self, address: str) -> float:
        """Return how long an address must wait after too many wrong tokens, 0 when it may try another."""
        tries = self._failures.get(address)
        if tries is None or len(tries) < FAILURES_ALLOWED:
            return 0.0
        return max(0.0, tries[0] + FAILURE_WINDOW_S - self._seconds())

    def count_failure(self, address: str) -> None:
        tries = self._failures.setdefault(address, deque(maxlen=FAILURES_ALLOWED))
        tries.append(self._seconds())
        self._failures.move_to_end(address)
        while len(self._failures) > ADDRESSES_REMEMBERED:
            self._failures.popitem(last=False)

    def new_visit(self, user: str = "") -> Visit:
        """Return a visit; one with a user is a login, and remembered."""
        visit = Visit(secrets.token_urlsafe(16), user, self._seconds())
        if user:
            self._logins[visit.id] = visit.since
            while len(self._logins) > LOGINS_REMEMBERED:
                self._logins.popitem(last=False)
            self._keep()
        return visit

    def end(self, visit: Visit) -> None:
        """Forget a login: its cookie, wherever it was copied to, is worth nothing any more."""
        if self._logins.pop(visit.id, None) is not None:
            self._keep()

    def _keep(self) -> None:
        if self._memory is not None:
            self._memory.write(KeptLogins(self._key, dict(self._logins)))

    def seal(self, visit: Visit) -> str:
        return str(self._signer.dumps([visit.id, visit.user, visit.since]))

    def unseal(self, cookie: str) -> Visit | None:
        """Return the visit of a cookie, None when it is forged, logged out, from before a restart, or too old."""
        try:
            visit_id, user, since = self._signer.loads(cookie)
            visit = Visit(str(visit_id), str(user), float(since))
        except (BadSignature, ValueError, TypeError):
            return None
        if visit.user and visit.id not in self._logins:
            return None
        return visit if 0 <= self._seconds() - visit.since <= self._session_seconds else None

    def csrf(self, visit: Visit) -> str:
        """Return the token that every POST of this visit must carry."""
        return hmac.new(self._key, f"csrf:{visit.id}".encode(), hashlib.sha256).hexdigest()

    def csrf_matches(self, visit: Visit, given: str) -> bool:
        return hmac.compare_digest(self.csrf(visit).encode(), given.encode())
