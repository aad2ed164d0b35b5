"""A store that cannot be used: since when, why, when it is asked again, and what is done meanwhile.

While it lasts no tick runs, so nothing is decided and nothing is bought or sold; facts wait in the inbox and protective
stops rest at the broker. One thing leaves all the same: the entries that still work are taken back, as every halt takes
them back, for what one of them bought now would have no stop until the store is there again. A cancel needs no record
of its own: it doubles nothing, and its answer is a fact like any other. It ends with the session halted, for a person
should look before entries go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.domain.errors import StoreUnusable
from bot.domain.events.people import RequestReceived
from bot.domain.instructions import CancelOrder
from bot.domain.order import LIVE, Order, OrderState, Purpose
from bot.domain.position import OPEN
from bot.domain.wording import key_words
from bot.engine.state.ledger import Ledger

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
_GOING: Final = LIVE - {OrderState.CANCELLING}


@dataclass
class Outage:
    """One outage; times are wall seconds of the clock's `monotonic`."""

    error: StoreUnusable
    since: float
    attempts: int = 0
    taken_back: set[str] = field(default_factory=set)  # references of entries whose cancel was sent
    heard: set[str] = field(default_factory=set)  # ids of commands that were told of

    def __post_init__(self) -> None:
        self.next_at = self.since + FIRST_WAIT_S

    def again(self, error: StoreUnusable, now: float) -> None:
        """Another attempt failed: wait twice as long as before, up to the longest wait."""
        self.error = error
        self.attempts += 1
        self.next_at = now + min(FIRST_WAIT_S * 2**self.attempts, LONGEST_WAIT_S)

    def lasted_s(self, now: float) -> float:
        return now - self.since

    def take_entries_back(self, ledger: Ledger, cancel: Callable[[CancelOrder], bool]) -> int:
        """Ask the broker, once each, to cancel every entry that may still buy; return how many cancels left now.
        `cancel` says whether its message left; one that did not is tried again."""
        asked = 0
        for order in ledger.order_index.open.values():
            if order.order_id is None or not _may_buy(order) or order.order_ref in self.taken_back:
                continue
            if cancel(CancelOrder(order.order_ref, order.order_id)):
                self.taken_back.add(order.order_ref)
                asked += 1
        return asked

    def answers(self, ledger: Ledger, commands: Iterable[RequestReceived]) -> list[str]:
        """Say to each command that comes meanwhile, once, that it waits and what is left: its row cannot be
        written."""
        news = [command for command in commands if command.id not in self.heard]
        self.heard |= {command.id for command in news}
        return [f"{each.kind} asked by {each.actor}: it waits for the store{left(ledger)}" for each in news]


def left(ledger: Ledger) -> str:
    """Say what is held and how it is covered, and which entries may still buy."""
    words = []
    for position in ledger.positions.values():
        if position.state in OPEN and position.quantity:
            stops = sum(
                o.can_fill for o in ledger.order_index.of_position(position.id) if o.purpose is not Purpose.ENTRY
            )
            words.append(f"{position.quantity} x {position.contract} with orders to sell {stops} at the broker")
    words += [
        f"entry {o.order_ref} for {o.remaining} x {key_words(o.contract_key)}, its cancel sent or to be sent"
        for o in ledger.order_index.open.values()
        if _may_buy(o)
    ]
    return f"; left: {', '.join(words) or 'nothing is held and no entry works'}"


def _may_buy(order: Order) -> bool:
    return order.purpose is Purpose.ENTRY and order.state in _GOING
