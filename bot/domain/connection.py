"""The connection to the broker; each state says what it allows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class ConnectionState(StrEnum):
    DOWN = "down"
    HANDSHAKING = "handshaking"
    SYNCING = "syncing"
    SYNCED = "synced"
    DEGRADED_DATA = "degraded_data"
    DEGRADED_ORDERS = "degraded_orders"
    COMPETING = "competing"
    RESTART_WINDOW = "restart_window"


class ConnectionTrigger(StrEnum):
    CONNECT = "connect"
    ACCEPTED = "accepted"
    SYNCED = "synced"
    DROP = "drop"
    LOSE_DATA = "lose_data"
    LOSE_ORDERS = "lose_orders"
    COMPETE = "compete"
    RESTORE = "restore"
    RESYNC = "resync"
    WINDOW = "window"


S, T = ConnectionState, ConnectionTrigger

_UP = (S.SYNCED, S.DEGRADED_DATA, S.DEGRADED_ORDERS, S.COMPETING)

CONNECTION: Final = Lifecycle(
    name="connection",
    states=ConnectionState,
    triggers=ConnectionTrigger,
    table=MappingProxyType(
        {
            (S.DOWN, T.CONNECT): S.HANDSHAKING,
            (S.RESTART_WINDOW, T.DROP): S.DOWN,  # it is over, and the socket is not back
            (S.RESTART_WINDOW, T.RESYNC): S.SYNCING,  # it is over, and the socket is there
            (S.HANDSHAKING, T.ACCEPTED): S.SYNCING,
            (S.SYNCING, T.SYNCED): S.SYNCED,
            (S.SYNCING, T.LOSE_ORDERS): S.DEGRADED_ORDERS,
            **{(state, T.LOSE_DATA): S.DEGRADED_DATA for state in (S.SYNCED, S.DEGRADED_DATA)},
            **{(state, T.LOSE_ORDERS): S.DEGRADED_ORDERS for state in _UP},  # 1100, 2110
            **{(state, T.COMPETE): S.COMPETING for state in (S.SYNCED, S.DEGRADED_DATA, S.COMPETING)},  # 10197
            **{(state, T.RESTORE): S.SYNCED for state in (S.DEGRADED_DATA, S.COMPETING)},
            **{(state, T.RESYNC): S.SYNCING for state in _UP},  # 1101, 1102: everything is asked again
            **{(state, T.DROP): S.DOWN for state in (S.HANDSHAKING, S.SYNCING, *_UP)},
            **{(state, T.WINDOW): S.RESTART_WINDOW for state in (S.DOWN, S.HANDSHAKING, S.SYNCING, *_UP)},
        }
    ),
    terminal=frozenset(),
    notes=MappingProxyType(
        {
            S.DOWN: "no socket",
            S.HANDSHAKING: "socket up, nothing heard yet",
            S.SYNCING: "account, orders, executions and positions are being read",
            S.SYNCED: "every snapshot gave its own end marker",
            S.DEGRADED_DATA: "lines that we need fell silent after a farm's notice: quotes may be old",
            S.DEGRADED_ORDERS: "TWS lost the broker's servers: orders rest there, ours may not arrive",
            S.COMPETING: "the same user is logged in elsewhere: no live data",
            S.RESTART_WINDOW: "the broker's daily or weekly reset",
        }
    ),
)

CONNECTION_WORDS: Final[Mapping[ConnectionState, str]] = MappingProxyType(
    {
        S.DOWN: "down",
        S.HANDSHAKING: "being opened",
        S.SYNCING: "being synced",
        S.SYNCED: "synced",
        S.DEGRADED_DATA: "without live prices",
        S.DEGRADED_ORDERS: "cut off from the broker's servers",
        S.COMPETING: "without data, which another login has",
        S.RESTART_WINDOW: "in the broker's restart window",
    }
)
"""Each state as a person is told it: the connection is ..."""


class Permission(StrEnum):
    ENTER = "enter"
    EXIT = "exit"
    MODIFY = "modify"


ALLOWED: Final[Mapping[ConnectionState, frozenset[Permission]]] = MappingProxyType(
    {
        S.DOWN: frozenset(),
        S.HANDSHAKING: frozenset(),
        S.SYNCING: frozenset(),
        S.SYNCED: frozenset(Permission),
        S.DEGRADED_DATA: frozenset({Permission.EXIT, Permission.MODIFY}),
        S.DEGRADED_ORDERS: frozenset(),
        S.COMPETING: frozenset({Permission.EXIT, Permission.MODIFY}),
        S.RESTART_WINDOW: frozenset(),
    }
)

CONNECTION_ID: Final = "ibkr"


class ConnectionChange(TypedDict, total=False):
    """What may change of a connection."""

    since: datetime | None
    detail: str


@living
class Connection(Living[ConnectionTrigger, ConnectionChange]):
    """The one connection to the broker and why it is as it is."""

    id: str = CONNECTION_ID
    state: ConnectionState = ConnectionState.DOWN
    since: datetime | None = None
    detail: str = ""

    def allows(self, permission: Permission) -> bool:
        return permission in ALLOWED[self.state]
