"""Machines whose decision failed are parked: told of once, tried again with growing patience; the others go on.

A machine is an order, a signal, a position, a strategy, or a job of the clock (marks, breakers, budgets).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

_T = TypeVar("_T")
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0


class ParkedKind(StrEnum):
    """What can be parked; the names of those that live end with them."""

    ORDER = "order"
    SIGNAL = "signal"
    POSITION = "position"
    STRATEGY = "strategy"
    JOB = "job"


_MORTAL: Final = frozenset({ParkedKind.ORDER, ParkedKind.SIGNAL, ParkedKind.POSITION})


class Parkable(NamedTuple):
    """A machine or a job of the clock, by its kind and its name there: an order's reference, an id, what a job is
    called."""

    kind: ParkedKind
    name: str

    def __str__(self) -> str:
        return self.name if self.kind is ParkedKind.JOB else f"{self.kind} {self.name}"


@dataclass(slots=True)
class _Parked:
    failures: int
    until: datetime


@dataclass(slots=True)
class Parking:
    """Memory between ticks. A decision is pure, so one that fails has changed nothing: the stop at the broker stays."""

    parked: dict[Parkable, _Parked] = field(default_factory=dict)

    def attempt(self, journal: Journal, machine: Parkable, decide: Callable[[], Sequence[_T]]) -> Sequence[_T]:
        """Return what the machine decides, nothing while it is parked or when its decision fails."""
        if self.parked and self._waits(journal, machine):
            return ()
        try:
            decided = decide()
        except Exception as error:  # one machine's fault must not stop the exits of all others
            self._park(journal, machine, error)
            return ()
        if self.parked:
            self._resume(journal, machine)
        return decided

    def run(self, journal: Journal, job: str, work: Callable[..., None], *given: Any, **named: Any) -> bool:
        """Let a job of the clock run, with what is `given`, unless it is parked; say whether it is well. What it wrote
        before it failed is kept: rows of a job stand for themselves."""
        if self.parked and self._waits(journal, Parkable(ParkedKind.JOB, job)):
            return False
        try:
            work(*given, **named)
        except Exception as error:  # as above
            self._park(journal, Parkable(ParkedKind.JOB, job), error)
            return False
        if self.parked:
            self._resume(journal, Parkable(ParkedKind.JOB, job))
        return True

    def run_job(
        self, ctx: Context, journal: Journal, job: str, work: Callable[..., None], *rest: Any, **named: Any
    ) -> bool:
        """As `run`, for work that takes a tick's world and its journal first."""
        if self.parked:
            return self.run(journal, job, work, ctx, journal, *rest, **named)
        try:
            work(ctx, journal, *rest, **named)
        except Exception as error:  # as above
            self._park(journal, Parkable(ParkedKind.JOB, job), error)
            return False
        return True

    def carry_out(self, journal: Journal, machine: Parkable, decide: Callable[[], Sequence[Step]]) -> None:
        """Let one machine decide and write what it decides."""
        journal.carry_out(self.attempt(journal, machine, decide))

    def keep(self, alive: Collection[str]) -> None:
        """Forget the orders, signals and positions that are over; strategies and jobs stay."""
        for machine in list(self.parked):
            if machine.kind in _MORTAL and machine.name not in alive:
                del self.parked[machine]

    def is_parked(self, kind: ParkedKind, name: str) -> bool:
        return bool(self.parked) and Parkable(kind, name) in self.parked

    def _waits(self, journal: Journal, machine: Parkable) -> bool:
        known = self.parked.get(machine)
        return known is not None and journal.now < known.until

    def _resume(self, journal: Journal, machine: Parkable) -> None:
        known = self.parked.pop(machine, None)
        if known is not None:
            journal.alert(
                "MACHINE_RESUMED", f"{machine} works again", {"what": str(machine), "failures": known.failures}
            )

    def _park(self, journal: Journal, machine: Parkable, error: Exception) -> None:
        failures = self.parked[machine].failures + 1 if machine in self.parked else 1
        wait = min(_FIRST_S * 2 ** min(failures - 1, 10), _LONGEST_S)
        self.parked[machine] = _Parked(failures, journal.now + timedelta(seconds=wait))
        if failures > 1:
            return
        trace = "".join(traceback.format_exception(error))
        words = f"{machine} failed ({error!r}): it is parked and tried again; its orders stay, all else goes on"
        journal.alert("MACHINE_PARKED", words, {"what": str(machine), "error": repr(error), "traceback": trace})
