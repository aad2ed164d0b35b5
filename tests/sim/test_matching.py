"""Every order type, every refusal, groups and parents, the close, and a restart, against quotes set by hand."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.sim.matching import MatchingVenue, first_perm_id
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import (
    Filled,
    Instrument,
    OrderChanged,
    OrderTicket,
    PositionChanged,
    Side,
    Status,
    VenueEvent,
    VenueOrder,
    VenueRefused,
)
from tests.sim.board_market import (
    CALL,
    CLOSE,
    GONE,
    INDEX,
    LATER,
    NOON,
    OPEN,
    PUT,
    SPY_PUT,
    UNLISTED,
    BoardMarket,
    ticket,
)
from tests.sim.small_market import SHARES

BUY, SELL = Side.BUY, Side.SELL
LATENCY = timedelta(milliseconds=40)
SECOND = timedelta(seconds=1)


class Desk:
    """A venue on a board, with a clock that a test moves."""

    def __init__(self, *, cash: str = "100000", seed: int = 1, partial: float = 0.0) -> None:
        self.board = BoardMarket()
        self.venue = MatchingVenue(self.board, seed, Decimal(cash), VenueScript(partial_fill_probability=partial))
        self.now = NOON

    def place(self, order: OrderTicket) -> list[VenueEvent]:
        return self.venue.place(order, self.now)

    def wait(self, seconds: float = 1.0) -> list[VenueEvent]:
        self.now += timedelta(seconds=seconds)
        return self.venue.step(self.now)

    def trade(self, price: str, quantity: int) -> list[VenueEvent]:
        """Let others trade half a second from now, and a second pass."""
        self.board.trade(CALL, self.now + SECOND / 2, price, quantity)
        return self.wait()

    def wait_long(self, seconds: int) -> list[VenueEvent]:
        return [event for _ in range(seconds) for event in self.wait()]

    def order(self, order_id: int) -> VenueOrder:
        every = [*self.venue.open_orders(), *self.venue.completed_orders()]
        return next(each for each in every if each.ticket.order_id == order_id)

    def long(self, quantity: int, instrument: Instrument = CALL, order_id: int = 900) -> None:
        self.place(ticket(order_id, BUY, quantity, "MKT", instrument=instrument))
        self.wait()
        assert self.held(instrument) == quantity

    def held(self, instrument: Instrument = CALL) -> int:
        return next((p.quantity for p in self.venue.positions() if p.instrument is instrument), 0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusals(events: list[VenueEvent]) -> list[int]:
    return [event.code for event in events if isinstance(event, VenueRefused)]


def fills(events: list[VenueEvent]) -> list[tuple[int, Decimal]]:
    return [(event.execution.quantity, event.execution.price) for event in events if isinstance(event, Filled)]


def statuses(events: list[VenueEvent]) -> list[Status]:
    return [event.order.status for event in events if isinstance(event, OrderChanged)]


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


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order,code",
    [
        (ticket(1, BUY, 1, "LMT", limit_price="1.00", instrument=UNLISTED), 200),
        (ticket(1, BUY, 1, "LMT", limit_price="1.00", instrument=GONE), 201),
        (ticket(1, BUY, 1, "MKT", instrument=INDEX), 201),
        (ticket(1, BUY, 0, "MKT"), 434),
        (ticket(1, BUY, 1, "BOX TOP"), 387),
        (ticket(1, BUY, 1, "LMT"), 321),
        (ticket(1, BUY, 1, "STP"), 321),
        (ticket(1, BUY, 1, "TRAIL"), 321),
        (ticket(1, BUY, 1, "LMT", limit_price="1.005"), 110),
        (ticket(1, BUY, 1, "LMT", limit_price="3.05", instrument=PUT), 110),
        (ticket(1, BUY, 1, "LMT", limit_price="2.92", instrument=PUT), 110),
        (ticket(1, BUY, 1, "STP", aux_price="1.001"), 110),
        (ticket(1, BUY, 1, "LMT", limit_price="1.00", parent_id=77), 10006),
        (ticket(1, BUY, 1000, "LMT", limit_price="1.00"), 201),
        (ticket(1, BUY, 1000, "MKT"), 201),
        (ticket(1, SELL, 1, "MKT"), 201),
        (ticket(1, SELL, 1, "STP", aux_price="0.50"), 201),
    ],
)
def test_a_bad_ticket_is_refused_and_nothing_rests(desk: Desk, order: OrderTicket, code: int) -> None:
    assert refusals(desk.place(order)) == [code]
    assert desk.venue.open_orders() == []
    assert fills(desk.wait_long(3)) == []


def test_a_rejected_order_stays_behind_as_inactive_and_other_refusals_leave_nothing(desk: Desk) -> None:
    desk.place(ticket(1, SELL, 1, "MKT"))
    desk.place(ticket(2, BUY, 1, "LMT", limit_price="1.005"))
    assert [(o.ticket.order_id, o.status, o.reject_code) for o in desk.venue.completed_orders()] == [
        (1, Status.INACTIVE, 201)
    ]
    assert refusals(desk.place(ticket(1, BUY, 1, "MKT"))) == [103]
    assert refusals(desk.place(ticket(2, BUY, 1, "MKT"))) == []


def test_working_buys_set_their_cost_aside() -> None:
    desk = Desk(cash="1000")
    assert refusals(desk.place(ticket(1, BUY, 6, "LMT", limit_price="0.90"))) == []
    assert refusals(desk.place(ticket(2, BUY, 6, "LMT", limit_price="0.90"))) == [201]
    assert desk.venue.account_values(desk.now)["AvailableFunds"] == Decimal(1000) - 540 - Decimal("4.02")


def test_working_sales_never_add_up_to_more_than_is_held(desk: Desk) -> None:
    desk.long(4)
    assert refusals(desk.place(ticket(1, SELL, 3, "STP", aux_price="0.50"))) == []
    assert refusals(desk.place(ticket(2, SELL, 2, "LMT", limit_price="2.00"))) == [201]
    assert refusals(desk.place(ticket(3, SELL, 1, "LMT", limit_price="2.00"))) == []


def test_a_group_of_which_one_fills_counts_once_against_the_position(desk: Desk) -> None:
    desk.long(2)
    assert refusals(desk.place(ticket(1, SELL, 2, "STP", aux_price="0.50", oca_group="exit"))) == []
    assert refusals(desk.place(ticket(2, SELL, 2, "LMT", limit_price="2.00", oca_group="exit"))) == []
    assert refusals(desk.place(ticket(3, SELL, 1, "LMT", limit_price="2.00"))) == [201]


@pytest.mark.parametrize("first", [BUY, SELL])
def test_both_sides_of_one_option_may_not_work_at_once(desk: Desk, first: Side) -> None:
    desk.long(2)
    other = SELL if first is BUY else BUY
    prices = {BUY: "0.50", SELL: "2.00"}
    assert refusals(desk.place(ticket(1, first, 1, "LMT", limit_price=prices[first]))) == []
    assert refusals(desk.place(ticket(2, other, 1, "LMT", limit_price=prices[other]))) == [201]
    assert refusals(desk.place(ticket(3, BUY, 1, "LMT", limit_price="0.50", instrument=LATER))) == []


def test_the_twenty_first_live_order_of_a_side_is_refused(desk: Desk) -> None:
    for order_id in range(1, 21):
        assert refusals(desk.place(ticket(order_id, BUY, 1, "LMT", limit_price="0.10"))) == []
    assert refusals(desk.place(ticket(21, BUY, 1, "LMT", limit_price="0.10"))) == [201]


def test_changes_that_the_venue_refuses_leave_the_order_as_it_was(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="0.50"))
    changes = [
        (ticket(1, BUY, 2, "LMT", limit_price="0.505"), 110),
        (ticket(1, BUY, 2, "STP", aux_price="1.50"), 329),
        (ticket(1, BUY, 2, "LMT", limit_price="0.50", instrument=LATER), 105),
        (ticket(1, BUY, 5000, "LMT", limit_price="0.50"), 201),
    ]
    for change, code in changes:
        assert refusals(desk.place(change)) == [code]
    assert desk.order(1).ticket == ticket(1, BUY, 2, "LMT", limit_price="0.50")
    assert desk.order(1).status is Status.PRE_SUBMITTED
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="1.10"))
    assert fills(desk.wait()) == [(2, Decimal("1.10"))]
    assert refusals(desk.place(ticket(1, BUY, 3, "LMT", limit_price="1.10"))) == [104]


# -- cancels -------------------------------------------------------------------------------------------------------


def test_a_cancel_takes_its_time_and_a_fill_may_come_first(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="0.50"))
    desk.wait()
    assert statuses(desk.venue.cancel(1, 1, desk.now)) == [Status.PENDING_CANCEL]
    desk.board.quote(CALL, "0.45", "0.50")
    events = desk.venue.step(desk.now + LATENCY / 4)
    assert statuses(events) == [Status.FILLED]
    assert refusals(desk.venue.cancel(1, 1, desk.now)) == [10148]


def test_a_cancel_ends_in_202_and_cancelled(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="0.50"))
    desk.venue.cancel(1, 1, desk.now)
    events = desk.wait()
    assert refusals(events) == [202]
    assert statuses(events)[-1] is Status.CANCELLED
    assert refusals(desk.venue.cancel(1, 1, desk.now)) == [10148]
    assert refusals(desk.venue.cancel(1, 55, desk.now)) == [10147]
    assert refusals(desk.venue.cancel(2, 1, desk.now)) == [10147]


def test_cancel_all_leaves_nothing_live(desk: Desk) -> None:
    for order_id in (1, 2, 3):
        desk.place(ticket(order_id, BUY, 1, "LMT", limit_price="0.50"))
    desk.venue.cancel_all(desk.now)
    desk.wait()
    assert desk.venue.open_orders() == []


# -- groups and parents --------------------------------------------------------------------------------------------


def test_a_cancelling_group_ends_with_its_first_fill(desk: Desk) -> None:
    desk.long(4)
    desk.board.quote(CALL, "2.00", "2.10", 1)
    desk.place(ticket(1, SELL, 4, "STP", aux_price="0.50", oca_group="x", oca_type=1))
    desk.place(ticket(2, SELL, 4, "LMT", limit_price="2.00", oca_group="x", oca_type=1))
    desk.wait()
    assert desk.order(1).status is Status.CANCELLED
    assert desk.order(2).filled == 1


@pytest.mark.parametrize("oca_type", [2, 3])
def test_a_reducing_group_shrinks_by_what_was_filled(desk: Desk, oca_type: int) -> None:
    desk.long(4)
    desk.board.quote(CALL, "2.00", "2.10", 1)
    desk.place(ticket(1, SELL, 4, "STP", aux_price="0.50", oca_group="x", oca_type=oca_type))
    desk.place(ticket(2, SELL, 4, "LMT", limit_price="2.00", oca_group="x", oca_type=oca_type))
    desk.wait()
    assert desk.order(1).remaining == 3
    desk.wait_long(3)
    assert desk.order(1).status is Status.CANCELLED
    assert desk.held() == 0


def test_a_bracket_is_held_until_its_last_child_and_its_children_until_the_fill(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="1.10", transmit=False))
    desk.place(ticket(2, SELL, 2, "LMT", limit_price="1.00", parent_id=1, transmit=False))
    assert fills(desk.wait()) == []
    desk.place(ticket(3, SELL, 2, "STP", aux_price="0.50", parent_id=1))
    assert desk.order(1).status is Status.PRE_SUBMITTED
    events = desk.wait()
    assert fills(events)[0] == (2, Decimal("1.10"))
    desk.wait_long(2)
    assert desk.order(2).status is Status.FILLED
    assert desk.order(3).status is Status.CANCELLED
    assert desk.held() == 0


def test_children_go_with_a_parent_that_never_filled(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 2, "LMT", limit_price="0.50", transmit=False))
    desk.place(ticket(2, SELL, 2, "STP", aux_price="0.20", parent_id=1))
    desk.venue.cancel(1, 1, desk.now)
    desk.wait()
    assert [desk.order(n).status for n in (1, 2)] == [Status.CANCELLED] * 2


# -- the session ---------------------------------------------------------------------------------------------------


def test_before_the_open_an_order_is_held(desk: Desk) -> None:
    desk.now = OPEN - timedelta(minutes=5)
    assert refusals(desk.place(ticket(1, BUY, 1, "MKT"))) == [399]
    assert desk.wait_long(3) == []
    assert desk.order(1).status is Status.PRE_SUBMITTED
    desk.now = OPEN
    assert fills(desk.wait()) == [(1, Decimal("1.10"))]


def test_day_orders_expire_at_the_close_and_lasting_ones_do_not(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="0.10", instrument=LATER))
    desk.place(ticket(2, BUY, 1, "LMT", limit_price="0.10", instrument=LATER, tif="GTC"))
    desk.place(ticket(3, BUY, 1, "LMT", limit_price="0.10", tif="GTC"))
    terms = {"tif": "GTD", "good_till": NOON + timedelta(minutes=1), "instrument": LATER}
    desk.place(ticket(4, BUY, 1, "LMT", limit_price="0.10", **terms))
    desk.wait(61)
    assert desk.order(4).status is Status.CANCELLED
    desk.now = CLOSE
    assert refusals(desk.venue.step(CLOSE)) == [202, 202]
    assert [order.ticket.order_id for order in desk.venue.open_orders()] == [2]


def test_expiring_options_settle_to_their_intrinsic_value(desk: Desk) -> None:
    desk.long(2, CALL, 1)
    desk.long(1, PUT, 2)
    desk.long(1, LATER, 3)
    before = desk.venue.account_values(desk.now)["TotalCashValue"]
    events = desk.venue.step(CLOSE)
    told = [(e.position.instrument, e.position.quantity) for e in events if isinstance(e, PositionChanged)]
    assert told == [(CALL, 0), (SHARES, 200), (PUT, 0)]
    assert {p.instrument for p in desk.venue.positions()} == {LATER, SHARES}
    # two calls buy 200 shares at 590; one put on the index is paid 5900 - 5880
    assert desk.venue.account_values(CLOSE)["TotalCashValue"] == before - 2 * 59000 + 2000
    assert desk.venue.step(CLOSE + SECOND) == []


def test_shares_of_an_exercise_cost_strike_and_premium_and_the_option_makes_no_profit(desk: Desk) -> None:
    desk.long(2, CALL, 1)
    paid = desk.venue.positions()[0].average_cost  # two contracts at 1.10 with their commission
    desk.venue.step(CLOSE)
    shares = desk.venue.positions()[0]
    assert shares.average_cost == 590 + paid / 100
    assert desk.venue.daily_pnl(CLOSE)[2] == 0


def test_a_put_on_shares_sells_them_short_at_its_strike(desk: Desk) -> None:
    desk.long(3, SPY_PUT, 1)
    desk.board.quote(SHARES, "579.99", "580.01", last="580.00")
    before = desk.venue.account_values(desk.now)["TotalCashValue"]
    desk.venue.step(CLOSE)
    assert desk.held(SHARES) == -300
    assert desk.venue.account_values(CLOSE)["TotalCashValue"] == before + 300 * 585


@pytest.mark.parametrize("last, shares", [("590.00", 0), ("590.009", 0), ("590.01", 100), ("589.00", 0)])
def test_an_option_is_exercised_from_a_cent_in_the_money(desk: Desk, last: str, shares: int) -> None:
    desk.long(1, CALL, 1)
    desk.board.quote(SHARES, "590.00", "590.01", last=last)
    desk.venue.step(CLOSE)
    assert desk.held(SHARES) == shares


@pytest.mark.parametrize("last", ["500.00", "584.37", "590.00", "591.23", "700.10"])
def test_expiry_makes_and_loses_no_money(desk: Desk, last: str) -> None:
    for number, option in enumerate((CALL, SPY_PUT, PUT), start=1):
        desk.long(2, option, number)
    desk.board.quote(SHARES, last, last, last=last)
    cash = desk.venue.account_values(desk.now)["TotalCashValue"]
    price, index = Decimal(last), Decimal(5880)
    nothing = Decimal(0)
    worth = 200 * (max(price - 590, nothing) + max(585 - price, nothing) + max(5900 - index, nothing))
    desk.venue.step(CLOSE)
    values = desk.venue.account_values(CLOSE)
    assert values["NetLiquidation"] == cash + worth
    assert values["NetLiquidation"] == 100_000 + values["RealizedPnL"] + values["UnrealizedPnL"]


# -- money ---------------------------------------------------------------------------------------------------------


def test_commissions_have_a_minimum_an_order_and_enter_the_cost() -> None:
    desk = Desk()
    desk.board.quote(CALL, "1.00", "1.10", 1)
    desk.place(ticket(1, BUY, 3, "MKT"))
    desk.wait_long(4)
    charged = [each.commission for each in desk.venue.executions()]
    assert charged == [Decimal("1.02"), Decimal("0.32"), Decimal("0.67")]
    assert desk.order(1).commission == Decimal("2.01")
    position = desk.venue.positions()[0]
    assert position.average_cost * 3 == Decimal("332.01")
    desk.place(ticket(2, SELL, 3, "MKT"))
    desk.wait_long(4)
    realized = sum((each.realized_pnl or Decimal(0) for each in desk.venue.executions()), Decimal(0))
    assert realized == Decimal(-30) - Decimal("2.01") - desk.order(2).commission
    assert desk.venue.daily_pnl(desk.now) == (realized, Decimal(0), realized)


def test_what_if_places_nothing_and_answers_as_the_order_would_be(desk: Desk) -> None:
    answer = desk.venue.what_if(ticket(1, BUY, 2, "LMT", limit_price="1.00"), desk.now)
    assert (answer.init_margin_change, answer.commission, answer.reject_code) == (Decimal(200), Decimal("1.34"), 0)
    assert desk.venue.what_if(ticket(1, BUY, 5000, "LMT", limit_price="1.00"), desk.now).reject_code == 201
    assert (
        desk.venue.what_if(ticket(1, BUY, 1, "LMT", limit_price="1.00", instrument=UNLISTED), desk.now).reject_code
        == 200
    )
    assert desk.venue.place(ticket(1, BUY, 2, "LMT", limit_price="1.00", what_if=True), desk.now) == []
    assert desk.venue.open_orders() == []


def test_shares_can_be_bought_and_sold(desk: Desk) -> None:
    desk.long(10, SHARES)
    values = desk.venue.account_values(desk.now)
    assert values["InitMarginReq"] == values["GrossPositionValue"] == Decimal("5900.05")
    assert refusals(desk.place(ticket(2, SELL, 11, "MKT", instrument=SHARES))) == [201]


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
        order = day.venue._accept(ticket(1, BUY, 1, "MKT"), day.now).order
        execution = day.venue._executions.book(order, 1, Decimal("0.60"), day.now)
        assert 0 < order.perm_id < 2**31
        assert {order.perm_id, execution.exec_id}.isdisjoint(seen)
        seen |= {order.perm_id, execution.exec_id}


def test_a_venue_that_lives_through_midnight_numbers_on(desk: Desk) -> None:
    desk.place(ticket(1, BUY, 1, "LMT", limit_price="0.50"))
    (before,) = desk.venue.open_orders()
    desk.now += timedelta(days=1)
    after = desk.venue._accept(ticket(2, BUY, 1, "LMT", limit_price="0.50"), desk.now).order
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
