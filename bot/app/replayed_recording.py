"""Replaying what was recorded: which recordings, on which settings, into which store, and what is said of it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from bot.app.day_summary import DaySummary, as_data, lines, summarize
from bot.app.fast_clock import paced
from bot.app.recorded_run import (
    LATENCY_MS,
    Played,
    ReplayStage,
    first_equity,
    held_at_first,
    play_as_recorded,
    play_at_venue,
)
from bot.app.recorder_process import deciding
from bot.app.reloading import differences
from bot.app.replay_report import write_report
from bot.app.replayed_day import trading_only
from bot.app.trader_log import log_of
from bot.clocks.calendar import XnysCalendar
from bot.config.loader import LoadedConfig
from bot.config.options import Fills, ReplayOptions
from bot.config.schema import Mode, Settings
from bot.domain.calendar import new_york_day
from bot.domain.errors import ConfigError
from bot.domain.instruments import option_of_key
from bot.domain.recording import EventKind, RecordingFault, RunTold, SettingsTold
from bot.log import configure_logging
from bot.record.library import SHIPPED, Recording, is_recording, named, span_of
from bot.record.player import Life, life_of
from bot.sim.scenario import Scenario, load_scenario
from bot.store.backup import backup
from bot.store.database import open_reader
from bot.store.read.history import latest_transitions
from bot.store.revision import upgrade
from bot.strategies.base import Look, Strategy
from bot.strategies.registry import build

_STATUS_EVERY_S: Final = 60.0
_MOST_GONE: Final = 5
_MOST_NAMED: Final = 3
_CASH: Final = Decimal(100_000)
_NOT_DECIDING: Final = {
    "engine": (
        "record", "record_dir", "record_keep_days", "stop_wall_seconds", "min_tick_wall_seconds", "kill_switch_file",
        "dead_man_file", "dead_man_url",
    ),
    "ibkr": ("host", "port", "client_id"),
}  # fmt: skip
"""Where things lie, how the program is watched and stopped, how often the loop may wake: none of it decides."""


@dataclass(slots=True)
class ReplayOutcome:
    """What came of a replay."""

    name: str
    database: Path
    fills: Fills
    why: str
    head_hash: str = ""
    transitions: int = 0
    wall_s: float = 0.0
    days: list[DaySummary] = field(default_factory=list)
    played: list[tuple[str, Played]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often a strategy said of a symbol that an input is missing."""

    @property
    def facts(self) -> int:
        return sum(each.facts for _, each in self.played)

    @property
    def kept_from(self) -> list[str]:
        """Return in words what the recording lacks that a strategy needs."""
        return [f"{name}, {symbol}: {fault}" for name, symbol, fault in sorted(self.looks)]

    @property
    def is_sound(self) -> bool:
        return all(day.sound for day in self.days) and all(each.agrees for _, each in self.played)


def is_recorded(name: str) -> bool:
    """Say whether a name means recordings: the sample, a day, a range of days, a recording's folder."""
    return name == SHIPPED or span_of(name) is not None or is_recording(Path(name))


def run_recorded(config: LoadedConfig, options: ReplayOptions) -> int:
    """Replay recordings as the command line asks; returns the exit code."""
    chosen = named(Path(config.settings.engine.record_dir), options.scenario)
    database = options.database or config.root / "data" / "replays" / f"{_file_name(options.scenario)}.db"
    outcome = replay_recorded(config, options, chosen, database)
    report = database.with_suffix(".html")
    write_report(outcome, report)
    sys.stdout.write(_as_json(outcome, report) if options.as_json else _as_text(outcome, report))
    return 0 if outcome.is_sound else 1


def replay_recorded(
    config: LoadedConfig, options: ReplayOptions, chosen: Sequence[Recording], database: Path
) -> ReplayOutcome:
    """Replay recorded days, one after the other, into a store. Raises RecordingFault for one that is not whole, unless
    its good part is asked for, and ConfigError for what does not fit together."""
    began = time.monotonic()
    lives = [(each, life_of(each)) for each in chosen]
    if not options.good_part:
        _require_whole(chosen)
    way = _chosen_way(config, options, lives)
    outcome = ReplayOutcome(options.scenario, database, way.fills, way.why)
    _begin_store(config, options, database, lives)
    asyncio.run(_play_all(config, options, way, lives, outcome))
    outcome.wall_s = time.monotonic() - began
    _look_back(outcome, options, lives)
    return outcome


def _require_whole(chosen: Sequence[Recording]) -> None:
    for each in chosen:
        if each.is_as_written():
            continue
        found = each.judge()
        if not found.is_whole:
            raise RecordingFault(f"{each.name}: {found.words()}; `replay ... --good-part` plays what can be read")


