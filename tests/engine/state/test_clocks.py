"""The broker's clock beside ours: where they differ nothing is entered, nothing goes by the time of day, and everything
that follows from prices goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.connection import ConnectionState
from bot.domain.events.host import ClockParted
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import Purpose
from bot.domain.position import CloseReason, PositionState
from bot.domain.wording import new_york
from bot.engine.state.clocks import Clocks
from tests.engine.desk import TEN, Desk
from tests.engine.fake_broker import FakeBroker
from tests.engine.fake_store import FakeStore

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


class SetClock(ManualClock):
    """A machine whose time somebody sets, beside the seconds that go by."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.set_by


def alerts(desk: Desk, code: str) -> list[str]:
    return [alert.text for batch in desk.store.batches for alert in batch.alerts if alert.code == code]


async def held_before(strike: int = 590) -> tuple[FakeStore, FakeBroker]:
    """Return what is left of a bot that held a 0DTE position in right time."""
    desk = await Desk().start()
    desk.contract = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(strike))
    await desk.hold(4)
    return desk.store, desk.broker


async def born(ahead: timedelta, store: FakeStore, broker: FakeBroker) -> Desk:
    """Return a desk that starts a minute later with a clock so far ahead of the broker's."""
    broker.clock = clock = SetClock(TEN + timedelta(minutes=1) + ahead)  # what it says bears our stamp
    desk = Desk(store=store, broker=broker, clock=clock, seed=2)
    desk.ahead = ahead
    await desk.start()
    await desk.settle()
    return desk


async def set_right(desk: Desk) -> None:
    """Set the clock that was behind right."""
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by -= desk.ahead
    desk.ahead = timedelta(0)
    desk.broker_says()
    await desk.wait(10)


@pytest.mark.parametrize("ahead", [HOUR, 10 * HOUR, DAY, -HOUR, -DAY])
async def test_a_start_at_a_wrong_hour_is_not_active_says_so_and_lets_nothing_expire(ahead: timedelta) -> None:
    store, broker = await held_before()
    desk = await born(ahead, store, broker)
    await desk.wait(60)
    assert store.session.state == "reconciling"
    assert store.connection.state == ConnectionState.SYNCED
    (position,) = store.positions
    assert (position.state, position.close_reason) == (PositionState.FILLED, None)
    assert broker.stop_order.left == 4
    (told,) = alerts(desk, "CLOCK_WRONG")
    assert new_york(TEN + timedelta(minutes=1) + ahead).rpartition(":")[0] in told, "ours"
    assert new_york(TEN + timedelta(minutes=1)).rpartition(":")[0] in told, "the broker's"
    assert ("ahead" if ahead > timedelta(0) else "behind") in told
    assert "timedatectl" in told
    assert store.status.clock_fault == told
    assert store.refused == []


@pytest.mark.parametrize("ahead", [10 * HOUR, DAY, -DAY])
async def test_at_a_wrong_hour_profit_is_taken_and_stops_follow(ahead: timedelta) -> None:
    store, broker = await held_before()
    desk = await born(ahead, store, broker)
    await desk.bid("3.10")
    assert [o.left for o in broker.live if o.type == "LMT"] == [1], "the first rung"
    broker.fill(broker.rung, 1, "3.10")
    await desk.settle()
    assert broker.stop_order.left == 3


async def test_at_a_wrong_hour_a_lost_stop_is_placed_again_and_a_person_may_sell() -> None:
    store, broker = await held_before()
    desk = await born(DAY, store, broker)
    broker.cancel_ack(broker.stop_order)
    await desk.settle()
    assert broker.stop_order.left == 4
    desk.quote("2.00", "2.02")
    assert (await desk.command(RequestKind.CLOSE, position_id=desk.position.id))[0] == "done"
    await desk.settle()
    assert broker.market.left == 4


async def test_nothing_is_entered_at_a_wrong_hour_and_working_entries_are_taken_back() -> None:
    desk = Desk(clock=SetClock(TEN))
    await desk.start()
    await desk.entry_working()
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by = desk.ahead = HOUR
    await desk.settle()
    assert desk.broker.live == []
    assert desk.store.session.state == "reconciling"
    desk.broker_says()
    await desk.wait(5)
    sent = len(desk.broker.submitted)
    await desk.propose()
    await desk.wait(5)
    assert len(desk.broker.submitted) == sent
    assert "the machine's clock says" in " ".join(desk.store.status.waiting_for)


