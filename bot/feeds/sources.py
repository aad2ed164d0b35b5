"""What `config/data_sources.yaml` may say: sources (who is asked, how, how much) and their endpoints, rows of a table.

A vendor is an entry with a base URL; a data set is an entry of its `endpoints`. Rows come from a typed parser of the
vendor's room, by its name, or from a reader that is declared with the endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, RootModel, field_validator, model_validator

from bot.config.section import AnswerAge, Fraction, Seconds, Section, TimeOfDay
from bot.feeds.declared import ReaderSettings
from bot.feeds.expansions import TICKER, UnknownPlaceholder, placeholders, refuse_unknown
from bot.feeds.phases import MarketState
from bot.feeds.rows import Reads
from bot.feeds.vendors import VENDORS, manners_of

Ticker = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,5}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ParamValue = str | int | float | bool | tuple[str, ...]
"""A list stands for the same parameter several times."""
_VARIABLE: Final = re.compile(r"^[A-Z][A-Z0-9_]*_(TOKEN|KEY|SECRET)$")
SHOWN: Final = 20
_NOT_A_VENDORS: Final = re.compile(r"^(WEB_|TELEGRAM_|DISCORD_|ANTHROPIC_|SMTP_|ALERT_|QUANTICITY_)")


class Priority(StrEnum):
    """Who goes without first when a limit is hit: the last of these."""

    CRITICAL = "critical"
    IMPORTANT = "important"
    NICE_TO_HAVE = "nice_to_have"
    BACKGROUND = "background"


class AuthSettings(Section):
    """How a source knows us. The secret itself is in the environment or in `.env`, under the name that `env` gives."""

    by: Literal["none", "bearer", "header", "query"] = "none"
    name: str = Field("", max_length=64, description="of the header or of the parameter")
    env: str = Field("", description="the environment variable that holds the secret")
    required: bool = Field(
        False, description="true: without the secret the bot does not start; false: then the source is off, told once"
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.by in {"header", "query"} and not self.name:
            raise ValueError(f"by {self.by} needs the name of the {'header' if self.by == 'header' else 'parameter'}")
        if (self.by == "none") == bool(self.env):
            raise ValueError("env names the variable of the secret, where there is one")
        if self.env and (not _VARIABLE.match(self.env) or _NOT_A_VENDORS.match(self.env)):
            raise ValueError(
                "env is a variable of this vendor alone, in capitals, that ends in _TOKEN, _KEY or _SECRET"
            )
        return self


class QuotaHeaders(Section):
    """Names of the headers in which a source tells what we have used; empty: it does not."""

    used: str = ""
    limit: str = ""
    minute_remaining: str = ""
    minute_reset_ms: str = Field("", description="milliseconds until its minute is over")


class QuotaSettings(Section):
    """How much a source gives in a day or a month, by its headers or by our own count, which survives a restart."""

    period: Literal["none", "day", "month"] = "none"
    limit: int = Field(0, ge=0, description="calls in a period, counted by ourselves; 0: what the headers say")
    reset_at: TimeOfDay = Field(time(0), description="New York")
    stop_nonessential_at: Fraction = Field(Decimal("0.8"), description="of the quota: from there on only critical data")
    headers: QuotaHeaders = QuotaHeaders()


class ClassSettings(Section):
    """What one priority may take and how often it is asked in each phase of the day."""

    share: int = Field(0, ge=0, description="calls a minute that are kept for it, as far as it needs them")
    attempts: int = Field(4, ge=1, le=10, description="in all, before the next regular call")
    regular_s: float = Field(0, ge=0, le=86_400, description="at least so far apart in the session; 0: as the endpoint")
    pre_market_s: float = Field(0, ge=0, le=86_400, description="the same from 04:00 to the open")
    after_hours_times: float = Field(
        2, ge=1, le=100, description="times the interval, in the four hours after the close"
    )
    closed_s: float = Field(0, ge=0, le=604_800, description="nights, weekends and holidays; 0: not asked")

    def every_s(self, state: MarketState, interval_s: float) -> float | None:
        """Return seconds between two calls in a phase, None where it is not asked."""
        if state is MarketState.CLOSED:
            return max(self.closed_s, interval_s) if self.closed_s else None
        if state is MarketState.AFTER_HOURS:
            return interval_s * self.after_hours_times
        return max(interval_s, self.pre_market_s if state is MarketState.PRE_MARKET else self.regular_s)


class PrioritySettings(Section):
    """The four classes, most important first."""

    critical: ClassSettings = ClassSettings(share=60, attempts=4, pre_market_s=300)
    important: ClassSettings = ClassSettings(share=40, attempts=3, pre_market_s=900)
    nice_to_have: ClassSettings = ClassSettings(share=10, attempts=1)
    background: ClassSettings = ClassSettings(share=0, attempts=1, regular_s=3600, closed_s=21_600)

    def of(self, priority: Priority) -> ClassSettings:
        """Return one class's settings."""
        found: ClassSettings = getattr(self, priority.value)
        return found


