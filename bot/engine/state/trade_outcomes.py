"""What each strategy's latest closed trades came to: kept longer than the positions themselves, to judge it by.

Context: a position that is over is forgotten after a few days, and a strategy is judged by its last twenty trades,
which may take months. Decision: of each strategy the latest MOST_OUTCOMES are kept as what they came to; a start reads
the same from the store. Consequence: a late commission, a correction or a settlement changes it with the position.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from datetime import datetime

from bot.config.degradation import MOST_OUTCOMES
from bot.domain.position import Position
from bot.risk.degradation import TradeOutcome, outcome_of


class TradeOutcomes:
    """Written by the ledger alone. `moved` counts what changed: the same number, the same outcomes."""

    def __init__(self, loaded: Iterable[TradeOutcome], closed: Iterable[Position]) -> None:
        self.moved = 0
        self._known: dict[str, TradeOutcome] = {}
        self._of: dict[str, list[TradeOutcome]] = {}
        for outcome in loaded:
            self._take(outcome)
        for position in closed:
            self.over(position)

    def over(self, position: Position) -> None:
        """Take in a position that is over, or what has changed of it since."""
        found, known = outcome_of(position), self._known.get(position.id)
        if found == known and (found is None or known is None or found.pnl == known.pnl):
            return
        self._drop(position.id)
        if found is not None:
            self._take(found)

    def begin_anew(self, open_ids: Collection[str], closed: Iterable[Position]) -> None:
        """Follow what was taken back: a position that is open again has come to nothing yet."""
        for gone in self._known.keys() & set(open_ids):
            self._drop(gone)
        for position in closed:
            self.over(position)

    def strategies(self) -> Iterable[str]:
        """Return the strategies that have closed trades, by name."""
        return sorted(self._of)

    def of(self, strategy: str, since: datetime | None = None) -> list[TradeOutcome]:
        """Return a strategy's outcomes, oldest first; `since`: only those that closed later."""
        found = self._of.get(strategy, ())
        return [each for each in found if since is None or each.closed_at > since]

    def _take(self, outcome: TradeOutcome) -> None:
        own = self._of.setdefault(outcome.strategy, [])
        insort(own, outcome)
        self._known[outcome.id] = outcome
        self.moved += 1
        if len(own) > MOST_OUTCOMES:
            del self._known[own.pop(0).id]

    def _drop(self, position_id: str) -> None:
        known = self._known.pop(position_id, None)
        if known is not None:
            self._of[known.strategy].remove(known)
            self.moved += 1
