"""What the market gives an order: the price at which it takes liquidity, what is displayed, and its turn in a queue.

What is displayed in a second is displayed once, and what was traded is traded once: orders share both. A limit that
rests has a place in the queue of its price: behind what was displayed there when it came, before all that came later.
Prints at its price use up what stands ahead, then the order; prints beyond its price would have met it first. Nothing
of it is chance: the same market gives the same fills, however often it is looked at. Two draws remain, hashes of seed,
order and second: a stop that slips, and displayed size that is not truly there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.sim.account import ZERO
from bot.sim.admission import LIMITED
from bot.sim.market.noise import uniform
from bot.sim.market.rules import increment
from bot.sim.order_terms import limit_of
from bot.sim.venue_state import Place, Working
from bot.sim.vocabulary import Print, Side, TopOfBook, VenueOrder, VenueTicket

_PARTIAL, _PORTION, _SLIP = 1, 2, 4  # words of the hash: one draw for each purpose

_SLIP_SHARE: Final = 0.3


class Liquidity:
    """What of the displayed size and of the prints the orders of one venue have used. See the module.

    `partial_fill_probability` is the share of seconds in which an order finds only a part of what is displayed.
    """

    def __init__(self, seed: int, partial_fill_probability: float) -> None:
        self._seed = seed
        self._partial_fill_probability = partial_fill_probability
        self._taken: dict[tuple[int, str], tuple[int, int]] = {}
        self._step_at: datetime | None = None
        self._used: dict[tuple[int, str, datetime, Decimal, int], int] = {}  # contracts of each print of the step

    def taking_price(self, work: Working, touch: Decimal | None, now: datetime) -> Decimal | None:
        """Return the price at which an order takes liquidity, None when it does not. One that has rested and that the
        market comes to has its own price, not the better one of who came."""
        order = work.order
        if touch is None:
            return None
        ticket, buying = order.ticket, order.ticket.side is Side.BUY
        if ticket.order_type in LIMITED:
            limit = limit_of(order)
            if limit is None or not (limit >= touch if buying else limit <= touch):
                return None
            return limit if work.place is not None and work.place.price == limit else touch
        if order.triggered and self._draw(order, now, _SLIP) < _SLIP_SHARE:
            step = increment(ticket.instrument.market_rule_id, touch)
            return touch + step if buying else max(touch - step, increment(ticket.instrument.market_rule_id, ZERO))
        return touch

    def displayed(self, order: VenueOrder, size: int, now: datetime, *, only_partial: bool) -> int:
        """Return what is left of the size displayed in this second; at times, or always, only a part is truly there."""
        if only_partial or self._draw(order, now, _PARTIAL) < self._partial_fill_probability:
            size = self._portion(order, size, now)
        return max(0, size - self._taken_in(order.ticket, second_of(now)))

    def take(self, ticket: VenueTicket, quantity: int, now: datetime) -> None:
        """Remember that a fill took `quantity` of what this second displays."""
        second = second_of(now)
        self._taken[_side_of(ticket)] = (second, quantity + self._taken_in(ticket, second))

    def join(self, work: Working, top: TopOfBook, now: datetime) -> None:
        """Give a limit that rests its place: at the end of what is displayed at its price. Of a price behind the touch
        no more is known than that it looks like the touch; inside the spread nobody stands before it, and nobody does
        any more when its own side's touch has fallen behind it."""
        limit = limit_of(work.order)
        if limit is None or work.order.ticket.order_type not in LIMITED:
            return
        buying = work.order.ticket.side is Side.BUY
        touch, size = (top.bid, top.bid_size) if buying else (top.ask, top.ask_size)
        alone = touch is None or (limit > touch if buying else limit < touch)
        if work.place is None or work.place.price != limit:
            work.place = Place(limit, 0 if alone else size, now)
        elif alone:
            work.place.ahead = 0

    def turn(self, work: Working, prints: Sequence[Print], now: datetime, *, only_partial: bool) -> int:
        """Return how many contracts of a resting order these prints fill at its price, and move it up the queue.

        `prints` are those since its last look, oldest first. Orders of one side that are asked in the same step share
        their sizes.
        """
        place, order, found = work.place, work.order, 0
        if place is None:
            return 0
        place.since = now
        if self._step_at != now:
            self._step_at, self._used = now, {}
        for key, each in _numbered(prints):
            known = (*_side_of(order.ticket), *key)
            left = each.size - self._used.get(known, 0)
            if not _reaches(order.ticket.side, place.price, each.price) or left <= 0:
                continue
            ahead = 0 if each.price != place.price else min(place.ahead, left)
            place.ahead -= ahead
            mine = min(left - ahead, order.remaining - found)
            self._used[known] = each.size - left + mine
            found += mine
        return self._portion(order, found, now) if only_partial and found else found

    def saved(self) -> list[list[int | str]]:
        """Return what is taken, fit for JSON; prints are shared within a step alone."""
        return [[con_id, side, *at] for (con_id, side), at in self._taken.items()]

    def restore(self, saved: Iterable[tuple[int, str, int, int]]) -> None:
        self._taken = {(con_id, side): (second, taken) for con_id, side, second, taken in saved}

    def _portion(self, order: VenueOrder, size: int, now: datetime) -> int:
        return max(1, int(size * (0.2 + 0.6 * self._draw(order, now, _PORTION))))

    def _taken_in(self, ticket: VenueTicket, second: int) -> int:
        taken_in, taken = self._taken.get(_side_of(ticket), (second, 0))
        return taken if taken_in == second else 0

    def _draw(self, order: VenueOrder, now: datetime, word: int) -> float:
        return uniform(self._seed, order.perm_id, second_of(now), word)


def second_of(at: datetime) -> int:
    """Return the second in which what is displayed is displayed once."""
    return int(at.timestamp())


def _side_of(ticket: VenueTicket) -> tuple[int, str]:
    return ticket.instrument.con_id, ticket.side.value


def _numbered(prints: Iterable[Print]) -> Iterator[tuple[tuple[datetime, Decimal, int], Print]]:
    """Yield each print with what tells it apart from its like: moment, price, and its number among equals."""
    seen: Counter[tuple[datetime, Decimal]] = Counter()
    for each in prints:
        yield (each.at, each.price, seen[each.at, each.price]), each
        seen[each.at, each.price] += 1


def _reaches(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Say whether a print would have met an order that rests at `limit`: it was made there or beyond."""
    return price <= limit if side is Side.BUY else price >= limit