class ConditionSettings(Section):
    """When an endpoint is asked at all."""

    market_state: tuple[MarketState, ...] = Field(
        (), description="in these phases alone; empty: in all that its class has"
    )
    time_range: tuple[TimeOfDay, TimeOfDay] | None = Field(None, description="New York, from and up to")

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.time_range is not None and self.time_range[0] >= self.time_range[1]:
            raise ValueError("time_range ends before it begins")
        return self


class PagingSettings(Section):
    """How more than one page is asked for, while a page comes back full. `page`: by number; `time`: from the oldest row
    of the page before, backwards; `offset`: by the rows that came."""

    by: Literal["page", "time", "offset"] = "page"
    param: str = "page"
    most: int = Field(3, ge=1, le=20, description="pages")

    @model_validator(mode="after")
    def _can_catch_up(self) -> Self:
        if self.by == "time" and self.most < 2:
            raise ValueError("by time takes two pages at least: the last is for what earlier turns left")
        return self


class ChannelSettings(Section):
    """The channel of the source's stream that says the same as an endpoint's rows."""

    channel: str = Field(
        min_length=1,
        max_length=80,
        description="its name; `{ticker}`: the target's symbol, or each of all where the "
        "endpoint is asked for all at once",
    )
    ticker_field: str = Field("", max_length=64, description="where a row's ticker is, of a channel with everybody's")
    same: dict[str, str] = Field(
        default_factory=dict,
        description="fields of a message that say what the target's words say, `expiry: "
        '"{expiry:0-1}"` say; all others are left out',
    )
    at_least: dict[Name, float] = Field(
        default_factory=dict, description="numbers of a row, as it is read: those below are left out, as by REST"
    )

    def templates(self) -> tuple[str, ...]:
        """Return all that may have braces."""
        return self.channel, *self.same.values()


class StreamSettings(Section):
    """A source's WebSocket, below its base_url. Seconds are the machine's where the name says wall."""

    enabled: bool = Field(True, description="false: everything by REST")
    path: str = Field(pattern=r"^/")
    signs_as: str = Field("", max_length=64, description="the parameter that holds the secret; empty: none does")
    quiet_wall_s: Seconds = Field(90, description="a connection that says nothing for so long is lost")
    rest_every_s: Seconds = Field(300, description="REST beside a channel that is heard, to close its gaps")
    retry_base_wall_s: Seconds = Field(1, description="again after base, 2 x base, 4 x base ..., with jitter")
    retry_most_wall_s: Seconds = 60


