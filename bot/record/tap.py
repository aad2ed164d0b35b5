"""The bot's end of a recording: a fact becomes a row as it comes, rows leave once a second.

It costs the loop a tuple a fact and nothing that waits. What finds no room, because the process that keeps the rows is
gone or too slow for too long, is counted: the count is a row of the recording itself, and people are told.
"""

from __future__ import annotations

import json
import marshal
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, cast

from bot.domain.events import Event
from bot.domain.events.market_data import QuoteReceived
from bot.domain.plain import NotPlain, as_text
from bot.domain.recording import (
    OF,
    Columns,
    EventKind,
    NotRecorded,
    RunTold,
    SettingsTold,
    key_of,
    micros,
    moment,
    quote_columns,
    source_of,
    values_of,
)

MOST_ROWS: Final = 150_000
"""What waits at most, in rows: half a minute of the busiest market, many of a usual one; some tens of megabytes."""
_LENGTH: Final = struct.Struct(">I")
_KEPT_HEADERS: Final = ("content-type", "date", "retry-after")
_KEPT_BEGINNINGS: Final = ("x-uw-", "x-ratelimit-", "x-quota-")
_NOTHING: Final = ""
_STREAM: Final = "stream"
_SWITCHED: Final = 101  # as the connection of a stream is answered
_NO_ROOM: Final = "no room: the recorder's process did not take them"
_PLAIN: Final = 2  # of marshal: values alone, without looking for those that come twice


class LoopClock(Protocol):
    """The clock of the loop."""

    def now(self) -> datetime: ...


