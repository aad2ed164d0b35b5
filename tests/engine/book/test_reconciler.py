"""Our book against the broker's: found is adopted, twice absent is over or sent again, nothing follows from half an
answer."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import BrokerOrderStatus, ErrorMeaning, ExecutionReported, OrderErred, OrderReported
from bot.domain.events.people import RequestKind
from bot.domain.order import Execution, OrderSide, OrderState, Purpose
from bot.domain.position import CloseReason, Origin, PositionState
from bot.domain.signal import SignalState
from tests.engine.desk import SPY_580P, TAKES_ALL, Desk
from tests.engine.fake_broker import AtBroker


@pytest.fixture
async def desk() -> Desk:
    """What the broker holds is taken over: these are about what follows."""
    return await Desk(TAKES_ALL).start()


async def compare(desk: Desk, times: int = 1) -> None:
    for _ in range(times):
        await desk.command(RequestKind.RECONCILE)
        await desk.ticks(2)


async def compare_until_sure(desk: Desk) -> None:
    await compare(desk)
    await desk.wait(6)


async def test_a_second_comparison_changes_nothing(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    await compare(desk)
    rows, orders = len(desk.store.transitions), len(desk.broker.submitted)
    await compare(desk, 3)
    assert len(desk.store.transitions) == rows
    assert len(desk.broker.submitted) == orders
    assert desk.store.refused == []


async def test_a_position_that_the_store_does_not_know_is_adopted_and_protected(desk: Desk) -> None:
    desk.broker.held[SPY_580P.key] = 3
    desk.broker.cost[SPY_580P.key] = Decimal("1.51")
    desk.quote("2.00", "2.04", SPY_580P)
    await compare_until_sure(desk)
    position = desk.position
    assert (position.origin, position.quantity, position.entry_price) == (Origin.BROKER, 3, Decimal("1.51"))
    assert desk.broker.stop_order.left == 3
    assert "POSITION_ADOPTED" in desk.store.alerts
    await compare_until_sure(desk)
    assert len(desk.store.positions) == 1


async def test_what_somebody_bought_and_sold_between_two_looks_leaves_no_doubt_behind() -> None:
    desk = Desk({"engine": {"absence_grace_s": 20}})
    desk.broker.held[SPY_580P.key] = 1
    await desk.start()
    assert desk.store.session.state == "reconciling"
    desk.broker.held[SPY_580P.key] = 0
    await desk.wait(6)
    assert desk.store.session.state == "active"
    asked = desk.broker.snapshots
    await desk.wait(20)
    assert desk.broker.snapshots == asked, "nothing is in doubt, so the book is not asked again"


async def test_a_contract_that_we_never_asked_for_is_adopted_after_two_looks_half_a_second_apart() -> None:
    desk = Desk(TAKES_ALL)
    desk.broker.held[SPY_580P.key] = 1
    desk.quote("2.00", "2.04", SPY_580P)
    await desk.start()
    first = desk.clock.now()
    while desk.store.session.state == "reconciling":
        await desk.tick(0.05)
    waited = (desk.clock.now() - first).total_seconds()
    assert desk.broker.snapshots == 2
    assert waited < 0.5
    assert desk.position.quantity == 1


async def test_a_contract_that_we_traded_is_adopted_after_the_whole_grace_time(desk: Desk) -> None:
    await desk.hold(4)
    await desk.wait(3)
    desk.broker.held[desk.contract.key] = 5
    await desk.command(RequestKind.RECONCILE)
    await desk.ticks(7)
    assert len(desk.store.positions) == 1, "a fill of ours may be on its way"
    await desk.ticks(2)
    await desk.settle()
    assert len(desk.store.positions) == 2


async def test_a_start_with_an_unknown_position_adopts_it_before_it_trades() -> None:
    desk = Desk(TAKES_ALL)
    desk.broker.held[SPY_580P.key] = 1
    desk.quote("2.00", "2.04", SPY_580P)
    await desk.start()
    assert desk.store.session.state == "reconciling"
    await desk.wait(6)
    assert desk.store.session.state == "active"
    assert desk.broker.stop_order.left == 1


async def test_a_fill_between_two_parts_of_a_snapshot_is_no_second_position(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    execution = desk.broker.execute(entry, 4, "2.00")
    desk.broker.hide.add(entry.ref)  # the positions have it, the executions not yet
    await compare(desk)
    assert desk.store.positions == []
    desk.broker.hide.clear()
    desk.put(ExecutionReported(execution))
    await compare_until_sure(desk)
    assert [p.quantity for p in desk.store.positions] == [4]
    assert desk.position.origin is Origin.BOT


async def test_a_position_that_the_broker_does_not_have_is_closed_elsewhere_and_its_stop_taken_back(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.broker.held.clear()
    await compare_until_sure(desk)
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.close_reason is CloseReason.EXTERNALLY_CLOSED
    assert desk.store.order(stop.ref).state is OrderState.CANCELLED
    assert desk.broker.live == []


async def test_one_book_that_lacks_a_position_proves_nothing(desk: Desk) -> None:
    await desk.hold(4)
    held = dict(desk.broker.held)
    desk.broker.held.clear()
    await compare(desk)
    assert desk.position.state is PositionState.FILLED
    desk.broker.held.update(held)
    await compare_until_sure(desk)
    assert desk.position.state is PositionState.FILLED
    assert desk.broker.stop_order.left == 4


async def test_a_position_of_which_some_is_gone_keeps_a_stop_for_the_rest(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held[desk.contract.key] = 3
    await compare_until_sure(desk)
    assert desk.position.quantity == 3
    assert desk.broker.stop_order.left == 3


async def test_our_own_sale_heard_of_after_the_position_was_given_up_counts_as_ours(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    execution = desk.broker.execute(stop, 2, "1.00")
    desk.broker.hide.add(stop.ref)
    await compare_until_sure(desk)
    assert desk.position.close_reason is CloseReason.EXTERNALLY_CLOSED
    desk.put(ExecutionReported(execution))
    desk.broker.tell_commission(execution)
    await desk.settle()
    assert desk.position.exit_quantity == 2
    assert desk.position.settled_quantity == 0
    assert desk.position.realized_pnl == desk.broker.cash


async def test_an_expired_position_without_any_price_is_settled_as_pending(desk: Desk) -> None:
    await desk.hold(2)
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.tick()
    desk.clock.advance(7 * 3600)
    for order in desk.broker.live:
        order.status = BrokerOrderStatus.CANCELLED
    desk.broker.held.clear()
    await desk.connect()
    await desk.wait(6)
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.close_reason is CloseReason.SETTLEMENT_PENDING


async def test_shares_and_other_peoples_short_options_are_left_alone(desk: Desk) -> None:
    desk.broker.held[SPY_580P.key] = -2
    await compare_until_sure(desk)
    assert desk.store.positions == []
    assert "SHORT_AT_BROKER" in desk.store.alerts
    assert desk.store.session.state == "active"


async def test_an_incomplete_book_concludes_nothing(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held.clear()
    desk.broker.hide |= set(desk.broker.book)
    desk.broker.incomplete = True
    await compare(desk, 3)
    await desk.wait(10)
    await compare(desk)
    assert desk.position.state is PositionState.FILLED
    assert desk.store.order(desk.broker.stop_order.ref).state is OrderState.WORKING
    assert "SNAPSHOT_INCOMPLETE" in desk.store.alerts


async def test_an_entry_that_never_arrived_is_cancelled_as_stale_after_two_books(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    desk.broker.drop(desk.broker.entry)
    await desk.ticks(12, 1.0)
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.UNKNOWN
    await desk.wait(6)
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.CANCELLED
    assert desk.signal.state is SignalState.CANCELLED
    assert len(desk.broker.submitted) == 1


async def test_a_stop_that_never_arrived_goes_out_again_under_its_reference(desk: Desk) -> None:
    await desk.entry_working(2)
    desk.broker.fill(desk.broker.entry, 2)
    await desk.ticks(2)
    lost = desk.broker.stop_order
    desk.broker.drop(lost)
    await desk.ticks(12, 1.0)
    await desk.wait(6)
    assert desk.broker.stop_order.ref == lost.ref
    assert desk.broker.stop_order.order_id != lost.order_id
    assert desk.position.unprotected_since is None


async def lost_and_sent_again(desk: Desk) -> AtBroker:
    """Return the stop of two contracts as its first sending was, which never arrived; its second one is under way."""
    await desk.entry_working(2)
    desk.broker.fill(desk.broker.entry, 2)
    await desk.ticks(2)
    lost = desk.broker.stop_order
    desk.broker.drop(lost)
    await desk.ticks(12, 1.0)
    while lost.ref not in desk.broker.book:
        await desk.tick(1.0)
    return lost


async def test_the_late_end_of_a_lost_sending_does_not_end_the_one_that_went_out_after_it(desk: Desk) -> None:
    lost = await lost_and_sent_again(desk)
    await desk.tick()
    late = replace(desk.broker.view(lost), status=BrokerOrderStatus.CANCELLED, order_id=0)
    desk.put(OrderReported(late))
    await desk.ticks(2)
    assert desk.store.order(lost.ref).state is OrderState.SUBMITTED
    await desk.settle()
    assert desk.broker.stop_order.left == 2, "one stop, not two: the broker's law raises"
    assert desk.store.order(lost.ref).state is OrderState.WORKING


async def test_a_refusal_that_is_heard_before_its_own_sending_counts(desk: Desk) -> None:
    """Where broker and engine share a process the answer to a sending comes before the word that it was sent."""
    lost = await lost_and_sent_again(desk)
    order, next_id = desk.engine.ledger.order_index.by_ref[lost.ref], desk.engine.ledger.highest_order_id + 1
    assert order.attempts
    assert not order.was_sent_before_as(next_id, desk.engine.ledger.highest_order_id)
    assert order.was_sent_before_as(lost.order_id, desk.engine.ledger.highest_order_id)
    await desk.tick()
    desk.put(OrderErred(lost.ref, 3675, "not accepted", ErrorMeaning.AMBIGUOUS, desk.clock.now(), next_id))
    await desk.tick()
    assert desk.store.order(lost.ref).state is OrderState.UNKNOWN


@pytest.mark.parametrize(
    "code, meaning",
    [(201, ErrorMeaning.REJECTED), (321, ErrorMeaning.AMBIGUOUS), (10147, ErrorMeaning.CANCEL_REFUSED)],
)
async def test_the_late_error_of_a_lost_sending_says_nothing_of_the_one_that_went_out_after_it(
    desk: Desk, code: int, meaning: ErrorMeaning
) -> None:
    lost = await lost_and_sent_again(desk)
    await desk.tick()
    desk.put(OrderErred(lost.ref, code, "late words", meaning, desk.clock.now(), lost.order_id))
    await desk.ticks(2)
    assert desk.store.order(lost.ref).state is OrderState.SUBMITTED
    await desk.settle()
    assert desk.broker.stop_order.left == 2, "one stop, not two: the broker's law raises"
    assert desk.store.order(lost.ref).state is OrderState.WORKING


async def test_an_exit_that_never_arrived_goes_out_again(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(2)
    desk.broker.answer()
    await desk.ticks(2)
    lost = desk.broker.market
    desk.broker.drop(lost)
    await desk.ticks(12, 1.0)
    await desk.wait(6)
    assert desk.broker.market.ref == lost.ref
    desk.broker.fill(desk.broker.market, 2, "1.90")
    await desk.settle()
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_stop_that_vanished_after_a_part_of_it_filled_is_not_sent_again_whole(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.broker.fill(stop, 1, "1.00")
    await desk.ticks(10)
    desk.broker.drop(stop)
    await compare_until_sure(desk)
    assert desk.store.order(stop.ref).state is OrderState.CANCELLED
    await desk.wait(10)
    assert desk.broker.market.terms.quantity == 3


async def test_a_stop_that_vanished_while_its_position_is_being_closed_is_not_sent_again(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.tick()
    desk.broker.drop(stop)
    await desk.wait(20)
    assert desk.store.order(stop.ref).state is OrderState.CANCELLED
    assert desk.broker.market.terms.quantity == 4


async def test_an_order_given_up_as_stale_that_turns_out_to_live_is_cancelled(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    entry = desk.broker.entry
    desk.broker.hide.add(entry.ref)
    await desk.ticks(20, 1.0)
    assert desk.store.order(entry.ref).state is OrderState.CANCELLED
    desk.broker.hide.clear()
    await compare_until_sure(desk)
    assert desk.broker.live == []
    assert "ORDER_STILL_LIVE" in desk.store.alerts


async def test_an_order_sent_while_the_book_was_read_is_not_doubted(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    entry = desk.broker.entry
    desk.broker.hide.add(entry.ref)
    await desk.command(RequestKind.RECONCILE)
    await desk.tick()
    assert desk.store.order(entry.ref).state is OrderState.SUBMITTED


async def test_an_order_that_a_first_book_lacks_soon_after_it_was_sent_is_looked_for_again(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    desk.broker.cancel_ack(stop)
    await desk.ticks(2)
    desk.broker.answer()
    await desk.tick()
    lost = desk.broker.stop_order
    desk.broker.drop(lost)
    await compare(desk)
    assert desk.store.order(lost.ref).state is OrderState.WORKING, "the book may have been read before it was sent"
    await desk.wait(10)
    assert desk.broker.stop_order.ref == lost.ref


async def test_fills_during_a_lost_connection_are_found_on_the_way_back(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.tick()
    desk.broker.execute(desk.broker.rung, 1, "3.00")
    await desk.connect()
    await desk.settle()
    assert desk.position.quantity == 3
    assert desk.broker.stop_order.left == 3
    assert desk.store.session.state == "active"


async def test_a_foreign_execution_is_written_down_and_told(desk: Desk) -> None:
    foreign = Execution("0000f.01", "", 777, 5, SPY_580P.key, OrderSide.BUY, 1, Decimal(2), desk.clock.now(), 0)
    desk.put(ExecutionReported(foreign))
    await desk.ticks(2)
    assert "FOREIGN_EXECUTION" in desk.store.alerts
    assert "0000f.01" in desk.store.tables["executions"]
    assert desk.store.positions == []
    desk.put(ExecutionReported(foreign))
    await desk.ticks(2)
    assert desk.store.alerts.count("FOREIGN_EXECUTION") == 1


async def test_a_position_whose_strategy_is_gone_is_managed_all_the_same(desk: Desk) -> None:
    await desk.hold(2)
    again = Desk(TAKES_ALL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=2)
    again.engine._strategies = {}
    await again.start()
    again.broker.held[SPY_580P.key] = 1
    again.quote("2.00", "2.04", SPY_580P)
    await compare_until_sure(again)
    assert len(again.store.open_positions) == 2
    assert sum(o.left for o in again.broker.live) == 3


async def test_the_book_is_compared_on_the_timer(desk: Desk) -> None:
    asked = desk.broker.snapshots
    await desk.wait(305, 5.0)
    assert desk.broker.snapshots - asked in {1, 2}
