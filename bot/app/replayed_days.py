"""Many simulated days, one after the other, on one store: does the bot live through weeks as it does through a day?

Each day is a scenario's story on the next session of the calendar, in turn, with a seed of its own; the venue's account
goes on from day to day as a broker's does, and the bot begins each morning from what it finds in the store. What was
done is kept beside the store after each day, so that work that was killed goes on with the day that it was in:

    FOLDER/days.json      what was asked for, the days that are done, the venue's account after the last of them
    FOLDER/after-NN.db    the store after day NN, complete; `days.json` names the one that counts

Same days and seed, same history, killed in between or not.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.analytics.performance import Figures, figures, grouped
from bot.app.day_summary import summarize
from bot.app.replayed_day import open_desk
from bot.clocks.calendar import XnysCalendar
from bot.config.loader import LoadedConfig
from bot.config.options import DaysOptions
from bot.domain.calendar import TradingSession
from bot.domain.errors import ConfigError
from bot.domain.instruments import option_of_key
from bot.domain.wording import dollars
from bot.sim.book_file import replace_file
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import load_scenario
from bot.store.database import open_reader
from bot.store.read.strategies import strategies
from bot.store.read.trades import TradeFilter, closed_trades
from bot.store.tables.position import POSITION
from bot.store.tables.transition import TRANSITION

STATE: Final = "days.json"
REGIMES: Final = ("gamma_pin_day", "loser_day", "quiet_day", "demo", "bad_day")
"""Stories that follow one another where none are named: breaks away, losses, calm, a rally, everything going wrong."""
CLASSES: Final = ("0DTE", "1DTE", "MOC", "14-day", "swing")
_FORM: Final = 1

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class DayDone:
    """One day that was lived: what it came to, and whether every invariant held."""

    day: str
    scenario: str
    seed: int
    trades: int
    pnl: str
    head_hash: str
    transitions: int
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DaysState:
    """How far the work is: what was asked for, what is done, and what the next day begins with."""

    asked: Mapping[str, Any]
    done: tuple[DayDone, ...] = ()
    store: str = ""
    account: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ClassLived:
    """How many trades of a class were opened, and how many of these are closed."""

    name: str
    opened: int
    closed: int


@dataclass(frozen=True, slots=True)
class StrategyLived:
    """One strategy over all the days: its figures, how it stands at the end and, where that is not on, why."""

    name: str
    enabled: bool
    state: str
    why: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class DaysReport:
    """What the days came to together."""

    days: tuple[DayDone, ...]
    strategies: tuple[StrategyLived, ...]
    classes: tuple[ClassLived, ...]
    whole: Figures
    open: int
    resumed: int = 0

    @property
    def sound(self) -> bool:
        return not any(day.broken for day in self.days)


def sessions(calendar: XnysCalendar, first: date, count: int) -> Iterator[TradingSession]:
    """Yield so many sessions, the first on a day or after it. Raises ConfigError where the calendar ends before."""
    session = calendar.session_on(first) or calendar.next_session(first)
    for number in range(count):
        yield session
        if number + 1 < count:
            try:
                session = calendar.next_session(session.day)
            except ValueError as error:
                raise ConfigError(f"--days {count}: the calendar ends after {session.day}") from error


async def live_days(
    config: LoadedConfig, options: DaysOptions, folder: Path, tell: Told = lambda done, of, what: None
) -> DaysReport:
    """Live every day that is not done yet and return what all of them came to; `tell` hears how far it is. Raises
    ConfigError where the folder holds other days than those that are asked for."""
    state = _begun(folder, options)
    resumed = len(state.done)
    for number, (session, scenario) in enumerate(_plan(config, options)):
        if number < resumed:
            continue
        tell(number, options.days, f"{session.day} {scenario}")
        state = await _live(config, options, folder, state, session, scenario)
    tell(options.days, options.days, "")
    return report(folder / state.store, state.done, resumed)


def _plan(config: LoadedConfig, options: DaysOptions) -> Iterator[tuple[TradingSession, str]]:
    """Yield each day with its story; a half day has one that is made for it, and no other has that."""
    named = options.scenarios or REGIMES
    first = options.first or load_scenario(named[0]).date
    calendar = XnysCalendar.around(first, Path(config.settings.sim.state_dir), config.settings.calendar)
    turn = 0
    for session in sessions(calendar, first, options.days):
        if session.is_half_day:
            yield session, "half_day"
            continue
        yield session, named[turn % len(named)]
        turn += 1


async def _live(
    config: LoadedConfig, options: DaysOptions, folder: Path, state: DaysState, session: TradingSession, scenario: str
) -> DaysState:
    """Live one day on a copy of the store and say that it is done; whatever ends it before, nothing has changed."""
    number = len(state.done) + 1
    seed = options.seed * 1000 + number
    work = _work_on(folder, state, number)
    async with open_desk(
        config, scenario, seed, work, quiet=True, strategies=options.strategies, on=session.day, account=state.account
    ) as desk:
        await desk.run_until_the_end()
        venue, now = desk.simulated.venue, desk.clock.now()
        assert isinstance(venue, MatchingVenue)
        account = venue.snapshot(now)
    _whole(work)
    head = desk.store.head
    summary = summarize(f"sqlite+aiosqlite:///{work.absolute()}", session.day)
    broken = tuple(f"{each.invariant}: {each.detail}" for each in summary.findings if not each.ok)
    came_to = str(summary.money.total)
    closed = len([row for row in summary.trades if row.closed_at is not None])
    lived = DayDone(session.day.isoformat(), scenario, seed, closed, came_to, head.hash, head.seq, broken)
    after = DaysState(state.asked, (*state.done, lived), work.name, account)
    _keep(folder, after)
    if state.store:
        (folder / state.store).unlink(missing_ok=True)
    return after


def _work_on(folder: Path, state: DaysState, number: int) -> Path:
    """Return the file that a day is lived in: a copy of the store so far, whatever an earlier attempt left there."""
    work = folder / f"after-{number:02d}.db"
    for left in folder.glob(f"{work.name}*"):
        left.unlink()
    if state.store:
        shutil.copyfile(folder / state.store, work)
    return work


def _whole(store: Path) -> None:
    """Have all of a store in its one file, so that a copy of that file is a copy of it."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# ---- what is kept between days