class EndpointSettings(Section):
    """One endpoint: a data set. What may stand in braces in path and params: `bot/feeds/expansions.py`."""

    name: Name = Field(description="the data set's name on the board")
    path: str = Field(pattern=r"^/")
    parser: str = Field("", description="a typed parser of the vendor's room")
    reader: ReaderSettings | None = Field(None, description="a declared reader, in place of a parser")
    symbols: tuple[Ticker, ...] | None = Field(None, description="other than the source's list")
    expand: dict[Name, tuple[str, ...] | str] = Field(
        default_factory=dict, description="further places in braces, each with its values, or days to expiry as 0-2"
    )
    params: dict[str, ParamValue] = Field(default_factory=dict)
    interval_s: Seconds
    max_age_s: AnswerAge = Field(description="older than this is stale")
    priority: Priority = Priority.IMPORTANT
    enabled: bool = True
    cost_per_call: Decimal = Field(Decimal(0), ge=0, description="dollars")
    daily_cost_cap: Decimal = Field(Decimal(0), ge=0, description="dollars a New York day; 0: none")
    depends_on: tuple[Name, ...] = Field((), description="asked only while these of the same source are fresh")
    conditions: ConditionSettings = ConditionSettings()
    fallback: str = Field("", description="SOURCE.ENDPOINT whose rows stand in while this one has none that are fresh")
    paging: PagingSettings | None = None
    max_rows: int = Field(
        2000, ge=1, le=50_000, description="of a page without `limit`; an answer with more is refused unread"
    )
    max_body_bytes: int = Field(
        2_097_152, ge=1024, le=33_554_432, description="of an answer, unpacked; a larger one is refused unread"
    )
    cursor: str = Field("", description="the parameter that asks only for what is newer than the last row")
    keep_seconds: float = Field(0, ge=0, description="with a cursor: how long a row stays in the window")
    shown: int | None = Field(
        None, ge=0, le=500, description="rows that `feeds rows` and the page show; empty: 20 of a declared reader's"
    )
    stream: ChannelSettings | None = Field(None, description="where the source has a stream")
    overlap_s: float = Field(
        0, ge=0, le=3600, description="with a cursor: so far back it asks again, for rows that are told late"
    )
    keep_rows: int = Field(5000, ge=1, le=20_000, description="the newest rows of a target alone are kept")
    oldest_s: float = Field(0, ge=0, description="rows whose newest is older than this are `ancient`; 0: none is")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        own = placeholders(self.expand)
        try:
            channels = self.stream.templates() if self.stream is not None else ()
            for template in (self.path, *self.written_params(), *channels):
                refuse_unknown(template, own)
        except UnknownPlaceholder as error:
            raise ValueError(str(error)) from None
        if bool(self.parser) == (self.reader is not None):
            raise ValueError("rows come from a `parser` or from a `reader`: one of them")
        limit = self.params.get("limit")
        if self.paging is not None and not isinstance(limit, int):
            raise ValueError("paging needs a whole `limit` in params")
        if limit is not None and not (type(limit) is int and limit >= 1):
            raise ValueError("`limit` in params is a whole number, at least 1")
        if bool(self.cursor) != (self.keep_seconds > 0):
            raise ValueError("cursor and keep_seconds go together")
        if self.daily_cost_cap and not self.cost_per_call:
            raise ValueError("daily_cost_cap needs cost_per_call")
        return self

    @property
    def rows_shown(self) -> int:
        """Return how many rows of an answer people may read."""
        return self.shown if self.shown is not None else SHOWN if self.reader is not None else 0

    @property
    def by_ticker(self) -> bool:
        """Whether each symbol is asked for by itself."""
        braces = "{" + TICKER + "}"
        return any(braces in template for template in (self.path, *self.written_params()))

    def written_params(self) -> tuple[str, ...]:
        """Return what is said of all parameters, with braces."""
        values = self.params.values()
        return tuple(word for each in values for word in (each if isinstance(each, tuple) else (str(each),)))

    @property
    def rows_of_a_page(self) -> int:
        """Return how many rows an answer may have: what was asked for."""
        limit = self.params.get("limit")
        return limit if isinstance(limit, int) else self.max_rows

    @property
    def most_pages(self) -> int:
        return self.paging.most if self.paging else 1


