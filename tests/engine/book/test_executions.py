"""Executions that contradict what we know: corrected away, on the wrong side, beyond the order, with ids of another
shape. Each one ends in a book that is right and a stop that sells no more than is held."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events.orders import BrokerOrderStatus, CommissionReported, ExecutionReported, OrderReported
from bot.domain.events.people import RequestKind
from bot.domain.order import Execution, OrderSide, OrderState, Purpose
from bot.domain.position import Origin, PositionState
from tests.engine.desk import SPY_590C, Desk
from tests.engine.fake_broker import FEE


def corrected(desk: Desk, execution: Execution, quantity: int) -> Execution:
    """Have the broker take contracts of an execution away, and return the correction."""
    sign = 1 if execution.side is OrderSide.BUY else -1
    desk.broker.held[execution.contract_key] += sign * (quantity - execution.quantity)
    after = replace(execution, exec_id=execution.exec_id[:-1] + "2", quantity=quantity)
    desk.broker.executions[after.exec_id] = after
    return after


async def test_a_bought_contract_that_is_taken_back_leaves_a_stop_for_the_rest(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 2)
    second = desk.broker.fill(entry, 2)
    await desk.settle()
    assert desk.broker.stop_order.left == 4
    desk.put(ExecutionReported(corrected(desk, second, 0)))
    await desk.settle()
    assert desk.position.quantity == 2
    assert desk.broker.stop_order.left == 2
    assert desk.position.unprotected_since is None


async def test_a_position_whose_entry_was_corrected_can_be_closed_after_a_restart_too(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 2)
    second = desk.broker.fill(entry, 2)
    await desk.settle()
    desk.put(ExecutionReported(corrected(desk, second, 1)))
    await desk.settle()
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    again.quote("1.98", "2.02")
    await again.wait(6)
    assert again.broker.stop_order.left == 3
    await again.command(RequestKind.CLOSE, position_id=again.position.id)
    await again.settle()
    again.broker.fill(again.broker.market, 3, "1.90")
    await again.settle()
    assert again.position.state is PositionState.CLOSED
    assert again.store.refused == []


async def test_a_sale_that_is_taken_back_is_protected_again(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    sale = desk.broker.fill(desk.broker.rung, 1, "3.00")
    await desk.settle()
    assert desk.broker.stop_order.left == 3
    desk.put(ExecutionReported(corrected(desk, sale, 0)))
    await desk.settle()
    assert desk.position.quantity == 4
    assert desk.broker.stop_order.left == 4


async def test_a_sale_of_a_closed_position_that_is_taken_back_is_taken_up_and_protected(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    sale = desk.broker.fill(stop, 2, "1.00")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    desk.put(ExecutionReported(corrected(desk, sale, 1)))
    await desk.wait(8)
    assert "SALE_TAKEN_BACK" in desk.store.alerts
    (adopted,) = desk.store.open_positions
    assert (adopted.origin, adopted.quantity) == (Origin.BROKER, 1)
    assert desk.broker.stop_order.left == 1


async def test_a_correction_that_comes_before_what_it_corrects_counts_once(desk: Desk) -> None:
    await desk.entry_working(2)
    first = desk.broker.execute(desk.broker.entry, 2, "2.00")
    after = replace(first, exec_id=first.exec_id[:-1] + "2", price=Decimal("1.95"))
    desk.put(CommissionReported(first.exec_id, Decimal("1.30"), desk.clock.now()))
    desk.put(ExecutionReported(after))
    await desk.tick()
    desk.put(ExecutionReported(first))
    desk.put(CommissionReported(first.exec_id, Decimal("1.30"), desk.clock.now()))
    await desk.settle()
    desk.put(CommissionReported(after.exec_id, Decimal("1.20"), desk.clock.now()))
    await desk.settle()
    assert (desk.position.quantity, desk.position.entry_price) == (2, Decimal("1.95"))
    assert desk.position.commissions == Decimal("1.20")


async def test_a_correction_whose_first_form_is_heard_of_later_does_not_keep_its_order_open(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    first = desk.broker.execute(entry, 4, "2.00")  # not told
    desk.put(ExecutionReported(corrected(desk, first, 3)))
    desk.broker.report(entry)
    await desk.wait(12)
    desk.put(ExecutionReported(first))
    desk.put(ExecutionReported(first))
    await desk.settle()
    assert desk.engine.ledger.order_index.by_ref[entry.ref].corrected_away == 1
    assert (desk.position.quantity, desk.broker.stop_order.left) == (3, 3)


async def test_a_commission_of_a_corrected_execution_is_stored_where_the_execution_is(desk: Desk) -> None:
    await desk.entry_working(2)
    first = desk.broker.execute(desk.broker.entry, 2, "2.00")
    after = replace(first, exec_id=first.exec_id[:-1] + "2", price=Decimal("1.95"))
    desk.put(ExecutionReported(first))
    desk.put(ExecutionReported(after))
    await desk.tick()
    desk.put(CommissionReported(first.exec_id, Decimal("1.30"), desk.clock.now()))
    await desk.tick()
    assert desk.position.commissions == Decimal("1.30")
    assert desk.store.tables["commissions"][after.exec_id] == Decimal("1.30")


@pytest.mark.parametrize("exec_id", ["F-2231.x7", "nodots", "", "a.b.zz", "."])
async def test_an_exec_id_of_another_shape_is_an_execution_all_the_same(desk: Desk, exec_id: str) -> None:
    await desk.entry_working(2)
    execution = replace(desk.broker.execute(desk.broker.entry, 2, "2.00"), exec_id=exec_id)
    desk.put(ExecutionReported(execution))
    desk.put(ExecutionReported(execution))
    await desk.engine.guarded_tick()
    await desk.settle()
    assert desk.position.quantity == 2
    assert "TICK_FAILED" not in desk.store.alerts


async def test_two_exec_ids_that_differ_after_the_dot_in_no_number_are_two_executions(desk: Desk) -> None:
    await desk.entry_working(4)
    one = desk.broker.execute(desk.broker.entry, 2, "2.00")
    two = desk.broker.execute(desk.broker.entry, 2, "2.00")
    desk.put(ExecutionReported(replace(one, exec_id="F-2231.x7")))
    desk.put(ExecutionReported(replace(two, exec_id="F-2231.y8")))
    await desk.settle()
    assert desk.position.quantity == 4


async def test_a_sale_that_bears_the_reference_of_our_entry_is_somebody_elses(desk: Desk) -> None:
    await desk.hold(4)
    entry = desk.store.of(Purpose.ENTRY)[0]
    desk.broker.held[desk.contract.key] -= 1  # sold in TWS, from a copy of our order
    sale = Execution(
        "0000ffff.01", entry.order_ref, 777, 0, desk.contract.key, OrderSide.SELL, 1, Decimal(2), desk.clock.now(), 0
    )
    desk.put(ExecutionReported(sale))
    await desk.tick()
    assert "FOREIGN_EXECUTION" in desk.store.alerts
    assert "SYMBOL_HALTED" in desk.store.alerts
    assert desk.position.entry_quantity == 4
    await desk.wait(10)
    assert desk.position.quantity == 3
    assert desk.broker.stop_order.left == 3


async def test_nothing_is_sold_after_a_foreign_sale_until_the_book_says_what_is_left(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.cancel_ack(desk.broker.stop_order)
    desk.broker.held[desk.contract.key] = 0
    sale = Execution("0000aaaa.01", "", 777, 0, desk.contract.key, OrderSide.SELL, 4, Decimal(2), desk.clock.now(), 0)
    desk.put(ExecutionReported(sale))
    await desk.tick()  # a stop for 4 would be a stop for nothing: the broker's law raises
    await desk.wait(10)
    assert desk.position.state is PositionState.CLOSED
    assert desk.broker.live == []


async def test_more_than_was_asked_for_is_held_protected_and_told(desk: Desk) -> None:
    """One reference that was live twice, and both filled."""
    await desk.hold(2)
    entry = desk.broker.book[desk.store.of(Purpose.ENTRY)[0].order_ref]
    entry.terms = replace(entry.terms, quantity=4)
    extra = desk.broker.execute(entry, 2, "2.00")
    desk.put(ExecutionReported(replace(extra, perm_id=4711)))
    await desk.settle()
    assert desk.position.quantity == 4
    assert desk.broker.stop_order.left == 4
    assert desk.store.refused == []
    assert "ORDER_OVERFILLED" in desk.store.alerts


async def test_more_sold_than_held_is_told_at_once(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    execution = desk.broker.execute(stop, 2, "1.00")
    desk.put(ExecutionReported(replace(execution, quantity=3)))
    await desk.ticks(2)
    assert "OVERSOLD" in desk.store.alerts


async def test_an_order_that_was_refused_and_lives_all_the_same_is_called_off_within_seconds(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    entry = desk.broker.entry
    desk.broker.reject(entry)
    await desk.tick()
    assert desk.store.order(entry.ref).state is OrderState.REJECTED
    entry.status = BrokerOrderStatus.WORKING
    desk.put(OrderReported(desk.broker.view(entry)))
    await desk.wait(8)
    assert desk.broker.live == []
    assert "ORDER_STILL_LIVE" in desk.store.alerts


async def test_a_contract_of_another_multiplier_counts_with_its_own(desk: Desk) -> None:
    desk.contract = replace(SPY_590C, multiplier=10)
    await desk.propose(4)
    await desk.settle()
    desk.broker.fill(desk.broker.entry, price="2.00")
    await desk.settle()
    assert desk.position.quantity == 40, "a tenth of the premium"
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market, price="2.50")
    await desk.settle()
    assert desk.position.contract.multiplier == 10
    assert desk.position.realized_pnl == Decimal("0.50") * 40 * 10 - 80 * FEE


async def test_an_entry_that_was_taken_back_whole_leaves_what_it_cost(desk: Desk) -> None:
    await desk.entry_working(1)
    bought = desk.broker.fill(desk.broker.entry, 1, "2.00")
    await desk.settle()
    desk.broker.held[SPY_590C.key] = 0
    desk.put(ExecutionReported(replace(bought, exec_id=bought.exec_id.replace(".01", ".02"), quantity=0)))
    await desk.settle()
    assert (desk.position.quantity, desk.position.realized_pnl) == (0, -FEE)