async def test_a_jump_stops_everything_by_the_hour_within_the_tick_and_is_told_once_the_broker_has_spoken() -> None:
    desk = Desk(clock=SetClock(TEN))
    await desk.start()
    await desk.hold(4)
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by = desk.ahead = 10 * HOUR
    await desk.tick()
    assert desk.position.state is PositionState.FILLED, "neither the flat time nor the expiry has come"
    assert desk.store.session.state == "reconciling"
    assert alerts(desk, "CLOCK_WRONG") == []
    desk.broker_says()
    await desk.ticks(200, 1.0)
    desk.broker_says()
    await desk.tick()
    assert len(alerts(desk, "CLOCK_WRONG")) == 1
    assert desk.position.state is PositionState.FILLED


async def test_a_machine_that_slept_is_not_told_of_and_goes_on_with_the_brokers_next_word() -> None:
    desk = Desk(clock=SetClock(TEN))
    await desk.start()
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by = HOUR  # the broker's clock went on as ours did
    await desk.tick()
    assert desk.store.session.state == "reconciling"
    desk.broker_says()
    await desk.wait(3)
    assert desk.store.session.state == "active"
    assert alerts(desk, "CLOCK_WRONG") == []


@pytest.mark.parametrize("ahead", [-HOUR, -DAY])
async def test_a_session_goes_on_by_itself_once_the_clocks_agree_and_the_book_was_compared(ahead: timedelta) -> None:
    store, broker = await held_before()
    desk = await born(ahead, store, broker)
    looks = broker.snapshots
    await set_right(desk)
    assert broker.snapshots > looks
    assert store.session.state == "active"
    assert store.status.clock_fault == ""
    assert len(alerts(desk, "CLOCK_RIGHT")) == 1
    assert desk.position.state is PositionState.FILLED


async def test_what_a_wrong_hour_put_off_is_done_once_the_clock_is_right() -> None:
    store, broker = await held_before()
    desk = await born(-HOUR, store, broker)
    desk.quote("2.00", "2.02")
    desk.clock.advance_to(CLOSE - HOUR - timedelta(minutes=5))
    await desk.settle()
    assert desk.position.state is PositionState.FILLED, "the flat time came by the broker's clock alone"
    await set_right(desk)
    (position,) = store.positions
    assert position.close_reason is CloseReason.FLAT_TIME
    assert broker.market.left == 4


async def test_a_pause_is_kept_over_a_wrong_hour_and_cannot_be_lifted_in_it() -> None:
    store, broker = await held_before()
    desk = await Desk(store=store, broker=broker, clock=SetClock(TEN), seed=2).start()
    await desk.command(RequestKind.PAUSE)
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by = desk.ahead = -HOUR
    desk.broker_says()
    await desk.settle()
    assert store.session.state == "reconciling"
    state, answer = await desk.command(RequestKind.RESUME)
    assert state == "refused"
    assert "the machine's clock says" in answer
    await set_right(desk)
    assert store.session.state == "paused"


async def test_a_resumed_halt_waits_for_the_right_hour() -> None:
    store, broker = await held_before()
    desk = await born(-HOUR, store, broker)
    await desk.command(RequestKind.HALT)
    await desk.command(RequestKind.RESUME)
    await desk.wait(10)
    assert store.session.state == "reconciling"
    await set_right(desk)
    assert store.session.state == "active"


async def test_without_the_brokers_time_no_session_becomes_active() -> None:
    desk = Desk()
    await desk.engine.start()
    desk.put(LinkChanged(LinkChange.CONNECTING, "", desk.clock.now()))
    desk.put(LinkChanged(LinkChange.ACCEPTED, "", desk.clock.now()))
    await desk.wait(10)
    assert desk.store.session.state == "reconciling"
    desk.broker_says()
    await desk.wait(3)
    assert desk.store.session.state == "active"


async def test_before_the_broker_has_told_its_time_nothing_expires() -> None:
    store, broker = await held_before()
    desk = Desk(store=store, broker=broker, clock=ManualClock(TEN + DAY), seed=2)
    await desk.engine.start()
    await desk.ticks(20, 1.0)
    assert desk.position.close_reason is None


