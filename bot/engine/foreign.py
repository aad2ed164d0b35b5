"""What somebody else does: other orders and executions are shown and never managed; where they touch a contract of
ours, entries on its symbol stop for the day.

The halt is not stored by itself: it is derived from what is (foreign executions and positions that went elsewhere),
so a restart finds it again.
"""

from __future__ import annotations

from datetime import date

from bot.domain.calendar import new_york_day
from bot.domain.contracts import parse_osi
from bot.domain.events import BrokerOrderStatus, BrokerOrderView
from bot.domain.ids import is_ours
from bot.domain.order import Execution
from bot.domain.position import CloseReason, Position
from bot.engine.journal import Journal
from bot.engine.ledger import Ledger

_LIVE = frozenset({BrokerOrderStatus.PENDING, BrokerOrderStatus.WORKING})


def halt_symbol(journal: Journal, symbol: str, reason: str) -> None:
    """Stop entries on a symbol for the rest of the day and say so, once."""
    if symbol in journal.ledger.halted_symbols:
        return
    journal.ledger.halted_symbols[symbol] = reason
    words = f"entries on {symbol} are halted for the day: {reason}"
    journal.alert("SYMBOL_HALTED", "critical", words, {"symbol": symbol, "reason": reason})


def executed(journal: Journal, execution: Execution) -> None:
    """Somebody else's execution: where the contract is one of ours, its symbol is halted."""
    symbol = _symbol_of_ours(journal.ledger, execution.contract_key)
    if symbol is not None:
        halt_symbol(journal, symbol, _words(execution))


def order_seen(journal: Journal, view: BrokerOrderView) -> None:
    """Somebody else's order that is live on a contract of ours."""
    symbol = _symbol_of_ours(journal.ledger, view.contract_key) if view.status in _LIVE else None
    if symbol is not None:
        words = f"order {view.perm_id} of somebody else ({view.side} {view.quantity}) is live on a contract of ours"
        halt_symbol(journal, symbol, words)


def position_gone(journal: Journal, position: Position) -> None:
    """Contracts of ours that somebody else sold."""
    halt_symbol(journal, position.contract.symbol, f"{position.contract} was changed by somebody else")


def recall(ledger: Ledger, bot_id: str, today: date) -> None:
    """Derive today's halts from what the store remembers."""
    for execution in ledger.executions.values():
        if is_ours(bot_id, execution.order_ref) or new_york_day(execution.executed_at) != today:
            continue
        symbol = _symbol_of_ours(ledger, execution.contract_key)
        if symbol is not None and ledger.find_order(execution.order_ref, execution.perm_id) is None:
            ledger.halted_symbols.setdefault(symbol, _words(execution))
    for position in ledger.closed.values():
        gone = position.close_reason is CloseReason.EXTERNALLY_CLOSED
        if gone and position.closed_at is not None and new_york_day(position.closed_at) == today:
            words = f"{position.contract} was changed by somebody else"
            ledger.halted_symbols.setdefault(position.contract.symbol, words)


def _symbol_of_ours(ledger: Ledger, key: str) -> str | None:
    if not ledger.has_traded(key):
        return None
    try:
        return parse_osi(key).symbol
    except ValueError:
        return None


def _words(execution: Execution) -> str:
    what = f"{execution.side} {execution.quantity} {execution.contract_key.strip()} at {execution.price}"
    return f"execution {execution.exec_id} ({what}) is not ours"
