"""The way out: the time stop, the close and flatten commands, refused stops and refused exits."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from bot.config.strategies import ExitSettings
from bot.domain.events.orders import ExecutionReported
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import OrderSide, OrderType, Purpose
from bot.domain.position import CloseReason, PositionState, Protection
from bot.domain.signal import SignalState
from tests.engine.desk import SPY_580P, Desk
from tests.engine.fakes import FakeCalendar, FakeStrategy


async def finish(desk: Desk, price: str = "1.90") -> None:
    """Fill the market order that must be there, and check the books."""
    market = desk.broker.market
    desk.broker.fill(market, market.left, price)
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.broker.live == []
    assert not any(desk.broker.held.values())
    assert desk.position.realized_pnl == desk.broker.cash
    assert desk.store.refused == []


async def test_a_position_that_expires_today_is_flat_before_the_close(desk: Desk) -> None:
    await desk.hold(3)
    desk.clock.advance_to(datetime(2026, 11, 20, 20, 49, 50, tzinfo=UTC))
    await desk.settle()
    assert desk.position.state is PositionState.FILLED
    await desk.wait(10)
    assert desk.position.close_reason is CloseReason.FLAT_TIME
    assert desk.broker.market.terms.quantity == 3
    await finish(desk)


async def test_on_a_half_day_it_is_flat_as_long_before_the_early_close() -> None:
    desk = await Desk(calendar=FakeCalendar(frozenset({date(2026, 11, 20)}))).start()
    await desk.hold(2)
    desk.clock.advance_to(datetime(2026, 11, 20, 17, 50, tzinfo=UTC))
    await desk.settle()
    await finish(desk)
    assert desk.position.close_reason is CloseReason.FLAT_TIME


async def test_the_time_stop_needs_no_quote(desk: Desk) -> None:
    await desk.hold(2)
    desk.quoting = False
    desk.clock.advance_to(datetime(2026, 11, 20, 20, 50, tzinfo=UTC))
    await desk.settle()
    await finish(desk)


async def test_a_close_takes_the_stop_back_before_it_sells(desk: Desk) -> None:
    await desk.hold(4)
    state, _ = await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    assert state == "done"
    stop = desk.broker.stop_order
    await desk.ticks(3)
    assert stop.cancel_asked
    assert len(desk.broker.live) == 1
    await desk.settle()
    await finish(desk)
    assert desk.position.close_reason is CloseReason.OPERATOR
    assert "exit_failed" not in desk.store.path(desk.position.id)


async def test_a_close_while_a_rung_is_under_way_sells_what_is_left(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    assert desk.broker.rung.left == 1
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    assert desk.broker.market.terms.quantity == 4
    assert "exit_failed" not in desk.store.path(desk.position.id), "we took the rung back ourselves"
    await finish(desk)


async def test_a_close_while_room_is_being_made_sells_everything_once(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    assert desk.broker.market.terms.quantity == 4
    await finish(desk)


async def test_a_rung_that_fills_while_the_close_is_asked_leaves_less_to_sell(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    rung = desk.broker.rung
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    desk.broker.fill(rung, 1, "3.00")
    await desk.settle()
    assert desk.broker.market.terms.quantity == 3
    await finish(desk)


async def test_a_close_while_the_entry_still_works_cancels_it_first(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 1)
    await desk.settle()
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.tick()
    assert desk.broker.entry.cancel_asked
    desk.broker.fill(desk.broker.entry, 1)
    await desk.settle()
    assert desk.broker.market.terms.quantity == 2
    await finish(desk)
    assert desk.signal.state is SignalState.FILLED


async def test_a_stop_that_fills_while_the_close_is_asked_is_the_exit(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    desk.broker.fill(stop, 2, "0.99")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.broker.live == []
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_stop_that_fills_in_part_while_the_close_is_asked_leaves_the_rest_to_the_market(desk: Desk) -> None:
    await desk.hold(3)
    stop = desk.broker.stop_order
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    desk.broker.fill(stop, 1, "0.99")
    await desk.settle()
    assert desk.broker.market.terms.quantity == 2
    await finish(desk)


async def test_a_stop_whose_cancel_counts_a_fill_we_have_not_seen_holds_the_market_order_back(desk: Desk) -> None:
    await desk.hold(3)
    stop = desk.broker.stop_order
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    execution = desk.broker.execute(stop, 1, "0.99")
    desk.broker.cancel_ack(stop)
    await desk.ticks(3)
    assert desk.broker.live == []
    desk.put(ExecutionReported(execution))
    desk.broker.tell_commission(execution)
    await desk.settle()
    assert desk.broker.market.terms.quantity == 2
    await finish(desk)


async def test_flatten_closes_everything_and_pauses(desk: Desk) -> None:
    await desk.hold(2)
    state, answer = await desk.command(RequestKind.FLATTEN, actor="admin:web:ann")
    assert (state, answer.split(" positions")[0]) == ("done", "closing 1")
    await desk.settle()
    assert desk.store.session.state == "paused"
    await finish(desk)
    assert desk.position.close_reason is CloseReason.FLATTEN


async def test_flatten_cancels_a_working_entry_and_sells_what_it_bought_in_the_race(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.command(RequestKind.FLATTEN)
    await desk.tick()
    assert entry.cancel_asked
    desk.broker.fill(entry, 2)
    await desk.settle()
    await finish(desk)
    assert desk.position.close_reason is CloseReason.FLATTEN


async def test_a_refused_stop_is_tried_three_times_and_then_watched(desk: Desk) -> None:
    desk.broker.refuses_stops = True
    await desk.entry_working(2)
    desk.broker.fill(desk.broker.entry, 2)
    await desk.settle()
    assert len(desk.store.of(Purpose.PROTECT)) == 3
    assert desk.position.protection is Protection.SYNTHETIC
    assert desk.store.alerts.count("STOP_NOT_TAKEN") == 1
    assert desk.store.alerts.count("ORDER_REJECTED") == desk.store.alerts.count("PROTECTION_LOST") == 1
    await desk.bid("1.00")
    assert desk.broker.market.left == 2
    desk.broker.fill(desk.broker.market, 2, "1.00")
    await desk.settle()
    assert desk.position.close_reason is CloseReason.STOP
    assert desk.store.refused == []


async def test_a_refused_exit_is_tried_again_with_growing_patience(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    for seconds in (2, 4, 8, 16):
        desk.broker.reject(desk.broker.market)
        await desk.wait(seconds - 1)
        assert [o.type for o in desk.broker.live] == ([] if seconds < 8 else [OrderType.STOP]), "the third puts it back"
        await desk.wait(2)
    await finish(desk)
    assert desk.store.path(desk.position.id).count("exit_failed") == 4


async def test_a_market_order_that_the_venue_cancels_is_not_sent_again_at_once(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.cancel_ack(desk.broker.market)
    await desk.wait(1)
    assert desk.broker.live == []
    await desk.wait(2)
    await finish(desk)


async def test_a_stop_that_the_venue_took_away_is_replaced_at_its_price(desk: Desk) -> None:
    await desk.hold(1)
    await desk.bid("4.00")
    price = desk.broker.stop_order.terms.stop_price
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.settle()
    assert desk.broker.stop_order.terms.stop_price == price
    assert "PROTECTION_LOST" in desk.store.alerts


async def test_a_lost_stop_that_sold_some_is_replaced_only_for_what_is_really_left(desk: Desk) -> None:
    await desk.hold(3)
    stop = desk.broker.stop_order
    execution = desk.broker.execute(stop, 1, "1.00")
    desk.broker.hide.add(stop.ref)
    desk.broker.cancel_ack(stop)  # cancelled by the venue, one filled, and no execution yet
    await desk.ticks(3)
    assert desk.broker.stop_order.terms.quantity == 2
    desk.put(ExecutionReported(execution))
    await desk.settle()
    assert desk.position.quantity == 2


async def test_a_stop_lost_while_room_is_made_is_replaced_for_everything(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    desk.broker.cancel_ack(desk.broker.stop_order)
    desk.quote("2.50", "2.52")
    await desk.settle()
    assert desk.broker.stop_order.left == 4
    assert desk.position.room_for == 0


async def test_a_stop_that_fills_while_it_shrinks_ends_with_nothing_left_over(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    stop = desk.broker.stop_order
    assert stop.asked is not None
    stop.terms, stop.asked = stop.asked, None  # in force at the broker, not yet said
    execution = desk.broker.execute(stop, 3, "0.99")
    desk.put(ExecutionReported(execution))
    desk.broker.tell_commission(execution)
    await desk.tick()
    desk.broker.report(stop)
    await desk.settle()
    assert desk.store.order(stop.ref).state == "filled"
    await desk.wait(12)
    await finish(desk)


async def test_two_positions_are_managed_apart(desk: Desk) -> None:
    await desk.hold(2)
    first = desk.position.id
    desk.contract = SPY_580P
    await desk.entry_working(2)
    desk.broker.fill(desk.broker.entry, 2)
    await desk.settle()
    assert len(desk.store.open_positions) == 2
    await desk.command(RequestKind.CLOSE, position_id=first)
    await desk.settle()
    desk.broker.fill(desk.broker.market, 2, "1.00")
    await desk.settle()
    assert [p.contract for p in desk.store.open_positions] == [SPY_580P]
    assert desk.broker.stop_order.key == SPY_580P.key


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.STOP])
async def test_only_exits_go_to_the_market_and_only_stops_protect(desk: Desk, kind: OrderType) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    await finish(desk)
    assert all(t.side is OrderSide.SELL for t in desk.broker.submitted if t.order_type is kind)


# ---- the plan is frozen at the entry (P53)

OTHER_EXIT = ExitSettings(stop_loss=Decimal("0.20"), trail=Decimal("0.10"), flat_at=time(11, 0), rungs=())


def with_other_settings(desk: Desk) -> Desk:
    """The same book under a program that was started with another exit plan."""
    strategy = FakeStrategy(exit=OTHER_EXIT)
    return Desk(store=desk.store, broker=desk.broker, clock=desk.clock, strategy=strategy, seed=7)


async def test_p53_changed_settings_move_no_stop_and_no_rung_of_an_open_position(desk: Desk) -> None:
    held = await desk.hold(4)
    assert held.stop_price == Decimal("1.00")
    again = await with_other_settings(desk).start()
    await again.bid("2.00")
    assert again.position.plan == held.plan
    assert again.broker.stop_order.terms.stop_price == Decimal("1.00"), "not 20 % below"
    await again.bid("3.00")
    assert again.broker.rung.left == 1, "the rungs of its entry"
    again.clock.advance(3600)
    await again.bid("2.00")
    assert again.position.state is not PositionState.CLOSING, "not flat by 11:00"


async def test_p53_a_position_that_is_opened_after_the_change_has_the_new_plan(desk: Desk) -> None:
    await desk.hold(4)
    again = await with_other_settings(desk).start()
    again.contract = SPY_580P
    new = await again.hold(4)
    assert new.stop_price == Decimal("1.60")
    assert {p.stop_price for p in again.store.positions} == {Decimal("1.00"), Decimal("1.60")}


async def test_p53_the_hour_of_a_contract_held_overnight_is_that_of_its_entry(desk: Desk) -> None:
    desk.contract = OptionContract("SPY", date(2026, 11, 23), Right.CALL, Decimal(590))
    await desk.hold(4)
    monday = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 10:30 in New York
    desk.clock.advance((monday - desk.clock.now()).total_seconds())
    again = await with_other_settings(desk).start()
    again.contract = desk.contract
    await again.bid("2.00")
    again.clock.advance(3600)
    await again.bid("2.00")
    earlier = again.position.state
    assert earlier is PositionState.FILLED, "11:00 is not its hour"
    again.clock.advance(4 * 3600 + 1200)  # 15:50
    await again.bid("2.00")
    assert again.position.state is PositionState.CLOSING


@pytest.mark.parametrize("fraction, floor", [("0", "2.00"), ("0.5", "2.50"), ("0.333", "2.34"), ("1", "3.00")])
async def test_a_rung_follows_the_bid_no_lower_than_a_part_of_its_gain(fraction: str, floor: str) -> None:
    desk = await Desk({"execution": {"rung_floor_fraction": fraction}}).start()
    await desk.hold(4)
    await desk.bid("3.00")
    rung = desk.broker.rung
    for bid in ("2.80", "2.40", "1.60", "1.20"):
        await desk.bid(bid)
        await desk.wait(desk.settings.execution.rung_reprice_s + 1)
        assert desk.broker.rung.terms.limit_price == max(Decimal(bid), Decimal(floor))
    assert desk.broker.rung is rung, "it is the same sale, and it rests there"
    await desk.bid("2.95")
    await desk.wait(desk.settings.execution.rung_reprice_s + 1)
    assert rung.terms.limit_price == max(Decimal("2.95"), Decimal(floor)), "and follows up again"


async def test_a_later_rung_has_a_floor_of_its_own() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    await desk.bid("3.00")
    desk.broker.fill(desk.broker.rung, 1, "3.00")
    await desk.settle()
    await desk.bid("4.00")
    assert desk.broker.rung.terms.limit_price == Decimal("4.00")
    await desk.bid("2.60")
    await desk.wait(desk.settings.execution.rung_reprice_s + 1)
    assert desk.broker.rung.terms.limit_price == Decimal("3.00"), "half of its gain above 2.00"
