"""What a fast simulated clock asks of the limits: no age can be judged finer than sockets and ticks let through.

At 240 times real time a quarter of a wall second is a minute: quotes that are sent every 20 ms of wall time are already
seconds old, and an answer that takes 50 ms took 12 s. So a limit on an age or an answer is at least a fixed span of
wall time, and one on what is asked for at intervals is longer by an answer's: its type says which (`AtLeastWall`,
`WallBesides`, bot/config/section.py), so that no setting and no strategy is named here.
At real time, and in replay, nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from bot.config.schema import ApprovalMode, Settings
from bot.config.section import ANSWER_WALL_S, INPUT_WALL_S, AtLeastWall, WallBesides
from bot.domain.data.sets import DECIDED_ON
from bot.feeds.sources import DataSources, SourceSettings

AnySection = TypeVar("AnySection", bound=BaseModel)

PROTECTION_WALL_S = ANSWER_WALL_S + INPUT_WALL_S
"""A stop is sent by a tick and works with the broker's answer: its limit can be no shorter than theirs together."""
PERSON_WALL_S = 45.0
CONTEXT_WALL_S = 2.0


def paced(settings: Settings, speed: float) -> Settings:
    """Return the settings with limits on ages and answers that a clock of this speed can meet."""
    if speed <= 1:
        return settings
    settings, approval = widened(settings, speed), settings.approval
    if approval.mode is ApprovalMode.AUTO:
        return settings
    # A person answers in wall time; what they approve is validated anew anyway.
    ttl = max(approval.signal_ttl_s, PERSON_WALL_S * speed)
    return settings.model_copy(update={"approval": approval.model_copy(update={"signal_ttl_s": ttl})})


def widened(section: AnySection, speed: float) -> AnySection:
    """Return a section in which each age that is marked, however deep inside, is at least its wall time at a speed."""
    if speed <= 1:
        return section
    changed = {name: _of_field(section, name, speed) for name in type(section).model_fields}
    return section.model_copy(update={name: value for name, value in changed.items() if value is not None})


def widened_sources(sources: DataSources, speed: float) -> DataSources:
    """Return the data sources with ages that a clock of this speed can meet. What nothing is decided on is asked every
    other wall second at most: it is to be seen, and not to take the time of the rest."""
    if speed <= 1:
        return sources
    return DataSources({name: _seldom(widened(each, speed), speed) for name, each in sources.root.items()})


def _seldom(source: SourceSettings, speed: float) -> SourceSettings:
    least = CONTEXT_WALL_S * speed
    endpoints = tuple(
        each
        if each.name in DECIDED_ON or each.interval_s >= least
        else each.model_copy(update={"interval_s": least, "max_age_s": max(each.max_age_s, 3 * least)})
        for each in source.endpoints
    )
    return source.model_copy(update={"endpoints": endpoints})


def _of_field(section: BaseModel, name: str, speed: float) -> Any:
    """Return the field's wider value, None where it stays as it is."""
    value, metadata = getattr(section, name), type(section).model_fields[name].metadata
    least = [each.seconds * speed for each in metadata if isinstance(each, AtLeastWall)]
    besides = [each.seconds * speed for each in metadata if isinstance(each, WallBesides)]
    return _wider(value, max(least, default=0.0), max(besides, default=0.0), speed)


def _wider(value: Any, least: float, besides: float, speed: float) -> Any:
    if isinstance(value, BaseModel):
        return widened(value, speed)
    if isinstance(value, tuple) and any(isinstance(each, BaseModel) for each in value):
        return tuple(_wider(each, least, besides, speed) or each for each in value)
    if isinstance(value, Mapping):
        return {key: _wider(each, least, besides, speed) or each for key, each in value.items()}
    widens = (least or besides) and isinstance(value, int | float)
    return max(value + besides, least) if widens else None
