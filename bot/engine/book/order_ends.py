"""What follows from an order's end for its position: a stop that is gone is protection lost, an exit that is gone is
tried again."""

from __future__ import annotations

from bot.domain.commands import AskSnapshot
from bot.domain.order import Order, Purpose
from bot.domain.position import Position, PositionState, PositionTrigger
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step
from bot.engine.trade.refusals import Policy, policy_of


class OrderEnds:
    """Draws the consequences through a journal; the order itself is over already."""

    def __init__(self, ctx: Context, journal: Journal) -> None:
        self._ctx, self._ledger, self._journal = ctx, ctx.ledger, journal

    def rejected(self, order: Order) -> None:
        """The broker refused it, or it never left: told, then as any end."""
        severity = "warning" if order.purpose is Purpose.ENTRY else "critical"
        self._journal.alert(
            "ORDER_REJECTED",
            severity,
            f"{order.purpose} order for {order.contract_key.strip()} was refused: {order.reject_reason}",
            {"order_ref": order.order_ref, "code": order.reject_code},
        )
        if policy_of(order) is Policy.WAIT:
            self._journal.commands.append(AskSnapshot(f"{order.order_ref} was refused beside another order"))
        self.ended(order)

    def ended(self, order: Order, *, asked: bool = False) -> None:
        """Draw the consequences of an order's end for its position; `asked`: we took it back ourselves."""
        position = self._ledger.positions.get(order.position_id or "")
        if position is None or asked or position.state is PositionState.CLOSED:
            return
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
                    {"exit_attempts": position.exit_attempts + 1},
                    actor="broker",
                )
            )

    def _protection_ended(self, order: Order, position: Position) -> None:
        """On the way out the stop is not missed, nor beside another one; any other end of it is a loss."""
        others = (o for o in self._ledger.orders_of(position.id) if o.purpose is Purpose.PROTECT and o is not order)
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
                {"protected_at": None},
                actor="broker",
            )
        )
        self._journal.alert(
            "PROTECTION_LOST",
            "critical",
            f"{position.contract} has no stop: {order.reject_reason or order.state}",
            {"position_id": position.id},
        )