def _begun(folder: Path, options: DaysOptions) -> DaysState:
    asked = _asked(options)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STATE
    if not path.exists():
        return DaysState(asked)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        done = tuple(DayDone(**{**each, "broken": tuple(each["broken"])}) for each in data["done"])
        found = DaysState(data["asked"], done, data["store"], data["account"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: it cannot be read ({error}). Remove the folder to begin anew.") from error
    if {**found.asked, "days": 0} != {**asked, "days": 0}:
        raise ConfigError(f"{folder}: other days were begun there ({found.asked}). Name another --database.")
    if len(found.done) > options.days:
        raise ConfigError(f"{folder}: {len(found.done)} days are done there already, more than --days {options.days}.")
    return found


def _asked(options: DaysOptions) -> dict[str, Any]:
    first = options.first.isoformat() if options.first else ""
    named = list(options.scenarios or REGIMES)
    return {
        "form": _FORM, "days": options.days, "first": first, "seed": options.seed, "scenarios": named,
        "strategies": list(options.strategies),
    }  # fmt: skip


def _keep(folder: Path, state: DaysState) -> None:
    replace_file(folder / STATE, json.dumps(asdict(state)))


# ---- the report


def report(store: Path, done: Sequence[DayDone], resumed: int = 0) -> DaysReport:
    """Return what the days came to, read from their store."""
    with open_reader(f"sqlite+aiosqlite:///{store.absolute()}") as reader:
        trades = closed_trades(reader, TradeFilter())
        by_name = dict(grouped(trades, "strategy"))
        rows = strategies(reader, date.fromisoformat(done[-1].day), list(by_name))
        why = _why_off(reader)
        lived = tuple(
            StrategyLived(row.name, row.enabled, row.state, why.get(row.name, ""), by_name.get(row.name, figures(())))
            for row in rows
        )
        classes, still_open = _classes(reader)
    return DaysReport(tuple(done), lived, classes, figures(trades), still_open, resumed)


def _why_off(reader: Connection) -> dict[str, str]:
    """Return by strategy why its switch stands as it does."""
    step = TRANSITION.c
    query = select(step.entity_id, step.reason).where(step.machine == "strategy").order_by(step.seq)
    return {row[0]: row[1] for row in reader.execute(query)}


def _classes(reader: Connection) -> tuple[tuple[ClassLived, ...], int]:
    p = POSITION.c
    query = select(p.strategy, p.contract_key, p.opened_day, p.closed_at).where(p.entry_quantity > 0)
    opened: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    for strategy, key, day, closed_at in reader.execute(query):
        name = class_of(strategy, key, date.fromisoformat(day))
        opened[name] += 1
        closed[name] += closed_at is not None
    names = [*CLASSES, *sorted(opened.keys() - set(CLASSES))]
    return tuple(ClassLived(name, opened[name], closed[name]) for name in names), opened.total() - closed.total()


def class_of(strategy: str, contract_key: str, opened: date) -> str:
    """Return the class of a trade: by its strategy's name for MOC and swing, else by its days to expiry."""
    for word, name in (("moc", "MOC"), ("swing", "swing")):
        if word in strategy.split("_"):
            return name
    option = option_of_key(contract_key)
    days = (option.expiry - opened).days if option is not None else 0
    if days <= 0:
        return "0DTE"
    return "1DTE" if days <= _OVER_A_LONG_WEEKEND else "14-day"


_OVER_A_LONG_WEEKEND: Final = 4


# ---- on the command line


def run_days(config: LoadedConfig, options: DaysOptions, tell: Told) -> int:
    """Live the days, print what they came to, and leave the store where it was asked for."""
    with tempfile.TemporaryDirectory(prefix="quanticity-") as temporary:
        kept = options.database
        folder = Path(temporary) if kept is None else kept.with_name(f"{kept.name}.days")
        found = asyncio.run(live_days(config, options, folder, tell))
        if kept is not None:
            state = json.loads((folder / STATE).read_text(encoding="utf-8"))
            shutil.copyfile(folder / state["store"], kept)
    sys.stdout.write(_as_json(found) if options.as_json else as_text(found))
    return 0 if found.sound else 1


def as_text(found: DaysReport) -> str:
    """Return the report as lines."""
    lines = [f"{len(found.days)} simulated days" + (f", {found.resumed} of them done before" if found.resumed else "")]
    for day in found.days:
        broken = f"  BROKEN {'; '.join(day.broken)}" if day.broken else ""
        pnl = dollars(Decimal(day.pnl), plus=True)
        lines.append(f"  {day.day}  {day.scenario:<16}{day.trades:>3} closed {pnl:>12}{broken}")
    lines += ["", "by strategy"]
    lines += [_strategy_line(each) for each in found.strategies]
    lines += ["", "by class              opened  closed"]
    lines += [f"  {each.name:<20}{each.opened:>6}{each.closed:>8}" for each in found.classes]
    whole = found.whole
    held = f"; {found.open} still open" if found.open else ""
    lines += ["", f"P&L {dollars(whole.pnl, plus=True)} in {whole.trades} trades, fees {dollars(whole.fees)}{held}"]
    lines.append("every invariant held on every day" if found.sound else "INVARIANTS ARE BROKEN")
    return "\n".join(lines) + "\n"


def _strategy_line(each: StrategyLived) -> str:
    it = each.figures
    rate = "-" if it.win_rate is None else f"{it.win_rate:.0%}"
    state = each.state if each.enabled else "not enabled"
    why = f" ({each.why})" if each.why and each.state != "on" else ""
    factor = "-" if it.factor is None else f"{it.factor:.2f}"
    pnl = dollars(it.pnl, plus=True)
    return f"  {each.name:<20}{it.trades:>4} trades {rate:>5} won, factor {factor:>5}, {pnl:>12}  {state}{why}"


def _as_json(found: DaysReport) -> str:
    data = {
        "days": [asdict(day) for day in found.days], "resumed": found.resumed, "sound": found.sound,
        "strategies": [
            {"name": each.name, "enabled": each.enabled, "state": each.state, "why": each.why,
             **asdict(each.figures)} for each in found.strategies
        ],
        "classes": [asdict(each) for each in found.classes], "open": found.open,
    }  # fmt: skip
    return json.dumps(data, indent=2, default=str) + "\n"
