"""Who holds which line: every line that is wanted or open, how it stands and why, told when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bot.broker.context import ContextMembers
from bot.broker.line_budget import LineBudget, Wanted
from bot.broker.lines import QUOTE, Line, QuoteLine
from bot.broker.open_lines import OpenLines
from bot.broker.quote_snapshots import QuoteSnapshots
from bot.domain.events.market_data import LineReported
from bot.domain.lines import LineState, Rank
from bot.engine.state.ports import Clock, Sink

LOOK_WALL_S: Final = 2.0
AGE_WALL_S: Final = 15.0
"""Wall seconds after which a line that only ticked is told again, so that its age can be read."""


class LineReport:
    """Compares what is with what was told. `wanted` returns the lines that are wanted with their ranks."""

    def __init__(
        self, lines: OpenLines, budget: LineBudget, context: ContextMembers, clock: Clock, sink: Sink,
        wanted: Callable[[], Mapping[Wanted, Rank]], snapshots: QuoteSnapshots,
    ) -> None:  # fmt: skip
        self._lines = lines
        self._budget = budget
        self._context = context
        self._clock = clock
        self._sink = sink
        self._wanted = wanted
        self._snapshots = snapshots
        self._told: dict[Wanted, tuple[LineReported, float]] = {}
        self._looked_at = float("-inf")

    def heard(self) -> None:
        """Something came from TWS: look now and then."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= LOOK_WALL_S:
            self.tell(now)

    def tell(self, now: float) -> None:
        """Tell every line that stands otherwise than it was told, `now` by the loop's time."""
        self._looked_at = now
        wanted = self._wanted()
        for each, rank in wanted.items():
            self._tell_if_new(each, self._row(each, rank), now)
        for each in [each for each in self._told if each not in wanted]:
            row, _ = self._told.pop(each)
            self._sink(self._ended(row))

    def _tell_if_new(self, wanted: Wanted, row: LineReported, now: float) -> None:
        told = self._told.get(wanted)
        is_aged = told is not None and told[0].ticked_at != row.ticked_at and now - told[1] >= AGE_WALL_S
        if told is not None and _stands(told[0]) == _stands(row) and not is_aged:
            return
        self._told[wanted] = row, now
        self._sink(row)

    def _row(self, wanted: Wanted, rank: Rank) -> LineReported:
        key, kind = wanted
        line, now = self._lines.line(wanted), self._clock.now()
        member = self._context.member(key)
        state, detail = self._standing(wanted, line)
        silent_s = self._silent_s(key, line)
        return LineReported(
            key=key, kind=kind, rank=rank.word, group_name=member.group if member else "", state=state.value,
            detail=detail,
            ticked_at=None if silent_s is None else now - timedelta(seconds=min(silent_s, 86_400) * self._clock.speed),
            gaps=getattr(line, "gaps", 0), at=now,
        )  # fmt: skip

    def _silent_s(self, key: str, line: Line | None) -> float | None:
        """Return for how many wall seconds nothing has been said, None where nothing was at all."""
        spoke = line.ticked_at if line is not None and line.answered else None
        if line is None:
            spoke = self._snapshots.told_at.get(key)
        return None if spoke is None else asyncio.get_running_loop().time() - spoke

    def _standing(self, wanted: Wanted, line: Line | None) -> tuple[LineState, str]:
        if line is None:
            if why := self._budget.refused(wanted):
                return LineState.REFUSED, why
            if wanted[1] == QUOTE and wanted[0] in self._snapshots.in_turn:
                return self._by_snapshot(wanted[0])
            if wanted in self._lines.left_out:
                return LineState.LEFT_OUT, f"beyond the budget of {self._budget.allowed[wanted[1]]}"
            return LineState.WAITING, "its contract is asked for"
        if isinstance(line, QuoteLine) and line.delayed:
            return LineState.DELAYED, "delayed data: shown, not traded on"
        return (LineState.OPEN, "") if line.answered else (LineState.WAITING, "nothing has come yet")

    def _by_snapshot(self, key: str) -> tuple[LineState, str]:
        if why := self._snapshots.refusal(key):
            return LineState.REFUSED, why
        return LineState.SNAPSHOT, "no line: asked once now and then"

    def _ended(self, row: LineReported) -> LineReported:
        return replace(row, state=LineState.CLOSED.value, detail="", at=self._clock.now())


def _stands(row: LineReported) -> tuple[object, ...]:
    return row.rank, row.state, row.detail, row.gaps
