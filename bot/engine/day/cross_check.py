"""The vendor's data compared with the broker's, each answer once: what stands apart several times in a row is told and
marked, and strategies that depend on it do not look until it is gone.

Compared are the price in the exposures, and bid, ask, spread and greeks of the contracts of which the broker quotes the
same. Where too few of them have a fresh quote, those nearest the money are asked for once, by snapshot; what has
nothing fit beside it even then says nothing, neither for nor against.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.sets import GEX_BY_STRIKE, OPTION_CONTRACTS, SPOT_GEX
from bot.domain.instructions import AskQuotes
from bot.domain.market import Datum
from bot.domain.timetable import CROSS_CHECK
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER, Schedule
from bot.risk.cross_check import Compared, Moved, Tolerances, contract_off, price_off, verdict

_PRICED: Final = (SPOT_GEX, GEX_BY_STRIKE)
_COMPARED: Final = frozenset({*_PRICED, OPTION_CONTRACTS})
_OLDEST: Final = timedelta(seconds=90)
"""What is older is not compared: the data set's own age is judged elsewhere."""

_ASKED: Final = 6
"""Contracts whose quotes are asked for once where too few are at hand."""
_SNAPSHOT: Final = timedelta(seconds=12)
"""What the broker takes at most to answer."""

Place = tuple[str, str]
"""Data set and key."""


@dataclass
class CrossCheck:
    """Memory between looks: where underlyings were of late, which answer was compared last, how often it was off."""

    prices: dict[str, deque[tuple[datetime, Decimal]]] = field(default_factory=dict)
    compared: dict[Place, datetime] = field(default_factory=dict)
    off: dict[Place, int] = field(default_factory=dict)
    asked: dict[Place, tuple[datetime, datetime]] = field(default_factory=dict)  # for which answer, and when

    def look(self, ctx: Context, journal: Journal, schedule: Schedule) -> None:
        """Compare every answer that came since."""
        places = _compared(ctx)
        if not places or not schedule.due(CROSS_CHECK.name, ctx.now, CROSS_CHECK.every_s(ctx.setting)):
            return
        self._follow(ctx, {key for _, key in places})
        for place in places:
            datum = ctx.board.data()[place]
            if self.compared.get(place) == datum.received_at:
                continue
            said = self._said(ctx, place, datum)
            if said is None and self._waits_for_quotes(ctx, journal, place, datum):
                continue
            self.compared[place] = datum.received_at
            if said is not None:
                self._judge(ctx, journal, place, said)

    @staticmethod
    def rests_until(ctx: Context, schedule: Schedule) -> datetime:
        """Return until when `look` has nothing to compare, unless data of another place come."""
        if not _compared(ctx):
            return NEVER
        return schedule.next(CROSS_CHECK.name, ctx.now, CROSS_CHECK.every_s(ctx.setting))

    def _waits_for_quotes(self, ctx: Context, journal: Journal, place: Place, datum: Datum) -> bool:
        """Ask once an answer for the quotes of its contracts nearest the money, and say whether they may still come."""
        dataset, symbol = place
        quote = ctx.board.quote(symbol)
        price = quote.reference if quote is not None else None
        if dataset != OPTION_CONTRACTS or price is None or not datum.value or not ctx.trading.is_open(ctx.now):
            return False
        answer, asked_at = self.asked.get(place, (None, ctx.now))
        if answer == datum.received_at:
            return ctx.now - asked_at < max(_SNAPSHOT, under_way(ctx))
        held = ctx.ledger.position_index.by_key
        # What is held has a line, and is judged by that alone.
        keys = _nearest([row for row in datum.value if not held.get(row.contract.key)], price)
        self.asked[place] = datum.received_at, ctx.now
        journal.instructions.append(AskQuotes(keys))
        return True

    def _follow(self, ctx: Context, symbols: set[str]) -> None:
        """Remember where the underlyings are."""
        patience = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
        kept = _OLDEST + under_way(ctx)
        for symbol in symbols:
            quote = ctx.board.quote(symbol)
            if quote is None or quote.price_fault(ctx.now, patience) is not None or not quote.reference:
                continue
            seen = self.prices.setdefault(symbol, deque())
            seen.append((ctx.now, quote.reference))
            while seen and ctx.now - seen[0][0] > kept:
                seen.popleft()

    def _moved(self, symbol: str, since: datetime) -> Moved | None:
        """Return between which prices an underlying was since a moment, None where that is not known."""
        seen = self.prices.get(symbol)
        within = [price for at, price in seen if at >= since] if seen else []
        return Moved(min(within), max(within)) if within else None

    def _said(self, ctx: Context, place: Place, datum: Datum) -> str | None:
        dataset, key = place
        since = min(datum.source_at or datum.received_at, datum.received_at)
        moved = self._moved(key, since - under_way(ctx))
        if moved is None or not datum.value or ctx.now - since > _OLDEST:
            return None
        if dataset in _PRICED:
            return price_off(datum.value[-1].price, moved, tolerances(ctx))
        return verdict(list(self._contracts(ctx, datum, moved)))

    def _contracts(self, ctx: Context, datum: Datum, moved: Moved) -> Iterator[Compared]:
        limits, patience = tolerances(ctx), timedelta(seconds=ctx.settings.risk.quote_max_age_s)
        for row in datum.value:
            key = row.contract.key
            quote = ctx.board.quote(key)
            if quote is None or quote.is_stale(ctx.now, patience):
                continue
            tick = ctx.board.grid(key).tick_at(quote.ask or Decimal(0))
            off = contract_off(row, quote, ctx.board.greeks(key), moved, ctx.now, limits, tick)
            if off is not None:
                yield Compared(key, off)

    def _judge(self, ctx: Context, journal: Journal, place: Place, said: str) -> None:
        marked = ctx.board.diverging.get(place, "")
        self.off[place] = self.off.get(place, 0) + 1 if said else 0
        facts = {"dataset": place[0], "key": place[1], "difference": said or marked}
        if not said and marked:
            ctx.board.mark(place, "")
            journal.alert("DATA_AGREE", f"{place[0]} of {place[1]} agrees with the broker again", facts)
        elif said and not marked and self.off[place] >= ctx.settings.risk.cross_check.looks:
            ctx.board.mark(place, said)
            words = f"{place[0]} of {place[1]} differs from the broker: {said}; strategies that need it do not look"
            journal.alert("DATA_DIVERGE", words, facts)
        elif said and marked:
            ctx.board.mark(place, said)


def _nearest(rows: Sequence[OptionContractRow], price: Decimal) -> tuple[str, ...]:
    """Return the keys of the contracts nearest the money that end first."""
    contracts = sorted(
        (row.contract for row in rows), key=lambda each: (each.expiry, abs(each.strike - price), each.key)
    )
    return tuple(each.key for each in contracts[:_ASKED])


def _compared(ctx: Context) -> list[Place]:
    """Return where there are data that can be compared."""
    return [place for place in ctx.board.data() if place[0] in _COMPARED]


def tolerances(ctx: Context) -> Tolerances:
    limits = ctx.settings.risk.cross_check
    return Tolerances(limits.price_fraction, limits.quote_usd, limits.spread_fraction, limits.greeks_fraction)


def under_way(ctx: Context) -> timedelta:
    """Return how long before it was received an answer may have been made; a fast simulated clock makes it longer."""
    return timedelta(seconds=ctx.settings.risk.cross_check.under_way_s)
