"""What follows when the machine's clock is set: while the bot runs, and when it starts on a store from the future.

Context: the bot's own time is steady (`bot.clocks.clock.SteadyTime`), so no deadline and no age feels that somebody set
the wall clock. But then one of the two is wrong: an entry could be sent at a wrong hour of the session. Decision: no
entries from the moment the two part until they agree again and the broker's book was compared; exits and stops go on.
A start takes the wall's time, whatever the store says: moments of what is alive that lie in the future become the
present, so that no deadline waits for hours, entries that were under way are called off, and what expired in that
future is on its way out again.

The broker's clock is the witness of both (`bot.engine.state.clocks`). While ours differs from it the session is not
active and nothing goes by the time of day: no expiry, no flat time, no settlement, no end of the day. What can be
traded is judged by the broker's clock then, stops and what follows from prices go on. The session goes on when the two
agree; a bot whose own time is ahead begins again for that, as soon as the machine's clock was set back to the broker's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from bot.domain.breaker import BreakerChange
from bot.domain.connection import ConnectionChange
from bot.domain.events.host import ClockParted
from bot.domain.instructions import AskSnapshot
from bot.domain.order import OrderChange
from bot.domain.position import PositionChange
from bot.domain.session import SessionState, SessionTrigger
from bot.domain.signal import SignalChange, SignalState, SignalTrigger
from bot.domain.wording import new_york
from bot.engine.settlement import expiry
from bot.engine.state.clocks import BlockedBy, ClockBlock, Clocks
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import CALLED_OFF, call_off
from bot.engine.trade.signals import close_question

_COMPARING: Final = ClockBlock(
    BlockedBy.COMPARISON, "the machine's clock was set and agrees again; the book is not yet compared"
)
_WORTH_A_WORD: Final = 3  # a third of the limit
_SET_IT: Final = "Set it right: `timedatectl` shows it, `timedatectl set-ntp true` has it follow NTP."
_REMEDY: Final = {  # by whether ours is ahead
    True: f"{_SET_IT} The bot's time never goes back: once the clock is right, the bot begins again by itself",
    False: f"{_SET_IT} The bot follows it within two minutes and goes on by itself",
}
_MEANS: Final = (
    "The session is not active: no entries, and nothing that goes by the time of day (flat times, expiry, settlement, "
    "end of the day). Stops at the broker and exits by price go on."
)


def parted(ctx: Context, journal: Journal, event: ClockParted) -> None:
    """Keep entries out while wall and bot disagree on the time; compare the book at both ends of it."""
    ledger, ahead_s = ctx.ledger, event.ahead_s
    facts = {"ahead_s": ahead_s}
    ledger.clocks.wall_ahead_s = ahead_s
    if ahead_s:
        side = "ahead of" if ahead_s > 0 else "behind"
        words = f"the machine's clock is {abs(ahead_s):.1f} s {side} the time that the bot keeps"
        ledger.clocks.block = ClockBlock(BlockedBy.PARTED, words)
        journal.alert("CLOCK_PARTED", f"{words}: no entries until they agree. {_advice(ahead_s)}", facts)
    else:
        ledger.clocks.block = _COMPARING
        journal.alert("CLOCK_AGREES", "the machine's clock and the bot's time agree again", facts)
    journal.instructions.append(AskSnapshot("the machine's clock was set"))


def _advice(ahead_s: float) -> str:
    if ahead_s > 0:
        return "If it stays so for a minute the bot follows it; if it is wrong, set it right"
    return "If it is wrong, set it right; if the broker's clock says the same, the bot begins again by itself"


def is_compared(ledger: Ledger) -> None:
    """The broker's book was compared to the end: the last reason to keep entries out is gone."""
    if wants_the_book(ledger):
        ledger.clocks.block = None


def has_to_follow(clocks: Clocks) -> bool:
    """Say whether `follow_the_clocks` has anything to draw."""
    return bool(clocks.fault) or clocks.is_fresh or clocks.wait_for_agreement


def follow_the_clocks(ctx: Context, journal: Journal) -> None:
    """Draw what follows from the broker's clock: with every tick, for ours can be set at any moment."""
    clocks, session = ctx.ledger.clocks, ctx.ledger.session
    if clocks.fault and session.state in {SessionState.ACTIVE, SessionState.PAUSED}:
        journal.take(Step(session, SessionTrigger.RECONCILE, clocks.fault))
    if clocks.is_fresh:
        _tell_of_the_difference(ctx, journal)
    if clocks.fault or not clocks.wait_for_agreement:
        return
    clocks.wait_for_agreement = False
    expiry.live_again(ctx, journal)
    if ctx.ledger.session.state is SessionState.RECONCILING:
        journal.instructions.append(AskSnapshot("our clock and the broker's agree"))


