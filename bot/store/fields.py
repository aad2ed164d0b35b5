"""What a field of a thing is in the store: its column, or columns, and how its value is written and read. Said once.

The name of a column is the name of its field, unless `field` says otherwise. A field that may be None says `maybe`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, false

from bot.domain.instruments import OptionContract, Right
from bot.domain.money import from_units, to_units
from bot.store import columns
from bot.store.values import Row, json_text, parse_json, parse_time, time_text

Write = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a thing and its columns. `write` gives the stored form of its value for each of them (None: as it is),
    `read` takes the value from a row; None is NULL, whatever the form. `of`: where the value comes from, the attribute
    of that name unless it says so; `parts`: the attribute of the value that stands in each column, where there are
    several. `holds`: of what type the value is, None where it has a shape of its own.
    """

    name: str
    columns: tuple[Column[Any], ...]
    write: Mapping[str, Write | None]
    read: Callable[[Row], Any] | None
    of: Callable[[Any], Any] | None = None
    checks: tuple[CheckConstraint, ...] = ()
    holds: type | None = None
    is_given: bool = False
    parts: Mapping[str, str] | None = None

    def path(self, column: str) -> str:
        """Return the attribute of the thing that stands in a column."""
        return self.name if self.parts is None else f"{self.name}.{self.parts[column]}"


def shown(part: Field, of: Callable[[Any], Any] | None = None) -> Field:
    """A value for those who look into the store: written from the thing as it is, never read back."""
    return replace(part, read=None, of=of)


def given(part: Field) -> Field:
    """A value that the thing does not know and its writer says beside it."""
    return replace(part, read=None, is_given=True)


def apart(part: Field) -> Field:
    """A column that a statement of its own writes: a change of the thing leaves it as it is."""
    return replace(part, read=None, write={})


def _one(
    column: Column[Any],
    write: Write | None = None,
    read: Callable[[Any], Any] | None = None,
    *,
    field: str | None = None,
    checks: tuple[CheckConstraint, ...] = (),
    holds: type | None = None,
) -> Field:
    name = column.name
    by_row: Callable[[Row], Any] = itemgetter(name) if read is None else _reader(name, read)
    return Field(field or name, (column,), {name: write}, by_row, None, checks, holds)


def _reader(column: str, form: Callable[[Any], Any]) -> Callable[[Row], Any]:
    def read(row: Row) -> Any:
        stored = row[column]
        return None if stored is None else form(stored)

    return read


def key(comment: str = "ULID", name: str = "id") -> Field:
    """The text that a row is found by."""
    return _one(columns.key(name, comment), holds=str)


def ref(name: str, target: str, comment: str | None = None, *, maybe: bool = False) -> Field:
    """The id of a row that must be there."""
    return _one(columns.ref(name, target, nullable=maybe, comment=comment), holds=str)


def ident(name: str, comment: str | None = None) -> Field:
    """The id of a thing in another table, without a constraint (the two tables point at each other), or None."""
    return _one(columns.ident(name, comment=comment), holds=str)


def label(name: str, comment: str | None = None, *, maybe: bool = False) -> Field:
    """A short text: symbol, actor."""
    return _one(columns.label(name, nullable=maybe, comment=comment), holds=str)


def word(
    name: str, words: type[StrEnum], comment: str | None = None, *, maybe: bool = False, default: StrEnum | None = None
) -> Field:
    """A word of a StrEnum; the database takes no other."""
    more = {} if default is None else {"server_default": default.value}
    column = columns.label(name, nullable=maybe, comment=comment, **more)
    return _one(column, attrgetter("value"), words, checks=(columns.one_of(name, words),), holds=words)


def open_word(name: str, words: type[StrEnum], comment: str | None = None) -> Field:
    """A word of a StrEnum in a column that others write too, and whatever they like."""
    return _one(columns.label(name, comment=comment), attrgetter("value"), words, holds=words)


def words(name: str, comment: str | None = None, *, field: str | None = None) -> Field:
    """Text for people."""
    return _one(columns.words(name, comment=comment), field=field, holds=str)


def json(
    name: str,
    write: Write,
    read: Callable[[str], Any],
    comment: str | None = None,
    *,
    maybe: bool = False,
    default: str | None = "{}",
) -> Field:
    """What has a shape of its own, as JSON text."""
    return _one(columns.words(name, nullable=maybe, comment=comment, default=default), write, read)


def facts(name: str, comment: str | None = None, *, maybe: bool = False) -> Field:
    """A mapping for people, as JSON: decimals and times in it come back as text."""
    return json(name, json_text, parse_json, comment, maybe=maybe)


