"""From an idea to a flat book, through the tick alone: what the broker was asked and what the store has."""

from decimal import Decimal

import pytest

from bot.domain.events.orders import ExecutionReported
from bot.domain.order import OrderState, OrderType, Purpose
from bot.domain.position import CloseReason, PositionState
from bot.domain.signal import SignalState
from tests.engine.desk import Desk
from tests.engine.fake_broker import FEE


async def test_a_start_on_an_empty_store_becomes_active_once_the_books_agree(desk: Desk) -> None:
    assert desk.store.session.state == "active"
    assert desk.store.connection.state == "synced"
    assert desk.store.refused == []


async def test_a_proposal_is_measured_approved_by_the_rules_and_sent_at_mid(desk: Desk) -> None:
    await desk.propose(4)
    await desk.settle()
    assert len(desk.broker.what_ifs) == 1
    entry = desk.broker.entry
    assert (entry.terms.quantity, entry.terms.limit_price) == (4, Decimal("2.00"))
    assert desk.signal.state is SignalState.WORKING
    assert desk.store.path(desk.signal.id) == ["created", "measure", "ask", "approve", "work"]
    assert desk.store.order(entry.ref).state is OrderState.WORKING


async def test_a_life_from_proposal_to_the_trail_is_accounted_to_the_cent(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 1, "1.99")
    await desk.tick()
    desk.broker.fill(entry, 3, "2.00")
    await desk.settle()
    assert desk.signal.state is SignalState.FILLED
    stop = desk.broker.stop_order
    assert (stop.terms.quantity, stop.terms.stop_price) == (4, Decimal("1.00"))
    assert desk.position.unprotected_since is None

    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    assert stop.asked is not None
    assert stop.asked.quantity == 3, "the stop shrinks first"
    assert all(o.type is not OrderType.LIMIT for o in desk.broker.live), "nothing is sold before that is confirmed"
    await desk.settle()
    rung = desk.broker.rung
    assert (rung.terms.quantity, rung.terms.limit_price) == (1, Decimal("3.00"))
    desk.broker.fill(rung, 1, "3.00")
    await desk.settle()
    assert desk.position.quantity == 3
    assert desk.broker.stop_order.left == 3

    await desk.bid("4.00")
    assert desk.broker.rung.terms.quantity == 2
    desk.broker.fill(desk.broker.rung, 2, "4.01")
    await desk.settle()
    assert desk.position.state is PositionState.TRAILING
    await desk.wait(6)
    assert desk.broker.stop_order.terms.stop_price == Decimal("3.00")
    await desk.bid("4.02")
    assert desk.broker.stop_order.terms.stop_price == Decimal("3.00"), "too small a move to replace a stop for"
    await desk.wait(6)
    await desk.bid("5.00")
    assert desk.broker.stop_order.terms.stop_price == Decimal("3.75")

    desk.broker.fill(desk.broker.stop_order, 1, "3.74")
    await desk.settle()
    position = desk.position
    assert position.state is PositionState.CLOSED
    assert position.close_reason is CloseReason.TRAIL
    assert position.realized_pnl == desk.broker.cash
    assert position.realized_pnl == Decimal("3.00") * 100 + Decimal("8.02") * 100 + 374 - 799 - 8 * FEE
    assert desk.store.path(position.id).count("scale_out") == 2
    assert desk.broker.live == []
    assert desk.store.refused == []


async def test_the_trail_moves_no_more_often_than_its_interval(desk: Desk) -> None:
    await desk.hold(1)
    await desk.bid("3.10")
    moves = len(desk.broker.amended)
    assert moves == 1
    await desk.bid("3.50")
    assert len(desk.broker.amended) == moves
    await desk.wait(6)
    assert len(desk.broker.amended) == moves + 1


async def test_a_falling_market_never_lowers_the_trailing_stop(desk: Desk) -> None:
    await desk.hold(1)
    await desk.bid("4.00")
    await desk.wait(6)
    for bid in ("3.90", "3.50", "3.20", "4.10", "3.30"):
        await desk.bid(bid)
        await desk.wait(6)
        assert desk.broker.stop_order.terms.stop_price >= Decimal("3.00")  # type: ignore[operator]


@pytest.mark.parametrize(
    "quantity, sold_at_first, sold_at_second", [(1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 1, 2), (5, 1, 2), (8, 2, 4)]
)
async def test_the_ladder_of_a_small_position_leaves_the_last_contract_to_trail(
    desk: Desk, quantity: int, sold_at_first: int, sold_at_second: int
) -> None:
    await desk.hold(quantity)
    for bid, expected in (("3.00", sold_at_first), ("4.00", sold_at_second)):
        await desk.bid(bid)
        before = desk.position.exit_quantity
        rungs = [o for o in desk.broker.live if o.type is OrderType.LIMIT]
        assert [o.terms.quantity for o in rungs] == ([expected] if expected else [])
        for rung in rungs:
            desk.broker.fill(rung, expected, bid)
        await desk.settle()
        assert desk.position.exit_quantity - before == expected
        assert desk.broker.stop_order.left == desk.position.quantity
    assert desk.position.state is PositionState.TRAILING
    assert desk.position.quantity >= 1


