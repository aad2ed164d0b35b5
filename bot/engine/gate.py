"""The one order gate: every order passes here on its way out, after the commit and before the socket.

Context: an entry is decided in one tick, from what was known then; a halt, a pause or a breaker may come in the same
tick, after the decision. Decision: what may keep an entry from leaving is asked once more, here and in no other place;
the kill switch is asked here alone. Consequence: a refused entry is an order that was not sent, on record with the
reason. Sales are never asked about: whatever is wrong, getting out is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.domain.connection import Permission
from bot.domain.order import OrderSide, OrderTicket
from bot.domain.session import SessionState
from bot.engine.ledger import Ledger


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
        reasons = self.reasons()
        return f"the gate is closed for entries: {'; '.join(reasons)}" if reasons else None

    def reasons(self) -> tuple[str, ...]:
        """Return everything that keeps entries in right now."""
        ledger = self._ledger()
        found = []
        if ledger.session.state is not SessionState.ACTIVE:
            found.append(f"the session is {ledger.session.state}")
        if not ledger.connection.allows(Permission.ENTER):
            found.append(f"the connection is {ledger.connection.state}")
        found += ledger.entry_blocks
        if self._kill_switch is not None and self._kill_switch.exists():
            found.append(f"the kill switch {self._kill_switch} is there")
        return tuple(found)
