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
from bot.domain.order_tag import OrderTag, Why
from bot.domain.signal import SignalState
from bot.engine.state.journal import Journal

FLATTENED: Final = str(OrderTag(Why.FLATTENED))
CALLED_OFF: Final = str(OrderTag(Why.CALLED_OFF))


def breaker_tag(name: str) -> str:
    return str(OrderTag(Why.BREAKER, name))


def why_called_off(order: Order) -> str | None:
    """Return in words why an entry order is to be taken back for good, None when it is not."""
    tag = OrderTag.of(order.tag)
    if not tag.is_called_off:
        return None
    return f"circuit breaker {tag.detail} tripped" if tag.why is Why.BREAKER else "a person called every entry off"


def call_off(journal: Journal, tag: str) -> list[Order]:
    """Mark every live entry order and return those that are marked; what is to be sold when it fills, stays so.

    The latest order of a signal that is bought in chunks is marked too, though it is done: no chunk follows it.
    """
    chosen = [o for o in journal.ledger.order_index.open.values() if o.purpose is Purpose.ENTRY]
    working = (s.id for s in journal.ledger.signals.values() if s.state is SignalState.WORKING)
    between = [
        orders[-1] for i in working if (orders := journal.ledger.order_index.entries_of(i)) and orders[-1].is_done
    ]
    for order in (*chosen, *between):
        if order.tag != FLATTENED:
            journal.change(order, OrderChange(tag=tag))
    return chosen
