"""What follows when a tick fails or the store cannot be used: memory is thrown away and read anew, the session halts.

What the failed tick did not commit was not sent; what it did commit and not send is an intent in doubt.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from bot.domain.errors import StoreError, StoreUnusable
from bot.domain.instructions import CancelOrder
from bot.domain.session import Hold, SessionChange, SessionState, SessionTrigger
from bot.domain.timetable import RECONCILE
from bot.engine.intake import Intake
from bot.engine.memory import Memory
from bot.engine.state.outage import Outage
from bot.engine.state.ports import Clock
from bot.engine.state.steps import Step
from bot.engine.tick_memory import TickMemory

_FAILURES_IN_A_ROW: Final = 3


class Recovery:
    """Guards the tick. `on_outage` is told when the store cannot be used and when it is back.

    `cancel` sends a cancel to the broker and says whether it left. `retry_for_s`: wall seconds for which a store that
    cannot be used is asked again before the run ends.
    """

    def __init__(
        self,
        memory: Memory,
        intake: Intake,
        tick_memory: TickMemory,
        clock: Clock,
        *,
        cancel: Callable[[CancelOrder], bool],
        retry_for_s: float,
        on_outage: Callable[[str], None],
    ) -> None:
        self._memory, self._intake, self._tick_memory, self._clock = memory, intake, tick_memory, clock
        self._cancel, self._retry_for_s, self._on_outage = cancel, retry_for_s, on_outage
        self._failures = 0
        self._outage: Outage | None = None

    @property
    def waits_for_the_store(self) -> bool:
        return self._outage is not None

    async def guard(self, tick: Callable[[], Awaitable[None]]) -> None:
        """Let one tick run; the one place where any error is caught. Raises StoreUnusable when there is no sense in
        waiting, StoreError when tick after tick fails."""
        if self._outage is not None:
            await self._ask_the_store_again(self._outage)
            return
        try:
            await self._tick_or_recover(tick)
        except StoreUnusable as error:
            self._lose_the_store(error)

    async def _tick_or_recover(self, tick: Callable[[], Awaitable[None]]) -> None:
        try:
            await tick()
            self._failures = 0
        except StoreUnusable:
            raise
        except Exception as error:
            await self._recover(error)

    async def _recover(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            self._memory.drop_journal()
            await self._memory.load()  # half a tick is never written, not by the stop either
            raise StoreError(f"{self._failures} ticks failed in a row, the last with: {error}") from error
        trace = "".join(traceback.format_exception(error))
        reason = f"a tick failed: {error}"
        await self._begin_again(reason, error)
        self._memory.journal.alert("TICK_FAILED", reason, {"traceback": trace})
        self._intake.put_back()

    async def _begin_again(self, reason: str, error: Exception) -> None:
        memory = self._memory
        before = memory.ledger
        await memory.load()
        memory.ledger.carry_on(before)
        memory.begin(self._clock.now())
        memory.doubt_intents()
        session = memory.ledger.session
        if session.state is not SessionState.HALTED:
            sets = SessionChange(hold=Hold.HALT, held_by="tick", held_at=memory.journal.now, hold_reason=reason)
            memory.journal.take(Step(session, SessionTrigger.HALT, reason, {"error": repr(error)}, sets))
        self._tick_memory.schedule.hurry(RECONCILE.name)
        self._tick_memory.scanner.subscribed = {}  # the lines may have been asked for in the tick that failed

    def _lose_the_store(self, error: StoreUnusable) -> None:
        """The tick was not written and nothing of it was sent. Entries are taken back; wait where that can help, else
        end the run."""
        self._intake.put_back()
        outage = Outage(error, self._clock.monotonic())
        if error.passes:
            self._on_outage(f"{error}. It is tried again for {self._retry_for_s:g} s")
        self._do_without_the_store(outage)
        if not error.passes:
            raise error
        self._outage = outage

    def _do_without_the_store(self, outage: Outage) -> None:
        """Take entries back, and answer on the log who asks for something meanwhile."""
        if asked := outage.take_entries_back(self._memory.ledger, self._cancel):
            self._on_outage(f"the cancel of {asked} working entries was sent: what they bought now would have no stop")
        for answer in outage.answers(self._memory.ledger, self._intake.commands_that_wait()):
            self._on_outage(answer)

    async def _ask_the_store_again(self, outage: Outage) -> None:
        """Read everything anew and write the halt; once that is on disk, ticks go on."""
        self._memory.tick_number += 1  # a sign of life, for those who watch the number
        self._do_without_the_store(outage)
        now = self._clock.monotonic()
        if now < outage.next_at:
            return
        lasted = outage.lasted_s(now)
        words = f"the store could not be used for {lasted:.0f} s: {outage.error}"
        try:
            await self._begin_again(words, outage.error)
            self._memory.journal.alert(outage.error.code, words, {"lasted_s": lasted})
            await self._memory.commit()
        except StoreUnusable as error:
            if not error.passes or lasted >= self._retry_for_s:
                raise
            outage.again(error, now)
            return
        self._outage = None
        self._on_outage(f"the store is back after {lasted:.0f} s; the session is halted until it is resumed")
