"""Fast entries: above the ask at once, followed a few times, never dearer than the caps; patient ones as ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.events.market_data import GreeksReceived, QuoteReceived
from bot.domain.order import OrderState, Purpose
from bot.domain.quotes import Greeks
from bot.domain.signal import SignalState
from bot.engine.trade.entry_style import dearest
from bot.strategies.base import Look, Proposal
from tests.engine.desk import SPY_590C, TEN, Desk
from tests.engine.fakes import FakeStrategy, a_quote


@dataclass
class Sure(FakeStrategy):
    """Proposes with a confidence."""

    confidence: float = 90.0

    def look(self, symbol: str, view: Any, session: Any, now: datetime) -> Look:
        found = super().look(symbol, view, session, now)
        if found.proposal is None:
            return found
        said = {"confidence": self.confidence}
        return Look(symbol, Proposal(self.name, found.proposal.contract, found.proposal.quote, said), "told", said)


async def entering(confidence: float = 90.0, settings: dict[str, Any] | None = None) -> Desk:
    desk = await Desk(settings, strategy=Sure(confidence=confidence)).start()
    await desk.propose(4)
    await desk.settle()
    return desk


async def test_a_sure_one_goes_a_tick_above_the_ask_and_a_doubtful_one_from_the_mid() -> None:
    assert (await entering(86)).broker.entry.terms.limit_price == Decimal("2.03")
    assert (await entering(85)).broker.entry.terms.limit_price == Decimal("2.00")


async def test_the_settings_may_have_each_worked_fast() -> None:
    desk = await entering(60, {"execution": {"entry_style": "fast"}})
    assert desk.broker.entry.terms.limit_price == Decimal("2.03")


async def test_it_follows_the_ask_twice_and_is_given_up() -> None:
    """Three tries of five seconds; each try is an amendment on the record, none beyond five percent of the mid."""
    desk = await entering()
    desk.quote("2.02", "2.06")
    await desk.wait(6)
    assert [t.terms.limit_price for t in desk.broker.amended] == [Decimal("2.07")]
    desk.quote("2.04", "2.08")
    await desk.wait(6)
    assert [t.terms.limit_price for t in desk.broker.amended] == [Decimal("2.07"), Decimal("2.09")]
    desk.quote("2.06", "2.10")
    await desk.wait(6)
    assert len(desk.broker.amended) == 2
    assert desk.store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED
    assert desk.signal.state is SignalState.CANCELLED


async def test_no_try_costs_more_than_when_it_was_sized() -> None:
    desk = await entering()
    desk.quote("2.40", "2.44")
    await desk.wait(6)
    assert [t.terms.limit_price for t in desk.broker.amended] == [Decimal("2.10")]


async def test_what_has_become_too_dear_is_taken_back_with_its_numbers() -> None:
    desk = await entering()
    desk.quote("1.70", "1.74")
    await desk.settle()
    assert desk.store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED
    words = [t.reason for t in desk.store.transitions if t.trigger == "request_cancel"]
    assert words == ["SLIPPAGE_TOO_HIGH would_be=2.03 max=1.80 mid=1.72"]


async def test_a_fill_that_comes_with_the_last_cancel_counts() -> None:
    desk = await entering()
    desk.quote("1.70", "1.74")
    await desk.tick()
    bought = desk.broker.entry.left  # sized at the most that it may cost, 2.10
    desk.broker.fill(desk.broker.entry, bought, "1.74")
    await desk.settle()
    assert (bought, desk.position.quantity, desk.broker.stop_order.terms.quantity) == (3, 3, 3)


@pytest.mark.parametrize("mid,most", [("2.00", "2.10"), ("0.03", "0.04"), ("0.10", "0.11")])
async def test_a_tick_may_always_be_paid(mid: str, most: str) -> None:
    desk = await Desk().start()
    assert dearest(desk.engine._context(TEN), SPY_590C.key, Decimal(mid)) == Decimal(most)


async def test_the_dearest_is_the_share_or_the_next_tick() -> None:
    desk = await Desk().start()
    ctx = desk.engine._context(TEN)
    grid = ctx.board.grid(SPY_590C.key)
    for cents in (1, 2, 3, 7, 19, 20, 21, 99, 100, 101, 250, 299, 300, 301, 305, 999, 1234, 20_000):
        mid = Decimal(cents) / 100
        found = dearest(ctx, SPY_590C.key, mid)
        assert mid < found <= max(mid * Decimal("1.05"), grid.up(mid + grid.tick_at(mid)))


async def test_what_it_is_of_the_underlying_binds_where_the_delta_is_known() -> None:
    """Ten hundredths of a percent of 600 at a delta of a tenth are six cents."""
    desk = await Desk().start()
    desk.quote("2.00", "2.02")
    desk.put(QuoteReceived("SPY", a_quote("599.99", "600.01", desk.clock.now())))
    desk.put(GreeksReceived(SPY_590C.key, Greeks(0.2, 0.1, 0.01, 0.1, -1.0, 600.0, desk.clock.now())))
    await desk.tick()
    assert dearest(desk.engine._context(desk.clock.now()), SPY_590C.key, Decimal("2.00")) == Decimal("2.06")
