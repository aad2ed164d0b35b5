"""What `bot.engine.state.ports.Broker` promises of contracts, market data, account and hours, asked of everything that
says it keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from bot.domain.errors import OrderRejected
from bot.domain.events.account import AccountReported, CurrencyTold, PositionPnlTold
from bot.domain.events.link import LinkChange
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
from bot.domain.events.orders import BrokerOrderStatus
from bot.domain.instructions import Subscribe
from bot.domain.instruments import parse_osi
from bot.sim.vocabulary import Side
from tests.contracts.broker_sites import KEY, NOWHERE, OnTheBoard, Simulated, Site, a_ticket, book
from tests.sim.board_market import LATER, ticket
from tests.sim.small_market import SHARES

STATUS = BrokerOrderStatus


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
