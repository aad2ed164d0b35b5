"""One bot on a recorded day: every fact at the moment at which it was received, under a clock that the recording moves.

Two ways, one loop. *As recorded* nothing is guessed: the broker's own words are played as well, ids are made of the
recorded seed, settings are the recorded ones; signals, orders and positions are those of the day, and an order that the
recording does not know is told. *At the venue* orders go to the simulator's matching engine on the recorded quotes, so
that other settings and other strategies can be asked what they would have done.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

from bot.app.allocator import seldom_collected
from bot.app.composition import Bot, BotParts, BrokerT, compose, core_stages, no_feed, replay_store
from bot.app.stages import Move, in_order
from bot.clocks.calendar import XnysCalendar
from bot.config.schema import Settings
from bot.domain.calendar import TradingSession, new_york_day
from bot.domain.events import Event
from bot.domain.events.account import AccountReported, BrokerSnapshot
from bot.domain.events.link import BrokerTimeTold
from bot.domain.events.market_data import ContractQualified
from bot.domain.events.orders import OrderNotSent, OrderSent, WhatIfAnswered
from bot.domain.ids import IdSource
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderTicket
from bot.domain.recording import EventKind, RunTold, SettingsTold, fact_of
from bot.engine.state.inbox import Inbox
from bot.engine.state.records import TickBatch
from bot.engine.switches import ComingSettings
from bot.record.library import Recording, RecordingVerdict
from bot.record.player import HeardMoment, Life, moments
from bot.sim.market.recorded import RecordedMarket
from bot.sim.matching import MatchingVenue
from bot.sim.recorded_broker import RecordedBroker
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import SimulatedVenue
from bot.store.sql_store import SqlStore
from bot.strategies.base import Look, Strategy
from bot.strategies.registry import build

LATENCY_MS: Final = 40
_TICKS_A_STEP: Final = 12
_STEP_S: Final = 1.0
_IDLE_STEP_S: Final = 2.0
_NIGHT_STEP_S: Final = 30.0
_ABOUT_THE_OPEN: Final = timedelta(minutes=15)
_LINES_EVERY: Final = timedelta(seconds=3)
_NOTHING_FOR: Final = timedelta(minutes=10)
_BEFORE_S: Final = 5.0
_SEED: Final = 1
_ABOUT_THE_CLOSE: Final = timedelta(minutes=1)
_AFTER_CLOSE: Final = timedelta(minutes=2)
_VENUES_OWN: Final = frozenset(
    {EventKind.ORDERS, EventKind.EXECUTIONS, EventKind.ACCOUNT, EventKind.LINK, EventKind.BOT}
)
"""What the venue says itself when orders go to it."""
_IN_MARKET: Final = frozenset(
    {EventKind.QUOTES, EventKind.GREEKS, EventKind.BOOKS, EventKind.TRADES, EventKind.LINES, EventKind.CONTRACTS}
)


class PlayedClock:
    """The recorded day's time: it stands where the recording put it."""

    def __init__(self, at: datetime, speed: float) -> None:
        self.speed = speed
        self._at, self._steady_s = at, 0.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._steady_s

    def steady_s(self) -> float:
        return self._steady_s

    def put(self, at: datetime, steady_s: float | None) -> None:
        """Stand at a time; without a steady time of its own that goes on by as much. Neither goes back."""
        passed = max(0.0, (at - self._at).total_seconds())
        self._at = max(self._at, at)
        self._steady_s = self._steady_s + passed if steady_s is None else steady_s

    async def sleep(self, seconds: float) -> None:
        """Nobody waits for this clock."""


class PlayedInbox(Inbox):
    """Takes what is played and nothing else: what the loop's own parts put was recorded when they put it."""

    def put(self, event: Event) -> None:
        """Leave it: it comes by `play`."""

    def play(self, event: Event) -> None:
        super().put(event)


