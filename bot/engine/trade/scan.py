"""Strategies on duty: what they want to see, what they propose, and why there is no trade right now.

A strategy that fails is parked as a whole, named, and tried again later; the others look on and every exit goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from bot.domain.calendar import TradingSession, midnight_after
from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.instructions import Subscribe
from bot.domain.strategy_switch import SwitchState
from bot.domain.wording import new_york
from bot.engine.settlement import expiry
from bot.engine.state.board import Board
from bot.engine.state.context import Context
from bot.engine.state.equity import UNKNOWN
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.parking import Parkable, ParkedKind, Parking
from bot.engine.state.records import GammaProfile, StrategyStatRow, TickBatch
from bot.engine.state.schedule import NEVER
from bot.engine.trade import pace
from bot.engine.trade.chains import ChainWatch
from bot.engine.trade.one_idea import Joined, joins
from bot.engine.trade.signals import SizedSignal, no_equity, propose, reject_in_shadow, reject_unsized
from bot.engine.trade.starts import StartingSwitches
from bot.strategies.base import Look, Strategy
from bot.strategies.idea import Idea

_NOT_MEASURED = frozenset({"condition", "faults"})
"""What a look says of itself without having measured the market."""
_LINGER = timedelta(seconds=90)
_NEWS_EVERY = timedelta(minutes=5)
_QUOTE = frozenset({"quote"})

Blocked = tuple[str, str]
"""A condition, and the reason in words."""
_Place = tuple[str, str]
"""A strategy and a symbol that it looks at."""


@dataclass(slots=True)
class _Counted:
    """The looks of one strategy at one symbol on one day."""

    day: date
    at: datetime
    evaluated: int = 0
    proposed: int = 0
    last_reason: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Blocked:
    """Which symbols the engine keeps a strategy from, and for how long that is so unless an entity changes."""

    by: tuple[object, ...]
    since: datetime
    until: datetime
    symbols: Mapping[str, Blocked]

    def holds(self, ctx: Context) -> bool:
        return self.since <= ctx.now < self.until and self.by == _by(ctx)


def _by(ctx: Context) -> tuple[object, ...]:
    return ctx.ledger, ctx.ledger.version, ctx.settings


_Until = tuple[Blocked | None, datetime]
"""What keeps a strategy from a symbol, None: nothing; and the moment at which time alone may make it another."""


@dataclass(slots=True)
class _Anyhow:
    """What keeps every strategy from a symbol, found once for all of them: in a tick, while no entity changes."""

    of: tuple[object, ...] = ()
    found: dict[str, _Until] = field(default_factory=dict)

    def on(self, ctx: Context, symbol: str) -> _Until:
        of = (ctx.now, *_by(ctx))
        if self.of != of:
            self.of = of
            self.found.clear()
        known = self.found.get(symbol)
        if known is None:
            known = self.found[symbol] = _blocked_anyhow(ctx, symbol)
        return known


@dataclass
class _Settled:
    """Looks that stay as they are while nothing comes that their strategy declared to need, and until when."""

    known: dict[_Place, tuple[Look, tuple[object, ...], datetime, object]] = field(default_factory=dict)

    def look(self, ctx: Context, strategy: Strategy, symbol: str, session: TradingSession) -> Look:
        """Return a strategy's look at a symbol: the last one where the very same things are there, else a new one."""
        if not isinstance(strategy, Idea):
            return strategy.look(symbol, ctx.board, session, ctx.now)
        place = strategy.name, symbol
        known = None if ctx.full else self.known.get(place)
        if known is not None and self._stands(ctx, strategy, known, session):
            return known[0]
        look = strategy.look(symbol, ctx.board, session, ctx.now)
        until = strategy.settled_until(symbol, look, ctx.board, session, ctx.now)
        self.known.pop(place, None)
        if until > ctx.now:
            self.known[place] = look, strategy.held(symbol, look, ctx.board), until, (strategy, session)
        return look

    @staticmethod
    def _stands(
        ctx: Context, strategy: Idea, known: tuple[Look, tuple[object, ...], datetime, object], session: TradingSession
    ) -> bool:
        look, held, until, by = known
        if ctx.now >= until or by != (strategy, session):
            return False
        now_held = strategy.held(look.symbol, look, ctx.board)
        return len(now_held) == len(held) and all(one is other for one, other in zip(held, now_held, strict=True))


@dataclass(frozen=True, slots=True)
class _PositionLines:
    """The lines that positions want, all of the keys that they stand or fall with (their contracts and what those are
    written on), and for how long that is so unless an entity changes."""

    by: tuple[object, ...] = ()
    since: datetime = NEVER
    until: datetime = NEVER
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    def holds(self, ctx: Context) -> bool:
        same = self.by == (ctx.ledger, ctx.ledger.version, ctx.trading)
        return same and self.since <= ctx.broker_now < self.until


