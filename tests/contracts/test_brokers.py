"""What `bot.engine.state.ports.Broker` promises, asked of everything that says it keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from bot.domain.errors import BrokerUnavailable, OrderRejected
from bot.domain.events.account import (
    AccountReported,
    BookPart,
    BrokerSnapshot,
    CurrencyTold,
    PositionPnlTold,
    PositionTold,
)
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    ContractQualified,
    HoursTold,
    LineReported,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.instructions import Subscribe
from bot.domain.instruments import parse_osi
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.vocabulary import Side
from tests.contracts.broker_sites import (
    KEY,
    NOWHERE,
    Faked,
    Faulty,
    OnTheBoard,
    OverTheSocket,
    Simulated,
    Site,
    a_ticket,
)
from tests.sim.board_market import LATER, ticket
from tests.sim.small_market import SHARES

SITES: dict[str, type[Site]] = {
    "over a socket": OverTheSocket,
    "in process": Simulated,
    "behind faults": Faulty,
    "the tests' fake": Faked,
}
STATUS = BrokerOrderStatus


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each promise of those who can keep it: `needs` names what not every one of them has."""
    if "away" in metafunc.fixturenames:
        needs = metafunc.definition.get_closest_marker("needs")
        parts = set(needs.args) if needs is not None else set()
        able = [name for name, kind in SITES.items() if not parts & kind.lacks]
        metafunc.parametrize("away", able, indirect=True)


@pytest.fixture
async def away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A broker that was built and not started."""
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)  # positions here are as quick as fills
    monkeypatch.setattr("bot.broker.line_report.LOOK_WALL_S", 0.0)
    site = SITES[request.param]()
    if isinstance(site, OverTheSocket):
        await site.listen()
    yield site
    await site.close()


@pytest.fixture
async def site(away: Site) -> Site:
    """A broker that is connected, with the contract qualified."""
    await away.up()
    return away


async def book(site: Site) -> BrokerSnapshot:
    """Return the broker's book. Over a socket all that was said before has been heard when it comes."""
    return await site.broker.snapshot()


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


# ---- contracts and the market


@pytest.mark.needs("contracts")
async def test_a_contract_is_qualified_with_its_id_and_grid_and_one_that_is_not_listed_is_said_to_be_none(
    site: Site,
) -> None:
    known = await site.first(ContractQualified, lambda each: each.key == KEY)
    assert known.con_id
    assert known.grid is not None
    assert known.grid.tick_at(Decimal("1.00")) == Decimal("0.01")
    wanted = Subscribe({KEY: frozenset({"quote"}), NOWHERE: frozenset({"quote"})})
    site.broker.subscribe(wanted)
    unknown = await site.first(ContractQualified, lambda each: each.key == NOWHERE)
    assert (unknown.con_id, unknown.grid, bool(unknown.detail)) == (None, None, True)
    site.broker.subscribe(wanted)
    await book(site)
    assert [each.key for each in site.events.of(ContractQualified)] == [KEY, NOWHERE], "each is told once"


@pytest.mark.needs("contracts")
async def test_a_contract_that_the_store_remembers_is_qualified_already(away: Site) -> None:
    there = Simulated()
    await there.up()
    told = await there.first(ContractQualified, lambda each: each.key == KEY)
    assert told.instrument is not None
    assert told.grid is not None
    away.broker.remember({KEY: (told.instrument, told.grid)})
    await away.broker.start()
    await away.link(LinkChange.ACCEPTED)
    away.broker.submit(a_ticket("at once"))
    await away.order(a_ticket("at once"), STATUS.WORKING)


@pytest.mark.needs("contracts")
async def test_a_contract_that_was_never_asked_for_is_not_qualified(site: Site) -> None:
    with pytest.raises(OrderRejected):
        site.broker.submit(replace(a_ticket("unasked"), contract_key=LATER.local_symbol))
    assert not (await book(site)).open_orders


@pytest.mark.needs("contracts")
async def test_what_contract_details_name_comes_with_the_qualification(site: Site) -> None:
    named = (await site.first(ContractQualified, lambda each: each.key == KEY)).instrument
    assert named is not None
    assert (named.local_symbol, named.currency, named.multiplier, named.exchange) == (KEY, "USD", "100", "SMART")
    assert (named.last_trading_day, named.right, Decimal(named.strike)) == ("20261120", "C", Decimal(590))
    assert (named.cash_settled, named.is_complete, named.is_plain_us_option) == (False, True, True)


