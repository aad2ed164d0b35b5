"""A contract goes out over the wire as the broker named it, also after a restart; a rebuilt one would be refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import ManualClock
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import ContractQualified
from bot.domain.instructions import Subscribe
from bot.domain.instruments import PENNY_ALL
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.store.tables.instrument import named_of, named_text
from tests.broker.conftest import Gathered
from tests.broker.fake_tws import FakeTws, Request, contract_details

KEY = "BRKB  261120C00480000"
CLASS_B = ("8123", "BRK B", "OPT", "20261120", "480", "C", "100", "SMART", "USD", KEY, "BRKB")
TICKET = OrderTicket("o1", "bot-o1", KEY, OrderSide.BUY, OrderType.LIMIT, Terms(2, limit_price=Decimal("5.10")))


def knows_class_b(tws: FakeTws) -> None:
    """Answer for the class by its ticker with a blank, by its OSI symbol or by its conId, and by nothing else."""

    def details(asked: Request) -> None:
        if CLASS_B[0] == asked[3] or CLASS_B[1] == asked[4] or asked[13] == KEY:
            tws.send_all([contract_details(asked[2], CLASS_B), (52, 1, asked[2])])
        else:
            tws.send(4, 2, asked[2], 200, "No security definition has been found for the request", "")

    tws.answers[9] = details


def sent(asked: Request) -> tuple[str, ...]:
    """Return conId, symbol, type, day, strike, right, multiplier, exchange, currency, local symbol, class of an order
    on the wire; its primary exchange is left out."""
    return (*asked[2:10], *asked[11:14])


async def qualified(broker: IbkrBroker, events: Gathered) -> ContractQualified:
    broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
    return await events.first(ContractQualified)


async def test_a_ticker_with_a_blank_is_found_by_its_class_and_goes_out_with_it(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    knows_class_b(tws)
    told = await qualified(broker, events)
    assert (told.con_id, told.detail) == (8123, "")
    broker.submit(TICKET)
    asked = await tws.until_asked(3)
    expected = tuple(f"{float(each):g}" if i == 4 else each for i, each in enumerate(CLASS_B))
    assert tuple(f"{float(each):g}" if i == 4 else each for i, each in enumerate(sent(asked))) == expected


async def test_it_goes_out_the_same_after_a_restart(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, settings: BrokerSettings, clock: ManualClock
) -> None:
    knows_class_b(tws)
    told = await qualified(broker, events)
    assert told.instrument is not None
    broker.submit(TICKET)
    before = sent(await tws.until_asked(3))
    await broker.stop()
    kept = named_of(8123, named_text(told.instrument))
    assert kept == told.instrument
    later = Gathered()
    again = IbkrBroker(replace(settings, port=tws.port), clock, later, bot_id="bot")
    again.remember({KEY: (kept, PENNY_ALL)})
    await again.start()
    try:
        await later.change(LinkChange.ACCEPTED)
        again.submit(replace(TICKET, order_ref="bot-o2", order_id=50))
        assert sent(await tws.until_asked(3, 2)) == before
        preview = asyncio.create_task(again.what_if("s1", replace(TICKET, order_ref="bot-o3")))
        assert sent(await tws.until_asked(3, 3)) == before
        await preview
    finally:
        await again.stop()


def test_an_instrument_of_an_older_store_is_its_id() -> None:
    assert named_of(7, "{}").con_id == 7
    assert not named_of(7, "{}").is_complete
