"""A fault in one machine's decision parks that machine; the others go on. A strategy and a job are machines too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.events.orders import ExecutionReported
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderState
from bot.domain.position import CloseReason, PositionState
from bot.engine.day import jobs, limits
from bot.engine.day.marks import PositionMarks
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade import exits
from tests.engine.desk import SPY_580P, SPY_590C, Desk
from tests.engine.fakes import FakeStrategy


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


class SickStrategy(FakeStrategy):
    """Fails in whatever it is asked while it is ill."""

    ill = True

    def look(self, *asked: Any) -> Any:
        if self.ill:
            self.looks += 1
            raise ZeroDivisionError("a bad number")
        return super().look(*asked)

    def interests(self, *asked: Any) -> Any:
        if self.ill:
            raise KeyError("SPY")
        return super().interests(*asked)


async def test_a_strategy_that_fails_is_parked_by_name_and_the_others_and_every_exit_go_on() -> None:
    sick = SickStrategy(name="sick")
    desk = await Desk(others=[sick]).start()
    await desk.hold(4)
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.settle()
    assert desk.signal.strategy == "fake", "the other strategy proposes"
    assert desk.broker.entry.key == SPY_580P.key
    await desk.command(RequestKind.CLOSE, position_id=desk.store.positions[0].id)
    await desk.settle()
    assert desk.broker.market.key == SPY_590C.key
    told = [a for b in desk.store.batches for a in b.alerts if a.code == "MACHINE_PARKED"]
    assert sorted(a.text.split(" failed")[0] for a in told) == ["strategy sick", "strategy sick, its lines"]
    assert "a bad number" in str([dict(a.facts) for a in told])
    assert "TICK_FAILED" not in desk.store.alerts
    assert desk.store.session.state == "active"


async def test_a_parked_strategy_is_asked_ever_more_rarely_and_trades_again_when_it_is_well() -> None:
    sick = SickStrategy(name="sick")
    desk = await Desk(others=[sick]).start()
    await desk.ticks(120, 0.25)
    assert 4 <= sick.looks <= 6, "1, 2, 4, 8 and 16 s apart"
    said = desk.store.batches[-1].strategy_stats.get(("sick", "SPY")) or next(
        b.strategy_stats["sick", "SPY"] for b in reversed(desk.store.batches) if ("sick", "SPY") in b.strategy_stats
    )
    assert said.last_reason == "the strategy failed and is parked; it is tried again"
    sick.ill = False
    sick.contract = SPY_580P
    desk.quote("1.98", "2.02", contract=SPY_580P)
    desk.equity(100_000)
    await desk.ticks(70, 1)
    assert "MACHINE_RESUMED" in desk.store.alerts
    assert desk.signal.strategy == "sick"


async def test_a_strategy_that_answers_nonsense_is_parked_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.strategy, "look", lambda *asked: None)
    await desk.ticks(3)
    assert desk.store.alerts.count("MACHINE_PARKED") == 1
    assert "TICK_FAILED" not in desk.store.alerts


async def test_a_strategy_that_fails_over_a_signal_of_its_own_buys_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.strategy, "input_faults", lambda *asked: 1 / 0)
    await desk.propose(4)
    await desk.ticks(3)
    await desk.ticks(20, 10)
    assert desk.broker.submitted == []
    assert desk.store.alerts.count("MACHINE_PARKED") == 1
    assert "TICK_FAILED" not in desk.store.alerts
    assert desk.signal.state == "expired"


@pytest.mark.parametrize("room, job", [(PositionMarks, "mark"), (jobs, "snapshot_account"), (jobs, "ask_for_the_book")])
async def test_a_job_that_fails_is_parked_and_the_tick_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, room: object, job: str
) -> None:
    def fails(*asked: Any, **named: Any) -> None:
        raise ArithmeticError(job)

    monkeypatch.setattr(room, job, fails)
    await desk.hold(4)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    assert desk.broker.market.left == 4
    assert desk.store.alerts.count("MACHINE_PARKED") == 1
    assert "TICK_FAILED" not in desk.store.alerts


async def test_breakers_that_cannot_be_read_hold_entries_back_and_let_exits_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.hold(4)
    with monkeypatch.context() as broken:
        broken.setattr(limits, "read_breakers", lambda *asked: 1 / 0)
        await desk.ticks(8)
        desk.contract = SPY_580P
        await desk.propose(4)
        await desk.ticks(4)
        assert len(desk.broker.submitted) == 2, "an entry and its stop, from before"
        await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
        await desk.settle()
        assert desk.broker.market.left == 4
        assert desk.store.alerts.count("MACHINE_PARKED") == 1
        assert "TICK_FAILED" not in desk.store.alerts
    await desk.wait(70)
    assert desk.engine.ledger.entering.blocks == ()
