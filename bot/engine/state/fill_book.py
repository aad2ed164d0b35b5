"""The executions that count, and what was charged for them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from bot.domain.order import Execution, base_of
from bot.engine.state.records import LoadedState
from bot.engine.state.undo import NotedDict, Undo


class FillBook:
    """Written by the tick only. `executions`: base of the execId -> the revision that counts; `commissions`: execId ->
    dollars; `charged`: base -> dollars that its position was charged; `earliest`: base of a corrected one -> revision
    and contracts of its earliest revision."""

    def __init__(self, loaded: LoadedState, undo: Undo) -> None:
        self._undo = undo
        self.executions: dict[str, Execution] = NotedDict(undo, loaded.executions)
        self.commissions: dict[str, Decimal] = NotedDict(undo, loaded.commissions)
        self.charged: dict[str, Decimal] = NotedDict(undo)
        self.earliest: dict[str, tuple[int, int]] = NotedDict(undo, loaded.earliest)
        self._by_time: list[tuple[datetime, str]] = []
        self._sort_anew()
        for exec_id in sorted(self.commissions):
            if base_of(exec_id) in self.executions:
                self.charged[base_of(exec_id)] = self.commissions[exec_id]

    def count(self, execution: Execution) -> None:
        """Have an execution count, in place of the revision of it that did so far."""
        self._undo.note(self._sort_anew)  # noted first, so done last, when the executions are those of before
        base, known = execution.base_id, self.executions.get(execution.base_id)
        if known is not None:
            del self._by_time[bisect_left(self._by_time, (known.executed_at, base))]
        self.executions[base] = execution
        insort(self._by_time, (execution.executed_at, base))

    def between(self, begin: datetime, end: datetime) -> list[Execution]:
        """Return the executions after `begin` and up to `end`, the oldest first."""
        first, last = (bisect_right(self._by_time, moment, key=itemgetter(0)) for moment in (begin, end))
        return [self.executions[base] for _, base in self._by_time[first:last]]

    def _sort_anew(self) -> None:
        self._by_time = sorted((each.executed_at, base) for base, each in self.executions.items())

    def learn_earlier(self, first: Execution, present: Execution) -> int | None:
        """Take note of an earlier revision of a fill that is heard of after a later one; returns how many contracts
        less the present one has, None where it is no news."""
        revision, quantity = self.earliest.get(first.base_id, (present.revision, present.quantity))
        if first.revision >= revision:
            return None
        self.earliest[first.base_id] = (first.revision, first.quantity)
        return first.quantity - quantity

    def taken_away(self) -> dict[str, int]:
        """Return by base how many contracts corrections have taken from an execution."""
        known = self.executions
        return {base: n - known[base].quantity if base in known else 0 for base, (_, n) in self.earliest.items()}

    def keep(self, since: datetime, is_ours: Callable[[Execution], bool]) -> None:
        """Forget what is older and of no order that is remembered. A commission that has no execution by the end of its
        day is somebody else's."""
        kept = {
            base: execution
            for base, execution in self.executions.items()
            if execution.executed_at >= since or is_ours(execution)
        }
        self.executions = NotedDict(self._undo, kept)
        self._sort_anew()
        self.commissions = NotedDict(self._undo, {i: n for i, n in self.commissions.items() if base_of(i) in kept})
        self.charged = NotedDict(self._undo, {base: n for base, n in self.charged.items() if base in kept})
        self.earliest = NotedDict(self._undo, {base: first for base, first in self.earliest.items() if base in kept})