@pytest.mark.needs("market")
async def test_a_quote_has_both_sides_their_sizes_and_our_time(site: Site) -> None:
    await site.market("0.97", "1.01", size=40)
    told = await site.first(QuoteReceived, lambda each: (each.key, each.quote.bid) == (KEY, Decimal("0.97")))
    sides = (40, Decimal("1.01"))
    quote = (await site.first(QuoteReceived, lambda each: (each.quote.bid_size, each.quote.ask) == sides)).quote
    assert told.quote.at.tzinfo is not None
    assert told.quote.at <= quote.at <= site.clock.now()
    assert (quote.bid, quote.ask_size) == (Decimal("0.97"), 40)


@pytest.mark.needs("market")
async def test_a_side_that_nobody_quotes_is_none(site: Site) -> None:
    await site.first(QuoteReceived)
    assert isinstance(site, OnTheBoard)
    site.board.quote(site.board.find(local_symbol=KEY)[0], None, "0.05")
    quote = (await site.first(QuoteReceived, lambda each: each.quote.ask == Decimal("0.05"))).quote
    none = quote if quote.bid is None else (await site.first(QuoteReceived, lambda each: each.quote.bid is None)).quote
    assert (none.bid, none.ask) == (None, Decimal("0.05"))


@pytest.mark.needs("market")
async def test_what_is_wanted_twice_is_one_line_and_what_is_wanted_no_more_is_silent(site: Site) -> None:
    wanted = Subscribe({KEY: frozenset({"quote"})})
    await site.first(QuoteReceived)
    site.broker.subscribe(wanted)
    site.events.clear()
    await site.market("0.90", "0.91")
    await site.first(QuoteReceived, lambda each: each.quote.ask == Decimal("0.91"))
    await book(site)
    last = [each.quote for each in site.events.of(QuoteReceived) if each.quote.ask == Decimal("0.91")]
    assert len({(quote.bid, quote.ask, quote.bid_size, quote.ask_size) for quote in last}) == len(last), "each once"
    site.broker.subscribe(Subscribe({"SPY": frozenset({"quote"})}))
    await site.first(QuoteReceived, lambda each: each.key == "SPY")
    await book(site)
    site.events.clear()
    await site.market("0.80", "0.81")
    assert isinstance(site, OnTheBoard)
    site.board.quote(SHARES, "591.00", "591.01")
    await site.first(QuoteReceived, lambda each: each.quote.ask == Decimal("591.01"))
    assert {each.key for each in site.events.of(QuoteReceived)} == {"SPY"}


@pytest.mark.needs("market")
async def test_which_lines_are_healthy_is_told(site: Site) -> None:
    await site.first(QuoteReceived)
    while not (heard := [each for each in site.events.of(LinesHeard) if KEY in each.quotes]):
        await book(site)  # told with whatever is heard, a tenth of a wall second after the last word at the soonest
        if isinstance(site, Simulated):
            site.step()
    assert (heard[0].books, heard[0].at <= site.clock.now()) == (frozenset(), True)


@pytest.mark.needs("account")
async def test_the_account_is_told_in_its_currency_with_the_age_of_value_and_of_profit(site: Site) -> None:
    told = await site.first(AccountReported, lambda each: each.daily_pnl is not None)
    assert (told.account, told.currency) == (site.broker.account, "USD")
    assert (told.net_liquidation, told.cash) == (Decimal(100_000), Decimal(100_000))
    assert None not in {told.available_funds, told.buying_power, told.realized_pnl, told.unrealized_pnl}
    assert told.pnl_at is not None
    assert max(told.at, told.pnl_at) <= site.clock.now()


@pytest.mark.needs("hours")
async def test_trading_hours_are_told_of_what_is_asked_for(site: Site) -> None:
    site.broker.ask_hours([KEY])
    told = await site.first(HoursTold, lambda each: each.key == KEY)
    assert (told.days[0].day, bool(told.days[0].periods)) == (date(2026, 11, 20), True)
    assert told.last_day == date(2026, 11, 20)


@pytest.mark.needs("market")
async def test_a_book_is_told_with_both_its_sides(site: Site) -> None:
    site.broker.subscribe(Subscribe({"SPY": frozenset({"book"})}))
    told = (await site.first(BookReceived, lambda each: each.key == "SPY" and bool(each.book.asks))).book
    assert told.bids[0].price < told.asks[0].price
    assert told.bids[0].size > 0


@pytest.mark.needs("market")
async def test_a_print_is_told_once_with_the_quote_at_it(site: Site) -> None:
    assert isinstance(site, OnTheBoard)
    site.broker.subscribe(Subscribe({"SPY": frozenset({"quote", "trades"})}))
    await site.first(QuoteReceived, lambda each: each.key == "SPY")
    for second in range(1, 600):  # whenever the tape begins to be heard
        site.board.trade(SHARES, site.clock.now() + timedelta(seconds=second), "590.01", 300)
    told = await site.first(TradesReceived)
    first = told.trades[0]
    assert (told.key, first.price, first.size) == ("SPY", Decimal("590.01"), 300)
    assert (first.bid, first.ask) == (Decimal("590.00"), Decimal("590.01"))
    assert len({each.at for each in told.trades}) == len(told.trades)


