"""Circuit breakers at work: their view of the book, their moves on record, and what a trip does.

| breaker | a trip does | it ends |
|---|---|---|
| daily_loss | halts the session, blocks entries | with the day; a resume does not lift the block |
| drawdown, rejections | halt the session, block entries | when a person resumes: counted anew from there |
| losses | blocks entries | when a person resumes, or with the day |
| gap | closes the symbol's positions, blocks entries | when a person resumes, or with the day |
| uw_silent (one a data vendor), tws_gone, order_rate | block entries | with the cause |
| correlation | never: it is shown, and rules refuse the entry that would add to it | |

Every trip also takes back the entries that still work (`bot.engine.trade.calling_off`), as soon as the broker can be
asked, even when its cause is over by then.

Gaps are looked for in the session, from its second minute on: the night's jump and a print after hours are told and
close nothing.

No breaker holds back an exit. What has to outlive the program is in the store: each breaker's state and since when it
counts, the account's high water (account snapshots), the day's losses (closed positions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeGuard

from bot.config.risk import RiskSettings, SilenceSettings
from bot.config.schema import Settings
from bot.domain.breaker import Breaker, BreakerChange, BreakerState, BreakerTrigger
from bot.domain.calendar import midnight_after, new_york_day
from bot.domain.connection import ConnectionState, Permission
from bot.domain.events.feeds import DatumReceived
from bot.domain.order import OrderState
from bot.domain.position import CloseReason, PositionState
from bot.domain.session import HALTABLE, Hold, SessionChange, SessionTrigger
from bot.domain.timetable import BREAKERS as BREAKERS_JOB
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.schedule import Schedule
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import breaker_tag, call_off
from bot.engine.trade.exits import request_close
from bot.risk.breakers import BREAKERS, BookView, BreakerReading, BreakerRule, Effect, breakers_of, read_breakers
from bot.risk.correlation import bet_on

_MINUTES_KEPT: Final = 61
_TRIGGER: Final = {
    BreakerState.OK: BreakerTrigger.CALM,
    BreakerState.WARNING: BreakerTrigger.WARN,
    BreakerState.TRIPPED: BreakerTrigger.TRIP,
}
_CLOSABLE: Final = frozenset({PositionState.FILLED, PositionState.TRAILING})
_NOW: Final = timedelta(0)
_CLEARED_BY_RESUME: Final = frozenset(row.name for row in BREAKERS if row.resume_clears)


_Book = tuple[Ledger, int, Settings]
"""The entities as they are, and by which settings they are judged."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """How many orders were sent of late, and for how long that is so unless an entity changes."""

    by: _Book
    since: datetime
    until: datetime  # not beyond the day, for losses are counted with it
    last_minute: int
    in_window: int
    rejected: int

    def holds(self, ctx: Context) -> bool:
        return self.since <= ctx.now < self.until and self.by == _by(ctx)


def _by(ctx: Context) -> _Book:
    return ctx.ledger, ctx.ledger.version, ctx.settings


def _orders_sent(ctx: Context) -> _Sent:
    minute, window = timedelta(minutes=1), timedelta(seconds=ctx.settings.risk.rejection_window_s)
    since, minute_ago = max(ctx.now - window, _counted_from(ctx, "rejections")), ctx.now - minute
    born = ctx.ledger.tallies.orders_since(min(since, minute_ago))
    recent = [order for order in born if order.created_at <= ctx.now]
    sent = [order for order in recent if order.submitted_at is not None and since <= order.created_at]
    edges = [order.created_at + after for order in born for after in (_NOW, minute, window)]
    return _Sent(
        by=_by(ctx),
        since=ctx.now,
        until=min((midnight_after(ctx.now), *(edge for edge in edges if edge >= ctx.now))),
        last_minute=sum(minute_ago < order.created_at for order in recent),
        in_window=len(sent),
        rejected=sum(order.state is OrderState.REJECTED for order in sent),
    )


@dataclass
class Limits:
    """Memory between looks: minute prices, gaps of the day, when each data vendor was last heard. Rebuilt from nothing
    after a start: what may not be forgotten is in the store."""

    minutes: dict[str, dict[int, Decimal]] = field(default_factory=dict)
    gaps: dict[str, Decimal] = field(default_factory=dict)
    jumps: dict[str, Decimal] = field(default_factory=dict)  # seen once; a gap when the next look still sees it
    told_gaps: set[str] = field(default_factory=set)  # jumps outside the session, of the day
    in_session: bool = False
    gaps_of: object = None  # the day, and since when gaps count
    heard_at: dict[str, datetime] = field(default_factory=dict)  # by data vendor
    watching_since: datetime | None = None
    link_lost_at: datetime | None = None  # since when the broker cannot be used, however often it was tried meanwhile
    schedule: Schedule = field(default_factory=Schedule)
    view: BookView = field(default_factory=lambda: BookView(datetime.min.replace(tzinfo=UTC)))  # of the last look
    unread: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # breaker that was not read -> its last facts
    _new_prices: bool = True  # since the last view
    _bets: tuple[object, ...] = ()  # of the last view, and the limits that they were compared with
    _sent: _Sent | None = None
    _rows_of: RiskSettings | None = None
    _known_rows: Sequence[BreakerRule] = ()
    _applied: dict[str, tuple[object, RiskSettings, BreakerReading]] = field(default_factory=dict)
    _no_jump: dict[str, tuple[int, Decimal, Decimal]] = field(default_factory=dict)  # within the limit at the last look
    _asleep: _Sent | None = None  # by which nobody had to be asked; None once somebody wrote a breaker
    _passed: Sequence[BreakerRule] = ()  # those of them that were calm
    _standing: Sequence[BreakerRule] = ()  # and those whose rule would have said the same again

    def heard(self, event: DatumReceived) -> None:
        """Take note that a data vendor said something."""
        self.heard_at[event.source] = event.received_at

    def look(self, ctx: Context, journal: Journal) -> None:
        """Measure every breaker, put its moves on record and do what a trip asks for."""
        ctx.ledger.minutes = self.minutes
        if not self.schedule.due(BREAKERS_JOB.name, ctx.now, BREAKERS_JOB.every_s(ctx.setting)):
            return
        self.watching_since = self.watching_since or ctx.now
        self._remember_prices(ctx, journal)
        self._follow(ctx, self.view)
        rows = self._rows(ctx.settings.risk)
        awake = rows if ctx.full else self._awake(ctx, self.view, rows)
        # also where none is awake: breakers that cannot be read stay unread from tick to tick, and are told once
        for row, reading in zip(awake, read_breakers(self.view, ctx.settings.risk, awake), strict=True):
            self._apply(ctx, journal, row, reading)
            self._applied[row.name] = (row.inputs(self.view), ctx.settings.risk, reading)
        self._leave_gaps(ctx, journal)

    def _rows(self, risk: RiskSettings) -> Sequence[BreakerRule]:
        """Return the breakers of these settings, which are those of before in nearly every tick."""
        if risk is not self._rows_of:
            self._rows_of, self._known_rows = risk, breakers_of(risk)
        return self._known_rows

    def _awake(self, ctx: Context, view: BookView, rows: Sequence[BreakerRule]) -> list[BreakerRule]:
        """Return the breakers that have to be asked. One that was well and is well waits with its words until somebody
        looks."""
        if self._all_sleep_on(ctx, view):
            return []
        known, risk, unread = ctx.ledger.breakers, ctx.settings.risk, self.unread
        awake: list[BreakerRule] = []
        passed: list[BreakerRule] = []
        standing: list[BreakerRule] = []
        for row in rows:
            breaker = known.get(row.name)
            if _is_well(breaker) and row.calm(view, risk) and not self._was_set(breaker):
                unread[row.name] = breaker.facts
                passed.append(row)
                continue
            unread.pop(row.name, None)
            (standing if self._stands(ctx, row, view) else awake).append(row)
        self._asleep, self._passed, self._standing = (None if awake else self._sent), passed, standing
        return awake

    def _all_sleep_on(self, ctx: Context, view: BookView) -> bool:
        """Say whether nobody has to be asked, as the last time: no entity has changed since and no order has left a
        window, nobody wrote a breaker, and what market and time move is as calm as it was."""
        if self._asleep is None or self._asleep is not self._sent:
            return False
        risk = ctx.settings.risk
        for row in self._passed:  # a generator costs as much as the questions
            if not row.calm(view, risk):
                return False
        return not any(not self._stands(ctx, row, view) for row in self._standing)

    def _was_set(self, breaker: Breaker) -> bool:
        """Say whether somebody else wrote a breaker since its rule did (a person resumed, money came or went): its
        numbers are those of before."""
        applied = self._applied.get(breaker.id)
        return applied is not None and breaker.facts is not applied[2].facts

    def _stands(self, ctx: Context, row: BreakerRule, view: BookView) -> bool:
        """Say whether a breaker is as its rule would have it, and its rule would say the same again."""
        inputs, applied, breaker = row.inputs(view), self._applied.get(row.name), ctx.ledger.breakers.get(row.name)
        if inputs is None or applied is None or breaker is None or breaker.state is BreakerState.TRIPPED:
            return False
        reading = applied[2]
        as_it_says = breaker.state is reading.state and breaker.facts is reading.facts
        return as_it_says and applied[0] == inputs and applied[1] is ctx.settings.risk

    def show(self, ctx: Context, journal: Journal) -> None:
        """Have the numbers of the last look written, for those who watch: also those that no decision needed."""
        breakers, self._asleep = ctx.ledger.breakers, None
        unread = [row for row in self._rows(ctx.settings.risk) if self._is_unread(breakers.get(row.name))]
        for row, reading in zip(unread, read_breakers(self.view, ctx.settings.risk, unread), strict=True):
            self._apply(ctx, journal, row, reading)
            self._applied[row.name] = (row.inputs(self.view), ctx.settings.risk, reading)
        journal.batch.changed.of(Breaker).update(breakers)

    def _is_unread(self, breaker: Breaker | None) -> bool:
        """Say whether the last look passed a breaker over and nobody wrote it since."""
        return _is_well(breaker) and self.unread.get(breaker.id) is breaker.facts

    # ---- what is measured

    def _follow(self, ctx: Context, view: BookView) -> None:
        """Bring the view up to date: what market and time move with each look, what follows from entities alone when
        one of them has changed, or when an order leaves a window."""
        account, day = ctx.ledger.account, ctx.trading.day
        if ctx.full or self._sent is None or not self._sent.holds(ctx):
            self._sent = self._count(ctx, view)
        view.now, view.day = ctx.now, day
        view.in_session = ctx.trading.is_open(ctx.broker_now) and bool(ctx.strategies)
        view.equity = account.equity if account.heard.kept is None else None
        view.first_equity = account.opening_equity.get(day)
        view.high_water, view.account_seen_at = account.high_water, account.see_until(ctx.now)
        view.silent_s = {each.source: self._silent_s(ctx, each) for each in ctx.settings.risk.silent}
        view.link_lost_s = self._link_lost_s(ctx)
        view.minutes, view.gaps = self.minutes, self.gaps
        bets = (view.exposures, ctx.settings.risk)
        view.same_bets = bets == self._bets and not self._new_prices
        self._bets, self._new_prices = bets, False

    @staticmethod
    def _count(ctx: Context, view: BookView) -> _Sent:
        sent = _orders_sent(ctx)
        view.losses_in_a_row = losses_in_a_row(ctx)
        view.exposures = tuple([bet_on(position.contract) for position in ctx.ledger.positions.values()])
        view.orders_last_minute = sent.last_minute
        view.orders_in_window, view.rejections_in_window = sent.in_window, sent.rejected
        return sent

    def _silent_s(self, ctx: Context, silence: SilenceSettings) -> float:
        """Seconds since the last word, in the session; after a start a silence that had tripped goes on."""
        begins = max(self.watching_since or ctx.now, ctx.trading.open_at)
        heard_at = self.heard_at.get(silence.source)
        if heard_at is None and (tripped_at := _tripped_since(ctx, silence.breaker)):
            begins = min(begins, tripped_at - timedelta(seconds=silence.after_s))
        return max(0.0, (ctx.now - max(begins, heard_at or begins)).total_seconds())

    def _link_lost_s(self, ctx: Context) -> float:
        """Seconds since the broker could last be used, counted from the start at most, where it had not tripped before
        it. Attempts to connect change nothing; a restart window is planned and says itself that nothing may pass."""
        link = ctx.ledger.connection
        if link.allows(Permission.EXIT) or link.state is ConnectionState.RESTART_WINDOW:
            self.link_lost_at = None
            return 0.0
        if self.link_lost_at is None:
            tripped_at = _tripped_since(ctx, "tws_gone")
            limit = timedelta(seconds=ctx.settings.risk.tws_gone_s)
            self.link_lost_at = min(ctx.now, tripped_at - limit) if tripped_at else ctx.now
        return (ctx.now - self.link_lost_at).total_seconds()

    # ---- prices: the last one of each minute, and jumps between them

    def _remember_prices(self, ctx: Context, journal: Journal) -> None:
        self._forget_old_gaps(ctx)
        in_session = ctx.trading.is_open(ctx.broker_now)
        if in_session is not self.in_session:
            self.in_session, self.jumps = in_session, {}
        minute = int(ctx.now.timestamp() // 60)
        for symbol, price in _spots(ctx):
            series = self.minutes.setdefault(symbol, {})
            present = (minute, price, ctx.settings.risk.max_gap_fraction)
            if self._no_jump.get(symbol) == present and not ctx.full:
                continue  # it is as far from the one before as it was
            self._watch_for_gap(ctx, journal, symbol, minute, price)
            self._new_prices = self._new_prices or series.get(minute) != price
            series[minute] = price
            while len(series) > _MINUTES_KEPT:
                del series[next(iter(series))]

    def _forget_old_gaps(self, ctx: Context) -> None:
        """Gaps count for a day, or until a person resumes; those of before a restart are in the breaker's row."""
        breaker = ctx.ledger.breakers.get("gap")
        present = (ctx.trading.day, breaker.acknowledged_at if breaker else None)
        if self.gaps_of == present or not ctx.hour_is_known:
            return
        first = self.gaps_of is None
        self.gaps_of, self.gaps, self.jumps, self.told_gaps = present, {}, {}, set()
        if first and breaker and breaker.state is BreakerState.TRIPPED and _same_day(breaker.since, ctx.now):
            self.gaps = {str(k): Decimal(str(v)) for k, v in breaker.facts.get("gaps", {}).items()}

    def _watch_for_gap(self, ctx: Context, journal: Journal, symbol: str, minute: int, price: Decimal) -> None:
        """A gap is more than the limit away from the last price of an earlier minute of the session, at two looks in a
        row: a single wrong print is none. Outside the session, and against a price from before it, a jump is told."""
        series, opened = self.minutes[symbol], int(ctx.trading.open_at.timestamp() // 60)
        since = next((m for m in reversed(series) if m < minute), minute)
        earlier = series.get(since) if since < minute else None
        jump = price / earlier - 1 if earlier else Decimal(0)
        if abs(jump) <= (most := ctx.settings.risk.max_gap_fraction):
            self.jumps.pop(symbol, None)
            self._no_jump[symbol] = (minute, price, most)
            return
        seen_twice, self.jumps[symbol] = self.jumps.get(symbol, Decimal(0)) * jump > 0, jump
        if seen_twice and self.in_session and since >= opened:
            self.gaps.setdefault(symbol, jump)
        elif seen_twice and symbol not in self.told_gaps:
            self.told_gaps.add(symbol)
            facts = {"symbol": symbol, "jump": jump, "from": earlier, "to": price}
            words = f"{symbol} jumped by {jump:+.2%} outside the session's own minutes: told, nothing is closed for it"
            journal.alert("GAP_OUTSIDE_SESSION", words, facts)

    # ---- what follows

    def _apply(self, ctx: Context, journal: Journal, row: BreakerRule, reading: BreakerReading) -> None:
        breaker = ctx.ledger.breakers.setdefault(row.name, Breaker(row.name))
        unmeasured = reading.share is None and row.effect is not Effect.ENTRY
        if breaker.state is BreakerState.TRIPPED and (unmeasured or not ctx.hour_is_known):
            return  # what cannot be measured is not known to be well, and by a wrong clock no day is over
        measured = BreakerChange(value=reading.value, limit=reading.limit, share=reading.share, facts=reading.facts)
        ctx.ledger.change(breaker, measured | BreakerChange(detail=reading.detail))
        if breaker.state is BreakerState.TRIPPED and row.outlasts_its_cause(of_today=_same_day(breaker.since, ctx.now)):
            lasts = f"{reading.detail}; {row.ends}".removeprefix("; ")
            ctx.ledger.change(breaker, BreakerChange(detail=lasts))
            return
        if breaker.state is reading.state:
            return
        since = BreakerChange(since=ctx.broker_now)
        step = Step(breaker, _TRIGGER[reading.state], reading.text, dict(reading.facts), since)
        if not journal.take(step):
            return
        if reading.state is BreakerState.TRIPPED:
            _tripped(ctx, journal, row, reading)
        elif reading.state is BreakerState.WARNING and row.tells_warning:
            journal.alert(
                "BREAKER_WARNING", f"close to a limit: {reading.text}", {"breaker": row.name, **reading.facts}
            )

    def _leave_gaps(self, ctx: Context, journal: Journal) -> None:
        if not self.in_session or not self.gaps:
            return
        for position in list(ctx.ledger.positions.values()):
            gap = self.gaps.get(position.contract.symbol)
            if gap is not None and position.state in _CLOSABLE:
                words = f"{position.contract.symbol} gapped by {gap:+.2%}"
                journal.take(request_close(ctx, position, CloseReason.GAP, words, "tick"))


def losses_in_a_row(ctx: Context) -> int:
    """Return how many of the day's positions, the latest closed first, lost money, since a person last resumed."""
    since, today, count = _counted_from(ctx, "losses"), new_york_day(ctx.now), 0
    for position in ctx.ledger.tallies.latest_ended():
        day = new_york_day(position.closed_at) if position.closed_at is not None else today
        if day > today:
            continue  # a clock that was ahead
        if day < today or position.closed_at is None or position.closed_at <= since or position.realized_pnl >= 0:
            break
        count += 1
    return count


def acknowledge(ctx: Context, journal: Journal, actor: str) -> list[str]:
    """A person resumes: what is counted, is counted anew; returns the names of what was lifted."""
    lifted = []
    for breaker in ctx.ledger.breakers.values():
        if breaker.state is not BreakerState.TRIPPED or breaker.id not in _CLEARED_BY_RESUME:
            continue
        words = f"{actor} resumed: {breaker.id} is counted anew"
        sets = BreakerChange(acknowledged_at=ctx.now, since=ctx.now)
        if breaker.id == "drawdown":
            ctx.ledger.account.begin_high_water_anew()
            sets["facts"] = {"high_water": ctx.ledger.account.high_water}
        journal.take(Step(breaker, BreakerTrigger.ACKNOWLEDGE, words, dict(breaker.facts), sets, actor=actor))
        lifted.append(breaker.id)
    return lifted


def _tripped(ctx: Context, journal: Journal, row: BreakerRule, reading: BreakerReading) -> None:
    """Tell once, and halt where the table says so."""
    session = ctx.ledger.session
    words = f"circuit breaker: {reading.text}"
    taken_back = call_off(journal, breaker_tag(row.name))
    halts = row.effect is Effect.HALT and session.state in HALTABLE
    follows = "the session halts" if halts else "no entries while it lasts"
    if taken_back:
        follows += f", {len(taken_back)} working entries are taken back"
    severity = "warning" if row.effect is Effect.BLOCK else "critical"
    journal.alert("BREAKER_TRIPPED", f"{words}; {follows}", {"breaker": row.name, **reading.facts}, severity=severity)
    if halts:
        sets = SessionChange(hold=Hold.HALT, held_by="tick", held_at=ctx.now, hold_reason=words)
        journal.take(Step(session, SessionTrigger.HALT, words, dict(reading.facts), sets))


def _counted_from(ctx: Context, name: str) -> datetime:
    breaker = ctx.ledger.breakers.get(name)
    known = breaker.acknowledged_at if breaker else None
    return known or ctx.now - timedelta(days=7)


def _is_well(breaker: Breaker | None) -> TypeGuard[Breaker]:
    return breaker is not None and breaker.state is BreakerState.OK


def _same_day(at: datetime | None, now: datetime) -> bool:
    return at is not None and new_york_day(at) == new_york_day(now)


def _tripped_since(ctx: Context, name: str) -> datetime | None:
    known = ctx.ledger.breakers.get(name)
    return known.since if known is not None and known.state is BreakerState.TRIPPED else None


def _spots(ctx: Context) -> Iterable[tuple[str, Decimal]]:
    """Return the underlyings' prices that are fit to compare."""
    patience = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    for key, quote in ctx.board.spots():
        if quote.halted or quote.is_stale(ctx.now, patience):
            continue
        price = quote.reference
        if price and price > 0:
            yield key, price
