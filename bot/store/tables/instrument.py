"""Contracts that the broker knows, with their price grids."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Final

from sqlalchemy import Boolean, Column, String, Table

from bot.domain.instruments import Instrument, PriceGrid
from bot.store.columns import METADATA, utc, whole, words
from bot.store.values import json_text, parse_json

INSTRUMENT: Final = Table(
    "instrument",
    METADATA,
    Column("key", String(32), primary_key=True, comment="ticker or OSI symbol"),
    whole("con_id", nullable=False),
    Column("is_option", Boolean, nullable=False),
    words("grid", default="[]", comment="JSON: price bands [[from, tick], ...] as decimal text"),
    utc("qualified_at", nullable=False),
    words("named", default="{}", comment="JSON: the contract's terms as the broker named them under con_id"),
    comment="contracts that the broker knows, with their price grids",
)


def grid_text(grid: PriceGrid) -> str:
    return json_text([[str(edge), str(tick)] for edge, tick in grid.bands])


def grid_of(text: str) -> PriceGrid:
    return PriceGrid(tuple((Decimal(edge), Decimal(tick)) for edge, tick in parse_json(text)))


def named_text(instrument: Instrument) -> str:
    """Return a contract's terms as the broker named them, without what is left out."""
    terms = {each.name: getattr(instrument, each.name) for each in fields(instrument) if each.init}
    del terms["con_id"]
    return json_text({name: value for name, value in terms.items() if value not in {"", None}})


def named_of(con_id: int, text: str) -> Instrument:
    """Return a contract of its conId and of the terms as they were named; those of an older store are not known."""
    terms = parse_json(text)
    return Instrument(con_id, terms.pop("sec_type", ""), **terms)
