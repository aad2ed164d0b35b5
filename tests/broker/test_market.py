"""Market data lines: asked for by difference, cleaned, told once a packet, and asked for again when they were lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.domain.events.market_data import BookReceived, ContractQualified, GreeksReceived, QuoteReceived, TradesReceived
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.instruments import PriceGrid
from bot.domain.quotes import DepthLevel, TradePrint
from tests.broker.conftest import SETTINGS, START, Gathered
from tests.broker.fake_tws import EPOCH, OPTION_KEY, OTHER_KEY, UNSET, FakeTws

QUOTE, BOOK, TRADES = frozenset({"quote"}), frozenset({"book"}), frozenset({"trades"})


def want(**kinds: frozenset[str]) -> Subscribe:
    names = {"option": OPTION_KEY, "other": OTHER_KEY, "spx": "SPX", "spy": "SPY"}
    return Subscribe({names[name]: each for name, each in kinds.items()})


def bids(price: str) -> Callable[[QuoteReceived], bool]:
    """Return whether a quote's bid is this."""
    return lambda each: each.quote.bid == Decimal(price)


async def line(broker: IbkrBroker, tws: FakeTws, message_id: int = 1, kind: frozenset[str] = QUOTE) -> str:
    """Subscribe to the option and return the request id."""
    broker.subscribe(want(option=kind))
    return (await tws.until_asked(message_id))[2 if message_id != 97 else 1]


