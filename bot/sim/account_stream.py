"""What the venue tells of the account without being asked again: its values now and then, and what each option that is
held brought and the account in its currency where that is news."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.events.account import PositionPnlTold
from bot.engine.state.ports import Clock, Sink
from bot.sim import broker_data, engine_facts
from bot.sim.naming import Names
from bot.sim.vocabulary import Venue

_EVERY: Final = timedelta(seconds=10)
_CURRENCY: Final = "the account's currency"


class AccountStream:
    """What was told before outlives a venue: a client that logs in anew asks what became of it."""

    def __init__(self, clock: Clock, sink: Sink) -> None:
        self._clock, self._sink = clock, sink
        self._told_at: datetime | None = None
        self._told_of: dict[str, tuple[object, ...]] = {}  # by holding, what it was told to have brought

    def renew(self) -> None:
        """Tell the account's values at the next occasion, however lately they were told."""
        self._told_at = None

    def pump(self, venue: Venue, names: Names) -> None:
        """Tell what is held and the account when the last word is a while ago."""
        if self._is_due():
            self._tell_what_was_brought(venue, names, self._clock.now())
        self.tell(venue)

    def tell(self, venue: Venue) -> None:
        """Tell the account's values when the last word is a while ago."""
        if self._is_due():
            self._told_at = self._clock.now()
            self._sink(engine_facts.account_values(venue, self._told_at))

    def _is_due(self) -> bool:
        return self._told_at is None or self._clock.now() - self._told_at >= _EVERY

    def _tell_what_was_brought(self, venue: Venue, names: Names, now: datetime) -> None:
        """Tell what each option that is held, or was, brought, and the account in its currency, where that is news."""
        held = {names.key(each.instrument): each for each in venue.positions() if each.instrument.sec_type == "OPT"}
        for key, position in held.items():
            told = broker_data.brought(venue.market, key, position, now)
            if self._is_news(key, (told.quantity, told.daily, told.unrealized, told.realized)):
                self._sink(told)
        for key in [each for each in self._told_of if each not in held and each != _CURRENCY]:
            del self._told_of[key]
            self._sink(PositionPnlTold(key, 0, None, None, None, None, now))
        told_of = broker_data.in_dollars(venue.account_id, venue.account_values(now), now)
        if self._is_news(_CURRENCY, (told_of.cash, told_of.net_liquidation)):
            self._sink(told_of)

    def _is_news(self, name: str, values: tuple[object, ...]) -> bool:
        known = self._told_of.get(name)
        self._told_of[name] = values
        return known != values
