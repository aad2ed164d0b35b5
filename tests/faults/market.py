"""A market that is fast enough for thousands of days: eight options and their shares on seeded random walks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.domain.calendar import TradingSession
from bot.sim.vocabulary import Bar, Depth, Instrument, ModelGreeks, Print, TopOfBook

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
CLOSE = OPEN + timedelta(minutes=7)
_SECONDS = 7 * 60 + 5
_CENT = Decimal("0.01")


def _option(con_id: int, strike: int, right: str) -> Instrument:
    local = f"SPY   261120{right}{strike * 1000:08d}"
    return Instrument(
        con_id, "SPY", "OPT", "SMART", "CBOE", local, "SPY", multiplier=100, expiry=DAY, strike=Decimal(strike),
        right=right, market_rule_id=26, under_con_id=1,
    )  # fmt: skip


SHARES = Instrument(1, "SPY", "STK", "SMART", "ARCA", "SPY", "SPY")
OPTIONS = tuple(_option(11 + n, 580 + 5 * (n // 2), "CP"[n % 2]) for n in range(8))


class ToyMarket:
    """Implements the venue's `Market`: premiums from a dime to six dollars, spreads of two or three cents."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(f"market {seed}")
        self._paths = {option.con_id: _walk(chance) for option in OPTIONS}
        self._sizes = [chance.choice((3, 8, 25, 60)) for _ in range(_SECONDS)]
        self._all = (SHARES, *OPTIONS)
        self._shares = TopOfBook(Decimal(590), Decimal("590.01"), 500, 500, Decimal(590), 1, 0, None, None, None, None)

    def instruments(self) -> Sequence[Instrument]:
        return self._all

    def by_con_id(self, con_id: int) -> Instrument | None:
        return next((each for each in self._all if each.con_id == con_id), None)

    def find(self, **wanted: object) -> list[Instrument]:
        return [each for each in self._all if all(getattr(each, name) == value for name, value in wanted.items())]

    def top(self, instrument: Instrument, at: datetime) -> TopOfBook:
        if instrument.con_id == SHARES.con_id:
            return self._shares
        second = min(max(int((at - OPEN).total_seconds()), 0), _SECONDS - 1)
        bid, size = self._paths[instrument.con_id][second], self._sizes[second]
        ask = bid + _CENT * (2 if bid < 1 else 3)
        return TopOfBook(bid, ask, size, size, bid, 1, 0, None, None, None, None)

    def greeks(self, instrument: Instrument, at: datetime) -> ModelGreeks | None:
        return None

    def depth(self, instrument: Instrument, at: datetime, levels: int = 10) -> Depth:
        return Depth((), ())

    def prints(self, instrument: Instrument, since: datetime, until: datetime) -> list[Print]:
        return []

    def bars(self, instrument: Instrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        return []

    def open_interest(self, instrument: Instrument) -> int:
        return 0

    def session_open(self) -> datetime:
        return OPEN

    def session_close(self) -> datetime:
        return CLOSE


def _walk(chance: random.Random) -> list[Decimal]:
    """Return a bid a second: quick enough that stops and rungs are met within minutes."""
    cents, path = chance.uniform(80, 250), []
    wildness = chance.choice((0.01, 0.02, 0.03))
    for _ in range(_SECONDS):
        cents = min(max(cents * (1 + chance.gauss(0, wildness)), 10), 600)
        path.append(int(cents) * _CENT)
    return path


class ShortDay:
    """A calendar with one short session."""

    def session_on(self, day: date) -> TradingSession | None:
        return TradingSession(day, OPEN, CLOSE, is_half_day=True) if day == DAY else None

    def next_session(self, after: date) -> TradingSession:
        return TradingSession(DAY, OPEN, CLOSE, is_half_day=True)

    def today(self, now: datetime) -> date:
        return DAY
