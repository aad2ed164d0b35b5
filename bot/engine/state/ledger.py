"""Everything alive, in memory: signals, approvals, orders and positions with their indexes. The store is its memory of
record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from bot.domain.adoption import Adoption
from bot.domain.alert import Alert, AlertState
from bot.domain.approval import Approval
from bot.domain.breaker import Breaker
from bot.domain.connection import Connection
from bot.domain.forecast import Forecast
from bot.domain.kinds import Entities, Entity, kind_of
from bot.domain.machine import C, Living, T
from bot.domain.message import Message
from bot.domain.order import Execution, Order, OrderChange
from bot.domain.position import Position
from bot.domain.review import Review
from bot.domain.session import Session
from bot.domain.signal import Signal
from bot.domain.slowdown import Slowdown
from bot.domain.symbol_halt import SymbolHalt
from bot.engine.state.broker_account import BrokerAccount
from bot.engine.state.clocks import Clocks
from bot.engine.state.entering import Entering
from bot.engine.state.fill_book import FillBook
from bot.engine.state.message_index import MessageIndex
from bot.engine.state.not_ours import Foreign
from bot.engine.state.order_index import OrderIndex
from bot.engine.state.position_index import PositionIndex
from bot.engine.state.proof import Proof
from bot.engine.state.records import LoadedState
from bot.engine.state.signal_index import SignalIndex
from bot.engine.state.tallies import counted_anew
from bot.engine.state.told_once import ToldOnce
from bot.engine.state.trade_outcomes import TradeOutcomes
from bot.engine.state.undo import NotedDict, Undo
from bot.risk.correlation import Minutes

K = TypeVar("K")
V = TypeVar("V")


class Ledger:
    """Written by the tick only. Done orders stay findable to the end of the next day, for a fill can come late."""

    version = 0  # moves with every change of an entity but of a number that only follows the market

    def __init__(self, loaded: LoadedState) -> None:
        self.undo = Undo()
        self.entities = Entities(table=self.table)  # what is alive of each kind; of orders also what is over
        over = self._sort_out(loaded.entities)
        self.session = self.entities.one(Session) or Session()
        self.connection = self.entities.one(Connection) or Connection()
        self.signals = self.entities.of(Signal)
        last_signal_at: dict[tuple[str, str], datetime] = self.table(loaded.last_signal_at)
        self.signal_index = SignalIndex(self.signals, over.of(Signal), last_signal_at, self.undo)
        self.approvals, self.orders = self.entities.of(Approval), self.entities.of(Order)
        self.positions, self.closed = self.entities.of(Position), over.of(Position)  # commissions may be late
        self.alerts = self.entities.of(Alert)
        self.messages = self.entities.of(Message)
        self.message_index = MessageIndex(self.messages, over.of(Message), self.undo)
        self.breakers = self.entities.of(Breaker)
        self.symbol_halts, self.adoptions = self.entities.of(SymbolHalt), self.entities.of(Adoption)
        self.reviews, self.slowdown = self.entities.of(Review), self.entities.one(Slowdown) or Slowdown()
        self.order_index = OrderIndex(self.undo)
        self.position_index = PositionIndex(self.positions, self.undo)
        self.entering = Entering(self)
        self.tallies = counted_anew((), self.closed.values())
        self.outcomes = TradeOutcomes(loaded.outcomes, self.closed.values())
        self.forecasts: dict[str, Forecast] = self.table({each.id: each for each in loaded.forecasts})
        self.fills = FillBook(loaded, self.undo)
        self.foreign = Foreign(loaded, self.undo)
        self.told_once = ToldOnce()
        self.highest_order_id = loaded.highest_order_id
        self.link_told_at: dict[str, datetime] = {}  # state of the connection -> when it was last told of
        self.underlying_seen = dict(loaded.underlying_seen)  # open position -> time and price of its mark at the start
        self.bid_seen = dict(loaded.bid_seen)  # the same of the option's bid
        self.proof = Proof()
        self.clocks = Clocks()
        self.account = BrokerAccount(loaded)
        self.minutes: Minutes = {}  # last prices of the minutes, as the limits keep them
        for order in loaded.entities.of(Order).values():
            self.change(order, OrderChange(corrected_away=0))
            self.add_order(order)
        for base, contracts in self.fills.taken_away().items():
            self._take_away(base, contracts)

    def carry_on(self, before: Ledger) -> None:
        """Take over what is not stored and a failed tick does not make untrue: the link, and what is in doubt."""
        self.proof.carry_on(before.proof)
        self.clocks = before.clocks.unsaid()
        self.entering.disk_block = before.entering.disk_block
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
        _write(entity, changed)
        if by is None and changed and changed.keys() <= _FOLLOWS_THE_MARKET.get(type(entity), _NOTHING):
            return before, after
        self.version += 1
        sort_in = _SORT_IN.get(type(entity))
        if sort_in is not None:
            sort_in(self, entity)
        if "perm_id" in changed and isinstance(entity, Order) and entity.perm_id:
            self.order_index.named(entity)
        return before, after

    def put_back(self, entity: Living[Any, Any], before: Mapping[str, object]) -> None:
        """Take back what was changed of an entity: its fields are as they were `before`. Indexes follow by `index`."""
        self.version += 1
        _write(entity, before)

    def table(self, content: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> dict[K, V]:
        """Return a table of the ledger's: what is changed in it under a savepoint can be taken back."""
        return NotedDict(self.undo, content)

    def index(self) -> None:
        """Make every index anew from what is there."""
        self.version += 1
        self.position_index.begin_anew()
        self.order_index.begin_anew()
        self.tallies = counted_anew((), self.closed.values())
        self.outcomes.begin_anew(self.positions, self.closed.values())
        for order in self.orders.values():
            self._take_in(order)

    def add(self, entity: Living[Any, Any]) -> None:
        """Take in what was born."""
        self.version += 1
        add = _ADD.get(type(entity))
        if add is None:
            self.entities.add(entity)
        else:
            add(self, entity)

    def add_position(self, position: Position) -> None:
        self.positions[position.id] = position
        self.position_index.add(position)

    def retire_alert(self, alert: Alert) -> None:
        if alert.state is AlertState.RESOLVED:
            self.alerts.pop(alert.id, None)

    def add_order(self, order: Order) -> None:
        self.orders[order.id] = order
        self._take_in(order)

    def _take_in(self, order: Order) -> None:
        self.tallies.order_born(order)
        self.order_index.add(order)
        if order.position_id:
            self.position_index.moved.add(order.position_id)

    def index_order(self, order: Order) -> None:
        """Keep the indexes of open orders true after a change."""
        self.tallies.order_changed(order)
        self.order_index.changed(order)
        if order.position_id:
            self.position_index.moved.add(order.position_id)

    def learn_earlier(self, first: Execution, present: Execution) -> Order | None:
        """Take note of an earlier revision of a fill that is heard of after a later one: what the present one has less,
        its order has used up all the same. Returns the order where that is news."""
        contracts = self.fills.learn_earlier(first, present)
        return None if contracts is None else self._take_away(first.base_id, contracts)

    def _take_away(self, base: str, contracts: int) -> Order | None:
        execution = self.fills.executions.get(base)
        order = self.order_index.find(execution.order_ref, execution.perm_id) if execution is not None else None
        if order is not None:
            self.change(order, OrderChange(corrected_away=order.corrected_away + contracts))
        return order

    def link_position(self, order: Order, position: Position) -> None:
        """Tie an entry order to the position that its fill made."""
        self.change(order, OrderChange(position_id=position.id))
        self.order_index.tie(order, position.id)

    def retire_position(self, position: Position) -> None:
        self.positions.pop(position.id, None)
        self.position_index.retire(position)
        self.closed[position.id] = position
        self.tallies.position_over(position)
        self.outcomes.over(position)
        self.version += 1

    def settle_position(self, position: Position) -> None:
        """Keep what is counted of positions that are over true after a change of one."""
        self.position_index.moved.add(position.id)
        if position.id in self.closed:
            self.tallies.position_over(position)
            self.outcomes.over(position)

    def has_traded(self, key: str) -> bool:
        """Say whether a contract is one of ours: held, traded today, or asked for by an order of ours."""
        return bool(self.position_index.by_key.get(key)) or self.order_index.was_for(key) or self.tallies.has_held(key)