def names(name: str, comment: str | None = None) -> Field:
    """A tuple of texts, as JSON."""
    return json(name, lambda value: json_text(list(value)), lambda text: tuple(parse_json(text)), comment, default="[]")


def utc(name: str, comment: str | None = None, *, maybe: bool = False, primary_key: bool = False) -> Field:
    """A moment."""
    column = columns.utc(name, nullable=maybe, comment=comment, primary_key=primary_key)
    return _one(column, time_text, parse_time, holds=datetime)


def day(name: str, comment: str | None = None, *, maybe: bool = False, primary_key: bool = False) -> Field:
    """A date, New York's unless the comment says otherwise."""
    column = columns.day(name, nullable=maybe, comment=comment, primary_key=primary_key)
    return _one(column, date.isoformat, date.fromisoformat, holds=date)


def money(name: str, comment: str | None = None, *, maybe: bool = False, default: str | None = None) -> Field:
    """Money or a price: a Decimal, in 1/10000 dollar."""
    column = columns.units(name, nullable=maybe, comment=comment, default=default)
    return _one(column, to_units, from_units, holds=Decimal)


def fraction(name: str, comment: str | None = None) -> Field:
    """A Decimal of any scale, as its text."""
    return _one(columns.label(name, comment=comment), str, Decimal, holds=Decimal)


def whole(
    name: str,
    comment: str | None = None,
    *,
    maybe: bool = False,
    default: str | None = None,
    field: str | None = None,
) -> Field:
    return _one(columns.whole(name, nullable=maybe, comment=comment, default=default), field=field, holds=int)


def large(name: str, comment: str | None = None, *, maybe: bool = False, default: str | None = None) -> Field:
    """A whole number that may be larger than 32 bits hold: an id of the broker's, milliseconds."""
    return _one(Column(name, BigInteger, nullable=maybe, comment=comment, server_default=default), holds=int)


def flag(name: str, comment: str | None = None) -> Field:
    """Yes or no; no where nothing is said."""
    return _one(Column(name, Boolean, nullable=False, server_default=false(), comment=comment), holds=bool)


def number(name: str, comment: str | None = None, *, maybe: bool = False) -> Field:
    return _one(Column(name, Float, nullable=maybe, comment=comment), holds=float)


def of_column(column: Column[Any]) -> Field:
    """A value that stands in its column as it is."""
    return _one(column)


# ---- fields of several columns


def several(name: str, parts: Mapping[str, Field], read: Callable[[Row], Any], *, maybe: bool = False) -> Field:
    """A field of several columns; `parts` by the attribute of the value that stands in each."""
    columns_of = {attribute: part.columns[0] for attribute, part in parts.items()}
    checks = tuple(check for part in parts.values() for check in part.checks)
    if maybe:
        write: dict[str, Write | None] = {c.name: _part_of(a, parts[a]) for a, c in columns_of.items()}
        return Field(name, tuple(columns_of.values()), write, read, checks=checks)
    forms = {column: form for part in parts.values() for column, form in part.write.items()}
    attributes = {column.name: attribute for attribute, column in columns_of.items()}
    return Field(name, tuple(columns_of.values()), forms, read, checks=checks, parts=attributes)


def _part_of(attribute: str, part: Field) -> Write:
    (form,) = part.write.values()
    value_of = attrgetter(attribute)

    def write(whole: Any) -> Any:
        value = value_of(whole)
        return value if form is None or value is None else form(value)

    return write


def contract(comments: Mapping[str, str]) -> Field:
    """An option contract: its terms for who asks by them, and its key; `comments` by column."""
    parts = {
        "symbol": label("symbol", comments.get("symbol")),
        "root": label("root", comments.get("root")),
        "right": word("right", Right, comments.get("right")),
        "strike": money("strike"),
        "expiry": day("expiry"),
        "multiplier": whole("multiplier"),
        "key": label("contract_key", comments.get("contract_key")),
    }
    return several("contract", parts, _contract_of)


def _contract_of(row: Row) -> OptionContract:
    return OptionContract(
        row["root"],
        date.fromisoformat(row["expiry"]),
        Right(row["right"]),
        _plain(from_units(row["strike"])),
        row["multiplier"],
    )


def _plain(value: Decimal) -> Decimal:
    """Return a price without the zeros that its scale of four places brought, as prices are written elsewhere."""
    whole_part = value.to_integral_value()
    return whole_part if value == whole_part else value.normalize()
