"""What the venue tells of its market without being asked again: quotes, prints, bars, books and greeks of the lines
that are wanted, and which lines are healthy; what is listed and when it trades, where that is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.chains import Chain, ChainListing
from bot.domain.events.market_data import (
    BookReceived,
    ChainTold,
    ContractQualified,
    GreeksReceived,
    HoursTold,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
)
from bot.domain.hours import DayHours
from bot.domain.instructions import Subscribe
from bot.domain.instruments import PriceGrid
from bot.domain.quotes import Quote
from bot.engine.state.ports import Clock, Sink
from bot.sim import broker_data, engine_facts, hours
from bot.sim.hours import HoursSaid
from bot.sim.market.rules import MARKET_RULES
from bot.sim.naming import Names
from bot.sim.tws.contracts import last_day_text
from bot.sim.vocabulary import TopOfBook, Venue, VenueInstrument

_CALM_LINES: Final = timedelta(seconds=3)
_SLOW_LINES: Final = timedelta(seconds=3)
_CHAIN_EVERY: Final = timedelta(seconds=60)
"""A chain's contracts have no lines here: each is asked once so often."""


@dataclass(slots=True)
class _Line:
    instrument: VenueInstrument
    kinds: frozenset[str]
    top: TopOfBook | None = None
    looked_at: datetime | None = None
    slow_at: datetime | None = None


