"""Makers of a level, the quote at a print, bars with what is missing between them, and the broker's own figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.contracts import to_ib
from bot.broker.lines import TapeLine
from bot.domain.bars import PriceBar, gathered, missing_between
from bot.domain.events.account import CurrencyTold, PositionPnlTold
from bot.domain.events.market_data import BarsReceived, BookReceived, LineReported, QuoteReceived, TradesReceived
from bot.domain.instructions import Subscribe
from bot.engine.state.bar_book import KEPT, BarBook
from tests.broker.conftest import SETTINGS, Gathered
from tests.broker.fake_tws import ACCOUNT, EPOCH, OPTION_KEY, UNSET, FakeTws

AT = int(EPOCH)


def bar(second: int, close: str = "6000", seconds: int = 5, volume: int = 10) -> PriceBar:
    price = Decimal(close)
    return PriceBar(datetime.fromtimestamp(AT + second, UTC), seconds, price, price, price, price, volume, 1)


async def test_a_level_keeps_whose_it_is(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    broker.subscribe(Subscribe({OPTION_KEY: frozenset({"book"})}))
    request = (await tws.until_asked(10))[2]
    tws.send_all([
        (13, 1, request, 0, "CBOE", 0, 1, "5.10", 20, 1), (13, 1, request, 1, "ISE", 0, 1, "5.10", 5, 1),
        (13, 1, request, 0, "BOX", 0, 0, "5.30", 9, 1),
    ])  # fmt: skip
    book = (await events.first(BookReceived, lambda each: len(each.book.asks) == 1)).book
    assert (book.bids[0].size, book.bids[0].makers) == (25, (("CBOE", 20), ("ISE", 5)))
    assert book.asks[0].makers == (("BOX", 9),)


async def test_a_print_has_the_quote_that_stood_when_it_came(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(Subscribe({OPTION_KEY: frozenset({"quote", "trades"})}))
    quote, tape = (await tws.until_asked(1))[2], (await tws.until_asked(97))[1]
    tws.send_all([
        (1, 6, quote, 1, "5.10", 20, 0), (1, 6, quote, 2, "5.30", 30, 0),
        (99, tape, 1, EPOCH, "5.30", 3, 0, "CBOE", "f"), (1, 6, quote, 2, "5.35", 30, 0),
        (99, tape, 1, EPOCH, "5.35", 1, 0, "ISE", ""),
    ])  # fmt: skip
    first, second = (await events.first(TradesReceived)).trades
    assert (first.bid, first.ask, first.exchange, first.conditions) == (Decimal("5.1"), Decimal("5.3"), "CBOE", "f")
    assert (second.bid, second.ask) == (Decimal("5.1"), Decimal("5.35"))


@pytest.mark.parametrize("settings", [replace(SETTINGS, bars_of=("SPX",))])
async def test_bars_come_each_once_and_what_is_missing_is_counted_and_asked_for(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.line_report.LOOK_WALL_S", 0.0)
    minutes = await tws.until_asked(20)
    assert {"3 D", "1 min"} <= set(minutes)
    tws.send(17, minutes[1], "", "", 1, AT - 60, "5999", "6001", "5998", "6000", "100", "6000", 7)
    past = await events.first(BarsReceived)
    assert (past.bars[0].seconds, past.bars[0].close, past.bars[0].count) == (60, Decimal(6000), 7)
    line = (await tws.until_asked(50))[2]
    for second in (0, 5, 5, 20):
        tws.send(50, 3, line, AT + second, "6000", "6001", "5999", "6000.5", "12", "6000", 4)
    told = await events.first(BarsReceived, lambda each: _at(each) == AT + 20)
    assert told.bars[-1].seconds == 5
    lately = await tws.until_asked(20, count=2)
    assert {"600 S", "5 secs"} <= set(lately)
    shown = await events.first(LineReported, lambda each: each.kind == "bars" and each.gaps > 0)
    assert shown.gaps == 2


def _at(told: BarsReceived) -> int:
    return int(told.bars[-1].at.timestamp())


def test_a_print_that_comes_after_a_later_one_is_counted_whatever_packet_it_came_in() -> None:
    line = TapeLine("SPY", to_ib("SPY"), 1)
    for second in (1, 2, 2, 5, 3, 6):
        line.trade(AT + second, 600.0, 1, None, "ARCA", "")
        line.events(datetime.fromtimestamp(AT, UTC))
    assert line.gaps == 1


async def test_what_a_holding_brought_by_the_broker_s_reckoning_is_told(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    holding = (3, ACCOUNT, "7001", "SPX", "OPT", "20261120", "6000", "C", "100", "", "USD", OPTION_KEY, "SPXW")
    tws.send(61, *holding, "2", "510")
    asked = await tws.until_asked(94)
    assert asked[2:] == (ACCOUNT, "", "7001")
    tws.send(95, asked[1], 2, "12.5", "20", UNSET, "1040")
    told = await events.first(PositionPnlTold)
    assert (told.key, told.quantity, told.daily, told.unrealized) == (OPTION_KEY, 2, Decimal("12.5"), Decimal(20))
    assert (told.realized, told.value) == (None, Decimal(1040))
    tws.send(61, *holding, "0", "0")
    assert (await tws.until_asked(95))[1] == asked[1]
    await events.first(PositionPnlTold, lambda each: each.quantity == 0)


async def test_the_account_is_told_in_each_of_its_currencies(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.send_all([
        (6, 2, "CashBalance", "2500.50", "EUR", ACCOUNT), (6, 2, "ExchangeRate", "1.0865", "EUR", ACCOUNT),
        (6, 2, "CashBalance", "100", "BASE", ACCOUNT),
    ])  # fmt: skip
    told = await events.first(CurrencyTold, lambda each: each.currency == "EUR")
    assert (told.cash, told.exchange_rate, told.account) == (Decimal("2500.5"), 1.0865, ACCOUNT)
    assert not [each for each in events.of(CurrencyTold) if each.currency == "BASE"]
    assert not events.of(QuoteReceived)


def test_a_minute_is_gathered_from_its_five_seconds_until_the_broker_s_own_word_comes() -> None:
    book = BarBook()
    book.put("SPX", [bar(second, str(6000 + second)) for second in range(0, 75, 5)])
    first, second = book.of("SPX", 60)
    assert [first.open, first.close, first.high] == [6000, 6055, 6055]
    assert (first.volume, first.count) == (120, 12)
    assert second.at - first.at == timedelta(minutes=1)
    book.put("SPX", [bar(0, "6100", seconds=60)])
    assert book.of("SPX", 60)[0].close == 6100


def test_a_book_of_bars_keeps_the_newest_in_their_order_each_once() -> None:
    book = BarBook()
    for second in (*range(0, 1000, 5), *range(500, 700, 5)):
        book.put("SPX", [bar(second)])
    kept = book.of("SPX", 5)
    assert len(kept) == KEPT[5]
    assert [each.at for each in kept] == sorted({each.at for each in kept})
    assert missing_between(kept[0], kept[3]) == 2
    assert gathered(list(kept), 60)[0].at <= kept[0].at
