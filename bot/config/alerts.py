"""Settings of alerts: by which channels each level is told, to whom, when again, and when nobody is disturbed."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.config.section import Seconds, Section, TimeOfDay
from bot.domain.actors import PERSONS, Role
from bot.domain.notices import SEVERITIES, UnknownNotice, notice_of

Level = Literal["info", "warning", "critical"]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
TargetName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Snowflake = Annotated[int, Field(gt=0, lt=2**63)]
"""An id of Discord's."""
Mailbox = Annotated[str, Field(pattern=r"^[^@\s<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,190}$")]

_MATRIX: Final[dict[Level, tuple[str, ...]]] = {
    "info": (),
    "warning": ("discord", "discord_webhook", "telegram", "webhook"),
    "critical": ("discord", "discord_webhook", "telegram", "email", "webhook"),
}


class CodeSettings(Section):
    """How one alert differs from what the register and the matrix say."""

    level: Level | None = Field(None, description="instead of the register's")
    channels: tuple[ChannelName, ...] | None = Field(None, description="instead of its level's; [] is the log alone")


class QuietHours(Section):
    """A time of day, New York's, in which warnings wait for a digest at its end; the same twice is none."""

    begins: TimeOfDay = time(0)
    ends: TimeOfDay = time(0)

    @property
    def is_none(self) -> bool:
        return self.begins == self.ends

    def holds(self, at: time) -> bool:
        """Say whether a time of New York's clock is within."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


class AlertSettings(Section):
    """Everything in `alerts.yaml`. Seconds and minutes are the wall's: they are a person's time."""

    matrix: dict[Level, tuple[ChannelName, ...]] = Field(
        default_factory=lambda: dict(_MATRIX),
        description="by level: channels beside the log; absent ones are left out",
    )
    codes: dict[str, CodeSettings] = Field(default_factory=dict, description="by code: another level or other channels")
    told_first: tuple[Role, ...] = Field(
        (Role.OWNER,), min_length=1, description="of persons, whom an alert is told first; nobody there: all operators"
    )
    again_after_s: Seconds = Field(300, description="a critical alert that nobody acknowledged is told again")
    operators_after_s: Seconds = Field(600, description="and told to every owner and operator")
    mail_after_s: Seconds = Field(900, description="and mailed again")
    over_after_s: Seconds = Field(
        2700, description="what was not raised again for so long is over, where nothing tells its end"
    )
    quiet: QuietHours = Field(QuietHours(), description="warnings wait for a digest, critical alerts never do")
    burst_from: int = Field(5, ge=1, le=20, description="of a minute, to one target: from here on warnings are listed")
    burst_critical_from: int = Field(10, ge=1, le=20, description="the same for critical alerts")
    per_minute: int = Field(20, ge=1, le=20, description="messages to one chat in a minute, all kinds together")
    trades: Literal["on", "silent", "off"] = Field("on", description="entries, scale-outs and exits; silent: no sound")
    well_at: TimeOfDay = Field(time(8), description="on session days: mode, equity, open risk, the history's head")
    discord: dict[TargetName, Snowflake] = Field(
        default_factory=dict, description="by name: a Discord channel's id in which the bot may write"
    )
    mail_from: Mailbox = "quanticity@localhost.localdomain"
    mailboxes: dict[TargetName, Mailbox] = Field(default_factory=dict, description="by name: who gets mail")
    receivers: dict[TargetName, Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)]] = Field(
        default_factory=dict, description="by name: an address that takes JSON, signed with ALERT_HOOK_SECRET"
    )

    @field_validator("codes")
    @classmethod
    def _known_codes(cls, value: dict[str, CodeSettings]) -> dict[str, CodeSettings]:
        for code in value:
            try:
                notice_of(code)
            except UnknownNotice as error:
                raise ValueError(f"{code} is no alert: `python run.py alerts --explain` lists them") from error
        return value

    @field_validator("told_first")
    @classmethod
    def _persons(cls, value: tuple[Role, ...]) -> tuple[Role, ...]:
        if wrong := [role for role in value if role not in PERSONS]:
            raise ValueError(f"{wrong[0]} is no role of a person: owner, operator, approver, viewer")
        return value

    @model_validator(mode="after")
    def _in_their_order(self) -> Self:
        if not self.again_after_s <= self.operators_after_s <= self.mail_after_s:
            raise ValueError("again_after_s, operators_after_s and mail_after_s must follow each other")
        return self

    def level_of(self, code: str, severity: str) -> str:
        """Return how grave an alert is, where `severity` is the register's word."""
        own = self.codes.get(code)
        return own.level if own is not None and own.level is not None else severity

    def channels_of(self, code: str, level: str) -> tuple[str, ...]:
        """Return by which channels an alert is told, beside the log."""
        own = self.codes.get(code)
        if own is not None and own.channels is not None:
            return own.channels
        return next((channels for name, channels in self.matrix.items() if name == level), ())


assert set(_MATRIX) == set(SEVERITIES)