class How(StrEnum):
    """How a data set is made of others (`bot/feeds/combining.py`)."""

    MERGE_ON_TIMESTAMP = "merge_on_timestamp"
    ECONOMIC_EVENTS = "economic_events"
    EARNINGS_DATES = "earnings_dates"
    MEAN_TICKER_SCORE = "mean_ticker_score"
    UNUSUAL_CONTRACTS = "unusual_contracts"


class AggregateSettings(Section):
    """A data set that is made of others, of the same source or, as SOURCE.ENDPOINT, of any.

    `merge_on_timestamp` puts rows of one minute (or of so many seconds) together, for each key that all sets have, with
    each set's fields under its name. `economic_events` and `earnings_dates` make one calendar of several: the first
    that has a value gives it, and where they differ is said. `mean_ticker_score` and `unusual_contracts` are worked out
    of each key of one set."""

    name: Name
    of: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")], ...] = Field(min_length=1)
    how: How = How.MERGE_ON_TIMESTAMP
    within_s: Seconds = 60
    max_age_s: AnswerAge
    shown: int = Field(100, ge=0, le=500, description="rows that `feeds rows` and the page show")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.how is How.MERGE_ON_TIMESTAMP and len(self.of) < 2:
            raise ValueError("merge_on_timestamp needs two data sets")
        if self.how in {How.MEAN_TICKER_SCORE, How.UNUSUAL_CONTRACTS} and len(self.of) != 1:
            raise ValueError(f"{self.how} is made of one data set")
        return self

    def members(self, home: str) -> tuple[tuple[str, str], ...]:
        """Return (source, data set) of what it is made of; `home` is the source that it stands at."""
        pairs = (name.partition(".") for name in self.of)
        return tuple((source, dataset) if dot else (home, source) for source, dot, dataset in pairs)


class EndpointBreakerSettings(Section):
    """After so many failures in a row an endpoint is left alone for a while, then tried with one request."""

    failures: int = Field(5, ge=1)
    open_seconds: Seconds = 60


class RetrySettings(Section):
    """A request that failed in passing is tried again after base, 2 x base, 4 x base ... seconds, each with jitter; how
    often is said by its priority."""

    base_seconds: Seconds = 1
    max_seconds: Seconds = 20


