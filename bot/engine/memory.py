"""What the engine knows while it runs: the ledger, the board and the journal of this tick; how they come from the store
and how they reach it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.analytics.portfolio import PremiumPaid
from bot.domain.instructions import Instruction
from bot.domain.order import OrderState, OrderTrigger
from bot.domain.position import Position, PositionChange
from bot.engine.state.board import Board
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.ports import Broker, Clock, Store
from bot.engine.state.records import TickBatch
from bot.engine.state.steps import Step
from bot.engine.trade import coverage

_IDS_SKIPPED: Final = 1000  # more than can go out between two commits, what-if questions included


class Memory:
    """Never ahead of the disk for longer than a tick: what could not be committed is thrown away by `load`.

    `on_commit` is told of every batch that reached the disk.
    """

    ledger: Ledger
    journal: Journal

    def __init__(self, store: Store, broker: Broker, clock: Clock, on_commit: Callable[[TickBatch], None]) -> None:
        self.board = Board()
        self.board.who_holds = self._held
        self.speak: Callable[[Journal], None] = lambda journal: None  # says what a batch is about to record
        self.tick_number = 0
        self._store, self._broker, self._clock, self._on_commit = store, broker, clock, on_commit

    async def load(self) -> None:
        """Read everything from the store anew; what the journal held is gone."""
        loaded = await self._store.load()
        self.ledger = Ledger(loaded)
        self.tick_number = max(self.tick_number, loaded.tick)
        self.journal = Journal(self.ledger, self.tick_number, self._clock.now())
        self.board.remember(loaded.instruments)
        for position in loaded.entities.of(Position).values():
            self.ledger.change(position, PositionChange(contract=self.board.settling(position.contract)))
        self._broker.remember(loaded.instruments)
        self._broker.reserve_order_ids(self.ledger.highest_order_id + 1 + self._ids_untold())
        self.journal.touched |= set(self.ledger.positions)

    def _held(self) -> tuple[Sequence[PremiumPaid], Decimal | None]:
        """Return what is held as measures see it, in the order of the ledger, and the account's equity."""
        held = [_paid(position) for position in self.ledger.positions.values() if position.quantity > 0]
        return held, self.ledger.account.equity

    def _ids_untold(self) -> int:
        """Return how many ids to skip: an order that has none on record may have gone out under one just before the
        end, and after a gateway's reset the broker's next id does not cover that. TWS takes a known id for a change.
        """
        return _IDS_SKIPPED if any(order.order_id is None for order in self.ledger.order_index.open.values()) else 0

    def begin(self, now: datetime) -> None:
        """Date what is written from here on."""
        self.journal.now = now
        self.journal.batch.recorded_at = now

    @property
    def head_hash(self) -> str:
        """The hash of the history's newest row on disk."""
        return self._store.head_hash

    async def commit(self) -> Sequence[Instruction]:
        """Write the journal in one transaction and return the instructions that may leave now."""
        journal = self.journal
        coverage.measure(journal)
        self.speak(journal)
        if not journal.batch.is_empty:
            await self._store.commit(journal.batch)
            self._on_commit(journal.batch)
        self.ledger.account.committed()
        self.drop_journal()
        self.journal.touched = journal.touched
        return journal.instructions

    def drop_journal(self) -> None:
        """Begin an empty journal; nothing that the present one holds is written."""
        self.journal = Journal(self.ledger, self.tick_number, self._clock.now())

    def doubt_intents(self) -> None:
        """An intent that a crash left behind may have been sent: only evidence says."""
        for order in list(self.ledger.order_index.open.values()):
            if order.state is OrderState.INTENT:
                words = "the program ended between commit and send, or after"
                self.journal.take(Step(order, OrderTrigger.LOSE_SIGHT, words))


def _paid(position: Position) -> PremiumPaid:
    shares = position.quantity * position.contract.multiplier
    stop = position.stop_price if position.stop_price is not None else Decimal(0)
    return PremiumPaid(position.contract.symbol, position.entry_price * shares, stop * shares)
