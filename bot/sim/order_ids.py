"""The order ids of a client at the venue: the next one, and whose each is."""

from __future__ import annotations

from bot.domain.errors import OrderRejected


class ClientOrderIds:
    def __init__(self) -> None:
        self.next = 1
        self._restarted = False
        self._ref_of: dict[int, str] = {}  # by order id: who was sent last under it

    def restart(self) -> None:
        """Begin again at 1, as a gateway that was set up anew does."""
        self.next, self._restarted = 1, True

    def at_the_venue(self, of_venue: int) -> int:
        """Return the next id that the venue names, whose own is `of_venue`."""
        return 1 if self._restarted else of_venue

    def reserve(self, at_least: int, of_venue: int) -> None:
        self.next = max(self.next, at_least, self.at_the_venue(of_venue))

    def take(self, order_id: int, order_ref: str) -> None:
        """Give an id to an order: nobody gets it again."""
        self.next, self._ref_of[order_id] = max(self.next, order_id + 1), order_ref

    def owns(self, order_id: int, order_ref: str) -> None:
        """Note whose an id is that went out before."""
        self._ref_of[order_id] = order_ref

    def seen(self, order_id: int, order_ref: str) -> None:
        """Note whose an id is, as the venue says, where nothing is known of it."""
        self._ref_of.setdefault(order_id, order_ref)

    def ref_of(self, order_id: int) -> str:
        return self._ref_of.get(order_id, "")

    def of_ref(self, order_ref: str) -> int | None:
        return next((order_id for order_id, ref in self._ref_of.items() if ref == order_ref), None)

    def check(self, order_id: int, order_ref: str) -> None:
        """Raise OrderRejected when the id is another order's."""
        owner = self._ref_of.get(order_id, order_ref)
        if owner != order_ref:
            raise OrderRejected(f"order id {order_id} belongs to {owner}, not to {order_ref}")
