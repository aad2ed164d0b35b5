"""What wakes the tick, what is conflated, and which lines and looks the scanner asks for."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.events.feeds import FeedReported
from bot.domain.events.market_data import ContractQualified, QuoteReceived
from bot.domain.events.people import AlertRaised, RequestKind
from bot.domain.instruments import NICKEL_CLASS, PENNY_CLASS, PriceGrid
from bot.engine.state.inbox import Inbox
from tests.engine.desk import SPY_590C, TEN, Desk
from tests.engine.fakes import a_quote

KEY = SPY_590C.key


def quote(bid: str) -> QuoteReceived:
    return QuoteReceived(KEY, a_quote(bid, "9.00", TEN))


def an_alert(text: str) -> AlertRaised:
    return AlertRaised("STRAY_STATUS", text, {}, TEN)


def test_quotes_are_conflated_and_facts_never_are() -> None:
    inbox = Inbox()
    for bid in ("1.00", "1.10", "1.20"):
        inbox.put(quote(bid))
        inbox.put(an_alert(bid))
    events = inbox.take()
    assert [e.quote.bid for e in events if isinstance(e, QuoteReceived)] == [Decimal("1.20")]
    assert [e.text for e in events if isinstance(e, AlertRaised)] == ["1.00", "1.10", "1.20"]
    assert isinstance(events[0], QuoteReceived), "facts are judged against the freshest quote"
    assert inbox.depth == 0


def test_a_fact_wakes_the_tick_and_a_quote_or_a_feeds_report_does_not() -> None:
    inbox = Inbox()
    inbox.put(quote("1.00"))
    inbox.put(FeedReported("uw", "spot_gex", "SPY", "ok", None, "", 0, 0, 0, 60.0, None, None, TEN))
    urgent = [inbox.urgent]
    inbox.put(an_alert("X"))
    urgent.append(inbox.urgent)
    inbox.take()
    urgent.append(inbox.urgent)
    assert urgent == [False, True, False]


@pytest.mark.parametrize(
    "bid, wakes", [("1.99", False), ("2.00", True), ("2.50", True), ("1.00", True), ("1.01", False)]
)
def test_a_quote_that_crosses_a_watched_level_wakes_the_tick(bid: str, wakes: bool) -> None:
    inbox = Inbox()
    inbox.watch(KEY, Decimal("1.00"), Decimal("2.00"))
    inbox.put(quote(bid))
    assert inbox.urgent is wakes


def test_a_level_that_is_watched_no_more_wakes_nobody() -> None:
    inbox = Inbox()
    inbox.watch(KEY, None, Decimal("2.00"))
    inbox.watch(KEY, None, None)
    inbox.put(quote("3.00"))
    assert not inbox.urgent


def test_what_is_put_back_comes_first_and_in_its_order() -> None:
    inbox = Inbox()
    inbox.put(an_alert("new"))
    inbox.put_back([quote("1.00"), an_alert("a"), an_alert("b")])
    assert [e.text for e in inbox.take() if isinstance(e, AlertRaised)] == ["a", "b", "new"]


async def test_the_next_rung_is_watched_and_nothing_is_once_the_position_is_closed(desk: Desk) -> None:
    await desk.hold(4)
    desk.inbox.take()
    desk.put(quote("2.99"))
    urgent = [desk.inbox.urgent]
    desk.put(quote("3.00"))
    urgent.append(desk.inbox.urgent)
    assert urgent == [False, True]
    desk.broker.fill(desk.broker.stop_order, 4, "1.00")
    await desk.settle()
    desk.put(quote("3.00"))
    assert not desk.inbox.urgent


async def test_lines_of_positions_come_first_and_linger_when_nobody_wants_them(desk: Desk) -> None:
    desk.strategy.wants = {"QQQ": frozenset({"quote", "book"})}
    await desk.hold(2)
    await desk.wait(10)
    assert next(iter(desk.broker.subscribed)) == KEY
    assert desk.broker.subscribed["QQQ"] == {"quote", "book"}
    desk.strategy.wants = {}
    await desk.wait(60, 2.0)
    assert "QQQ" in desk.broker.subscribed
    await desk.wait(120, 2.0)
    assert "QQQ" not in desk.broker.subscribed
    assert KEY in desk.broker.subscribed


async def test_a_symbol_cools_down_after_its_signal_even_across_a_restart(desk: Desk) -> None:
    desk.strategy.cool_down_s = 600
    await desk.propose(2)
    await desk.settle()
    await desk.wait(70)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, strategy=desk.strategy, seed=3).start()
    looks = desk.strategy.looks
    await again.wait(60)
    assert desk.strategy.looks == looks
    assert any("cooling down" in line for line in again.store.status.waiting_for)
    again.clock.advance(600)
    await again.ticks(2)
    assert desk.strategy.looks > looks


async def test_no_strategy_looks_outside_the_session_or_while_paused(desk: Desk) -> None:
    await desk.command(RequestKind.PAUSE)
    looks = desk.strategy.looks
    await desk.ticks(5)
    assert desk.strategy.looks == looks
    await desk.command(RequestKind.RESUME)
    await desk.ticks(2)
    assert desk.strategy.looks > looks
    desk.clock.advance(timedelta(hours=7).total_seconds())
    looks = desk.strategy.looks
    await desk.ticks(3)
    assert desk.strategy.looks == looks


async def test_a_contracts_grid_is_written_when_it_is_news_and_again_when_the_tick_failed(desk: Desk) -> None:
    def written() -> list[PriceGrid]:
        return [row.grid for batch in desk.store.batches for row in batch.instruments if row.key == KEY]

    desk.put(ContractQualified(KEY, 7001, PENNY_CLASS))
    desk.store.fail_next = 1
    while desk.store.fail_next:  # a grid alone waits for company
        desk.clock.advance(1)
        await desk.engine.guarded_tick()
    assert written() == []
    desk.put(ContractQualified(KEY, 7001, PENNY_CLASS))
    await desk.settle()
    assert written() == [PENNY_CLASS]
    desk.put(ContractQualified(KEY, 7001, NICKEL_CLASS))
    await desk.settle()
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=3).start()
    again.put(ContractQualified(KEY, 7001, NICKEL_CLASS))
    await again.settle()
    assert written() == [PENNY_CLASS, NICKEL_CLASS]
