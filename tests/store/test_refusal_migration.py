"""Revision 0015: what the reasons of the orders that are there said is read into columns, once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.store.revision import downgrade, upgrade
from bot.store.sql_store import SqlStore
from tests.store.trade import ENTRY_ID, opening, write

OTHER_SIDE = "Order rejected - reason:Cannot have open orders on both sides of the same US Option contract."


SAID = {
    ("cancelled", "NULL", "not taken, the broker ended it: expired"): (None, 1),
    ("cancelled", "201", f"not taken, the broker ended it: {OTHER_SIDE}"): ("other_side", 1),
    ("rejected", "201", OTHER_SIDE): ("other_side", 0),
    ("rejected", "103", OTHER_SIDE): (None, 0),
    ("rejected", "321", "The API interface is currently in Read-Only mode."): ("read_only", 0),
    ("cancelled", "NULL", "asked by a person"): (None, 0),
    ("working", "NULL", "not taken"): (None, 0),
}
"""State, code and reason of an order -> what the columns say since."""


async def test_orders_that_are_there_get_what_their_reasons_said(store: SqlStore, url: str, store_path: Path) -> None:
    await write(store, opening())
    await store.close()
    downgrade(url, "0014")
    with closing(sqlite3.connect(store_path)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(broker_order)")]
        for number, (state, code, reason) in enumerate(SAID):
            own = dict.fromkeys(("id", "order_ref"), f"'said-{number}'")
            own |= {"state": f"'{state}'", "reject_code": code, "reject_reason": f"'{reason}'"}
            values = ", ".join(own.get(name, f'"{name}"') for name in columns)
            connection.execute(f"INSERT INTO broker_order SELECT {values} FROM broker_order WHERE id = '{ENTRY_ID}'")
    upgrade(url)
    with closing(sqlite3.connect(store_path)) as connection:
        found = connection.execute("SELECT refusal, not_taken FROM broker_order WHERE id LIKE 'said-%' ORDER BY id")
        assert dict(zip(SAID, found.fetchall(), strict=True)) == SAID
