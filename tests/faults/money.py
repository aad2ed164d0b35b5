"""What the account of a day is truly worth, and whether the bot halted and traded by that: asked of the venue alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.connection import ConnectionState
from bot.sim.faults.catalogue import AccountSays, Callback, DeadFarm, FarmSays, in_words
from bot.sim.faults.script import FaultScript
from bot.sim.matching import MatchingVenue

LOSSES: Final = ("daily_loss", "drawdown")
_NEVER_BY: Final = Decimal("0.5")
"""A halt at less than half of its limit is a false one: marks and moments differ, but not by so much."""
_SURELY_BY: Final = Decimal("1.5")
_KNOWN_WITHIN: Final = timedelta(seconds=25)
_FARM_LOOK: Final = timedelta(seconds=35)


class Money:
    """Follows won and lost, without what was paid in or out, second by second."""

    def __init__(self, venue: MatchingVenue, equity: Decimal, fractions: dict[str, Decimal], most_usd: Decimal) -> None:
        self._venue = venue
        self._limits = {name: fractions[name] * equity for name in LOSSES}
        if most_usd:
            self._limits["daily_loss"] = min(self._limits["daily_loss"], most_usd)
        self._high = self._worst = self._fall = Decimal(0)
        self._deep_since: datetime | None = None
        self.broken: list[str] = []

    def look(self, now: datetime) -> None:
        made = self._venue.daily_pnl(now)[0]
        self._high = max(self._high, made)
        self._worst, self._fall = max(self._worst, -made), max(self._fall, self._high - made)
        deep = -made > _SURELY_BY * self._limits["daily_loss"]
        self._deep_since = (self._deep_since or now) if deep else None

    def tripped(self, names: Iterable[str]) -> None:
        """A breaker of the money tripped: so much must have been lost at some time."""
        truly = {"daily_loss": self._worst, "drawdown": self._fall}
        for name in names:
            if name in truly and truly[name] < _NEVER_BY * self._limits[name]:
                words = f"false halt: {name} at a loss of {truly[name]}, the limit is {self._limits[name]}"
                if words not in self.broken:
                    self.broken.append(words)

    def why_no_entry(self, now: datetime) -> str | None:
        if self._deep_since is not None and now - self._deep_since > _KNOWN_WITHIN:
            return f"more than the day may lose is lost since {self._deep_since:%H:%M:%S}"
        return None


def told_in_euros(script: FaultScript, now: datetime, run_began: datetime) -> bool:
    """Whether the account is said to be kept in euros for so long that a bot that hears it knows it."""
    before = now - _KNOWN_WITHIN
    if run_began > before or any(f.bends(Callback.ACCOUNT) for f in script.touching(now) + script.touching(before)):
        return False
    said = [
        f for f in script.faults if isinstance(f, AccountSays) and (script.lasts(f, now) or script.lasts(f, before))
    ]
    return bool(said) and all(f.says == "base" and script.lasts(f, now) and script.lasts(f, before) for f in said)


def blocked_by_words(script: FaultScript, state: ConnectionState, now: datetime) -> str | None:
    """Return which notice of a farm keeps trades out although nothing that we need is silent, None where none does."""
    if state is not ConnectionState.DEGRADED_DATA:
        return None
    farms = [f for f in script.faults if isinstance(f, FarmSays)]
    if not farms:
        return None
    for seconds in range(int(_FARM_LOOK.total_seconds()) + 1):
        at = now - timedelta(seconds=seconds)
        if any(f.silent != "nothing" and script.lasts(f, at) for f in farms):
            return None
        if script.active(DeadFarm, at) is not None:
            return None
        if any(f.callback in _DATA for f in script.touching(at)):
            return None
    return "no trade because of " + "; ".join(in_words(f) for f in farms)


_DATA: Final = frozenset({Callback.QUOTE, Callback.GREEKS})
