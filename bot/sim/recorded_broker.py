"""The broker of a replay: the venue's matching engine on recorded quotes, market data as they were received."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.events import Event
from bot.domain.events.market_data import (
    BookReceived,
    ContractQualified,
    GreeksReceived,
    LinesHeard,
    QuoteReceived,
    TradesReceived,
)
from bot.domain.instructions import Subscribe
from bot.engine.state.ports import Clock, Sink
from bot.sim.broker import SimBroker
from bot.sim.market.recorded import RecordedMarket
from bot.sim.naming import Names
from bot.sim.vocabulary import SimulatedVenue, VenueInstrument


class RecordedNames(Names):
    """A recording's instruments are found by the key under which they were named."""

    def __init__(self, market: RecordedMarket) -> None:
        super().__init__(market)
        self._recorded = market

    def find(self, key: str) -> VenueInstrument | None:
        return self._recorded.by_key(key)


class RecordedBroker(SimBroker):
    """Hands on what was recorded of the lines that are wanted now; orders, account and book are the venue's."""

    def __init__(
        self, market: RecordedMarket, simulated: SimulatedVenue, clock: Clock, sink: Sink, bot_id: str
    ) -> None:
        super().__init__(simulated, clock, sink, bot_id, RecordedNames(market))
        self._recorded = market
        self._wanted: frozenset[str] = frozenset()
        self._unlisted: set[str] = set()  # wanted, and said to be not recorded

    def heard(self, event: Event) -> None:
        """Take a fact of the market that was received now: the venue has it at once, the bot where it listens."""
        if isinstance(event, QuoteReceived):
            self._recorded.put(event.key, event.quote)
        if isinstance(event, QuoteReceived | GreeksReceived | BookReceived | TradesReceived):
            if event.key in self._wanted:
                self._sink(event)
        elif isinstance(event, ContractQualified):
            self._recorded.learn(event)
        else:
            self._sink(event)

    def tell_lines(self) -> None:
        """Say that the lines with a quote are healthy: for a recording in which nobody says it."""
        quoted = frozenset(key for key in self._wanted if self._recorded.quote(key) is not None)
        self._sink(LinesHeard(quoted, quoted, self._clock.now()))

    def subscribe(self, wanted: Subscribe) -> None:
        fresh = [key for key in wanted.wanted if key not in self._wanted]
        self._wanted = frozenset(wanted.wanted)
        self._unlisted &= self._wanted
        for key in fresh:
            named = self._recorded.named.get(key)
            if named is not None:
                self._qualified.add(key)
                self._sink(named)
            elif key not in self._unlisted:
                self._unlisted.add(key)
                self._sink(ContractQualified(key, None, None, "it is not in the recording"))
            quote = self._recorded.quote(key)
            if quote is not None:
                self._sink(QuoteReceived(key, quote))

    def ask_chains(self, symbols: Sequence[str]) -> None:
        """What the broker listed comes when it was told."""

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """What was asked for once comes when it was received."""

    def ask_hours(self, keys: Sequence[str]) -> None:
        """What the broker told of hours comes when it was told."""

    def pump(self) -> None:
        """Tell the account now and then; market data come by `heard`."""
        self.account_stream.tell(self._venue)
