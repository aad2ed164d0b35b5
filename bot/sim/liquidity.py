"""What the market gives an order: at which price it takes liquidity, how much is displayed, what a resting limit finds.

What is displayed in a second is displayed once: orders share it. Chance is a hash of seed, order and second, so the
same questions get the same answers, also after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.sim.account import ZERO
from bot.sim.admission import LIMITED
from bot.sim.market.noise import uniform
from bot.sim.market.rules import increment
from bot.sim.order_terms import limit_of
from bot.sim.vocabulary import OrderTicket, Side, TopOfBook, VenueOrder

_PARTIAL, _PORTION, _REST, _SLIP = 1, 2, 3, 4  # words of the hash: one draw for each purpose

# A limit resting at its own side's touch fills with the first chance a second; one at the far touch with both.
_AT_TOUCH: Final = 0.02
_ACROSS_SPREAD: Final = 0.06
_SLIP_SHARE: Final = 0.3
_LONGEST_GAP_S: Final = 30


def second_of(at: datetime) -> int:
    """Return the second that a chance is drawn for."""
    return int(at.timestamp())


class Liquidity:
    """The chances of one venue, and what of the displayed size is taken. See the module.

    `partial_fill_probability` is the share of seconds in which an order finds only a part of what is displayed.
    """

    def __init__(self, seed: int, partial_fill_probability: float) -> None:
        self._seed = seed
        self._partial_fill_probability = partial_fill_probability
        self._taken: dict[tuple[int, str], tuple[int, int]] = {}

    def taking_price(self, order: VenueOrder, touch: Decimal | None, now: datetime) -> Decimal | None:
        """Return the price at which an order takes liquidity, None when it does not."""
        if touch is None:
            return None
        ticket, buying = order.ticket, order.ticket.side is Side.BUY
        if ticket.order_type in LIMITED:
            limit = limit_of(order)
            return touch if limit is not None and (limit >= touch if buying else limit <= touch) else None
        if order.triggered and self._draw(order, now, _SLIP) < _SLIP_SHARE:
            step = increment(ticket.instrument.market_rule_id, touch)
            return touch + step if buying else max(touch - step, increment(ticket.instrument.market_rule_id, ZERO))
        return touch

    def displayed(self, order: VenueOrder, size: int, now: datetime, *, only_partial: bool) -> int:
        """Return what is left of the size displayed in this second; at times, or always, only a part is truly there."""
        if only_partial or self._draw(order, now, _PARTIAL) < self._partial_fill_probability:
            size = max(1, int(size * (0.2 + 0.6 * self._draw(order, now, _PORTION))))
        return max(0, size - self._taken_in(order.ticket, second_of(now)))

    def take(self, ticket: OrderTicket, quantity: int, now: datetime) -> None:
        """Remember that a fill took `quantity` of what this second displays."""
        second = second_of(now)
        self._taken[_side_of(ticket)] = (second, quantity + self._taken_in(ticket, second))

    def resting_limit(self, order: VenueOrder, top: TopOfBook, since: int, now: datetime) -> Decimal | None:
        """Return the limit at which a resting order fills now, None where it does not.

        `since` is the second of its last chance: it gets one for every second that has passed, up to half a minute.
        """
        gap, limit = min(second_of(now) - since, _LONGEST_GAP_S), limit_of(order)
        if gap <= 0 or limit is None or top.bid is None or top.ask is None or order.ticket.order_type not in LIMITED:
            return None
        inside = limit - top.bid if order.ticket.side is Side.BUY else top.ask - limit
        if inside < 0:
            return None
        chance = _AT_TOUCH + _ACROSS_SPREAD * float(inside / (top.ask - top.bid))
        return limit if self._draw(order, now, _REST) < 1 - (1 - chance) ** gap else None

    def saved(self) -> list[list[int | str]]:
        """Return what is taken, fit for JSON."""
        return [[con_id, side, *at] for (con_id, side), at in self._taken.items()]

    def restore(self, saved: Iterable[tuple[int, str, int, int]]) -> None:
        self._taken = {(con_id, side): (second, taken) for con_id, side, second, taken in saved}

    def _taken_in(self, ticket: OrderTicket, second: int) -> int:
        taken_in, taken = self._taken.get(_side_of(ticket), (second, 0))
        return taken if taken_in == second else 0

    def _draw(self, order: VenueOrder, now: datetime, word: int) -> float:
        return uniform(self._seed, order.perm_id, second_of(now), word)


def _side_of(ticket: OrderTicket) -> tuple[int, str]:
    return ticket.instrument.con_id, ticket.side.value
