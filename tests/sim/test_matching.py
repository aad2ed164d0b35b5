"""Every order type and a restart, against quotes set by hand."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.sim.venue_orders import first_perm_id
from bot.sim.vocabulary import (
    PositionChanged,
    Status,
)
from tests.sim.board_market import (
    CALL,
    LATER,
    NOON,
    PUT,
    ticket,
)
from tests.sim.matching_desk import BUY, LATENCY, SECOND, SELL, Desk, fills, statuses


@pytest.fixture
def desk() -> Desk:
    return Desk()


# -- order types ---------------------------------------------------------------------------------------------------


def test_a_market_order_takes_the_touch_after_the_latency(desk: Desk) -> None:
    assert statuses(desk.place(ticket(1, BUY, 3, "MKT"))) == [Status.PRE_SUBMITTED]
    assert desk.venue.step(NOON + LATENCY / 2) == []
    events = desk.venue.step(NOON + LATENCY)
    assert statuses(events) == [Status.SUBMITTED, Status.FILLED]
    assert fills(events) == [(3, Decimal("1.10"))]
    assert isinstance(events[-1], PositionChanged)


def test_a_marketable_limit_fills_at_the_touch_not_at_its_limit(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="1.50"))
    assert fills(desk.wait()) == [(2, Decimal("1.10"))]


def test_a_resting_limit_fills_at_its_price_when_the_market_comes_to_it(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="0.90"))
    assert fills(desk.wait_long(60)) == []
    desk.board.quote(CALL, "0.85", "0.90")
    assert fills(desk.wait()) == [(2, Decimal("0.90"))]


def test_what_rests_has_its_own_price_and_what_comes_marketable_has_the_touch(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="0.90"))
    desk.wait()
    desk.board.quote(CALL, "0.80", "0.84")
    assert fills(desk.wait()) == [(2, Decimal("0.90"))]
    desk.place(ticket(2, BUY, 2, "LMT", limit_price="0.90"))
    assert fills(desk.wait()) == [(2, Decimal("0.84"))]


def test_time_alone_fills_nothing_at_the_touch_or_inside_the_spread(desk: Desk) -> None:
    for number, limit in enumerate(("1.00", "1.05", "1.09"), start=1):
        desk.place(ticket(number, BUY, 1, "LMT", limit_price=limit))
    assert fills(desk.wait_long(600)) == []


def test_at_the_touch_the_size_displayed_at_its_arrival_is_served_first(desk: Desk) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 10)
    desk.place(ticket(1, BUY, 3, "LMT", limit_price="1.00"))
    desk.wait()
    desk.board.quote(CALL, "1.00", "1.10", 900)  # who comes later stands behind
    assert fills(desk.trade("1.00", 9)) == []
    assert fills(desk.trade("1.10", 50)) == []  # that was a buyer's
    assert fills(desk.trade("1.00", 2)) == [(1, Decimal("1.00"))]
    assert fills(desk.trade("1.00", 8)) == [(2, Decimal("1.00"))]


def test_inside_the_spread_the_next_seller_meets_the_order(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 3, "LMT", limit_price="1.05"))
    desk.wait()
    assert fills(desk.trade("1.06", 5)) == []
    assert fills(desk.trade("1.00", 2)) == [(2, Decimal("1.05"))]
    assert fills(desk.trade("1.05", 2)) == [(1, Decimal("1.05"))]


def test_a_sale_that_rests_waits_for_buyers(desk: Desk) -> None:
    desk.long(4)
    desk.board.quote(CALL, "1.00", "1.10", 5)
    desk.place(ticket(1, SELL, 4, "LMT", limit_price="1.10"))
    desk.wait()
    assert fills(desk.trade("1.00", 50)) == []
    assert fills(desk.trade("1.10", 6)) == [(1, Decimal("1.10"))]
    assert fills(desk.trade("1.11", 2)) == [(2, Decimal("1.10"))]


def test_what_was_printed_before_the_order_came_fills_nothing(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="1.05"))
    assert fills(desk.trade("1.00", 50)) == []  # the second in which it came
    assert fills(desk.trade("1.00", 50)) == [(1, Decimal("1.05"))]


def test_a_queue_is_left_by_who_moves_or_asks_for_more_and_kept_by_who_asks_for_less(desk: Desk) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 10)
    desk.place(ticket(1, BUY, 3, "LMT", limit_price="1.00"))
    desk.wait()
    desk.trade("1.00", 10)
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="1.00"))
    desk.wait()
    assert fills(desk.trade("1.00", 1)) == [(1, Decimal("1.00"))]
    desk.place(ticket(1, BUY, 4, "LMT", limit_price="1.00"))
    desk.wait()
    assert fills(desk.trade("1.00", 10)) == []
    desk.place(ticket(1, BUY, 4, "LMT", limit_price="0.99"))
    desk.wait()
    desk.place(ticket(1, BUY, 4, "LMT", limit_price="1.00"))
    desk.wait()
    assert fills(desk.trade("1.00", 10)) == []
    assert fills(desk.trade("1.00", 3)) == [(3, Decimal("1.00"))]


def test_who_stands_ahead_is_gone_when_the_touch_falls_behind_the_order(desk: Desk) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 10)
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="1.00"))
    desk.wait()
    desk.board.quote(CALL, "0.98", "1.08", 10)
    desk.wait()
    desk.board.quote(CALL, "1.00", "1.10", 10)
    assert fills(desk.trade("1.00", 1)) == [(1, Decimal("1.00"))]


def test_one_print_is_shared_by_the_orders_that_it_reaches(desk: Desk) -> None:
    for number in (1, 2):
        desk.place(ticket(number, BUY, 3, "LMT", limit_price="1.05"))
    desk.wait()
    assert fills(desk.trade("1.00", 4)) == [(3, Decimal("1.05")), (1, Decimal("1.05"))]


def test_two_prints_of_one_moment_price_and_size_are_two(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 4, "LMT", limit_price="1.05"))
    desk.wait()
    desk.board.trade(CALL, desk.now + SECOND / 2, "1.00", 2)
    assert fills(desk.trade("1.00", 2)) == [(4, Decimal("1.05"))]


@pytest.mark.parametrize("every", [0.1, 0.5, 1.0, 5.0])
def test_how_often_the_venue_is_stepped_does_not_change_the_fills(desk: Desk, every: float) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 6)
    desk.place(ticket(1, BUY, 20, "LMT", limit_price="1.00"))
    desk.wait()
    for second in range(30):
        desk.board.trade(CALL, desk.now + SECOND * (second + 0.55), "1.00", 1 + second % 2)
    found = [fill for _ in range(round(30 / every)) for fill in fills(desk.wait(every))]
    assert sum(quantity for quantity, _ in found) == 20
    assert desk.order(1).status is Status.FILLED
    reached = next(n for n in range(30) if sum(1 + s % 2 for s in range(n + 1)) >= 26)
    completed_at = desk.order(1).completed_at
    assert completed_at is not None
    late = (completed_at - NOON).total_seconds() - 1 - (reached + 0.55)
    assert 0 <= late <= every


def test_a_sell_stop_waits_for_the_bid_and_fills_at_the_touch_or_worse(desk: Desk) -> None:
    desk.long(4)
    desk.place(ticket(1, SELL, 4, "STP", aux_price="0.50"))
    desk.board.quote(CALL, "0.51", "0.55")
    desk.wait_long(5)
    assert desk.order(1).status is Status.PRE_SUBMITTED
    desk.board.quote(CALL, "0.50", "0.54")
    (quantity, price) = fills(desk.wait())[0]
    assert quantity == 4
    assert price in {Decimal("0.50"), Decimal("0.49")}


def test_a_stop_slips_sometimes_and_never_improves_on_the_touch() -> None:
    prices = set()
    for seed in range(30):
        desk = Desk(seed=seed)
        desk.long(1)
        desk.place(ticket(1, SELL, 1, "STP", aux_price="0.50"))
        desk.board.quote(CALL, "0.40", "0.44")
        prices |= {price for _, price in fills(desk.wait())}
    assert prices == {Decimal("0.40"), Decimal("0.39")}


def test_a_buy_stop_waits_for_the_ask(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "STP", aux_price="1.20"))
    assert fills(desk.wait_long(5)) == []
    desk.board.quote(CALL, "1.15", "1.20")
    assert fills(desk.wait())[0][1] >= Decimal("1.20")


def test_a_stop_limit_becomes_a_limit_that_may_stay_behind(desk: Desk) -> None:
    desk.long(1)
    desk.place(ticket(1, SELL, 1, "STP LMT", aux_price="0.80", limit_price="0.75"))
    desk.board.quote(CALL, "0.60", "0.64")
    assert fills(desk.wait()) == []
    assert desk.order(1).status is Status.SUBMITTED
    desk.board.quote(CALL, "0.76", "0.80")
    assert fills(desk.wait()) == [(1, Decimal("0.75"))]  # it rested there when the buyer came


@pytest.mark.parametrize("trail", [{"aux_price": "0.25"}, {"trailing_percent": "25"}])
def test_a_trailing_stop_follows_the_bid_up_and_never_down(desk: Desk, trail: dict[str, str]) -> None:
    desk.long(1)
    desk.place(ticket(1, SELL, 1, "TRAIL", **trail))
    desk.wait()
    assert desk.order(1).stop_price == Decimal("0.75")
    desk.board.quote(CALL, "2.00", "2.05")
    desk.wait()
    high = Decimal("1.75") if "aux_price" in trail else Decimal("1.50")
    assert desk.order(1).stop_price == high
    desk.board.quote(CALL, str(high + Decimal("0.01")), "2.00")
    desk.wait()
    assert desk.order(1).stop_price == high
    desk.board.quote(CALL, str(high), "2.00")
    assert fills(desk.wait())[0][1] in {high, high - Decimal("0.01")}


def test_a_trailing_limit_keeps_its_distance_to_the_stop(desk: Desk) -> None:
    desk.long(1)
    terms = {"aux_price": "0.20", "trail_stop_price": "0.80", "limit_price": "0.75"}
    desk.place(ticket(1, SELL, 1, "TRAIL LIMIT", **terms))
    desk.board.quote(CALL, "2.00", "2.05")
    desk.wait()
    desk.board.quote(CALL, "1.70", "1.74")
    assert fills(desk.wait()) == []
    desk.board.quote(CALL, "1.75", "1.80")
    assert fills(desk.wait()) == [(1, Decimal("1.75"))]


def test_an_order_for_more_than_is_displayed_takes_several_seconds(desk: Desk) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 4)
    desk.place(ticket(1, BUY, 10, "LMT", limit_price="1.10"))
    found = [fills(desk.wait(0.5)) for _ in range(6)]
    assert [quantity for each in found for quantity, _ in each] == [4, 4, 2]
    assert desk.order(1).status is Status.FILLED
    assert len({each.exec_id for each in desk.venue.executions()}) == 3


def test_immediate_or_cancel_drops_what_is_not_filled_at_once(desk: Desk) -> None:
    desk.board.quote(CALL, "1.00", "1.10", 4)
    desk.place(ticket(1, BUY, 10, "LMT", limit_price="1.10", tif="IOC"))
    desk.wait()
    assert (desk.order(1).filled, desk.order(1).status) == (4, Status.CANCELLED)


def test_nothing_fills_in_a_halt_or_without_a_bid(desk: Desk) -> None:
    desk.long(1)
    desk.place(ticket(1, SELL, 1, "MKT"))
    desk.board.quote(CALL, "1.00", "1.10", halted=True)
    assert fills(desk.wait_long(3)) == []
    desk.board.quote(CALL, None, "0.01")
    assert fills(desk.wait_long(3)) == []


# -- identity and restart ------------------------------------------------------------------------------------------


def test_ids_are_per_client_and_permanent_ids_only_rise(desk: Desk) -> None:
    desk.place(ticket(7, BUY, 1, "LMT", limit_price="0.50"))
    desk.place(ticket(3, BUY, 1, "LMT", limit_price="0.50", client_id=2))
    assert (desk.venue.next_order_id(1), desk.venue.next_order_id(2), desk.venue.next_order_id(3)) == (8, 4, 1)
    first, second = desk.venue.open_orders()
    assert second.perm_id > first.perm_id


def test_permanent_ids_and_the_exec_ids_made_of_them_are_of_one_day(desk: Desk) -> None:
    """TWS gives no permId twice, and a store tells executions apart by their execIds: a venue of the next day that
    began anew would fill orders unseen."""
    seen: set[str | int] = set()
    for days in (0, 1, 30, 3000):
        day = Desk()
        day.now += timedelta(days=days)
        order = day.venue._orders.accept(ticket(1, BUY, 1, "MKT"), day.now).order
        execution = day.venue._executions.book(order, 1, Decimal("0.60"), day.now)
        assert 0 < order.perm_id < 2**31
        assert {order.perm_id, execution.exec_id}.isdisjoint(seen)
        seen |= {order.perm_id, execution.exec_id}


def test_a_venue_that_lives_through_midnight_numbers_on(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="0.50"))
    (before,) = desk.venue.open_orders()
    desk.now += timedelta(days=1)
    after = desk.venue._orders.accept(ticket(2, BUY, 1, "LMT", limit_price="0.50"), desk.now).order
    assert before.perm_id < first_perm_id(desk.now.date()) <= after.perm_id


def test_events_keep_what_was_true_when_they_were_told(desk: Desk) -> None:
    told = desk.place(ticket(1, BUY, 1, "MKT"))
    desk.wait()
    assert statuses(told) == [Status.PRE_SUBMITTED]


def test_a_restarted_venue_goes_on_as_the_old_one_would_have() -> None:
    old = Desk(partial=0.3)
    old.board.quote(CALL, "1.00", "1.10", 3)
    old.place(ticket(1, BUY, 20, "LMT", limit_price="1.10"))
    old.place(ticket(2, BUY, 2, "LMT", limit_price="0.30", instrument=LATER))
    old.place(ticket(5, BUY, 1, "LMT", limit_price="1.05", instrument=PUT, oca_group="g"))
    old.wait_long(3)
    old.venue.cancel(1, 2, old.now)
    new = Desk(partial=0.3)
    new.board.quote(CALL, "1.00", "1.10", 3)
    new.venue.restore(json.loads(json.dumps(old.venue.snapshot())))
    new.now = old.now
    assert new.venue.snapshot() == old.venue.snapshot()
    assert new.wait_long(40) == old.wait_long(40)
    assert new.venue.snapshot() == old.venue.snapshot()
    assert new.venue.next_order_id(1) == 6


def test_a_restarted_venue_keeps_every_place_in_the_queue() -> None:
    old, new = Desk(), Desk()
    for each in (old, new):
        each.board.quote(CALL, "1.00", "1.10", 10)
    old.place(ticket(1, BUY, 3, "LMT", limit_price="1.00"))
    old.wait()
    old.trade("1.00", 8)
    new.venue.restore(json.loads(json.dumps(old.venue.snapshot())))
    new.now = old.now
    assert fills(new.trade("1.00", 4)) == fills(old.trade("1.00", 4)) == [(2, Decimal("1.00"))]


def test_a_snapshot_of_an_older_version_is_read_without_what_is_kept_no_more(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 3, "LMT", limit_price="1.00"))
    desk.wait()
    state = json.loads(json.dumps(desk.venue.snapshot()))
    for record in state["orders"]:
        del record["fields"]["place"]
        record["fields"]["tried"] = 1795194001
    new = Desk()
    new.venue.restore(state)
    assert [each.ticket.order_id for each in new.venue.open_orders()] == [1]


def test_a_snapshot_of_another_market_is_refused(desk: Desk) -> None:
    desk.long(1)
    state = json.loads(json.dumps(desk.venue.snapshot()).replace('"$contract": 11', '"$contract": 4711'))
    with pytest.raises(ValueError, match="4711"):
        Desk().venue.restore(state)
