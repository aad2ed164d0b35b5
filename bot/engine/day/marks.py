"""Marks: what each open position would bring now, for those who watch, and its price path.

| a position's mark is written | why |
|---|---|
| when its bid or ask is another one than in the last | it says something new |
| each time, while it has to be sold or the tick watches its stop | how old its quote is, is looked at |
| `STANDS_S` after the last | the underlying goes on, and the quote's age |
| with each point of its price path | |

A point of the path is kept every `engine.mark_seconds`, of at most `_AT_ONCE` positions at one time: the rest follow
with the next marks, so that a thousand of them do not fall on one tick. For the same reason no more than `_MOST` marks
are written at one time beside those of what has to go, the oldest first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice
from typing import Final

from bot.domain.position import Position, PositionState
from bot.domain.timetable import PRICE_PATH
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import NewMark
from bot.engine.state.schedule import Schedule
from bot.engine.trade.refusals import is_watched

STANDS_S: Final = 5.0
"""For so long a mark stands whose prices have not changed."""
_STANDS: Final = timedelta(seconds=STANDS_S)
_AT_ONCE: Final = 50
_MOST: Final = 100


@dataclass(slots=True)
class PositionMarks:
    """Memory between ticks: the last mark of each position, the oldest first, and whose point of the path is due."""

    quoted: set[str] = field(default_factory=set)  # contracts that were quoted since the last look
    _waiting: set[str] = field(default_factory=set)  # positions that were quoted and had no room yet
    _written: dict[str, NewMark] = field(default_factory=dict)
    _path_due: list[str] = field(default_factory=list)
    _of: Ledger | None = None  # what was written with another one may not have reached the disk

    def mark(self, ctx: Context, journal: Journal, schedule: Schedule, must_go: Collection[str] | None = None) -> None:
        """Write the marks that are due. `must_go`: the positions that are marked each time, where they are known."""
        positions = ctx.ledger.positions
        if ctx.ledger is not self._of:
            self._of, self._path_due = ctx.ledger, []
            self._written.clear()
        for gone in self._written.keys() - positions.keys():
            del self._written[gone]
        if schedule.due(PRICE_PATH.name, ctx.now, PRICE_PATH.every_s(ctx.setting)):
            self._path_due = list(dict.fromkeys((*self._path_due, *positions)))
        sampled, self._path_due = set(self._path_due[:_AT_ONCE]), self._path_due[_AT_ONCE:]
        for position in ctx.ledger.position_index.among(self._worth_a_look(ctx, sampled, must_go)):
            if not expiry.has_expired(ctx, position.contract):  # its last mark is the one before its end
                self._mark(ctx, journal, position, sampled=position.id in sampled)
        self.quoted.clear()

    def _worth_a_look(
        self, ctx: Context, sampled: Collection[str], must_go: Collection[str] | None
    ) -> Collection[str] | None:
        if must_go is None:
            return None
        by_key, written, since = ctx.ledger.position_index.by_key, self._written, ctx.now - _STANDS
        waiting = self._waiting.union(*(by_key.get(key, ()) for key in self.quoted))
        new = (each for each in ctx.ledger.positions if each not in written)
        old = (each for each, mark in written.items() if each in waiting or not since < mark.at <= ctx.now)
        found = {*sampled, *must_go, *islice(chain(new, old), _MOST)}
        self._waiting = waiting - found
        return found

    def _mark(self, ctx: Context, journal: Journal, position: Position, *, sampled: bool) -> None:
        quote, known = ctx.board.quote(position.key), self._written.get(position.id)
        bid, ask = (quote.bid, quote.ask) if quote else (None, None)
        stands = known is not None and known.bid == bid and known.ask == ask
        if known is not None and stands and not sampled and not self._is_due(ctx, position, known):
            return
        spot = ctx.board.quote(position.contract.symbol)
        mark = NewMark(
            position.id,
            ctx.now,
            bid,
            ask,
            spot.reference if spot else None,
            position.unrealized_pnl(bid) if bid is not None else None,
            sampled,
            quote.sound_at if quote else None,
        )
        self._written.pop(position.id, None)
        self._written[position.id] = mark
        journal.batch.marks.append(mark)
        if sampled:
            journal.batch.changed.add(position)  # the high of the trail is worth keeping too

    @staticmethod
    def _is_due(ctx: Context, position: Position, known: NewMark) -> bool:
        """Say whether a mark is written although its prices are those of the last."""
        if not timedelta(0) <= ctx.now - known.at < _STANDS:
            return True
        return position.state is PositionState.CLOSING or is_watched(ctx.ledger.order_index.of_position(position.id))