async def test_a_contract_that_left_the_book_is_judged_once_the_hour_is_known() -> None:
    """By the broker's clock it has expired: whether it was settled or sold by hand, nobody says at a wrong hour."""
    store, broker = await held_before()
    desk = await born(-HOUR, store, broker)
    desk.quoting = False
    desk.clock.advance_to(CLOSE - HOUR + timedelta(seconds=30))
    broker.cancel_ack(broker.stop_order)
    broker.held.clear()
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.connect()
    await desk.wait(30)
    assert store.connection.state == "synced", "what cannot be judged now keeps no other position from being managed"
    assert desk.position.state is PositionState.FILLED
    assert broker.live == [], "nothing is sent of what the broker takes for expired"
    await set_right(desk)
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(30)
    (position,) = store.positions
    assert (position.state, position.close_reason) == (PositionState.CLOSED, CloseReason.SETTLEMENT_PENDING)


async def test_a_contract_that_was_sold_by_hand_is_known_for_it_at_a_wrong_hour_too() -> None:
    store, broker = await held_before()
    desk = await born(DAY, store, broker)
    broker.held.clear()
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(20)
    (position,) = store.positions
    assert position.close_reason is CloseReason.EXTERNALLY_CLOSED
    assert broker.live == [], "a stop that is left alone could sell what nobody holds"


async def test_what_awaits_its_settlement_is_not_taken_back_by_a_clock_a_day_behind() -> None:
    store, broker = await held_before()
    late = await Desk(store=store, broker=broker, clock=ManualClock(CLOSE + HOUR), seed=2).start()
    broker.cancel_ack(broker.stop_order)
    await late.ticks(4)
    assert late.position.close_reason is CloseReason.AWAITING_SETTLEMENT
    desk = Desk(store=store, broker=broker, clock=SetClock(CLOSE + 2 * HOUR - DAY), seed=3)
    desk.ahead = -DAY
    await desk.start()
    await desk.wait(30)
    assert desk.position.close_reason is CloseReason.AWAITING_SETTLEMENT
    assert alerts(desk, "EXPIRED_TOO_EARLY") == []
    assert broker.live == []


async def test_the_gateways_restart_window_is_told_by_the_gateways_clock() -> None:
    store, broker = await held_before()
    desk = await born(timedelta(hours=14), store, broker)  # ten minutes past midnight in New York
    assert store.connection.state == "synced"
    await desk.bid("3.10")
    assert desk.store.of(Purpose.EXIT)


async def test_days_ahead_keep_what_belongs_to_the_day() -> None:
    desk = Desk(clock=SetClock(TEN))
    await desk.start()
    await desk.hold(4)
    assert isinstance(desk.clock, SetClock)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market, 4, "2.00")
    await desk.settle()
    desk.clock.set_by = desk.ahead = 10 * DAY
    desk.broker_says()
    orders = set(desk.engine.ledger.orders)
    assert orders
    await desk.wait(120)
    desk.equity(90_000)
    await desk.tick()
    assert set(desk.engine.ledger.orders) >= orders
    assert set(desk.engine.ledger.account.opening_equity) == {TEN.date()}
    assert desk.store.status.session_day == TEN.date()


async def test_by_a_clock_a_day_ahead_no_breaker_of_the_day_is_lifted() -> None:
    desk = Desk({"risk": {"daily_loss_fraction": "0.05", "daily_loss_usd": "0"}}, clock=SetClock(TEN))
    await desk.start()
    desk.equity(100_000)
    await desk.ticks(8)
    desk.equity(90_000)
    await desk.ticks(8)
    assert desk.engine.ledger.breakers["daily_loss"].state == "tripped"
    assert isinstance(desk.clock, SetClock)
    desk.clock.set_by = desk.ahead = DAY
    await desk.ticks(20)
    desk.broker_says()
    desk.equity(100_000)
    await desk.wait(60)
    assert desk.engine.ledger.breakers["daily_loss"].state == "tripped"


async def test_the_work_of_the_evening_is_not_done_by_a_clock_that_is_ahead() -> None:
    store, broker = await held_before()
    before = len(store.batches)
    desk = await born(8 * HOUR, store, broker)
    desk.equity(100_000)
    looks = broker.snapshots
    await desk.wait(150)
    later = store.batches[before:]
    assert not {row.name for batch in later for row in batch.jobs} & {"settlement", "day_totals"}
    assert not [batch.account for batch in later if batch.account], "no row that could pass for a day's first"
    assert broker.snapshots - looks <= 2, "the book was compared: it is not asked for every two seconds"


