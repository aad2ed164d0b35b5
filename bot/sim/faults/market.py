"""A market data side that fails: lines and farms that fall silent, quotes that are none, prints that are no market."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.events import Event
from bot.domain.events.market_data import BookReceived, GreeksReceived, LinesHeard, QuoteReceived, QuoteSnapshot
from bot.domain.farms import OPTIONS, UNDERLYINGS, FarmWatch, Group
from bot.domain.instruments import option_of_key
from bot.domain.quotes import Quote
from bot.engine.state.ports import Sink
from bot.sim.broker import SimBroker
from bot.sim.faults.callbacks import CallbackFaults
from bot.sim.faults.catalogue import (
    BadQuotes,
    Callback,
    DeadFarm,
    DeadLine,
    Delayed,
    FarmSays,
    HaltTold,
    Mute,
    WildPrint,
)
from bot.sim.faults.script import FaultScript, WildBid
from bot.sim.faults.wild import wild_quote

_LINES_QUIET_S: Final = 10.0  # the adapter's ibkr.line_quiet_s
_NEXT_LOOK: Final = timedelta(seconds=2)


class MarketFaults:
    """Does to market data what the script says, and watches the farms as an adapter does."""

    def __init__(self, script: FaultScript, callbacks: CallbackFaults, broker: SimBroker, sink: Sink) -> None:
        self.script, self._callbacks, self._broker, self._sink = script, callbacks, broker, sink
        self._farms = FarmWatch(_LINES_QUIET_S)
        self._spoke: dict[str, float] = {}
        self._lines_since: float | None = None
        self._silenced: tuple[object, ...] = (None,) * 6

    def is_lost(self, now: datetime) -> bool:
        """Say whether market data as a whole count as lost."""
        return bool(self._farms.lost) or self.script.active(DeadFarm, now) is not None

    def hear(self, kind: Callback, event: Event, now: datetime) -> None:
        """Pass on what the market says, but for what is silent."""
        if isinstance(event, LinesHeard):
            dead = frozenset(key for key in event.quotes | event.books if self._is_dead(key, now))
            self._sink(LinesHeard(event.quotes - dead, event.books - dead, now))
            return
        of_a_key = isinstance(event, QuoteReceived | QuoteSnapshot | GreeksReceived | BookReceived)
        if of_a_key and self._is_dead(event.key, now):  # type: ignore[union-attr]  # all of these have one
            return
        if isinstance(event, QuoteReceived | GreeksReceived):
            self._spoke[OPTIONS if self._is_option(event.key) else UNDERLYINGS] = now.timestamp()
        if isinstance(event, QuoteReceived | QuoteSnapshot):
            event = replace(event, quote=self._bent(event.key, event.quote, now))
        self._callbacks.bend(kind, event, now)

    def _bent(self, key: str, quote: Quote, now: datetime) -> Quote:
        """Return a quote as it is told: no number is None on our side."""
        bad, option = self.script.active(BadQuotes, now), self._is_option(key)
        late, halt = self.script.active(Delayed, now), self.script.active(HaltTold, now)
        if bad is not None and bad.value == "no_size":
            quote = replace(quote, bid_size=0, ask_size=0)
        elif bad is not None:
            sides = (quote.ask, quote.bid) if bad.value == "crossed" else (None, None)
            quote = replace(quote, bid=sides[0], ask=sides[1])
        if late is not None and late.concerns(option):
            quote = replace(quote, delayed=True)
        if halt is not None and halt.concerns(option):
            quote = replace(quote, halted=True)
        return quote

    def print_wildly(self, now: datetime) -> None:
        """What the next look at the market takes back: so there is none while what the market says may not come, or
        not in its order."""
        fault, chance = self.script.active(WildPrint, now), self.script.chance
        looks = (now, now + _NEXT_LOOK)
        if fault is None or any(self.script.active(Mute, at) is not None for at in looks):
            return
        if any(each.bends(Callback.QUOTE) for at in looks for each in self.script.touching(at)):
            return
        for key, quote in self._broker.stream.quoted():
            if chance.random() >= fault.share or any(self._is_dead(key, at) for at in looks):
                continue
            wild = wild_quote(quote, fault.does, chance, now)
            if wild is not None:
                self._broker.stream.renew(key)
                self.script.wild.append(WildBid(now, key, wild.bid or Decimal(0), quote.bid or Decimal(0)))
                self._sink(QuoteReceived(key, wild))

    def hang_up(self, now: datetime) -> None:
        """Forget the farms: the gateway is gone, and nobody is there to hear what they say."""
        self._farms.forget()
        self._spoke.clear()
        self._lines_since = None
        self.script.due(FarmSays, now)

    def look_at_farms(self, now: datetime, *, deaf: bool) -> None:
        """Do as an adapter does: a notice starts a look, what is silent and asked anew is lost."""
        at = now.timestamp()
        for farm in self.script.due(FarmSays, now):
            self._farms.noticed(f"{farm.code} {farm.text}", at)
        if not deaf:
            self._farms.heard(at)
        since = self._lines_since = self._lines_since or at
        there = {OPTIONS if line.sec_type == "OPT" else UNDERLYINGS for line in self._broker.stream.lines}
        for group in self._farms.judge(at, {name: Group(since, self._spoke.get(name)) for name in there}):
            if not any(farm.silences(group == OPTIONS) for farm in self._farm_faults(now)):
                self._spoke[group] = at + 0.001

    def renew_what_was_dead(self, now: datetime) -> None:
        """A line that is served again says everything again."""
        active = self.script.active
        silenced = tuple(active(kind, now) for kind in (Mute, DeadFarm, DeadLine, BadQuotes, Delayed, HaltTold))
        if silenced != self._silenced:
            self._silenced = silenced
            self._broker.stream.renew()

    def _is_dead(self, key: str, now: datetime) -> bool:
        """Say whether the line of a key says nothing now, because it ended or its farm is gone."""
        option = self._is_option(key)
        farm, line = self.script.active(DeadFarm, now), self.script.active(DeadLine, now)
        if farm is not None and (farm.farm == "usopt") is option:
            return True
        if any(each.silences(option) for each in self._farm_faults(now)):
            return True
        return line is not None and option and _by_name(key, line.starts()) < line.share

    @staticmethod
    def _is_option(key: str) -> bool:
        return option_of_key(key) is not None

    def _farm_faults(self, now: datetime) -> list[FarmSays]:
        return [f for f in self.script.faults if isinstance(f, FarmSays) and self.script.lasts(f, now)]


def _by_name(key: str, salt: int) -> float:
    """Return a number of a name that is the same in every process: 0 to 1."""
    return zlib.crc32(f"{key} {salt}".encode()) / 2**32
