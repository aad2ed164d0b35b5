"""A market that is fast enough for thousands of days: eight options and their shares on seeded random walks."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.domain.calendar import TradingSession, new_york_day
from bot.sim.vocabulary import TopOfBook, VenueInstrument
from tests.sim.small_market import SHARES, SmallMarket, an_option

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
CLOSE = OPEN + timedelta(minutes=7)
_SECONDS = 7 * 60 + 5
_CENT = Decimal("0.01")


def _option(con_id: int, strike: int, right: str) -> VenueInstrument:
    return an_option(con_id, f"SPY   261120{right}{strike * 1000:08d}", DAY, strike, right)


OPTIONS = tuple(_option(11 + n, 580 + 5 * (n // 2), "CP"[n % 2]) for n in range(8))


class ToyMarket(SmallMarket):
    """Premiums from a dime to six dollars, spreads of two or three cents."""

    def __init__(self, seed: int) -> None:
        super().__init__((SHARES, *OPTIONS), OPEN, CLOSE)
        chance = random.Random(f"market {seed}")
        self._paths = {option.con_id: _walk(chance) for option in OPTIONS}
        self._told = {o.con_id: _tellings(random.Random(f"standing {seed} {o.con_id}")) for o in OPTIONS}
        self._sizes = [chance.choice((3, 8, 25, 60)) for _ in range(_SECONDS)]
        price = random.Random(f"shares {seed}").choice((Decimal("586.31"), Decimal(590), Decimal("592.47")))
        self._shares = TopOfBook(price, price + _CENT, 500, 500, price, 1, 0, None, None, None, None)

    def bids(self) -> dict[str, set[Decimal]]:
        """Return every bid of the day, by key."""
        return {option.local_symbol: set(self._paths[option.con_id]) for option in OPTIONS}

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        if instrument.con_id == SHARES.con_id:
            return self._shares
        second = min(max(int((at - OPEN).total_seconds()), 0), _SECONDS - 1)
        said = self._told[instrument.con_id][second]
        bid, size = self._paths[instrument.con_id][said], self._sizes[said]
        ask = bid + _CENT * (2 if bid < 1 else 3)
        return TopOfBook(bid, ask, size, size, bid, 1, 0, None, None, None, None)


def _walk(chance: random.Random) -> list[Decimal]:
    """Return a bid a second: quick enough that stops and rungs are met within minutes."""
    cents, path = chance.uniform(80, 250), []
    wildness = chance.choice((0.01, 0.02, 0.03))
    for _ in range(_SECONDS):
        cents = min(max(cents * (1 + chance.gauss(0, wildness)), 10), 600)
        path.append(int(cents) * _CENT)
    return path


def _tellings(chance: random.Random) -> list[int]:
    """Return for each second the one whose quote still stands: on one day in three an option says nothing for up to two
    minutes, twice."""
    said = list(range(_SECONDS))
    if chance.random() >= 1 / 3:
        return said
    for _ in range(2):
        begin = chance.randrange(_SECONDS)
        for second in range(begin, min(begin + chance.randint(20, 120), _SECONDS)):
            said[second] = said[begin]
    return said


class ShortDay:
    """A calendar with one short session."""

    def session_on(self, day: date) -> TradingSession | None:
        return TradingSession(day, OPEN, CLOSE, is_half_day=True) if day == DAY else None

    def next_session(self, after: date) -> TradingSession:
        days = timedelta(days=0 if after < DAY else 3)
        return TradingSession(DAY + days, OPEN + days, CLOSE + days, is_half_day=True)

    def today(self, now: datetime) -> date:
        return new_york_day(now)
