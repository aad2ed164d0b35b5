"""What every part of the configuration is made of: frozen, strict about names, with the bounds that many share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[Decimal, Field(ge=0, le=1)]
Positive = Annotated[Decimal, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=31_622_400)]
"""At most a year: what is longer is never, and no moment has room for it."""


class Section(BaseModel):
    """A part of the configuration: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