async def test_a_single_contract_trails_from_half_up(desk: Desk) -> None:
    await desk.hold(1)
    await desk.bid("2.98")
    earlier = desk.position.state
    assert earlier is PositionState.FILLED
    await desk.bid("3.00")
    assert desk.position.state is PositionState.TRAILING
    assert desk.broker.stop_order.terms.stop_price == Decimal("2.25")


async def test_the_stop_closes_a_loser(desk: Desk) -> None:
    await desk.hold(2)
    desk.broker.fill(desk.broker.stop_order, 2, "0.99")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.close_reason is CloseReason.STOP
    assert desk.position.realized_pnl == desk.broker.cash


async def test_the_stop_that_fills_in_part_and_hangs_is_finished_at_the_market(desk: Desk) -> None:
    await desk.hold(3)
    desk.broker.fill(desk.broker.stop_order, 1, "0.99")
    await desk.settle()
    earlier = desk.position.state
    assert earlier is PositionState.CLOSING
    await desk.wait(5)
    assert desk.broker.stop_order.left == 2, "it gets a while to finish by itself"
    await desk.wait(10)
    assert desk.broker.market.terms.quantity == 2
    desk.broker.fill(desk.broker.market, 2, "0.90")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_commission_before_its_execution_is_charged_once(desk: Desk) -> None:
    await desk.entry_working(2)
    entry = desk.broker.entry
    execution = desk.broker.execute(entry, 2, "2.00")
    desk.broker.tell_commission(execution)
    await desk.tick()
    desk.put(ExecutionReported(execution))
    desk.broker.report(entry)
    desk.broker.tell_commission(execution)
    await desk.settle()
    assert desk.position.commissions == 2 * FEE
    assert desk.store.tables["commissions"][execution.exec_id] == 2 * FEE


async def test_a_commission_after_the_close_still_reaches_the_realized_result(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    execution = desk.broker.execute(stop, 2, "0.99")
    desk.put(ExecutionReported(execution))
    desk.broker.report(stop)
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.realized_pnl == desk.broker.cash + 2 * FEE
    desk.broker.tell_commission(execution)
    await desk.settle()
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_rung_that_hangs_follows_the_bid_at_its_own_pace(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    rung = desk.broker.rung
    desk.quote("2.90", "2.92")
    await desk.wait(11)
    assert rung.terms.limit_price == Decimal("2.90")
    sent = len(desk.broker.amended)
    for cents in range(5):
        await desk.bid(f"2.8{cents}")
    assert len(desk.broker.amended) == sent, "one move in ten seconds"
    await desk.wait(11)
    assert len(desk.broker.amended) == sent + 1


async def test_a_rung_whose_amendment_is_refused_asks_again_only_after_a_while(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    for _ in range(8):
        await desk.tick()
        if desk.broker.stop_order.asked:
            desk.broker.refuse_amendment(desk.broker.stop_order)
    assert 1 <= len(desk.broker.amended) <= 2
    assert desk.broker.stop_order.left == 4
    await desk.wait(5)
    assert desk.broker.rung.terms.quantity == 1


async def test_a_stop_rung_and_position_never_disagree_when_the_quote_goes_stale_after_room_was_made(
    desk: Desk,
) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    desk.quoting = False
    desk.clock.advance(20)
    desk.broker.answer()
    await desk.ticks(60, 0.5)
    desk.broker.answer()
    await desk.settle()
    assert desk.broker.stop_order.left == 4, "without a price nothing is sold, and nothing stays uncovered"


async def test_a_rung_is_called_off_when_the_bid_collapses_before_the_sale(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    desk.quote("1.50", "1.52")
    await desk.settle()
    assert desk.broker.stop_order.left == 4
    assert len(desk.broker.live) == 1
    await desk.wait(3)
    await desk.bid("3.00")
    assert desk.broker.rung.left == 1, "the rung can be reached again"


async def test_every_order_reference_is_used_once(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    desk.broker.fill(desk.broker.rung, 1, "3.00")
    await desk.settle()
    refs = [t.order_ref for t in desk.broker.submitted]
    assert len(refs) == len(set(refs))
    assert {o.purpose for o in desk.store.orders} == set(Purpose)
