"""What `bot.engine.state.ports.Broker` promises, asked of everything that says it keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.errors import BrokerUnavailable, OrderRejected
from bot.domain.events.account import BookPart, PositionTold
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.vocabulary import Side
from tests.contracts.broker_sites import KEY, NOWHERE, Faked, OnTheBoard, Site, a_ticket, book
from tests.sim.board_market import ticket
from tests.sim.small_market import SHARES

STATUS = BrokerOrderStatus


async def working(site: Site, sent: OrderTicket) -> OrderTicket:
    """Submit and wait until it works; returned with its id."""
    numbered = replace(sent, order_id=site.broker.submit(sent))
    await site.order(sent, STATUS.WORKING)
    return numbered


async def bought(site: Site, quantity: int = 2) -> OrderTicket:
    """Buy, and wait until all of it was told."""
    await site.market("0.98", "1.00")
    order = a_ticket("bought", quantity, "1.00")
    numbered = replace(order, order_id=site.broker.submit(order))
    await site.order(order, STATUS.FILLED)
    await site.first(CommissionReported)
    return numbered


# ---- a life


async def test_a_start_tells_the_broker_s_time_and_that_the_account_was_accepted(site: Site) -> None:
    told = [event for event in site.events.all if isinstance(event, LinkChanged | BrokerTimeTold)]
    changes = [event.change for event in told if isinstance(event, LinkChanged)]
    assert changes == [LinkChange.CONNECTING, LinkChange.ACCEPTED]
    heard = next(event for event in told if isinstance(event, BrokerTimeTold))
    assert heard.asked_at <= heard.at
    assert abs(heard.broker_at - heard.at) < timedelta(minutes=1)
    assert told.index(heard) < len(told) - 1, "who is let in knows what time it is there"


async def test_a_second_start_does_nothing(site: Site) -> None:
    await site.broker.start()
    await book(site)
    assert site.events.changes == [LinkChange.CONNECTING, LinkChange.ACCEPTED]


async def test_before_a_start_nothing_is_sent_and_nothing_is_known(away: Site) -> None:
    order = a_ticket("early", order_id=7)
    for ask in (away.broker.submit, away.broker.amend):
        with pytest.raises(BrokerUnavailable):
            ask(order)
    with pytest.raises(BrokerUnavailable):
        away.broker.cancel(order.order_ref, 7)
    assert (await away.broker.what_if("s", order)).error
    taken = await book(away)
    assert not taken.complete
    assert taken.faults


async def test_after_a_stop_nothing_is_sent_and_a_second_one_does_nothing(site: Site) -> None:
    order = await working(site, a_ticket("resting"))
    await site.broker.stop()
    await site.broker.stop()
    with pytest.raises(BrokerUnavailable):
        site.broker.submit(a_ticket("late"))
    with pytest.raises(BrokerUnavailable):
        site.broker.cancel(order.order_ref, order.order_id or 0)
    assert (await site.broker.what_if("s", a_ticket("late"))).error
    assert not (await book(site)).complete


# ---- orders


async def test_an_order_is_heard_of_with_its_id_its_perm_id_its_terms_and_its_reference(site: Site) -> None:
    sent = a_ticket("first", 3)
    order_id = site.broker.submit(sent)
    view = (await site.order(sent, STATUS.WORKING)).view
    assert (view.order_id, view.client_id, view.contract_key) == (order_id, site.broker.client_id, KEY)
    assert (view.side, view.quantity, view.limit_price, view.stop_price) == (OrderSide.BUY, 3, Decimal("0.90"), None)
    assert view.filled_quantity == 0
    assert view.perm_id > 0
    assert view.at <= site.clock.now()


async def test_every_order_has_an_id_and_a_perm_id_of_its_own(site: Site) -> None:
    ids = [site.broker.submit(a_ticket(name)) for name in ("a", "b", "c")]
    views = [(await site.order(a_ticket(name), STATUS.WORKING)).view for name in ("a", "b", "c")]
    assert ids == sorted(set(ids))
    assert [view.order_id for view in views] == ids
    assert len({view.perm_id for view in views}) == 3


async def test_no_id_below_what_was_reserved_is_used_and_a_reservation_is_never_lowered(site: Site) -> None:
    site.broker.reserve_order_ids(500)
    site.broker.reserve_order_ids(3)
    first, second = site.broker.submit(a_ticket("a")), site.broker.submit(a_ticket("b"))
    assert 500 <= first < second


async def test_an_id_that_a_ticket_brings_is_used_and_the_next_one_is_above_it(site: Site) -> None:
    assert site.broker.submit(a_ticket("a", order_id=900)) == 900
    assert site.broker.submit(a_ticket("b")) > 900
    assert (await site.order(a_ticket("a"), STATUS.WORKING)).view.order_id == 900


async def test_a_stop_rests_as_pending(site: Site) -> None:
    order = await bought(site)
    terms = Terms(2, stop_price=Decimal("0.50"))
    stop = OrderTicket("stop", "bot-stop", KEY, OrderSide.SELL, OrderType.STOP, terms)
    site.broker.submit(stop)
    view = (await site.order(stop, STATUS.PENDING)).view
    assert (view.side, view.stop_price, view.limit_price) == (OrderSide.SELL, Decimal("0.50"), None)
    taken = await book(site)
    assert [each.status for each in taken.open_orders] == [STATUS.PENDING]
    assert order.order_ref in {each.order_ref for each in taken.completed_orders}


async def test_new_terms_come_into_force_under_the_same_ids(site: Site) -> None:
    order = await working(site, a_ticket("a", 2))
    before = (await site.order(order, STATUS.WORKING)).view
    site.broker.amend(replace(order, terms=Terms(5, limit_price=Decimal("0.85"))))
    after = (await site.first(OrderReported, lambda each: each.view.quantity == 5)).view
    assert (after.order_id, after.perm_id, after.order_ref) == (before.order_id, before.perm_id, before.order_ref)
    assert after.limit_price == Decimal("0.85")
    assert [(each.order_ref, each.quantity) for each in (await book(site)).open_orders] == [("bot-a", 5)]


async def test_new_terms_need_no_id_where_the_order_was_sent_by_this_broker(site: Site) -> None:
    order = await working(site, a_ticket("a", 2))
    site.broker.amend(replace(order, order_id=None, terms=Terms(4, limit_price=Decimal("0.90"))))
    view = (await site.first(OrderReported, lambda each: each.view.quantity == 4)).view
    assert view.order_id == order.order_id


async def test_a_second_order_with_the_same_id_is_a_change_of_the_first(site: Site) -> None:
    order = await working(site, a_ticket("a", 2))
    assert site.broker.submit(replace(order, terms=Terms(3, limit_price=Decimal("0.90")))) == order.order_id
    await site.first(OrderReported, lambda each: each.view.quantity == 3)
    taken = await book(site)
    assert [(each.order_ref, each.quantity) for each in taken.open_orders] == [("bot-a", 3)]
    assert not taken.completed_orders


async def test_new_terms_of_an_order_that_nobody_knows_are_refused_where_they_have_no_id(site: Site) -> None:
    with pytest.raises(OrderRejected):
        site.broker.amend(a_ticket("unheard"))
    assert not (await book(site)).open_orders


async def test_an_id_that_belongs_to_another_order_is_refused_and_nothing_is_sent(site: Site) -> None:
    order = await working(site, a_ticket("a"))
    other = a_ticket("b", order_id=order.order_id)
    for ask in (site.broker.submit, site.broker.amend):
        with pytest.raises(OrderRejected):
            ask(other)
    with pytest.raises(OrderRejected):
        site.broker.cancel(other.order_ref, order.order_id or 0)
    assert [(each.order_ref, each.status) for each in (await book(site)).open_orders] == [("bot-a", STATUS.WORKING)]


async def test_an_order_in_a_contract_that_is_not_qualified_is_refused_and_nothing_is_sent(site: Site) -> None:
    if isinstance(site, Faked):
        site.broker.unlisted.add(NOWHERE)
    nowhere = replace(a_ticket("nowhere"), contract_key=NOWHERE)
    with pytest.raises(OrderRejected):
        site.broker.submit(nowhere)
    assert "bot-nowhere" not in str(await book(site))


async def test_a_cancel_is_confirmed_by_status_and_by_code(site: Site) -> None:
    order = await working(site, a_ticket("a"))
    site.broker.cancel(order.order_ref, order.order_id or 0)
    view = (await site.order(order, STATUS.CANCELLED)).view
    told = await site.first(OrderErred)
    assert (view.order_id, view.filled_quantity) == (order.order_id, 0)
    assert (told.order_ref, told.code, told.meaning) == ("bot-a", 202, ErrorMeaning.CANCEL_REPORTED)
    taken = await book(site)
    assert not taken.open_orders
    assert [each.status for each in taken.completed_orders] == [STATUS.CANCELLED]


async def test_a_cancel_of_an_order_that_the_venue_does_not_know_is_answered_with_its_code(site: Site) -> None:
    """As after a restart: the id is the store's, and this broker never sent the order."""
    site.broker.cancel("bot-of-yesterday", 77)
    told = await site.first(OrderErred)
    assert (told.order_ref, told.code, told.meaning) == ("bot-of-yesterday", 10147, ErrorMeaning.CANCEL_REFUSED)


