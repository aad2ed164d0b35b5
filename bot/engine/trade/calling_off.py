"""Entries called off: a mark on every live entry order; the tick takes it back as soon as the broker can be asked.

Context: people and circuit breakers call entries off at moments when the broker may be out of reach or the order not
acknowledged yet, and a cause may be over before it can be acted on. Decision: the order itself is marked when the cause
begins, in the store. Consequence: no restart, no lost connection and no quick end of the cause lets it go on; the gate
refuses a marked order that was not sent yet.

| tag | marked by | what it still buys |
|---|---|---|
| entry:flattened | flatten, emergency | is sold at once |
| entry:called_off | cancel-all | is protected |
| entry:breaker:NAME | the trip of a circuit breaker | is protected |
"""

from __future__ import annotations

from typing import Final

from bot.domain.order import Order, OrderChange, Purpose
from bot.domain.signal import SignalState
from bot.engine.state.journal import Journal

FLATTENED: Final = "entry:flattened"
CALLED_OFF: Final = "entry:called_off"
_BREAKER: Final = "entry:breaker:"


def breaker_tag(name: str) -> str:
    return f"{_BREAKER}{name}"


def why_called_off(order: Order) -> str | None:
    """Return in words why an entry order is to be taken back for good, None when it is not."""
    if order.tag in {FLATTENED, CALLED_OFF}:
        return "a person called every entry off"
    if order.tag.startswith(_BREAKER):
        return f"circuit breaker {order.tag.removeprefix(_BREAKER)} tripped"
    return None


def call_off(journal: Journal, tag: str) -> list[Order]:
    """Mark every live entry order and return those that are marked; what is to be sold when it fills, stays so.

    The latest order of a signal that is bought in chunks is marked too, though it is done: no chunk follows it.
    """
    chosen = [o for o in journal.ledger.open_orders.values() if o.purpose is Purpose.ENTRY]
    working = (s.id for s in journal.ledger.signals.values() if s.state is SignalState.WORKING)
    between = [orders[-1] for i in working if (orders := journal.ledger.entries_of(i)) and orders[-1].is_done]
    for order in (*chosen, *between):
        if order.tag != FLATTENED:
            journal.change(order, OrderChange(tag=tag))
    return chosen
