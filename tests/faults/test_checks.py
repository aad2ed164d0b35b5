"""The checks of the fault days see what a bot may never ask of its venue."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bot.clocks.clock import ManualClock
from bot.sim.admission import MAX_LIVE_ORDERS
from bot.sim.faults.script import WildBid
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import Side, SimulatedVenue, VenueTicket
from bot.store.database import writer_engine
from bot.store.tables.command import COMMAND
from bot.store.values import time_text
from tests.faults import checks
from tests.faults.checks import Checker, strays_done
from tests.faults.day import a_store
from tests.faults.market import OPEN, OPTIONS, ToyMarket
from tests.faults.people import ACTOR

KEY = OPTIONS[0].local_symbol


def a_command(
    command_id: str, kind: str, asked: datetime, handled: datetime, state: str = "done", answer: str = "active"
) -> dict[str, object]:
    return {
        "id": command_id,
        "kind": kind,
        "payload": "{}",
        "actor": ACTOR,
        "state": state,
        "created_at": time_text(OPEN),
        "answer": answer,
        "asked_at": time_text(asked),
        "handled_at": time_text(handled),
    }


@pytest.mark.parametrize("days, is_broken", [(-1, True), (1, True), (0, False)])
def test_a_stray_request_that_was_carried_out_is_seen_unless_a_clock_made_it_young(days: int, is_broken: bool) -> None:
    row = a_command("stray-001", "flatten", OPEN + timedelta(days=days), OPEN + timedelta(seconds=5))
    with a_store() as path:
        with writer_engine(f"sqlite:///{path}").begin() as connection:
            connection.execute(COMMAND.insert(), row)
        assert bool(strays_done(f"sqlite:///{path}")) is is_broken


@pytest.mark.parametrize(
    "trigger, printed, is_broken",
    [("trail", "4.00", True), ("trail", "0.50", False), ("request_close", "0.50", True), ("sell_rung", "0.50", True)],
)
def test_what_was_done_for_a_print_is_seen_where_the_print_can_have_done_it(
    monkeypatch: pytest.MonkeyPatch, trigger: str, printed: str, is_broken: bool
) -> None:
    said = f'{{"bid": "{printed}", "stop": "1.00"}}'
    option = OPTIONS[0]
    assert option.strike is not None
    row = (option.right, int(option.strike * 10_000), trigger, said)
    monkeypatch.setattr(checks, "_rows", lambda *_: [row])
    wild = WildBid(OPEN, KEY, Decimal(printed), Decimal("1.50"))
    assert bool(checks.believed_prints("", [wild], {KEY: {Decimal("1.50")}})) is is_broken


class Place:
    """A venue with a checker at it, and orders without a bot."""

    def __init__(self) -> None:
        self.venue = MatchingVenue(
            ToyMarket(1), 1, Decimal(100_000), VenueScript(latency_ms=400, allow_short_options=True)
        )
        self.simulated = SimulatedVenue(self.venue)
        self.clock = ManualClock(OPEN)
        self.checker = Checker(self.venue, self.clock)
        self.simulated.listeners.append(self.checker.hear)
        self.now = OPEN + timedelta(seconds=1)

    def order(self, number: int, side: Side = Side.BUY, price: str = "0.05", reference: str = "") -> None:
        ticket = VenueTicket(
            17, number, OPTIONS[0], side, 1, "LMT", limit_price=Decimal(price), order_ref=reference or f"qty-{number}"
        )
        self.simulated.publish(self.venue.place(ticket, self.now))

    def sells(self, held: int, stop: str) -> None:
        """Hold so many, and have a stop for two at so much."""
        if held:
            self.simulated.publish(self.venue.trade_by_hand(OPTIONS[0], Side.BUY, held, self.now))
            self.checker._hands.clear()
        ticket = VenueTicket(17, 1, OPTIONS[0], Side.SELL, 2, "STP", aux_price=Decimal(stop), order_ref="qty-1")
        self.simulated.publish(self.venue.place(ticket, self.now))


@pytest.mark.parametrize(
    "stop, refused, is_broken", [("0.01", 0, True), ("0.01", 1, False), ("0.02", 3, True)], ids=str
)
def test_a_stop_beyond_what_is_held_is_excused_only_out_of_the_way_and_after_a_refused_cancel(
    stop: str, refused: int, is_broken: bool
) -> None:
    place = Place()
    place.checker.cancels_refused = {"qty-1": refused}
    place.sells(1, stop)
    assert bool(place.checker.broken) is is_broken
    assert place.checker.excused == (set() if is_broken else {"qty-1"})
    assert place.checker.never_taken_back() == ({KEY} if refused else set())


@pytest.mark.parametrize("limit, refused, is_broken", [("60", 1, False), ("60", 0, True), ("6.5", 3, True)], ids=str)
def test_a_limit_sale_of_what_nobody_holds_is_excused_only_far_above_the_market_and_after_a_refused_cancel(
    limit: str, refused: int, is_broken: bool
) -> None:
    place = Place()
    place.checker.cancels_refused = {"qty-1": refused}
    place.order(1, Side.SELL, price=limit)
    assert bool(place.checker.broken) is is_broken


@pytest.mark.parametrize("stop, is_broken", [("0.01", True), ("0.02", False)])
def test_a_stop_at_one_tick_protects_nothing(stop: str, is_broken: bool) -> None:
    place = Place()
    place.sells(2, stop)
    for _ in range(2):
        place.checker.watch_cover(2.0, {})
        place.clock.advance(10)
    place.checker.watch_cover(2.0, {})
    assert bool(place.checker.broken) is is_broken


def test_orders_that_the_venue_takes_break_nothing() -> None:
    place = Place()
    for number in range(1, MAX_LIVE_ORDERS + 1):
        place.order(number)
    assert place.checker.broken == []


def test_the_twenty_first_order_of_a_side_is_seen() -> None:
    place = Place()
    for number in range(1, MAX_LIVE_ORDERS + 2):
        place.order(number)
    assert place.checker.broken == ["more than 20 orders on one side of a contract: order id 21 (at 15:00:00)"]


@pytest.mark.parametrize("number", [1, 2], ids=["of a new order", "of a change"])
def test_a_price_off_the_grid_is_seen(number: int) -> None:
    place = Place()
    place.order(2)
    place.order(number, price="0.055", reference="qty-2")
    assert place.checker.broken == [f"a price off the grid of its contract: order id {number} (at 15:00:00)"]


def test_a_sale_beside_a_working_buy_is_seen() -> None:
    place = Place()
    place.order(1)
    place.order(2, Side.SELL, price="9.00")
    assert place.checker.broken[0] == "an order on the other side of one that works: order id 2 (at 15:00:00)"


def test_an_order_id_that_is_used_again_is_seen() -> None:
    place = Place()
    place.order(1)
    place.simulated.publish(place.venue.cancel(17, 1, place.now))
    place.simulated.publish(place.venue.step(place.now + timedelta(seconds=1)))
    place.order(1)
    assert place.checker.broken == ["an order id was used again: order id 1 (at 15:00:00)"]
