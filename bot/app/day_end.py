"""The end of a trading day: it is summed up on the log, and a run with `--until-close` ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

from bot.app.child_process import ChildFailed
from bot.app.history_upkeep import heads_of
from bot.app.job_process import ask
from bot.config.options import RunOptions
from bot.config.schema import DatabaseSettings, Mode
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.timetable import DAY_SUMMARY
from bot.engine.state.ports import Clock, TradingCalendar
from bot.engine.tick import Engine

log: Final = logging.getLogger("quanticity")

_PATIENCE: Final = timedelta(minutes=10)
_POLL_S: Final = 0.1
_LONGEST_BREAK_DAYS: Final = 10  # without a session


async def watch_the_close(
    engine: Engine,
    clock: Clock,
    calendar: TradingCalendar,
    options: RunOptions,
    stop: asyncio.Event,
    tell: Callable[[Event], None],
) -> None:
    """Print each day once its session is over; with `--until-close` end the run at the first instead."""
    day = calendar.today(clock.now())
    session = calendar.session_on(day) or calendar.next_session(day)
    while True:
        due_at = max(DAY_SUMMARY.times(session, partial(_setting, engine)).values())
        await _until_all_is_done(engine, clock, due_at)
        if options.until_close:
            stop.set()
            return
        await _sum_up(engine.settings.database, session.day, clock, tell)
        if engine.settings.mode is Mode.SIM:
            log.info("the day is over; the page stays up, Ctrl-C ends the program")
            return  # a simulated day has no morning after
        session = calendar.next_session(session.day)


def day_to_sum_up(calendar: TradingCalendar, now: datetime) -> date:
    """Return the day whose session is under way or was the latest: at night and at the weekend that is an earlier one.
    Without any in the calendar before `now`, today."""
    today = calendar.today(now)
    for back in range(_LONGEST_BREAK_DAYS):
        session = calendar.session_on(today - timedelta(days=back))
        if session is not None and session.open_at <= now:
            return session.day
    return today


def _setting(engine: Engine, name: str) -> object:
    return attrgetter(name)(engine.settings)


async def _sum_up(database: DatabaseSettings, day: date, clock: Clock, tell: Callable[[Event], None]) -> None:
    question = {"url": database.url, "heads": str(heads_of(database) or ""), "day": day.isoformat()}
    try:
        lines = await ask("bot.app.day_summary", "day's summary", question)
    except ChildFailed as error:
        tell(JobRan(DAY_SUMMARY.name, "failed", f"{day}: {error}", clock.now()))
        raise
    for line in lines:
        log.info(line)
    tell(JobRan(DAY_SUMMARY.name, "done", f"{day}", clock.now()))


async def _until_all_is_done(engine: Engine, clock: Clock, end: datetime) -> None:
    """Wait for the end of a day, and a little longer while an order or a settlement is still under way."""
    await _until(clock, end)
    while engine.ledger.clocks.difference:
        await clock.sleep(_POLL_S * clock.speed)  # by the broker's clock it may not be over
    patience = end + _PATIENCE
    while (
        engine.ledger.order_index.open or engine.ledger.position_index.awaiting_settlement
    ) and clock.now() < patience:
        await clock.sleep(_POLL_S * clock.speed)


async def _until(clock: Clock, end: datetime) -> None:
    """Sleep in short stretches: the clock may jump forward when it is aligned with the venue's."""
    while clock.now() < end:
        await clock.sleep(min((end - clock.now()).total_seconds(), clock.speed))