def _tell_of_the_difference(ctx: Context, journal: Journal) -> None:
    """Tell once what the broker itself has said: a guess between two of its words may be a machine that slept."""
    clocks, limit_s = ctx.ledger.clocks, ctx.settings.engine.broker_clock_limit_s
    clocks.is_fresh = False
    apart_s = clocks.apart.total_seconds()
    severity = "critical" if clocks.fault else "warning" if abs(apart_s) > limit_s / _WORTH_A_WORD else ""
    if severity == clocks.told:
        return
    was, clocks.told = clocks.told, severity
    facts = {"ahead_s": round(apart_s, 1)}
    if severity == "critical":
        journal.alert("CLOCK_WRONG", in_words(clocks), facts)
    elif was == "critical":
        journal.alert("CLOCK_RIGHT", "our clock and the broker's agree again", facts)
    elif severity:
        words = f"our clock differs from the broker's by {abs(apart_s):.0f} s; at {limit_s:g} s entries stop"
        journal.alert("CLOCK_SKEW", f"{words}: see that the machine follows NTP (`timedatectl`)", facts)


def in_words(clocks: Clocks) -> str:
    """Return both times, what follows from their difference and what to do; empty while there is none."""
    return f"{clocks.difference}. {_MEANS} {_REMEDY[clocks.ahead > timedelta(0)]}" if clocks.difference else ""


def should_begin_again(ledger: Ledger) -> bool:
    """Say whether our time is far ahead and the machine's clock was set back to the broker's: two witnesses against
    one. Time does not go back while the bot runs, so it starts again, which is recovery from the store."""
    clocks, ahead_s = ledger.clocks, ledger.clocks.ahead.total_seconds()
    if ahead_s <= 0 or clocks.told != "critical":
        return False
    # The wall's distance is told anew only when it changed by half.
    return clocks.wall_ahead_s < 0 and abs(clocks.wall_ahead_s + ahead_s) <= ahead_s / 2


def wants_the_book(ledger: Ledger) -> bool:
    """Say whether a comparison is all that entries wait for."""
    return ledger.clocks.block is not None and ledger.clocks.block.by is BlockedBy.COMPARISON


def leave_the_future(ctx: Context, journal: Journal) -> None:
    """At a start: bring what is alive back to the present where the store is ahead of the clock."""
    furthest = max(_brought_back(ctx.ledger, ctx.now), default=ctx.now)
    ahead_s = (furthest - ctx.now).total_seconds()
    if ahead_s <= ctx.settings.engine.clock_tolerance_s:
        return
    words = f"the store speaks of {new_york(furthest)}, {ahead_s:.0f} s ahead of the clock"
    journal.alert("CLOCK_BEHIND_STORE", f"{words}: entries under way are called off", {"ahead_s": ahead_s})
    call_off(journal, CALLED_OFF)
    for signal in list(ctx.ledger.signals.values()):
        if signal.state in {SignalState.PENDING, SignalState.APPROVED}:
            journal.take(
                Step(signal, SignalTrigger.CANCEL, words, {"ahead_s": ahead_s}, SignalChange(closed_at=ctx.now))
            )
            journal.carry_out(close_question(ctx, signal, "tick", words))


def _brought_back(ledger: Ledger, now: datetime) -> Iterator[datetime]:
    """Set every future moment that something is counted from to the present; yield what each was."""
    moments: list[datetime | None] = []
    for order in ledger.order_index.open.values():
        moments += (order.state_since, order.wanted_since, order.acknowledged_at)
        since = OrderChange(state_since=min(order.state_since, now), wanted_since=_at_most(order.wanted_since, now))
        ledger.change(order, since | OrderChange(acknowledged_at=_at_most(order.acknowledged_at, now)))
    for order in ledger.orders.values():  # from whose end the next try of its kind is counted
        moments.append(order.done_at)
        ledger.change(order, OrderChange(done_at=_at_most(order.done_at, now)))
    for position in ledger.positions.values():
        moments += (position.unprotected_since, position.ratcheted_at)
        bare, raised = _at_most(position.unprotected_since, now), _at_most(position.ratcheted_at, now)
        ledger.change(position, PositionChange(unprotected_since=bare, ratcheted_at=raised))
    for breaker in ledger.breakers.values():
        moments += (breaker.since, breaker.acknowledged_at)
        known = _at_most(breaker.acknowledged_at, now)
        ledger.change(breaker, BreakerChange(since=_at_most(breaker.since, now), acknowledged_at=known))
    moments.append(ledger.connection.since)
    ledger.change(ledger.connection, ConnectionChange(since=_at_most(ledger.connection.since, now)))
    yield from (moment for moment in moments if moment is not None)
    for key, moment in ledger.signal_index.last_at.items():
        if moment > now:
            ledger.signal_index.last_at[key] = now
            yield moment


def _at_most(moment: datetime | None, now: datetime) -> datetime | None:
    return min(moment, now) if moment is not None else None
