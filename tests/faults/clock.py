"""The clock of a bot in a short day: the venue's true time, kept on a machine whose wall clock the script sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.clocks.clock import ManualClock
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import OrderReported
from bot.sim.faults.clock import ScriptedTime
from bot.sim.faults.script import FaultScript

Stamped = TypeVar("Stamped")


class BotClock:
    """Implements the engine's Clock over a manual one. It is made anew with every start: then it takes the wall's
    time."""

    speed: float = 1.0

    def __init__(self, true: ManualClock, script: FaultScript) -> None:
        self._true = true
        self.time = ScriptedTime(true.now, script)

    def now(self) -> datetime:
        return self.time.now()

    def apart_s(self) -> float:
        return self.time.apart_s()

    def monotonic(self) -> float:
        return self._true.monotonic()

    def steady_s(self) -> float:
        return self._true.steady_s()

    async def sleep(self, seconds: float) -> None:
        await self._true.sleep(seconds)

    def stamped(self, event: Stamped) -> Stamped:
        """Return what came from the venue with the bot's own time on it, as an adapter on that machine stamps it."""
        ahead = self.now() - self._true.now()
        return event if not ahead else _moved(event, ahead)


def _moved(event: Any, by: timedelta) -> Any:
    if isinstance(event, QuoteReceived):
        return replace(event, quote=_moved(event.quote, by))
    if isinstance(event, OrderReported):
        return replace(event, view=_moved(event.view, by))
    moments = {name: getattr(event, name) + by for name in ("at", "asked_at") if hasattr(event, name)}
    return replace(event, **moments) if moments else event
