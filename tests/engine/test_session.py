"""Pause, halt and resume; commands that change nothing; failing commits."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.errors import StoreError
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import ExecutionReported
from bot.domain.events.people import AlertRaised, RequestKind, RequestReceived
from bot.domain.position import PositionState
from bot.domain.session import SessionState, SessionTrigger
from bot.engine.state.steps import Step
from tests.engine.desk import Desk


async def restarted(desk: Desk) -> Desk:
    return await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()


@pytest.mark.parametrize("kind, state", [(RequestKind.PAUSE, "paused"), (RequestKind.HALT, "halted")])
async def test_pause_and_halt_survive_a_restart(desk: Desk, kind: RequestKind, state: str) -> None:
    await desk.command(kind, actor="admin:web:ann", reason="lunch")
    assert desk.store.session.state == state
    again = await restarted(desk)
    await again.settle()
    assert again.store.session.state == state
    assert again.store.session.held_by == "admin:web:ann"
    assert again.store.session.hold_reason == "lunch"


async def test_a_paused_session_enters_nothing_and_manages_what_it_has(desk: Desk) -> None:
    await desk.hold(4)
    await desk.command(RequestKind.PAUSE)
    desk.strategy.contract = desk.contract
    await desk.bid("3.00")
    assert desk.broker.rung.left == 1
    assert len(desk.store.signals) == 1


async def test_a_pause_cancels_a_working_entry(desk: Desk) -> None:
    await desk.entry_working(4)
    await desk.command(RequestKind.PAUSE)
    await desk.settle()
    assert desk.broker.live == []


async def test_resume_after_a_halt_compares_the_books_first(desk: Desk) -> None:
    await desk.command(RequestKind.HALT)
    asked = desk.broker.snapshots
    await desk.command(RequestKind.RESUME, actor="cli")
    assert desk.store.session.state == "reconciling"
    await desk.settle()
    assert desk.broker.snapshots > asked
    assert desk.store.session.state == "active"
    assert desk.store.session.hold == "none"


async def test_a_pause_asked_during_the_comparison_holds_when_it_is_done(desk: Desk) -> None:
    desk.broker.incomplete = True
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.connect()
    assert desk.store.session.state == "reconciling"
    state, _ = await desk.command(RequestKind.PAUSE)
    assert state == "done"
    desk.broker.incomplete = False
    await desk.wait(5)
    assert desk.store.session.state == "paused"


@pytest.mark.parametrize(
    "kind, payload",
    [
        (RequestKind.APPROVE, {"signal_id": "gone"}),
        (RequestKind.REJECT, {"signal_id": "gone"}),
        (RequestKind.CLOSE, {"position_id": "gone"}),
        (RequestKind.RESUME, {}),
    ],
)
async def test_a_command_on_what_is_not_alive_says_so_and_changes_nothing(
    desk: Desk, kind: RequestKind, payload: dict[str, str]
) -> None:
    before = len(desk.store.transitions)
    state, answer = await desk.command(kind, **payload)
    assert state == "refused"
    assert answer
    assert len(desk.store.transitions) == before


async def test_a_close_of_a_closing_position_is_refused(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    state, answer = await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    assert state == "refused"
    assert "closing" in answer


async def test_a_trigger_that_the_table_does_not_allow_is_audited_and_alerted(desk: Desk) -> None:
    session = desk.engine.ledger.session
    took = desk.engine._memory.journal.take(Step(session, SessionTrigger.RECONCILED, "by mistake"))
    await desk.tick()
    assert took is False
    row = desk.store.refused[-1]
    assert (row.trigger, row.from_state, row.to_state) == ("refused:reconciled", "active", "active")
    assert "REFUSED_TRIGGER" in desk.store.alerts


async def test_a_decision_stops_at_its_first_refused_step(desk: Desk) -> None:
    session = desk.engine.ledger.session
    steps = [Step(session, SessionTrigger.RECONCILED, "not now"), Step(session, SessionTrigger.PAUSE, "builds on it")]
    desk.engine._memory.journal.carry_out(steps)
    assert session.state is SessionState.ACTIVE


# ---- commits that fail


async def test_when_a_commit_fails_nothing_is_sent_and_the_session_halts(desk: Desk) -> None:
    await desk.propose(4)
    desk.store.fail_next = 1
    await desk.engine.guarded_tick()
    assert desk.broker.submitted == []
    assert desk.engine.ledger.orders == {}, "memory is what the store has"
    asked = desk.broker.snapshots
    await desk.tick()
    assert desk.store.session.state == "halted"
    assert "TICK_FAILED" in desk.store.alerts
    await desk.ticks(2)
    assert desk.broker.snapshots > asked, "the book is asked at once"
    assert desk.broker.submitted == []


async def test_a_fill_in_the_tick_that_failed_is_not_lost(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.hide.add(entry.ref)
    desk.put(ExecutionReported(desk.broker.execute(entry, 4, "2.00")))
    desk.store.fail_next = 1
    await desk.engine.guarded_tick()
    await desk.settle()
    assert desk.position.quantity == 4
    assert desk.broker.stop_order.left == 4, "halted, and protected all the same"


async def test_a_lost_connection_in_the_tick_that_failed_is_still_lost(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    desk.store.fail_next = 1
    await desk.engine.guarded_tick()
    await desk.tick()
    assert desk.store.connection.state == "down"


async def test_market_data_lines_asked_in_the_tick_that_failed_are_asked_again(desk: Desk) -> None:
    desk.strategy.wants = {"SPY": frozenset({"quote"})}
    desk.store.fail_next = 1
    desk.put(AlertRaised("STRAY_STATUS", "", {}, desk.clock.now()))
    desk.clock.advance(10)
    await desk.engine.guarded_tick()
    await desk.ticks(12, 1.0)
    assert "SPY" in desk.broker.subscribed


async def test_an_event_that_cannot_be_applied_costs_itself_and_is_told_once(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.put("not an event")  # type: ignore[arg-type]
    desk.put(ExecutionReported(desk.broker.execute(entry, 4, "2.00")))
    await desk.engine.guarded_tick()
    await desk.settle()
    assert desk.position.quantity == 4
    assert desk.store.session.state == "active"
    assert desk.store.alerts.count("FACT_FAULT") == 1


async def test_three_failing_ticks_in_a_row_end_the_run(desk: Desk) -> None:
    desk.store.fail_next = 3
    for number in (1, 2, 3):
        desk.put(AlertRaised("STRAY_STATUS", "", {}, desk.clock.now()))
        if number == 3:
            with pytest.raises(StoreError, match="3 ticks failed"):
                await desk.engine.guarded_tick()
        else:
            await desk.engine.guarded_tick()


async def test_a_good_tick_between_failing_ones_begins_the_count_anew(desk: Desk) -> None:
    for _ in range(5):
        desk.store.fail_next = 1
        desk.put(AlertRaised("STRAY_STATUS", "", {}, desk.clock.now()))
        await desk.engine.guarded_tick()
        await desk.engine.guarded_tick()
    assert desk.store.session.state == "halted"


async def test_after_a_failed_commit_a_person_resumes_and_trading_goes_on(desk: Desk) -> None:
    await desk.hold(2)
    desk.store.fail_next = 1
    desk.put(AlertRaised("STRAY_STATUS", "", {}, desk.clock.now()))
    await desk.engine.guarded_tick()
    await desk.settle()
    await desk.command(RequestKind.RESUME)
    await desk.settle()
    assert desk.store.session.state == "active"
    desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED


async def test_a_stop_is_on_record_and_leaves_the_position_protected(desk: Desk) -> None:
    await desk.hold(2)
    await desk.engine.stop("asked")
    assert desk.store.session.state == "stopping"
    assert desk.broker.stop_order.left == 2


@pytest.mark.parametrize("kind, trigger", [(RequestKind.PAUSE, "pause"), (RequestKind.HALT, "halt")])
async def test_a_pause_or_halt_during_the_comparison_is_audited(desk: Desk, kind: RequestKind, trigger: str) -> None:
    desk.broker.incomplete = True
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.connect()
    await desk.command(kind, actor="admin:web:ann", reason="lunch")
    row = next(row for row in reversed(desk.store.transitions) if row.machine == "session")
    assert (row.trigger, row.from_state, row.actor, row.reason) == (trigger, "reconciling", "admin:web:ann", "lunch")


async def test_urgent_events_that_keep_coming_do_not_make_the_tick_busier_than_its_floor() -> None:
    desk = Desk({"engine": {"min_tick_wall_seconds": 0.03}}, clock=None)
    await desk.engine.start()
    stop, before = asyncio.Event(), desk.engine.tick_number
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(desk.engine.run(stop))
    begun = loop.time()
    while loop.time() < begun + 0.3:
        desk.put(AlertRaised("STRAY_STATUS", "x", {}, desk.clock.now()))
        await asyncio.sleep(0.001)
    stop.set()
    await running
    lasted_s = loop.time() - begun
    assert desk.engine.tick_number - before <= lasted_s / 0.03 + 2


async def test_what_half_a_fact_did_is_not_written_and_the_book_tells_what_it_was(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    good = desk.broker.execute(entry, 1, "2.00")
    for number in range(3):  # nobody can work with such a price; each fails in its middle
        poison = replace(good, exec_id=f"0000p{number:04d}.01", price=Decimal("NaN"))
        desk.put(ExecutionReported(poison))
    await desk.engine.guarded_tick()
    assert desk.store.tables["executions"] == {}
    assert desk.store.order(entry.ref).filled_quantity == 0
    assert desk.store.alerts.count("FACT_FAULT") == 3
    await desk.wait(8)
    assert list(desk.store.tables["executions"]) == [good.exec_id]
    assert (desk.store.order(entry.ref).filled_quantity, desk.position.entry_quantity) == (1, 1)


async def test_what_is_on_disk_does_not_come_twice_when_the_sending_fails(desk: Desk) -> None:
    await desk.hold(4)

    def break_down(order_ref: str, order_id: int) -> None:
        raise RuntimeError("a fault in the adapter")

    cancel, desk.broker.cancel = desk.broker.cancel, break_down  # type: ignore[method-assign]
    desk.put(RequestReceived("c99", RequestKind.FLATTEN, {}, "cli", desk.clock.now()))
    await desk.engine.guarded_tick()
    desk.broker.cancel = cancel  # type: ignore[method-assign]
    await desk.ticks(3)
    assert [answer for answer in desk.store.answers if "closing 1 positions" in answer[1]] == desk.store.answers
    await desk.wait(30)
    assert desk.broker.market.left == 4
