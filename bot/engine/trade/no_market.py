"""Markets that do not answer: halted, or without anybody who bids, while a position has to be sold.

| what is seen | what is done | how it ends |
|---|---|---|
| a halt (tick 49), a stop is there | the stop stays and the exit waits | it is lifted, or unheard of for 10 min |
| a halt, and no stop there | the market order goes out and rests at the venue | it is lifted |
| an ask and no bid | a limit of one tick, which takes any bid that returns | somebody bids, or it expires worthless |

Each is told once when it begins and once when it ends; what is left at the close is told as well. A position that is
held on is named too (HELD_IN_HALT, HELD_WITHOUT_BID): its stop rests at the broker, rungs and trail wait for a quote.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final

from bot.domain.instruments import option_of_key
from bot.domain.position import Position, PositionState, Protection
from bot.domain.quotes import Quote
from bot.domain.timetable import NO_MARKET
from bot.engine.settlement.expiry import has_expired
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER, Schedule
from bot.engine.trade.refusals import is_watched

_HEARD_OF: Final = timedelta(minutes=10)
"""A halt whose line nobody has heard of for so long may be over and its end lost: the exit does not wait for it."""
_AGAIN_S: Final = 300.0
_A_DAY_S: Final = 12 * 3600.0


def _has_to_go(ctx: Context, position: Position) -> bool:
    """Say whether a position has to be sold, or the tick watches its stop."""
    return position.state is PositionState.CLOSING or is_watched(ctx.ledger.order_index.of_position(position.id))


def _has_any_to_go(ctx: Context, must_go: Collection[str] | None) -> bool:
    if must_go is not None:
        return bool(must_go)
    return any(_has_to_go(ctx, position) for position in ctx.ledger.positions.values())


class NoMarket(StrEnum):
    """Why a sale would not go through now."""

    HALTED = "trading in it is halted"
    UNDERLYING_HALTED = "trading in its underlying is halted"
    NO_BID = "nobody bids"


DEED: Final = {
    NoMarket.HALTED: "a stop at the broker stays there and the exit waits for the end of the halt",
    NoMarket.UNDERLYING_HALTED: "a stop at the broker stays there and the exit waits for the end of the halt",
    NoMarket.NO_BID: "it is offered at one tick and may expire worthless",
}
CODE: Final = {
    NoMarket.HALTED: "EXIT_IN_HALT",
    NoMarket.UNDERLYING_HALTED: "EXIT_IN_HALT",
    NoMarket.NO_BID: "EXIT_WITHOUT_BID",
}


def no_market_of(ctx: Context, position: Position) -> NoMarket | None:
    """Return what keeps a sale of a position from going through now, as far as quotes say; None: nothing."""
    quote, underlying = ctx.board.quote(position.key), ctx.board.quote(position.contract.symbol)
    if _is_halted(ctx, quote):
        return NoMarket.HALTED
    if _is_halted(ctx, underlying):
        return NoMarket.UNDERLYING_HALTED
    age = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    fresh = quote is not None and not quote.delayed and not quote.is_stale(ctx.now, age)
    return NoMarket.NO_BID if quote is not None and fresh and quote.ask is not None and not quote.bid else None


def is_halted(ctx: Context, position: Position) -> bool:
    return no_market_of(ctx, position) in {NoMarket.HALTED, NoMarket.UNDERLYING_HALTED}


def _is_halted(ctx: Context, quote: Quote | None) -> bool:
    return quote is not None and quote.halted and ctx.now - quote.sound_at <= _HEARD_OF


HELD_CODE: Final = {
    NoMarket.HALTED: "HELD_IN_HALT",
    NoMarket.UNDERLYING_HALTED: "HELD_IN_HALT",
    NoMarket.NO_BID: "HELD_WITHOUT_BID",
}


@dataclass(frozen=True, slots=True)
class ToldNoMarket:
    """What was told of a position: its silence, whether it had to be sold, and since when."""

    silence: NoMarket
    must_go: bool
    since: datetime


@dataclass
class NoMarketWatch:
    """Memory between ticks: which position waits for what, and since when."""

    told: dict[str, ToldNoMarket] = field(default_factory=dict)

    def tell(
        self,
        ctx: Context,
        journal: Journal,
        schedule: Schedule,
        must_go: Collection[str] | None = None,
    ) -> None:
        """Alert what begins and what ends; it is critical where something has to be sold, or the tick watches the
        stop. `must_go`: the positions of which that is so, where it is known."""
        ledger = ctx.ledger
        if not (self._may_be_silent(ctx) or _has_any_to_go(ctx, must_go)):
            return
        look_at_all = schedule.due(NO_MARKET.name, ctx.now, NO_MARKET.every_s(ctx.setting))
        for position in ledger.position_index.among(self._worth_a_look(ctx, must_go, look_at_all=look_at_all)):
            has_to = _has_to_go(ctx, position)
            if (has_to or look_at_all) and not self._is_over(ctx, position):
                self._compare(ctx, journal, schedule, position, must_go=has_to)
                self._tell_of_the_close(ctx, journal, schedule, position)
        for gone in self.told.keys() - ledger.positions.keys() if self.told else ():
            del self.told[gone]

    def rests_until(self, ctx: Context, schedule: Schedule, must_go: Collection[str]) -> datetime:
        """Return until when `tell` has nothing to look at, unless the first market falls silent."""
        if must_go:
            return ctx.now
        if not self._may_be_silent(ctx):
            return NEVER
        return schedule.next(NO_MARKET.name, ctx.now, NO_MARKET.every_s(ctx.setting))

    def _may_be_silent(self, ctx: Context) -> bool:
        """Say whether any market is halted or without a bid, or was told as that."""
        return bool(self.told or ctx.board.halted or ctx.board.bidless)

    def _worth_a_look(
        self, ctx: Context, must_go: Collection[str] | None, *, look_at_all: bool
    ) -> Collection[str] | None:
        """Return the positions of which anything can be told: no market is told where one is quoted that nobody can
        sell on, and where it was told before."""
        if must_go is None or not look_at_all:
            return must_go
        board, by_key = ctx.board, ctx.ledger.position_index.by_key
        if any(option_of_key(key) is None for key in board.halted):
            return None  # an underlying: each of its options may be halted by it
        quoted_so = (by_key.get(key, ()) for key in board.halted | board.bidless)
        return {*must_go, *self.told, *chain.from_iterable(quoted_so)}

    def _is_over(self, ctx: Context, position: Position) -> bool:
        if not has_expired(ctx, position.contract):
            return False
        self.told.pop(position.id, None)  # told as held through its expiry
        return True

    def _compare(
        self, ctx: Context, journal: Journal, schedule: Schedule, position: Position, *, must_go: bool
    ) -> None:
        known, now = self.told.get(position.id), no_market_of(ctx, position)
        if known is not None and known.silence is not now:
            del self.told[position.id]
            self._tell_the_end(ctx, journal, position, known)
        elif known is not None and must_go and not known.must_go:
            del self.told[position.id]  # it may be held on no longer, which is another matter
        if now is not None and position.id not in self.told:
            self._tell_the_beginning(ctx, journal, schedule, position, ToldNoMarket(now, must_go, ctx.now))

    @staticmethod
    def _tell_the_end(ctx: Context, journal: Journal, position: Position, known: ToldNoMarket) -> None:
        lasted = (ctx.now - known.since).total_seconds()
        again = "can be sold again" if known.must_go else "is quoted again"
        words = f"{position.quantity} x {position.contract} {again}: {known.silence} no more, after {lasted:.0f} s"
        code = "EXIT_GOES_ON" if known.must_go else "QUOTED_AGAIN"
        journal.alert(code, words, {"position_id": position.id, "for_s": lasted})

    def _tell_the_beginning(
        self, ctx: Context, journal: Journal, schedule: Schedule, position: Position, told: ToldNoMarket
    ) -> None:
        silence, what = told.silence, f"{position.quantity} x {position.contract}"
        if not schedule.due(f"silence {silence.name} {told.must_go}", ctx.now, _AGAIN_S, of=position.id):
            return
        self.told[position.id] = told
        facts = {"position_id": position.id, "silence": silence.name}
        if not told.must_go:
            protected = position.protection is Protection.WORKING
            stop = "its stop rests at the broker" if protected else "it has no stop there"
            words = f"{what} is held and {silence}: {stop}, rungs and trail wait for a quote"
            journal.alert(HELD_CODE[silence], words, facts)
            return
        why = position.close_reason or "its stop is watched by the tick"
        words = f"{what} has to be sold ({why}) and {silence}: {DEED[silence]}"
        journal.alert(CODE[silence], words, facts)

    def _tell_of_the_close(self, ctx: Context, journal: Journal, schedule: Schedule, position: Position) -> None:
        if position.state is not PositionState.CLOSING or ctx.broker_now < ctx.trading.close_at:
            return
        if schedule.due("left at the close", ctx.now, _A_DAY_S, of=position.id):
            what = f"{position.quantity} x {position.contract} ({position.close_reason})"
            words = f"{what} could not be sold before the close"
            journal.alert("LEFT_AT_CLOSE", words, {"position_id": position.id})
