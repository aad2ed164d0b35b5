"""What the tick gives to those who decide: settings, time, ids, session and what the connection allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

from bot.config.schema import Settings
from bot.config.strategies import ExitSettings, PlanName
from bot.domain.calendar import TradingSession
from bot.domain.connection import ConnectionState, Permission
from bot.domain.ids import IdSource, order_ref
from bot.domain.order import Order, OrderSide, OrderType, Purpose, Terms
from bot.domain.position import Position
from bot.domain.session import SessionState
from bot.domain.signal import Signal
from bot.engine.state.board import Board
from bot.engine.state.ledger import Ledger
from bot.engine.state.ports import TradingCalendar
from bot.strategies.base import Strategy


@lru_cache(maxsize=256)
def _value_of(name: str) -> Callable[[Settings], Any]:
    return attrgetter(name)


@dataclass(frozen=True, slots=True)
class Context:
    """One tick's world. Reading it is all that a decision may do."""

    now: datetime
    settings: Settings
    strategies: Mapping[str, Strategy]
    board: Board
    ledger: Ledger
    ids: IdSource
    calendar: TradingCalendar
    trading: TradingSession  # today's, or the next one when there is none today; by `broker_now`
    restart_is_near: bool = False  # a restart window of the gateway begins soon
    kill_switch: str = ""  # in words, while the gate sees it
    steady_s: float = 0.0  # the clock's steady seconds
    told_session: TradingSession | None = None  # by the more cautious of calendar and broker
    full: bool = False  # nothing is passed over that cannot have changed: for tests, which compare
    overseen: bool = False  # a model is there that a complex signal may wait for

    def setting(self, name: str) -> Any:
        """Return the value of a setting by its name, as `engine.mark_seconds`: what the timetable asks for."""
        return _value_of(name)(self.settings)

    @property
    def entering(self) -> TradingSession:
        """Return the session as entries see it: one that never opens where the broker says that nothing trades."""
        return self.told_session or self.trading

    @property
    def against_hours(self) -> str:
        """Return in words that the broker tells that nothing trades in our session, empty when it does not."""
        told = self.told_session
        if told is None or told is self.trading or not self.trading.is_open(self.broker_now):
            return ""
        if told.is_open(self.broker_now):
            return ""
        return "by the hours that the broker tells, nothing trades now"

    @property
    def flat_session(self) -> TradingSession:
        """Return the session from whose close flat times count: the earlier one, where the broker tells of a close."""
        told = self.entering
        return replace(self.trading, close_at=told.close_at) if told.open_at < told.close_at else self.trading

    @property
    def hour_is_known(self) -> bool:
        """Say whether our clock and the broker's agree: else nothing that goes by the time of day may be done."""
        return not self.ledger.clocks.fault

    @property
    def broker_now(self) -> datetime:
        """Return the broker's time where ours differs from it: it judges what can be traded and when it restarts."""
        return self.ledger.clocks.of_broker(self.now)

    @property
    def may_enter(self) -> bool:
        active = self.ledger.session.state is SessionState.ACTIVE
        return active and self.ledger.connection.allows(Permission.ENTER) and not self.restart_is_near

    @property
    def may_exit(self) -> bool:
        """Exits and stops may go out: connected, and our book was compared with the broker's. A session that a wrong
        clock alone keeps from going on has compared it."""
        state = self.ledger.session.state
        compared = state not in {SessionState.STARTING, SessionState.RECONCILING, SessionState.STOPPING}
        waits_for_the_clock = state is SessionState.RECONCILING and not self.hour_is_known
        return (compared or waits_for_the_clock) and self.ledger.connection.allows(Permission.EXIT)

    def may_exit_of(self, position: Position) -> bool:
        """Say whether sells of one position may go out: as `may_exit`, and also while the comparison does not end, once
        open orders and executions were read on this connection and the rest kept us waiting. Then our own executions
        prove the quantity, or the broker's own word on the position does; a contract of which the broker shows fewer is
        in doubt and is not sold (`may_sell_more`)."""
        if self.may_exit:
            return True
        proved = self.ledger.proof.may_leave_since(position.key, self.ledger.position_index.held_on(position.key))
        session, link = self.ledger.session.state, self.ledger.connection
        if proved is None or not (link.state is ConnectionState.SYNCING or link.allows(Permission.EXIT)):
            return False
        if session in {SessionState.STARTING, SessionState.STOPPING}:
            return False
        return self.now - proved >= timedelta(seconds=self.settings.engine.ack_seconds)

    @property
    def may_modify(self) -> bool:
        return self.may_exit and self.ledger.connection.allows(Permission.MODIFY)

    @property
    def may_reduce(self) -> bool:
        """Sales may be made smaller or taken back: as `may_modify`, and also while the comparison goes on, once open
        orders and executions were read on this connection. Before that an order's id proves nothing: after a gateway's
        reset it may be another order's, and new terms for what is gone are a new order."""
        session, link = self.ledger.session.state, self.ledger.connection
        if self.may_modify:
            return True
        if session in {SessionState.STARTING, SessionState.STOPPING} or self.ledger.proof.proved_since is None:
            return False
        return link.state is ConnectionState.SYNCING or link.allows(Permission.MODIFY)

    def exit_settings(self, strategy: str) -> ExitSettings:
        """Return how positions of a strategy are left; one that is no longer configured leaves as the first one does,
        and by the usual plan when there is none at all."""
        known = self.strategies.get(strategy) or self.strategies.get(self.any_strategy)
        if known is None:
            return ExitSettings()
        return self.settings.exits.named(self.exit_plan(known.name)) or known.exit

    def exit_plan(self, strategy: str) -> PlanName:
        """Return the name of the plan by which positions of a strategy are left."""
        section = self.settings.strategies.sections().get(strategy)
        return section.exit_plan if section is not None else PlanName.OWN

    @property
    def any_strategy(self) -> str:
        """Return whose rules a position of nobody's follows: the first strategy's; empty when none is configured."""
        return next(iter(self.strategies), "")

    def new_id(self) -> str:
        return self.ids.new(self.now)

    def new_order(
        self,
        purpose: Purpose,
        order_type: OrderType,
        terms: Terms,
        *,
        tag: str,
        signal: Signal | None = None,
        position: Position | None = None,
        good_after: datetime | None = None,
    ) -> Order:
        """Return a fresh order of a signal (entry) or of a position (everything else), with the mid of this moment."""
        owner = position or signal
        if owner is None:
            raise ValueError("an order belongs to a signal or to a position")
        order_id = self.new_id()
        quote = self.board.quote(owner.key)
        return Order(
            id=order_id,
            order_ref=order_ref(self.settings.bot_id, order_id),
            contract_key=owner.key,
            purpose=purpose,
            side=OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL,
            order_type=order_type,
            terms=terms,
            created_at=self.now,
            state_since=self.now,
            signal_id=signal.id if signal else (position.signal_id if position else None),
            position_id=position.id if position else None,
            tag=tag,
            mid_at_decision=quote.mid if quote else None,
            good_after=good_after,
        )