async def test_a_quote_is_built_from_ticks_and_told_once_a_packet(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    request = await line(broker, tws)
    tws.send_all([
        (1, 6, request, 1, "5.10", 20, 0), (2, 6, request, 0, 20), (1, 6, request, 2, "5.30", 30, 0),
        (2, 6, request, 3, 35), (1, 6, request, 4, "5.20", 1, 0),
    ])  # fmt: skip
    told = await events.first(QuoteReceived)
    quote = told.quote
    assert (told.key, quote.bid, quote.ask, quote.last) == (OPTION_KEY, Decimal("5.1"), Decimal("5.3"), Decimal("5.2"))
    assert (quote.bid_size, quote.ask_size, quote.at, quote.delayed) == (20, 35, START, False)
    assert len(events.of(QuoteReceived)) == 1


@pytest.mark.parametrize("nothing", ["-1", "NaN", UNSET, "0"])
async def test_what_is_no_ask_is_told_as_none(broker: IbkrBroker, tws: FakeTws, events: Gathered, nothing: str) -> None:
    request = await line(broker, tws)
    tws.send_all([(1, 6, request, 1, "5.10", 20, 0), (1, 6, request, 2, "5.30", 30, 0)])
    await events.first(QuoteReceived)
    tws.send(1, 6, request, 2, nothing, 0, 0)
    quote = (await events.first(QuoteReceived, lambda each: each.quote.ask is None)).quote
    assert (quote.bid, quote.ask_size) == (Decimal("5.1"), 0)


async def test_an_index_has_a_last_price_only(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    broker.subscribe(want(spx=QUOTE))
    asked = await tws.until_asked(1)
    assert asked[3:6] == ("7004", "SPX", "IND")
    tws.send_all([(1, 6, asked[2], 1, "-1", 0, 0), (1, 6, asked[2], 4, "6000.12", 0, 0)])
    quote = (await events.first(QuoteReceived)).quote
    assert (quote.bid, quote.ask, quote.last) == (None, None, Decimal("6000.12"))


async def test_delayed_and_halted_are_part_of_the_quote(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await line(broker, tws)
    tws.send_all([(58, 1, request, 3), (1, 6, request, 66, "5.10", 20, 0), (45, 6, request, 49, "2.0")])
    quote = (await events.first(QuoteReceived)).quote
    assert (quote.bid, quote.delayed, quote.halted) == (Decimal("5.1"), True, True)
    tws.send_all([(58, 1, request, 1), (45, 6, request, 49, "0")])
    await events.first(QuoteReceived, lambda each: not (each.quote.halted or each.quote.delayed))


async def test_model_greeks_are_told_and_what_is_not_computed_is_none(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    request = await line(broker, tws)
    tws.send_all([
        (21, request, 10, 0, 0.5, 0.5, 1, 0, 0.5, 0.5, 0.5, 1),  # of the bid: not the model's
        (21, request, 13, 0, 0.18, 0.52, 5.2, 0, 0.004, -2, UNSET, -1),
    ])  # fmt: skip
    greeks = (await events.first(GreeksReceived)).greeks
    assert (greeks.iv, greeks.delta, greeks.gamma) == (0.18, 0.52, 0.004)
    assert (greeks.vega, greeks.theta, greeks.underlying) == (None, None, None)
    assert len(events.of(GreeksReceived)) == 1


async def test_a_book_adds_up_the_rows_of_a_price(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await line(broker, tws, 10, BOOK)
    tws.send_all([
        (13, 1, request, 0, "CBOE", 0, 1, "5.10", 20, 1), (13, 1, request, 1, "ISE", 0, 1, "5.10", 5, 1),
        (13, 1, request, 2, "ISE", 0, 1, "5.00", 7, 1), (13, 1, request, 0, "CBOE", 0, 0, "5.30", 9, 1),
        (13, 1, request, 0, "CBOE", 1, 0, "5.25", 8, 1), (13, 1, request, 2, "ISE", 2, 1, "0", 0, 1),
    ])  # fmt: skip
    book = (await events.first(BookReceived)).book
    assert book.bids == (DepthLevel(Decimal("5.1"), 25),)
    assert book.asks == (DepthLevel(Decimal("5.25"), 8),)


async def test_a_book_keeps_ten_rows(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await line(broker, tws, 10, BOOK)
    tws.send_all([(12, 1, request, 0, 0, 0, f"{6 - row / 10:.1f}", 1) for row in range(14)])
    asks = (await events.first(BookReceived)).book.asks
    assert [level.price for level in asks[:2]] == [Decimal("4.7"), Decimal("4.8")]
    assert len(asks) == 10


@pytest.mark.parametrize("broken", ["a row beyond the end", "316"])
async def test_a_broken_book_is_subscribed_anew(broker: IbkrBroker, tws: FakeTws, broken: str) -> None:
    request = await line(broker, tws, 10, BOOK)
    if broken == "316":
        tws.send(4, 2, request, 316, "Market depth data has been HALTED. Please re-subscribe.", "")
    else:
        tws.send(12, 1, request, 4, 1, 0, "5.30", 9)
    assert (await tws.until_asked(11))[2] == request
    assert (await tws.until_asked(10, count=2))[2] != request


async def test_a_book_that_breaks_again_and_again_is_given_up(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(want(option=BOOK))
    for count in range(1, 7):
        request = (await tws.until_asked(10, count=count))[2]
        tws.send(4, 2, request, 316, "halted", "")
    alert = await events.first(AlertRaised)
    assert (alert.code, alert.facts["kind"]) == ("LINE_REFUSED", "book")
    assert len(tws.of(10)) == 6


async def test_a_book_that_is_reset_is_emptied_and_fills_again_on_the_same_line(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    request = await line(broker, tws, 10, BOOK)
    tws.send_all([(12, 1, request, 0, 0, 1, "5.10", 9), (12, 1, request, 1, 0, 1, "5.05", 9)])
    await events.first(BookReceived)
    for _ in range(8):  # more often than a book may break
        tws.send(4, 2, request, 317, "Market depth data has been RESET.", "")
    await events.first(BookReceived, lambda each: not each.book.bids)
    tws.send(12, 1, request, 0, 0, 1, "5.20", 3)
    await events.first(BookReceived, lambda each: each.book.bids == (DepthLevel(Decimal("5.2"), 3),))
    assert len(tws.of(10)) == 1
    assert not events.of(AlertRaised)


async def test_data_that_turn_late_and_live_again_are_never_mixed(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    request = await line(broker, tws, 1, QUOTE)
    tws.send_all([(1, 6, request, 1, "5.10", 9, 1), (1, 6, request, 2, "5.30", 9, 1)])
    await events.first(QuoteReceived, lambda each: each.quote.ask is not None)
    tws.send_all([(58, 1, request, 3), (1, 6, request, 66, "4.10", 9, 0)])
    late = await events.first(QuoteReceived, lambda each: each.quote.delayed)
    assert (late.quote.bid, late.quote.ask) == (Decimal("4.1"), None), "the live ask is none of the late quote"
    events.clear()
    tws.send_all([(1, 6, request, 67, "4.30", 9, 0), (58, 1, request, 1), (1, 6, request, 1, "5.50", 2, 1)])
    live = await events.first(QuoteReceived, lambda each: each.quote.bid == Decimal("5.5"))
    assert (live.quote.ask, live.quote.delayed) == (None, False), "the late ask is none of the live quote"


async def test_an_allowance_that_shrank_is_tried_again_a_line_at_a_time(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.line_trouble.ALLOWANCE_PAUSE_S", 0.01)
    request = await line(broker, tws, 10, BOOK)
    tws.send(4, 2, request, 309, "Max number (0) of market depth requests has been reached", "")
    again = await tws.until_asked(10, count=2)
    tws.send(4, 2, again[2], 309, "Max number (0) of market depth requests has been reached", "")
    third = await tws.until_asked(10, count=3)
    tws.send(12, 1, third[2], 0, 0, 1, "5.20", 3)
    await events.first(BookReceived)
    assert [each.code for each in events.of(AlertRaised)] == ["LINE_REFUSED"], "told once"


@pytest.mark.parametrize("code", [162, 366, 420, 10182])
async def test_bars_that_are_refused_for_a_while_are_asked_for_again(
    idle: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr("bot.broker.line_trouble.PACED_PAUSE_S", 0.01)
    monkeypatch.setattr("bot.broker.history.PAUSE_S", 0.01)
    monkeypatch.setattr("bot.domain.pacing.SAME_AGAIN_S", 0.0)
    monkeypatch.setattr("bot.domain.pacing._MARGIN_S", 0.0)
    idle._market._settings = replace(idle._market._settings, bars_of=(OPTION_KEY,))
    idle._market._want_the_rest()
    await idle.start()
    text = "Historical Market Data Service error message:Historical data request pacing violation"
    for kind, place in ((50, 2), (20, 1)):
        asked = await tws.until_asked(kind)
        tws.send(4, 2, asked[place], code, text, "")
        assert (await tws.until_asked(kind, count=2))[place] != asked[place]
    assert not events.of(AlertRaised)


async def test_trades_have_the_venues_time(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await line(broker, tws, 97, TRADES)
    tws.send_all([(99, request, 1, EPOCH, "5.2", 3, 0, "CBOE", ""), (99, request, 1, EPOCH, "5.25", 1, 0, "CBOE", "")])
    at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    told = await events.first(TradesReceived)
    assert told.trades == (TradePrint(Decimal("5.2"), 3, at), TradePrint(Decimal("5.25"), 1, at))


async def test_a_contract_is_qualified_with_the_grid_of_its_market_rule(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(want(spy=QUOTE))
    told = await events.first(ContractQualified)
    rule = PriceGrid(((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.1"))))
    assert (told.key, told.con_id, told.grid) == ("SPY", 7003, rule)
    assert (await tws.until_asked(91))[1] == "109"
    assert (await tws.until_asked(1))[3] == "7003"


async def test_what_the_broker_does_not_know_is_said_and_not_asked_again(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(Subscribe({"ZZZZ": QUOTE}))
    told = await events.first(ContractQualified)
    assert (told.con_id, told.grid) == (None, None)
    assert "200" in told.detail
    broker.subscribe(Subscribe({"ZZZZ": QUOTE, OPTION_KEY: QUOTE}))
    await tws.until_asked(1)
    assert len(tws.of(9)) == 1


async def test_a_silent_answer_about_a_contract_is_asked_for_again(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.mute.add(9)
    broker.subscribe(want(spy=QUOTE))
    assert (await events.first(AlertRaised)).code == "CONTRACT_UNANSWERED"
    tws.mute.clear()
    assert (await events.first(ContractQualified)).con_id == 7003


async def test_a_rule_that_is_not_told_leaves_the_usual_grid(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.mute.add(91)
    broker.subscribe(want(spy=QUOTE))
    assert (await events.first(ContractQualified)).grid == PriceGrid(((Decimal(0), Decimal("0.05")),))


async def test_only_the_difference_is_sent(broker: IbkrBroker, tws: FakeTws) -> None:
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    first = await tws.until_asked(1)
    await tws.until_asked(1, count=2)
    broker.subscribe(want(other=QUOTE))
    assert (await tws.until_asked(2))[2] == first[2]
    broker.subscribe(want(other=QUOTE, option=BOOK))
    await tws.until_asked(10)
    assert len(tws.of(1)) == 2


@pytest.mark.parametrize("settings", [replace(SETTINGS, line_budget=1)])
async def test_the_most_important_lines_get_the_budget_and_the_rest_is_alerted_once(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    broker.subscribe(want(option=QUOTE, other=QUOTE, spx=QUOTE))
    assert (await tws.until_asked(1))[3] == "7001"
    assert [each.code for each in events.of(AlertRaised)] == ["LINE_BUDGET"]
    broker.subscribe(want(other=QUOTE, option=QUOTE))
    await tws.until_asked(2)
    assert (await tws.until_asked(1, count=2))[3] == "7002"


async def test_a_venue_with_fewer_lines_than_the_budget_keeps_the_important_ones(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    refused = (await tws.until_asked(1, count=2))[2]
    tws.send(4, 2, refused, 101, "Max number of tickers has been reached", "")
    assert (await events.first(AlertRaised)).facts["code"] == 101
    broker.subscribe(want(other=QUOTE, option=QUOTE))
    await tws.until_asked(2)
    assert (await tws.until_asked(1, count=3))[3] == "7002"


async def test_data_that_is_not_paid_for_is_said_once(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    request = await line(broker, tws)
    tws.send(4, 2, request, 354, "Requested market data is not subscribed.", "")
    alert = await events.first(AlertRaised)
    assert (alert.code, alert.facts["key"], alert.facts["code"]) == ("LINE_REFUSED", OPTION_KEY, 354)
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    assert (await tws.until_asked(1, count=2))[3] == "7002"


async def test_ticks_of_a_line_that_was_given_up_are_nobodys(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    request = await line(broker, tws)
    broker.subscribe(want(other=QUOTE))
    other = (await tws.until_asked(1, count=2))[2]
    tws.send_all([(1, 6, request, 1, "5.10", 20, 0), (4, 2, request, 300, "Can't find EId", "")])
    tws.send(1, 6, other, 1, "2.10", 20, 0)
    assert (await events.first(QuoteReceived)).key == OTHER_KEY
    assert not events.of(AlertRaised)


@pytest.mark.parametrize("settings", [replace(SETTINGS, paced_per_second=1)])
async def test_orders_do_not_wait_behind_subscriptions(broker: IbkrBroker, tws: FakeTws) -> None:
    broker.subscribe(want(option=QUOTE, other=QUOTE))
    broker.cancel("bot-o1", 3)
    await tws.until_asked(4)
    assert len(tws.of(1)) == 1


@pytest.mark.parametrize("code", [354, 10089, 10090, 10168, 10186, 10167, 460, 10999, 77_777])
async def test_a_word_about_a_part_of_a_line_does_not_end_what_ticks(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int
) -> None:
    request = await line(broker, tws)
    tws.send(4, 2, request, code, "Part of requested market data is not subscribed.", "")
    for n in range(8):
        tws.send(1, 6, request, 1, f"5.1{n}", 20, 0)
        await events.first(QuoteReceived, bids(f"5.1{n}"))
        await asyncio.sleep(0.05)
    assert not tws.of(2), "it is not given back"
    assert not [each for each in events.of(AlertRaised) if each.code == "LINE_REFUSED"]


@pytest.mark.parametrize("code", [10090, 354, 10999])
async def test_a_line_that_stays_silent_after_such_a_word_is_given_back_and_its_place_is_free(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int
) -> None:
    request = await line(broker, tws)
    tws.send(4, 2, request, code, "Part of requested market data is not subscribed.", "")
    assert (await tws.until_asked(2))[2] == request
    refused = await events.first(AlertRaised, lambda each: each.code == "LINE_REFUSED")
    assert (refused.facts["key"], refused.facts["code"]) == (OPTION_KEY, code)
