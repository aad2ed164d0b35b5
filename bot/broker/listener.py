"""What the decoder calls, by the names of the TWS API: each callback is a public method of the room that it concerns.

One listener lives for one connection, so that a late message of an old one finds nobody.
"""

from __future__ import annotations

from typing import Final

from bot.broker.callbacks.account_calls import AccountCalls
from bot.broker.callbacks.contract_calls import ContractCalls
from bot.broker.callbacks.error_calls import ErrorCalls
from bot.broker.callbacks.hearing import ConnectionHearing, Parts
from bot.broker.callbacks.history_calls import HistoryCalls
from bot.broker.callbacks.login_calls import LoginCalls
from bot.broker.callbacks.market_calls import MarketCalls
from bot.broker.callbacks.order_calls import OrderCalls
from bot.broker.callbacks.socket_calls import SocketCalls
from bot.broker.callbacks.unread import UnreadMessages
from bot.broker.requests import Requests

ROOMS: Final = (
    SocketCalls, LoginCalls, ErrorCalls, OrderCalls, AccountCalls, ContractCalls, MarketCalls, HistoryCalls,
)  # fmt: skip


class Listener:
    """Receives the messages of one connection until it is muted.

    The library looks its callbacks up by name with every message: they are bound here once, from the rooms. Raises
    TypeError when two rooms claim one.
    """

    def __init__(self, parts: Parts, requests: Requests, client_id: int) -> None:
        self._hearing = ConnectionHearing(parts, requests, client_id)
        self.unread = UnreadMessages(self._hearing)
        for room in ROOMS:
            for name, call in callbacks(room(self._hearing)).items():
                if name in vars(self):
                    raise TypeError(f"two rooms answer {name}")
                setattr(self, name, call)

    def mute(self) -> None:
        """Hear nothing more: the connection is over."""
        self._hearing.muted = True

    @property
    def refusal(self) -> str:
        """Why TWS refuses this client, empty where it does not."""
        return self._hearing.refusal

    @property
    def packets(self) -> int:
        """How many came from the socket."""
        return self._hearing.packets

    @property
    def first_order_id(self) -> int:
        return self._hearing.first_order_id

    @property
    def login_heard(self) -> set[str]:
        """What of the login has been answered."""
        return self._hearing.login_heard


def callbacks(room: object) -> dict[str, object]:
    """Return the public methods of a room, bound."""
    return {name: getattr(room, name) for name in vars(type(room)) if not name.startswith("_")}
