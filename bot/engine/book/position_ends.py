"""How a position ends by its executions: nothing of it is left, or less than nothing."""

from __future__ import annotations

from bot.domain.position import CloseReason, Position, PositionChange, PositionTrigger
from bot.domain.wording import dollars
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step


def tell_if_short(journal: Journal, position: Position) -> None:
    if position.quantity < 0:
        text = f"{position.contract}: {-position.quantity} more were sold than were held"
        journal.alert("OVERSOLD", text, {"position_id": position.id})


def close_flat(journal: Journal, position: Position) -> None:
    """Close a position of which nothing is left."""
    reason = position.close_reason or CloseReason.TARGET
    journal.take(
        Step(
            position,
            PositionTrigger.CLOSE,
            f"flat: {reason.value}, realized {dollars(position.realized_pnl, plus=True)}",
            {
                "realized_pnl": position.realized_pnl,
                "entry_price": position.entry_price,
                "sold": position.exit_quantity,
            },
            PositionChange(closed_at=journal.now, close_reason=reason),
            actor="broker",
        )
    )