async def test_a_cancel_of_an_order_that_is_over_is_answered_with_its_code(site: Site) -> None:
    order = await bought(site)
    site.broker.cancel(order.order_ref, order.order_id or 0)
    told = await site.first(OrderErred)
    assert (told.order_ref, told.code, told.meaning) == (order.order_ref, 10148, ErrorMeaning.CANCEL_REFUSED)


@pytest.mark.parametrize(
    "code, meaning, ends",
    [(110, ErrorMeaning.NOT_PLACED, []), (201, ErrorMeaning.REJECTED, [STATUS.INACTIVE])],
    ids=["off the grid", "too dear"],
)
async def test_a_refusal_names_the_order_and_its_code_says_whether_one_is_left(
    site: Site, code: int, meaning: ErrorMeaning, ends: list[BrokerOrderStatus]
) -> None:
    refused = await site.refuse(code, a_ticket("no"))
    told = await site.first(OrderErred)
    assert (told.order_ref, told.code, told.meaning) == (refused.order_ref, code, meaning)
    assert told.text
    taken = await book(site)
    assert not taken.open_orders
    assert [each.status for each in taken.completed_orders] == ends
    assert [each.view.status for each in site.events.of(OrderReported)] == ends


async def test_a_refused_change_names_the_order_and_the_old_terms_stay_in_force(site: Site) -> None:
    order = await working(site, a_ticket("a", 2))
    if isinstance(site, Faked):
        site.broker.amend(replace(order, terms=Terms(3, limit_price=Decimal("0.9012"))))
        site.broker.refuse_amendment(site.broker.book["bot-a"], 110)
    else:
        site.broker.amend(replace(order, terms=Terms(3, limit_price=Decimal("0.9012"))))
    told = await site.first(OrderErred)
    assert (told.order_ref, told.code, told.meaning) == ("bot-a", 110, ErrorMeaning.NOT_PLACED)
    (left,) = (await book(site)).open_orders
    assert (left.status, left.quantity, left.limit_price) == (STATUS.WORKING, 2, Decimal("0.90"))


