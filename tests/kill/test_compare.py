"""The judge is judged: each kind of difference between venue and store is seen, and agreement is none."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.kill.compare import compare
from tests.kill.venue import Book

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which three contracts were bought by order qty-1 for signal s and stop qty-2 guards them."""
    path = tmp_path / "bot.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE signal (id, quantity);
            CREATE TABLE broker_order (order_ref, signal_id, purpose, state);
            CREATE TABLE execution (exec_id, quantity, price);
            CREATE TABLE position (contract_key, quantity, state, symbol, "right", multiplier, close_reason,
                settled_quantity, shares_before);
            CREATE TABLE instrument (key, con_id);
            INSERT INTO signal VALUES ('s', 3);
            INSERT INTO broker_order VALUES ('qty-1', 's', 'entry', 'filled'), ('qty-2', 's', 'protect', 'working');
            INSERT INTO execution VALUES ('x.1', 3, 12500);
            INSERT INTO position VALUES ('K', 3, 'filled', 'S', 'C', 100, NULL, 0, NULL);
            INSERT INTO instrument VALUES ('K', 7), ('S', 1);
            """
        )
    return path


def order(ref: str, side: str, status: str, filled: int = 0) -> dict[str, Any]:
    return {
        "ticket": {"order_ref": ref, "side": side, "instrument": 7, "quantity": 3},
        "status": status,
        "filled": filled,
    }


def fill(exec_id: str, ref: str, side: str, quantity: int) -> dict[str, Any]:
    price = Decimal("1.25")
    return {"exec_id": exec_id, "order_ref": ref, "side": side, "instrument": 7, "quantity": quantity, "price": price}


ENTRY, STOP = order("qty-1", "BUY", "Filled", 3), order("qty-2", "SELL", "PreSubmitted")
BOUGHT = fill("x.1", "qty-1", "BUY", 3)


def test_books_that_agree_do_not_differ(store: Path) -> None:
    assert not compare(Book(AT, [ENTRY, STOP], [BOUGHT], {7: 3}), store)


def test_shares_of_an_exercise_are_the_stores_own_and_others_are_not(store: Path) -> None:
    with contextlib.closing(sqlite3.connect(store)) as db:
        words = "state = 'closed', close_reason = 'exercised', settled_quantity = 3, shares_before = 0"
        db.execute(f"UPDATE position SET {words}")
        db.execute("UPDATE broker_order SET state = 'cancelled' WHERE state = 'working'")
        db.commit()
    assert not compare(Book(AT, [ENTRY], [BOUGHT], {1: 300}), store).found["oversold"]
    assert compare(Book(AT, [ENTRY], [BOUGHT], {1: 200}), store).found["oversold"]


@pytest.mark.parametrize(
    "book, kind",
    [
        (Book(AT, [ENTRY, STOP, order("qty-2", "SELL", "Submitted")], [BOUGHT], {7: 3}), "duplicates"),
        (Book(AT, [ENTRY, STOP], [BOUGHT, fill("x.2", "qty-1", "BUY", 1)], {7: 4}), "duplicates"),
        (Book(AT, [ENTRY, STOP, order("qty-3", "SELL", "Submitted")], [BOUGHT], {7: 3}), "orphans"),
        (Book(AT, [ENTRY], [BOUGHT], {7: 3}), "orphans"),
        (Book(AT, [ENTRY, STOP], [], {7: 3}), "lost fills"),
        (Book(AT, [ENTRY, STOP], [BOUGHT, fill("x.2", "qty-2", "SELL", 1)], {7: 2}), "lost fills"),
        (Book(AT, [ENTRY, STOP], [BOUGHT, fill("x.2", "qty-2", "SELL", 4)], {7: -1}), "oversold"),
        (Book(AT, [ENTRY, STOP], [BOUGHT], {}), "oversold"),
    ],
)
def test_each_kind_of_difference_is_seen(book: Book, kind: str, store: Path) -> None:
    assert compare(book, store).found[kind]


def test_what_no_working_sale_covers_is_unprotected() -> None:
    assert Book(AT, [ENTRY, STOP], [BOUGHT], {7: 3}).unprotected() == {}
    assert Book(AT, [ENTRY, STOP], [BOUGHT], {7: 5}).unprotected() == {7: 2}
    assert Book(AT, [ENTRY], [BOUGHT], {7: 3}).unprotected() == {7: 3}


def test_a_position_whose_entry_still_works_needs_no_stop_yet() -> None:
    entering = order("qty-1", "BUY", "Submitted", 1)
    assert Book(AT, [entering], [BOUGHT], {7: 1}).unprotected() == {}
