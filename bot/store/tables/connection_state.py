"""One row: the connection to the broker."""

from __future__ import annotations

from typing import Final

from bot.domain.connection import Connection, ConnectionState
from bot.store.fields import key, utc, word, words
from bot.store.stored import Stored

CONNECTIONS: Final = Stored(
    Connection,
    "connection_state",
    key("ibkr"),
    word("state", ConnectionState),
    utc("since", maybe=True),
    words("detail"),
    comment="one row: the connection to the broker",
)
CONNECTION_STATE: Final = CONNECTIONS.table
