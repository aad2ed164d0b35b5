"""Secrets: where they come from, how they stay out of every text, and how one that strayed into YAML is recognised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from bot.domain.actors import LOGIN_VARIABLE
from bot.domain.outside import TELLING_NAME, host_only, redact

_SECRET_KEY: Final = re.compile(
    rf"{TELLING_NAME}|passw|authorization|webhook|(?:^|_)(?:auth|pass|pat|dsn|cookie|jwt)$|_key$", re.IGNORECASE
)

DISCORD_WEBHOOK: Final = re.compile(
    r"^https?://[^/\s]+/api/(?:v\d+/)?webhooks/(?P<id>\d{15,20})/(?P<token>[\w-]{20,100})/?$"
)
"""The address of a Discord webhook, as Discord shows it for copying."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the environment or `.env` may hold; None is not given. Variables are the fields in capitals."""

    unusual_whales_token: str | None = field(default=None, repr=False)
    web_login_token: str | None = field(default=None, repr=False)
    telegram_bot_token: str | None = field(default=None, repr=False)
    discord_bot_token: str | None = field(default=None, repr=False)
    discord_webhook_url: str | None = field(default=None, repr=False)
    anthropic_api_key: str | None = field(default=None, repr=False)
    smtp_username: str | None = field(default=None, repr=False)
    smtp_password: str | None = field(default=None, repr=False)
    alert_hook_secret: str | None = field(default=None, repr=False)
    web_login_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of persons, by their variable (`WEB_LOGIN_TOKEN_ANN`)."""
    of_vendors: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By the variables that data_sources.yaml names."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], vendors: Iterable[str] = ()) -> Secrets:
        """Take the variables that are set and not blank; `vendors`: those that the data sources name."""
        found = {name: environ.get(name.upper(), "").strip() or None for name in cls._single()}
        named = {name: value for name in vendors if (value := environ.get(name, "").strip())}
        return cls(**found, web_login_tokens=login_tokens_of(environ), of_vendors=named)

    def of_vendor(self, variable: str) -> str | None:
        """Return the secret of a data source by its variable, None where it is not set."""
        if variable == "UNUSUAL_WHALES_TOKEN":
            return self.unusual_whales_token
        return self.of_vendors.get(variable)

    @classmethod
    def variables(cls) -> list[str]:
        """Return the names of the environment variables."""
        return [*(name.upper() for name in cls._single()), f"{LOGIN_VARIABLE}<NAME>"]

    @classmethod
    def _single(cls) -> list[str]:
        return [each.name for each in fields(cls) if each.type == "str | None"]

    def given(self) -> Iterator[tuple[str, str]]:
        """Yield (field, secret) of those that are set."""
        yield from ((name, value) for name in self._single() if (value := getattr(self, name)))

    def __iter__(self) -> Iterator[str]:
        """Yield every secret that is set: what a log has to leave out."""
        yield from (value for name in self._single() if (value := getattr(self, name)))
        if self.discord_webhook_url:
            yield self.discord_webhook_url.rstrip("/").rpartition("/")[2]  # the part of the address that is the secret
        yield from self.web_login_tokens.values()
        yield from self.of_vendors.values()


def login_tokens_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the login tokens of persons by the name of their variable; blank ones are not set."""
    found = {name: value.strip() for name, value in environ.items() if name.startswith(LOGIN_VARIABLE)}
    return {name: value for name, value in found.items() if value}


def looks_secret(key: str) -> bool:
    """Say whether a setting or a variable of this name would hold a secret (`token`, `SMTP_PASSWORD`, `PGPASSFILE`,
    `github_pat`, ...)."""
    return bool(_SECRET_KEY.search(key))


def holds_password(value: Any) -> bool:
    """Say whether a value holds what looks like a secret: an address with a password, a user or a telling parameter in
    it, or a text that is a key by its form."""
    return isinstance(value, str) and redact(value) != value


def is_private_address(value: str) -> bool:
    """Say whether a value is an address on which more than scheme and host may be private. A file's is none."""
    return "://" in value and host_only(value) != value


def without_passwords(text: str) -> str:
    """Return a text that shows `***` in place of what looks like a secret."""
    return redact(text)


def shown(value: Any) -> Any:
    """Return settings as they may be kept and shown: each text in them without what looks like a secret, monitors'
    addresses as scheme and host."""
    if isinstance(value, Mapping):
        return {
            key: host_only(inner) if isinstance(inner, str) and str(key) in _MONITORS else shown(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [shown(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value


_MONITORS: Final = frozenset({"dead_man_url"})
