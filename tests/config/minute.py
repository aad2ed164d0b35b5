"""A simulated minute under any settings: the real engine, store and matching engine; a proposal, a fill, a stop."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from bot.app.composition import broker_settings
from bot.app.fast_clock import paced
from bot.app.simulated_vendors import at_the_simulator, decided_on
from bot.app.trader_log import log_of
from bot.clocks.calendar import XnysCalendar
from bot.config.loader import LoadedConfig, validate_section
from bot.config.schema import Settings
from bot.config.strategies import ExitSettings
from bot.domain.calendar import NEW_YORK, TradingSession
from bot.domain.events import Event
from bot.engine.state.records import TickBatch
from bot.feeds.feeds import Feeds
from bot.feeds.sources import DataSources
from bot.log import configure_logging
from bot.sim.uw import UwFace, UwLimits
from bot.sim.uw.in_process import InProcessTransport
from bot.sim.vocabulary import TopOfBook, VenueInstrument
from bot.store.database import open_reader
from bot.store.invariants import check_invariants
from bot.strategies.base import Strategy
from bot.strategies.registry import build
from tests.faults.day import World, a_store
from tests.faults.market import DAY, OPEN, OPTIONS, ToyMarket
from tests.faults.plan import Plan, Setting
from tests.sim.uw.small_source import SmallSource

SECONDS: Final = 50
_CHEAPER_AT, _FALLS_AT = 10, 32
_CENT: Final = Decimal("0.01")
_WHOLE_DAY: Final = (datetime.combine(DAY, time(9, 30), NEW_YORK), datetime.combine(DAY, time(16), NEW_YORK), False)
_LAST_DAY: Final = DAY + timedelta(days=30)
_PROTECTED_WITHIN_S: Final = 5.0  # what the simulated venue needs, whatever is asked
_REFUSED: Final = """SELECT machine, entity_id, "trigger" FROM transition
WHERE "trigger" LIKE 'refused:%' AND entity_id NOT LIKE 'stray-%'"""
FAULTS: Final = ("TICK_FAILED", "FACT_FAULT", "MACHINE_PARKED", "QUESTION_FAILED", "CONNECTION_FAULT", "BESIDE_FAILED")


class FallingMarket(ToyMarket):
    """Everything stands at two dollars, gets a little cheaper, so that a bid is met, and falls through any stop."""

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        if instrument.con_id not in {option.con_id for option in OPTIONS}:
            return super().top(instrument, at)
        second = int((at - OPEN).total_seconds())
        bid = Decimal("2.00") if second < _CHEAPER_AT else Decimal("1.90") if second < _FALLS_AT else Decimal("0.05")
        bid += _CENT * (second % 3)  # a market that speaks
        return TopOfBook(bid, bid + 3 * _CENT, 60, 60, bid, 1, 0, None, None, None, None)

    def session_open(self) -> datetime:
        return _WHOLE_DAY[0]

    def session_close(self) -> datetime:
        return _WHOLE_DAY[1]


@dataclass(frozen=True)
class GivenSetting(Setting):
    """Settings as they are, in the place of those that a seed draws."""

    given: Settings = field(default_factory=Settings)

    @property
    def settings(self) -> Settings:
        return self.given

    @property
    def exit(self) -> ExitSettings:
        return self.given.strategies.zero_dte_gamma.exit


@dataclass(frozen=True)
class GivenPlan(Plan):
    """A day without trouble under given settings."""

    given: Settings = field(default_factory=Settings)

    @property
    def setting(self) -> Setting:
        return GivenSetting(given=self.given)


@dataclass
class Lived:
    """What came of a minute; `broken` is empty when there was no fault."""

    broken: list[str]
    signals: int
    bought: int
    stopped: int


class Minute(World):
    """The world of the fault days without faults: a whole session, our own strategies beside the eager ones, the feed
    of the settings beside the scripted vendor, the trader's log."""

    def __init__(self, config: LoadedConfig, database: Path) -> None:
        settings = paced(config.settings, config.settings.sim.speed)
        super().__init__(GivenPlan(1, (), (), given=settings), database, FallingMarket(1))
        self.calendar = XnysCalendar([TradingSession(DAY, *_WHOLE_DAY)], DAY, _LAST_DAY).with_announced(
            settings.calendar
        )
        asked = decided_on(validate_section(config.sources_tree, "sources", DataSources))
        sources = at_the_simulator(asked, 0, ("SPX", "SPY", "QQQ", "IWM"))
        face = UwFace(SmallSource(), self.clock, limits=UwLimits(latency_wall_s=0))
        transport = InProcessTransport(face)
        self.own_feed = Feeds(sources, self.clock, self.calendar, self._hear, lambda name, settings: transport)
        self.told = log_of(settings, DAY)

    def _hear(self, event: Event) -> None:
        self.engine.inbox.put(event)

    def strategies(self) -> list[Strategy]:
        return [*super().strategies(), *build(self.settings.strategies)]

    def _committed(self, batch: TickBatch) -> None:
        super()._committed(batch)
        self.told(batch)

    async def ticks(self) -> None:
        await self.own_feed.poll_once(self.clock.now())
        await super().ticks()


async def live_a_minute(config: LoadedConfig, kind: type[Minute] = Minute) -> Lived:
    """Run the minute; an exception passes to the caller."""
    broker_settings(config.settings)
    with a_store() as database, _logged(config):
        world = kind(config, database)
        await world.come_back()
        for _ in range(SECONDS):
            await world.step()
        await world.engine.stop("the minute is over")
        await world.die("the end")
        return _what_came(world)


@contextlib.contextmanager
def _logged(config: LoadedConfig) -> Iterator[None]:
    """Write the log as a run does, to nobody."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    try:
        configure_logging(config.settings.log.level, config.hidden(), stream=io.StringIO())
        yield
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]


def _what_came(world: Minute) -> Lived:
    settings = world.settings
    broken = [*world.checker.broken, *world.outcome.outages]
    grace = max(settings.execution.protection_limit_s, _PROTECTED_WITHIN_S)
    for finding in check_invariants(world.url, protection_limit_s=grace, quote_max_age_s=settings.risk.quote_max_age_s):
        broken += [] if finding.ok else [f"{finding.invariant}: {finding.detail}"]
    with open_reader(world.url) as connection:

        def ask(sql: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

        codes = ", ".join(f"'{code}'" for code in FAULTS)
        broken += [str(row) for row in ask(f"SELECT code, text FROM alert WHERE code IN ({codes})")]
        broken += [str(row) for row in ask(_REFUSED)]
        ((signals,),) = ask("SELECT COUNT(*) FROM signal")
        ((bought,),) = ask("SELECT COUNT(*) FROM execution WHERE side = 'BUY'")
        ((stopped,),) = ask("SELECT COUNT(*) FROM position WHERE close_reason = 'stop'")
    return Lived(broken, int(str(signals)), int(str(bought)), int(str(stopped)))