class Tap:
    """See the module. `hide` takes secrets out of texts that others wrote.

    Quotes are most of what comes: they wait as they are and become columns when they leave, which costs a quarter.
    """

    def __init__(self, clock: LoopClock, hide: Callable[[str], str] = str, most_rows: int = MOST_ROWS) -> None:
        self._now, self._hide, self._most = clock.now, hide, most_rows
        self._quotes: list[tuple[int, int, QuoteReceived]] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {}  # of every other kind, each its columns' values
        self._waiting = 0
        self._away = 0  # rows that left and were not said to be kept
        self.sequence = 0
        self.lost = 0
        self._gap: tuple[int, datetime, datetime, str] | None = None
        self._stamp: datetime | None = None  # of the quote before, and when that was received
        self._received_us = 0

    # ---- what comes

    def heard(self, event: Event) -> None:
        """Take a fact; never raises, never waits."""
        if type(event) is QuoteReceived and not event.context:
            self._quoted(event)
            return
        now = self._now()
        kind, source = OF.get(type(event), _UNKNOWN)
        if isinstance(event, QuoteReceived):
            kind = EventKind.LINES  # what is only watched is kept as a fact: the table of quotes is what trades rest on
        try:
            values = (as_text(event),) if kind is EventKind.LINES else values_of(event)
        except NotPlain as error:
            self.sequence += 1
            self._lose(now, f"a {type(event).__name__} cannot be written: {error}")
            return
        key = key_of(event)
        if kind is not EventKind.GREEKS:  # numbers: nobody writes words there
            values, key = (self._hide(values[0]),), self._hide(key)
        self._put(kind, source_of(event, source), key, values, now)

    def _quoted(self, event: QuoteReceived) -> None:
        """Take a quote. Those that bear the very same time came in one go: the clock is asked once for them."""
        self.sequence += 1
        stamp = event.quote.at
        if stamp is not self._stamp:
            self._stamp, self._received_us = stamp, micros(self._now())
        if self._waiting + self._away >= self._most:
            self._lose(moment(self._received_us), _NO_ROOM)
            return
        self._waiting += 1
        self._quotes.append((self.sequence, self._received_us, event))

    def ticked(self, number: int, now: datetime, steady_s: float) -> None:
        """Take that the loop took what had come."""
        self._stamp = None
        self._put(EventKind.TICKS, _CLOCK, _NOTHING, (number, steady_s), now)

    def answered(
        self, source: str, path: str, asked: Sequence[tuple[str, str]], status: int, headers: Mapping[str, str],
        body: bytes,
    ) -> None:  # fmt: skip
        """Take a vendor's answer as it came. Of the headers stays what tells of limits; nothing of what we sent but the
        question."""
        kept = {name: text for name, text in headers.items() if _is_kept(name.lower())}
        path = self._hide(path)
        words = (path, self._hide(json.dumps(asked)), status, self._hide(json.dumps(kept)))
        self._put(EventKind.ANSWERS, source, path, (*words, self._without_secrets(body)), self._now())

    def streamed(self, source: str, text: str) -> None:
        """Take a message of a vendor's stream as it came."""
        values = (_STREAM, _NOTHING, _SWITCHED, _NOTHING, self._hide(text).encode())
        self._put(EventKind.ANSWERS, source, _STREAM, values, self._now())

    def runs(self, run: RunTold) -> None:
        """Take under which settings the bot runs."""
        self._put(EventKind.RUNS, _BOT, run.bot_id, (self._hide(as_text(run)),), run.started_at)

    def takes(self, told: SettingsTold) -> None:
        """Take which settings come into force with the next tick."""
        self._put(EventKind.RUNS, _BOT, told.config_version, (self._hide(as_text(told)),), told.at)

    def _without_secrets(self, body: bytes) -> bytes:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return body
        return self._hide(text).encode()

    def _put(self, kind: EventKind, source: str, key: str, values: tuple[object, ...], now: datetime) -> None:
        self.sequence += 1
        if self._waiting + self._away >= self._most:
            self._lose(now, _NO_ROOM)
            return
        self._add(kind, source, key, values, now)

    def _add(self, kind: EventKind, source: str, key: str, values: tuple[object, ...], now: datetime) -> None:
        self._waiting, self._stamp = self._waiting + 1, None
        self._rows.setdefault(kind.value, []).append((self.sequence, micros(now), source, key, *values))

    def _lose(self, now: datetime, why: str) -> None:
        self.lost += 1
        count, since, _, first = self._gap or (0, now, now, why)
        self._gap = (count + 1, since, now, first)

    # ---- what leaves

    def take(self) -> tuple[bytes, NotRecorded | None]:
        """Return the rows that wait as one frame for the recorder's process, and what found no room meanwhile."""
        gap = self._take_gap()
        columns: Columns = {kind: list(zip(*rows, strict=True)) for kind, rows in self._rows.items()}
        if self._quotes:
            columns = {**columns, EventKind.QUOTES.value: quote_columns(self._quotes)}
        self._away += self._waiting
        self._quotes, self._rows, self._waiting, self._stamp = [], {}, 0, None
        packed = marshal.dumps(cast(Any, columns), _PLAIN)
        return _LENGTH.pack(len(packed)) + packed, gap

    def kept(self, rows: int) -> None:
        """Hear that so many rows of those that left are on disk."""
        self._away = max(0, self._away - rows)

    @property
    def waits(self) -> int:
        """How many rows have not left yet."""
        return self._waiting

    @property
    def awaits(self) -> int:
        """How many rows left and were not yet said to be kept."""
        return self._away

    def begin_again(self) -> None:
        """Hear that the process is another: what was on its way to the old one is not waited for."""
        if self._away:
            now = self._now()
            for _ in range(self._away):
                self._lose(now, "the recorder's process ended before it said that it kept them")
        self._away = 0

    def _take_gap(self) -> NotRecorded | None:
        if self._gap is None or self._waiting >= self._most:
            return None
        count, since, until, why = self._gap
        self._gap = None
        gap = NotRecorded(count, since, until, why)
        self.sequence += 1
        self._add(EventKind.GAPS, _BOT, _NOTHING, (as_text(gap),), until)
        return gap


_CLOCK: Final = "clock"
_BOT: Final = "bot"
_UNKNOWN: Final = (EventKind.BOT, "")


def _is_kept(name: str) -> bool:
    return name in _KEPT_HEADERS or name.startswith(_KEPT_BEGINNINGS)


def columns_of_frame(packed: bytes) -> Columns:
    """Return the rows of a frame that the bot's end packed, without its length."""
    columns: Columns = marshal.loads(packed)  # noqa: S302 - from our own parent, through a pipe that only it writes
    return columns


def count_of(columns: Columns) -> int:
    """Return how many rows they are."""
    return sum(len(held[0]) for held in columns.values())


def length_of_frame(head: bytes) -> int:
    """Return how many bytes follow a frame's first four."""
    (length,) = _LENGTH.unpack(head)
    return int(length)


HEAD_BYTES: Final = _LENGTH.size
