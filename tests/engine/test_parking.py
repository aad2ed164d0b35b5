"""A fault in one machine's decision parks that machine; the others go on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.events import ExecutionReported
from bot.domain.order import OrderState
from bot.domain.position import CloseReason, PositionState
from bot.engine import exits
from bot.engine.context import Context
from bot.engine.steps import Step
from tests.engine.desk import SPY_580P, Desk


async def test_a_position_that_cannot_decide_is_parked_and_the_other_one_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sick = await desk.hold(4)
    desk.contract = SPY_580P
    well = await desk.hold(4)
    decide = exits.decide_position
    asked: list[str] = []

    def fails_for_one(ctx: Context, position: Any) -> Sequence[Step]:
        if position.id == sick.id:
            asked.append(position.id)
            raise ZeroDivisionError("a bad number")
        return decide(ctx, position)

    monkeypatch.setattr(exits, "decide_position", fails_for_one)
    desk.quote("3.00", "3.02")
    desk.quote("3.00", "3.02", contract=sick.contract)
    for _ in range(20):
        await desk.engine.guarded_tick()
        desk.clock.advance(1)
        desk.broker.answer()
    assert desk.store.alerts.count("MACHINE_PARKED") == 1, "it is told once"
    assert 3 <= len(asked) <= 8, "and tried again with growing patience"
    assert "TICK_FAILED" not in desk.store.alerts
    assert desk.store.session.state == "active"
    assert any(o.position_id == well.id and o.tag == "rung:1" for o in desk.store.orders)
    assert any(o.key == sick.key and o.type == "STP" for o in desk.broker.live), "its stop stays"


async def test_a_parked_position_that_decides_again_is_managed_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.hold(4)
    with monkeypatch.context() as broken:
        broken.setattr(exits, "decide_position", lambda ctx, position: position.no_such_thing)
        desk.quote("3.00", "3.02")
        await desk.ticks(8)
    await desk.wait(5)
    assert "MACHINE_RESUMED" in desk.store.alerts
    assert desk.broker.rung.left == 1


async def test_a_correction_that_leaves_nothing_closes_the_position_and_takes_its_stop_back(desk: Desk) -> None:
    await desk.entry_working(2)
    execution = desk.broker.fill(desk.broker.entry, 2, "2.00")
    await desk.settle()
    desk.broker.held.clear()
    busted = replace(execution, exec_id=execution.exec_id[:-1] + "2", quantity=0)
    desk.broker.executions = {busted.exec_id: busted}
    desk.put(ExecutionReported(busted))
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.close_reason is CloseReason.EXTERNALLY_CLOSED
    assert desk.broker.live == []
    assert [o.state for o in desk.store.orders if o.purpose == "protect"] == [OrderState.CANCELLED]
    assert desk.store.refused == []
