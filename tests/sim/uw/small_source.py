"""A market to check by hand: two underlyings, five strikes, one expiry, a price that rises a cent a minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.sim.uw.source import (
    Candle,
    ContractState,
    ExposureMinute,
    FlowMinute,
    StockDay,
    StrikeRow,
    StrikeTable,
    VendorAlert,
)

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
PRICES = {"SPY": 600.0, "SPX": 6000.0}
ROOTS = {"SPY": "SPY", "SPX": "SPXW"}


def price_of(symbol: str, at: datetime) -> float:
    return PRICES[symbol] + 0.01 * ((at - OPEN) // timedelta(minutes=1))


def _minutes(until: datetime) -> list[datetime]:
    """Return the starts of the session's minutes that have ended by `until`."""
    return [OPEN + timedelta(minutes=n) for n in range(max(0, (min(until, CLOSE) - OPEN) // timedelta(minutes=1)))]


class SmallSource:
    """Counts what it is asked, so that a test can see what the face keeps."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def symbols(self) -> Sequence[str]:
        return tuple(PRICES)

    def day(self) -> date:
        return DAY

    def session(self) -> tuple[datetime, datetime]:
        return OPEN, CLOSE

    def is_index(self, symbol: str) -> bool:
        return symbol == "SPX"

    def exposures(self, symbol: str, until: datetime, skip: int) -> Sequence[ExposureMinute]:
        self._count("exposures")
        values = {"gamma_oi": 1e9, "gamma_dir": -5e8, "charm_oi": 12.5}
        begun = _minutes(until + timedelta(minutes=1))
        return [ExposureMinute(minute, price_of(symbol, minute), values) for minute in begun[skip:]]

    def strikes_at(self, symbol: str, at: datetime, expiries: Sequence[date] | None) -> StrikeTable:
        self._count("strikes")
        known = expiries is None or DAY in expiries
        rows = [
            StrikeRow(
                Decimal(str(PRICES[symbol] + step)),
                {"call_gamma_oi": 1e6 * (3 - abs(step)), "put_gamma_oi": -2e5 * (3 - step), "call_delta_oi": 7.0},
            )
            for step in (-2, -1, 0, 1, 2)
        ]
        return StrikeTable(at, price_of(symbol, at), rows if known else [])

    def flows(self, symbol: str, until: datetime, skip: int) -> Sequence[FlowMinute]:
        self._count("flows")
        return [
            FlowMinute(minute, 2234.0, -11106.0, 26294.5, 1145, 822, 182, 241, 49, 186)
            for minute in _minutes(until)[skip:]
        ]

    def contracts_at(self, symbol: str, at: datetime, last_expiry: date | None) -> Sequence[ContractState]:
        self._count("contracts")
        return [
            self._contract(symbol, strike, right, place)
            for place, (strike, right) in enumerate((s, r) for s in (-1, 0, 1) for r in "CP")
        ]

    def alerts(self, since: datetime, until: datetime) -> Sequence[VendorAlert]:
        self._count("alerts")
        times = [OPEN + timedelta(minutes=5 * n) for n in range(1, 78)]
        return [self._alert(n, at) for n, at in enumerate(times) if since < at <= until]

    def stock_at(self, symbol: str, at: datetime) -> StockDay:
        price = Decimal(f"{price_of(symbol, at):.2f}")
        return StockDay(at, price, price, price, price, price - 1, 1000)

    def candles(self, symbol: str, until: datetime, seconds: int) -> Sequence[Candle]:
        count = int((until - OPEN).total_seconds() // seconds)
        one = Decimal(str(PRICES[symbol]))
        return [Candle(OPEN + timedelta(seconds=seconds * n), one, one, one, one, 10) for n in range(count)]

    def _contract(self, symbol: str, step: int, right: str, place: int) -> ContractState:
        strike = Decimal(str(int(PRICES[symbol] + step)))
        return ContractState(
            symbol=f"{ROOTS[symbol]}{DAY:%y%m%d}{right}{int(strike * 1000):08d}", expiry=DAY,
            right=right, strike=strike, bid=None if place == 5 else Decimal("1.20"), ask=Decimal("1.25"),
            last=Decimal("1.22"), high=Decimal("2.00"), low=Decimal("1.00"), average=Decimal("1.50"),
            volume=100 * place, ask_volume=40 * place, bid_volume=30 * place, open_interest=500,
            previous_open_interest=450, iv=0.15, delta=0.5, gamma=0.02, theta=-0.4, vega=0.1, last_trade_at=OPEN,
        )  # fmt: skip

    def _alert(self, number: int, at: datetime) -> VendorAlert:
        symbol = "SPX" if number % 2 else "SPY"
        contract = self._contract(symbol, 1, "C", 1)
        return VendorAlert(
            id=f"00000000-0000-4000-8000-{number:012d}", rule="RepeatedHits", at=at, start=at, end=at, ticker=symbol,
            symbol=contract.symbol, expiry=DAY, right="C", strike=contract.strike, price=Decimal("1.25"),
            bid=contract.bid, ask=contract.ask, underlying_price=price_of(symbol, at), iv_start=0.15, iv_end=0.16,
            size=400, trades=12, premium=50_000.0, ask_side_premium=40_000.0, bid_side_premium=10_000.0, volume=900,
            open_interest=500, sweep=True, floor=False, opening=False,
        )  # fmt: skip

    def _count(self, what: str) -> None:
        self.asked[what] = self.asked.get(what, 0) + 1
