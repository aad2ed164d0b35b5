"""What the venue refuses, changes, ties together and settles, against quotes set by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.sim.vocabulary import (
    PositionChanged,
    Side,
    Status,
    VenueTicket,
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
    ticket,
)
from tests.sim.matching_desk import BUY, LATENCY, SECOND, SELL, Desk, fills, refusals, statuses
from tests.sim.small_market import SHARES


@pytest.fixture
def desk() -> Desk:
    return Desk()


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
def test_a_bad_ticket_is_refused_and_nothing_rests(desk: Desk, order: VenueTicket, code: int) -> None:
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