# ---- fills


async def test_a_fill_is_an_execution_a_status_a_commission_and_a_position(site: Site) -> None:
    order = await bought(site, 2)
    (fill,) = [each.execution for each in site.events.of(ExecutionReported)]
    done = (await site.order(order, STATUS.FILLED)).view
    paid = await site.first(CommissionReported)
    held = await site.first(PositionTold, lambda each: each.quantity == 2)
    assert (fill.order_ref, fill.order_id, fill.perm_id) == (order.order_ref, order.order_id, done.perm_id)
    assert (fill.client_id, fill.contract_key, fill.side) == (site.broker.client_id, KEY, OrderSide.BUY)
    assert (fill.quantity, fill.price, done.filled_quantity) == (2, Decimal("1.00"), 2)
    assert fill.executed_at.tzinfo is not None
    assert (paid.exec_id, paid.commission > 0) == (fill.exec_id, True)
    assert held.key == KEY


async def test_executions_carry_an_id_each_once_and_their_sum_is_what_the_status_says(site: Site) -> None:
    await site.market("0.98", "1.00", size=1)
    order = a_ticket("piecemeal", 3, "1.00")
    site.broker.submit(order)
    done = (await site.order(order, STATUS.FILLED)).view
    fills = [each.execution for each in site.events.of(ExecutionReported)]
    assert [each.quantity for each in fills] == [1, 1, 1]
    assert len({each.exec_id for each in fills}) == len({each.base_id for each in fills}) == 3
    assert done.filled_quantity == 3
    counts = [each.view.filled_quantity or 0 for each in site.events.of(OrderReported)]
    assert counts == sorted(counts)
    await site.first(CommissionReported, lambda each: each.exec_id == fills[-1].exec_id)
    assert [each.exec_id for each in site.events.of(CommissionReported)] == [each.exec_id for each in fills]
    taken = await book(site)
    assert sorted(each.exec_id for each in taken.executions) == sorted(each.exec_id for each in fills)
    assert set(taken.commissions) == {each.exec_id for each in fills}


