"""Domain objects to rows and back. A row is a dict of stored forms; the order of its keys is the order of the columns
written.
"""

from __future__ import annotations

from bot.store.rows.running import (
    adoption_of,
    adoption_row,
    breaker_of,
    breaker_row,
    connection_of,
    connection_row,
    session_of,
    session_row,
    symbol_halt_of,
    symbol_halt_row,
)
from bot.store.rows.trading import (
    approval_of,
    approval_row,
    contract_columns,
    contract_of,
    execution_of,
    execution_row,
    grid_of,
    grid_text,
    named_of,
    named_text,
    order_of,
    order_row,
    plan_of,
    plan_text,
    position_of,
    position_row,
    signal_of,
    signal_row,
)

__all__ = [
    "adoption_of",
    "adoption_row",
    "approval_of",
    "approval_row",
    "breaker_of",
    "breaker_row",
    "connection_of",
    "connection_row",
    "contract_columns",
    "contract_of",
    "execution_of",
    "execution_row",
    "grid_of",
    "grid_text",
    "named_of",
    "named_text",
    "order_of",
    "order_row",
    "plan_of",
    "plan_text",
    "position_of",
    "position_row",
    "session_of",
    "session_row",
    "signal_of",
    "signal_row",
    "symbol_halt_of",
    "symbol_halt_row",
]
