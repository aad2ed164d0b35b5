"""What the broker does not take has an end, whatever its words: for stops, sales, changes, cancels."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events.orders import ErrorMeaning, OrderErred
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderState, Purpose, times_not_taken
from bot.domain.position import PositionState, Protection
from tests.engine.desk import Desk, an_order, forced


async def bought(desk: Desk, quantity: int = 4) -> None:
    await desk.entry_working(quantity)
    desk.broker.fill(desk.broker.entry, quantity)
    await desk.tick()


@pytest.mark.parametrize("code", [0, 777, 9_999, 54_321])
async def test_a_stop_refused_in_unknown_words_is_sent_three_times_and_then_watched(desk: Desk, code: int) -> None:
    await bought(desk)
    for _ in range(120):
        for order in [o for o in desk.broker.live if o.type.value == "STP"]:
            desk.broker.drop(order)
            desk.put(OrderErred(order.ref, code, "nobody knows", ErrorMeaning.AMBIGUOUS, desk.clock.now()))
        await desk.tick(0.5)
    sent = [t for t in desk.broker.submitted if t.order_type.value == "STP"]
    assert len(sent) == 3
    assert desk.position.protection is Protection.SYNTHETIC
    assert desk.store.alerts.count("STOP_NOT_TAKEN") == 1
    assert desk.store.alerts.count("ORDER_AMBIGUOUS") == 1
    await desk.bid("1.00")
    assert desk.broker.market.left == 4


async def test_a_stop_that_the_broker_cancels_at_once_is_placed_three_times_and_then_watched(desk: Desk) -> None:
    await bought(desk)
    for _ in range(40):
        for order in [o for o in desk.broker.live if o.type.value == "STP"]:
            desk.broker.ack(order)
            desk.broker.cancel_ack(order)
        await desk.tick()
    assert len(desk.store.of(Purpose.PROTECT)) == 3
    assert desk.position.protection is Protection.SYNTHETIC
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await again.ticks(20)
    assert len(desk.store.of(Purpose.PROTECT)) == 3, "a restart does not begin to count anew"


async def test_a_sale_that_is_never_taken_is_tried_ever_more_rarely_with_the_stop_put_back(desk: Desk) -> None:
    await bought(desk)
    await desk.settle()
    await desk.command(RequestKind.FLATTEN)
    covered = 0
    for _ in range(600):
        for order in desk.broker.live:
            if order.type.value == "MKT":
                desk.broker.reject(order, 201, "no")
            elif order.cancel_asked:
                desk.broker.cancel_ack(order)
            elif not order.heard:
                desk.broker.ack(order)
        await desk.tick(0.5)
        covered += desk.position.unprotected_quantity == 0
    sales = [t for t in desk.broker.submitted if t.order_type.value == "MKT"]
    assert 5 <= len(sales) <= 12
    assert covered > 500, "most of the time the stop is there"
    assert desk.store.alerts.count("SALE_NOT_TAKEN") == desk.store.alerts.count("ORDER_REJECTED") == 1
    assert desk.position.state is PositionState.CLOSING
    for _ in range(200):
        if any(o.type.value == "MKT" for o in desk.broker.live):
            break
        for order in desk.broker.live:
            desk.broker.cancel_ack(order) if order.cancel_asked else None
        await desk.tick(0.5)
    desk.broker.fill(desk.broker.market, 4, "2.00")
    await desk.settle()
    assert desk.store.refused == []


@given(st.lists(st.sampled_from(["rejected", "ended", "held", "filled", "ours"]), max_size=12))
def test_a_count_begins_anew_with_what_was_taken(ends: list[str]) -> None:
    orders, expected = [], 0
    for end in ends:
        order = an_order(Purpose.PROTECT, state=OrderState.CANCELLED)
        if end in {"rejected", "ended"}:
            expected += 1
            state = OrderState.REJECTED if end == "rejected" else OrderState.CANCELLED
            forced(order, state=state, not_taken=end == "ended")
        elif end == "filled":
            forced(order, filled_quantity=1, filled_value=Decimal(1))
            expected = 0
        elif end == "held":
            forced(order, acknowledged_at=order.created_at, done_at=order.created_at)
            expected = 0
        orders.append(order)
    assert times_not_taken(orders, Purpose.PROTECT) == expected
