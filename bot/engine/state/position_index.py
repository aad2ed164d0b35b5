"""Where an open position is found: by its contract, and by what happened to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from bot.domain.position import CloseReason, Position
from bot.engine.state.undo import NotedDict, Undo


class PositionIndex:
    """Kept true by the ledger with every change. `by_key`: contract -> ids of the open positions in it; `moved`: ids of
    positions that changed, or an order of which did, since a tick went round last; `too_large`: id -> since when its
    stop would sell more than is held."""

    def __init__(self, positions: Mapping[str, Position], undo: Undo) -> None:
        self._open = positions
        self.by_key: dict[str, set[str]] = defaultdict(set)
        self.moved: set[str] = set()
        self.too_large: dict[str, datetime] = NotedDict(undo)
        self.begin_anew()

    # ---- told by the ledger

    def begin_anew(self) -> None:
        """Index what is open; contracts in which nothing is held any more are forgotten."""
        self.by_key.clear()
        for position in self._open.values():
            self.by_key[position.key].add(position.id)

    def add(self, position: Position) -> None:
        self.by_key[position.key].add(position.id)
        self.moved.add(position.id)

    def retire(self, position: Position) -> None:
        """It is open no more."""
        self.too_large.pop(position.id, None)
        self.by_key[position.key].discard(position.id)
        self.moved.add(position.id)

    # ---- asked

    def of(self, key: str) -> list[Position]:
        """Return the open positions in a contract, the oldest first."""
        return [self._open[i] for i in sorted(self.by_key.get(key, ()))]

    def held_on(self, key: str) -> int:
        """Return how many contracts our own executions leave us with."""
        return sum(position.quantity for position in self.of(key))

    def among(self, ids: Collection[str] | None) -> Iterable[Position]:
        """Return the open positions of these ids in the order of their birth, all of them for None."""
        if ids is None:
            return list(self._open.values())
        return [position for position in self._open.values() if position.id in ids] if ids else ()

    @property
    def awaiting_settlement(self) -> list[Position]:
        """Return what was held through its expiry and is still in the broker's book."""
        return [p for p in self._open.values() if p.close_reason is CloseReason.AWAITING_SETTLEMENT]
