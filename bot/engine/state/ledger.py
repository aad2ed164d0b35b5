"""Everything alive, in memory: signals, approvals, orders and positions with their indexes. The store is its memory of
record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from bot.domain.adoption import OPEN_QUESTIONS, Adoption
from bot.domain.alert import Alert, AlertState
from bot.domain.approval import APPROVAL, Approval
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.calendar import new_york_day
from bot.domain.connection import Connection
from bot.domain.instruments import Right
from bot.domain.kinds import Entities, Entity, kind_of
from bot.domain.machine import C, Living, T
from bot.domain.message import MESSAGE, Message
from bot.domain.order import MOST_ATTEMPTS, Execution, Order, OrderChange, OrderSide, Purpose, base_of
from bot.domain.position import CloseReason, Position, Valuation
from bot.domain.review import REVIEW, Review
from bot.domain.session import Session
from bot.domain.signal import SIGNAL, Signal, SignalState
from bot.domain.slowdown import Slowdown
from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.engine.state.broker_account import BrokerAccount
from bot.engine.state.clocks import Clocks
from bot.engine.state.not_ours import Foreign
from bot.engine.state.proof import Proof
from bot.engine.state.records import ENDED_DAYS, EXECUTION_DAYS, LoadedState
from bot.engine.state.tallies import UNSETTLED, counted_anew
from bot.engine.state.told_once import ToldOnce
from bot.engine.state.undo import NotedDict, Undo
from bot.risk.correlation import Bet, Minutes, bet_on

_ALLOWED = frozenset({SignalState.APPROVED, SignalState.WORKING})


K = TypeVar("K")
V = TypeVar("V")


def _day_of(at: datetime | None) -> date:
    return new_york_day(at) if at is not None else date.min


def _is_unknown(position: Position) -> bool:
    return position.valuation is Valuation.UNKNOWN


@dataclass(frozen=True, slots=True)
class KeptOff:
    """Why no entry on a symbol passes: a code, what becomes of them, the reason in words."""

    code: str
    symbol: str
    what: str
    reason: str

    @property
    def words(self) -> str:
        return f"entries on {self.symbol} {self.what}: {self.reason}"


class Ledger:
    """Written by the tick only. Done orders stay findable to the end of the next day, for a fill can come late."""

    version = 0  # moves with every change of an entity but of a number that only follows the market

    def __init__(self, loaded: LoadedState) -> None:
        self.undo = Undo()
        self.entities = Entities(table=self.table)  # what is alive of each kind; of orders also what is over
        over = self._sort_out(loaded.entities)
        self.session = self.entities.one(Session) or Session()
        self.connection = self.entities.one(Connection) or Connection()
        self.signals, self.ended_signals = self.entities.of(Signal), over.of(Signal)
        self.approvals, self.orders = self.entities.of(Approval), self.entities.of(Order)
        self.positions, self.closed = self.entities.of(Position), over.of(Position)  # commissions may be late
        self.alerts = self.entities.of(Alert)
        self.messages, self.told = self.entities.of(Message), over.of(Message)  # an edit needs what was said before
        self._said = self.table((m.dedupe_key, m) for m in (*self.told.values(), *self.messages.values()))
        self.breakers = self.entities.of(Breaker)
        self.symbol_halts, self.adoptions = self.entities.of(SymbolHalt), self.entities.of(Adoption)
        self.reviews, self.slowdown = self.entities.of(Review), self.entities.one(Slowdown) or Slowdown()
        self.by_ref: dict[str, Order] = {}
        self.by_perm: dict[int, Order] = {}
        self.open_orders: dict[str, Order] = self.table()
        self._live_on: dict[tuple[str, OrderSide], dict[str, Order]] = defaultdict(dict)  # the open orders once more
        self._asked_keys: set[str] = set()  # contracts that an order of ours was ever for
        self._of_position: dict[str, list[Order]] = defaultdict(list)
        self._of_signal: dict[str, list[Order]] = defaultdict(list)
        self.by_key: dict[str, set[str]] = defaultdict(set)
        self.tallies = counted_anew((), self.closed.values())
        self.moved: set[str] = set()  # positions that changed, or an order of which did, since a tick went round last
        self.executions: dict[str, Execution] = self.table(loaded.executions)
        self.commissions: dict[str, Decimal] = self.table(loaded.commissions)
        self.foreign = Foreign(loaded, self.undo)
        self.told_once = ToldOnce()
        self.charged: dict[str, Decimal] = self.table()  # base of the execId -> dollars that its position was charged
        for exec_id in sorted(self.commissions):
            if base_of(exec_id) in self.executions:
                self.charged[base_of(exec_id)] = self.commissions[exec_id]
        self.highest_order_id = loaded.highest_order_id
        self.last_signal_at: dict[tuple[str, str], datetime] = self.table(loaded.last_signal_at)
        self.link_told_at: dict[str, datetime] = {}  # state of the connection -> when it was last told of
        self.too_large: dict[str, datetime] = self.table()  # position -> since when its stop would sell too much
        self.underlying_seen = dict(loaded.underlying_seen)  # open position -> time and price of its mark at the start
        self.bid_seen = dict(loaded.bid_seen)  # the same of the option's bid
        self.disk_block = ""  # why the disk of the store keeps entries out; empty: it does not
        self.proof = Proof()
        self.clocks = Clocks()
        self.breakers_fault = ""  # in words, while they cannot be read
        self.account = BrokerAccount(loaded)
        self.minutes: Minutes = {}  # last prices of the minutes, as the limits keep them
        for position in self.positions.values():
            self.by_key[position.key].add(position.id)
        for order in loaded.entities.of(Order).values():
            self.change(order, OrderChange(corrected_away=0))
            self.add_order(order)
        self.earliest: dict[str, tuple[int, int]] = self.table(loaded.earliest)
        for base, (_, quantity) in self.earliest.items():
            self._take_away(base, quantity - self.executions[base].quantity if base in self.executions else 0)

    def carry_on(self, before: Ledger) -> None:
        """Take over what is not stored and a failed tick does not make untrue: the link, and what is in doubt."""
        self.proof.carry_on(before.proof)
        self.clocks = before.clocks.unsaid()
        self.disk_block = before.disk_block
        self.foreign.carry_on(before.foreign)
        for order in self.orders.values():
            if (known := before.orders.get(order.id)) is not None:
                self.change(order, OrderChange(superseded=known.superseded))
        self.account.carry_on(before.account)
        self.minutes = before.minutes

    def _sort_out(self, found: Entities) -> Entities:
        """Take in what is alive and return what is over. Orders come in by themselves: a fill may be for either."""
        over = Entities(table=self.table)
        for entity in found:
            if not isinstance(entity, Order):
                (self.entities if kind_of(entity).is_alive(entity) else over).add(entity)
        return over

    def change(self, entity: Living[T, C], sets: C | None = None, *, by: T | None = None) -> tuple[StrEnum, StrEnum]:
        """The one door: whatever changes of an entity after its birth changes here, with every index that follows from
        it. Moves it by a trigger, where one is given, and sets what changes; returns its states before and after.

        Raises IllegalTransition, and changes nothing, where the table does not allow the trigger.
        """
        before = after = entity.state
        changed = cast("Mapping[str, object]", sets or {})
        if self.undo.open:
            self.undo.note(self.put_back, entity, {name: getattr(entity, name) for name in ("state", *changed)})
        if by is not None:
            before, after = kind_of(entity).life.fire(entity, by)
        self._write(entity, changed)
        if by is None and changed and changed.keys() <= _FOLLOWS_THE_MARKET.get(type(entity), _NOTHING):
            return before, after
        self.version += 1
        sort_in = _SORT_IN.get(type(entity))
        if sort_in is not None:
            sort_in(self, entity)
        if "perm_id" in changed and isinstance(entity, Order) and entity.perm_id:
            self.by_perm[entity.perm_id] = entity
        return before, after

    def put_back(self, entity: Living[Any, Any], before: Mapping[str, object]) -> None:
        """Take back what was changed of an entity: its fields are as they were `before`. Indexes follow by `index`."""
        self.version += 1
        self._write(entity, before)

    def table(self, content: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> dict[K, V]:
        """Return a table of the ledger's: what is changed in it under a savepoint can be taken back."""
        return NotedDict(self.undo, content)

    def index(self) -> None:
        """Make every index anew from what is there."""
        self.version += 1
        self.by_key.clear()
        for position in self.positions.values():
            self.by_key[position.key].add(position.id)
        self._index_orders()

    @staticmethod
    def _write(entity: Living[Any, Any], sets: Mapping[str, object]) -> None:
        for name, value in sets.items():
            setattr(entity, name, value)

    def add(self, entity: Living[Any, Any]) -> None:
        """Take in what was born."""
        self.version += 1
        add = _ADD.get(type(entity))
        if add is None:
            self.entities.add(entity)
        else:
            add(self, entity)

    def add_signal(self, signal: Signal) -> None:
        self.signals[signal.id] = signal
        self.last_signal_at[signal.strategy, signal.symbol] = signal.created_at

    def add_position(self, position: Position) -> None:
        self.positions[position.id] = position
        self.by_key[position.key].add(position.id)
        self.moved.add(position.id)

    def retire_alert(self, alert: Alert) -> None:
        if alert.state is AlertState.RESOLVED:
            self.alerts.pop(alert.id, None)

    def add_message(self, message: Message) -> None:
        self.messages[message.id] = self._said[message.dedupe_key] = message

    def message_said(self, dedupe_key: str) -> Message | None:
        """Return what was said, or is about to be, under a key, in the days that are remembered."""
        return self._said.get(dedupe_key)

    def message(self, message_id: str | None) -> Message | None:
        """Return a message, also one that is over, of the days that are remembered."""
        return self.messages.get(message_id or "") or self.told.get(message_id or "")

    def retire_message(self, message: Message) -> None:
        if message.state in MESSAGE.terminal:
            self.messages.pop(message.id, None)
            self.told[message.id] = message

    def add_order(self, order: Order) -> None:
        self.orders[order.id] = order
        self._index_new(order)

    def _index_new(self, order: Order) -> None:
        self.by_ref[order.order_ref] = order
        self._asked_keys.add(order.contract_key)
        self.tallies.order_born(order)
        self.index_order(order)
        if order.perm_id:
            self.by_perm[order.perm_id] = order
        if order.position_id:
            self._of_position[order.position_id].append(order)
        if order.signal_id and order.purpose is Purpose.ENTRY:
            self._of_signal[order.signal_id].append(order)

    def index_order(self, order: Order) -> None:
        """Keep the indexes of open orders true after a change."""
        self.tallies.order_changed(order)
        if order.position_id:
            self.moved.add(order.position_id)
        on_contract = self._live_on[order.contract_key, order.side]
        if order.is_done:
            self.open_orders.pop(order.id, None)
            on_contract.pop(order.id, None)
        else:
            self.open_orders[order.id] = on_contract[order.id] = order

    def find_order(self, reference: str, perm_id: int) -> Order | None:
        """Return the order that the broker speaks of: by our reference, by permId where it names none."""
        order = self.by_ref.get(reference)
        if order is None and perm_id and not reference:
            order = self.by_perm.get(perm_id)
        return order

    def learn_earlier(self, first: Execution, present: Execution) -> Order | None:
        """Take note of an earlier revision of a fill that is heard of after a later one: what the present one has less,
        its order has used up all the same. Returns the order where that is news."""
        revision, quantity = self.earliest.get(first.base_id, (present.revision, present.quantity))
        if first.revision >= revision:
            return None
        self.earliest[first.base_id] = (first.revision, first.quantity)
        return self._take_away(first.base_id, first.quantity - quantity)

    def _take_away(self, base: str, contracts: int) -> Order | None:
        execution = self.executions.get(base)
        order = self.find_order(execution.order_ref, execution.perm_id) if execution is not None else None
        if order is not None:
            self.change(order, OrderChange(corrected_away=order.corrected_away + contracts))
        return order

    def link_position(self, order: Order, position: Position) -> None:
        """Tie an entry order to the position that its fill made."""
        self.change(order, OrderChange(position_id=position.id))
        self._of_position[position.id].append(order)

    def retire_position(self, position: Position) -> None:
        self.positions.pop(position.id, None)
        self.too_large.pop(position.id, None)
        self.by_key[position.key].discard(position.id)
        self.closed[position.id] = position
        self.tallies.position_over(position)
        self.moved.add(position.id)
        self.version += 1

    def settle_position(self, position: Position) -> None:
        """Keep what is counted of positions that are over true after a change of one."""
        self.moved.add(position.id)
        if position.id in self.closed:
            self.tallies.position_over(position)

    def recount(self) -> None:
        """Count anew what is counted over the day."""
        self.tallies = counted_anew(self.orders.values(), self.closed.values())

    def retire_signal(self, signal: Signal) -> None:
        if signal.state in SIGNAL.terminal:
            self.signals.pop(signal.id, None)
            self.ended_signals[signal.id] = signal

    def signal(self, signal_id: str | None) -> Signal | None:
        """Return a signal, also one that is over: its fill may come late."""
        return self.signals.get(signal_id or "") or self.ended_signals.get(signal_id or "")

    def turn_to(self, today: date, now: datetime) -> None:
        """Let go of what was over ENDED_DAYS ago: a bot that runs for months remembers what a start would load.

        A broker tells of orders and executions of a day until its nightly restart, and may correct one of Friday's on
        the Tuesday after.
        """
        self.version += 1
        since = today - timedelta(days=ENDED_DAYS)
        ended = {
            i
            for i, position in self.closed.items()
            if _day_of(position.closed_at) < since and not position.is_unsettled and not _is_unknown(position)
        }
        self._forget_orders({o.id for o in self.orders.values() if self._is_history(o, ended, since)})
        tied = {o.position_id for o in self.orders.values()}
        self.closed = self.table((i, p) for i, p in self.closed.items() if i not in ended or i in tied)
        self.recount()
        asked = {o.signal_id for o in self.orders.values()}
        recent = {i for i, signal in self.ended_signals.items() if _day_of(signal.closed_at) >= since}
        self.ended_signals = self.table((i, s) for i, s in self.ended_signals.items() if i in asked or i in recent)
        questions = {s.approval_id for s in (*self.signals.values(), *self.ended_signals.values())}
        for approval in [*self.approvals.values()]:
            if approval.id not in questions and approval.state in APPROVAL.terminal:
                del self.approvals[approval.id]
        self.told = self.table((i, m) for i, m in self.told.items() if _day_of(m.created_at) >= since)
        self._said = self.table((m.dedupe_key, m) for m in (*self.told.values(), *self.messages.values()))
        for review in [*self.reviews.values()]:
            if review.state in REVIEW.terminal and review.signal_id not in self.signals:
                del self.reviews[review.id]
        self._forget_executions(now - timedelta(days=EXECUTION_DAYS))
        self.by_key = defaultdict(set, {key: ids for key, ids in self.by_key.items() if ids})
        self.account.forget_before(since)
        self.told_once.begin_day()
        self.proof.begin_day()

    def _is_history(self, order: Order, ended: set[str], since: date) -> bool:
        if not order.is_done or order.position_id in self.positions:
            return False
        recent = _day_of(order.created_at) >= since or _day_of(order.done_at) >= since
        return not recent and (order.position_id in ended or order.position_id not in self.closed)

    def _forget_orders(self, gone: set[str]) -> None:
        for each in gone:
            del self.orders[each]
        self._index_orders()

    def _index_orders(self) -> None:
        derived: tuple[dict[Any, Any], ...] = (
            self.by_ref, self.by_perm, self._of_position, self._of_signal, self._live_on,
        )  # fmt: skip
        for index in derived:
            index.clear()
        self._asked_keys.clear()
        self.tallies = counted_anew((), self.closed.values())
        for order in self.orders.values():
            self._index_new(order)

    def _forget_executions(self, since: datetime) -> None:
        """A commission that has no execution by the end of its day is somebody else's."""
        self.executions = kept = self.table(
            (base, execution)
            for base, execution in self.executions.items()
            if execution.executed_at >= since or self.find_order(execution.order_ref, execution.perm_id) is not None
        )
        self.commissions = self.table((i, cost) for i, cost in self.commissions.items() if base_of(i) in kept)
        self.charged = self.table((base, cost) for base, cost in self.charged.items() if base in kept)
        self.earliest = self.table((base, first) for base, first in self.earliest.items() if base in kept)
        self.foreign.keep_executions(kept)

    @property
    def open_reviews(self) -> list[Review]:
        """Return the reviews that wait for a verdict."""
        return [review for review in self.reviews.values() if review.is_open] if self.reviews else []

    def review_of(self, signal_id: str) -> Review | None:
        """Return the overseer's look at a signal, None where there was none."""
        return next((review for review in self.reviews.values() if review.signal_id == signal_id), None)

    def has_traded(self, key: str) -> bool:
        """Say whether a contract is one of ours: held, traded today, or asked for by an order of ours."""
        return bool(self.by_key.get(key)) or key in self._asked_keys or self.tallies.has_held(key)

    def live_on(self, key: str, side: OrderSide) -> list[Order]:
        """Return our orders on one side of a contract that may still fill."""
        return list(self._live_on.get((key, side), {}).values())

    def held_on(self, key: str) -> int:
        return sum(position.quantity for position in self.positions_of(key))

    def proven_of(self, position: Position) -> int:
        """Return how many contracts of a position are there by the broker's own word: what is missing is taken from the
        same one first as the comparison takes it."""
        if position.key not in self.proof.capped:
            return position.quantity
        missing = max(self.held_on(position.key) - self.proof.capped[position.key], 0)
        for each in self.positions_of(position.key):
            gone = min(missing, each.quantity)
            if each is position:
                return position.quantity - gone
            missing -= gone
        return position.quantity

    def orders_of(self, position_id: str) -> list[Order]:
        return self._of_position.get(position_id, [])

    def entries_of(self, signal_id: str) -> list[Order]:
        return self._of_signal.get(signal_id, [])

    def entries_not_taken(self, symbol: str, now: datetime, wait: timedelta) -> str:
        """Return in words why entries on a symbol wait: the broker took none of three in a row; empty: they do not."""
        latest: list[Order] = []
        for order in self.tallies.entries_on(symbol):
            if now - order.created_at > wait * (MOST_ATTEMPTS + 1):
                break
            if not order.is_done:
                continue
            if not order.was_not_taken:
                break
            latest.append(order)
            if len(latest) == MOST_ATTEMPTS:
                break
        if len(latest) < MOST_ATTEMPTS or now - (latest[0].done_at or now) >= wait:
            return ""
        why = latest[0].reject_reason
        return f"entries on {symbol} wait: the broker did not take {len(latest)} in a row ({why})"

    def awaiting_answer(self) -> Iterable[Order]:
        """Return the orders that the broker owes a word on."""
        return [o for o in self.open_orders.values() if o.state in UNSETTLED or o.wanted is not None]

    def positions_of(self, key: str) -> list[Position]:
        return [self.positions[i] for i in sorted(self.by_key.get(key, ()))]

    def among(self, ids: Collection[str] | None) -> Iterable[Position]:
        """Return the open positions of these ids in the order of their birth, all of them for None."""
        if ids is None:
            return list(self.positions.values())
        return [position for position in self.positions.values() if position.id in ids] if ids else ()

    def delivered_on(self, symbol: str) -> str:
        """Return in words what keeps entries on a symbol out while its delivered shares are there; empty: nothing."""
        there = self.tallies.delivered_on(symbol)
        taken = [str(p.contract) for p in there if p.close_reason is CloseReason.EXERCISED]
        return f"shares that {' and '.join(taken)} delivered are in the account: sell them by hand" if taken else ""

    @property
    def awaiting_settlement(self) -> list[Position]:
        """Return what was held through its expiry and is still in the broker's book."""
        return [p for p in self.positions.values() if p.close_reason is CloseReason.AWAITING_SETTLEMENT]

    @property
    def entry_blocks(self) -> tuple[str, ...]:
        """Return in words every tripped breaker, that they cannot be read, and what is wrong with the machine's clock:
        while there is one, no entry passes."""
        others = (
            words
            for words in (self.breakers_fault, self.disk_block, self.clocks.why_blocked, self.clocks.difference)
            if words
        )
        tripped = (b for b in self.breakers.values() if b.state is BreakerState.TRIPPED)
        return (*others, *(f"{b.id} {b.value} against {b.limit}" for b in tripped))

    @property
    def halted_symbols(self) -> dict[str, str]:
        """Return the symbols on which no entry is allowed now, and why."""
        return {halt.id: halt.reason for halt in self.symbol_halts.values() if halt.state is SymbolState.HALTED}

    def switch(self, strategy: str) -> SwitchState:
        """Return whether a strategy trades; one that nobody switched is on."""
        kept = self.entities.of(StrategySwitch).get(strategy)
        return kept.state if kept is not None else SwitchState.ON

    def kept_off(self, symbol: str) -> KeptOff | None:
        """Return what keeps entries off a symbol, whatever their terms: proposed, approved, on their way or working.
        None: nothing."""
        if reason := self.halted_symbols.get(symbol):
            return KeptOff("symbol_halted", symbol, "are halted", reason)
        if asked := self._asked_about_on(symbol):
            return KeptOff("adoption_asked", symbol, "wait", asked)
        if delivered := self.delivered_on(symbol):
            return KeptOff("shares_delivered", symbol, "wait", delivered)
        return None

    def _asked_about_on(self, symbol: str) -> str:
        waiting = (a for a in self.adoptions.values() if a.symbol == symbol and a.state in OPEN_QUESTIONS)
        listed = "; ".join(adoption.words for adoption in waiting)
        return f"what is at the broker and not ours waits for a person (adopt): {listed}" if listed else ""

    def exposure(self, leaving_out: Signal | None = None) -> Exposure:
        """Count open positions and the signals that may still become one, but for one and what it has bought."""
        found, own = Exposure(), leaving_out.position_id if leaving_out is not None else None
        for position in self.positions.values():
            if position.id == own:
                continue
            found.add(position.contract.symbol, position.contract.right)
        for signal in self.signals.values():
            if signal is leaving_out or signal.state in SIGNAL.terminal or signal.position_id in self.positions:
                continue
            found.add(signal.symbol, signal.contract.right)
        return found

    def bets(self, before: Signal) -> tuple[Bet, ...]:
        """Return what an entry is one bet with: open positions, and the entries on their way that were proposed before
        it or are already allowed. Of two in one tick the second counts the first, and not the other way round."""
        found = [bet_on(each.contract) for each in self.positions.values() if each.id != before.position_id]
        is_earlier = before.id in self.signals
        for signal in self.signals.values():
            if signal.id == before.id:
                is_earlier = False
                continue
            on_its_way = signal.state not in SIGNAL.terminal and signal.position_id not in self.positions
            if on_its_way and (is_earlier or signal.state in _ALLOWED):
                found.append(bet_on(signal.contract))
        return tuple(found)