async def test_a_small_difference_is_a_warning_and_trading_goes_on() -> None:
    desk = Desk()
    desk.ahead = timedelta(seconds=20)
    await desk.start()
    desk.broker_says()
    await desk.wait(3)
    assert desk.store.session.state == "active"
    (told,) = alerts(desk, "CLOCK_SKEW")
    assert "by 19 s" in told, "at least: the broker tells whole seconds"


async def test_a_tick_that_was_not_written_tells_of_the_clock_again() -> None:
    store, broker = await held_before()
    broker.clock = clock = SetClock(TEN + HOUR)
    desk = Desk(store=store, broker=broker, clock=clock, seed=2)
    desk.ahead = HOUR
    await desk.engine.start()
    store.fail_next = 1
    desk.broker_says()
    await desk.engine.guarded_tick()
    assert alerts(desk, "CLOCK_WRONG") == []
    await desk.connect()
    await desk.settle()
    assert len(alerts(desk, "CLOCK_WRONG")) == 1


async def test_a_bot_that_is_ahead_begins_again_when_its_machine_was_set_back_to_the_brokers_time() -> None:
    store, broker = await held_before()
    desk = await born(HOUR, store, broker)
    begins_again = desk.engine.should_begin_again
    assert not begins_again
    desk.put(ClockParted(-2 * 3600.0, desk.clock.now()))
    await desk.tick()
    begins_again = desk.engine.should_begin_again
    assert not begins_again, "set back, and to another hour than the broker's"
    desk.put(ClockParted(-3600.0, desk.clock.now()))
    await desk.tick()
    begins_again = desk.engine.should_begin_again
    assert begins_again
    await desk.engine.stop("begins again")
    again = await born(timedelta(0), store, broker)
    await again.wait(5)
    assert store.session.state == "active"
    assert again.position.state is PositionState.FILLED
    assert broker.stop_order.left == 4


async def test_a_bot_that_the_broker_agrees_with_does_not_begin_again_because_somebody_sets_the_clock() -> None:
    desk = await Desk().start()
    desk.put(ClockParted(-3600.0, desk.clock.now()))
    await desk.tick()
    assert not desk.engine.should_begin_again


# ---- the comparison itself


def told(broker_at: datetime, round_trip_s: float, at: datetime = TEN) -> BrokerTimeTold:
    return BrokerTimeTold(broker_at, at - timedelta(seconds=round_trip_s), at, 100.0)


@pytest.mark.parametrize(
    "said_s, round_trip_s, apart_s",
    [
        (0, 0, 0),
        (-1, 0, 0),  # cut to the whole second
        (-2, 0, 1),
        (-40, 0, 39),
        (-40, 39, 0),  # said at some moment of a long round trip
        (40, 0, -40),
    ],
)
def test_the_least_difference_that_a_word_of_the_broker_allows_counts(
    said_s: float, round_trip_s: float, apart_s: float
) -> None:
    clocks = Clocks()
    clocks.hear(told(TEN + timedelta(seconds=said_s), round_trip_s))
    clocks.compare(TEN, 100.0, 1.0, 30.0)
    assert clocks.apart == timedelta(seconds=apart_s)
    assert bool(clocks.fault) == (abs(apart_s) > 30)


def test_a_fast_clock_is_carried_on_at_its_speed() -> None:
    clocks = Clocks()
    clocks.hear(told(TEN, 0))
    clocks.compare(TEN + timedelta(seconds=600), 110.0, 60.0, 30.0)
    assert clocks.fault == ""


def test_a_difference_at_the_limit_does_not_come_and_go() -> None:
    clocks = Clocks()
    clocks.hear(told(TEN, 0))
    clocks.compare(TEN + timedelta(seconds=31), 100.0, 1.0, 30.0)
    assert clocks.difference
    clocks.compare(TEN + timedelta(seconds=29), 100.0, 1.0, 30.0)
    assert clocks.difference
    clocks.compare(TEN + timedelta(seconds=14), 100.0, 1.0, 30.0)
    assert clocks.fault == ""
