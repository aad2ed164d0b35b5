"""What `config/data_sources.yaml` may say: one vendor's manners, and its datasets as rows of a table.

A new dataset of a known shape is an entry in the file; a new shape is a parser and an entry.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bot.config.section import Fraction, Seconds, Section
from bot.feeds.uw_parsers import PARSERS

_PLACEHOLDERS: Final = {"symbol", "symbols", "today"}


class Priority(StrEnum):
    """Who goes without first: only essential data are asked for once the daily quota runs low."""

    ESSENTIAL = "essential"
    NORMAL = "normal"


class Scope(StrEnum):
    SYMBOL = "symbol"  # one request per symbol
    MARKET = "market"  # one for all


class DatasetSettings(Section):
    """One endpoint. `{symbol}`, `{symbols}` (comma list) and `{today}` (New York) are filled in path and params."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the dataset's name on the board")
    path: str = Field(pattern=r"^/")
    parser: str
    scope: Scope = Scope.SYMBOL
    symbols: tuple[str, ...] | None = Field(None, description="other than the vendor's list")
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)
    poll_seconds: Seconds
    max_age_seconds: Seconds = Field(description="older than this is stale")
    priority: Priority = Priority.NORMAL
    enabled: bool = True
    max_pages: int = Field(1, ge=1, le=20, description="ask on while a page comes back full; needs `limit` in params")
    max_rows: int = Field(
        2000, ge=1, le=20_000, description="of a page without `limit`; an answer with more is refused unread"
    )
    max_body_bytes: int = Field(
        2_097_152, ge=1024, le=33_554_432, description="of an answer, unpacked; a larger one is refused unread"
    )
    cursor: str = Field("", description="the parameter that asks only for what is newer than the last row")
    keep_seconds: float = Field(0, ge=0, description="with a cursor: how long a row stays in the window")

    @field_validator("parser")
    @classmethod
    def _parser_exists(cls, value: str) -> str:
        if value not in PARSERS:
            raise ValueError(f"one of {', '.join(sorted(PARSERS))}")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        try:
            for template in (self.path, *map(str, self.params.values())):
                template.format(**dict.fromkeys(_PLACEHOLDERS, ""))
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"only {', '.join(sorted(_PLACEHOLDERS))} may stand in braces") from None
        if (self.scope is Scope.SYMBOL) != ("{symbol}" in self.path):
            raise ValueError("scope symbol needs {symbol} in path, scope market must not have it")
        if self.max_pages > 1 and not isinstance(self.params.get("limit"), int):
            raise ValueError("max_pages above 1 needs a whole `limit` in params")
        if (limit := self.params.get("limit")) is not None and not (type(limit) is int and limit >= 1):
            raise ValueError("`limit` in params is a whole number, at least 1")
        if bool(self.cursor) != (self.keep_seconds > 0):
            raise ValueError("cursor and keep_seconds go together")
        return self

    @property
    def rows_of_a_page(self) -> int:
        """Return how many rows an answer may have: what was asked for."""
        limit = self.params.get("limit")
        return limit if isinstance(limit, int) else self.max_rows


class BreakerSettings(Section):
    """After so many failures in a row an endpoint is left alone for a while, then tried with one request."""

    failures: int = Field(5, ge=1)
    open_seconds: Seconds = 60


class RetrySettings(Section):
    """A request that failed in passing is tried again after base, 2 x base, 4 x base ... seconds, each with jitter."""

    attempts: int = Field(4, ge=1, le=10, description="in all, before the next regular poll")
    base_seconds: Seconds = 1
    max_seconds: Seconds = 20


class UwSettings(Section):
    """Unusual Whales. Seconds are of the bot's clock unless the name says wall."""

    base_url: str = "https://api.unusualwhales.com"
    symbols: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,5}$")], ...] = ("SPX", "SPY", "QQQ", "IWM")
    max_in_flight: int = Field(2, ge=1, le=10, description="the vendor refuses the fourth")
    per_minute: int = Field(100, ge=1)
    stop_nonessential_at: Fraction = Field(Decimal("0.8"), description="of the daily quota")
    request_timeout_wall_s: Seconds = 20
    min_wall_interval_s: Seconds = Field(0.2, description="one target is asked no more often, however fast the clock")
    report_seconds: Seconds = Field(15, description="the feed's row is renewed at least this often")
    before_open_seconds: float = Field(600, ge=0, description="polling begins this long before the open")
    after_close_seconds: float = Field(900, ge=0, description="and ends this long after the close")
    breaker: BreakerSettings = BreakerSettings()
    retry: RetrySettings = RetrySettings()
    datasets: tuple[DatasetSettings, ...] = ()

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address like https://api.unusualwhales.com")
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [dataset.name for dataset in self.datasets]
        if len(names) != len(set(names)):
            raise ValueError("two datasets have the same name")
        return self


class DataSources(Section):
    """The whole file: the section `sources` of the configuration."""

    unusual_whales: UwSettings = UwSettings()
