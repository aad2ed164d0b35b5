"""Until when the jobs of the clock have nothing to do.

Context: a tick runs four times a second, and each time more than a dozen jobs asked whether their hour has come.
Decision: each says beside itself (`rests_until`) until when it has nothing to do if nothing but the time goes on; what
they look at beside the time is their world. While that is the same, a job is not asked before its moment.
Consequence: an idle tick compares times. A job that waits for something says `now`: it is asked with each tick. Nobody
rests while a job is parked, on a full pass, or by a clock that the broker contradicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER

World = tuple[object, ...]
"""What the jobs look at beside the time: first the entities, by the ledger's version, then all else."""


@dataclass(frozen=True, slots=True, eq=False)
class ClockJob:
    """What `do` does by the clock; `rests_until` speaks of the world as it is, whatever was just done. While it rests,
    one that is `blind` looks at no entity but the states of session and connection: it sleeps on while others trade."""

    name: str
    do: Callable[[Context, Journal], None]
    rests_until: Callable[[Context], datetime]
    blind: bool = False


def world_of(ctx: Context) -> World:
    """Return what the jobs look at now. Objects that are replaced when they change stand for what is in them; the
    ledger's version for its entities."""
    ledger = ctx.ledger
    proof, clocks = ledger.proof, ledger.clocks
    return (
        ledger.version, ledger, ledger.session.state, ledger.connection.state,
        clocks.fault, clocks.block, ctx.kill_switch, ctx.restart_is_near, ctx.trading,
        ctx.told_session, ctx.settings, ledger.account.heard.latest is None, proof.fact_faults, len(proof.ghosts),
        len(ledger.foreign.buys), len(ledger.position_index.too_large),
        len(ctx.board.data()), bool(ctx.board.halted or ctx.board.bidless),
    )  # fmt: skip


@dataclass(slots=True)
class Rest:
    """Memory between ticks: since when and in which world the jobs rest, and until when each of them does."""

    since: datetime = NEVER
    world: World = ()
    until: dict[str, datetime] = field(default_factory=dict)
    first: datetime = NEVER  # of these moments

    def due(self, ctx: Context, jobs: Sequence[ClockJob], world: World) -> Sequence[ClockJob]:
        """Return the jobs that do not rest, in their order. `world`: of this tick."""
        if self.since <= ctx.now:
            if self.world == world:
                if ctx.now < self.first:
                    return _NONE
                return [job for job in jobs if self.until[job.name] <= ctx.now]
            if self.world[1:] == world[1:]:  # entities have changed and nothing else
                return [job for job in jobs if not job.blind or self.until[job.name] <= ctx.now]
        self.until.clear()
        return jobs

    def begin(self, ctx: Context, jobs: Sequence[ClockJob], world: World) -> None:
        """Ask the jobs that were just done until when they rest. What they changed themselves is another world, and
        the next tick finds that it is."""
        if not ctx.hour_is_known:
            self.end()
            return
        self.since, self.world = ctx.now, world
        for job in jobs:
            self.until[job.name] = job.rests_until(ctx)
        self.first = min(self.until.values(), default=NEVER)

    def end(self) -> None:
        """Nobody rests any more."""
        self.since, self.world = NEVER, ()
        self.until.clear()


_NONE: Final[Sequence[ClockJob]] = ()
