"""Somebody else's sale is told by the account's positions: what is on sale shrinks at once, never for our own fill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.events import Event
from bot.domain.events.account import PositionTold
from bot.domain.events.orders import ExecutionReported, OrderReported
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide
from bot.domain.position import PositionState
from tests.engine.desk import SPY_590C, Desk


def told(desk: Desk, quantity: int) -> None:
    desk.put(PositionTold(SPY_590C.key, quantity, desk.clock.now()))


def sold_by_hand(desk: Desk, contracts: int) -> None:
    """Another client sells: no execution is told, only what is held since."""
    desk.broker.held[SPY_590C.key] -= contracts
    told(desk, desk.broker.held[SPY_590C.key])


def on_sale(desk: Desk) -> int:
    return sum(o.left for o in desk.broker.live if o.side is OrderSide.SELL)


async def ticks_until_no_more_is_on_sale_than_held(desk: Desk) -> int:
    for tick in range(1, 20):
        await desk.tick()
        desk.broker.answer()
        if on_sale(desk) <= max(desk.broker.held[SPY_590C.key], 0):
            return tick
    raise AssertionError("still on sale")


@pytest.mark.parametrize("sold", [1, 2, 3, 4, 6])
async def test_the_stop_covers_no_more_than_is_left_within_two_ticks(sold: int) -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.quote("2.00", "2.04")
    await desk.tick()
    sold_by_hand(desk, sold)
    assert await ticks_until_no_more_is_on_sale_than_held(desk) <= 2
    assert desk.store.alerts.count("FEWER_AT_BROKER") == 1
    await desk.wait(12)
    assert sum(p.quantity for p in desk.store.open_positions) == max(4 - sold, 0)
    assert on_sale(desk) == max(4 - sold, 0)
    assert desk.store.refused == []


async def test_a_sale_told_between_two_looks_asks_for_the_book() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    before = desk.broker.snapshots
    sold_by_hand(desk, 1)
    await desk.ticks(4)
    assert desk.broker.snapshots > before


async def test_more_than_we_count_asks_for_the_book_and_shrinks_nothing() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    before, changed = desk.broker.snapshots, len(desk.broker.amended)
    told(desk, 6)
    await desk.wait(2)
    assert desk.broker.snapshots > before
    assert len(desk.broker.amended) == changed


@pytest.mark.parametrize("position_first", [True, False])
async def test_our_own_stop_that_fills_shrinks_nothing(position_first: bool) -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.quote("1.00", "1.02")  # at the stop
    await desk.tick()
    stop = desk.broker.stop_order
    execution = desk.broker.execute(stop, 1, "0.99")
    facts: list[Event] = [PositionTold(SPY_590C.key, 3, desk.clock.now()), ExecutionReported(execution)]
    desk.put(facts[0] if position_first else facts[1])
    await desk.ticks(3)
    desk.put(facts[1] if position_first else facts[0])
    await desk.ticks(8)
    assert desk.broker.amended == []
    assert desk.broker.cancels == []
    assert "FEWER_AT_BROKER" not in desk.store.alerts


async def test_a_fill_that_only_a_status_has_told_so_far_shrinks_nothing() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.broker.execute(stop, 1, "0.99")
    desk.put(OrderReported(desk.broker.view(stop)))
    told(desk, 3)
    await desk.ticks(3)
    assert desk.broker.amended == []


async def test_a_rung_beside_the_stop_goes_too() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.quoting = False
    await desk.bid("3.10")
    assert desk.broker.rung.left == 1
    sold_by_hand(desk, 4)
    for _ in range(8):
        await desk.tick()
        desk.broker.answer()
    assert on_sale(desk) == 0


async def test_an_emergency_sells_no_more_than_the_broker_holds() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.quote("2.00", "2.04")
    sold_by_hand(desk, 3)
    await desk.command(RequestKind.EMERGENCY)
    for _ in range(60):
        await desk.tick()
        desk.broker.answer()
        assert on_sale(desk) <= 1 or desk.clock.now() - desk.position.opened_at < timedelta(seconds=5)
        for order in [o for o in desk.broker.live if o.heard and o.type == "MKT"]:
            desk.broker.fill(order, order.left, "2.00")
    assert desk.broker.held[SPY_590C.key] == 0
    assert desk.position.state is PositionState.CLOSED


async def test_what_is_told_of_a_contract_that_is_none_of_ours_changes_nothing() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    before = desk.broker.snapshots
    desk.put(PositionTold("SPY   261120P00580000", 9, desk.clock.now()))
    await desk.ticks(8)
    assert desk.broker.snapshots == before


async def test_a_stop_whose_change_nobody_answers_is_taken_back_and_placed_anew_for_what_is_left() -> None:
    """The broker owes an answer to a change of the stop when somebody else sells: no other change can be sent, and
    what the stop would sell beyond what is held does not wait for it."""
    desk = await Desk().start()
    await desk.hold(4)
    desk.broker.held[SPY_590C.key] -= 1
    told(desk, 3)
    await desk.ticks(2)
    assert len(desk.broker.amended) == 1
    assert desk.broker.cancels == [], "a change that is on its way is waited for"
    await desk.ticks(4, 1.0)
    assert len(desk.broker.cancels) == 1
    await desk.settle()
    assert on_sale(desk) == 3
    assert desk.broker.stop_order.terms.quantity == 3
