"""The broker's own trading hours beside our calendar: a difference is told, and entries keep to the more cautious.

Context: a closure announced yesterday is in no table that was computed last year; the broker knows it first. But a
broker's word can be wrong, too, and a calendar that follows every word of it would settle and expire by a misprint.
Decision: sessions, settlement and the end of the day follow the calendar alone (a person tells it what is new by
`calendar.closed` and `calendar.early`); only what buys keeps to the hours in which both are open, and what a position
that expires today has as its flat time counts from the earlier close. Consequence: a wrong word of the broker's costs
entries and is told with both hours, never a stop or an exit.

Indices are not asked about: they are computed and disseminated at hours of their own. Options of some classes trade a
quarter of an hour past the close; that is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.calendar import TradingSession, new_york_day
from bot.domain.connection import Permission
from bot.domain.events.market_data import HoursTold
from bot.domain.hours import DayHours, common
from bot.domain.instructions import AskHours
from bot.domain.instruments import UnderlyingKind, is_over, option_of_key, underlying
from bot.domain.timetable import TRADING_HOURS
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ports import TradingCalendar
from bot.engine.state.schedule import NEVER, Schedule

_PAST_THE_CLOSE: Final = timedelta(minutes=15)
_REMEDY: Final = "If the broker is right, tell the calendar: calendar.closed or calendar.early"

Periods = tuple[tuple[datetime, datetime], ...]


@dataclass(slots=True)
class BrokerHours:
    """What was told last, by day and contract, and what of it differs. A start asks anew."""

    told: dict[date, dict[str, DayHours]] = field(default_factory=dict)
    differing: dict[date, str] = field(default_factory=dict)  # in the words that were told

    def ask(self, ctx: Context, journal: Journal, schedule: Schedule) -> None:
        """Ask about the stocks and funds whose options are traded, once an hour while there is a connection."""
        if not ctx.ledger.connection.allows(Permission.ENTER):
            return
        keys = _asked_about(ctx)
        if keys and schedule.due(TRADING_HOURS.name, ctx.now, TRADING_HOURS.every_s(ctx.setting)):
            journal.instructions.append(AskHours(keys))

    @staticmethod
    def rests_until(ctx: Context, schedule: Schedule) -> datetime:
        """Return until when `ask` has nothing to do, unless the connection's state changes."""
        if not ctx.ledger.connection.allows(Permission.ENTER) or not _asked_about(ctx):
            return NEVER
        return schedule.next(TRADING_HOURS.name, ctx.now, TRADING_HOURS.every_s(ctx.setting))

    def hear(self, ctx: Context, journal: Journal, event: HoursTold) -> None:
        """Keep a contract's hours of today and later, and tell of each day on which they are not ours."""
        today = new_york_day(ctx.now)
        for day in [each for each in self.told if each < today]:
            self.told.pop(day)
            self.differing.pop(day, None)
        if option_of_key(event.key) is None and underlying(event.key).kind is UnderlyingKind.INDEX:
            return
        last = event.last_day if option_of_key(event.key) is not None else None
        for hours in event.days:
            if hours.day < today or (last is not None and hours.day > last):
                continue
            self.told.setdefault(hours.day, {})[event.key] = hours
            self._compare(ctx, journal, hours.day)

    def _compare(self, ctx: Context, journal: Journal, day: date) -> None:
        ours = _periods(ctx.calendar, day)
        if ours is None:
            return
        differing = {key: each for key, each in self.told[day].items() if not _agrees(key, each, ours)}
        words = "; ".join(sorted({str(each) for each in differing.values()}))
        if words == self.differing.get(day, ""):
            return
        facts = {"day": day, "ours": str(DayHours(day, ours)), "broker": words, "contracts": sorted(differing)}
        if not words:
            del self.differing[day]
            text = f"the broker's trading hours of {day:%a %d %b} are those of the calendar again"
            journal.alert("HOURS_AGREE", text, facts)
            return
        self.differing[day] = words
        text = f"trading hours of {day:%a %d %b}: the broker says {words}, the calendar {facts['ours']}"
        severity = "critical" if day == new_york_day(ctx.now) else "warning"
        journal.alert("HOURS_DIFFER", f"{text}; entries keep to the more cautious. {_REMEDY}", facts, severity=severity)

    def cautious(self, session: TradingSession, now: datetime) -> TradingSession:
        """Return the session as entries see it: the part of ours in which everything that the broker told of trades,
        the next one where it falls into parts; one that never opens where there is none."""
        spoken = self.told.get(session.day)
        if not spoken or session.day not in self.differing:
            return session
        both: Periods = ((session.open_at, session.close_at),)
        for each in spoken.values():
            both = common(both, each.periods)
        if not both:
            return replace(session, close_at=session.open_at)
        opens, closes = next((each for each in both if now < each[1]), both[-1])
        return replace(session, open_at=opens, close_at=closes)

    def keep(self, ctx: Context) -> None:
        """Let go of options that are over, for their word is no longer asked for."""
        for spoken in self.told.values():
            for key in [each for each in spoken if is_over(each, new_york_day(ctx.now))]:
                del spoken[key]


def _asked_about(ctx: Context) -> tuple[str, ...]:
    symbols = {symbol for strategy in ctx.strategies.values() for symbol in strategy.symbols}
    return tuple(sorted(each for each in symbols if underlying(each).kind is not UnderlyingKind.INDEX))


def _periods(calendar: TradingCalendar, day: date) -> Periods | None:
    """Return our hours of a day, None where the calendar does not reach."""
    try:
        session = calendar.session_on(day)
    except ValueError:
        return None
    return ((session.open_at, session.close_at),) if session is not None else ()


def _agrees(key: str, hours: DayHours, ours: Periods) -> bool:
    if hours.periods == ours:
        return True
    if option_of_key(key) is None or not ours or len(hours.periods) != 1:
        return False
    (opens, closes), (our_open, our_close) = hours.periods[0], ours[0]
    return opens == our_open and our_close <= closes <= our_close + _PAST_THE_CLOSE