@dataclass
class Scanner:
    """Memory between ticks: when each strategy looked last, what it said, and which lines are wanted since when."""

    looked_at: dict[str, datetime] = field(default_factory=dict)
    counted: dict[tuple[str, str], _Counted] = field(default_factory=dict)
    unwritten: set[tuple[str, str]] = field(default_factory=set)  # what was counted since it was written last
    gamma_at: dict[str, datetime] = field(default_factory=dict)  # which answer of the vendor was kept last
    gammas: dict[str, GammaProfile] = field(default_factory=dict)  # kept since they were written last
    blocked: dict[str, _Blocked] = field(default_factory=dict)
    anyhow: _Anyhow = field(default_factory=_Anyhow)
    told: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)  # condition last told of, and when
    wanted_at: dict[str, tuple[datetime, frozenset[str]]] = field(default_factory=dict)
    subscribed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    chains: ChainWatch = field(default_factory=ChainWatch)
    chain: tuple[str, ...] = ()
    starts: StartingSwitches = field(default_factory=StartingSwitches)
    settled: _Settled = field(default_factory=_Settled)
    of_positions: _PositionLines = field(default_factory=_PositionLines)

    def scan(self, ctx: Context, journal: Journal, parking: Parking) -> list[tuple[Strategy, Look]]:
        """Let every strategy that is due look at its symbols; returns the looks whose answer is a new one."""
        news: list[tuple[Strategy, Look]] = []
        self.starts.turn(ctx, journal)
        for strategy in ctx.strategies.values():
            last = self.looked_at.get(strategy.name)
            if last is not None and ctx.now - last < timedelta(seconds=strategy.due_every_s):
                continue
            self.looked_at[strategy.name] = ctx.now
            for look, made in self._look_at_all(ctx, journal, parking, strategy):
                if isinstance(made, SizedSignal):
                    _put_forward(ctx, journal, made)
                elif made is not None and made.step is not None:
                    journal.take(made.step)
                place = (strategy.name, look.symbol)
                self._count(ctx, place, look, 1 if made is not None else 0)
                if self._is_news(place, look, ctx.now):
                    news.append((strategy, look))
        return news

    def _look_at_all(
        self, ctx: Context, journal: Journal, parking: Parking, strategy: Strategy
    ) -> list[tuple[Look, SizedSignal | Joined | None]]:
        if (everywhere := _blocked(ctx) or _switched_off(ctx, strategy)) is not None:
            return _look_at(ctx, journal, parking, self.settled, strategy, dict.fromkeys(strategy.symbols, everywhere))
        known = self.blocked.get(strategy.name)
        if known is None or ctx.full or not known.holds(ctx):
            known = self.blocked[strategy.name] = _blocked_symbols(ctx, strategy, self.anyhow)
        return _look_at(ctx, journal, parking, self.settled, strategy, known.symbols)

    def _count(self, ctx: Context, place: _Place, look: Look, proposed: int) -> None:
        counted, now, day = self.counted.get(place), ctx.now, ctx.trading.day
        if counted is None or counted.day != day:
            counted = self.counted[place] = _Counted(day, now)
        counted.evaluated += 1
        counted.proposed += proposed
        counted.last_reason, counted.at = look.reason, now
        evidence = look.evidence
        if len(evidence) > len(_NOT_MEASURED) or not evidence.keys() <= _NOT_MEASURED:
            counted.seen, counted.seen_at = evidence, now
        self.unwritten.add(place)

    def _keep_gamma(self, board: Board, symbol: str) -> None:
        """Keep the gamma by strike of a symbol for the page, once for each answer of the vendor."""
        datum = board.datum(GEX_BY_STRIKE, symbol)
        if datum is None or not datum.value or self.gamma_at.get(symbol) == datum.received_at:
            return
        self.gamma_at[symbol] = datum.received_at
        rows = sorted((row for row in datum.value if math.isfinite(row.net_gamma_oi)), key=lambda row: row.strike)
        strikes = tuple((format(row.strike, "f"), row.net_gamma_oi) for row in rows)
        if strikes:
            at = datum.source_at or datum.received_at
            self.gammas[symbol] = GammaProfile(symbol, at, rows[0].price, strikes)

    def write_down(self, batch: TickBatch, board: Board) -> None:
        """Have what was counted written with a batch that is about to be committed, and the gamma of what was looked
        at."""
        for place in sorted(self.unwritten):
            row = self.counted[place]
            batch.strategy_stats[place] = StrategyStatRow(
                *place, row.day, row.evaluated, row.proposed, row.last_reason, row.at, row.seen, row.seen_at
            )
            self._keep_gamma(board, place[1])
        self.unwritten.clear()
        batch.gamma_profiles.update(self.gammas)
        self.gammas.clear()

    def _is_news(self, place: _Place, look: Look, now: datetime) -> bool:
        """A reason is news when another condition fails, not when its numbers moved, and not too often."""
        condition = str(look.evidence.get("condition", look.reason))
        told = self.told.get(place)
        if told is not None and (told[0] == condition or now - told[1] < _NEWS_EVERY):
            return False
        self.told[place] = (condition, now)
        return True

    def waiting_for(self, ledger: Ledger) -> tuple[str, ...]:
        """Return one line a symbol, of each strategy that may trade: why there is no trade right now."""
        trading = [key for key in sorted(self.counted) if ledger.entering.switch(key[0]) is SwitchState.ON]
        return tuple(f"{key[1]}: {self.counted[key].last_reason}" for key in trading)

    # ---- market data lines

    def lines(self, ctx: Context, journal: Journal, parking: Parking) -> Subscribe | None:
        """Return the lines wanted when they differ from what is subscribed: positions first, then signals, then
        candidates, and the chains around the money after them.

        A line that nobody wants any more lingers a while, so that a price near a strike does not flap it.
        """
        if ctx.full or not self.of_positions.holds(ctx):
            self.of_positions = _lines_of_positions(ctx)
        wanted, held, now = _wanted(ctx, journal, parking, self.of_positions), self.of_positions.held, ctx.now
        self.wanted_at.update({key: (now, kinds) for key, kinds in wanted.items()})
        for key in [key for key in self.wanted_at if key not in wanted]:
            since, kinds = self.wanted_at[key]
            if now - since > _LINGER:
                del self.wanted_at[key]
            else:
                wanted[key] = kinds
        chain = tuple(key for key in self.chains.keys(ctx) if key not in wanted)
        if wanted == self.subscribed and held == self.held and chain == self.chain:
            return None
        self.subscribed, self.held, self.chain = wanted, held, chain
        return Subscribe(wanted, held, chain)