class HeardBroker:
    """Sends nothing: what came of it is in the recording. It remembers which orders it was given."""

    client_id = 17
    account = ""

    def __init__(self, clock: PlayedClock) -> None:
        self._clock = clock
        self.sent: dict[str, datetime] = {}

    async def start(self) -> None:
        """What the connection did is played."""

    async def stop(self) -> None:
        """Nothing is connected."""

    def reserve_order_ids(self, at_least: int) -> None:
        """Ids are in the recording."""

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        """What is qualified is in the recording."""

    def submit(self, ticket: OrderTicket) -> int:
        self.sent.setdefault(ticket.order_ref, self._clock.now())
        return ticket.order_id or 0

    def amend(self, ticket: OrderTicket) -> None:
        """What became of it is in the recording."""

    def cancel(self, order_ref: str, order_id: int) -> None:
        """What became of it is in the recording."""

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        return WhatIfAnswered(signal_id, None, None, None, None, "played", self._clock.now())

    async def snapshot(self) -> BrokerSnapshot:
        now = self._clock.now()
        return BrokerSnapshot((), (), (), {}, (), 0, complete=False, faults=(), at=now, asked_at=now)

    def subscribe(self, wanted: Subscribe) -> None:
        """What the lines said is in the recording."""

    def ask_hours(self, keys: Sequence[str]) -> None:
        """What was answered is in the recording."""

    def ask_chains(self, symbols: Sequence[str]) -> None:
        """What was answered is in the recording."""

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """What was answered is in the recording."""


@dataclass(slots=True)
class Played:
    """What was played: how many facts and moments, what could not be read, and which orders differ from the day's."""

    facts: int = 0
    moments: int = 0
    found: RecordingVerdict = field(default_factory=RecordingVerdict)
    ours_alone: list[str] = field(default_factory=list)
    recorded_alone: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not (self.ours_alone or self.recorded_alone)


@dataclass(frozen=True, slots=True)
class ReplayStage:
    """What a recorded day is played on: its store, calendar and settings, and who is told of what becomes of it.
    `settings_of`: those that the day itself was under, for what is played as recorded; None: `settings`."""

    url: str
    calendar: XnysCalendar
    settings: Settings
    config_version: str
    config_text: str
    strategies: Sequence[Strategy] | None = None
    on_commit: Callable[[TickBatch], None] = lambda batch: None
    on_look: Callable[[Strategy, Look], None] = lambda strategy, look: None
    on_moment: Callable[[datetime], None] = lambda at: None
    settings_of: Callable[[RunTold | SettingsTold], Settings] | None = None

    def of_the_day(self, told: RunTold | SettingsTold) -> Settings:
        return self.settings if self.settings_of is None else self.settings_of(told)


# ---- as recorded


async def play_as_recorded(stage: ReplayStage, recording: Recording, life: Life) -> Played:
    """Play a day with the broker's own words; each run of the bot is one here."""
    played, sent, recorded = Played(), set[str](), set[str]()
    for run, entries in groupby(_with_its_run(moments(recording, life, played.found)), key=itemgetter(0)):
        async with _heard_bot(stage, run) as bot:
            for _, entry in entries:
                if isinstance(entry, SettingsTold):
                    _go_on_with(bot, stage.of_the_day(entry))
                    continue
                recorded |= _refs(entry)
                await _play(bot, stage, entry, played)
            sent |= bot.broker.sent.keys()
    played.ours_alone, played.recorded_alone = sorted(sent - recorded), sorted(recorded - sent)
    return played


def _with_its_run(
    stream: Iterator[HeardMoment | RunTold | SettingsTold],
) -> Iterator[tuple[RunTold, HeardMoment | SettingsTold]]:
    """Yield each moment with the run of the bot that it belongs to; what is before the first is nobody's."""
    run: RunTold | None = None
    for entry in stream:
        if isinstance(entry, RunTold):
            run = entry
        elif run is not None:
            yield run, entry


async def _play(bot: _HeardBot, stage: ReplayStage, entry: HeardMoment, played: Played) -> None:
    inbox = bot.inbox
    assert isinstance(inbox, PlayedInbox), "it was composed so"
    bot.clock.put(entry.at, entry.steady_s)
    for _, event in entry.heard:
        inbox.play(event)
    await bot.engine.guarded_tick()
    played.facts, played.moments = played.facts + len(entry.heard), played.moments + 1
    stage.on_moment(entry.at)


def _go_on_with(bot: _HeardBot, settings: Settings) -> None:
    """Have the next tick take the settings that came into force then."""
    wanted = settings.model_copy(update={"mode": bot.engine.settings.mode, "bot_id": bot.engine.settings.bot_id})
    bot.engine.take_settings(ComingSettings(wanted, build(wanted.strategies), _nothing))


