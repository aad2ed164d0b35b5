"""A price that stands still is not stale: which lines are healthy is told, by whatever TWS says of lines and farms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.broker import connection
from bot.broker.adapter import IbkrBroker
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import LinesHeard, QuoteReceived
from tests.broker.conftest import SETTINGS, Gathered
from tests.broker.fake_tws import EPOCH, OPTION_KEY, OTHER_KEY, FakeTws
from tests.broker.test_market import BOOK, QUOTE, line, want

BID = (1, "5.10", 20, 0)


async def healthy(events: Gathered, *keys: str) -> LinesHeard:
    """Wait until exactly these quotes are told to be healthy."""
    return await events.first(LinesHeard, lambda each: each.quotes == frozenset(keys))


@pytest.fixture(autouse=True)
def at_every_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.broker.line_health.HEALTH_WALL_S", 0.0)


async def answered(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> str:
    request = await line(broker, tws)
    tws.send(1, 6, request, *BID)
    await events.first(QuoteReceived)
    await healthy(events, OPTION_KEY)
    events.clear()
    return request


async def test_a_line_that_says_nothing_more_is_healthy_as_long_as_tws_says_anything(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    await answered(broker, tws, events)
    tws.send(49, 1, EPOCH)
    await healthy(events, OPTION_KEY)
    assert events.of(QuoteReceived) == []


async def test_a_line_that_was_never_answered_is_not(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    await answered(broker, tws, events)
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    asked = await tws.until_asked(1, count=2)
    events.clear()
    tws.send(49, 1, EPOCH)
    await healthy(events, OPTION_KEY)
    tws.send(1, 6, asked[2], *BID)
    await healthy(events, OPTION_KEY, OTHER_KEY)


@pytest.mark.parametrize("code", [354, 10089, 10197, 200, 321, 9999])
async def test_an_error_ends_its_health_at_once(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await answered(broker, tws, events)
    monkeypatch.setattr("bot.broker.line_health.HEALTH_WALL_S", 600.0)
    tws.send(4, 2, request, code, "no more of it", "")
    await healthy(events)


@pytest.mark.parametrize("code", [2152, 300, 10167, 2137])
async def test_a_notice_does_not(broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int) -> None:
    request = await answered(broker, tws, events)
    tws.send(4, 2, request, code, "something to know", "")
    await healthy(events, OPTION_KEY)


async def test_delayed_data_are_no_price_of_now(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await answered(broker, tws, events)
    tws.send(58, 1, request, 3)
    await healthy(events)
    events.clear()
    tws.send(58, 1, request, 1)
    tws.send(49, 1, EPOCH)
    await healthy(events)  # nothing of now was said yet: what is known is late
    tws.send(1, 6, request, *BID)
    await healthy(events, OPTION_KEY)


@pytest.mark.parametrize("farm", ["usopt", "usopt.nj", "usopt2", "", "theirs"])
async def test_a_line_is_lost_with_its_farm_and_found_with_it(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, farm: str
) -> None:
    await answered(broker, tws, events)
    tws.send(4, 2, -1, 2103, f"Market data farm connection is broken:{farm}", "")
    await healthy(events)
    tws.send(4, 2, -1, 2104, f"Market data farm connection is OK:{farm}", "")
    await healthy(events, OPTION_KEY)


@pytest.mark.parametrize(
    "code, farm",
    [(2103, "usfarm"), (2103, "eufarm"), (2103, "cashfarm"), (2103, "usfuture"), (2105, "ushmds"), (2105, "apollo")],
)
async def test_a_farm_that_serves_others_costs_it_nothing(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int, farm: str
) -> None:
    await answered(broker, tws, events)
    tws.send(4, 2, -1, code, f"A data farm connection is broken:{farm}", "")
    tws.send(49, 1, EPOCH)
    await healthy(events, OPTION_KEY)


async def test_ticks_prove_more_than_a_notice(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await answered(broker, tws, events)
    tws.send(4, 2, -1, 2103, "Market data farm connection is broken:usopt", "")
    await healthy(events)
    tws.send(1, 6, request, 1, "5.20", 20, 0)
    await healthy(events, OPTION_KEY)


@pytest.mark.parametrize("code", [1100, 2110])
async def test_nothing_is_healthy_while_tws_has_lost_the_broker(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int
) -> None:
    await answered(broker, tws, events)
    tws.send(4, 2, -1, code, "Connectivity has been lost", "")
    await healthy(events)
    tws.send(49, 1, EPOCH)
    tws.send(4, 2, -1, 1102, "Connectivity has been restored - data maintained", "")
    await healthy(events, OPTION_KEY)


async def test_after_a_restore_that_lost_the_data_each_line_has_to_be_answered_anew(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    await answered(broker, tws, events)
    tws.send(4, 2, -1, 1100, "Connectivity has been lost", "")
    tws.send(4, 2, -1, 1101, "Connectivity has been restored - data lost", "")
    asked = await tws.until_asked(1, count=2)
    assert OPTION_KEY not in events.of(LinesHeard)[-1].quotes
    tws.send(1, 6, asked[2], *BID)
    await healthy(events, OPTION_KEY)


async def test_nothing_is_healthy_once_the_socket_is_gone(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    await answered(broker, tws, events)
    tws.drop()
    await healthy(events)


async def test_books_have_a_health_of_their_own(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    broker.subscribe(want(option=QUOTE | BOOK))
    request = (await tws.until_asked(10))[2]
    tws.send(12, 1, request, 0, 0, 1, "5.10", 20)
    told = await events.first(LinesHeard, lambda each: bool(each.books))
    assert (told.books, told.quotes) == (frozenset({OPTION_KEY}), frozenset())


@pytest.mark.parametrize("settings", [replace(SETTINGS, probe_every_s=600)])
async def test_where_everything_stands_still_tws_is_asked_whether_it_is_there(
    idle: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "QUIET_S", 0.01)
    await idle.start()
    await events.change(LinkChange.ACCEPTED)
    await tws.until_asked(49, count=3)
