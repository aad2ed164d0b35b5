"""How slowly the bot enters while it is slowed: bounds of what may be asked, what of it holds, and its end.

While a slowdown lasts another one only makes it stricter and longer: no verdict, whatever it says, brings a larger size
or an earlier entry.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bot.domain.order import Purpose
from bot.domain.slowdown import ALL_OF_IT, SlowdownChange, SlowdownState, SlowdownTrigger
from bot.domain.wording import new_york
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step


def slow(
    ctx: Context, scale: Decimal | None, spacing_s: float | None, lasts_s: float | None, by: str, reason: str
) -> Step:
    """Return the step that slows entries, within the bounds of `overseer.slow`; None: as the settings have it."""
    bounds, present = ctx.settings.overseer.slow, ctx.ledger.slowdown
    size = scale if scale is not None and 0 < scale < ALL_OF_IT else bounds.scale
    apart = min(spacing_s if spacing_s is not None else bounds.spacing_s, bounds.spacing_most_s)
    until = ctx.now + timedelta(seconds=min(lasts_s if lasts_s is not None else bounds.lasts_s, bounds.lasts_most_s))
    if present.lasts(ctx.now):
        size, apart = min(size, present.scale), max(apart, present.spacing_s)
        until = max(until, present.until or until)
    words = f"entries at {size:f} of their size, {apart:g} s apart, until {new_york(until, ctx.now)}: {reason}"
    sets = SlowdownChange(scale=size, spacing_s=apart, until=until, reason=reason, by=by)
    facts = {"scale": size, "spacing_s": apart, "until": until}
    return Step(present, SlowdownTrigger.SLOW, words, facts, sets, actor=by)


def end_with_time(ctx: Context, journal: Journal) -> None:
    """Let a slowdown end whose time is over."""
    present = ctx.ledger.slowdown
    if present.state is SlowdownState.SLOWED and not present.lasts(ctx.now):
        journal.take(Step(present, SlowdownTrigger.END, "its time is over", {}, _whole()))


def lift(ctx: Context, journal: Journal, actor: str) -> bool:
    """Let a person end a slowdown; False when there is none."""
    present = ctx.ledger.slowdown
    if present.state is not SlowdownState.SLOWED:
        return False
    journal.take(Step(present, SlowdownTrigger.LIFT, f"lifted by {actor}", {}, _whole(), actor=actor))
    return True


def _whole() -> SlowdownChange:
    return SlowdownChange(scale=ALL_OF_IT, spacing_s=0.0, until=None, reason="", by="")


def since_last_entry_s(ctx: Context, leaving_out: str | None = None) -> float | None:
    """Return how long ago the latest entry order was written, one signal's left out; None: there was none."""
    entries = [
        order.created_at for order in ctx.ledger.orders.values()
        if order.purpose is Purpose.ENTRY and order.signal_id != leaving_out
    ]  # fmt: skip
    return (ctx.now - max(entries)).total_seconds() if entries else None


def waits(ctx: Context) -> str:
    """Return in words why no entry may be proposed now; empty: the space between entries is kept."""
    spacing = ctx.ledger.slowdown.spacing_at(ctx.now)
    since = since_last_entry_s(ctx) if spacing else None
    if since is None or since >= spacing:
        return ""
    return f"slowed by {ctx.ledger.slowdown.by}: the last entry was {since:.0f} s ago, they are {spacing:g} s apart"
