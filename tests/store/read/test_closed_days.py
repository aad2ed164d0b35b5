"""Closed trades kept by day are those of the store, whatever the filter, and follow every change."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

from bot.store.database import open_reader
from bot.store.read.closed_days import ClosedDays
from bot.store.read.trades import LOST, WON, TradeFilter, closed_trades
from bot.store.tables.position import POSITION
from tests.web.conftest import PUT, StoreBuilder, at, dollars

DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")


def _filled(path: Path) -> StoreBuilder:
    store = StoreBuilder(path / "store.db")
    store.create()
    for number, (day, pnl, reason) in enumerate(itertools.product(DAYS, (120.5, -80, 0), ("stop", "trail"))):
        store.position(
            f"P{number:02d}", "closed", PUT, strategy=("one", "two")[number % 2], realized_pnl=dollars(pnl),
            quantity=0, closed_at=f"{day}T16:{number:02d}:00.000000+00:00", session_day=day, close_reason=reason,
        )  # fmt: skip
    return store


def test_a_filter_says_the_same_of_a_kept_trade_as_the_query(tmp_path: Path) -> None:
    store, kept = _filled(tmp_path), ClosedDays()
    since, until, strategies = (None, date(2026, 11, 19)), (None, date(2026, 11, 19)), (None, "one")
    wanted = itertools.product(since, until, strategies, (None, "SPY", "QQQ"), (None, "trail"), (None, WON, LOST),
                               (None, DAYS[:1]))  # fmt: skip
    with open_reader(store.url) as connection:
        book = kept.book(connection)
        for each in wanted:
            assert book.of(TradeFilter(*each)) == closed_trades(connection, TradeFilter(*each)), each
        assert book.choices() == {"strategy": ["one", "two"], "symbol": ["SPY"], "reason": ["stop", "trail"]}


def test_what_changes_is_read_anew_and_nothing_else(tmp_path: Path) -> None:
    store, kept = _filled(tmp_path), ClosedDays()
    with open_reader(store.url) as connection:
        first = kept.book(connection)
        assert kept.book(connection) is first, "nothing changed, nothing is made"
    store.position("NEW", "closed", PUT, closed_at=at(1), session_day=DAYS[2], close_reason="stop", quantity=0)
    store.set(POSITION, {"id": "P00"}, realized_pnl=dollars(-1))
    with open_reader(store.url) as connection:
        book = kept.book(connection)
        assert list(book.trades) == closed_trades(connection, TradeFilter())
    assert len(book.trades) == len(first.trades) + 1
    untouched = [trade for trade in first.trades if trade.day == date(2026, 11, 19)]
    assert [id(t) for t in book.trades if t.day == date(2026, 11, 19)] == [id(t) for t in untouched]