async def _nothing() -> None:
    """What a replay runs under is on its record already."""


_HeardBot = Bot[PlayedClock, SqlStore, HeardBroker, None]


@asynccontextmanager
async def _heard_bot(stage: ReplayStage, run: RunTold) -> AsyncIterator[_HeardBot]:
    clock = PlayedClock(run.started_at, run.speed)
    bot = compose(
        BotParts(
            settings=stage.of_the_day(run),
            clock=clock,
            calendar=stage.calendar,
            store=replay_store(stage.url, stage.config_version),
            broker=lambda ground: HeardBroker(clock),
            feed=no_feed,
            ids=IdSource(random.Random(run.seed)),
            scenario=run.scenario,
            wait_for_answers=True,
            overseen=run.overseen,
            on_commit=stage.on_commit,
            on_look=stage.on_look,
            inbox=PlayedInbox(),
        )
    )
    stages = core_stages(bot, lambda: "the recording is over", _claim(stage, bot))
    with seldom_collected():
        async with in_order(stages):
            yield bot


def _refs(entry: HeardMoment) -> set[str]:
    """Return the orders that were sent, or were to be."""
    return {event.order_ref for _, event in entry.heard if isinstance(event, OrderSent | OrderNotSent)}


# ---- at the venue


@dataclass(slots=True)
class VenueDesk:
    """The parts of a replay at the venue, a day of it."""

    clock: PlayedClock
    bot: Bot[PlayedClock, SqlStore, RecordedBroker, None]
    simulated: SimulatedVenue
    venue: MatchingVenue
    session: TradingSession
    tells_lines: bool
    played: Played
    lines_at: datetime | None = None

    async def step(self, entry: HeardMoment) -> None:
        """Let a moment come: the market first, then what became of orders, then the tick."""
        clock, broker, inbox = self.clock, self.bot.broker, self.bot.inbox
        clock.put(entry.at, entry.steady_s)
        for kind, event in entry.heard:
            if kind in _IN_MARKET:
                broker.heard(event)
            elif kind not in _VENUES_OWN:
                inbox.put(event)
        self._tell_lines()
        self.simulated.publish(self.simulated.venue.step(clock.now()))
        broker.pump()
        await self.settle()
        self.played.facts, self.played.moments = self.played.facts + len(entry.heard), self.played.moments + 1

    async def settle(self) -> None:
        engine = self.bot.engine
        await engine.guarded_tick()
        for _ in range(_TICKS_A_STEP):
            if not engine.inbox.urgent:
                return
            await engine.guarded_tick()

    async def pass_until(self, at: datetime) -> None:
        """Let the time before a moment pass in which nothing was received."""
        if at - self.clock.now() > _NOTHING_FOR and not self._something_lives():
            self.clock.put(at - timedelta(seconds=_STEP_S), None)
        while True:
            step = timedelta(seconds=self._step_s())
            if self.clock.now() + step >= at:
                return
            await self.step(HeardMoment(self.clock.now() + step, ()))

    def _step_s(self) -> float:
        """Nothing is watched as closely as what lives, and nothing happens while the market is closed."""
        if self._something_lives():
            return _STEP_S
        session, now = self.session, self.clock.now()
        is_near = session.open_at - _ABOUT_THE_OPEN <= now <= session.close_at + _AFTER_CLOSE
        return _IDLE_STEP_S if is_near else _NIGHT_STEP_S

    def _tell_lines(self) -> None:
        now = self.clock.now()
        if self.tells_lines and (self.lines_at is None or now - self.lines_at >= _LINES_EVERY):
            self.lines_at = now
            self.bot.broker.tell_lines()
            self.bot.inbox.put(BrokerTimeTold(now, now, now, self.clock.steady_s()))

    def _something_lives(self) -> bool:
        ledger = self.bot.engine.ledger
        return bool(ledger.signals or ledger.order_index.open or ledger.positions)


