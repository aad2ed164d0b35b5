"""Where a signal is found, also one that is over: its fill may come late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from bot.domain.calendar import new_york_day
from bot.domain.signal import SIGNAL, Signal
from bot.engine.state.undo import NotedDict, Undo


class SignalIndex:
    """Kept true by the ledger with every change. `over`: signals that came to their end; `last_at`: (strategy, symbol)
    -> when the last one was proposed, for cool-downs."""

    def __init__(
        self, alive: dict[str, Signal], over: dict[str, Signal], last_at: dict[tuple[str, str], datetime], undo: Undo
    ) -> None:
        self._undo, self._alive, self.over, self.last_at = undo, alive, over, last_at

    def add(self, signal: Signal) -> None:
        self._alive[signal.id] = signal
        self.last_at[signal.strategy, signal.symbol] = signal.created_at

    def retire(self, signal: Signal) -> None:
        """Take note of its end, where it has come to one."""
        if signal.state in SIGNAL.terminal:
            self._alive.pop(signal.id, None)
            self.over[signal.id] = signal

    def keep_since(self, day: date, tied: Collection[str | None]) -> None:
        """Forget what ended before a day of New York's, but for signals that an order is tied to."""
        self.over = NotedDict(
            self._undo,
            (
                (i, signal)
                for i, signal in self.over.items()
                if i in tied or (signal.closed_at is not None and new_york_day(signal.closed_at) >= day)
            ),
        )

    def of(self, signal_id: str | None) -> Signal | None:
        """Return a signal, also one that is over."""
        return self._alive.get(signal_id or "") or self.over.get(signal_id or "")
