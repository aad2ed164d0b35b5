"""How the page reads the store: one read transaction a look, and one overview a moment for everybody who looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import TypeVar

from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.clocks.clock import ScaledClock, StandingClock
from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.engine.state.ports import Clock
from bot.store import read as ask
from bot.store.database import open_reader, reason_of
from bot.store.read.closed_days import ClosedDays
from bot.web import formats
from bot.web.model import MODE_WORDS, Banner, Overview, glance, overview
from bot.web.remembered import Remembered

Answer = TypeVar("Answer")

FRESH_S = 0.7
"""Wall seconds for which one overview is good enough for everybody who looks."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where the page stands: the store's address and the mode that it was started in."""

    database_url: str
    mode: str
    alone: Callable[[], str] | None = None
    """Of a page that was started without a bot: says in words who writes the store now. None: the bot's own page."""


class StoreReader:
    """Reads the store for the page. Every failure to read is a StoreError with words for a banner."""

    def __init__(self, place: StoreAddress, clock: Clock) -> None:
        self.place = place
        self.clock = clock
        self._lock = Lock()
        self._followed: datetime | None = None
        self._seen: dict[str | None, tuple[float, Overview]] = {}
        self._glance: tuple[float, Overview] | None = None
        self.closed = ClosedDays()
        self.remembered = Remembered()

    def look(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the answer to a question put to the store in one read transaction; raises StoreError in words."""
        with self.reading() as connection:
            return question(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read transaction, for who reads while the answer is being sent."""
        try:
            with open_reader(self.place.database_url) as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")  # the driver would read each statement from a state of its own
                self._keep_time(connection)
                yield connection
        except DBAPIError as error:
            raise StoreError(reason_of(error)) from error

    def _keep_time(self, connection: Connection) -> None:
        # The bot may have jumped ahead to its simulator's time; the page follows what the bot wrote. A tick is followed
        # once: while none comes time goes on here, or a tick that stands would look fresh for ever.
        if isinstance(self.clock, StandingClock):
            self._stand(connection, self.clock)
        if not isinstance(self.clock, ScaledClock):
            return
        pulse = ask.pulse(connection)
        if pulse is not None and pulse.at != self._followed:
            self._followed = pulse.at
            self.clock.align(pulse.at)

    def _stand(self, connection: Connection, clock: StandingClock) -> None:
        pulse = ask.pulse(connection)
        if pulse is not None:
            clock.put(pulse.at)

    def alone(self) -> str:
        """Return why nothing can be asked for here and of when the figures are; empty on a bot's own page."""
        if self.place.alone is None:
            return ""
        try:
            pulse = self.look(ask.pulse)
        except StoreError:
            return self.place.alone()
        if pulse is None:
            return f"{self.place.alone()} No bot has ticked on this store yet."
        at = f"{formats.clock_time(pulse.at)} New York, {formats.day(new_york_day(pulse.at))}"
        return f"{self.place.alone()} Last tick: {at}. Every figure is of then."

    def overview(self, machine: str | None = None) -> Overview:
        """Return the overview, at most FRESH_S old; a store that cannot be read is told in it, not raised."""
        with self._lock:
            known = self._seen.get(machine)
            if known is not None and self.clock.monotonic() - known[0] < FRESH_S:
                return known[1]
            found = self._read_overview(machine)
            self._seen[machine] = (self.clock.monotonic(), found)
            self._glance = self._seen[machine]
            return found

    def glance(self) -> Overview:
        """Return what every page says, at most FRESH_S old; trouble with the store is told in it, not raised."""
        with self._lock:
            if self._glance is not None and self.clock.monotonic() - self._glance[0] < FRESH_S:
                return self._glance[1]
            try:
                found = self.look(lambda connection: glance(connection, self._base()))
            except StoreError as error:
                found = replace(self._base(), trouble=trouble(error))
            self._glance = (self.clock.monotonic(), found)
            return found

    def forget(self) -> None:
        """Read the next overview anew, whoever looked a moment ago."""
        self._seen.clear()
        self._glance = None

    def _read_overview(self, machine: str | None) -> Overview:
        try:
            return self.look(lambda connection: overview(connection, self._base(), machine))
        except StoreError as error:
            return replace(self._base(), trouble=trouble(error))

    def _base(self) -> Overview:
        mode = self.place.mode
        return Overview(self.clock.now(), mode, MODE_WORDS.get(mode, mode), self.clock.speed, "")


def trouble(error: StoreError) -> Banner:
    """Return the banner of a store that cannot be read; the driver's words, never an address with a password in it."""
    return Banner("bad", "The store cannot be read:", f"{error}. The page goes on trying.")


def reader() -> StoreReader:
    found: StoreReader = current_app.extensions["reader"]
    return found
