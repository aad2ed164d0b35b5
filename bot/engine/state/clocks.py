"""Our clock beside the broker's: whether the time of day is known.

Context: a machine's clock can be wrong from the start, or be set while the bot runs, and our own time follows it; an
hour ahead, a 0DTE position counts as expired. Decision: the broker's time, told at each connect and with every probe
and carried on by the clock that never jumps, is a third witness; where ours is further from it than
`engine.broker_clock_limit_s`, or the broker has not told its own yet, the time of day is not known. Consequence: a
wrong clock stops what goes by it, within a tick, and nothing else; a broker that never tells its time keeps the session
from becoming active, as one that is mute does anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from bot.domain.events.link import BrokerTimeTold
from bot.domain.wording import new_york

UNHEARD: Final = "the broker has not told its time yet"
_RESOLUTION: Final = timedelta(seconds=1)
_AGREE_AGAIN: Final = 2  # half the limit, so that a difference at the limit does not come and go
_NONE: Final = timedelta(0)


class BlockedBy(Enum):
    """What keeps entries out since the machine's clock was set."""

    PARTED = "parted"  # wall and bot disagree on the time
    COMPARISON = "comparison"  # they agree again, and the broker's book is not compared yet


@dataclass(frozen=True, slots=True)
class ClockBlock:
    """Why the machine's clock keeps entries out, and in words for those who read it."""

    by: BlockedBy
    words: str


@dataclass(slots=True)
class Clocks:
    """`fault` says in words why the time of day is not known, empty: it is. `ahead` is ours less the broker's while the
    two differ by too much, else nothing; `apart` the same, however small."""

    fault: str = UNHEARD
    ahead: timedelta = _NONE
    apart: timedelta = _NONE
    is_fresh: bool = False  # the broker has told its time since it was last spoken of: no guess by a clock of ours
    told: str = ""  # how severely a person was last told
    wall_ahead_s: float = 0.0  # how far the machine's wall clock was last told to be ahead of our time
    block: ClockBlock | None = None  # since the machine's clock was set; None: it keeps no entry out
    wait_for_agreement: bool = True  # what follows when they agree was not drawn yet
    _broker_at: datetime | None = None
    _steady_s: float = 0.0

    @property
    def why_blocked(self) -> str:
        """Return in words why the machine's clock keeps entries out; empty: it does not."""
        return self.block.words if self.block is not None else ""

    @property
    def difference(self) -> str:
        """Return in words how far the two are apart, empty while they agree or the broker's is unknown."""
        return self.fault if self.ahead else ""

    def of_broker(self, moment: datetime) -> datetime:
        """Return the broker's time at a moment of ours: the same, while they agree or the broker's is unknown."""
        return moment - self.ahead

    def hear(self, told: BrokerTimeTold) -> None:
        """Take the broker's word. It was said at some moment of the round trip and cut to whole seconds: of all times
        that it can have been when the answer came, the one nearest to ours is taken."""
        latest = told.broker_at + _RESOLUTION + max(told.at - told.asked_at, _NONE)
        self._broker_at = min(max(told.at, told.broker_at), latest)
        self._steady_s, self.is_fresh = told.steady_s, True

    def unsaid(self) -> Clocks:
        """Return these clocks after a tick that was not written: what it told and concluded is told and concluded
        again."""
        return replace(self, is_fresh=self._broker_at is not None, told="", wait_for_agreement=True)

    def compare(self, now: datetime, steady_s: float, speed: float, limit_s: float) -> None:
        """Say of our time `now`, at `steady_s` of the steady clock, whether it is the broker's. `speed`: seconds of
        ours to one of the steady clock."""
        if self._broker_at is None:
            return
        broker_now = self._broker_at + timedelta(seconds=(steady_s - self._steady_s) * speed)
        self.apart = now - broker_now
        most = timedelta(seconds=limit_s / _AGREE_AGAIN if self.ahead else limit_s)
        if abs(self.apart) <= most:
            self.fault, self.ahead = "", _NONE
            return
        self.wait_for_agreement = True
        news = self.is_fresh or not self.ahead
        self.ahead = self.apart
        if not news:
            return  # the words stay as they were told, not anew with every tick
        side = "ahead" if self.apart > _NONE else "behind"
        self.fault = (
            f"the machine's clock says {new_york(now)}, the broker's {new_york(broker_now)}: "
            f"it is {abs(self.apart).total_seconds():.0f} s {side}"
        )
