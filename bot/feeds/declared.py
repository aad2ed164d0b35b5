"""Readers that are declared in the settings: where the rows are, each field's path, type, unit, whether it is needed.

Checked when the settings are read; what cannot be read afterwards is the vendor's doing, and such a row is dropped and
counted as any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from bot.config.section import Section
from bot.domain.data.declared import DeclaredRow, Value
from bot.feeds.rows import Parsed, ParserMemory, mapping
from bot.feeds.tolerant import Malformed, Row, count, decimal, flag, instant, real, text

FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
JsonPath = Annotated[str, Field(pattern=r"^[^.\s][^\s]{0,199}$")]
ANSWER: Final = "$answer"
"""Where a row finds the answer that it came in."""
_BRACES: Final = re.compile(r"\{([^{}]+)\}")
_DEEPEST: Final = 8
_MOST_FLAT: Final = 200
_WORD: Final = re.compile(r"[^a-z0-9]+")
_DAY: Final = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    PRICE = "price"
    WHOLE = "whole"
    TIME = "time"
    DAY = "day"
    FLAG = "flag"


class FieldSettings(Section):
    """One field of a row."""

    path: JsonPath | Literal[""] = Field(
        "",
        description="its name in the vendor's row; dots lead into objects, numbers into lists; `$answer.` into the "
        "whole answer, where `rows` says that the row lies deeper",
    )
    type: FieldType = FieldType.TEXT
    unit: str = Field("", max_length=40, description="as people should read it")
    needed: bool = Field(False, description="a row without it is dropped")
    zone: str = Field("", description="of a time that says none, America/New_York say; empty: UTC")
    format: str = Field("", max_length=40, description="of a time or day that is not ISO, as strptime has it")
    strip: str = Field("", max_length=8, description="characters of a number that are no part of it, `$,` say")
    text: str = Field(
        "", max_length=200, description="a text put together of the row's paths in braces, in place of `path`"
    )

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            return str(ZoneInfo(value)) if value else ""
        except (OSError, ValueError, KeyError) as error:
            raise ValueError("a zone like America/New_York") from error

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if bool(self.path) == bool(self.text):
            raise ValueError("a field has a `path` or a `text`: one of them")
        if (self.zone or self.format) and self.type not in {FieldType.TIME, FieldType.DAY}:
            raise ValueError("zone and format are of a field of type time or day")
        if self.strip and self.type not in {FieldType.NUMBER, FieldType.PRICE, FieldType.WHOLE}:
            raise ValueError("strip is of a field that is a number")
        return self


def _spelt_out(name: Any, said: str) -> dict[str, Any]:
    kind, *more = said.split() or [""]
    if more not in ([], ["needed"]):
        raise ValueError(f"{name}: {said} is not a type, alone or with `needed`")
    return {"path": name, "type": kind, "needed": bool(more)}


class ReaderSettings(Section):
    """How rows are made of an answer."""

    rows: str = Field(
        "", max_length=200, description="path to the list; `.`: the answer itself; empty: where the vendor has them"
    )
    key_as: str = Field(
        "", max_length=64, description="the rows are the values of an object; each one's key there is this field of it"
    )
    fields: dict[FieldName, FieldSettings] = Field(min_length=1, max_length=200)
    identity: tuple[FieldName, ...] = Field((), description="what tells rows apart; empty: all fields")
    time: str = Field("", description="the field whose newest value is the answer's own time")
    flatten_nested: bool = Field(
        False, description="each plain value inside the row's objects is a field too, named by its path"
    )
    parse_timestamps: tuple[str, ...] = Field((), description="fields that are read as times whatever their type")
    calculate_deltas: tuple[FieldName, ...] = Field(
        (), description="numbers: NAME_delta is the change since the row before"
    )
    delta_by: tuple[FieldName, ...] = Field((), description="the row before of the same values in these fields")

    @field_validator("fields", mode="before")
    @classmethod
    def _written_short(cls, fields: Any) -> Any:
        """`strike: price needed` is a field of that type whose path is its name."""
        if not isinstance(fields, Mapping):
            return fields
        return {name: _spelt_out(name, said) if isinstance(said, str) else said for name, said in fields.items()}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        types = {name: each.type for name, each in self.fields.items()}
        if self.key_as and not self.rows:
            raise ValueError("key_as needs `rows`: the object that holds them")
        for what, names in (("identity", self.identity), ("delta_by", self.delta_by)):
            if unknown := sorted({*names} - {*types}):
                raise ValueError(f"{what}: {unknown[0]} is no field here")
        if self.time and not (types.get(self.time) is FieldType.TIME or self.time in self.parse_timestamps):
            raise ValueError(f"time: {self.time} is no field of type time here")
        if not self.flatten_nested and (unknown := sorted({*self.parse_timestamps} - {*types})):
            raise ValueError(f"parse_timestamps: {unknown[0]} is no field here")
        for name in self.calculate_deltas:
            if types.get(name) not in {FieldType.NUMBER, FieldType.PRICE, FieldType.WHOLE}:
                raise ValueError(f"calculate_deltas: {name} is no number here")
            if f"{name}_delta" in types:
                raise ValueError(f"calculate_deltas: {name}_delta is a field already")
        return self

    def compiled(self) -> DeclaredReader:
        """Return the reader."""
        return _compiled(self.model_dump_json())


@lru_cache(maxsize=512)
def _compiled(written: str) -> DeclaredReader:
    return DeclaredReader(ReaderSettings.model_validate(json.loads(written)))


def _day(row: Row, name: str) -> date | None:
    value = row.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, str) and _DAY.match(value):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            pass
    raise Malformed(f"{name} is not a day")


def _whole(row: Row, name: str) -> int | None:
    return None if row.get(name) in (None, "") else count(row, name)


_READ: Final[Mapping[FieldType, Callable[[Row, str], Value]]] = MappingProxyType(
    {
        FieldType.TEXT: text,
        FieldType.NUMBER: real,
        FieldType.PRICE: decimal,
        FieldType.WHOLE: _whole,
        FieldType.TIME: instant,
        FieldType.DAY: _day,
        FieldType.FLAG: flag,
    }
)
KINDS: Final[Mapping[FieldType, tuple[type, ...]]] = MappingProxyType(
    {
        FieldType.TEXT: (str,),
        FieldType.NUMBER: (int, float, str),
        FieldType.PRICE: (int, float, str),
        FieldType.WHOLE: (int, float, str),
        FieldType.TIME: (int, float, str),
        FieldType.DAY: (str,),
        FieldType.FLAG: (bool, str),
    }
)
"""In which JSON types a field may come."""


def found_at(value: Any, path: str) -> Any:
    """Return what lies at a dotted path of objects and lists; None where nothing does. A key that holds dots itself is
    taken before its parts are."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    here = value
    for part in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isascii() and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def flat(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every plain value in nested objects by its path as one word, `stats_high` say."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for key, inner in value.items():
            word = _WORD.sub("_", str(key).lower()).strip("_")
            yield from flat(inner, f"{prefix}_{word}" if prefix else word, depth + 1)
    elif prefix and not isinstance(value, Mapping | list):
        yield prefix, value


def _put_together(raw: Row, template: str) -> str:
    return " ".join(_BRACES.sub(lambda found: text({"": found_at(raw, found[1])}, ""), template).split())


def _as_declared(written: str, field: FieldSettings) -> str:
    """Return a text in the form that every reader takes: without what is no part of a number, a time with its zone."""
    if field.strip:
        bare = written.translate({ord(each): None for each in field.strip}).strip()
        return f"-{bare[1:-1]}" if bare.startswith("(") and bare.endswith(")") else bare
    if not written:
        return written
    try:
        at = datetime.strptime(written, field.format) if field.format else datetime.fromisoformat(written)  # noqa: DTZ007
    except ValueError:
        raise Malformed(f"{field.path} is no {field.type} as declared") from None
    if field.type is FieldType.DAY:
        return at.date().isoformat()
    zoned = at.replace(tzinfo=ZoneInfo(field.zone or "UTC")) if at.tzinfo is None else at
    return zoned.isoformat()


@dataclass(frozen=True, slots=True)
class DeclaredReader:
    """Reads rows as its settings say; see `bot.feeds.rows.Reads`."""

    settings: ReaderSettings

    def raw_rows(self, body: bytes, most_rows: int | None) -> list[Any] | None:
        """Return the raw rows at the declared place, None where none is declared; raises Malformed."""
        if not self.settings.rows:
            return None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise Malformed("not JSON") from None
        rows = answer if self.settings.rows == "." else found_at(answer, self.settings.rows)
        if isinstance(rows, Mapping):
            rows = self._of_object(rows)
        if not isinstance(rows, list):
            raise Malformed(f"no rows at {self.settings.rows}")
        if most_rows is not None and len(rows) > most_rows:
            raise Malformed(f"{len(rows)} rows, {most_rows} were asked for")
        if any(each.path.startswith(f"{ANSWER}.") for each in self.settings.fields.values()):
            return [{**row, ANSWER: answer} if isinstance(row, dict) else row for row in rows]
        return rows

    def _of_object(self, found: Mapping[str, Any]) -> list[Any]:
        if not self.settings.key_as:
            return [found]
        return [{**row, self.settings.key_as: key} if isinstance(row, Mapping) else row for key, row in found.items()]

    def parse(self, rows: Sequence[Any], memory: ParserMemory | None = None) -> Parsed[DeclaredRow]:
        """Read what can be read; never raises for a row."""
        kept: dict[Hashable, DeclaredRow] = {}
        faults: list[str] = []
        for raw in rows:
            try:
                row = self.read(mapping(raw))
            except (Malformed, ArithmeticError) as fault:
                faults.append(str(fault))
            else:
                kept[self.identity_of(row)] = row
        ordered = sorted(kept.values(), key=self._order) if self.settings.time else list(kept.values())
        found = tuple(self._with_deltas(ordered))
        times = [at for row in found if (at := self.time_of(row)) is not None]
        return Parsed(found, len(faults), faults[0] if faults else "", max(times, default=None))

    def parse_message(self, rows: Sequence[Any]) -> Parsed[DeclaredRow]:
        return self.parse(rows)

    def read(self, raw: Row) -> DeclaredRow:
        """Return one row; raises Malformed for a field that is no such value, or is needed and absent."""
        values = {name: self._value(raw, name, each) for name, each in self.settings.fields.items()}
        if self.settings.flatten_nested:
            plain = {key: value for key, value in raw.items() if key != ANSWER}
            for place, (name, value) in enumerate(flat(plain)):
                if name not in values and place < _MOST_FLAT:
                    values[name] = self._as_it_came(raw, name, value)
        return DeclaredRow(MappingProxyType(values))

    def time_of(self, row: DeclaredRow) -> datetime | None:
        value = row.get(self.settings.time) if self.settings.time else None
        return value if isinstance(value, datetime) else None

    def identity_of(self, row: DeclaredRow) -> Hashable:
        return tuple(row[name] for name in self.settings.identity or self.settings.fields)

    alike_of = identity_of

    def _value(self, raw: Row, name: str, field: FieldSettings) -> Value:
        found = _put_together(raw, field.text) if field.text else found_at(raw, field.path)
        if isinstance(found, Mapping | list):
            raise Malformed(f"{field.path} is {type(found).__name__}, not {field.type}")
        if isinstance(found, str) and (field.format or field.zone or field.strip):
            found = _as_declared(found, field)
        if name in self.settings.parse_timestamps:
            value: Value = instant({field.path: found}, field.path)
        elif found is None:
            value = None
        else:
            value = _READ[field.type]({field.path: found}, field.path)
        if field.needed and value in (None, ""):
            raise Malformed(f"{field.path} is missing")
        return value

    def _as_it_came(self, raw: Row, name: str, value: Any) -> Value:
        if name in self.settings.parse_timestamps:
            return instant({name: value}, name)
        if value is None or isinstance(value, bool):
            return value
        return real({name: value}, name) if isinstance(value, int | float) else text({name: value}, name)

    def _order(self, row: DeclaredRow) -> tuple[bool, float]:
        at = self.time_of(row)
        return at is not None, at.timestamp() if at else 0.0

    def _with_deltas(self, rows: Sequence[DeclaredRow]) -> Iterator[DeclaredRow]:
        before: dict[Hashable, DeclaredRow] = {}
        for row in rows:
            if not self.settings.calculate_deltas:
                yield row
                continue
            group = tuple(row[name] for name in self.settings.delta_by)
            changes = {
                f"{name}_delta": _change(before.get(group), row, name) for name in self.settings.calculate_deltas
            }
            before[group] = row
            yield DeclaredRow(MappingProxyType({**row, **changes}))


def _change(before: DeclaredRow | None, row: DeclaredRow, name: str) -> Value:
    now, then = row[name], before[name] if before else None
    if now is None or then is None:
        return None
    return now - then  # type: ignore[operator, return-value]  # both are numbers of one type: the settings say so
