"""The socket face behind a script: what the real adapter hears of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.domain.events import Event
from bot.domain.events.account import AccountReported
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import BookReceived, ContractQualified, GreeksReceived, QuoteReceived, TradesReceived
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.data_faults import divergent
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace, vendor_fault
from bot.sim.tws.serve_data import MARKET_DATA
from bot.sim.vocabulary import SimulatedVenue, TopOfBook, VenueInstrument
from tests.broker.conftest import Gathered
from tests.patience import PATIENCE_S
from tests.sim.tws import small_venue

ONE = TypeAdapter(Fault)
OPTION = "SPXW  261120C06000000"
TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@dataclass
class Site:
    broker: IbkrBroker
    events: Gathered
    face: FaultyTwsFace


class MovingMarket(small_venue.SmallMarket):
    """Its index is never still for long: what stands still says nothing, and these tests want lines that speak."""

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        top = super().top(instrument, at)
        step = Decimal(int(at.timestamp() * 5) % 7) / 100
        return replace(top, last=top.last + step) if instrument.sec_type == "IND" and top.last is not None else top


@pytest.fixture
async def site() -> AsyncIterator[Callable[..., Any]]:
    """Return what connects the real adapter to a face with the given faults, all at 10:00."""
    sites: list[Site] = []

    async def connect(*faults: dict[str, object]) -> Site:
        script = FaultScript([ONE.validate_python({"at": "10:00", **fault}) for fault in faults])
        venue, clock, events = small_venue.SmallVenue(), small_venue.RunningClock(), Gathered()
        venue.market = MovingMarket()
        face = FaultyTwsFace(SimulatedVenue(venue), venue, clock, script)  # type: ignore[arg-type]  # no order is placed
        port = await face.start()
        settings = BrokerSettings(port=port, retry_min_s=0.01, request_timeout_s=0.5, what_if_timeout_s=0.5)
        broker = IbkrBroker(settings, clock, events, bot_id="bot")
        broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
        await broker.start()
        sites.append(Site(broker, events, face))
        return sites[-1]

    yield connect
    for each in sites:
        await each.broker.stop()
        await each.face.stop()


async def test_a_lost_broker_is_told_as_1100_and_its_return_as_1102(site: Callable[..., Any]) -> None:
    here = await site({"kind": "orders_lost", "at": "10:00:01", "for_seconds": 1.5})
    await here.events.change(LinkChange.ORDERS_LOST)
    assert not (await here.broker.snapshot()).complete
    await here.events.change(LinkChange.RESTORED)
    assert (await here.broker.snapshot()).complete


@pytest.mark.parametrize("code", [1101, 1102])
async def test_with_1101_the_lines_are_gone_and_their_places_free_and_the_adapter_has_them_again(
    site: Callable[..., Any], code: int
) -> None:
    fault = {"kind": "orders_lost", "at": "10:00:02", "for_seconds": 1.0, "restored": code}
    here = await site(fault)
    here.broker.subscribe(Subscribe({OPTION: frozenset({"quote", "book"})}))
    await here.events.first(BookReceived)
    before = {key for each in here.face._started() for key in each.streams if key[0] in MARKET_DATA}
    assert {kind for kind, _ in before} >= {"market data", "depth"}
    await here.events.change(LinkChange.RESTORED)
    if code == 1101:
        here.events.clear()
        await here.events.first(BookReceived)
        await here.events.first(QuoteReceived)
    after = {key for each in here.face._started() for key in each.streams if key[0] in MARKET_DATA}
    assert (before == after) is (code == 1102), "lost lines are asked for under new numbers"
    assert len(before) == len(after), "and none twice"


async def test_a_gateway_that_restarts_lets_nobody_in_and_then_everybody(site: Callable[..., Any]) -> None:
    here = await site({"kind": "restart", "for_seconds": 1})
    await here.events.change(LinkChange.DROPPED)
    await here.events.change(LinkChange.ACCEPTED)


async def test_quotes_that_are_no_numbers_arrive_as_no_quotes(site: Callable[..., Any]) -> None:
    here = await site({"kind": "bad_quotes", "for_seconds": 60, "value": "nan"})
    await here.events.change(LinkChange.ACCEPTED)
    quotes = [e.quote for e in here.events.all if isinstance(e, QuoteReceived)]
    assert all(quote.bid is None and quote.ask is None for quote in quotes)


STREAMS: dict[str, Callable[[Event], bool]] = {
    "quote": lambda event: isinstance(event, QuoteReceived) and event.quote.bid is not None,
    "greeks": lambda event: isinstance(event, GreeksReceived),
    "depth": lambda event: isinstance(event, BookReceived) and bool(event.book.bids),
    "trades": lambda event: isinstance(event, TradesReceived),
    "account": lambda event: isinstance(event, AccountReported) and event.net_liquidation is not None,
}


@pytest.mark.parametrize("dropped", [*STREAMS, None])
async def test_a_stream_that_is_dropped_never_comes_and_every_other_one_does(
    site: Callable[..., Any], dropped: str | None
) -> None:
    faults = [{"kind": "drop", "for_seconds": 60, "callback": dropped}] if dropped else []
    here = await site(*faults)
    here.broker.subscribe(Subscribe({"SPY": frozenset({"quote", "book", "trades"}), OPTION: frozenset({"quote"})}))
    for name, comes in STREAMS.items():
        if name != dropped:
            await here.events.first(Event, comes)
    if dropped is not None:
        assert not [event for event in here.events.all if STREAMS[dropped](event)]


@pytest.mark.parametrize("kind, more", [("drop", {}), ("delay", {"delay_seconds": 30})])
async def test_a_book_whose_end_does_not_come_is_not_whole(
    site: Callable[..., Any], kind: str, more: dict[str, object]
) -> None:
    here = await site({"kind": kind, "at": "10:00:01", "for_seconds": 3, "callback": "end", **more})
    await here.events.change(LinkChange.ACCEPTED)
    async with asyncio.timeout(PATIENCE_S):
        while (book := await here.broker.snapshot()).complete:
            pass
    assert all("no end marker" in fault.words for fault in book.faults)


async def test_what_a_contract_is_never_comes_when_that_is_dropped(site: Callable[..., Any]) -> None:
    here = await site({"kind": "drop", "for_seconds": 3600, "callback": "contract"})
    here.broker.subscribe(Subscribe({OPTION: frozenset({"quote"})}))
    await here.events.first(AlertRaised, lambda event: event.code == "CONTRACT_UNANSWERED")
    assert not here.events.of(ContractQualified)
    assert not here.events.of(QuoteReceived)


async def test_a_probe_whose_answer_is_dropped_lets_nobody_in(site: Callable[..., Any]) -> None:
    here = await site({"kind": "drop", "for_seconds": 1.5, "callback": "time"})
    await here.events.change(LinkChange.CONNECTING)
    assert not [event for event in here.events.of(LinkChanged) if event.change is LinkChange.ACCEPTED]
    await here.events.change(LinkChange.ACCEPTED)


async def test_a_preview_that_is_dropped_is_no_answer(site: Callable[..., Any]) -> None:
    here = await site({"kind": "drop", "for_seconds": 3600, "callback": "preview"})
    here.broker.subscribe(Subscribe({OPTION: frozenset({"quote"})}))
    await here.events.first(ContractQualified, lambda event: event.key == OPTION)
    terms = Terms(1, limit_price=Decimal("1.00"))
    ticket = OrderTicket("o", "bot-o", OPTION, OrderSide.BUY, OrderType.LIMIT, terms)
    answer = await here.broker.what_if("s", ticket)
    assert answer.error


async def test_while_another_session_has_the_data_none_of_it_comes_on_any_line(site: Callable[..., Any]) -> None:
    here = await site({"kind": "competing", "for_seconds": 3600})
    here.broker.subscribe(Subscribe({"SPY": frozenset({"quote", "book", "trades"}), OPTION: frozenset({"quote"})}))
    await here.events.change(LinkChange.COMPETING)
    assert (await here.broker.snapshot()).complete, "orders go on"
    market = [name for name in STREAMS if name != "account" and any(map(STREAMS[name], here.events.all))]
    assert (market, LinkChange.DATA_RESTORED in here.events.changes) == ([], False)


async def test_late_data_are_told_as_such_and_live_ones_come_back(site: Callable[..., Any]) -> None:
    here = await site({"kind": "delayed", "at": "10:00:02", "for_seconds": 2})
    await here.events.first(QuoteReceived, lambda each: not each.quote.delayed and each.quote.last is not None)
    await here.events.first(QuoteReceived, lambda each: each.quote.delayed and each.quote.last is not None)
    here.events.clear()
    await here.events.first(QuoteReceived, lambda each: not each.quote.delayed and each.quote.last is not None)


async def test_a_halt_is_told_and_its_end(site: Callable[..., Any]) -> None:
    here = await site({"kind": "halt", "at": "10:00:02", "for_seconds": 2, "value": 2})
    await here.events.first(QuoteReceived, lambda each: each.quote.halted)
    here.events.clear()
    await here.events.first(QuoteReceived, lambda each: not each.quote.halted)


@pytest.mark.parametrize("code", [316, 317])
async def test_a_book_that_is_halted_or_reset_comes_again(site: Callable[..., Any], code: int) -> None:
    here = await site({"kind": "depth_word", "at": "10:00:01", "code": code})
    here.broker.subscribe(Subscribe({OPTION: frozenset({"book"})}))
    full = (await here.events.first(BookReceived)).book
    await here.events.first(BookReceived, lambda each: not each.book.bids or each.book.at > full.at)
    here.events.clear()
    await here.events.first(BookReceived, lambda each: len(each.book.bids) == len(full.bids))
    assert not [each for each in here.events.of(AlertRaised) if each.code == "LINE_REFUSED"]


async def test_a_login_with_fewer_lines_is_told_once_a_kind(site: Callable[..., Any]) -> None:
    here = await site({"kind": "fewer_lines", "for_seconds": 3600, "quotes": 1, "books": 0})
    here.broker.subscribe(Subscribe({"SPX": frozenset({"quote"}), OPTION: frozenset({"quote", "book"})}))
    for code in (101, 309):
        await here.events.first(AlertRaised, lambda each, code=code: each.facts.get("code") == code)
    await here.events.first(QuoteReceived, lambda each: each.key == "SPX")


async def test_of_a_tape_with_gaps_the_rest_comes(site: Callable[..., Any]) -> None:
    here = await site({"kind": "tape_gap", "for_seconds": 3600, "share": 0.5})
    here.broker.subscribe(Subscribe({"SPY": frozenset({"trades"})}))
    told: list[object] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(told) < 3:
            here.events.clear()
            told += (await here.events.first(TradesReceived)).trades


@pytest.mark.parametrize(
    "answer, name, off", [("off_price", "price", 105), ("off_quote", "nbbo_bid", 100.4), ("off_greeks", "delta", 150)]
)
def test_a_vendor_that_says_otherwise_tells_other_numbers_in_the_same_rows(answer: str, name: str, off: float) -> None:
    script = FaultScript([ONE.validate_python({"kind": "uw", "at": "10:00", "for_seconds": 5, "answer": answer})])
    assert vendor_fault(script)("/api/anything", TEN) is None
    told = divergent(script)("/api/anything", json.dumps({"data": [{name: "100", "other": "1"}]}).encode(), TEN)
    assert json.loads(told)["data"] == [{name: f"{off:.6f}", "other": "1"}]
    for body in (b"no json", b'{"data": [null]}', b"[]"):
        divergent(script)("/api/anything", body, TEN)


@pytest.mark.parametrize("answer, status", [("401", 401), ("422", 422), ("429", 429), ("html", 200), ("cut", 200)])
def test_the_vendor_answers_what_the_script_says(answer: str, status: int) -> None:
    script = FaultScript([ONE.validate_python({"kind": "uw", "at": "10:00", "for_seconds": 5, "answer": answer})])
    said = vendor_fault(script)("/api/anything", TEN)
    assert not isinstance(said, datetime)
    assert said is not None
    assert said.status == status


def test_a_stale_vendor_answers_as_of_an_hour_ago() -> None:
    script = FaultScript([ONE.validate_python({"kind": "uw", "at": "10:00", "for_seconds": 5, "answer": "stale"})])
    said = vendor_fault(script)("/api/anything", TEN)
    assert isinstance(said, datetime)
    assert (TEN - said).total_seconds() == 3600


@pytest.mark.parametrize("value", ["length", "endless", "http", "huge_field", "many_fields", "empty"])
async def test_what_is_no_message_costs_the_connection_at_most_and_is_named(
    site: Callable[..., Any], value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.ib.FRAME_TAKES_S", 0.05)
    here = await site({"kind": "bad_frame", "value": value})
    if value in {"many_fields", "empty"}:
        await here.events.first(AlertRaised, lambda each: each.code == "TWS_UNREADABLE")
        return
    dropped = await here.events.first(LinkChanged, lambda each: each.change is LinkChange.DROPPED)
    assert "TWS_FRAME" in dropped.detail or "did not complete" in dropped.detail or "has not answered" in dropped.detail
    await here.events.first(LinkChanged, lambda each: each.change is LinkChange.ACCEPTED and each.at >= dropped.at)


async def test_words_of_tws_pass_the_border_and_cost_nothing(site: Callable[..., Any]) -> None:
    here = await site({"kind": "words", "code": 2137, "text": "\x1b[2J a_password=hunter2hunter2 " * 2000})
    told = await here.events.first(AlertRaised, lambda each: each.code == "UNKNOWN_WORD")
    assert len(told.text) <= 600
    assert told.text.isprintable()
    assert "hunter2" not in f"{told.text} {told.facts}"


@pytest.mark.parametrize("text", ["Verbindung zur Marktdatenfarm ist unterbrochen: jfarm", "broken:usfarm", ""])
async def test_a_notice_of_a_farm_is_heard_and_takes_nothing_away_while_the_lines_speak(
    site: Callable[..., Any], text: str
) -> None:
    here = await site({"kind": "farm", "at": "10:00:01", "for_seconds": 60, "text": text})
    await here.events.first(QuoteReceived)
    for _ in range(3):
        here.events.clear()
        await here.events.first(QuoteReceived)
    assert LinkChange.DATA_LOST not in here.events.changes


async def test_a_farm_that_is_silent_leaves_its_lines_without_a_word(site: Callable[..., Any]) -> None:
    here = await site({"kind": "farm", "for_seconds": 3600, "silent": "underlyings"})
    await here.events.first(AccountReported)
    assert not here.events.of(QuoteReceived)


SAYS = ["zeros", "currencies", "base", "missing", "unset", "garbled", "others", "pnl_silent", "pnl_unset", "slow"]


@pytest.mark.parametrize("says", SAYS)
async def test_whatever_the_account_says_no_other_number_is_taken_for_its_dollars(
    site: Callable[..., Any], says: str
) -> None:
    here = await site({"kind": "account_says", "for_seconds": 3600, "says": says})
    await here.events.change(LinkChange.ACCEPTED)
    await here.events.first(AccountReported)
    known = here.face.venue.account_values(here.face.now())["NetLiquidation"]
    for told in here.events.of(AccountReported):
        assert told.net_liquidation in {None, known}, says
        assert (told.currency == "USD") is (says != "base")
