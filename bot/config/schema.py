"""Every setting with its unit, its bounds and its default. Fractions are fractions (0.02 is two percent), times are New
York.

Unknown keys are refused. The loader turns a refusal into one sentence: file, key, value, what is allowed.
"""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from bot.config.alerts import AlertSettings
from bot.config.discovery import DiscoveredSettings, DiscoverySettings
from bot.config.exits import ExitsSettings
from bot.config.exposure import ExposureSettings
from bot.config.ideas.together import StrategiesSettings
from bot.config.overseer import OverseerSettings
from bot.config.risk import ExecutionSettings, RiskSettings
from bot.config.section import (
    ANEW,
    AT_START,
    INPUT_WALL_S,
    LIVE,
    Answered,
    AtLeastWall,
    Fraction,
    Seconds,
    Section,
    TimeOfDay,
    TwiceAnswered,
)
from bot.config.sizing import SizingSettings
from bot.config.strategies import SESSION_CLOSES, SESSION_OPENS
from bot.config.universe import UniverseSettings
from bot.domain.actors import PERSONS, UNNAMED, Person, Role
from bot.domain.addresses import is_loopback


def _of_a_person(role: Role) -> Role:
    if role not in PERSONS:
        raise ValueError(f"{role} is no role of a person: owner, operator, approver, viewer")
    return role


