"""Secrets: where they come from, how they stay out of every text, and how one that strayed into YAML is recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

_SECRET_KEY: Final = re.compile(
    r"(^|_)(token|secret|password|passwd|passphrase|api_?key|private_key|credentials?|authorization)s?$", re.IGNORECASE
)
_USERINFO: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^/@\s:]*):(?P<password>[^/@\s]+)@", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the environment or `.env` may hold; None is not given. Variables are the fields in capitals."""

    unusual_whales_token: str | None = field(default=None, repr=False)
    web_login_token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Secrets:
        """Take the variables that are set and not blank."""
        found = {each.name: environ.get(each.name.upper(), "").strip() or None for each in fields(cls)}
        return cls(**found)

    @classmethod
    def variables(cls) -> list[str]:
        """Return the names of the environment variables."""
        return [each.name.upper() for each in fields(cls)]

    def __iter__(self) -> Iterator[str]:
        """Yield every secret that is set: what a log has to leave out."""
        yield from (value for each in fields(self) if (value := getattr(self, each.name)))


def looks_secret(key: str) -> bool:
    """Say whether a setting of this name would hold a secret (`token`, `api_key`, `smtp_password`, ...)."""
    return bool(_SECRET_KEY.search(key))


def holds_password(value: Any) -> bool:
    """Say whether a value is an address with a password in it."""
    return isinstance(value, str) and bool(_USERINFO.search(value))


def without_passwords(text: str) -> str:
    """Return a text whose addresses show `***` in place of their passwords."""
    return _USERINFO.sub(r"\g<scheme>\g<user>:***@", text)