class ClientStream:
    """The lines of one client. It is pumped by hand."""

    def __init__(self, venue: Venue, names: Names, clock: Clock, sink: Sink) -> None:
        self._venue, self._names, self._clock, self._sink = venue, names, clock, sink
        self._lines: dict[str, _Line] = {}
        self._unlisted: set[str] = set()  # wanted, and said to be nowhere
        self._chain: tuple[str, ...] = ()
        self._chain_at: datetime | None = None

    @property
    def lines(self) -> list[VenueInstrument]:
        return [line.instrument for line in self._lines.values()]

    @property
    def keys(self) -> Collection[str]:
        """Return whose lines are open."""
        return self._lines.keys()

    def subscribe(self, wanted: Subscribe) -> Iterable[str]:
        """Open the lines that are wanted and close all others; return which are new."""
        self._unlisted &= set(wanted.wanted)
        found = {key: instrument for key in wanted.wanted if (instrument := self._listed(key)) is not None}
        fresh = found.keys() - self._lines.keys()
        self._lines = {key: self._line(key, each, wanted.wanted[key]) for key, each in found.items()}
        self._chain = wanted.chain
        return fresh

    def _line(self, key: str, instrument: VenueInstrument, kinds: frozenset[str]) -> _Line:
        known = self._lines.get(key)
        if known is not None:
            known.kinds = kinds
            return known
        bands = tuple(MARKET_RULES[instrument.market_rule_id])
        grid = PriceGrid(bands) if instrument.sec_type == "OPT" else None
        self._sink(ContractQualified(key, instrument.con_id, grid, instrument=self._names.named(instrument)))
        return _Line(instrument, kinds)

    def _listed(self, key: str) -> VenueInstrument | None:
        """Return what a key names; one that names nothing is told once while it is wanted."""
        instrument = self._names.find(key)
        if instrument is None and key not in self._unlisted:
            self._unlisted.add(key)
            self._sink(ContractQualified(key, None, None, "the venue does not list it"))
        return instrument

    def tell_chains(self, symbols: Sequence[str]) -> None:
        """Tell what options are listed."""
        for symbol in symbols:
            if listings := listings_of(self._venue.market.find(symbol=symbol, sec_type="OPT")):
                now = self._clock.now()
                self._sink(ChainTold(symbol, Chain(symbol, listings, now)))

    def tell_quotes(self, keys: Sequence[str]) -> None:
        """Tell quotes and greeks once, without a line."""
        now, market = self._clock.now(), self._venue.market
        for key in keys:
            instrument = self._names.find(key)
            if instrument is not None:
                quote = engine_facts.quote(market.top(instrument, now), now)
                self._sink(QuoteSnapshot(key, quote, engine_facts.greeks(market, instrument, now)))

    def tell_hours(self, keys: Sequence[str], said: HoursSaid) -> None:
        """Tell trading hours, its own or others."""
        now = self._clock.now()
        days = [DayHours(day, periods) for day, periods in hours.days(self._venue.market, now, said)]
        for key in keys:
            instrument = self._names.find(key)
            if instrument is not None:
                last = last_day_text(instrument)
                self._sink(HoursTold(key, days, date.fromisoformat(last) if last else None, now))

    def renew(self, key: str | None = None) -> None:
        """Say everything again, as on lines that are new; with a key on that one alone."""
        for line in self._lines.values() if key is None else [self._lines[key]]:
            line.top = line.looked_at = line.slow_at = None

    def quoted(self) -> list[tuple[str, Quote]]:
        """Return what was last said of options."""
        now = self._clock.now()
        lines = ((k, line.top) for k, line in self._lines.items() if line.instrument.sec_type == "OPT")
        return [(key, engine_facts.quote(top, now)) for key, top in lines if top is not None]

    def healthy(self, now: datetime) -> LinesHeard:
        """Return which lines were answered: none of this venue's falls ill by itself."""
        quoted = frozenset(key for key, line in self._lines.items() if line.top is not None)
        return LinesHeard(quoted, frozenset(k for k, line in self._lines.items() if "book" in line.kinds), now)

    def pump(self) -> None:
        """Send what changed, and nothing of what stands still: every second where an order or a position is, more
        seldom elsewhere; then which lines are healthy."""
        now = self._clock.now()
        traded = {order.ticket.instrument.con_id for order in self._venue.open_orders()}
        traded.update(position.instrument.con_id for position in self._venue.positions())
        for key, line in self._lines.items():
            if line.instrument.con_id in traded or line.looked_at is None or now - line.looked_at >= _CALM_LINES:
                line.looked_at = now
                self._pump_quote(key, line, now)
            if line.slow_at is None or now - line.slow_at >= _SLOW_LINES:
                since, line.slow_at = line.slow_at or now, now
                self._pump_slow(key, line, since, now)
        if self._chain and (self._chain_at is None or now - self._chain_at >= _CHAIN_EVERY):
            self._chain_at = now
            self.tell_quotes(self._chain)
        self._sink(self.healthy(now))

    def _pump_quote(self, key: str, line: _Line, now: datetime) -> None:
        top = self._venue.market.top(line.instrument, now)
        if top == line.top:
            return
        line.top = top
        self._sink(QuoteReceived(key, engine_facts.quote(top, now)))

    def _pump_slow(self, key: str, line: _Line, since: datetime, now: datetime) -> None:
        market = self._venue.market
        if "trades" in line.kinds:
            for told in broker_data.trades_of(market, key, line.instrument, since, now, line.top):
                self._sink(told)
        if "bars" in line.kinds:
            for told in broker_data.bars_of(market, key, line.instrument, since, now):
                self._sink(told)
        if "book" in line.kinds:
            self._sink(BookReceived(key, engine_facts.depth(market.depth(line.instrument, now), now)))
        greeks = engine_facts.greeks(market, line.instrument, now)
        if greeks is not None:
            self._sink(GreeksReceived(key, greeks))


def listings_of(options: Sequence[VenueInstrument]) -> tuple[ChainListing, ...]:
    """Return what options are listed, by class and contract size."""
    classes: dict[tuple[str, int], list[VenueInstrument]] = {}
    for each in options:
        classes.setdefault((each.trading_class, each.multiplier), []).append(each)
    return tuple(
        ChainListing(
            *of_class,
            tuple(sorted({each.expiry for each in listed if each.expiry is not None})),
            tuple(sorted({each.strike for each in listed if each.strike is not None})),
        )
        for of_class, listed in sorted(classes.items())
    )