# ---- settings and way


@dataclass(frozen=True, slots=True)
class _Manner:
    fills: Fills
    why: str
    settings: Settings


def _chosen_way(config: LoadedConfig, options: ReplayOptions, lives: Sequence[tuple[Recording, Life]]) -> _Manner:
    """Decide who fills. Unless told: the recording itself where the settings in force are those of the day and no
    strategy is chosen, else the venue."""
    run = lives[0][1].runs[0] if lives[0][1].runs else None
    settings = _in_force(config, options, run)
    if run is None:
        settings = _looking_at(settings, lives[0][0])
    if options.fills is Fills.VENUE:
        return _Manner(Fills.VENUE, "asked for", settings)
    obstacle = _obstacle(options, lives, settings)
    if options.fills is Fills.RECORDED or not obstacle:
        hindrance = "" if run is not None and lives[0][1].ticks else "nothing in it says when the loop ticked"
        if run is None or hindrance:
            raise ConfigError(f"--fills recorded: {hindrance or 'no run of a bot was recorded'}")
        why = "asked for" if obstacle else "the settings are those of the day"
        return _Manner(Fills.RECORDED, why, _as_it_was(config, run))
    return _Manner(Fills.VENUE, obstacle, settings)


def _obstacle(options: ReplayOptions, lives: Sequence[tuple[Recording, Life]], settings: Settings) -> str:
    if options.strategies:
        return "strategies were chosen"
    if options.from_store:
        return "it begins with another store"
    if len(lives) > 1:
        return "several days are played in one go"
    recording, life = lives[0]
    if not life.runs or not life.ticks:
        return "no run of a bot was recorded"
    if EventKind.ORDERS not in recording.kinds() and not recording.is_open:
        return "no order was recorded"
    if differing := sorted(differences(_same(deciding(settings)), _same(life.runs[0].settings))):
        more = f" and {len(differing) - _MOST_NAMED} more" if len(differing) > _MOST_NAMED else ""
        return f"the settings are not those of the day: {', '.join(differing[:_MOST_NAMED])}{more}"
    return ""


def _same(tree: Mapping[str, Any]) -> Any:
    """Return what decides of the sections that do, equal for equal settings."""
    kept = {
        section: {name: value for name, value in held.items() if name not in _NOT_DECIDING.get(section, ())}
        for section, held in tree.items()
    }
    return json.loads(json.dumps(kept))


def _as_it_was(config: LoadedConfig, told: RunTold | SettingsTold) -> Settings:
    """Return the settings with the recorded sections in the place of today's."""
    now = config.settings.model_dump(mode="json")
    bot_id = told.bot_id if isinstance(told, RunTold) else config.settings.bot_id
    tree = json.loads(json.dumps({**now, **told.settings, "bot_id": bot_id, "mode": Mode.SIM.value}))
    for _ in range(_MOST_GONE):
        try:
            return _as_written(Settings.model_validate(tree), tree)
        except ValidationError as error:
            for each in error.errors():
                if each["type"] != "extra_forbidden":
                    where = ".".join(str(part) for part in each["loc"])
                    words = f"the recorded settings are not of this version: {where}: {each['msg']}"
                    raise ConfigError(words) from error
                _take_out(tree, each["loc"])
    raise ConfigError("the recorded settings are not of this version")


def _as_written(section: _Model, tree: Mapping[str, Any]) -> _Model:
    """Return settings whose numbers are written as that day wrote them: 15 where it was 15 and not 15.0, for evidence
    is made of the text."""
    told: dict[str, Any] = {}
    for name in type(section).model_fields:
        value, written = getattr(section, name), tree.get(name)
        if isinstance(value, BaseModel) and isinstance(written, Mapping):
            told[name] = _as_written(value, written)
        elif type(value) is float and type(written) is int:
            told[name] = written
    return section.model_copy(update=told)


_Model = TypeVar("_Model", bound=BaseModel)


def _take_out(tree: Any, place: Sequence[int | str]) -> None:
    """Take out a setting that there is no more."""
    *path, name = place
    for part in path:
        tree = tree[part]
    del tree[name]


def _in_force(config: LoadedConfig, options: ReplayOptions, run: RunTold | None) -> Settings:
    """Return today's settings as they hold for such a day: the scenario's own, paced as its clock was."""
    settings = config.settings
    scenario = _scenario_of(run)
    if scenario is not None:
        settings = scenario.settings_of_the_day(settings)
    if run is not None:
        settings = paced(settings.model_copy(update={"bot_id": run.bot_id}), run.speed)
    else:
        engine = settings.engine.model_copy(update={"status_wall_seconds": _STATUS_EVERY_S})
        settings = settings.model_copy(update={"engine": engine})
    return trading_only(settings, options.strategies)