def _lines_of_positions(ctx: Context) -> _PositionLines:
    wanted: dict[str, frozenset[str]] = {}
    held, until, today, ends_at = set[str](), NEVER, ctx.trading.day, expiry.ends_at
    for position in ctx.ledger.positions.values():
        key, contract = position.key, position.contract
        if not expiry.has_expired(ctx, contract):
            wanted[key] = _QUOTE
            until = min(until, ends_at(ctx, contract)) if contract.expiry == today else until
        wanted.setdefault(contract.symbol, _QUOTE)
        held.update((key, contract.symbol))
    return _PositionLines((ctx.ledger, ctx.ledger.version, ctx.trading), ctx.broker_now, until, wanted, frozenset(held))


def _wanted(
    ctx: Context, journal: Journal, parking: Parking, of_positions: _PositionLines
) -> dict[str, frozenset[str]]:
    """Return the lines wanted now. Those of a strategy that fails linger a while; its positions keep theirs."""
    wanted = dict(of_positions.wanted)
    for position in ctx.ledger.tallies.closes_to_come:
        wanted.setdefault(position.contract.symbol, _QUOTE)
    for signal in ctx.ledger.signals.values():
        wanted[signal.key] = _QUOTE
    for strategy in ctx.strategies.values():
        machine = Parkable(ParkedKind.STRATEGY, f"{strategy.name}, its lines")
        for key, kinds in parking.attempt(journal, machine, partial(_interests, ctx, strategy)):
            wanted[key] = wanted.get(key, frozenset()) | kinds
    return wanted


def _interests(ctx: Context, strategy: Strategy) -> list[tuple[str, frozenset[str]]]:
    return list(strategy.interests(ctx.board, ctx.trading, ctx.now).items())


def _look_at(
    ctx: Context,
    journal: Journal,
    parking: Parking,
    settled: _Settled,
    strategy: Strategy,
    blocked: Mapping[str, Blocked],
) -> list[tuple[Look, SizedSignal | Joined | None]]:
    """Return a look at every symbol, with what it proposes. One symbol that fails parks the strategy: what it says of
    the others is not trusted either."""
    found: list[tuple[Look, SizedSignal | Joined | None]] = [
        (Look(symbol, None, why, {"condition": condition}), None) for symbol, (condition, why) in blocked.items()
    ]
    free = [symbol for symbol in strategy.symbols if symbol not in blocked]
    if not free:
        return found
    machine = Parkable(ParkedKind.STRATEGY, strategy.name)
    entering = ctx.entering
    found += parking.attempt(
        journal, machine, lambda: [_look(ctx, settled, strategy, symbol, entering) for symbol in free]
    )
    if parking.is_parked(*machine):
        words = "the strategy failed and is parked; it is tried again"
        found += [(Look(symbol, None, words, {"condition": "parked"}), None) for symbol in free]
    return found


