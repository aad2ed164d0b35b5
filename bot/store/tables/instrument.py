"""Contracts that the broker knows, with their price grids."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from typing import Final

from sqlalchemy import Boolean, Column, String

from bot.domain.instruments import Instrument, PriceGrid
from bot.engine.state.records import InstrumentRow
from bot.store.columns import whole, words
from bot.store.fields import Field, given, json, of_column, shown, utc
from bot.store.stored import Stored
from bot.store.values import Row, json_text, parse_json


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


def _named() -> Field:
    """A contract as the broker named it: its conId, and its terms beside it."""
    terms = "JSON: the contract's terms as the broker named them under con_id"
    stands_in = whole("con_id", nullable=False), words("named", default="{}", comment=terms)

    def read(row: Row) -> Instrument:
        return named_of(row["con_id"], row["named"])

    return Field("instrument", stands_in, {"con_id": attrgetter("con_id"), "named": named_text}, read)


INSTRUMENTS: Final = Stored(
    InstrumentRow,
    "instrument",
    of_column(Column("key", String(32), primary_key=True, comment="ticker or OSI symbol")),
    _named(),
    shown(of_column(Column("is_option", Boolean, nullable=False))),
    json("grid", grid_text, grid_of, "JSON: price bands [[from, tick], ...] as decimal text", default="[]"),
    given(utc("qualified_at")),
    comment="contracts that the broker knows, with their price grids",
)
INSTRUMENT: Final = INSTRUMENTS.table