def _looking_at(settings: Settings, recording: Recording) -> Settings:
    """Return the settings for data that no bot recorded: strategies look at what options were imported on, whatever
    their own symbols are, and a vendor that is not among the data is not waited for."""
    told = (option_of_key(row[4]) for row in recording.rows({EventKind.CONTRACTS}))
    symbols = tuple(sorted({option.symbol for option in told if option is not None}))
    if not symbols:
        return settings
    sections = {
        name: section.model_copy(update={"symbols": symbols})
        for name, section in settings.strategies.sections().items()
    }
    risk = settings.risk.model_copy(update={"silent": ()})
    chosen = settings.strategies.with_sections(sections)
    return settings.model_copy(update={"strategies": chosen, "risk": risk})


def _scenario_of(run: RunTold | None) -> Scenario | None:
    if run is None or not run.scenario:
        return None
    try:
        return load_scenario(run.scenario)
    except ConfigError:
        return None


# ---- the run


def _begin_store(
    config: LoadedConfig, options: ReplayOptions, database: Path, lives: Sequence[tuple[Recording, Life]]
) -> None:
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    if options.from_store:
        backup(config.settings.database.url, database)
        _require_earlier(database, lives)
    upgrade(_address(database))


def _require_earlier(database: Path, lives: Sequence[tuple[Recording, Life]]) -> None:
    """A store that is past the day already holds what is to be found out."""
    since = lives[0][1].since or (lives[0][0].span() or (None, None))[0]
    with open_reader(_address(database)) as reader:
        newest = next((row.event_at for row in latest_transitions(reader, 1)), None)
    if newest is not None and since is not None and newest > since:
        raise ConfigError(
            f"--from-store: the store is at {newest.isoformat()}, the recording begins at {since.isoformat()}: name an "
            "older one by database.url, a backup of the evening before for one"
        )


async def _play_all(
    config: LoadedConfig,
    options: ReplayOptions,
    way: _Manner,
    lives: Sequence[tuple[Recording, Life]],
    outcome: ReplayOutcome,
) -> None:
    told = log_of(way.settings)
    quiet = options.as_json
    before: dict[str, Any] | None = None
    with _progress(lives, shown=not quiet) as on_moment:
        for recording, life in lives:
            day = _day_of(recording, life)
            configure_logging("warning" if quiet else way.settings.log.level, config.hidden())
            stage = ReplayStage(
                url=_address(outcome.database),
                calendar=XnysCalendar.around(day, Path(config.settings.sim.state_dir), config.settings.calendar),
                settings=way.settings,
                config_version=config.version,
                config_text=config.text,
                strategies=build(way.settings.strategies),
                on_commit=(lambda batch: None) if quiet else told,
                on_look=_looking(outcome.looks, None if quiet else told.look),
                on_moment=on_moment,
                settings_of=partial(_as_it_was, config),
            )
            if way.fills is Fills.RECORDED:
                played = await play_as_recorded(stage, recording, life)
            else:
                cash = first_equity(recording, life) or _CASH
                played, before = await play_at_venue(stage, recording, life, cash, before)
            outcome.played.append((recording.name, played))


def _looking(
    looks: Counter[tuple[str, str, str]], tell: Callable[[Strategy, Look], None] | None
) -> Callable[[Strategy, Look], None]:
    """Return what hears why a strategy does not trade, and counts the inputs that are missing."""

    def look(strategy: Strategy, seen: Look) -> None:
        for fault in seen.evidence.get("faults", ()):
            if fault.startswith("missing:"):
                looks[strategy.name, seen.symbol, fault] += 1
        if tell is not None:
            tell(strategy, seen)

    return look


def _look_back(outcome: ReplayOutcome, options: ReplayOptions, lives: Sequence[tuple[Recording, Life]]) -> None:
    url = _address(outcome.database)
    outcome.days = [summarize(url, _day_of(recording, life)) for recording, life in lives]
    with open_reader(url) as reader:
        for head in latest_transitions(reader, 1):
            outcome.head_hash, outcome.transitions = head.hash, head.seq
    outcome.notes += [note for recording, life in lives for note in _notes(recording, life)]
    outcome.notes += () if options.from_store else _begins_with(*lives[0])
    outcome.notes += [words for _, played in outcome.played for words in _faults(played)]


