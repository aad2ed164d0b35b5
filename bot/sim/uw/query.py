"""Query parameters as the vendor reads them: unknown ones are ignored, wrong ones are 422 with a message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

Params = Sequence[tuple[str, str]]

DEFAULT_LIMIT: Final = 500
FALL_BACK_LIMIT: Final = 50
_MILLISECONDS_FROM: Final = 100_000_000_000
_FLAGS: Final = {"true": True, "false": False}


class BadParameter(ValueError):
    """A parameter that the vendor answers with 422; the text is its `msg`."""


class Query:
    """The parameters of one request; where a key comes twice, the last one counts unless all are asked for."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._last = dict(params)

    def __str__(self) -> str:
        return "&".join(f"{name}={value}" for name, value in self._params)

    def text(self, name: str) -> str | None:
        return self._last.get(name) or None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._params if key == name and value]

    def commas(self, name: str) -> list[str]:
        return [part.strip() for part in (self.text(name) or "").split(",") if part.strip()]

    def day(self, name: str) -> date | None:
        return _day(name, self.text(name))

    def days(self, name: str) -> list[date]:
        found = [_day(name, value) for value in self.all(name)]
        return [day for day in found if day is not None]

    def number(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return Decimal(value)
        except InvalidOperation:
            raise BadParameter(f"{name} is invalid: {value} is not a number") from None

    def whole(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise BadParameter(f"{name} is invalid: {value} is not an integer") from None

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value not in _FLAGS:
            raise BadParameter(f"{name} is invalid: expected true or false")
        return _FLAGS[value]

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise BadParameter(f"{name} is invalid: expected one of {', '.join(allowed)}")
        return value

    def instant(self, name: str) -> datetime | None:
        """Read a time bound: unix seconds or milliseconds, an ISO date, or RFC 3339."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if value.isdigit():
                number = float(value)
                return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
            at = datetime.fromisoformat(value)
        except (ValueError, OverflowError, OSError):
            raise BadParameter(f"{name} is invalid: expected a unix time, a date or an RFC 3339 time") from None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

    def page(self, *, default: int = DEFAULT_LIMIT, most: int = DEFAULT_LIMIT) -> slice:
        """Return the rows of the page asked for. A limit above the most is answered with 50 rows, not with 422."""
        limit = self.whole("limit")
        limit = default if limit is None else limit
        if limit < 1:
            raise BadParameter("limit is invalid: must be at least 1")
        if limit > most:
            limit = FALL_BACK_LIMIT
        page = self.whole("page") or 0
        if page < 0:
            raise BadParameter("page is invalid: must not be negative")
        return slice(page * limit, (page + 1) * limit)


def _day(name: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadParameter(f"{name} is invalid: expected YYYY-MM-DD") from None
