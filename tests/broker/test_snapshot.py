"""The broker's book, asked on purpose: complete only when every part gave its own end marker."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.domain.events.orders import BrokerOrderStatus, CommissionReported, ExecutionReported, OrderReported
from bot.domain.events.people import AlertRaised
from bot.domain.instruments import parse_osi
from tests.broker.conftest import Gathered
from tests.broker.fake_tws import (
    OPTION_KEY,
    STOCK,
    FakeTws,
    commission,
    completed_order,
    execution,
    open_order,
    order_status,
    position,
)


async def test_an_empty_book_is_complete(broker: IbkrBroker) -> None:
    book = await broker.snapshot()
    assert (book.complete, book.faults) == (True, ())
    assert not (book.open_orders)
    assert not (book.completed_orders)
    assert not (book.executions)
    assert not (book.positions)
    assert book.next_order_id == 1


async def test_the_whole_book_comes_out(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.answers[16] = lambda _: tws.send_all(
        [
            open_order(5, "bot-a"),
            order_status(5, filled=1, remaining=1),
            open_order(9, "other", client_id=3, perm_id=7),
            (53, 1),
        ]
    )
    tws.answers[99] = lambda _: tws.send_all([completed_order("bot-b", "Cancelled", perm_id=901), (102,)])
    tws.answers[7] = lambda asked: tws.send_all(
        [execution(5, "0001.01", "bot-a", request_id=asked[2], shares=1), (55, 1, asked[2]), commission("0001.01")]
    )
    tws.answers[61] = lambda _: tws.send_all(
        [position(), position(STOCK, 100, 600), position(quantity=9, account="DU9"), (62, 1)]
    )
    book = await broker.snapshot()
    assert book.complete
    mine, foreign = book.open_orders
    assert (mine.order_ref, mine.filled_quantity, mine.client_id) == ("bot-a", 1, 17)
    assert (foreign.order_ref, foreign.client_id) == ("other", 3)
    (ended,) = book.completed_orders
    assert (ended.order_ref, ended.status, ended.order_id) == ("bot-b", BrokerOrderStatus.CANCELLED, 0)
    assert ended.detail == "Cancelled by the venue"
    assert [each.exec_id for each in book.executions] == ["0001.01"]
    option, stock = book.positions
    assert (option.contract_key, option.contract, option.quantity) == (OPTION_KEY, parse_osi(OPTION_KEY), 2)
    assert option.average_price == Decimal("5.113")
    assert (stock.contract_key, stock.contract, stock.average_price) == ("SPY", None, Decimal(600))
    assert book.next_order_id == 6
    await events.first(CommissionReported)
    assert (await broker.snapshot()).commissions == {"0001.01": Decimal("1.3")}


async def test_other_clients_orders_are_in_the_book_and_not_told_apart_from_it(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.answers[16] = lambda _: tws.send_all(
        [open_order(9, "other", client_id=3, perm_id=7), open_order(5, "bot-a"), (53, 1)]
    )
    await broker.snapshot()
    assert [each.view.order_ref for each in events.of(OrderReported)] == ["bot-a"]


@pytest.mark.parametrize(
    "muted, part", [(16, "open orders"), (99, "completed orders"), (7, "executions"), (61, "positions")]
)
async def test_a_part_without_its_end_marker_makes_the_book_incomplete(
    broker: IbkrBroker, tws: FakeTws, muted: int, part: str
) -> None:
    tws.mute.add(muted)
    book = await broker.snapshot()
    assert not book.complete
    assert len(book.faults) == 1
    assert str(book.faults[0]).startswith(f"{part}: no end marker")


async def test_what_came_before_the_silence_is_handed_on(broker: IbkrBroker, tws: FakeTws) -> None:
    tws.answers[61] = lambda _: tws.send(*position())
    book = await broker.snapshot()
    assert not book.complete
    assert [each.contract_key for each in book.positions] == [OPTION_KEY]


async def test_an_order_that_cannot_be_read_is_not_absent(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.answers[16] = lambda _: tws.send_all([open_order(5, "bot-a", status="Dreaming"), (53, 1)])
    book = await broker.snapshot()
    assert not book.complete
    assert "Dreaming" in str(book.faults[0])
    assert events.of(AlertRaised)[0].code == "UNKNOWN_WORD"


async def test_a_late_end_marker_does_not_end_the_next_question(
    broker: IbkrBroker, tws: FakeTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    tws.mute.add(61)
    await broker.snapshot()
    tws.mute.clear()
    tws.answers[61] = lambda _: tws.send_all([(62, 1), position(), (62, 1)])  # the first one was owed
    book = await broker.snapshot()
    assert book.complete
    assert len(book.positions) == 1


async def test_a_marker_that_was_never_owed_ends_the_question_after_a_grace(
    broker: IbkrBroker, tws: FakeTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.requests.LATE_END_GRACE_S", 0.01)
    tws.mute.add(61)
    await broker.snapshot()
    tws.mute.clear()
    assert (await broker.snapshot()).complete


async def test_two_that_ask_at_once_are_served_in_turn(broker: IbkrBroker, tws: FakeTws) -> None:
    tws.answers[61] = lambda _: tws.send_all([position(), (62, 1)])
    first, second = await asyncio.gather(broker.snapshot(), broker.snapshot())
    assert first.complete
    assert second.complete
    assert len(tws.of(61)) == 2


async def test_a_fill_between_two_answers_makes_the_book_be_read_again(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)

    def positions(_: tuple[str, ...]) -> None:
        first = [execution(5, "0001.01", "bot-a")] if len(tws.of(61)) == 1 else []
        tws.send_all([*first, position(), (62, 1)])

    tws.answers[61] = positions
    assert (await broker.snapshot()).complete
    assert len(tws.of(61)) == 2


async def test_a_book_that_never_stands_still_is_not_complete(
    broker: IbkrBroker, tws: FakeTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)
    tws.answers[61] = lambda _: tws.send_all([execution(5, f"{len(tws.of(61))}.01", "bot-a"), (62, 1)])
    book = await broker.snapshot()
    assert not book.complete
    assert "kept arriving" in str(book.faults[0])


async def test_a_snapshot_waits_for_a_connection_that_is_on_its_way(idle: IbkrBroker, tws: FakeTws) -> None:
    asked = asyncio.create_task(idle.snapshot())
    await idle.start()
    assert (await asked).complete


async def test_without_a_connection_the_book_is_incomplete_and_never_empty(idle: IbkrBroker) -> None:
    book = await idle.snapshot()
    assert not book.complete
    assert len(book.faults) == 5


async def test_a_connection_lost_while_asking_is_an_incomplete_book(broker: IbkrBroker, tws: FakeTws) -> None:
    tws.answers[61] = lambda _: tws.drop()
    assert not (await broker.snapshot()).complete


async def test_a_fill_of_the_outage_comes_with_the_book(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.answers[7] = lambda asked: tws.send_all(
        [execution(5, "0002.01", "bot-a", request_id=asked[2]), commission("0002.01"), (55, 1, asked[2])]
    )
    book = await broker.snapshot()
    assert [each.order_ref for each in book.executions] == ["bot-a"]
    assert book.commissions == {"0002.01": Decimal("1.3")}
    assert not events.of(ExecutionReported)


async def test_an_execution_that_comes_after_the_deadline_is_still_told(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.mute.add(7)
    await broker.snapshot()
    tws.send(*execution(5, "0002.01", "bot-a", request_id=tws.of(7)[0][2]))
    await events.first(ExecutionReported)


async def test_a_part_of_a_share_that_somebody_bought_does_not_make_the_book_incomplete(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.answers[7] = lambda asked: tws.send_all(
        [
            execution(0, "0003.01", "", request_id=asked[2], row=STOCK, shares=0.4217, client_id=0),
            execution(5, "0004.01", "bot-a", request_id=asked[2]),
            (55, 1, asked[2]),
        ]
    )
    book = await broker.snapshot()
    assert (book.complete, book.faults) == (True, ())
    assert [each.exec_id for each in book.executions] == ["0004.01"]
    (seen,) = book.foreign
    assert (seen.subject, seen.key, seen.identity, seen.words) == (
        "execution",
        "SPY:STK:7003",
        "0003.01",
        "BOT 0.4217 5.1",
    )
    assert not events.of(AlertRaised)


async def test_a_part_of_an_option_is_a_fault_of_the_book(broker: IbkrBroker, tws: FakeTws) -> None:
    tws.answers[7] = lambda asked: tws.send_all(
        [execution(5, "0004.01", "bot-a", request_id=asked[2], shares=1.5), (55, 1, asked[2])]
    )
    assert not (await broker.snapshot()).complete