_ADD: Final[Mapping[type[Entity], Callable[[Ledger, Any], None]]] = {
    Signal: Ledger.add_signal,
    Order: Ledger.add_order,
    Position: Ledger.add_position,
    Message: Ledger.add_message,
}
_SORT_IN: Final[Mapping[type[Entity], Callable[[Ledger, Any], None]]] = {
    Signal: Ledger.retire_signal,
    Order: Ledger.index_order,
    Position: Ledger.settle_position,
    Message: Ledger.retire_message,
    Alert: Ledger.retire_alert,
}
"""The kinds that have indexes of their own; of any other there is what `Ledger.entities` holds."""
_NOTHING: Final = frozenset[str]()
_FOLLOWS_THE_MARKET: Final[Mapping[type[Entity], frozenset[str]]] = {
    Position: frozenset({"high"}),
    Breaker: frozenset({"value", "limit", "share", "facts", "detail"}),
}
"""What is written down of prices and times as they go by: no index follows from it, and nothing that was decided."""


class Exposure:
    """How many trades are on, in all, by direction and by symbol."""

    def __init__(self) -> None:
        self.total = 0
        self.calls = 0
        self.puts = 0
        self._by_symbol: dict[str, int] = defaultdict(int)

    def add(self, symbol: str, right: Right) -> None:
        self.total += 1
        self._by_symbol[symbol] += 1
        if right is Right.CALL:
            self.calls += 1
        else:
            self.puts += 1

    def on(self, symbol: str) -> int:
        return self._by_symbol[symbol]