def _notes(recording: Recording, life: Life) -> Iterator[str]:
    if life.earlier:
        yield f"{recording.name} was begun {life.earlier} times before: the last one is played"
    missing = [
        kind.value for kind in (EventKind.BOOKS, EventKind.GREEKS, EventKind.DATA) if kind not in recording.kinds()
    ]
    if missing and not recording.is_open:
        yield f"{recording.name} has no {', '.join(missing)}: what needs them is not looked at"


def _begins_with(recording: Recording, life: Life) -> Iterator[str]:
    """Say what the bot held already when the recording began, which a replay on an empty store does not know."""
    held = held_at_first(recording, life)
    if held:
        what = ", ".join(held[:_MOST_NAMED])
        yield (
            f"the account held {len(held)} contracts when {recording.name} began ({what}), and the replay began with "
            "an empty store: --from-store begins with a copy of the bot's own"
        )


def _faults(played: Played) -> Iterator[str]:
    if played.found.faults:
        yield f"played without what cannot be read: {played.found.unread:,} rows ({'; '.join(played.found.faults[:3])})"
    if played.ours_alone:
        yield f"{len(played.ours_alone)} orders were sent that the recording does not know: {played.ours_alone[0]}"
    if played.recorded_alone:
        yield f"{len(played.recorded_alone)} recorded orders were not sent: {played.recorded_alone[0]}"


def _day_of(recording: Recording, life: Life) -> date:
    told = life.since or (recording.span() or (None, None))[0]
    if told is None:
        raise RecordingFault(f"{recording.name}: nothing in it can be read")
    return new_york_day(told)


@contextmanager
def _progress(lives: Sequence[tuple[Recording, Life]], *, shown: bool) -> Iterator[Callable[[datetime], None]]:
    """Show how far a replay is, where a terminal is."""
    if not shown or not sys.stderr.isatty():
        yield lambda at: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    words, percent = TextColumn("{task.description}"), TextColumn("{task.percentage:>3.0f}%")
    columns = (words, BarColumn(), percent, TimeRemainingColumn())
    spans = [span for recording, _ in lives if (span := recording.span()) is not None]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, shown_at = progress.add_task("replay", total=len(spans) * 1.0), list[datetime]()

        def on_moment(at: datetime) -> None:
            if shown_at and 0 <= (at - shown_at[-1]).total_seconds() < _SHOWN_EVERY_S:
                return
            shown_at[:] = [at]
            done = sum(1.0 for _, until in spans if until <= at)
            part = next(((at - since) / (until - since) for since, until in spans if since <= at < until), 0.0)
            progress.update(task, completed=done + part, description=f"replay {at:%Y-%m-%d %H:%M} UTC")

        yield on_moment


_SHOWN_EVERY_S: Final = 30.0


# ---- what is said


def _as_text(outcome: ReplayOutcome, report: Path) -> str:
    out = [line for day in outcome.days for line in lines(day)]
    out.append(f"  fills       {fills_words(outcome)}")
    out += [f"  note        {note}" for note in outcome.notes]
    out += [f"  no trade    {words}" for words in outcome.kept_from]
    rate = outcome.facts / outcome.wall_s if outcome.wall_s else 0.0
    out.append(f"  facts       {outcome.facts:,} in {outcome.wall_s:.1f} s, {rate:,.0f} a second")
    out.append(f"  transitions {outcome.transitions}")
    out.append(f"  head hash   {outcome.head_hash}")
    out.append(f"  store       {outcome.database}")
    out.append(f"  report      {report}")
    return "\n".join(out) + "\n"


def fills_words(outcome: ReplayOutcome) -> str:
    """Return who filled, and by which rules."""
    if outcome.fills is Fills.RECORDED:
        return f"as the broker told them that day ({outcome.why})"
    return (
        f"by the venue's matching engine on recorded quotes ({outcome.why}): at the touch, {LATENCY_MS} ms after the "
        "order, no more than was displayed, with fees; an order that rests fills when the other side comes to its "
        "price, for its place in the queue is not known"
    )


def _as_json(outcome: ReplayOutcome, report: Path) -> str:
    data = {
        "replayed": outcome.name,
        "fills": outcome.fills.value,
        "why": outcome.why,
        "days": [as_data(day) for day in outcome.days],
        "facts": outcome.facts,
        "transitions": outcome.transitions,
        "head_hash": outcome.head_hash,
        "wall_seconds": round(outcome.wall_s, 2),
        "notes": outcome.notes,
        "no_trade": outcome.kept_from,
        "store": str(outcome.database),
        "report": str(report),
    }
    return json.dumps(data, indent=2) + "\n"


def _address(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database.absolute()}"


def _file_name(name: str) -> str:
    return "".join(each if each.isalnum() or each in "-." else "_" for each in Path(name).name) or "replay"
