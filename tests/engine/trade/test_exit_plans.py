"""Plans of several rules through the engine: each leaves by its own reason, sells all and is named on the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.config.exits import ExitsSettings
from bot.domain.data.merged import EARNINGS_DATES, MergedEarnings
from bot.domain.data.sets import MARKET_WIDE
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import QuoteReceived
from bot.domain.instruments import OptionContract, Right
from bot.domain.market import MarketView
from bot.domain.position import CloseReason, Position, PositionState
from bot.strategies.base import Thesis
from tests.engine.desk import Desk
from tests.engine.fakes import FakeStrategy, a_quote

LATER = OptionContract("SPY", date(2026, 12, 4), Right.CALL, Decimal(590))
EXITS = ExitsSettings()


@dataclass
class Idea(FakeStrategy):
    """A strategy whose idea can be broken."""

    broken: str = ""

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        return Thesis(not self.broken, self.broken)


async def holding(plan: Any, quantity: int = 6) -> Desk:
    desk = Desk(strategy=Idea(exit=plan))
    desk.contract = LATER
    await desk.start()
    underlying(desk, "600.00")
    await desk.hold(quantity)
    return desk


def underlying(desk: Desk, price: str) -> None:
    desk._quoted["SPY"] = (price, str(Decimal(price) + Decimal("0.01")))
    desk.put(QuoteReceived("SPY", a_quote(*desk._quoted["SPY"], desk.clock.now())))


async def leaves(desk: Desk) -> CloseReason | None:
    """Let what is on its way out be sold; nothing may be left, neither of it nor of its stop."""
    assert desk.position.state is PositionState.CLOSING
    await desk.settle()
    desk.broker.fill(desk.broker.market, desk.position.quantity, "1.50")
    await desk.settle()
    assert (desk.position.state, desk.position.quantity) == (PositionState.CLOSED, 0)
    assert all(order.is_done for order in desk.store.orders)
    return desk.position.close_reason


async def test_an_idea_that_holds_no_more_is_left() -> None:
    desk = await holding(EXITS.moc)
    await desk.wait(5)
    assert desk.position.state is PositionState.FILLED
    assert isinstance(desk.strategy, Idea)
    desk.strategy.broken = "the imbalance has turned"
    await desk.ticks(2)
    step = next(row for row in reversed(desk.store.transitions) if row.trigger == "request_close")
    assert "the imbalance has turned" in step.reason
    assert step.evidence["rule"] == "thesis"
    assert await leaves(desk) is CloseReason.THESIS


async def test_what_is_held_over_the_night_leaves_after_the_opening_not_with_its_first_quote() -> None:
    desk = await holding(EXITS.moc)
    plan = desk.position.plan
    assert plan.next_open_at == datetime(2026, 11, 23, 14, 30, 30, tzinfo=UTC)  # over the weekend
    assert plan.flat_at is None


async def test_a_report_tonight_is_left_before_todays_end() -> None:
    desk = await holding(EXITS.fourteen_day)
    day = date(2026, 11, 20)
    rows = (MergedEarnings("SPY", day, "after the close", "", "", ("a",)),)
    desk.put(DatumReceived(EARNINGS_DATES, MARKET_WIDE, rows, None, desk.clock.now(), 14400, "calendars"))
    await desk.wait(3)
    assert desk.position.state is PositionState.FILLED
    desk.clock.advance(timedelta(hours=5, minutes=50).total_seconds())
    await desk.bid("2.00")
    assert await leaves(desk) is CloseReason.EARNINGS


async def test_the_underlyings_first_target_sells_a_third_and_its_loss_the_rest() -> None:
    """Through the protocol of rungs: the stop makes room first; the premium's stop stays beneath."""
    desk = await holding(EXITS.underlying_atr)
    assert desk.position.plan.atr is not None
    assert (desk.position.plan.atr.entry, desk.position.plan.atr.atr) == (Decimal("600.005"), None)
    await frozen_range(desk, "1.20")
    underlying(desk, "601.30")
    await desk.settle()
    await desk.wait(2)
    assert desk.broker.rung.terms.quantity == 1
    desk.broker.fill(desk.broker.rung, 1, "2.00")
    await desk.settle()
    assert desk.position.quantity == 5
    assert desk.broker.stop_order.terms.quantity == 5
    underlying(desk, "598.00")
    await desk.wait(3)
    assert await leaves(desk) is CloseReason.ATR


async def frozen_range(desk: Desk, atr: str) -> None:
    """Give the position a plan with a true range, as one that was measured at its entry."""
    position = desk.engine._memory.ledger.positions[desk.position.id]
    rule = position.plan.atr
    assert rule is not None
    object.__setattr__(position, "plan", replace(position.plan, atr=replace(rule, atr=Decimal(atr))))
