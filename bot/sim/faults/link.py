"""A link to the broker that goes and comes as the script says, told step by step as an adapter tells it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import LinesHeard
from bot.engine.state.ports import Clock, Sink
from bot.sim.broker import SimBroker
from bot.sim.faults.callbacks import CallbackFaults
from bot.sim.faults.catalogue import Callback, Competing, Mute, OrdersLost, Restart
from bot.sim.faults.market import MarketFaults
from bot.sim.faults.script import FaultScript

_PROBED_EVERY: Final = timedelta(seconds=30)
_FLOWS: Final = frozenset({LinkChange.ACCEPTED, LinkChange.DATA_LOST})
_OF_DATA: Final = frozenset({LinkChange.COMPETING, LinkChange.DATA_LOST})


class FaultyLink:
    """Where the link stands. `forgets_before`: when the gateway last restarted, which forgets what was over by then."""

    def __init__(
        self,
        script: FaultScript,
        callbacks: CallbackFaults,
        market: MarketFaults,
        broker: SimBroker,
        clock: Clock,
        sink: Sink,
    ) -> None:
        self.script, self._callbacks, self._market = script, callbacks, market
        self._broker, self._clock, self._sink = broker, clock, sink
        self._time_told_at = clock.now()
        self.state = LinkChange.DROPPED
        self.forgets_before: datetime | None = None

    @property
    def is_dropped(self) -> bool:
        """There is no socket."""
        return self.state is LinkChange.DROPPED

    def is_mute(self, now: datetime) -> bool:
        return self.script.active(Mute, now) is not None

    def is_deaf(self, now: datetime) -> bool:
        """Nothing about orders passes in either direction."""
        return self.state in {LinkChange.DROPPED, LinkChange.ORDERS_LOST} or self.is_mute(now)

    def brings_data(self, now: datetime) -> bool:
        return self.state in _FLOWS and not self.is_mute(now)

    def hang_up(self) -> None:
        """Drop the link at our own wish, so that nothing is told."""
        self.state = LinkChange.DROPPED

    def follow(self, now: datetime) -> None:
        """Bring the link to where the script has it, and tell each step."""
        wanted = self._wanted(now)
        if wanted is self.state:
            return
        before, self.state = self.state, wanted
        self._broker.stream.renew()  # what was not heard comes again
        if wanted is not LinkChange.ACCEPTED:
            self._sink(LinesHeard(frozenset(), frozenset(), now))
        if wanted is LinkChange.DROPPED:
            self._callbacks.forget()
            self._tell(LinkChange.DROPPED, "the gateway is gone")
        elif before is LinkChange.DROPPED:
            self._connect(wanted, now)
        elif wanted is LinkChange.ACCEPTED:
            self._tell(LinkChange.DATA_RESTORED if before in _OF_DATA else LinkChange.RESTORED, "restored")
        elif before is LinkChange.ORDERS_LOST:
            self._tell(LinkChange.RESTORED, "restored")
            self._tell(wanted, "as before")
        else:
            self._tell(wanted, "scripted")

    def _connect(self, wanted: LinkChange, now: datetime) -> None:
        self._tell_time(now)
        self._tell(LinkChange.CONNECTING, "in process")
        self._tell(LinkChange.ACCEPTED, f"account {self._broker.account}")
        if wanted is not LinkChange.ACCEPTED:
            self._tell(wanted, "as before")

    def _wanted(self, now: datetime) -> LinkChange:
        if self.script.active(Restart, now) is not None:
            self.forgets_before = now
            return LinkChange.DROPPED
        if self.is_dropped and self._callbacks.is_missed(Callback.TIME, now):
            return LinkChange.DROPPED  # who is not told the time is not let in
        if self.script.active(OrdersLost, now) is not None:
            return LinkChange.ORDERS_LOST
        if self.script.active(Competing, now) is not None:
            return LinkChange.COMPETING
        return LinkChange.DATA_LOST if self._market.is_lost(now) else LinkChange.ACCEPTED

    def answer_probe(self, now: datetime) -> None:
        """Say what time it is, twice a minute, as TWS answers the probes of an adapter."""
        if self.is_dropped or self.is_mute(now) or now - self._time_told_at < _PROBED_EVERY:
            return
        if not self._callbacks.is_missed(Callback.TIME, now):
            self._tell_time(now)

    def _tell_time(self, now: datetime) -> None:
        self._time_told_at = now
        self._sink(BrokerTimeTold(now.replace(microsecond=0), now, now, self._clock.steady_s()))

    def _tell(self, change: LinkChange, detail: str) -> None:
        self._sink(LinkChanged(change, detail, self._clock.now()))