async def test_what_a_book_tells_of_a_fill_is_not_told_as_a_new_one(site: Site) -> None:
    await bought(site)
    for _ in range(2):
        assert len((await book(site)).executions) == 1
    assert len(site.events.of(ExecutionReported)) == 1


# ---- the book


async def test_the_book_shows_what_lives_with_its_ids_and_what_is_over_without_them(site: Site) -> None:
    done = await bought(site, 2)
    resting = await working(site, a_ticket("resting", 1))
    taken = await book(site)
    (live,), (over,), (held,) = taken.open_orders, taken.completed_orders, taken.positions
    assert (live.order_ref, live.order_id, live.client_id) == (
        resting.order_ref,
        resting.order_id,
        site.broker.client_id,
    )
    assert live.perm_id == (await site.order(resting, STATUS.WORKING)).view.perm_id
    assert (over.order_ref, over.order_id, over.client_id) == (done.order_ref, 0, 0), "TWS tells neither"
    assert over.perm_id == (await site.order(done, STATUS.FILLED)).view.perm_id
    assert (over.status, over.quantity, over.filled_quantity) == (STATUS.FILLED, 2, 2)
    assert (held.contract_key, held.quantity) == (KEY, 2)
    assert held.contract is not None
    assert (held.contract.key, held.is_plain_us_option) == (KEY, True)
    assert Decimal("1.00") <= held.average_price < Decimal("1.02"), "per share, with the commission"
    assert taken.next_order_id > max(done.order_id or 0, resting.order_id or 0)
    assert (taken.complete, list(taken.faults)) == (True, [])
    assert taken.asked_at <= taken.at <= site.clock.now()


async def test_what_was_sold_again_is_not_in_the_book(site: Site) -> None:
    await bought(site, 2)
    sale = OrderTicket("sale", "bot-sale", KEY, OrderSide.SELL, OrderType.MARKET, Terms(2))
    site.broker.submit(sale)
    await site.order(sale, STATUS.FILLED)
    await site.first(PositionTold, lambda each: each.quantity == 0)
    assert not (await book(site)).positions


@pytest.mark.needs("parts")
async def test_a_book_whose_part_has_no_end_says_which_and_is_not_whole(site: Site) -> None:
    await working(site, a_ticket("resting"))
    await site.breaks_a_part_of_the_book()
    taken = await book(site)
    assert not taken.complete
    assert [isinstance(fault.part, BookPart) for fault in taken.faults] == [True]


