"""What follows from an order's end for its position: a stop that is gone is protection lost, an exit that is gone is
tried again."""

from __future__ import annotations

from typing import Final

from bot.domain.instructions import AskSnapshot
from bot.domain.order import MOST_ATTEMPTS, Order, Purpose, times_not_taken
from bot.domain.position import Position, PositionChange, PositionState, PositionTrigger
from bot.domain.wording import key_words
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.state.told_once import Once
from bot.engine.trade.refusals import Policy, policy_of, stops_not_taken

_INSTEAD: Final = {
    Purpose.PROTECT: ("STOP_NOT_TAKEN", "the stop", "the tick watches the bid and sells at the stop's price"),
    Purpose.EXIT: ("SALE_NOT_TAKEN", "the sale", "it is tried ever more rarely, with the stop put back meanwhile"),
}


class OrderEnds:
    """Draws the consequences through a journal; the order itself is over already."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx, self._ledger, self._journal = ctx, ctx.ledger, journal

    def rejected(self, order: Order) -> None:
        """The broker refused it, or it never left: told, then as any end."""
        severity = "warning" if order.purpose is Purpose.ENTRY else "critical"
        if self._times(order) <= 1 or order.purpose is Purpose.ENTRY:
            self._journal.alert(
                "ORDER_REJECTED",
                f"{order.purpose} order for {key_words(order.contract_key)} was refused: {order.reject_reason}",
                {"order_ref": order.order_ref, "code": order.reject_code},
                severity=severity,
            )
        if policy_of(order) is Policy.WAIT:
            self._journal.instructions.append(AskSnapshot(f"{order.order_ref} was refused beside another order"))
        self.ended(order)

    def ended(self, order: Order, *, asked: bool = False) -> None:
        """Draw the consequences of an order's end for its position; `asked`: we took it back ourselves."""
        position = self._ledger.positions.get(order.position_id or "")
        if position is None or asked or position.state is PositionState.CLOSED:
            return
        self._tell_of_the_end_of_attempts(order)
        if order.purpose is Purpose.PROTECT:
            self._protection_ended(order, position)
        elif order.purpose is Purpose.EXIT and position.state is PositionState.CLOSING:
            reason = order.reject_reason or "exit order ended unfilled"
            self._journal.take(
                Step(
                    position,
                    PositionTrigger.EXIT_FAILED,
                    reason,
                    {"order_ref": order.order_ref},
                    PositionChange(exit_attempts=position.exit_attempts + 1),
                    actor="broker",
                )
            )

    def _times(self, order: Order) -> int:
        """Return how often in a row the broker did not take what this order was to do for its position."""
        orders = self._ledger.order_index.of_position(order.position_id or "")
        return stops_not_taken(orders) if order.purpose is Purpose.PROTECT else times_not_taken(orders, order.purpose)

    def _tell_of_the_end_of_attempts(self, order: Order) -> None:
        """Say once what is done instead of what the broker does not take."""
        times = self._times(order)
        if order.purpose not in _INSTEAD or times < MOST_ATTEMPTS:
            self._ledger.told_once.forget(Once.GIVEN_UP, order.purpose, order.position_id)
            return
        if not self._ledger.told_once.is_news(Once.GIVEN_UP, order.purpose, order.position_id):
            return
        code, what, instead = _INSTEAD[order.purpose]
        words = f"{what} of {key_words(order.contract_key)} was not taken {times} times in a row: {instead}"
        facts = {
            "position_id": order.position_id,
            "times": times,
            "last": order.reject_reason,
            "code": order.reject_code,
        }
        self._journal.alert(code, f"{words}; last: {order.reject_reason}", facts)

    def _protection_ended(self, order: Order, position: Position) -> None:
        """On the way out the stop is not missed, nor beside another one; any other end of it is a loss."""
        others = (
            o
            for o in self._ledger.order_index.of_position(position.id)
            if o.purpose is Purpose.PROTECT and o is not order
        )
        if position.state is PositionState.CLOSING or position.quantity == 0 or any(not o.is_done for o in others):
            return
        if expiry.has_expired(self._ctx, position.contract):
            return  # a stop of the day ends with its contract
        self._journal.take(
            Step(
                position,
                PositionTrigger.PROTECTION_LOST,
                order.reject_reason or "the stop is gone from the broker",
                {"order_ref": order.order_ref, "state": order.state.value, "policy": policy_of(order).value},
                PositionChange(protected_at=None),
                actor="broker",
            )
        )
        if order.was_not_taken and self._times(order) > order.attempts + 1:
            return  # told with the first of them
        self._journal.alert(
            "PROTECTION_LOST",
            f"{position.contract} has no stop: {order.reject_reason or order.state}",
            {"position_id": position.id},
        )
