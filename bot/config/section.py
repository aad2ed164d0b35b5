"""What every part of the configuration is made of: frozen, strict about names, with the bounds that many share."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[Decimal, Field(ge=0, le=1)]
Positive = Annotated[Decimal, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=31_622_400)]
"""At most a year: what is longer is never, and no moment has room for it."""


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


class Section(BaseModel):
    """A part of the configuration: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
