"""Executions of no order of ours, and what follows from them for what we hold."""

from __future__ import annotations

from bot.domain.ids import is_ours
from bot.domain.instructions import AskSnapshot
from bot.domain.order import Execution, OrderSide
from bot.domain.wording import key_words
from bot.engine.book import foreign, sold_elsewhere
from bot.engine.settlement.settler import is_book_entry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal


def take_in(ctx: Context, journal: Journal, execution: Execution, known: Execution | None) -> None:
    """An execution of no order of ours; it may tell what contracts brought that are gone."""
    journal.ledger.foreign.executions.add(execution.base_id)
    paid = journal.ledger.fills.commissions.get(execution.exec_id)
    if paid is not None:
        journal.ledger.fills.charged[execution.base_id] = paid
    tell_of(ctx, journal, execution, known)
    sold_elsewhere.recount(journal, execution.contract_key)


def tell_of(ctx: Context, journal: Journal, execution: Execution, known: Execution | None = None) -> None:
    """Write an execution that changes nothing of ours, say so, and have the book tell what it means."""
    journal.executed(execution, None, None, known.exec_id if known is not None else None)
    if is_book_entry(execution):
        words = f"the broker wrote off {execution.quantity} {key_words(execution.contract_key)} at its expiry"
        journal.alert("EXPIRY_BOOKED", words, {"exec_id": execution.exec_id})
        journal.instructions.append(AskSnapshot(f"expiry booked as {execution.exec_id}"))
        return
    journal.alert(
        "FOREIGN_EXECUTION",
        f"{execution} is not ours",
        {"exec_id": execution.exec_id, "ref": execution.order_ref},
    )
    journal.instructions.append(AskSnapshot(f"foreign execution {execution.exec_id}"))
    if execution.side is OrderSide.SELL and journal.ledger.position_index.by_key.get(execution.contract_key):
        journal.ledger.proof.doubt({execution.contract_key})  # until the book says how many are left
    copied = journal.ledger.order_index.find(execution.order_ref, execution.perm_id) is not None
    if copied or not is_ours(ctx.settings.bot_id, execution.order_ref):
        foreign.executed(journal, execution)