@pytest.mark.needs("market")
async def test_bars_of_five_seconds_are_told_in_their_order_each_once(site: Site) -> None:
    site.broker.subscribe(Subscribe({"SPY": frozenset({"bars"})}))
    await site.first(BarsReceived, lambda each: each.bars[0].seconds == 5)
    bars = [bar for told in site.events.of(BarsReceived) for bar in told.bars if bar.seconds == 5]
    assert bars
    assert [bar.at for bar in bars] == sorted({bar.at for bar in bars})


@pytest.mark.needs("lines")
async def test_who_holds_which_line_is_told_and_its_end(site: Site) -> None:
    held = frozenset({KEY})
    site.broker.subscribe(Subscribe({KEY: frozenset({"quote"}), "SPY": frozenset({"quote"})}, held))
    for row in ((KEY, "quote", "position", "open"), ("SPY", "quote", "candidate", "open")):
        await site.first(LineReported, partial(_stands, row))
    site.broker.subscribe(Subscribe({KEY: frozenset({"quote"})}, held))
    await site.market("0.90", "0.92")
    await site.first(LineReported, partial(_stands, ("SPY", "quote", "candidate", "closed")))


def _stands(row: tuple[str, ...], told: LineReported) -> bool:
    return (told.key, told.kind, told.rank, told.state) == row


@pytest.mark.needs("account")
async def test_what_a_holding_brought_and_the_account_in_its_currency_are_told(site: Site) -> None:
    assert isinstance(site, OnTheBoard)
    by_hand = replace(ticket(1, Side.BUY, 1, "MKT"), account=site.venue.account_id)
    site.simulated.publish(site.venue.place(by_hand, site.clock.now()))
    told = await site.first(PositionPnlTold, lambda each: each.quantity == 1)
    assert (told.key, told.value is not None, told.unrealized is not None) == (KEY, True, True)
    cash = await site.first(CurrencyTold, lambda each: each.currency == "USD" and each.cash is not None)
    assert cash.account == site.broker.account


@pytest.mark.needs("chains")
async def test_the_chain_of_an_underlying_is_told_and_of_what_is_none_nothing(site: Site) -> None:
    site.broker.subscribe(Subscribe({"SPY": frozenset({"quote"}), KEY: frozenset({"quote"})}))
    await site.first(ContractQualified, lambda each: each.key == "SPY")
    site.broker.ask_chains(["NOBODY", "SPY"])
    told = await site.first(ChainTold)
    contract = parse_osi(KEY)
    listing = told.chain.listing(contract.expiry)
    assert listing is not None
    assert (told.symbol, listing.trading_class, contract.strike in listing.strikes) == ("SPY", "SPY", True)
    assert {each.symbol for each in site.events.of(ChainTold)} == {"SPY"}


@pytest.mark.needs("chains")
async def test_a_quote_is_told_once_where_it_is_asked_for_once(site: Site) -> None:
    site.broker.ask_quotes([KEY])
    told = await site.first(QuoteSnapshot)
    assert (told.key, told.quote.bid, told.quote.ask) == (KEY, Decimal("0.98"), Decimal("1.00"))
    assert told.quote.at <= site.clock.now()
    assert len(site.events.of(QuoteSnapshot)) == 1


@pytest.mark.needs("chains")
async def test_a_chain_s_contracts_are_seen_and_are_nobody_s_candidates(site: Site) -> None:
    site.broker.subscribe(Subscribe({"SPY": frozenset({"quote"})}, chain=(KEY, NOWHERE)))
    await site.market("0.90", "0.92")
    seen: set[str] = set()
    while KEY not in seen:
        seen = {each.key for each in site.events.all if isinstance(each, QuoteSnapshot)}
        seen |= {each.key for each in site.events.of(QuoteReceived) if each.context}
        await book(site)
        if isinstance(site, Simulated):
            site.step()
    assert NOWHERE not in {each.key for each in site.events.of(ContractQualified)}, "what is not listed is left out"


@pytest.mark.needs("chains", "link")
async def test_nothing_of_chains_is_told_without_a_connection(away: Site) -> None:
    away.broker.ask_chains(["SPY"])
    away.broker.ask_quotes([KEY])
    assert not (await book(away)).complete
    assert not [*away.events.of(ChainTold), *away.events.of(QuoteSnapshot)]


@pytest.mark.needs("hours")
async def test_no_hours_are_told_without_a_connection(away: Site) -> None:
    away.broker.ask_hours([KEY])
    assert not (await book(away)).complete
    assert not away.events.of(HoursTold)


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
