"""The page's view of the store: what the overview shows, already counted, judged and put in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from bot.domain.calendar import new_york_day
from bot.domain.events.feeds import EndpointReported
from bot.domain.money import ZERO
from bot.engine.state.records import EngineStatus, StrategyStatRow
from bot.store import read as ask
from bot.store.read import not_ours, reconciliations
from bot.store.read.alerting import critical_alerts
from bot.store.read.endpoints import endpoints
from bot.store.read.jobs import RecordedJob, jobs
from bot.store.read.money import DayMoney, money_of_day
from bot.store.read.standing import PremiumHeld, premium_held, running_since
from bot.store.read.vendors import refused_edit, shown_sets
from bot.web import formats, words
from bot.web.day_chart import today_chart
from bot.web.exposing import HeldExposure, exposure_of
from bot.web.feeds import FeedGroup, FeedView, QuotaView, by_dataset, feed_view, quotas
from bot.web.plots import Plot
from bot.web.stop_moves import stop_moves_as_one
from bot.web.views import (
    BreakerView,
    PositionView,
    RequestView,
    SignalView,
    StepView,
    SymbolHaltView,
    UnsettledView,
    breaker_view,
    command_view,
    position_views,
    signal_views,
    steps,
    symbol_halt_view,
    unsettled_view,
)

ACTIVITY_SHOWN: Final = 40
ASIDE: Final = ("message", "alert")
"""Machines whose steps are not among what happened: alerts stand beside it, messages with what they are about."""
ALERTS_SHOWN: Final = 4
COMMANDS_SHOWN: Final = 8
ENDED_SHOWN: Final = 12

MODE_WORDS: Final = {"sim": "simulated venue", "paper": "paper account", "live": "real money"}


@dataclass(frozen=True, slots=True)
class Banner:
    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class StateView:
    """A state by its name, why; `words` and `tone` are of the effective state where that is another."""

    state: str
    why: str
    words: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class MarketClock:
    words: str
    detail: str


@dataclass(frozen=True, slots=True)
class AccountView:
    equity: Decimal | None = None
    day_pnl: Decimal | None = None
    day_fraction: Decimal | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CountersView:
    closed: int = 0
    wins: int = 0
    win_rate: float | None = None
    realized: Decimal = ZERO
    executions: int = 0
    fees: Decimal = ZERO
    slippage: Decimal | None = None
    slippage_tone: str = "flat"


@dataclass(frozen=True, slots=True)
class Overview:
    now: datetime
    mode: str
    mode_words: str
    speed: float
    scenario: str
    tick: int = 0
    trouble: Banner | None = None
    warnings: tuple[Banner, ...] = ()
    session: StateView = StateView("starting", "no tick yet")
    connection: StateView = StateView("down", "no tick yet")
    market: MarketClock = MarketClock("–", "no session known yet")
    account: AccountView = AccountView()
    today: Plot | None = None
    money: DayMoney | None = None
    counters: CountersView = CountersView()
    positions: tuple[PositionView, ...] = ()
    closed_positions: tuple[PositionView, ...] = ()
    unsettled: tuple[UnsettledView, ...] = ()
    empty_positions: str = "A position appears with the first fill of an entry order."
    signals: tuple[SignalView, ...] = ()
    recent_signals: tuple[SignalView, ...] = ()
    waiting_for: tuple[str, ...] = ()
    clock_fault: str = ""
    stats: tuple[StrategyStatRow, ...] = ()
    activity: tuple[StepView, ...] = ()
    alerts: tuple[ask.AlertRow, ...] = ()
    feeds: tuple[FeedView, ...] = ()
    refused_edit: str = ""
    """Why the last edit of the settings is refused; empty: it is not."""
    with_rows: frozenset[str] = frozenset()
    """Data sets whose rows have a page."""
    datasets: tuple[FeedGroup, ...] = ()
    breakers: tuple[BreakerView, ...] = ()
    halted_symbols: tuple[SymbolHaltView, ...] = ()
    others: tuple[not_ours.NotOurs, ...] = ()
    jobs: tuple[RecordedJob, ...] = ()
    commands: tuple[RequestView, ...] = ()
    day: date | None = None
    asked: int = 0
    critical: int = 0
    running_since: datetime | None = None
    premium: PremiumHeld | None = None
    exposure: HeldExposure | None = None
    signal_counts: Mapping[str, int] = field(default_factory=dict)
    quotas: tuple[QuotaView, ...] = ()
    endpoints: tuple[EndpointReported, ...] = ()


def glance(connection: Connection, base: Overview) -> Overview:
    """Return what every page says: state, money, risk, what is wrong and what waits; `base` carries time and mode."""
    now = base.now
    pulse = ask.pulse(connection)
    day = (pulse.session_day if pulse else None) or new_york_day(now)
    account, session, market = account_view(connection, day), _session(connection, pulse), market_view(pulse, now)
    rows = ask.open_positions(connection)
    money = money_of_day(connection, day, rows)
    held = position_views(connection, rows, now, money.positions)
    feeds = tuple(feed_view(row, now) for row in ask.feeds(connection))
    return replace(
        base,
        day=day,
        **(_pulse_parts(pulse) if pulse else {}),
        warnings=tuple(_warnings(held, pulse)),
        session=session,
        connection=_broker(connection),
        market=market,
        empty_positions=_why_flat(session, market, bool(pulse and pulse.waiting_for)),
        account=account,
        money=money,
        positions=held,
        unsettled=tuple(unsettled_view(row, new_york_day(now)) for row in ask.unsettled_positions(connection)),
        feeds=feeds,
        datasets=by_dataset(feeds),
        breakers=tuple(breaker_view(row) for row in ask.breakers(connection)),
        halted_symbols=tuple(symbol_halt_view(row) for row in ask.halted_symbols(connection)),
        asked=len(ask.signals_that_wait_for_a_person(connection)),
        critical=critical_alerts(connection),
        running_since=running_since(connection),
        premium=premium_held(connection, account.equity, rows),
    )


def overview(connection: Connection, base: Overview, machine: str | None) -> Overview:
    """Return the overview as the store has it now."""
    seen = glance(connection, base)
    now, day, money, pulse = seen.now, seen.day or new_york_day(seen.now), seen.money, ask.pulse(connection)
    return replace(
        seen,
        today=today_chart(connection, day, money, now),
        counters=counters_view(ask.counters(connection, day, money)),
        closed_positions=position_views(connection, ask.closed_positions(connection, day, ENDED_SHOWN), now),
        exposure=exposure_of(ask.open_positions(connection), now),
        quotas=quotas(ask.feeds(connection), ask.quota_resets(connection)),
        endpoints=tuple(endpoints(connection, day)),
        refused_edit=refused_edit(connection),
        with_rows=frozenset(shown_sets(connection)),
        signal_counts=ask.signals_of_day(connection, day),
        signals=signal_views(connection, ask.live_signals(connection), now),
        recent_signals=signal_views(connection, ask.ended_signals(connection, ENDED_SHOWN), now),
        stats=tuple(ask.strategy_stats(connection, day)),
        activity=stop_moves_as_one(
            steps(connection, ask.latest_transitions(connection, ACTIVITY_SHOWN, machine, but=ASIDE), new_york_day(now))
        ),
        alerts=tuple(ask.alerts(connection, ALERTS_SHOWN)),
        others=tuple(not_ours.not_ours(connection, day)),
        jobs=tuple(jobs(connection, pulse)) if pulse else (),
        commands=tuple(command_view(row) for row in ask.commands(connection, COMMANDS_SHOWN)),
    )


def _why_flat(session: StateView, market: MarketClock, reasons: bool) -> str:
    """Return what would appear among the positions and why it does not yet."""
    appears = "A position appears with the first fill of an entry order."
    if session.state != "active":
        return f"{appears} No entry is made while the session is {session.state}."
    if market.words == "closed":
        return f"{appears} The exchange is closed."
    return f"{appears} No candidate passes every condition right now; the reasons are below." if reasons else appears


def _pulse_parts(pulse: EngineStatus) -> dict[str, Any]:
    return {
        "mode": pulse.mode,
        "mode_words": MODE_WORDS.get(pulse.mode, pulse.mode),
        "speed": pulse.speed,
        "scenario": pulse.scenario,
        "tick": pulse.tick,
        "waiting_for": tuple(pulse.waiting_for),
        "clock_fault": pulse.clock_fault,
    }


def _warnings(held: Sequence[PositionView], pulse: EngineStatus | None) -> list[Banner]:
    found = []
    if pulse is not None and pulse.clock_fault:
        found.append(Banner("bad", "Wrong clock:", f"{pulse.clock_fault}."))
    bare = [p for p in held if p.is_bare]
    if bare:
        contracts = sum(p.unprotected for p in bare)
        names = ", ".join(p.title for p in bare)
        found.append(
            Banner("bad", "Unprotected:", f"no working stop at the broker covers {contracts} contracts ({names}).")
        )
    if pulse is None:
        found.append(Banner("live", "Starting:", "the bot has not finished its first tick; the page fills as it goes."))
    return found


def _session(connection: Connection, pulse: EngineStatus | None) -> StateView:
    row = ask.session(connection)
    if row is None:
        return StateView("starting", "no session in the store yet")
    note = words.state_note(row.state, "session")
    if row.held_at is None:
        may = ask.effective_state(connection, pulse) if pulse else row.state
        return StateView(row.state, note, may, words.effective_tone(may))
    held = f"{_held(row)} since {formats.clock_time(row.held_at)} New York"
    return StateView(row.state, held if row.state in {"paused", "halted"} else f"{note}; then {row.hold}: {held}")


def _held(row: ask.SessionRow) -> str:
    """Return why the session is held and by whom, the actor in words and named once."""
    if not row.held_by:
        return row.hold_reason
    person = words.actor_words(row.held_by)
    if row.held_by in row.hold_reason:
        return row.hold_reason.replace(row.held_by, person)
    return f"{row.hold_reason}, by {person}"


def _broker(connection: Connection) -> StateView:
    row = ask.broker_link(connection)
    if row is None:
        return StateView("down", "no connection in the store yet")
    since = f" since {formats.clock_time(row.since)} New York" if row.since else ""
    return StateView(
        row.state, f"{row.detail or words.state_note(row.state, 'connection')}{since}{_compared(connection)}"
    )


def _compared(connection: Connection) -> str:
    """Return how our book stood to the broker's when they were last compared."""
    last = reconciliations.latest(connection)
    if last is None:
        return ""
    at = f"; book compared at {formats.clock_time(last.at)} New York: "
    if not last.complete:
        return f"{at}the broker's book did not come whole"
    return at + last.verdict


