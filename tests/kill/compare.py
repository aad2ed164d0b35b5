"""The venue's own book against the bot's store, from outside both: plain SQL and plain JSON, no code of the bot's."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.kill.venue import LIVE, Book, Venue

OVER = ("filled", "cancelled", "rejected")
KINDS = ("duplicates", "orphans", "lost fills", "oversold")


@dataclass
class Differences:
    """What does not agree, in words, by kind."""

    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, words: str) -> None:
        self.found[kind].append(words)

    def __bool__(self) -> bool:
        return any(self.found.values())

    def __str__(self) -> str:
        return "; ".join(f"{kind}: {words}" for kind, all_words in self.found.items() for words in all_words)


def compare(book: Book, store: Path) -> Differences:
    """Return how the store differs from the venue's book at this instant; orders on their way differ for a moment."""
    found = Differences()
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        _duplicates(book, db, found)
        _orphans(book, db, found)
        _fills(book, db, found)
        _oversold(book, db, found)
    return found


def _duplicates(book: Book, db: sqlite3.Connection, found: Differences) -> None:
    arrived = [order for order in book.orders if order["status"] in LIVE or order["filled"]]
    for ref, times in Counter(order["ticket"]["order_ref"] for order in arrived).items():
        if times > 1:
            found.add("duplicates", f"{ref} is at the venue {times} times")
    bought: dict[str, int] = defaultdict(int)
    signals = dict(db.execute("SELECT order_ref, signal_id FROM broker_order WHERE purpose = 'entry'").fetchall())
    for execution in book.executions:
        if execution["side"] == "BUY":
            bought[signals.get(execution["order_ref"], "")] += execution["quantity"]
    for row in db.execute("SELECT id, quantity FROM signal"):
        if bought[row["id"]] > row["quantity"]:
            found.add("duplicates", f"signal {row['id']}: {bought[row['id']]} bought, {row['quantity']} approved")


def _orphans(book: Book, db: sqlite3.Connection, found: Differences) -> None:
    states = dict(db.execute("SELECT order_ref, state FROM broker_order").fetchall())
    for order in book.live():
        ref = order["ticket"]["order_ref"]
        if states.get(ref, "unknown to the store") in {*OVER, "unknown to the store"}:
            found.add("orphans", f"{ref} works at the venue and is {states.get(ref, 'unknown to the store')}")
    live = {order["ticket"]["order_ref"] for order in book.live()}
    for ref, state in states.items():
        if state not in OVER and ref not in live:
            found.add("orphans", f"{ref} is {state} in the store and does not work at the venue")


def _fills(book: Book, db: sqlite3.Connection, found: Differences) -> None:
    there = {each["exec_id"]: (each["quantity"], int(each["price"] * 10000)) for each in book.executions}
    ours = {row["exec_id"]: (row["quantity"], row["price"]) for row in db.execute("SELECT * FROM execution")}
    for exec_id in there.keys() | ours.keys():
        if there.get(exec_id) != ours.get(exec_id):
            words = f"{exec_id}: the venue has {there.get(exec_id)}, the store {ours.get(exec_id)}"
            found.add("lost fills", words)


def _oversold(book: Book, db: sqlite3.Connection, found: Differences) -> None:
    held: dict[int, int] = defaultdict(int)
    for execution in book.executions:
        con_id = execution["instrument"]
        held[con_id] += execution["quantity"] if execution["side"] == "BUY" else -execution["quantity"]
        if held[con_id] < 0:
            found.add("oversold", f"contract {con_id}: {held[con_id]} after {execution['exec_id']}")
    query = """SELECT i.con_id, SUM(p.quantity) AS n FROM position p JOIN instrument i ON i.key = p.contract_key
               WHERE p.state <> 'closed' GROUP BY i.con_id"""
    delivered = """SELECT i.con_id, SUM(p.settled_quantity * p.multiplier
                   * CASE WHEN p."right" = 'C' THEN 1 ELSE -1 END) AS n
                   FROM position p JOIN instrument i ON i.key = p.symbol
                   WHERE p.close_reason = 'exercised' AND p.shares_before IS NOT NULL GROUP BY i.con_id"""
    ours = {row["con_id"]: row["n"] for sql in (query, delivered) for row in db.execute(sql) if row["n"]}
    for con_id in ours.keys() | book.held.keys():
        if ours.get(con_id, 0) != book.held.get(con_id, 0):
            words = f"contract {con_id}: the venue has {book.held.get(con_id, 0)}, the store {ours.get(con_id, 0)}"
            found.add("oversold", words)


def until_agreed(venue: Venue, store: Path, patience_s: float) -> tuple[Differences, float]:
    """Look until venue and store agree; returns what still differs when patience ends, and how long it took."""
    began = time.monotonic()
    while True:
        found = compare(venue.book(), store)
        waited = time.monotonic() - began
        if not found or waited > patience_s:
            return found, waited
        time.sleep(0.02)