def _write(entity: Living[Any, Any], sets: Mapping[str, object]) -> None:
    for name, value in sets.items():
        setattr(entity, name, value)


_ADD: Final[Mapping[type[Entity], Callable[[Ledger, Any], None]]] = {
    Signal: lambda ledger, signal: ledger.signal_index.add(signal),
    Order: Ledger.add_order,
    Position: Ledger.add_position,
    Message: lambda ledger, message: ledger.message_index.add(message),
}
_SORT_IN: Final[Mapping[type[Entity], Callable[[Ledger, Any], None]]] = {
    Signal: lambda ledger, signal: ledger.signal_index.retire(signal),
    Order: Ledger.index_order,
    Position: Ledger.settle_position,
    Message: lambda ledger, message: ledger.message_index.retire(message),
    Alert: Ledger.retire_alert,
}
"""The kinds that have indexes of their own; of any other there is what `Ledger.entities` holds."""
_NOTHING: Final = frozenset[str]()
_FOLLOWS_THE_MARKET: Final[Mapping[type[Entity], frozenset[str]]] = {
    Position: frozenset({"high", "underlying_best"}),
    Breaker: frozenset({"value", "limit", "share", "facts", "detail"}),
}
"""What is written down of prices and times as they go by: no index follows from it, and nothing that was decided."""
