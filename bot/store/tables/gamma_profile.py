"""Dealer gamma by strike, the vendor's latest answer for each underlying."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, String

from bot.engine.state.records import GammaProfile
from bot.store.fields import json, money, of_column, utc
from bot.store.stored import Stored
from bot.store.values import json_text, parse_json


def _strikes(text: str) -> tuple[tuple[str, float], ...]:
    found: Any = parse_json(text)
    return tuple((str(strike), float(net)) for strike, net in found or ())


GAMMA_PROFILES: Final = Stored(
    GammaProfile,
    "gamma_profile",
    of_column(Column("symbol", String(32), primary_key=True)),
    utc("at"),
    money("price", "of the underlying, in the vendor's rows"),
    json(
        "strikes",
        lambda value: json_text([list(row) for row in value]),
        _strikes,
        "JSON list: [strike, net gamma in dollars per 1 % move], in rising strikes",
        default="[]",
    ),
    comment="dealer gamma by strike, the latest answer of the vendor for each underlying",
)
GAMMA_PROFILE: Final = GAMMA_PROFILES.table