async def play_at_venue(
    stage: ReplayStage, recording: Recording, life: Life, cash: Decimal, before: dict[str, Any] | None = None
) -> tuple[Played, dict[str, Any]]:
    """Play a day whose orders the matching engine works; returns with it how the venue's account stands, with which
    the day after may begin (`before`)."""
    played = Played()
    entries = (each for each in moments(recording, life, played.found) if isinstance(each, HeardMoment))
    first = next(entries, None)
    if first is None:
        return played, before or {}
    start_at = life.runs[0].started_at if life.runs else first.at - timedelta(seconds=_BEFORE_S)
    session = _session_of(stage, new_york_day(first.at))
    async with _venue_desk(stage, recording, life, session, start_at, cash, before, played) as desk:
        await _walk(desk, stage, first, entries, by_ticks=life.ticks > 0)
        state = desk.venue.snapshot(desk.clock.now())
    return played, state


def _session_of(stage: ReplayStage, day: date) -> TradingSession:
    return stage.calendar.session_on(day) or stage.calendar.next_session(day)


async def _walk(
    desk: VenueDesk, stage: ReplayStage, first: HeardMoment, entries: Iterator[HeardMoment], *, by_ticks: bool
) -> None:
    for entry in chain((first,), entries):
        if not by_ticks:
            await desk.pass_until(entry.at)
        await desk.step(entry)
        stage.on_moment(entry.at)
    close = desk.session.close_at
    if desk.clock.now() >= close - _ABOUT_THE_CLOSE:
        await desk.pass_until(close + _AFTER_CLOSE)


@asynccontextmanager
async def _venue_desk(
    stage: ReplayStage,
    recording: Recording,
    life: Life,
    session: TradingSession,
    start_at: datetime,
    cash: Decimal,
    before: dict[str, Any] | None,
    played: Played,
) -> AsyncIterator[VenueDesk]:
    market = RecordedMarket(session, stage.calendar.session_on)
    for key, values in ((row[4], row[5]) for row in recording.rows({EventKind.CONTRACTS}) if row[0] >= life.first):
        told = fact_of(EventKind.CONTRACTS, key, values)
        if isinstance(told, ContractQualified):
            market.learn(told)
    venue = MatchingVenue(market, _SEED, cash, VenueScript(latency_ms=LATENCY_MS, partial_fill_probability=0))
    if before:
        venue.carry_on(before, start_at)
    run, simulated = (life.runs[0] if life.runs else None), SimulatedVenue(venue)
    clock = PlayedClock(start_at, run.speed if run is not None else 1.0)
    bot = compose(
        BotParts(
            settings=stage.settings,
            clock=clock,
            calendar=stage.calendar,
            store=replay_store(stage.url, stage.config_version),
            broker=lambda ground: RecordedBroker(market, simulated, clock, ground.inbox.put, ground.settings.bot_id),
            feed=no_feed,
            strategies=stage.strategies,
            ids=IdSource(random.Random(run.seed if run is not None else session.day.toordinal())),
            scenario=run.scenario if run is not None else recording.name,
            wait_for_answers=True,
            on_commit=stage.on_commit,
            on_look=stage.on_look,
        )
    )
    stages = core_stages(bot, lambda: "the recording is over", _claim(stage, bot))
    with seldom_collected():
        async with in_order(stages):
            yield VenueDesk(clock, bot, simulated, venue, session, not life.ticks, played)


def _claim(stage: ReplayStage, bot: Bot[PlayedClock, SqlStore, BrokerT, None]) -> Move:
    """Return what puts the settings of the replay on record."""

    async def claim() -> None:
        await bot.store.record_config(stage.config_version, stage.config_text)

    return claim


def first_equity(recording: Recording, life: Life) -> Decimal | None:
    """Return what the account was worth when it was first told, None where nobody told it."""
    for row in recording.rows({EventKind.ACCOUNT}):
        told = fact_of(EventKind.ACCOUNT, row[4], row[5]) if row[0] >= life.first else None
        if isinstance(told, AccountReported) and told.net_liquidation is not None:
            return told.net_liquidation
    return None


def held_at_first(recording: Recording, life: Life) -> list[str]:
    """Return the keys of what the account held by the broker's first whole book, in their order."""
    for row in recording.rows({EventKind.ACCOUNT}):
        told = fact_of(EventKind.ACCOUNT, row[4], row[5]) if row[0] >= life.first else None
        if isinstance(told, BrokerSnapshot) and told.complete:
            return sorted(each.contract_key for each in told.positions if each.quantity)
    return []
