"""One bad print sells no rung, raises no stop and is no reason to sell; what stands, or comes again, is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events.market_data import LinesHeard, QuoteReceived
from bot.domain.order import OrderTicket, OrderType, Purpose
from bot.domain.position import CloseReason, PositionState, Protection
from tests.engine.desk import SPY_590C, Desk
from tests.engine.fake_broker import FakeBroker
from tests.engine.fakes import a_quote
from tests.examples import examples


async def a_print(desk: Desk, bid: str, ask: str, *, ticks: int = 1) -> None:
    """One quote that the next one takes back; nothing is repeated in between."""
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote(bid, ask, desk.clock.now())))
    await desk.ticks(ticks, 0.1)
    desk.quoting = True
    await desk.settle()


async def holding(quantity: int = 4, *, watched: bool = False) -> Desk:
    desk = await Desk().start()
    if watched:
        desk.broker.refuses_stops, desk.broker.refuses_with = True, 387
    await desk.hold(quantity)
    await desk.wait(3)
    assert desk.position.protection is (Protection.SYNTHETIC if watched else Protection.WORKING)
    return desk


@pytest.mark.parametrize("bid, ask", [("3.20", "3.22"), ("9.00", "9.05"), ("3.20", "2.02")])
@pytest.mark.parametrize("watched", [False, True])
async def test_one_print_up_sells_no_rung_and_raises_no_stop(bid: str, ask: str, watched: bool) -> None:
    desk = await holding(watched=watched)
    stop = desk.position.stop_price
    await a_print(desk, bid, ask)
    assert desk.position.high == Decimal("2.00")
    assert desk.position.stop_price == stop
    assert desk.position.rungs_done == desk.position.room_for == 0
    assert desk.broker.amended == []
    assert all(o.type is not OrderType.LIMIT for o in desk.broker.live)


async def test_one_print_up_moves_no_trail() -> None:
    desk = await holding(1)
    await desk.bid("3.10")
    stop = desk.position.stop_price
    await desk.wait(6)
    await a_print(desk, "6.00", "6.05")
    assert (desk.position.state, desk.position.stop_price) == (PositionState.TRAILING, stop)
    assert desk.position.high == Decimal("3.10")


async def test_a_price_that_stands_without_another_word_sells_its_rung() -> None:
    desk = await holding()
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote("3.10", "3.12", desk.clock.now())))
    await desk.ticks(3, 0.25)
    assert desk.position.room_for == 0
    await desk.ticks(2, 0.25)
    assert desk.position.room_for == 1, "it stood for a second"


@pytest.mark.parametrize("look_ms, waits", [(250, 1), (3000, 12)])
async def test_how_long_it_has_to_stand_is_a_setting(look_ms: int, waits: int) -> None:
    desk = await Desk({"execution": {"second_look_ms": look_ms}}).start()
    await desk.hold(4)
    await desk.wait(4)
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote("3.10", "3.12", desk.clock.now())))
    await desk.ticks(waits - 1, 0.25)
    assert desk.position.room_for == 0
    await desk.ticks(2, 0.25)
    assert desk.position.room_for == 1


async def test_two_quotes_that_are_apart_need_not_stand() -> None:
    desk = await holding()
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote("3.10", "3.12", desk.clock.now())))
    await desk.tick(0.3)
    desk.put(QuoteReceived(desk.position.key, a_quote("3.12", "3.14", desk.clock.now())))
    await desk.tick(0.05)
    assert desk.position.room_for == 1


async def test_two_prints_with_the_truth_between_them_are_no_second_look_even_when_one_tick_takes_both() -> None:
    desk = await holding()
    desk.quoting = False
    for _ in range(3):
        for bid, ask in (("2.00", "2.02"), ("6.00", "6.02")):
            desk.put(QuoteReceived(desk.position.key, a_quote(bid, ask, desk.clock.now())))
        await desk.tick(0.5)
    assert (desk.position.room_for, desk.position.high) == (0, Decimal("2.00"))


async def test_one_print_down_does_not_sell_at_a_watched_stop() -> None:
    desk = await holding(watched=True)
    await a_print(desk, "0.20", "0.24")
    assert desk.position.state is PositionState.FILLED


@pytest.mark.parametrize("look_ms", [1000, 10_000])
async def test_a_watched_stop_waits_for_a_second_at_most(look_ms: int) -> None:
    desk = await Desk({"execution": {"second_look_ms": look_ms}}).start()
    desk.broker.refuses_stops, desk.broker.refuses_with = True, 387
    await desk.hold(4)
    await desk.wait(12)
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote("0.90", "0.92", desk.clock.now())))
    await desk.ticks(5, 0.25)
    assert desk.position.close_reason is CloseReason.STOP


async def test_a_new_high_is_none_on_a_line_that_is_lost() -> None:
    desk = await holding()
    desk.quoting = False
    desk.put(QuoteReceived(desk.position.key, a_quote("3.10", "3.12", desk.clock.now())))
    await desk.tick(0.1)
    desk.put(LinesHeard(frozenset(), frozenset(), desk.clock.now()))
    await desk.ticks(8, 0.25)
    assert (desk.position.room_for, desk.position.high) == (0, Decimal("2.00"))


# ---- no stop at or above the bid


class Wire(FakeBroker):
    """Refuses to hear of a stop that would sell at once, by what the desk quotes."""

    desk: Desk

    def _look(self, ticket: OrderTicket, before: Decimal | None) -> None:
        quote = self.desk.engine.board.quote(ticket.contract_key)
        if ticket.order_type is not OrderType.STOP or ticket.terms.stop_price == before or quote is None:
            return
        age = timedelta(seconds=self.desk.settings.risk.quote_max_age_s)
        if quote.fault(self.clock.now(), age) is None and quote.bid:
            assert ticket.terms.stop_price is not None
            assert ticket.terms.stop_price < quote.bid, f"a stop at {ticket.terms.stop_price}, bid {quote.bid}"

    def submit(self, ticket: OrderTicket) -> int:
        self._look(ticket, None)
        return super().submit(ticket)

    def amend(self, ticket: OrderTicket) -> None:
        self._look(ticket, self.book[ticket.order_ref].terms.stop_price)
        super().amend(ticket)


MOVES = st.one_of(
    st.tuples(st.just("bid"), st.integers(1, 900)),
    st.tuples(st.just("bid"), st.integers(80, 220)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("gone"), st.just(0)),
    st.tuples(st.just("refused"), st.sampled_from([0, 109, 110, 201, 387])),
    st.tuples(st.just("lost"), st.just(0)),
    st.tuples(st.just("found"), st.just(0)),
)


@settings(max_examples=examples(35), deadline=None)
@given(st.integers(1, 5), st.integers(20, 220), st.lists(MOVES, max_size=25))
async def test_no_stop_is_ever_sent_at_or_above_the_bid(
    quantity: int, at_fill: int, moves: list[tuple[str, int]]
) -> None:
    desk = Desk()
    desk.broker = broker = Wire(desk.clock)
    broker.desk, broker.sink, broker.online = desk, desk.inbox.put, True
    for room in (desk.engine._memory, desk.engine._intake, desk.engine._dispatcher):
        room._broker = broker
    await desk.start()
    await desk.entry_working(quantity)
    broker.fill(broker.entry, quantity, "2.00")
    await play(desk, "bid", at_fill)
    for move, number in moves:
        await play(desk, move, number)
    held = desk.store.positions[-1]
    if held.state is not PositionState.CLOSED and held.state is not PositionState.CLOSING:
        broker.refuses_stops = False
        desk.quote("4.00", "4.02")
        await desk.wait(8)
        assert desk.position.state is not PositionState.CLOSED
        assert desk.store.refused == []


async def play(desk: Desk, move: str, number: int) -> None:
    broker = desk.broker
    stops = [o for o in broker.live if o.type is OrderType.STOP]
    if move == "bid":
        desk.quote(str(Decimal(number) / 100), str(Decimal(number + 2) / 100))
    elif move == "wait":
        await desk.ticks(number)
    elif move == "gone" and stops:
        broker.cancel_ack(stops[0])
    elif move == "refused":
        broker.refuses_stops, broker.refuses_with = bool(number), number or 201
    elif move in {"lost", "found"}:
        desk.quoting = move == "found"
    await desk.tick()
    broker.answer()
    await desk.tick()


async def test_a_stop_that_the_market_has_fallen_through_before_it_was_there_is_a_sale(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    desk.quote("0.95", "0.97")
    await desk.ticks(8)
    assert desk.position.close_reason is CloseReason.STOP
    assert desk.store.of(Purpose.PROTECT) == []
    assert SPY_590C.key == desk.position.key


async def test_one_print_below_the_stop_to_come_only_makes_it_wait(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.quoting = False
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    desk.put(QuoteReceived(SPY_590C.key, a_quote("0.30", "0.34", desk.clock.now())))
    await desk.tick(0.1)
    desk.quoting = True
    await desk.settle()
    assert desk.position.state is PositionState.FILLED
    assert desk.broker.stop_order.terms.stop_price == Decimal("1.00")
