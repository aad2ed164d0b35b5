"""The options around the money that strategies declared to need: asked for once a day, and centred anew as prices move.

Which contracts these are follows from what the broker lists and from the price of the underlying; how their quotes come
(by a line or by a snapshot) is the adapter's budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.calendar import new_york_day
from bot.domain.chains import ChainNeed, around, centre_of
from bot.domain.connection import Permission
from bot.engine.state.context import Context

_BEFORE_OPEN: Final = timedelta(minutes=30)
_ASKED_AGAIN: Final = timedelta(minutes=1)


@dataclass
class ChainWatch:
    """Memory between looks: when each underlying's chain was asked for last, and around which strike each is kept."""

    asked: dict[str, datetime] = field(default_factory=dict)
    centres: dict[tuple[str, date], Decimal] = field(default_factory=dict)

    def to_ask(self, ctx: Context) -> tuple[str, ...]:
        """Return the underlyings whose chain is wanted and not known as of today, each asked for at most once a
        minute."""
        if not _is_time(ctx) or not ctx.ledger.connection.allows(Permission.ENTER):
            return ()
        today = new_york_day(ctx.now)
        due = [symbol for symbol in _needs(ctx) if not _is_known(ctx, symbol, today) and self._may_ask(symbol, ctx.now)]
        self.asked.update(dict.fromkeys(due, ctx.now))
        return tuple(due)

    def _may_ask(self, symbol: str, now: datetime) -> bool:
        last = self.asked.get(symbol)
        return last is None or now - last >= _ASKED_AGAIN

    def keys(self, ctx: Context) -> tuple[str, ...]:
        """Return the keys of the contracts wanted, of all underlyings those nearest the money first."""
        if not _is_time(ctx):
            self.centres.clear()
            return ()
        found: dict[str, int] = {}
        for symbol, needs in _needs(ctx).items():
            for need in needs:
                for away, key in self._around(ctx, symbol, need):
                    found[key] = min(away, found.get(key, away))
        return tuple(sorted(found, key=found.__getitem__))

    def _around(self, ctx: Context, symbol: str, need: ChainNeed) -> Iterator[tuple[int, str]]:
        chain, quote = ctx.board.chain(symbol), ctx.board.quote(symbol)
        price = quote.reference if quote is not None else None
        if chain is None or price is None:
            return
        for expiry in chain.expiries(need, ctx.trading.day):
            listing = chain.listing(expiry)
            place = symbol, expiry
            centre = centre_of(listing.strikes, price, self.centres.get(place)) if listing is not None else None
            if listing is None or centre is None:
                continue
            self.centres[place] = centre
            for away, contract in around(listing, expiry, centre, need.strikes):
                yield away, contract.key


def _is_time(ctx: Context) -> bool:
    return ctx.trading.open_at - _BEFORE_OPEN <= ctx.now < ctx.trading.close_at


def _needs(ctx: Context) -> Mapping[str, list[ChainNeed]]:
    """Return what the strategies declared, by underlying."""
    found: dict[str, list[ChainNeed]] = {}
    for strategy in ctx.strategies.values():
        if strategy.chain is not None:
            for symbol in strategy.symbols:
                found.setdefault(symbol, []).append(strategy.chain)
    return found


def _is_known(ctx: Context, symbol: str, today: date) -> bool:
    chain = ctx.board.chain(symbol)
    return chain is not None and new_york_day(chain.at) == today
