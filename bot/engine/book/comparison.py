"""One comparison of our book with the broker's: what all of its parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from bot.domain.position import Position
from bot.engine.state.context import Context
from bot.engine.state.fact_faults import FactFaults
from bot.engine.state.fact_name import FactName
from bot.engine.state.journal import Journal
from bot.engine.state.records import ReconcileLine

_IN_VAIN: Final = "could not be applied, told once"


@dataclass
class Absences:
    """What complete snapshots lacked or counted otherwise than we do, and since when; memory between two polls."""

    since: dict[str, datetime] = field(default_factory=dict)  # order_ref -> first absent
    differences: dict[str, tuple[int, datetime]] = field(
        default_factory=dict
    )  # contract -> (theirs - ours, first seen)

    parts_missing: str = ""  # of the last snapshot, as it was told
    stray_commissions: dict[str, datetime | None] = field(default_factory=dict)  # execId -> first seen, None once told
    confirm_at: datetime | None = None  # when the next look can confirm a difference
    lost_live: frozenset[str] = frozenset()  # contracts on which lost orders were still on their way out

    @property
    def in_doubt(self) -> bool:
        """Whether a first look found something that a second one has to confirm."""
        return bool(self.since or self.differences or self.lost_live)


class BookComparison:
    """One look at a book, or at what came of it. `lines` is what is put on record of it; `gone`: positions of which
    contracts left the broker's book, and how many."""

    def __init__(self, ctx: Context, journal: Journal, absences: Absences, faults: FactFaults, reason: str) -> None:
        self.ctx, self.journal, self.absences, self.faults, self.reason = ctx, journal, absences, faults, reason
        self.grace = timedelta(seconds=ctx.settings.engine.absence_grace_s)
        self.lines: list[ReconcileLine] = []
        self.gone: list[tuple[Position, int]] = []

    def alone(self, name: FactName, key: str, apply: Callable[..., object], *given: Any, **named: Any) -> bool:
        """Apply one fact of the book on its own; what it had written in the comparison's lines goes with it."""
        lines, gone = len(self.lines), len(self.gone)
        applied = self.faults.apply(self.journal, name, key, partial(apply, *given, **named))
        if not applied:
            del self.lines[lines:], self.gone[gone:]
            self.line(name.subject, name.of or key, "disputed", "", _IN_VAIN)
        return applied

    def line(self, subject: str, key: str, ours: str, broker: str, action: str) -> None:
        """Put one comparison on record: what we had, what the broker has, what was done."""
        self.lines.append(ReconcileLine(subject, key, ours, broker, action))
