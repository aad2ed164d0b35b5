"""Orders over the wire: what goes out, and what is made of everything that may come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from bot.broker.adapter import IbkrBroker
from bot.domain.errors import BrokerUnavailable, OrderRejected
from bot.domain.events.feeds import FeedReported
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.events.people import AlertRaised
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from tests.broker.conftest import Gathered
from tests.broker.fake_tws import (
    ACCOUNT,
    OPTION_KEY,
    UNSET,
    FakeTws,
    commission,
    execution,
    open_order,
    order_status,
)

BUY = OrderTicket("o1", "bot-o1", OPTION_KEY, OrderSide.BUY, OrderType.LIMIT, Terms(2, limit_price=Decimal("5.10")))
STOP = OrderTicket("o2", "bot-o2", OPTION_KEY, OrderSide.SELL, OrderType.STOP, Terms(2, stop_price=Decimal("2.55")))


def field(request: tuple[str, ...], name: str) -> str:
    """Read a placeOrder by the name of its field."""
    names = (
        "id orderId conId symbol secType expiry strike right multiplier exchange primary currency local class "
        "secIdType secId action quantity type limit aux tif oca account openClose origin ref transmit"
    )
    return request[names.split().index(name)]


async def test_an_order_goes_out_whole_and_leaves_nothing_to_presets(broker: IbkrBroker, tws: FakeTws) -> None:
    tws_id = broker.submit(BUY)
    sent = await tws.until_asked(3)
    expected = {
        "orderId": str(tws_id), "conId": "7001", "action": "BUY", "quantity": "2.0", "type": "LMT", "limit": "5.1",
        "aux": "", "tif": "DAY", "account": ACCOUNT, "ref": "bot-o1", "transmit": "1",
    }  # fmt: skip
    assert {name: field(sent, name) for name in expected} == expected


async def test_a_stop_carries_its_price_where_tws_looks_for_it(broker: IbkrBroker, tws: FakeTws) -> None:
    broker.submit(STOP)
    sent = await tws.until_asked(3)
    assert (field(sent, "type"), field(sent, "aux"), field(sent, "limit")) == ("STP", "2.55", "")


async def test_order_ids_stay_above_those_of_store_and_broker(idle: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.next_valid_id = 40
    idle.reserve_order_ids(70)
    await idle.start()
    await tws.until_asked(6)
    assert [idle.submit(BUY), idle.submit(STOP)] == [70, 71]


async def test_an_order_id_that_the_ticket_has_is_kept(broker: IbkrBroker, tws: FakeTws) -> None:
    assert broker.submit(replace(BUY, order_id=9)) == 9
    assert broker.submit(STOP) == 10


async def test_without_a_connection_nothing_is_sent(idle: IbkrBroker) -> None:
    with pytest.raises(BrokerUnavailable):
        idle.submit(BUY)
    with pytest.raises(BrokerUnavailable):
        idle.cancel("bot-o1", 5)
    assert (await idle.what_if("s1", BUY)).error is not None


async def test_a_contract_that_is_not_qualified_is_refused_here(broker: IbkrBroker, tws: FakeTws) -> None:
    with pytest.raises(OrderRejected, match="not qualified"):
        broker.submit(replace(BUY, contract_key="SPY   261120C00600000"))
    with pytest.raises(OrderRejected, match="not a reference"):
        broker.submit(replace(BUY, order_ref="other-o1"))
    assert not tws.of(3)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_a_fill_comes_out_whole_in_whatever_order_it_is_told(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, order: tuple[int, ...]
) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    messages = [
        execution(order_id, "0001.01", "bot-o1"),
        order_status(order_id, "Filled", filled=2, remaining=0),
        open_order(order_id, "bot-o1", status="Filled"),
        commission("0001.01"),
    ]
    tws.send_all([messages[each] for each in order])
    fill = (await events.first(ExecutionReported)).execution
    charge = await events.first(CommissionReported)
    done = await events.first(OrderReported, lambda each: each.view.filled_quantity == 2)
    await events.first(OrderReported, lambda each: each.view.filled_quantity in {None, 2} and each is not done)
    assert (fill.order_ref, fill.quantity, fill.price, fill.side) == ("bot-o1", 2, Decimal("5.1"), OrderSide.BUY)
    assert fill.executed_at == datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)
    assert (charge.exec_id, charge.commission) == ("0001.01", Decimal("1.3"))
    assert done.view.status is BrokerOrderStatus.FILLED
    assert not events.of(AlertRaised)


async def test_a_correction_is_one_more_execution_report(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send(*execution(order_id, "0001.7f.01.01", "bot-o1", shares=2))
    tws.send(*execution(order_id, "0001.7f.01.02", "bot-o1", shares=1))
    corrected = (await events.first(ExecutionReported, lambda each: each.execution.revision == 2)).execution
    first = events.of(ExecutionReported)[0].execution
    assert (first.base_id, first.quantity) == (corrected.base_id, 2)
    assert corrected.quantity == 1


async def test_executions_that_are_not_ours_are_told_too(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.send(*execution(2147483647, "0009.01", "", client_id=0, perm_id=5, side="SLD"))
    foreign = (await events.first(ExecutionReported)).execution
    assert (foreign.order_ref, foreign.order_id, foreign.side) == ("", 0, OrderSide.SELL)


async def test_another_accounts_executions_are_not_our_business(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.send_all([execution(1, "0001.01", "x", account="DU9"), execution(1, "0002.01", "y")])
    assert (await events.first(ExecutionReported)).execution.exec_id == "0002.01"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("20261120 10:00:01 US/Eastern", datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)),
        ("20261120-15:00:01", datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)),
        ("20261120  10:00:01", datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)),
        ("20261120 10:00:01 Nowhere/Land", datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)),
        ("20261120 16:00:01 Europe/Berlin", datetime(2026, 11, 20, 15, 0, 1, tzinfo=UTC)),
    ],
)
async def test_execution_times_are_utc_however_they_are_written(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, text: str, expected: datetime
) -> None:
    tws.send(*execution(1, "0001.01", "bot-x", time=text))
    assert (await events.first(ExecutionReported)).execution.executed_at == expected


@pytest.mark.parametrize(
    "code, meaning",
    [
        (10148, ErrorMeaning.CANCEL_REFUSED),
        (10147, ErrorMeaning.CANCEL_REFUSED),
        (161, ErrorMeaning.CANCEL_REFUSED),
        (201, ErrorMeaning.REJECTED),
        (110, ErrorMeaning.NOT_PLACED),
        (105, ErrorMeaning.NOT_PLACED),
        (399, ErrorMeaning.WARNING),
        (10349, ErrorMeaning.WARNING),
        (202, ErrorMeaning.CANCEL_REPORTED),
        (100, ErrorMeaning.AMBIGUOUS),
    ],
)
async def test_an_error_on_a_live_order_is_told_and_moves_no_status(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int, meaning: ErrorMeaning
) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send_all([open_order(order_id, "bot-o1"), order_status(order_id), (4, 2, order_id, code, "a text", "")])
    erred = await events.first(OrderErred)
    assert (erred.order_ref, erred.code, erred.meaning) == ("bot-o1", code, meaning)
    tws.send(*order_status(order_id, "Submitted", held="locate"))
    told = await events.first(OrderReported, lambda each: each.view.detail == "locate")
    assert {each.view.status for each in events.of(OrderReported)} == {BrokerOrderStatus.WORKING}
    assert told.view.order_ref == "bot-o1"


async def test_an_unknown_code_on_an_order_is_ambiguous_and_alerted(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send(4, 2, order_id, 88_888, "something new", "")
    assert (await events.first(OrderErred)).meaning is ErrorMeaning.AMBIGUOUS
    alert = await events.first(AlertRaised)
    assert (alert.code, alert.facts["code"]) == ("UNKNOWN_WORD", 88_888)


async def test_an_unknown_status_is_an_alert_with_the_raw_fields(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send(*order_status(order_id, "Meditating"))
    alert = await events.first(AlertRaised)
    assert alert.code == "UNKNOWN_WORD"
    assert "Meditating" in alert.facts["fields"]
    assert not events.of(OrderReported)


async def test_a_rejection_keeps_the_brokers_reason(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send_all([(4, 2, order_id, 201, "margin", ""), order_status(order_id, "Inactive")])
    told = (await events.first(OrderReported)).view
    assert (told.status, told.detail) == (BrokerOrderStatus.INACTIVE, "201: margin")


async def test_an_amendment_reuses_the_id_and_its_terms_count_once_the_broker_shows_them(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.send(*open_order(order_id, "bot-o1"))
    await events.first(OrderReported)
    broker.amend(replace(BUY, order_id=order_id, terms=Terms(2, limit_price=Decimal("5.30"))))
    sent = await tws.until_asked(3, count=2)
    assert (field(sent, "orderId"), field(sent, "limit"), field(sent, "ref")) == (str(order_id), "5.3", "bot-o1")
    events.clear()
    tws.send(*order_status(order_id, "Submitted"))
    assert (await events.first(OrderReported)).view.limit_price == Decimal("5.1")
    tws.send(*open_order(order_id, "bot-o1", limit="5.3"))
    await events.first(OrderReported, lambda each: each.view.limit_price == Decimal("5.3"))


async def test_a_cancel_names_the_order_id(broker: IbkrBroker, tws: FakeTws) -> None:
    order_id = broker.submit(BUY)
    broker.cancel("bot-o1", order_id)
    assert (await tws.until_asked(4))[2] == str(order_id)


async def test_an_id_that_belongs_to_another_order_is_neither_cancelled_nor_overwritten(
    broker: IbkrBroker, tws: FakeTws
) -> None:
    order_id = broker.submit(BUY)
    with pytest.raises(OrderRejected, match="bot-o1"):
        broker.cancel("bot-zz", order_id)
    with pytest.raises(OrderRejected, match="bot-o1"):
        broker.submit(replace(STOP, order_id=order_id))


async def test_a_reused_id_is_told_apart_by_its_perm_id(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.send_all([
        open_order(5, "bot-old", perm_id=100),
        open_order(5, "bot-new", perm_id=200),
        order_status(5, "Cancelled", perm_id=100),
        order_status(5, "Submitted", perm_id=200, held="new"),
    ])  # fmt: skip
    await events.first(OrderReported, lambda each: each.view.detail == "new")
    said = [(each.view.order_ref, each.view.status) for each in events.of(OrderReported)[2:]]
    assert said == [("bot-old", BrokerOrderStatus.CANCELLED), ("bot-new", BrokerOrderStatus.WORKING)]


async def test_orders_of_other_clients_are_told_with_their_own_identity(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.send(*open_order(-3, "", client_id=0, perm_id=77, action="SELL"))
    view = (await events.first(OrderReported)).view
    assert (view.order_ref, view.client_id, view.perm_id, view.side) == ("", 0, 77, OrderSide.SELL)


async def test_a_duplicate_id_makes_us_ask_for_a_fresh_one(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    order_id = broker.submit(BUY)
    await tws.until_asked(3)
    tws.next_valid_id = 500
    tws.send(4, 2, order_id, 103, "Duplicate order id", "")
    assert (await events.first(OrderErred)).meaning is ErrorMeaning.NOT_PLACED
    await tws.until_asked(8)
    tws.send(49, 1, 0)
    await broker.snapshot()
    assert broker.submit(STOP) == 500


MARGINS = ("0", "0", "100000", "1800", "1800", "0", "1800", "1800", "99998.7")


async def test_a_what_if_gives_margins_and_is_marked_as_one(broker: IbkrBroker, tws: FakeTws) -> None:
    def answer(asked: tuple[str, ...]) -> None:
        tws.send(
            *open_order(
                int(asked[1]), "", what_if=1, status="PreSubmitted", perm_id=0, margins=MARGINS, commission="1.3"
            )
        )

    tws.answers[3] = answer
    got = await broker.what_if("s1", replace(BUY, order_ref=""))
    assert (got.init_margin_change, got.equity_with_loan_after, got.init_margin_after) == (
        Decimal(1800),
        Decimal("99998.7"),
        Decimal(1800),
    )
    assert (got.commission, got.error, got.signal_id) == (Decimal("1.3"), None, "s1")


async def test_a_what_if_without_figures_is_an_answer_without_figures(
    broker: IbkrBroker, tws: FakeTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.what_if.BETTER_ANSWER_S", 0.01)
    tws.answers[3] = lambda asked: tws.send(
        *open_order(int(asked[1]), "", what_if=1, status="PreSubmitted", perm_id=0, commission=UNSET)
    )
    got = await broker.what_if("s1", BUY)
    assert (got.init_margin_change, got.commission, got.error) == (None, None, None)


async def test_a_refused_what_if_says_why_and_a_silent_one_too(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.answers[3] = lambda asked: tws.send_all(
        [(4, 2, asked[1], 2109, "warn", ""), (4, 2, asked[1], 201, "no margin", "")]
    )
    assert (await broker.what_if("s1", BUY)).error == "201: no margin"
    tws.mute.add(3)
    assert "no margin preview" in str((await broker.what_if("s2", BUY)).error)
    assert not events.of(OrderErred)


async def test_a_message_that_cannot_be_read_costs_only_itself(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.send_all([(3, "not a number", "Submitted"), (4711, "what", "is", "this"), execution(1, "0001.01", "bot-x")])
    assert (await events.first(ExecutionReported)).execution.exec_id == "0001.01"
    assert [each.code for each in events.of(AlertRaised)] == ["TWS_UNREADABLE", "TWS_UNREADABLE"]
    row = events.of(FeedReported)[-1]
    assert (row.feed, row.dropped) == ("ibkr", 2)
    assert "could not be read" in row.last_error
    tws.send_all([(4711, "again"), execution(1, "0002.01", "bot-x")])
    await events.first(ExecutionReported, lambda each: each.execution.exec_id == "0002.01")
    assert len(events.of(AlertRaised)) == 2
