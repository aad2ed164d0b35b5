"""Rows of a vendor as typed rows: what every parser does around the function that reads one row.

A row that cannot be read is dropped and counted; the others stand. Rows come back in their natural order (time, strike,
symbol), whatever order the vendor chose, and where it repeats one, the later stands.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from bot.feeds.tolerant import Malformed, Row

R = TypeVar("R")


@dataclass(slots=True)
class ParserMemory:
    """Of the last answer: a mark of each row as it came, and what it was read as.

    The rows themselves would be the largest thing that the feed keeps, and grow all day. A mark is a hash of 64 bits:
    that two rows at one place of a series share it by chance is one in 10^19.
    """

    marks: Sequence[int | None] = ()
    read: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[R]):
    """What an answer held. `source_at` is the vendor's time of the newest row, None where rows are not timed."""

    rows: tuple[R, ...]
    dropped: int
    first_fault: str
    source_at: datetime | None


class Reads(Protocol):
    """Anything that makes typed rows of raw ones: a parser of a vendor's room, or a reader that was declared."""

    def parse(self, rows: Sequence[Any], memory: ParserMemory | None = None) -> Parsed[Any]:
        """Read what can be read; never raises for a row."""
        ...

    def parse_message(self, rows: Sequence[Any]) -> Parsed[Any]:
        """Read rows that a stream said, each by itself; never raises for a row."""
        ...

    def time_of(self, row: Any) -> datetime | None:
        """Return a row's own time, None where rows have none."""
        ...

    def identity_of(self, row: Any) -> Hashable:
        """Return what tells a row from others."""
        ...

    def alike_of(self, row: Any) -> Hashable:
        """Return what a row has in common with the same one said by the stream."""
        ...


@dataclass(frozen=True, slots=True)
class Parser(Generic[R]):
    """How a data set is read: the row, what tells rows apart, their order, their time if it speaks for the answer.
    `stamp` is a row's time where it does not speak for the whole answer; `skip` tells rows that stand for nothing (a
    trade that was cancelled), which are left out without being faults; `settle` is what only all rows of an answer
    together say; `alike` what REST and the stream say of a row alike, where a part of its identity is REST's alone."""

    read: Callable[[Row], R]
    identity: Callable[[R], Hashable]
    order: Callable[[R], Any]
    time: Callable[[R], datetime] | None
    stamp: Callable[[R], datetime] | None = None
    skip: Callable[[Row], bool] | None = None
    settle: Callable[[tuple[R, ...]], tuple[R, ...]] | None = None
    alike: Callable[[R], Hashable] | None = None

    def parse(self, rows: Sequence[Any], memory: ParserMemory | None = None) -> Parsed[R]:
        """Read what can be read; never raises for a row.

        A series comes whole with every answer: with a `memory` of the last one, a row that stands where and as it stood
        is not read again.
        """
        return self._parsed(rows, memory or ParserMemory(), self.settle)

    def parse_message(self, rows: Sequence[Any]) -> Parsed[R]:
        return self._parsed(rows, ParserMemory(), None)

    def _parsed(
        self, rows: Sequence[Any], memory: ParserMemory, settle: Callable[[tuple[R, ...]], tuple[R, ...]] | None
    ) -> Parsed[R]:
        read = self._read_all(rows, memory)
        kept: dict[Hashable, R] = {}
        faults = [row for row in read if isinstance(row, Malformed)]
        for row in read:
            if row is not None and not isinstance(row, Malformed):
                self._keep(kept, row)
        ordered = tuple(sorted(kept.values(), key=self.order))
        if settle is not None:
            ordered = settle(ordered)
        return Parsed(ordered, len(faults), str(faults[0]) if faults else "", self._newest(ordered))

    def time_of(self, row: R) -> datetime | None:
        stamp = self.time or self.stamp
        return stamp(row) if stamp else None

    def identity_of(self, row: R) -> Hashable:
        return self.identity(row)

    def alike_of(self, row: R) -> Hashable:
        return (self.alike or self.identity)(row)

    def _read_all(self, rows: Sequence[Any], memory: ParserMemory) -> list[R | Malformed | None]:
        before: list[R | Malformed | None] = memory.read
        marks = [_mark(row) for row in rows]
        same = 0
        for mark, known in zip(marks, memory.marks, strict=False):
            if mark is None or mark != known:
                break
            same += 1
        memory.marks, memory.read = marks, [*before[:same], *map(self._read, rows[same:])]
        return memory.read

    def _read(self, row: Any) -> R | Malformed | None:
        try:
            found = mapping(row)
            return None if self.skip is not None and self.skip(found) else self.read(found)
        except Malformed as fault:
            return fault
        except ArithmeticError as fault:  # a number may be one and still not fit
            return Malformed(repr(fault))

    def _keep(self, kept: dict[Hashable, R], typed: R) -> None:
        """A row that comes twice (pages that moved between two calls) is the newer one, or the later read."""
        identity = self.identity(typed)
        before = kept.get(identity)
        if before is None or self.time is None or self.time(typed) >= self.time(before):
            kept[identity] = typed

    def _newest(self, rows: Iterable[R]) -> datetime | None:
        return max(map(self.time, rows), default=None) if self.time else None


@dataclass(frozen=True, slots=True)
class FoldedParser(Generic[R]):
    """How a data set is read whose rows are finer than anybody needs: rows of one place (a bucket of prices, an expiry)
    are put together as they come, and none is kept itself."""

    read: Callable[[Row], R]
    place: Callable[[R], Hashable]
    fold: Callable[[R, R], R]
    order: Callable[[R], Any]
    time: Callable[[R], datetime] | None = None

    def parse(self, rows: Sequence[Any], memory: ParserMemory | None = None) -> Parsed[R]:
        """Read what can be read; never raises for a row."""
        found: dict[Hashable, R] = {}
        faults: list[str] = []
        for raw in rows:
            try:
                row = self.read(mapping(raw))
            except (Malformed, ArithmeticError) as fault:
                faults.append(str(fault) or repr(fault))
                continue
            place = self.place(row)
            found[place] = self.fold(found[place], row) if place in found else row
        ordered = tuple(sorted(found.values(), key=self.order))
        newest = max(map(self.time, ordered), default=None) if self.time else None
        return Parsed(ordered, len(faults), faults[0] if faults else "", newest)

    def time_of(self, row: R) -> datetime | None:
        return self.time(row) if self.time else None

    def parse_message(self, rows: Sequence[Any]) -> Parsed[R]:
        return self.parse(rows)

    def identity_of(self, row: R) -> Hashable:
        return self.place(row)

    alike_of = identity_of


Parsers = Mapping[str, Parser[Any] | FoldedParser[Any]]


def number_of(row: Any, name: str) -> float | None:
    """Return a number of a row, typed or declared, by its name; None where it is none."""
    value = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
    return float(value) if isinstance(value, int | float | Decimal) else None


def mapping(row: Any) -> Row:
    """Return a row that is an object; raises Malformed for any other."""
    if not isinstance(row, dict):
        raise Malformed(f"a row is {type(row).__name__}, not an object")
    return row


def _mark(row: Any) -> int | None:
    """Return what tells a row from others; None for one that is no flat object, which is read every time."""
    try:
        return hash(tuple(row.items()))
    except (AttributeError, TypeError):
        return None
