"""Which simulated day a start lives in: the one that was interrupted, or the next one after the last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bot.app.simulated_people import known_people, mail_certificate, page_address, services_book
from bot.app.venue_child import Services, VenueSetup
from bot.clocks.calendar import XnysCalendar
from bot.config.options import RunOptions
from bot.config.schema import Settings
from bot.domain.calendar import NEW_YORK, TradingSession, new_york_day
from bot.domain.errors import ConfigError
from bot.sim.book_file import VenueBook, read_book
from bot.sim.scenario import Scenario, load_scenario
from bot.store.address import is_sqlite, sqlite_path
from bot.store.backup import folder_of
from bot.store.heads import file_in


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """The day to live: `resumed` says that it goes on where it was interrupted."""

    scenario_name: str
    scenario: Scenario
    seed: int
    speed: float
    session: TradingSession
    start_at: datetime
    resumed: bool
    book_file: Path

    @property
    def is_fast(self) -> bool:
        """Whether its time runs faster than the wall's, and then waits for who lives in it."""
        return self.speed > 1

    def setup(self, settings: Settings, pace_fd: int | None = None) -> VenueSetup:
        """Return what the venue is told of this day; `pace_fd` is the file that says how far a fast one has come."""
        sim = settings.sim
        return VenueSetup(
            scenario=self.scenario_name,
            seed=self.seed,
            day=self.session.day.isoformat(),
            start_at=self.start_at.isoformat(),
            speed=self.speed,
            tws_port=sim.tws_port,
            uw_port=sim.uw_port,
            pace_s=sim.quote_pace_s,
            book_file=str(self.book_file),
            services=self._services(settings) if sim.services.enabled else None,
            pace_fd=pace_fd if self.is_fast else None,
        )

    def _services(self, settings: Settings) -> Services:
        book = str(services_book(self.book_file))
        wanted = settings.sim.services
        return Services(
            wanted.ports(), book, known_people(settings), page_address(settings), wanted.smtp_tls,
            str(mail_certificate(settings)),
        )  # fmt: skip


def book_path(settings: Settings) -> Path:
    """Return where the venue's book is kept: beside the store, so that the two are set aside together."""
    if is_sqlite(settings.database.url):
        path = sqlite_path(settings.database.url)
        return path.with_name(path.name + ".venue.json")
    return Path(settings.sim.state_dir) / "venue.json"


def plan_day(settings: Settings, options: RunOptions) -> SimulatedDay:
    """Choose scenario, day and time. Raises ConfigError when the scenario or the day does not exist."""
    name = options.scenario or settings.sim.scenario
    seed = settings.sim.seed if options.seed is None else options.seed
    scenario = load_scenario(name)
    path = book_path(settings)
    book = read_book(path)
    calendar = XnysCalendar.around(
        (book.day if book else scenario.date), Path(settings.sim.state_dir), settings.calendar
    )
    session, start_at, resumed = _when(calendar, scenario, book, name, seed, options)
    speed = options.speed or scenario.speed or settings.sim.speed
    return SimulatedDay(name, scenario, seed, speed, session, start_at, resumed, path)


def _when(
    calendar: XnysCalendar, scenario: Scenario, book: VenueBook | None, name: str, seed: int, options: RunOptions
) -> tuple[TradingSession, datetime, bool]:
    if options.start_at is not None:
        session = calendar.session_on(new_york_day(options.start_at))
        if session is None:
            raise ConfigError(f"--start-at {options.start_at.isoformat()}: no session at XNYS on that day")
        same = book is not None and (book.scenario, book.seed, book.day) == (name, seed, session.day)
        return session, options.start_at, same
    if book is None:
        return _session(calendar, scenario.date), scenario.starts(), False
    session = _session(calendar, book.day)
    if (book.scenario, book.seed) == (name, seed) and book.at < session.close_at:
        return session, book.at, True
    session = _next_of_its_kind(calendar, book.day, half_day=_is_half_day(calendar, scenario))
    return session, scenario.moment(scenario.start_at, session.day).astimezone(UTC), False


def _session(calendar: XnysCalendar, day: date) -> TradingSession:
    session = calendar.session_on(day)
    if session is None:
        raise ConfigError(f"scenario date {day}: no session at XNYS on that day")
    return session


def _is_half_day(calendar: XnysCalendar, scenario: Scenario) -> bool:
    return _session(calendar, scenario.date).is_half_day


def _next_of_its_kind(calendar: XnysCalendar, after: date, *, half_day: bool) -> TradingSession:
    """Return the first later session that is as long as the scenario's own: the store's days never repeat."""
    try:
        session = calendar.next_session(after)
        while session.is_half_day != half_day:
            session = calendar.next_session(session.day)
    except ValueError as error:
        raise ConfigError(f"no simulated day is left after {after}: start with --fresh") from error
    return session


def set_aside(settings: Settings, at: datetime) -> list[Path]:
    """Move store and venue book out of the way (`--fresh`); nothing is deleted. Returns where they went."""
    stamp = f"{at.astimezone(NEW_YORK):%Y%m%d-%H%M%S}"
    moved = []
    candidates = [book_path(settings), services_book(book_path(settings))]
    if is_sqlite(settings.database.url):
        store = sqlite_path(settings.database.url)
        candidates += [store, store.with_name(store.name + "-wal"), store.with_name(store.name + "-shm")]
        candidates.append(file_in(folder_of(settings.database.url, settings.database.backup_dir)))
    for path in candidates:
        if path.exists():
            beside = path.with_name(f"{path.name}.aside-{stamp}")
            path.rename(beside)
            moved.append(beside)
    return moved
