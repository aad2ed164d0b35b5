"""What every part of the configuration is made of: frozen, strict about names, with the bounds that many share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[Decimal, Field(ge=0, le=1)]
Positive = Annotated[Decimal, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=31_622_400)]
"""At most a year: what is longer is never, and no moment has room for it."""

INPUT_WALL_S: Final = 0.25
"""Wall seconds that a socket and a tick take at most."""
ANSWER_WALL_S: Final = 1.0
"""Wall seconds that an answer takes at most."""


@dataclass(frozen=True, slots=True)
class AtLeastWall:
    """Marks a limit on an age or an answer: a fast simulated clock lets it be no shorter than so many seconds of wall
    time (`bot/app/fast_clock.py`)."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WallBesides:
    """Marks a limit on the age of what is asked for at intervals: it holds an interval, which a fast simulated clock
    leaves as it is, and an answer, which takes so many seconds of wall time more."""

    seconds: float


class Takeover(StrEnum):
    """When a changed setting comes into force (`bot/config/takeover.py`)."""

    LIVE = "live"  # at the top of a tick, while the bot runs
    ANEW = "anew"  # with the next beginning, which `reload_config` brings
    START = "start"  # with a start of the program


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Marks a section or a setting with when it comes into force."""

    when: Takeover


LIVE: Final = TakenOver(Takeover.LIVE)
ANEW: Final = TakenOver(Takeover.ANEW)
AT_START: Final = TakenOver(Takeover.START)


Age = Annotated[float, Field(gt=0, le=3600), WallBesides(ANSWER_WALL_S)]
"""Seconds for which what was asked for may still be decided on; yesterday's is never fresh."""
StreamedAge = Annotated[float, Field(gt=0, le=3600), AtLeastWall(INPUT_WALL_S)]
"""The same for what comes of its own accord."""
AnswerAge = Annotated[float, Field(gt=0, le=31_622_400), WallBesides(ANSWER_WALL_S)]
"""An age that may be as long as what it is about is seldom: a calendar, a filing."""
Answered = Annotated[Seconds, AtLeastWall(ANSWER_WALL_S)]
"""Seconds in which an answer is waited for."""
TwiceAnswered = Annotated[Seconds, AtLeastWall(2 * ANSWER_WALL_S)]
ThriceAnsweredAge = Annotated[float, Field(gt=0, le=3600), AtLeastWall(3 * ANSWER_WALL_S)]


def _time_of_day(value: object) -> object:
    """Take "HH:MM" and "HH:MM:SS" alone: a zone would be another moment, and a number the seconds since midnight."""
    if isinstance(value, time):
        if value.tzinfo is not None:
            raise ValueError("must be New York's time, without a zone")
        return value
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError('must be a New York time of day as "HH:MM", without a zone')
    return value


_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,5}$")]


class Section(BaseModel):
    """A part of the configuration: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
