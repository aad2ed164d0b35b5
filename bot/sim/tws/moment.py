"""The venue at one instant, each thing looked up at most once whoever asks, so that clients share the model's work."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cached_property

from bot.sim.vocabulary import ModelGreeks, TopOfBook, Venue, VenueDepth, VenueInstrument, VenuePosition


class VenueMoment:
    """What the market and the account are at `at` (UTC, simulated); `monotonic` is wall seconds, for pacing."""

    def __init__(self, venue: Venue, at: datetime, monotonic: float) -> None:
        self.venue = venue
        self.market = venue.market
        self.at = at
        self.monotonic = monotonic
        self._tops: dict[int, TopOfBook] = {}
        self._greeks: dict[int, ModelGreeks | None] = {}
        self._depths: dict[tuple[int, int], VenueDepth] = {}

    def top(self, instrument: VenueInstrument) -> TopOfBook:
        con_id = instrument.con_id
        if con_id not in self._tops:
            self._tops[con_id] = self.market.top(instrument, self.at)
        return self._tops[con_id]

    def greeks(self, instrument: VenueInstrument) -> ModelGreeks | None:
        con_id = instrument.con_id
        if con_id not in self._greeks:
            self._greeks[con_id] = self.market.greeks(instrument, self.at)
        return self._greeks[con_id]

    def depth(self, instrument: VenueInstrument, levels: int) -> VenueDepth:
        key = (instrument.con_id, levels)
        if key not in self._depths:
            self._depths[key] = self.market.depth(instrument, self.at, levels)
        return self._depths[key]

    def mark(self, instrument: VenueInstrument) -> Decimal:
        """Return the price at which a holding is valued, per share: mid, else last, else close, else zero."""
        top = self.top(instrument)
        if top.bid is not None and top.ask is not None:
            return (top.bid + top.ask) / 2
        return top.last or top.close or Decimal(0)

    @cached_property
    def account_values(self) -> dict[str, Decimal]:
        return self.venue.account_values(self.at)

    @cached_property
    def positions(self) -> list[VenuePosition]:
        return self.venue.positions()

    @cached_property
    def daily_pnl(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.venue.daily_pnl(self.at)
