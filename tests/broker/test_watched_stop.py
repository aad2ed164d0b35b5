"""A stop that the broker does not take, through socket, adapter, engine and store: watched, named, measured, and sold
at its price or when nobody can see it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.order import Purpose
from bot.domain.position import PositionState, Protection
from bot.store.database import open_reader
from bot.store.invariants import check_invariants
from bot.store.read.protections import protections
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import Request
from tests.broker.wired import TEN, Wired, wired


@pytest.fixture
async def url(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    upgrade(url)
    return url


@pytest.fixture
async def watched(book_tws: BookTws, url: str) -> AsyncIterator[Wired]:
    """A bot that holds three contracts whose stop was refused with 387."""
    takes = book_tws.answers[3]

    def refuse_stops(asked: Request) -> None:
        if asked[18] == "STP":
            book_tws.error(asked[1], 387, "Unsupported order type for this exchange and security type.")
        else:
            takes(asked)

    book_tws.answers[3] = refuse_stops
    clock = ManualClock(TEN)
    store = SqlStore(url, clock)
    await store.open()
    try:
        async with wired(book_tws, store=store, clock=clock) as bot:
            await bot.working()
            book_tws.fill(book_tws.only("LMT"))
            await bot.until(lambda: bot.holds and bot.position.protection is Protection.SYNTHETIC)
            yield bot
    finally:
        await store.close()


def protection_finding(url: str) -> tuple[bool, str]:
    (found,) = [each for each in check_invariants(url) if each.invariant == "I4"]
    return found.ok, found.detail


async def marked(bot: Wired) -> None:
    """Have the store's pulse and its latest marks be of now."""
    bot.engine._status_at = float("-inf")
    await bot.tick()


async def test_a_watched_stop_is_named_measured_and_no_finding_while_its_quote_is_young(
    watched: Wired, url: str
) -> None:
    await watched.quote("4.8", "5.0")
    await watched.tick(10)
    await marked(watched)
    with open_reader(url) as connection:
        (shown,) = protections(connection, [watched.position.id]).values()
    assert (shown.protection, shown.unprotected_contracts) == ("synthetic", 3)
    assert shown.contract_seconds >= 30, "what no stop at the broker covers is measured all the same"
    assert protection_finding(url)[0], protection_finding(url)[1]
    assert "1 watched by the tick" in protection_finding(url)[1]
    assert watched.alerts("PROTECTION_LOST")


async def test_at_its_price_the_tick_sells(watched: Wired, book_tws: BookTws) -> None:
    await watched.quote("2.4", "2.6")
    await watched.until(lambda: watched.position.state is PositionState.CLOSING)
    await watched.until(lambda: [each for each in book_tws.live if each.kind == "MKT"])
    book_tws.fill(book_tws.only("MKT"), price="2.4")
    await watched.until(lambda: watched.position.state is PositionState.CLOSED)
    assert watched.position.close_reason == "stop"


async def test_while_nobody_bids_no_price_can_be_watched_and_that_is_a_finding(watched: Wired, url: str) -> None:
    """Halted, or without a bid, a sale would not go through either: the position stays, and is named."""
    watched.tws.send(45, 6, watched.line, 49, 1)  # tick 49: halted
    await watched.until(lambda: watched.alerts("EXIT_IN_HALT"))
    await watched.tick(16)
    await marked(watched)
    ok, words = protection_finding(url)
    assert not ok
    assert "the stop that the tick watches has a quote of" in words
    assert watched.position.state is PositionState.FILLED
    assert watched.of(Purpose.EXIT) == []
