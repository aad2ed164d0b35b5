"""The tick's second part: everything that may have something to decide is asked, and what it decides is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bot.domain.instructions import AskChains
from bot.domain.position import OPEN, Position, PositionState
from bot.domain.signal import Signal
from bot.domain.slowdown import SlowdownState
from bot.domain.timetable import LINES
from bot.engine.day import budgets
from bot.engine.memory import Memory
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.inbox import Inbox
from bot.engine.state.journal import Journal
from bot.engine.state.parking import Parkable, ParkedKind
from bot.engine.state.reviews import open_reviews
from bot.engine.state.steps import Step
from bot.engine.tick_memory import TickMemory
from bot.engine.trade import chunks, entries, exits, pace, prices, signals, verdicts
from bot.engine.trade.agenda import has_orders_under_way, is_restless
from bot.engine.trade.calm import CalmPositions, raise_high
from bot.engine.trade.sight import follow_underlying
from bot.strategies.base import Look, Strategy


class Rounds:
    """Strategies, orders, signals and positions, in this order. A fault in one machine parks that one and nothing
    else.

    `on_look` is told of every new reason why a strategy does or does not trade.
    """

    def __init__(
        self, memory: Memory, inbox: Inbox, tick_memory: TickMemory, on_look: Callable[[Strategy, Look], None]
    ) -> None:
        self._memory, self._inbox, self._tick_memory, self._on_look = memory, inbox, tick_memory, on_look
        self._second_looks: set[str] = set()  # contracts whose price is new: that it stands is a reason to look again

    def decide(self, ctx: Context) -> None:
        """Go round once."""
        tick_memory, journal = self._tick_memory, self._memory.journal
        tick_memory.calm.begin(ctx)
        tick_memory.agenda.follow(ctx)
        for strategy, look in tick_memory.scanner.scan(ctx, journal, tick_memory.parking):
            self._on_look(strategy, look)
        self._do_what_is_due(ctx, journal)
        if ctx.ledger.slowdown.state is SlowdownState.SLOWED or tick_memory.parking.parked:
            tick_memory.parking.run_job(ctx, journal, "slowdown", pace.end_with_time)
        for review in open_reviews(self._memory.ledger):
            self._carry_out(Parkable(ParkedKind.SIGNAL, review.signal_id), partial(verdicts.go_on, ctx, review))
        for signal in list(self._memory.ledger.signals.values()):
            self._decide_signal(ctx, signal)
        for position in self._positions_to_judge(ctx):
            self._judge(ctx, position)
        if tick_memory.schedule.due(LINES.name, ctx.now, LINES.every_s(ctx.setting)):
            tick_memory.parking.run_job(ctx, journal, "market data lines", self._want_lines)

    def _do_what_is_due(self, ctx: Context, journal: Journal) -> None:
        """Answers that are overdue, orders that are left over, contracts at their end: asked about where there are
        any, and by a full pass in any case."""
        agenda, parking, tallies = self._tick_memory.agenda, self._tick_memory.parking, ctx.ledger.tallies
        in_any_case = ctx.full or bool(parking.parked)
        for job, find, waits in (
            ("overdue orders", budgets.overdue_orders, tallies.awaiting),
            ("orphaned orders", exits.orphans, agenda.orphaned),
        ):
            if waits or in_any_case:
                for step in parking.attempt(journal, Parkable(ParkedKind.JOB, job), partial(find, ctx)):
                    journal.take(step)
        if in_any_case or agenda.ends.have_come(ctx.broker_now):
            parking.run_job(ctx, journal, "expiry", expiry.expire, self._tick_memory.calm.rests)

    def _want_lines(self, ctx: Context, journal: Journal) -> None:
        scanner = self._tick_memory.scanner
        lines = scanner.lines(ctx, journal, self._tick_memory.parking)
        if lines is not None:
            journal.instructions.append(lines)
        if symbols := scanner.chains.to_ask(ctx):
            journal.instructions.append(AskChains(symbols))

    def _carry_out(self, machine: Parkable, decide: Callable[[], Sequence[Step]]) -> None:
        self._tick_memory.parking.carry_out(self._memory.journal, machine, decide)

    def _decide_signal(self, ctx: Context, signal: Signal) -> None:
        ledger = self._memory.ledger
        for order in ledger.order_index.entries_of(signal.id):
            position = ledger.positions.get(order.position_id or "")
            since = position.opened_at if position else None
            self._carry_out(Parkable(ParkedKind.ORDER, order.order_ref), partial(entries.work_entry, ctx, order, since))
        self._carry_out(Parkable(ParkedKind.SIGNAL, signal.id), partial(signals.expire, ctx, signal))
        self._carry_out(Parkable(ParkedKind.SIGNAL, signal.id), partial(chunks.go_on, ctx, signal))

    def _positions_to_judge(self, ctx: Context) -> list[Position]:
        """Positions whose inputs changed: their quote, also that it stands, a fact of theirs, something under way, or
        their hour has come. One that is calm under its new quote is none of them."""
        changed, ledger, touched = self._memory.board.take_changed(), self._memory.ledger, self._memory.journal.touched
        memory, positions, index = self._tick_memory, ledger.positions, ledger.position_index
        changed |= self._second_looks
        quoted = [key for key in changed if index.by_key.get(key)]
        memory.marks.quoted.update(quoted)
        memory.calm.forget(touched)
        memory.calm.forget(index.moved)
        memory.agenda.follow(ctx)
        index.moved.clear()
        ids = self._all_restless_ids(ctx) if ctx.full else self._restless_ids(ctx)
        ids.update(touched)
        touched.clear()
        risen: list[str] = []
        if not ctx.full:
            quoted, risen = memory.calm.sort(ctx, quoted)
        for key in quoted:
            ids |= index.by_key[key]
        ids |= memory.calm.rise(ctx, risen)
        self._second_looks = prices.waiting_for_a_look(ctx, (*quoted, *risen))
        return [positions[each] for each in sorted(ids) if each in positions]

    def _restless_ids(self, ctx: Context) -> set[str]:
        """Return the positions that have to be judged whatever is quoted: by the agenda, by the hour, in doubt or
        parked."""
        ledger, memory = self._memory.ledger, self._tick_memory
        if not ledger.positions:
            return set()
        ids = {*memory.agenda.restless, *memory.calm.whose_hour_has_come(ctx.now), *ledger.position_index.too_large}
        if ctx.hour_is_known:
            ids |= memory.agenda.flat.have_come(ctx.now)
        for key in ledger.proof.capped:
            ids |= ledger.position_index.by_key.get(key, set())
        ids.update(each.name for each in memory.parking.parked if each.kind is ParkedKind.POSITION)
        return ids

    def _all_restless_ids(self, ctx: Context) -> set[str]:
        """As `_restless_ids`, by asking everybody."""
        return {each.id for each in self._memory.ledger.positions.values() if self._is_restless(ctx, each)}

    def _is_restless(self, ctx: Context, position: Position) -> bool:
        ledger = self._memory.ledger
        in_doubt = position.id in ledger.position_index.too_large or position.key in ledger.proof.capped
        if in_doubt or is_restless(position) or has_orders_under_way(ledger.order_index.of_position(position.id)):
            return True
        parked = self._tick_memory.parking.is_parked(ParkedKind.POSITION, position.id)
        return parked or exits.hour_has_come(ctx, position)

    def _judge(self, ctx: Context, position: Position) -> None:
        calm = self._tick_memory.calm
        if not ctx.full and calm.stays(ctx, position):
            return
        if position.state is PositionState.CLOSED:
            self._memory.ledger.retire_position(position)
            self._inbox.watch(position.key, None, None)
            return
        self._carry_out(Parkable(ParkedKind.POSITION, position.id), partial(_decide_position, ctx, position, calm))
        if position.state in OPEN and not self._tick_memory.parking.is_parked(ParkedKind.POSITION, position.id):
            self._inbox.watch(position.key, *exits.watch_levels(ctx, position))


def _decide_position(ctx: Context, position: Position, calm: CalmPositions) -> Sequence[Step]:
    raise_high(ctx, position)
    follow_underlying(ctx, position)
    steps = exits.decide_position(ctx, position)
    if not steps:
        calm.note(ctx, position)
    return steps
