"""A venue on a board whose quotes a test sets by hand, and what is read of its events."""

from datetime import timedelta
from decimal import Decimal

from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import (
    Filled,
    OrderChanged,
    Side,
    Status,
    VenueEvent,
    VenueInstrument,
    VenueOrder,
    VenueRefused,
    VenueTicket,
)
from tests.sim.board_market import (
    CALL,
    NOON,
    BoardMarket,
    ticket,
)

BUY, SELL = Side.BUY, Side.SELL
LATENCY = timedelta(milliseconds=40)
SECOND = timedelta(seconds=1)


class Desk:
    """A venue on a board, with a clock that a test moves."""

    def __init__(self, *, cash: str = "100000", seed: int = 1, partial: float = 0.0) -> None:
        self.board = BoardMarket()
        self.venue = MatchingVenue(self.board, seed, Decimal(cash), VenueScript(partial_fill_probability=partial))
        self.now = NOON

    def place(self, order: VenueTicket) -> list[VenueEvent]:
        return self.venue.place(order, self.now)

    def wait(self, seconds: float = 1.0) -> list[VenueEvent]:
        self.now += timedelta(seconds=seconds)
        return self.venue.step(self.now)

    def trade(self, price: str, quantity: int) -> list[VenueEvent]:
        """Let others trade half a second from now, and a second pass."""
        self.board.trade(CALL, self.now + SECOND / 2, price, quantity)
        return self.wait()

    def wait_long(self, seconds: int) -> list[VenueEvent]:
        return [event for _ in range(seconds) for event in self.wait()]

    def order(self, order_id: int) -> VenueOrder:
        every = [*self.venue.open_orders(), *self.venue.completed_orders()]
        return next(each for each in every if each.ticket.order_id == order_id)

    def long(self, quantity: int, instrument: VenueInstrument = CALL, order_id: int = 900) -> None:
        self.place(ticket(order_id, BUY, quantity, "MKT", instrument=instrument))
        self.wait()
        assert self.held(instrument) == quantity

    def held(self, instrument: VenueInstrument = CALL) -> int:
        return next((p.quantity for p in self.venue.positions() if p.instrument is instrument), 0)


def refusals(events: list[VenueEvent]) -> list[int]:
    return [event.code for event in events if isinstance(event, VenueRefused)]


def fills(events: list[VenueEvent]) -> list[tuple[int, Decimal]]:
    return [(event.execution.quantity, event.execution.price) for event in events if isinstance(event, Filled)]


def statuses(events: list[VenueEvent]) -> list[Status]:
    return [event.order.status for event in events if isinstance(event, OrderChanged)]
