"""A disk that is full, read-only or locked: nothing is sent, nothing is lost, and the day goes on halted when it is
back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.errors import StoreUnusable
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.order import OrderState, OrderType, Purpose
from bot.domain.position import PositionState
from bot.domain.session import SessionState
from bot.domain.wording import contract_words
from bot.engine.state.outage import LONGEST_WAIT_S, Outage
from tests.engine.desk import SPY_580P, SPY_590C, Desk
from tests.engine.fake_store import FakeStore


def trouble(code: str = "STORE_FULL", *, passes: bool = True) -> StoreUnusable:
    return StoreUnusable("its disk is full", code=code, passes=passes, exit_code=10 if passes else 14)


async def pass_time(desk: Desk, seconds: float) -> None:
    """Let time pass as the run loop does: guarded ticks, a broker that answers."""
    end = desk.clock.now() + timedelta(seconds=seconds)
    while desk.clock.now() < end:
        desk.clock.advance(0.5)
        await desk.engine.guarded_tick()
        desk.broker.answer()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


async def a_desk(store: FakeStore) -> Desk:
    return await Desk(store=store).start()


@pytest.mark.parametrize("unreadable", [False, True], ids=["can be read", "cannot be read"])
async def test_nothing_is_sent_while_the_store_cannot_be_used(store: FakeStore, unreadable: bool) -> None:
    desk = await a_desk(store)
    await desk.hold(4)
    sent, amended = len(desk.broker.submitted), len(desk.broker.amended)
    store.trouble, store.unreadable = trouble(), unreadable
    desk.quote("4.20", "4.22")  # two rungs of profit would be sold, and the stop moved
    await pass_time(desk, 60)
    assert (len(desk.broker.submitted), len(desk.broker.amended)) == (sent, amended)
    assert [o.terms.quantity for o in desk.broker.live] == [4], "the stop rests at the broker"


async def test_a_fill_that_comes_during_the_outage_is_counted_once_when_the_disk_is_back(store: FakeStore) -> None:
    desk = await a_desk(store)
    position = await desk.hold(4)
    stop = next(o for o in desk.broker.live)
    store.trouble = trouble()
    await pass_time(desk, 5)
    desk.broker.fill(stop, 4, "1.00")
    await pass_time(desk, 60)
    assert store.positions[-1].quantity == 4, "nothing partial was written"
    store.trouble = None
    await pass_time(desk, 60)
    assert store.positions[-1].state is PositionState.CLOSED
    assert len([e for e in desk.broker.executions.values() if e.order_ref == stop.ref]) == 1
    assert store.positions[-1].realized_pnl == desk.broker.cash
    assert store.positions[-1].id == position.id


async def test_when_the_disk_is_back_the_session_is_halted_and_a_person_resumes(store: FakeStore) -> None:
    desk = await a_desk(store)
    store.trouble = trouble("STORE_READ_ONLY")
    await pass_time(desk, 20)
    store.trouble = None
    await pass_time(desk, 40)
    assert store.session.state is SessionState.HALTED
    assert "STORE_READ_ONLY" in store.alerts
    assert "disk is full" in store.session.hold_reason
    await desk.command(RequestKind.RESUME)
    await pass_time(desk, 10)
    assert store.session.state.value == "active"


async def test_an_entry_of_the_tick_that_was_not_written_is_never_sent(store: FakeStore) -> None:
    desk = await a_desk(store)
    await desk.propose(4)
    store.trouble = trouble()
    await pass_time(desk, 30)
    store.trouble = None
    await pass_time(desk, 60)
    assert desk.broker.submitted == []


@pytest.mark.parametrize("filled", [0, 1], ids=["unfilled", "filled in part"])
async def test_entries_that_work_are_taken_back_at_once_because_what_they_buy_would_have_no_stop(
    store: FakeStore, filled: int
) -> None:
    desk = await a_desk(store)
    await desk.entry_working(4)
    entry = desk.broker.entry
    if filled:
        desk.broker.fill(entry, filled, "2.00")
    store.trouble = trouble()
    await pass_time(desk, 2)
    assert desk.broker.cancels == [entry.ref]
    await pass_time(desk, 20)
    assert (entry.live, desk.broker.cancels) == (False, [entry.ref]), "asked once"
    assert store.of(Purpose.ENTRY)[-1].state is not OrderState.CANCELLED, "nothing is written meanwhile"
    store.trouble = None
    await pass_time(desk, 60)
    assert store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED
    assert store.session.state is SessionState.HALTED
    assert store.refused == []
    assert [(p.quantity, p.protected_at is not None) for p in store.open_positions] == [(1, True)] * filled


async def test_an_entry_that_could_not_be_taken_back_is_as_soon_as_the_broker_can_be_asked(store: FakeStore) -> None:
    desk = await a_desk(store)
    await desk.entry_working(4)
    entry, desk.broker.online = desk.broker.entry, False
    store.trouble = trouble()
    await pass_time(desk, 5)
    assert not entry.cancel_asked
    desk.broker.online = True
    await pass_time(desk, 5)
    assert not entry.live


async def test_entries_are_taken_back_before_a_damaged_store_ends_the_run(store: FakeStore) -> None:
    desk = await a_desk(store)
    await desk.entry_working(4)
    store.trouble = trouble("STORE_CORRUPT", passes=False)
    desk.equity(50_000)
    with pytest.raises(StoreUnusable):
        await pass_time(desk, 5)
    assert desk.broker.entry.cancel_asked


async def test_an_emergency_in_the_outage_is_answered_with_what_is_left_and_done_when_the_disk_is_back(
    store: FakeStore,
) -> None:
    desk = await a_desk(store)
    desk.contract = SPY_580P
    await desk.hold(4)
    desk.contract = SPY_590C
    await desk.entry_working(4)
    ref = desk.broker.entry.ref
    told: list[str] = []
    desk.engine._recovery._on_outage = told.append
    store.trouble = trouble("STORE_READ_ONLY")
    await pass_time(desk, 5)
    desk.put(RequestReceived("by-signal", RequestKind.EMERGENCY, {}, "signal", desk.clock.now()))
    await pass_time(desk, 5)
    (answer,) = [words for words in told if "emergency" in words]
    assert answer == (
        "emergency asked by signal: it waits for the store; left: "
        f"4 x {SPY_580P} with orders to sell 4 at the broker, "
        f"entry {ref} for 4 x {contract_words(SPY_590C)}, its cancel sent or to be sent"
    )
    assert [o.type for o in desk.broker.live] == [OrderType.STOP], "a sale that is on no record could be made twice"
    store.trouble = None
    await pass_time(desk, 60)
    assert store.answers[-1][0] == "done"
    assert [(o.type, o.left) for o in desk.broker.live] == [(OrderType.MARKET, 4)]
    assert store.session.state is SessionState.HALTED


async def test_an_emergency_that_a_damaged_store_cannot_take_is_answered_before_the_end(store: FakeStore) -> None:
    desk = await a_desk(store)
    await desk.hold(4)
    told: list[str] = []
    desk.engine._recovery._on_outage = told.append
    store.trouble = trouble("STORE_CORRUPT", passes=False)
    desk.put(RequestReceived("by-signal", RequestKind.EMERGENCY, {}, "signal", desk.clock.now()))
    with pytest.raises(StoreUnusable):
        await pass_time(desk, 5)
    assert [words.partition(";")[0] for words in told] == ["emergency asked by signal: it waits for the store"]


async def test_a_disk_that_does_not_come_back_ends_the_run_with_its_own_words(store: FakeStore) -> None:
    desk = await Desk({"database": {"retry_for_s": 30}}, store=store).start()
    store.trouble = trouble()
    with pytest.raises(StoreUnusable) as ended:
        await pass_time(desk, 120)
    assert ended.value.exit_code == 10


async def test_a_damaged_store_is_not_waited_for(store: FakeStore) -> None:
    desk = await a_desk(store)
    store.trouble = trouble("STORE_CORRUPT", passes=False)
    desk.equity(50_000)
    with pytest.raises(StoreUnusable) as ended:
        await pass_time(desk, 120)
    assert ended.value.exit_code == 14


async def test_the_tick_number_moves_on_in_an_outage_for_those_who_watch_it(store: FakeStore) -> None:
    desk = await a_desk(store)
    store.trouble = trouble()
    await pass_time(desk, 5)
    before = desk.engine.tick_number
    await pass_time(desk, 5)
    assert desk.engine.tick_number > before


async def test_a_stop_during_the_outage_is_a_stop(store: FakeStore) -> None:
    desk = await a_desk(store)
    store.trouble = trouble()
    await pass_time(desk, 5)
    await desk.engine.stop("asked to")


def test_the_store_is_asked_again_after_ever_longer_waits_up_to_a_bound() -> None:
    outage, now, waits = Outage(trouble(), 0.0), 0.0, []
    for _ in range(8):
        waits.append(outage.next_at - now)
        now = outage.next_at
        outage.again(trouble(), now)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S