def _look(
    ctx: Context, settled: _Settled, strategy: Strategy, symbol: str, entering: TradingSession
) -> tuple[Look, SizedSignal | Joined | None]:
    """Look and size what is proposed. Pure: when it fails, nothing has been changed."""
    look = settled.look(ctx, strategy, symbol, entering)
    if look.proposal is None:
        return look, None
    if (joined := joins(ctx, strategy, look)) is not None:
        return Look(symbol, None, joined.words, {**look.evidence, "condition": "one_idea"}), joined
    made = propose(ctx, look.proposal)
    if isinstance(made, str):
        return Look(symbol, None, made, {"condition": "equity"}), None
    return look, made


def _put_forward(ctx: Context, journal: Journal, made: SizedSignal) -> None:
    journal.born(made.birth)
    if made.signal.quantity == 0:
        journal.take(reject_unsized(ctx, made.signal, made.bound_by))
    elif ctx.ledger.entering.switch(made.signal.strategy) is SwitchState.SHADOW:
        journal.take(reject_in_shadow(ctx, made.signal))
    else:
        journal.instructions.extend(made.instructions)


def _blocked_symbols(ctx: Context, strategy: Strategy, anyhow: _Anyhow) -> _Blocked:
    """Return the symbols at which the engine itself keeps a strategy from looking, each on its own account."""
    found: dict[str, Blocked] = {}
    until = NEVER
    for symbol in strategy.symbols:
        why, ends = anyhow.on(ctx, symbol)
        if why is None:
            why, ends = _blocked_itself(ctx, strategy, symbol)
        if why is not None:
            found[symbol] = why
            until = min(until, ends)
    return _Blocked(_by(ctx), ctx.now, until, found)


def _blocked(ctx: Context) -> Blocked | None:
    """Return (condition, reason) when the engine itself keeps every strategy from looking, else None."""
    if difference := ctx.ledger.clocks.difference:
        return "clock", f"entries are not allowed: {difference}"
    if ctx.now >= ctx.trading.close_at:
        return "closed", "the market has closed for the day"
    if against := ctx.against_hours:
        return "hours_differ", f"entries are not allowed: {against}"
    if not ctx.trading.is_open(ctx.now):
        return "closed", f"the market is closed; the session opens {new_york(ctx.trading.open_at, ctx.now)}"
    if ctx.restart_is_near:
        return "restart_near", "entries are not allowed: a restart window of the gateway begins soon"
    if not ctx.may_enter:
        session, link = ctx.ledger.session, ctx.ledger.connection
        return "not_allowed", f"entries are not allowed: session {session.state}, connection {link.state}"
    if ctx.kill_switch:
        return "kill_switch", f"entries are blocked: {ctx.kill_switch}"
    fault = ctx.ledger.account.equity_fault
    if fault is not None and fault.code != UNKNOWN:  # at a start the value comes a moment later
        return "equity", f"entries are blocked: {no_equity(ctx)}"
    if blocks := ctx.ledger.entering.blocks:
        return "breaker", f"entries are blocked: {'; '.join(blocks)}"
    return None


def _switched_off(ctx: Context, strategy: Strategy) -> Blocked | None:
    off = ctx.ledger.entering.switch(strategy.name) is SwitchState.OFF
    return ("switched_off", "the strategy is switched off") if off else None


def _blocked_anyhow(ctx: Context, symbol: str) -> _Until:
    """The same, for what concerns this symbol alone."""
    if kept := ctx.ledger.entering.kept_off(symbol):
        return (kept.code, kept.words), NEVER
    wait = timedelta(seconds=ctx.settings.execution.entries_wait_s)
    if refused := ctx.ledger.entering.not_taken(symbol, ctx.now, wait):
        return ("not_taken", refused), ctx.now  # its end is not asked for
    if slowed := pace.waits(ctx):
        return ("slowed", slowed), ctx.now  # the words count the seconds
    return None, NEVER


def _blocked_itself(ctx: Context, strategy: Strategy, symbol: str) -> _Until:
    """And for what concerns one strategy at this symbol."""
    if any(s.strategy == strategy.name and s.symbol == symbol for s in ctx.ledger.signals.values()):
        return ("signal_alive", "a signal of it is alive"), NEVER
    last = ctx.ledger.signal_index.last_at.get((strategy.name, symbol))
    if last is not None and (ctx.now - last).total_seconds() < strategy.cool_down_s:
        end = last + timedelta(seconds=strategy.cool_down_s)
        since, until = new_york(last, ctx.now), new_york(end, ctx.now)
        words = f"cooling down until {until}, after the signal of {since}"
        return ("cool_down", words), min(end, midnight_after(ctx.now))  # they name the date of another day
    return None, NEVER
