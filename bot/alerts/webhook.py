"""A receiver of JSON for everything else: the row of the channel `webhook` and its deliverer.

Each message is one POST with `Idempotency-Key` (the message's id, the same at every attempt) and, where
ALERT_HOOK_SECRET is set, `X-Quanticity-Signature: t=UNIX,v1=HEX`: HMAC-SHA256 of `t.rawbody`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from bot.alerts.outcomes import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.clocks.clock import wall_seconds
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.engine.outbox.voice import Channel, MessageTarget

if TYPE_CHECKING:
    import aiohttp

    from bot.alerts.ground import PeopleGround

NAME: Final = "webhook"
CHANNEL: Final = Channel(NAME, per_minute=600, longest=20_000, lists=False)
SIGNATURE: Final = "X-Quanticity-Signature"
_CONNECT_S: Final = 10.0
_TOTAL_S: Final = 20.0
_LIMITED, _SERVER_FAULT, _DONE = 429, 500, 300
_LATER_S: Final = 60.0


def targets(settings: Settings, secrets: Secrets) -> Iterable[MessageTarget]:
    """Return the receivers of the settings."""
    return tuple(MessageTarget(NAME, name) for name in settings.alerts.receivers)


def make(ground: PeopleGround) -> WebhookDeliverer:
    """Return the deliverer of a ground."""
    return WebhookDeliverer(ground)


def body_of(message: Outgoing) -> bytes:
    """Return the JSON of a message: id, kind, tier, mode, text, and what the alert or the trade is."""
    about = {name: value for name, value in message.extra.items() if name != "buttons"}
    told = {
        "id": message.id, "kind": message.kind, "tier": message.tier, "mode": message.mode.value,
        "text": message.body, **about,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str).encode()


def signature(secret: str, at: int, body: bytes) -> str:
    """Return the header's value for a body that is sent at an epoch second."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class WebhookDeliverer:
    """Follows no redirection and no proxy of the environment."""

    def __init__(self, ground: PeopleGround) -> None:
        self._places = dict(ground.settings.alerts.receivers)
        self._secret = ground.secrets.alert_hook_secret
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt."""
        import aiohttp

        place = self._places.get(message.target)
        if place is None:
            return refused(f"no receiver is called {message.target} in the settings (alerts.receivers)")
        body = body_of(message)
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, int(wall_seconds()), body)
        try:
            async with self._opened().post(place, data=body, headers=headers, allow_redirects=False) as answer:
                if answer.status < _DONE and answer.content_type == "text/html":
                    return unknown("a page answered, not the receiver")
                return _outcome(answer.status, answer.headers.get("Retry-After"), message.id)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            return failed(f"{message.target} cannot be reached: {type(error).__name__}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return unknown(f"{message.target} did not answer: {type(error).__name__}")

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_TOTAL_S, sock_connect=_CONNECT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False)
        return self._session


def _outcome(status: int, retry_after: str | None, message_id: str) -> DeliveryOutcome:
    if status < _DONE:
        return delivered(message_id)
    if status == _LIMITED:
        return failed("it asks us to wait", _seconds(retry_after))
    if status >= _SERVER_FAULT:
        return unknown(f"it answered {status}")
    if status in {401, 403, 407, 408}:
        return failed(f"it answered {status}", _LATER_S)
    return refused(f"it answered {status}")


def _seconds(given: Any) -> float:
    text = str(given or "")
    return float(text) if text.isdigit() else _LATER_S