def market_view(pulse: EngineStatus | None, now: datetime) -> MarketClock:
    """Return whether the exchange is open and how long until that changes."""
    if pulse is None or pulse.session_open_at is None or pulse.session_close_at is None:
        return MarketClock("–", "no session known yet")
    opens, closes = pulse.session_open_at, pulse.session_close_at
    if now < opens:
        return MarketClock("closed", f"opens in {formats.span((opens - now).total_seconds())}")
    if now < closes:
        return MarketClock("open", f"closes in {formats.span((closes - now).total_seconds())}")
    return MarketClock("closed", f"since {formats.clock_time(closes)} New York")


def account_view(connection: Connection, day: date) -> AccountView:
    row = ask.account(connection)
    if row is None:
        return AccountView()
    if row.day != day:
        return AccountView(equity=row.net_liquidation, at=row.at)
    opening = None if row.net_liquidation is None else row.net_liquidation - row.day_pnl
    return AccountView(row.net_liquidation, row.day_pnl, row.day_pnl / opening if opening else None, row.at)


def counters_view(day: ask.DayCounters) -> CountersView:
    rate = day.wins / day.closed if day.closed else None
    tone = "flat" if not day.slippage else ("bad" if day.slippage > 0 else "good")
    return CountersView(day.closed, day.wins, rate, day.realized, day.executions, day.fees, day.slippage, tone)
