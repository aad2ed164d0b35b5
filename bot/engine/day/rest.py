"""Until when the jobs of the clock have nothing to do.

Context: a tick runs four times a second, and each time half a dozen jobs asked whether their hour has come. Decision:
each says beside itself (`rests_until`) until when it has nothing to do if nothing but the time goes on, and what it
looks at beside the time is in `World`. While that is the same, none of them is asked before the earliest of these
moments. Consequence: an idle tick compares times. A job that waits for something, is parked, or that a clock is wrong
for does not rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bot.engine.day.restart_windows import Stretches
from bot.engine.state.context import Context
from bot.engine.state.schedule import NEVER

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

World = tuple[object, ...]
"""What the jobs look at beside the time."""


def world_of(ctx: Context) -> World:
    """Return what the jobs look at now. Objects that are replaced when they change stand for what is in them."""
    ledger = ctx.ledger
    return (
        ledger, ledger.session.state, ledger.connection.state, ledger.clocks.fault, ctx.kill_switch,
        ctx.restart_is_near, ctx.trading, ctx.told_session, ctx.settings, ledger.account.heard.latest is None,
    )  # fmt: skip


@dataclass(slots=True)
class Rest:
    """Memory between ticks: since when, until when and in which world the jobs rest."""

    since: datetime = NEVER
    until: datetime = _LONG_AGO
    world: World = ()
    stretches: Stretches = field(default_factory=Stretches)

    def lasts(self, ctx: Context) -> bool:
        return self.since <= ctx.now < self.until and self.world == world_of(ctx)

    def begin(self, ctx: Context, until: datetime) -> None:
        """Rest until a moment, in the world as it is now; by a clock that the broker contradicts nobody rests."""
        self.since, self.world = ctx.now, world_of(ctx)
        self.until = until if ctx.hour_is_known else ctx.now
