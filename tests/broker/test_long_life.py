"""An adapter that runs for months on one connection: what was over before yesterday is let go, what is live stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import ManualClock
from bot.domain.calendar import new_york_day
from bot.domain.events.link import LinkChange
from bot.domain.events.orders import ExecutionReported, OrderReported
from bot.domain.instruments import Instrument, parse_osi, price_grid
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from tests.broker.book_tws import BookTws
from tests.broker.conftest import START, Gathered
from tests.broker.fake_tws import OPTION_KEY, OTHER_KEY
from tests.sizes import grown, sizes

DAYS = 8
STOP = OrderTicket("os", "bot-stop", OPTION_KEY, OrderSide.SELL, OrderType.STOP, Terms(2, stop_price=Decimal("2.55")))


@pytest.fixture
def clock() -> ManualClock:
    """A month before the contracts that are traded expire."""
    return ManualClock(START - timedelta(days=30))


@pytest.fixture
async def broker(
    book_tws: BookTws, events: Gathered, settings: BrokerSettings, clock: ManualClock
) -> AsyncIterator[IbkrBroker]:
    book_tws.now = clock.now
    adapter = IbkrBroker(replace(settings, port=book_tws.port, probe_every_s=0.005), clock, events, bot_id="bot")
    adapter.remember(
        {
            OPTION_KEY: (Instrument(7001, "OPT"), price_grid("SPXW")),
            OTHER_KEY: (Instrument(7002, "OPT"), price_grid("SPXW")),
        }
    )
    await adapter.start()
    await events.change(LinkChange.ACCEPTED)
    yield adapter
    await adapter.stop()


async def trade_a_day(broker: IbkrBroker, tws: BookTws, events: Gathered, day: int) -> None:
    """Buy, hear of the fill and its commission, read the book twice, see a contract that expires today. The adapter
    knows the day from TWS, with the next probe."""
    today = new_york_day(broker._clock.now())
    await tws.until(lambda: broker._connection.broker_day == today)
    limit = Terms(1, limit_price=Decimal("5.10"))
    order_id = broker.submit(OrderTicket(f"o{day}", f"bot-{day}", OTHER_KEY, OrderSide.BUY, OrderType.LIMIT, limit))
    await tws.until(lambda: order_id in tws.book)
    tws.fill(tws.book[order_id])
    expiring = replace(parse_osi(OTHER_KEY), expiry=broker._clock.now().date())
    broker.remember({expiring.key: (Instrument(8000 + day, "OPT"), price_grid("SPXW"))})
    for _ in range(2):
        assert (await broker.snapshot()).complete
    assert any(e.execution.order_ref == f"bot-{day}" for e in events.of(ExecutionReported))


async def test_no_table_of_the_adapter_grows_from_day_to_day(
    broker: IbkrBroker, book_tws: BookTws, events: Gathered, clock: ManualClock
) -> None:
    stop_id = broker.submit(STOP)
    await book_tws.until(lambda: stop_id in book_tws.book)
    measured = []
    for day in range(DAYS):
        await trade_a_day(broker, book_tws, events, day)
        while broker._wire.requests._pending:  # noqa: ASYNC110 - a probe may be under way; nobody tells of its end
            await asyncio.sleep(0)
        seen = {id(events), id(clock), id(broker._settings), id(broker._wire._client)}
        measured.append(sizes(broker, "broker", seen))
        clock.advance(timedelta(days=1).total_seconds())
        book_tws.book = {key: kept for key, kept in book_tws.book.items() if kept.live}
        book_tws.fills, book_tws.fees = [], {}
    assert grown(measured[3], measured[-1]) == {}
    assert broker._desk.order_id_of("bot-stop") == stop_id, "a stop that has worked for a week is still known"
    assert broker._desk.owner_of(stop_id) == "bot-stop"
    assert any(e.view.order_ref == "bot-stop" for e in events.of(OrderReported))