# ---- a link that is lost


@pytest.mark.needs("link")
async def test_without_a_link_nothing_is_sent_and_the_book_is_not_whole(site: Site) -> None:
    order = await working(site, a_ticket("resting"))
    await site.lose_the_link()
    await site.link(LinkChange.DROPPED)
    for ask in (lambda: site.broker.submit(a_ticket("late")), lambda: site.broker.amend(order)):
        with pytest.raises(BrokerUnavailable):
            ask()
    with pytest.raises(BrokerUnavailable):
        site.broker.cancel(order.order_ref, order.order_id or 0)
    assert (await site.broker.what_if("s", a_ticket("late"))).error
    taken = await book(site)
    assert not taken.complete
    assert taken.faults


@pytest.mark.needs("link")
async def test_what_lived_before_a_link_was_lost_lives_after_it_and_can_be_taken_back(site: Site) -> None:
    order = await working(site, a_ticket("resting"))
    await site.lose_the_link()
    await site.link(LinkChange.DROPPED)
    site.events.clear()
    await site.bring_it_back()
    await site.link(LinkChange.ACCEPTED)
    site.broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
    taken = await book(site)
    assert taken.complete
    assert [(each.order_ref, each.order_id) for each in taken.open_orders] == [(order.order_ref, order.order_id)]
    assert site.broker.submit(a_ticket("next")) > (order.order_id or 0)
    site.broker.cancel(order.order_ref, order.order_id or 0)
    await site.order(order, STATUS.CANCELLED)


# ---- margin previews


async def test_a_preview_tells_margin_and_commission_and_places_nothing(site: Site) -> None:
    answer = await site.broker.what_if("signal", a_ticket("maybe", 2, "1.00"))
    assert (answer.signal_id, answer.error) == ("signal", None)
    assert None not in {answer.init_margin_change, answer.init_margin_after, answer.equity_with_loan_after}
    assert answer.commission is not None
    assert answer.commission > 0
    taken = await book(site)
    assert not [*taken.open_orders, *taken.completed_orders, *site.events.of(OrderReported)]


async def test_a_preview_that_cannot_be_given_is_an_answer_that_says_why(site: Site) -> None:
    if isinstance(site, Faked):
        site.broker.unlisted.add(NOWHERE)
    nowhere = replace(a_ticket("maybe"), contract_key=NOWHERE)
    answer = await site.broker.what_if("signal", nowhere)
    assert answer.error
    assert (answer.init_margin_change, answer.commission) == (None, None)
    if not isinstance(site, Faked):  # its test says what is refused
        dear = await site.broker.what_if("signal", a_ticket("dear", 9000, "0.90"))
        assert dear.error is not None
        assert dear.error.startswith("201")


# ---- others in the account


@pytest.mark.needs("account")
async def test_of_what_others_hold_and_trade_only_the_position_is_told(site: Site) -> None:
    assert isinstance(site, OnTheBoard)
    by_hand = replace(ticket(1, Side.BUY, 1, "MKT"), account=site.venue.account_id)
    site.simulated.publish(site.venue.place(by_hand, site.clock.now()))
    await site.first(PositionTold, lambda each: (each.key, each.quantity) == (KEY, 1))
    shares = replace(ticket(2, Side.BUY, 10, "MKT", instrument=SHARES), account=site.venue.account_id)
    site.simulated.publish(site.venue.place(shares, site.clock.now()))
    await site.venue_holds(SHARES, 10)
    await site.market("0.70", "0.71")
    await site.first(QuoteReceived, lambda each: each.quote.ask == Decimal("0.71"))  # all before it was heard
    assert {each.key for each in site.events.of(PositionTold)} == {KEY}, "of shares TWS tells when it is asked"
    assert not [*site.events.of(ExecutionReported), *site.events.of(OrderReported), *site.events.of(CommissionReported)]
