"""The checks of the fault days see what a bot may never ask of its venue."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.feeds.clock import ManualClock
from bot.sim.admission import MAX_LIVE_ORDERS
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import OrderTicket, Side, SimulatedVenue
from tests.faults.checks import Checker
from tests.faults.market import OPEN, OPTIONS, ToyMarket


class Place:
    """A venue with a checker at it, and orders without a bot."""

    def __init__(self) -> None:
        self.venue = MatchingVenue(ToyMarket(1), 1, Decimal(100_000), VenueScript(latency_ms=400))
        self.simulated = SimulatedVenue(self.venue)
        self.checker = Checker(self.venue, ManualClock(OPEN))
        self.simulated.listeners.append(self.checker.hear)
        self.now = OPEN + timedelta(seconds=1)

    def order(self, number: int, side: Side = Side.BUY, price: str = "0.05", reference: str = "") -> None:
        ticket = OrderTicket(
            17, number, OPTIONS[0], side, 1, "LMT", limit_price=Decimal(price), order_ref=reference or f"qty-{number}"
        )
        self.simulated.publish(self.venue.place(ticket, self.now))


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