PersonsRole = Annotated[Role, AfterValidator(_of_a_person)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _day(value: object) -> object:
    if (isinstance(value, str) and not _DATE.fullmatch(value)) or isinstance(value, int | float):
        raise ValueError('must be a day as "YYYY-MM-DD"')
    return value


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
Day = Annotated[date, BeforeValidator(_day)]


class Mode(StrEnum):
    SIM = "sim"
    PAPER = "paper"
    LIVE = "live"


class DatabaseSettings(Section):
    url: str = Field("sqlite+aiosqlite:///data/quanticity.db", description="SQLAlchemy address of the store")
    backup_dir: str = Field("", description="where backups are kept; empty: beside the store, in <store>.backups")
    backup_every_hours: float = Field(
        24, ge=0, le=168, description="of the clock; also after the close; 0: no backups by the clock"
    )
    backup_keep_days: int = Field(7, ge=1, le=3650, description="older ones are removed, but never the newest")
    backup_most_mb: int = Field(
        2000, ge=10, le=10_000_000, description="all backups together; the oldest go first, the newest never"
    )
    keep_account_days: int = Field(
        400, ge=0, le=36500, description="account values in full; of older days first, last and extremes; 0: all"
    )
    keep_mark_days: int = Field(90, ge=0, le=36500, description="price paths of closed positions; 0: for ever")
    keep_job_days: int = Field(30, ge=0, le=36500, description="marks of scheduled jobs; 0: for ever")
    keep_comparison_days: int = Field(30, ge=0, le=36500, description="comparisons with the broker's book; 0: for ever")
    free_mb_least: int = Field(
        500, ge=0, le=10_000_000, description="less room on the store's disk: an alert and no entries; 0: never"
    )
    retry_for_s: Seconds = Field(1800, description="a full or failing disk is waited for so long, in wall seconds")


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class RestartWindow(Section):
    """A time of day, New York's, in which the gateway restarts or asks for a login; `days` are those it begins on."""

    name: str
    begins: TimeOfDay
    ends: TimeOfDay
    days: tuple[Weekday, ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip
    needs_login: bool = Field(False, description="a person has to log in to the gateway after it")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begins == self.ends:
            raise ValueError(f"begins and ends are both {self.begins:%H:%M}: that is no window, or the whole day")
        return self


class IbkrSettings(Section):
    """Where TWS or the gateway listens and who we are there."""

    host: str = "127.0.0.1"
    port: Port = 7497
    client_id: Annotated[int, AT_START] = Field(
        17, ge=1, le=999, description="fixed for life: only this id can cancel its orders"
    )
    account: Annotated[str, AT_START] = Field("", description="the account to trade; live needs it spelled out")
    handshake_timeout_s: Seconds = 10
    request_timeout_s: Seconds = 10
    probe_every_s: Seconds = 30
    line_quiet_s: Seconds = Field(
        10, description="lines that are silent for so long after a word about them or their farm are lost, wall seconds"
    )
    retry_most_s: float = Field(15, ge=0.5, le=300, description="attempts to connect are never further apart")
    restart_windows: tuple[RestartWindow, ...] = Field(
        (
            RestartWindow(name="nightly reset", begins=time(23, 40), ends=time(0, 45)),
            RestartWindow(name="weekly login", begins=time(1), ends=time(3), days=("sun",), needs_login=True),
        ),
        description="nothing is sent while the gateway may restart",
    )
    login_grace_s: Seconds = Field(3600, description="a login that is missing for so long after its window is told of")
    quiet_before_restart_s: Seconds = Field(300, description="no entries so long before a restart window")
    tws_zone: str = Field("America/New_York", description="the zone of execution times that TWS tells without one")
    line_budget: int = Field(100, ge=4, le=500, description="market data lines that we use at most")
    depth_budget: int = Field(3, ge=0, le=60)
    chain_lines: int = Field(8, ge=0, le=500, description="of line_budget at most for chains around the money")
    chain_snapshot_s: float = Field(
        15, ge=1, le=3600, description="a chain's contract without a line is asked once so often, wall seconds"
    )

    @field_validator("tws_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError("must be a zone like America/New_York or Europe/Berlin") from error
        return value


class Adopt(StrEnum):
    """What is taken over of the broker's holdings that the store does not know."""

    OURS = "ours"
    ASK = "ask"
    ALL = "all"


class EngineSettings(Section):
    tick_seconds: Seconds = Field(0.25, description="a tick at least this often, in seconds of the clock")
    min_tick_wall_seconds: float = Field(
        0.02, ge=0.001, le=1, description="and no more often than this, in wall seconds"
    )
    stop_wall_seconds: Annotated[float, ANEW] = Field(
        4.0, ge=1, le=600, description="a stop that takes longer is cut short; the next start recovers"
    )
    ack_seconds: Answered = Field(10, description="an order unanswered for so long becomes unknown")
    doubt_alert_s: TwiceAnswered = Field(
        30, description="an order in doubt for so long is told of, again every 5 minutes"
    )
    not_tradable_alert_s: Seconds = Field(300, description="no entry allowed in the session for so long is told of")
    absence_grace_s: Annotated[Seconds, AtLeastWall(INPUT_WALL_S)] = Field(
        2, description="an order is absent when two books this far apart lack it"
    )
    adopt: Adopt = Field(
        Adopt.ASK,
        description="holdings that nothing proves ours: ours = never taken over, ask = a person is asked, all = taken",
    )
    reconcile_seconds: Seconds = Field(300, description="the book is compared with the broker's at least this often")
    status_wall_seconds: Seconds = Field(
        1, description="page and health check are refreshed this often, in wall seconds"
    )
    mark_seconds: Seconds = Field(15, description="one point of a position's price path this often")
    account_snapshot_seconds: Seconds = 60
    settlement_evening: TimeOfDay = Field(
        time(16, 30), description="what expired is settled; as long after an early close"
    )
    settlement_morning: TimeOfDay = Field(time(9), description="and looked at again, before the next session opens")
    record: Annotated[bool, ANEW] = Field(False, description="keep a recording of everything received")
    record_dir: Annotated[str, ANEW] = Field(
        "data/recordings", min_length=1, description="where recordings are kept, a folder a day"
    )
    record_keep_days: Annotated[int, ANEW] = Field(
        30, ge=0, le=36_500, description="older recordings are removed; 0: none is"
    )
    clock_tolerance_s: Annotated[Seconds, ANEW] = Field(
        1, description="the machine's clock may differ so much from the steady time; more is a jump: no entries"
    )
    broker_clock_limit_s: TwiceAnswered = Field(
        30, description="our clock may differ so much from the broker's; more: no entries, nothing by the time of day"
    )
    kill_switch_file: Annotated[str, ANEW] = Field(
        "", description="while this file exists no entry leaves the bot and working ones are taken back; empty: none"
    )
    dead_man_file: Annotated[str, ANEW] = Field(
        "", description="rewritten every 10 wall seconds while the tick moves; empty: none"
    )
    dead_man_url: Annotated[str, ANEW] = Field(
        "", pattern=r"^(https?://.+)?$", description="asked (GET) once a wall minute while the tick moves; empty: none"
    )


class ApprovalMode(StrEnum):
    AUTO = "auto"
    MANUAL = "manual"
    ABOVE_RISK = "above_risk_pct"


class ApprovalSettings(Section):
    mode: ApprovalMode = ApprovalMode.AUTO
    above_risk_fraction: Fraction = Field(
        Decimal("0.01"), description="with above_risk_pct: ask a person above this premium, of equity"
    )
    signal_ttl_s: Seconds = Field(180, description="a signal that is not filled by then expires")


class WebSettings(Section):
    host: str = "127.0.0.1"
    port: Port = 8080
    enabled: bool = True
    session_hours: Annotated[float, Field(gt=0, le=168)] = 12
    trusted_proxy: str = Field(
        "",
        description="address or network (10.0.0.2, 10.0.0.0/24) of the proxy in front: all that comes from there "
        "needs the login, and its X-Forwarded-For names the visitor; empty: none",
    )
    base_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="path under which a proxy shows the page (/bot); empty: the root",
    )

    @field_validator("trusted_proxy")
    @classmethod
    def _is_a_network(cls, value: str) -> str:
        if value:
            try:
                ip_network(value, strict=False)
            except ValueError as error:
                raise ValueError("an address or network such as 127.0.0.1 or 10.0.0.0/24, or empty") from error
        return value


class OutboxSettings(Section):
    """What is said to people and audiences, whatever the channel: how often one message is tried."""

    attempts_most: int = Field(60, ge=1, le=1000, description="a message that failed so often is given up and told of")
    retry_first_s: Seconds = Field(2, description="wall seconds after the first failure; each next waits twice as long")
    retry_most_s: Seconds = Field(300, description="wall seconds, but no longer than this")
    waiting_most: int = Field(
        500, ge=20, le=10_000, description="messages that wait for one target; beyond, the oldest are withheld"
    )


class RequestSettings(Section):
    """What people ask of the bot: how long it is waited for, and who may ask for what."""

    expire_s: Seconds = Field(120, description="wall seconds; a request that nobody answered by then is refused")
    emergency_expire_s: Seconds = Field(600, description="the same for emergency and flatten")
    price_far: Fraction = Field(Decimal("0.1"), description="a told price of an underlying further off is asked again")
    option_price_far: Fraction = Field(Decimal("0.5"), description="the same for the price of an option")
    web_role: Annotated[PersonsRole, ANEW] = Field(
        Role.OWNER, description="whoever logs in at the page by WEB_LOGIN_TOKEN, in paper and live; in sim the owner"
    )


class UserSettings(Section):
    """One person: known by the name at the page (`WEB_LOGIN_TOKEN_<NAME>`), by the numeric id at Telegram."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
    role: PersonsRole
    telegram_id: Annotated[int, Field(gt=0, lt=2**52)] | None = Field(
        None, description="the user's numeric id at Telegram, never a chat's; left out: only the page"
    )

    @property
    def person(self) -> Person:
        return Person(self.name, self.role, self.telegram_id)


class PeopleSettings(Section):
    """Who may do what. Viewers read; approvers also approve, reject, edit and acknowledge; operators also pause, close,
    flatten, cancel, reload and switch strategies; owners also lift a halt and are told of attempts."""

    users: tuple[UserSettings, ...] = Field((), description="at least one owner outside sim")

    @model_validator(mode="after")
    def _each_is_one(self) -> Self:
        people = [user.person for user in self.users]
        variables = [person.login_variable for person in people]
        if twice := sorted({v for v in variables if variables.count(v) > 1}):
            raise ValueError(f"two users are called alike ({twice[0]} would be both); names must differ")
        ids = [person.telegram_id for person in people if person.telegram_id is not None]
        if doubled := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(f"telegram_id {doubled[0]} is two users")
        if any(person.name.lower() == UNNAMED for person in people):
            raise ValueError(f"{UNNAMED} is who logs in by WEB_LOGIN_TOKEN: choose another name")
        return self


def _http_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address like https://api.telegram.org")
    return value.rstrip("/")


HttpAddress = Annotated[str, AfterValidator(_http_address)]
"""Scheme, host and at most a path; what is asked for is appended to it."""


class TelegramSettings(Section):
    base_url: HttpAddress = Field("https://api.telegram.org", description="in sim the simulated service's")
    chats: dict[str, Annotated[int, Field(gt=-(2**52), lt=2**52)]] = Field(
        default_factory=dict, description="name of a group: its numeric id, negative; what is said there all may read"
    )


class DiscordSettings(Section):
    base_url: HttpAddress = Field("https://discord.com", description="in sim the simulated service's")


class AnthropicSettings(Section):
    base_url: HttpAddress = Field("https://api.anthropic.com", description="in sim the simulated service's")


class SmtpSettings(Section):
    """The server that takes our mail; user and password are SMTP_USERNAME and SMTP_PASSWORD of the environment."""

    host: str = Field("", max_length=253, description="empty: no mail is sent; in sim the simulated service's")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="465 with tls, 587 with starttls")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: demanded, never left out silently; tls: from the first byte; none: loopback alone",
    )

    ca_file: str = Field(
        "", max_length=500, description="a PEM file trusted beside the system's, for a server on this machine alone"
    )

    @model_validator(mode="after")
    def _never_in_clear(self) -> Self:
        if self.ca_file and self.host and not is_loopback(self.host):
            raise ValueError("ca_file is for a server on this machine alone: others have certificates that all trust")
        if self.tls == "none" and self.host and not is_loopback(self.host):
            raise ValueError("tls none sends mail and password in clear: for a server on this machine alone")
        return self


class SimServicesSettings(Section):
    """The simulated services: what people and models are reached by, on loopback. Ports: 0 is any free port."""

    enabled: bool = Field(True, description="false: the simulator brings venue and data vendor alone")
    telegram_port: Port = 0
    discord_port: Port = 0
    smtp_port: Port = 0
    anthropic_port: Port = 0
    receiver_port: Port = Field(0, description="takes signed webhooks")
    inbox_port: Port = Field(0, description="the page that shows what each chat, channel and mailbox received")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "none", description="how its mail server is spoken to; with TLS by a certificate that is made at the start"
    )

    def ports(self) -> dict[str, int]:
        """Return the port of each service by its name, `telegram` say."""
        return {
            name.removesuffix("_port"): getattr(self, name)
            for name in type(self).model_fields
            if name.endswith("_port")
        }


class SimSettings(Section):
    tws_port: Port = Field(0, description="0: any free port")
    uw_port: Port = Field(0, description="0: any free port")
    services: SimServicesSettings = SimServicesSettings()
    scenario: str = "demo"
    speed: Annotated[float, Field(gt=0, le=1000)] = Field(30, description="simulated seconds per wall second")
    seed: int = Field(1, ge=0)
    state_dir: str = Field("data", description="where the venue keeps its book between starts")
    quote_pace_s: Seconds = Field(0.02, description="quotes are sent this often, in wall seconds")


class CalendarSettings(Section):
    """What the exchange announced and the program's calendar cannot know yet."""

    closed: tuple[Day, ...] = Field((), description="days on which there is no session")
    early: dict[Day, TimeOfDay] = Field(default_factory=dict, description="days that close early, and when")

    @model_validator(mode="after")
    def _days_are_days(self) -> Self:
        if both := sorted(set(self.closed) & set(self.early)):
            raise ValueError(f"{both[0]} is both closed and early")
        if wrong := [day for day, at in self.early.items() if not SESSION_OPENS < at < SESSION_CLOSES]:
            raise ValueError(f"early on {wrong[0]} must be a time within the session, after 09:30 and before 16:00")
        if weekend := [day for day in (*self.closed, *self.early) if day.weekday() >= SATURDAY]:
            raise ValueError(f"{weekend[0]} is at a weekend, when there is no session anyway")
        return self


SATURDAY: Final = 5


class LogSettings(Section):
    level: Literal["debug", "detail", "info", "warning", "error"] = Field(
        "info", description="info: a trader's line an event; detail: every transition as the record has it"
    )
    heartbeat_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        900, description="seconds of the bot's clock between two lines with the day's P&L in the session; 0: none"
    )


class Settings(Section):
    """Everything in `bot.yaml`, `strategies.yaml`, `overseer.yaml`, `alerts.yaml` and `universe.yaml`; the data sources
    have a schema in their own room."""

    mode: Annotated[Mode, AT_START] = Mode.SIM
    bot_id: Annotated[str, AT_START] = Field(
        "qty", pattern=r"^[a-z0-9]{1,8}$", description="first part of every order reference"
    )
    database: Annotated[DatabaseSettings, AT_START] = DatabaseSettings()
    ibkr: IbkrSettings = IbkrSettings()
    engine: Annotated[EngineSettings, LIVE] = EngineSettings()
    risk: Annotated[RiskSettings, LIVE] = RiskSettings()
    execution: Annotated[ExecutionSettings, LIVE] = ExecutionSettings()
    exits: Annotated[ExitsSettings, LIVE] = ExitsSettings()
    sizing: Annotated[SizingSettings, LIVE] = SizingSettings()
    approval: Annotated[ApprovalSettings, LIVE] = ApprovalSettings()
    web: WebSettings = WebSettings()
    requests: Annotated[RequestSettings, LIVE] = RequestSettings()
    telegram: TelegramSettings = TelegramSettings()
    discord: DiscordSettings = DiscordSettings()
    anthropic: AnthropicSettings = AnthropicSettings()
    smtp: SmtpSettings = SmtpSettings()
    people: PeopleSettings = PeopleSettings()
    outbox: OutboxSettings = OutboxSettings()
    sim: Annotated[SimSettings, AT_START] = SimSettings()
    calendar: CalendarSettings = CalendarSettings()
    exposure: Annotated[ExposureSettings, LIVE] = ExposureSettings()
    log: LogSettings = LogSettings()
    strategies: Annotated[StrategiesSettings, LIVE] = StrategiesSettings()
    discovery: Annotated[DiscoverySettings, LIVE] = DiscoverySettings()
    discovered: Annotated[DiscoveredSettings, LIVE] = DiscoveredSettings()
    overseer: OverseerSettings = OverseerSettings()
    alerts: AlertSettings = AlertSettings()
    universe: UniverseSettings = UniverseSettings()

    @model_validator(mode="after")
    def _live_is_explicit(self) -> Self:
        if self.mode is Mode.LIVE and not self.ibkr.account:
            raise ValueError("mode live needs ibkr.account spelled out")
        return self
