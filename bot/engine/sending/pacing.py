"""Order messages leave by class: cancels, then exits and their changes, then entries, and not more than the wire takes.

TWS takes 50 messages a second from a client; the library holds back what is over 45 in the order it came, so a burst of
entries could stand before a stop. Here the wait is put where it costs least: what protects or ends a position never
waits, an entry waits for a token and is given up when it waited too long for its price to be worth anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from bot.domain.instructions import AmendOrder, CancelOrder, Instruction, SubmitOrder
from bot.domain.order import OrderSide

ORDERS_PER_SECOND: Final = 45.0
ENTRY_WAITS_S: Final = 2.0
_ENTRY, _QUESTION = 2, 3
_RANK: Final = {CancelOrder: 0, AmendOrder: 1, SubmitOrder: 1}
"""Of what is no entry; everything else is a question."""


def by_class(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Return a tick's instructions in the order in which they leave; equals keep theirs."""
    return sorted(instructions, key=_rank)


def is_entry(instruction: Instruction) -> bool:
    """Say whether a instruction buys: the bot buys to enter and for nothing else."""
    return isinstance(instruction, SubmitOrder | AmendOrder) and instruction.ticket.side is OrderSide.BUY


def _rank(instruction: Instruction) -> int:
    return _ENTRY if is_entry(instruction) else _RANK.get(type(instruction), _QUESTION)


class TokenBucket:
    """A token bucket over order messages, in wall seconds. Only entries wait for it; the others take what they need,
    into debt, so that entries wait the longer."""

    def __init__(self, rate: float = ORDERS_PER_SECOND) -> None:
        self._rate = rate
        self._tokens = rate
        self._at: float | None = None
        self.waiting: deque[tuple[float, SubmitOrder | AmendOrder]] = deque()

    def spend(self, now: float) -> None:
        """Count a message that leaves whatever the bucket says."""
        self._refill(now)
        self._tokens -= 1

    def hold(self, now: float, instruction: SubmitOrder | AmendOrder) -> None:
        self.waiting.append((now, instruction))

    def ready(self, now: float) -> SubmitOrder | AmendOrder | None:
        """Return the next entry that may leave now, its token spent; None when none may."""
        self._refill(now)
        if not self.waiting or self._tokens < 1:
            return None
        self._tokens -= 1
        return self.waiting.popleft()[1]

    def give_up(self, order_ref: str) -> list[SubmitOrder | AmendOrder]:
        """Take out and return what waits for one order: new terms after a cancel would be a new order."""
        gone = [instruction for _, instruction in self.waiting if instruction.ticket.order_ref == order_ref]
        if gone:
            self.waiting = deque(each for each in self.waiting if each[1].ticket.order_ref != order_ref)
        return gone

    def expired(self, now: float) -> SubmitOrder | AmendOrder | None:
        """Return an entry that waited too long."""
        if self.waiting and now - self.waiting[0][0] > ENTRY_WAITS_S:
            return self.waiting.popleft()[1]
        return None

    def _refill(self, now: float) -> None:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._tokens = min(self._rate, self._tokens + passed * self._rate)
