"""A venue's orders, executions and positions as JSON: a restarted simulator goes on where the old one stopped.

Values that JSON lacks are tagged: {"$decimal": "1.05"}, {"$time": "..."}, {"$contract": con_id}; records are
{"$record": name, "fields": {...}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.sim.account import Holding
from bot.sim.vocabulary import Market, Side, Status, VenueExecution, VenueInstrument, VenueOrder, VenueTicket


@dataclass(slots=True)
class Place:
    """Where an order rests: its price, the contracts ahead of it there, and until when prints are counted."""

    price: Decimal
    ahead: int
    since: datetime


@dataclass(slots=True)
class Working:
    """An order with what the matching engine alone needs to know of it."""

    order: VenueOrder
    transmitted: bool = True
    cancel_at: datetime | None = None
    place: Place | None = None  # in the queue of its price, once it rests


_RECORDS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {each.__name__: each for each in (Holding, VenueTicket, Place, VenueExecution, VenueOrder, Working)}
)
_WORDS: Final[Mapping[str, type[StrEnum]]] = MappingProxyType({"side": Side, "status": Status})


def encode_state(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    match value:
        case Decimal():
            return {"$decimal": str(value)}
        case datetime():
            return {"$time": value.isoformat()}
        case VenueInstrument():
            return {"$contract": value.con_id}
        case StrEnum():
            return value.value
        case list() | tuple():
            return [encode_state(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            kept = {each.name: encode_state(getattr(value, each.name)) for each in fields(value)}
            return {"$record": type(value).__name__, "fields": kept}
        case _:
            return value


def decode_state(value: Any, market: Market) -> Any:
    """Return what was encoded; ValueError for a contract that the market does not list."""
    match value:
        case {"$decimal": str(text)}:
            return Decimal(text)
        case {"$time": str(text)}:
            return datetime.fromisoformat(text)
        case {"$contract": int(con_id)}:
            return _contract(con_id, market)
        case {"$record": str(name), "fields": dict(kept)}:
            return _record(name, kept, market)
        case [*items]:
            return [decode_state(each, market) for each in items]
        case _:
            return value


def _contract(con_id: int, market: Market) -> VenueInstrument:
    found = market.by_con_id(con_id)
    if found is None:
        raise ValueError(f"the saved state names contract {con_id}, which this market does not list")
    return found


def _record(name: str, kept: Mapping[str, Any], market: Market) -> Any:
    values = {key: decode_state(each, market) for key, each in kept.items()}
    for key, words in _WORDS.items():
        if key in values:
            values[key] = words(values[key])
    record = _RECORDS[name]
    known = {each.name for each in fields(record)}  # an older version kept other things of it
    return record(**{key: each for key, each in values.items() if key in known})
