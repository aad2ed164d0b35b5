"""Order messages leave by class, entries only as the wire has room."""

from decimal import Decimal

from bot.domain.events.people import RequestKind
from bot.domain.instructions import AmendOrder, AskSnapshot, CancelOrder, SubmitOrder
from bot.domain.order import OrderSide, OrderTicket, OrderType, Purpose, Terms
from bot.engine.sending.pacing import ENTRY_WAITS_S, TokenBucket, by_class
from tests.engine.desk import SPY_590C, Desk


def ticket(ref: str, side: OrderSide) -> OrderTicket:
    return OrderTicket(ref, ref, SPY_590C.key, side, OrderType.LIMIT, Terms(1, limit_price=Decimal(1)))


BUY, SELL = SubmitOrder(ticket("qty-b", OrderSide.BUY)), SubmitOrder(ticket("qty-s", OrderSide.SELL))
STOP_MOVES = AmendOrder(ticket("qty-m", OrderSide.SELL))
CANCEL, ASK = CancelOrder("qty-c", 1), AskSnapshot("why")


def test_cancels_go_first_then_sells_then_buys_then_questions() -> None:
    assert by_class([ASK, BUY, STOP_MOVES, SELL, CANCEL]) == [CANCEL, STOP_MOVES, SELL, BUY, ASK]


def test_entries_wait_for_the_bucket_and_leave_in_their_order() -> None:
    pace = TokenBucket(rate=2)
    for _ in range(5):
        pace.hold(0.0, BUY)
    assert [pace.ready(0.0) for _ in range(3)] == [BUY, BUY, None]
    assert [pace.ready(0.5) for _ in range(2)] == [BUY, None]


def test_what_protects_takes_the_room_of_the_entries() -> None:
    pace = TokenBucket(rate=2)
    for _ in range(4):
        pace.spend(0.0)
    pace.hold(0.0, BUY)
    assert pace.ready(0.9) is None
    assert pace.ready(1.6) is BUY


def test_in_one_second_no_more_entries_leave_than_the_rate() -> None:
    pace = TokenBucket()
    for _ in range(200):
        pace.hold(0.0, BUY)
    assert sum(pace.ready(0.0) is not None for _ in range(200)) == 45


async def test_an_entry_that_waits_too_long_is_given_up_on_record(desk: Desk) -> None:
    pace = desk.engine._dispatcher._pace
    await desk.propose(4)
    for _ in range(10_000):
        pace.spend(desk.clock.monotonic())
    await desk.ticks(2)
    assert desk.broker.submitted == [], "the wire is busy with what cannot wait"
    await desk.ticks(int(ENTRY_WAITS_S / 0.25) + 4)
    assert desk.broker.submitted == []
    order = desk.store.of(Purpose.ENTRY)[0]
    assert order.state == "rejected"
    assert "waited too long" in order.reject_reason
    assert desk.signal.state == "rejected"


async def test_new_terms_that_wait_for_the_wire_are_given_up_when_their_order_is_taken_back(desk: Desk) -> None:
    """A venue takes terms for an id that is gone as a new order."""
    pace = desk.engine._dispatcher._pace
    await desk.entry_working(4)
    await desk.ticks(int(desk.settings.execution.reprice_after_s) - 3, 1.0)
    pace._rate = pace._tokens = 0  # the wire is busy
    for _ in range(60):
        await desk.tick()
        if pace.waiting:
            break
    assert pace.waiting
    entry = desk.broker.entry
    desk.broker.fill(entry, 1)
    await desk.tick()
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.tick()
    assert not pace.waiting
    desk.broker.cancel_ack(entry)
    await desk.settle()
    assert desk.broker.amended == []
    assert desk.store.order(entry.ref).state == "cancelled"
