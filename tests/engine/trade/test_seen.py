"""What a strategy measured, and the vendor's gamma by strike, are kept for whoever looks, and cost a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.calendar import TradingSession
from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.events.feeds import DatumReceived
from bot.domain.market import MarketView
from bot.strategies.base import Look
from tests.engine.desk import Desk
from tests.engine.fakes import FakeStrategy


@dataclass
class Measuring(FakeStrategy):
    """Says what it measured while it can."""

    measured: Mapping[str, Any] | None = None

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        return Look(symbol, None, "no lean", {"condition": "lean", **(self.measured or {})})


def exposure(desk: Desk, strike: int, net: float) -> StrikeExposure:
    return StrikeExposure(Decimal(strike), Decimal(590), desk.clock.now(), net, 0.0, 0.0, 0.0, 0.0, 0.0)


async def test_the_latest_measure_stays_while_a_look_measures_nothing() -> None:
    strategy = Measuring(measured={"price": Decimal("590.10"), "imbalance": 0.3})
    desk = await Desk(strategy=strategy).start()
    await desk.ticks(4, 1)
    measured_at = desk.clock.now()
    strategy.measured = None
    await desk.ticks(8, 1)
    rows = [row for batch in desk.store.batches for row in batch.strategy_stats.values() if row.symbol == "SPY"]
    assert rows[-1].seen["price"] == Decimal("590.10")
    assert rows[-1].seen_at is not None
    assert rows[-1].seen_at <= measured_at < rows[-1].at
    assert rows[-1].last_reason == "no lean"


async def test_each_answer_of_the_vendor_is_kept_once_in_rising_strikes() -> None:
    desk = await Desk(strategy=Measuring()).start()
    for strikes in ((592, 590, 591), (590, 591)):
        rows = tuple(exposure(desk, strike, float(strike)) for strike in strikes)
        told = (*rows, exposure(desk, 600, float("nan")))
        desk.put(DatumReceived(GEX_BY_STRIKE, "SPY", told, None, desk.clock.now(), 90.0, "unusual_whales"))
        await desk.ticks(6, 1)
    kept = [batch.gamma_profiles["SPY"] for batch in desk.store.batches if batch.gamma_profiles]
    assert [[strike for strike, _ in each.strikes] for each in kept] == [["590", "591", "592"], ["590", "591"]]
    assert kept[0].strikes[0] == ("590", 590.0)