class SourceSettings(Section):
    """One vendor. Seconds are of the bot's clock unless the name says wall."""

    title: str = Field("", max_length=40, description="as people know it; empty: its name here")
    enabled: bool = True
    base_url: str = Field("", description="empty: nothing is asked, its data sets are made of others'")
    manners: str = Field("plain", description="the vendor's room in bot/feeds/vendors")
    auth: AuthSettings = AuthSettings()
    headers: dict[str, str] = Field(default_factory=dict, description="sent with each call")
    symbols: tuple[Ticker, ...] = ()
    max_in_flight: int = Field(2, ge=1, le=10)
    per_minute: int = Field(60, ge=1, description="our own stop; what the vendor's headers say goes before it")
    quota: QuotaSettings = QuotaSettings()
    priorities: PrioritySettings = PrioritySettings()
    request_timeout_wall_s: Seconds = 20
    min_wall_interval_s: Seconds = Field(0.2, description="one target is asked no more often, however fast the clock")
    report_seconds: Seconds = Field(15, description="a feed's row is renewed at least this often")
    breaker: EndpointBreakerSettings = EndpointBreakerSettings()
    retry: RetrySettings = RetrySettings()
    stream: StreamSettings | None = Field(None, description="a WebSocket, where the plan has one; REST fills its gaps")
    endpoints: tuple[EndpointSettings, ...] = ()
    aggregates: tuple[AggregateSettings, ...] = ()

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address like https://api.unusualwhales.com")
        return value

    @field_validator("manners")
    @classmethod
    def _has_a_room(cls, value: str) -> str:
        if value not in VENDORS:
            raise ValueError(f"one of {', '.join(VENDORS)}")
        return value

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [*(each.name for each in self.endpoints), *(each.name for each in self.aggregates)]
        if len(names) != len(set(names)):
            raise ValueError("two endpoints have the same name")
        if self.endpoints and not self.base_url:
            raise ValueError("endpoints need a base_url")
        parsers = manners_of(self.manners).parsers
        for each in self.endpoints:
            if each.parser and each.parser not in parsers:
                raise ValueError(f"{each.name}: parser is one of {', '.join(sorted(parsers))}")
            if unknown := sorted({*each.depends_on} - {*names}):
                raise ValueError(f"{each.name}: depends_on {unknown[0]}, which is no endpoint here")
            if each.by_ticker and not (each.symbols or self.symbols):
                raise ValueError(f"{each.name}: it is asked by ticker, and there are no symbols")
        for merged in self.aggregates:
            own = {name for name in merged.of if "." not in name}
            if unknown := sorted(own - {each.name for each in self.endpoints}):
                raise ValueError(f"{merged.name}: made of {unknown[0]}, which is no endpoint here")
        return self

    def parts_of(self, names: Collection[str]) -> dict[str, Any]:
        """Return the endpoints and aggregates of these names, with all that they are made of or wait for."""
        wanted, by_name = set[str](), {each.name: each for each in self.endpoints}
        aggregates = tuple(each for each in self.aggregates if each.name in names)
        todo = [*(name for name in by_name if name in names), *(name for each in aggregates for name in each.of)]
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += [other for other in by_name[name].depends_on if other in by_name]
        return {"endpoints": tuple(e for e in self.endpoints if e.name in wanted), "aggregates": aggregates}

    def reads(self, endpoint: EndpointSettings) -> Reads:
        """Return what makes rows of an endpoint's answers."""
        if endpoint.reader is not None:
            return endpoint.reader.compiled()
        return manners_of(self.manners).parsers[endpoint.parser]


class DataSources(RootModel[dict[Name, SourceSettings]]):
    """The whole file, source by source: the section `sources` of the configuration."""

    root: dict[Name, SourceSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sets_differ(self) -> Self:
        where: dict[str, str] = {}
        for source, settings in self.root.items():
            for name in (*(each.name for each in settings.endpoints), *(each.name for each in settings.aggregates)):
                if name in where:
                    raise ValueError(f"{name} is a data set of {where[name]} and of {source}: name one anew")
                where[name] = source
        for source, settings in self.root.items():
            for each in settings.endpoints:
                self._check_fallback(source, each)
        return self

    def has(self, source: str, dataset: str) -> bool:
        """Say whether a source has such an endpoint. An aggregate goes without one of another source's that is not
        there, and says so: to take a vendor out is no reason to rewrite a calendar."""
        return source in self.root and any(each.name == dataset for each in self.root[source].endpoints)

    def _check_fallback(self, source: str, endpoint: EndpointSettings) -> None:
        if not endpoint.fallback:
            return
        other, _, name = endpoint.fallback.partition(".")
        if other == source or other not in self.root or name not in {e.name for e in self.root[other].endpoints}:
            raise ValueError(f"{source}.{endpoint.name}: fallback {endpoint.fallback} is no endpoint of another source")

    def enabled(self) -> dict[str, SourceSettings]:
        """Return the sources that are asked."""
        return {name: each for name, each in self.root.items() if each.enabled}

    def only(self, names: Collection[str]) -> DataSources:
        """Return the same with these data sets alone, and those that they are made of or wait for."""
        return DataSources.model_construct(
            root={source: each.model_copy(update=each.parts_of(names)) for source, each in self.root.items()}
        )


def title_of(name: str, settings: SourceSettings) -> str:
    return settings.title or name
