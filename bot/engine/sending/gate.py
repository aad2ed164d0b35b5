"""The one order gate: every order and every amendment passes here on its way out, after the commit, before the socket.

Context: an entry is decided in one tick, from what was known then; a halt, a pause or a breaker may come in the same
tick, after the decision, or while the order waits for the wire. Decision: what may keep an entry from leaving is asked
once more, here and in no other place; the kill switch is looked for here alone, and the tick hears of it from here.
Consequence: a refused entry is an order that was not sent, on record with the reason. Sales are never asked about:
whatever is wrong, getting out is allowed.

The kill switch has two forms, both honoured: the file, which needs nothing of the bot, and the halt in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.domain.connection import Permission
from bot.domain.instruments import symbol_of_key
from bot.domain.order import Order, OrderSide, OrderTicket, Terms
from bot.domain.session import SessionState
from bot.engine.state.ledger import Ledger
from bot.engine.trade.calling_off import why_called_off


class Gate:
    """Asked by the dispatcher. `ledger` gives the present one: it is read anew after a failed commit.

    `kill_switch_file`: while it exists no entry passes; empty: there is none.
    """

    def __init__(self, ledger: Callable[[], Ledger], kill_switch_file: str = "") -> None:
        self._ledger = ledger
        self._kill_switch = Path(kill_switch_file) if kill_switch_file else None

    def refusal(self, ticket: OrderTicket) -> str | None:
        """Return why this order may not leave, None when it may. The bot buys to enter and for nothing else."""
        if ticket.side is not OrderSide.BUY:
            return None
        reasons = self.reasons(ticket)
        return f"the gate is closed for entries: {'; '.join(reasons)}" if reasons else None

    def amendment_refusal(self, ticket: OrderTicket) -> str | None:
        """Return why new terms may not leave. An entry that would buy more or pay more is asked about as a new one is;
        one that asks for less passes."""
        order = self._ledger().order_index.by_ref.get(ticket.order_ref)
        if order is not None and not _asks_for_more(order.terms, ticket.terms):
            return None
        return self.refusal(ticket)

    def reasons(self, ticket: OrderTicket | None = None) -> tuple[str, ...]:
        """Return everything that keeps entries in right now, and this one where one is named."""
        ledger = self._ledger()
        found = []
        if ledger.session.state is not SessionState.ACTIVE:
            found.append(f"the session is {ledger.session.state}")
        if not ledger.connection.allows(Permission.ENTER):
            found.append(f"the connection is {ledger.connection.state}")
        found += ledger.entering.blocks
        if switch := self.kill_switch():
            found.append(switch)
        if ticket is not None:
            found += _against(ledger, ticket)
        return tuple(found)

    def kill_switch(self) -> str:
        """Return in words that the kill switch is there, empty when it is not. One that cannot be looked at counts."""
        if self._kill_switch is None:
            return ""
        try:
            return f"the kill switch {self._kill_switch} is there" if self._kill_switch.exists() else ""
        except OSError as error:
            return f"the kill switch {self._kill_switch} cannot be looked at: {error.strerror}"


def _against(ledger: Ledger, ticket: OrderTicket) -> list[str]:
    """Return what keeps this one order in."""
    order: Order | None = ledger.order_index.by_ref.get(ticket.order_ref)
    called_off = why_called_off(order) if order is not None else None
    kept = ledger.entering.kept_off(symbol_of_key(ticket.contract_key))
    return [words for words in (called_off, kept.words if kept else None) if words]


def _asks_for_more(now: Terms, wanted: Terms) -> bool:
    if wanted.quantity > now.quantity:
        return True
    if wanted.limit_price is None or now.limit_price is None:
        return wanted.limit_price != now.limit_price
    return wanted.limit_price > now.limit_price
