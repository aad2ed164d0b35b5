"""A calm position is judged when its hour comes, whatever is quoted or not, also by hours that were told late."""

from datetime import timedelta

import pytest

from bot.domain.events.market_data import HoursTold
from bot.domain.hours import DayHours
from bot.domain.order import Purpose
from bot.domain.position import PositionState
from tests.engine.desk import Desk


@pytest.mark.parametrize("told_late", [False, True])
async def test_the_flat_time_sells_a_calm_position_that_nobody_quotes(desk: Desk, told_late: bool) -> None:
    await desk.hold(4)
    await desk.wait(4)
    calm = desk.engine._tick_memory.calm
    assert desk.position.id in calm.known, "its stop works and nothing is under way"
    desk._quoted.clear()
    if told_late:
        session = desk.engine._trading
        assert session is not None
        early = DayHours(session.day, ((session.open_at, desk.clock.now() + timedelta(seconds=30)),))
        desk.put(HoursTold("SPY", (early,), None, desk.clock.now()))
    else:
        session = desk.engine._trading
        assert session is not None
        desk.clock.advance((session.close_at - desk.clock.now()).total_seconds() - 60)
        desk.broker_says()
    desk.equity(100_000)
    await desk.wait(20)
    assert desk.position.state is not PositionState.FILLED
    assert desk.store.of(Purpose.EXIT), "it was sold, with no quote to wake anybody"
    assert desk.position.id not in calm.known


async def test_a_change_of_its_stop_ends_the_calm_at_once(desk: Desk) -> None:
    await desk.hold(4)
    await desk.wait(4)
    calm, held = desk.engine._tick_memory.calm, desk.position
    assert held.id in calm.known
    desk.broker.fill(desk.broker.stop_order, 1, "0.99")
    await desk.tick()
    assert held.id not in calm.known
