"""A thing and its table: from one list of fields come the table, the row, the way back, the upsert and what is alive.

Context: a column stood in the schema, in the row that is written, in the row that is read and in the statement, and one
of the four was easily forgotten. Decision: each table is one file in `bot/store/tables` that lists its fields once.
Consequence: a field of the dataclass that no column holds is an error at the import, not a value lost at a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import Field as Attribute
from dataclasses import dataclass
from dataclasses import fields as attributes_of
from operator import attrgetter
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from sqlalchemy import Column, ColumnCollection, Select, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql import ClauseElement

from bot.domain.kinds import KINDS
from bot.domain.outside import outside
from bot.store.columns import METADATA
from bot.store.fields import Field
from bot.store.trouble import UNREADABLE, damaged
from bot.store.values import Row


class Thing(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Attribute[Any]]]


T = TypeVar("T", bound=Thing)


@dataclass(slots=True)
class Kept:
    """What was written of a thing: the values that its plain columns were made of, and the stored form by column."""

    values: tuple[Any, ...]
    row: dict[str, Any]


class Stored(Generic[T]):
    """The table of a kind of thing. `more`: indexes and constraints. `in_memory`: fields that are memory of one run.
    `as_kept`: gives the thing as the store can hold it, before its row is made."""

    def __init__(
        self,
        kind: type[T],
        name: str,
        *fields: Field,
        comment: str,
        more: Collection[SchemaItem] = (),
        in_memory: Collection[str] = (),
        as_kept: Callable[[T], T] | None = None,
    ) -> None:
        self.fields: Final = fields
        self._reads = [(each.name, each.read) for each in fields if each.read is not None]
        _all_kept(kind, {name for name, _ in self._reads} | set(in_memory))
        columns = [column for each in fields for column in each.columns]
        checks = [check for each in fields for check in each.checks]
        self.kind: Final = kind
        self.table: Final = Table(name, METADATA, *columns, *checks, *more, comment=comment)
        self._as_kept = as_kept
        written = [each for each in fields if each.write and not each.is_given]
        plain = [(column, each) for each in written if each.of is None for column in each.write]
        self._plain_values = _values_of([each.path(column) for column, each in plain])
        self._plain = [(column, each.write[column]) for column, each in plain]
        self._is_frozen = [each.holds is not None or each.parts is not None for _, each in plain]
        self._others = [(each.of, list(each.write.items())) for each in written if each.of is not None]
        self._given = {column: form for each in fields if each.is_given for column, form in each.write.items()}
        self._written = [column for each in fields for column in each.write]

    @property
    def c(self) -> ColumnCollection[str, Column[Any]]:
        return self.table.c

    def row(self, thing: T, **given: Any) -> dict[str, Any]:
        """Return the stored form of a thing by column; `given` are the values that it does not know itself."""
        kept = thing if self._as_kept is None else self._as_kept(thing)
        found = {
            column: value if form is None or value is None else form(value)
            for (column, form), value in zip(self._plain, self._plain_values(kept), strict=True)
        }
        for value_of, columns in self._others:
            value = value_of(kept)
            for column, form in columns:
                found[column] = value if form is None or value is None else form(value)
        for column, form in self._given.items():
            value = given[column]
            found[column] = value if form is None or value is None else form(value)
        return found

    def kept(self, thing: T) -> Kept:
        """Return a thing as it is written whole."""
        kept = thing if self._as_kept is None else self._as_kept(thing)
        return Kept(self._plain_values(kept), self.row(thing))

    def news(self, thing: T, known: Kept) -> dict[str, Any]:
        """Return the stored form of what is not as it was written, by column, and have it known."""
        kept, row, found = thing if self._as_kept is None else self._as_kept(thing), known.row, {}
        before, known.values = known.values, self._plain_values(kept)
        for (column, form), is_frozen, value, was in zip(
            self._plain, self._is_frozen, known.values, before, strict=True
        ):
            if value is was and is_frozen:
                continue
            stored = value if form is None or value is None else form(value)
            if stored != row[column]:
                found[column] = stored
        for value_of, columns in self._others:
            value = value_of(kept)
            for column, form in columns:
                stored = value if form is None or value is None else form(value)
                if stored != row[column]:
                    found[column] = stored
        row.update(found)
        return found

    def read(self, row: Row) -> T:
        """Return the thing of a row; raises StoreUnusable, with table, row and column, for what we never write."""
        try:
            return self.kind(**{name: read(row) for name, read in self._reads})
        except UNREADABLE as error:
            raise damaged(f"table {self.table.name}, {self._place(row)}: {error!r}") from error

    def _place(self, row: Row) -> str:
        """Return which row it is, and the first of its columns that cannot be read."""
        keys = ", ".join(f"{each.name} {outside(row[each.name], 40)}" for each in self.table.primary_key.columns)
        for name, read in self._reads:
            try:
                read(row)
            except UNREADABLE:
                return f"{keys}: {name} is not what this program writes"
        return keys

    def upsert(self, dialect: str, **computed: Any) -> ClauseElement:
        """Return an insert that replaces the row of the same key, but for the columns that others write; `computed` are
        columns that the statement itself knows."""
        start = postgresql.insert(self.table) if dialect == "postgresql" else sqlite.insert(self.table)
        keys = [column.name for column in self.table.primary_key.columns]
        statement = start.values({**{name: bindparam(name) for name in self._written}, **computed})
        kept = {name: statement.excluded[name] for name in (*self._written, *computed) if name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=kept)

    def alive(self) -> Select[Any]:
        """Return a query of what is alive of a kind that has a life, in the order of its ids."""
        over = sorted(state.value for state in KINDS[self.kind].life.terminal)  # type: ignore[index]
        every = select(self.table).order_by(self.table.c.id)
        return every.where(self.table.c.state.not_in(over)) if over else every


class Patch(Generic[T]):
    """What a thing changes of a row that is there already: `fields` of it, in the row of `table` whose key is the
    thing's `found_by`. `name` is what the statement is called."""

    def __init__(self, kind: type[T], name: str, table: Table, found_by: str, *fields: Field) -> None:
        known = {each.name for each in attributes_of(kind)}
        strange = [each for each in (found_by, *(field.name for field in fields)) if each not in known]
        if strange:
            raise TypeError(f"{kind.__name__} has no field {strange[0]!r}")
        self.kind, self.name, self.fields, self._table = kind, name, fields, table
        self._id_of = attrgetter(found_by)
        writes = [(column, each) for each in fields for column in each.write]
        self._values_of = _values_of([each.path(column) for column, each in writes])
        self._writes = [(column, each.write[column]) for column, each in writes]

    def row(self, thing: T) -> dict[str, Any]:
        """Return the stored form of what changes by column, and the key of the row as `row_id`."""
        found = {"row_id": self._id_of(thing)}
        for (column, form), value in zip(self._writes, self._values_of(thing), strict=True):
            found[column] = value if form is None or value is None else form(value)
        return found

    def update(self, _: str) -> ClauseElement:
        """Return the statement, the same in every dialect."""
        values: dict[str, Any] = {column: bindparam(column) for column, _ in self._writes}
        (key,) = self._table.primary_key.columns
        return update(self._table).values(values).where(key == bindparam("row_id"))


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        value_of = attrgetter(names[0])
        return lambda thing: (value_of(thing),)
    return attrgetter(*names)


def _all_kept(kind: type[Thing], kept: Collection[str]) -> None:
    known = {each.name for each in attributes_of(kind) if each.init}
    lost, strange = sorted(known - set(kept)), sorted(set(kept) - known)
    if lost:
        raise TypeError(f"{kind.__name__}.{lost[0]} has no column: a restart would forget it")
    if strange:
        raise TypeError(f"{kind.__name__} has no field {strange[0]!r}")


Tables = Mapping[type[Any], Stored[Any]]
