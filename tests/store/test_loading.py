"""What a start finds after midnight: the broker still tells of yesterday, and the store knows all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.calendar import new_york_day
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.session import SessionState
from bot.engine.day.limits import losses_in_a_row
from bot.store.database import open_reader
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.engine.desk import SPY_590C, TEN, Desk

MIDNIGHT = TEN + timedelta(hours=14)  # in New York; the nightly reset is over an hour later


class Place:
    """A desk on a store in a file, which a later desk finds again."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{folder / 'store.db'}"
        upgrade(self.url)
        self.desk = Desk()
        self.store: SqlStore

    async def open(self, desk: Desk) -> Desk:
        self.desk, self.store = desk, SqlStore(self.url, desk.clock)
        desk.engine._memory._store = self.store
        await self.store.open()
        return await desk.start()

    async def start_again(self, after: timedelta) -> Desk:
        """The program ends and starts so long after midnight; the broker has forgotten nothing."""
        await self.store.close()
        old = self.desk
        old.clock.advance_to(MIDNIGHT + after)
        desk = await self.open(Desk(broker=old.broker, clock=old.clock, seed=9))
        await desk.wait(30)
        return desk

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with open_reader(self.url) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def book(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return what may not change by a mere restart."""
        moves = "SELECT machine, entity_id, trigger FROM transition WHERE machine NOT IN "
        moves += "('session', 'connection', 'alert')"
        tables = ("broker_order", "position", "signal", "execution", "symbol_halt")
        return {
            "moves": self.rows(f"{moves} ORDER BY seq"),
            "alerts": self.rows("SELECT code, text FROM alert ORDER BY at"),
            **{table: self.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables},
        }


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.open(place.desk)
    yield place
    await place.store.close()


async def buy(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.settle()


async def stopped_out(desk: Desk) -> None:
    await buy(desk)
    desk.broker.fill(desk.broker.stop_order, 4, "1.00")
    await desk.settle()


async def sold_by_hand(desk: Desk) -> None:
    await buy(desk)
    (held,) = desk.engine.ledger.positions
    desk.put(RequestReceived("out", RequestKind.CLOSE, {"position_id": held}, "cli", desk.clock.now()))
    await desk.settle()
    desk.broker.fill(desk.broker.market, 4, "1.50")
    await desk.settle()


async def never_filled(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.put(RequestReceived("out", RequestKind.CANCEL_ALL, {}, "cli", desk.clock.now()))
    await desk.settle()


@pytest.mark.parametrize("day", [stopped_out, sold_by_hand, never_filled])
async def test_a_start_after_midnight_knows_all_that_the_broker_still_tells_of_yesterday(
    place: Place, day: Callable[[Desk], Awaitable[None]]
) -> None:
    await day(place.desk)
    assert not place.desk.engine.ledger.positions
    before = place.book()
    desk = await place.start_again(timedelta(hours=1))
    assert place.book() == before
    assert desk.engine.ledger.session.state is SessionState.ACTIVE


async def test_yesterdays_losses_are_known_after_midnight_and_do_not_count_for_the_new_day(place: Place) -> None:
    await stopped_out(place.desk)
    engine = place.desk.engine
    assert losses_in_a_row(engine._context(place.desk.clock.now())) == 1
    desk = await place.start_again(timedelta(hours=1))
    assert len(desk.engine.ledger.closed) == 1
    assert losses_in_a_row(desk.engine._context(desk.clock.now())) == 0


async def test_a_start_knows_no_more_of_what_was_over_for_days_than_a_bot_that_went_on(place: Place) -> None:
    await stopped_out(place.desk)
    broker = place.desk.broker
    broker.book, broker.executions, broker.commissions = {}, {}, {}
    desk = await place.start_again(timedelta(days=4, hours=1))
    ledger = desk.engine.ledger
    assert (ledger.orders, ledger.closed, ledger.signal_index.over) == ({}, {}, {})


@pytest.mark.parametrize("day", [stopped_out, never_filled])
async def test_a_start_with_a_clock_that_is_days_ahead_hides_nothing_of_what_the_broker_tells_of_today(
    place: Place, day: Callable[[Desk], Awaitable[None]]
) -> None:
    await day(place.desk)
    before, old = place.book(), place.desk
    await place.store.close()
    old.clock.advance(timedelta(days=5).total_seconds())
    desk = Desk(broker=old.broker, clock=old.clock, seed=9)
    desk.ahead = timedelta(days=5)
    await place.open(desk)
    await desk.wait(30)
    after = place.book()
    assert {table: rows for table, rows in after.items() if table != "alerts"} == {
        table: rows for table, rows in before.items() if table != "alerts"
    }
    assert {code for code, _ in after["alerts"]} <= {"CLOCK_WRONG"} | {code for code, _ in before["alerts"]}


async def test_what_a_clock_that_was_days_ahead_wrote_is_known_when_it_is_right_again(place: Place) -> None:
    ahead = await place.start_again(timedelta(hours=58))  # Monday, 10:00
    ahead.contract = replace(SPY_590C, expiry=new_york_day(ahead.clock.now()))
    await stopped_out(ahead)
    before = place.book()
    await place.store.close()
    broker, right = place.desk.broker, ManualClock(TEN)
    broker.clock = right
    desk = await place.open(Desk(broker=broker, clock=right, seed=9))
    await desk.wait(30)
    assert len(desk.engine.ledger.closed) == 1
    after = place.book()
    assert {name: after[name] for name in ("moves", "execution")} == {n: before[n] for n in ("moves", "execution")}
    assert "LOST_ORDER" not in {code for code, _ in after["alerts"]}
