"""An older backup is restored while the broker went on: the same book as the broker's, and no stop goes back down."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.order import OrderSide, OrderState, OrderType
from bot.domain.position import Origin, Position, Protection
from bot.store.backup import backup, restore
from bot.store.database import open_reader
from bot.store.invariants import CHECKS
from bot.store.invariants.finding import Question
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.engine.desk import SPY_590C, Desk
from tests.engine.test_laws import MOVES, come_to_an_end, make
from tests.examples import examples


class Place:
    """A desk on a store in a file, and what happens to that file."""

    def __init__(self, folder: Path, empty: Path) -> None:
        shutil.copy(empty, folder / "store.db")
        self.url = f"sqlite+aiosqlite:///{folder / 'store.db'}"
        self.kept = folder / "kept.db"
        self.desk = self._desk()

    def _desk(self, **more: Any) -> Desk:
        desk = Desk(store=None, **more)
        self.store = SqlStore(self.url, desk.clock)
        desk.engine._memory._store = self.store
        return desk

    async def open(self) -> Desk:
        await self.store.open()
        return await self.desk.start()

    async def restore(self) -> Desk:
        """The program ends, the older backup takes the store's place, the program starts."""
        await self.store.close()
        restore(self.url, self.kept, force=True)
        quoted = self.desk._quoted
        self.desk = self._desk(broker=self.desk.broker, clock=self.desk.clock, seed=9)
        self.desk._quoted = quoted
        desk = await self.open()
        for _ in range(8):
            await desk.wait(1)
            on_sale = sum(o.left for o in desk.broker.live if o.side is OrderSide.SELL)
            assert on_sale <= desk.broker.held[SPY_590C.key]
        return desk

    def position(self) -> Position:
        (position,) = self.desk.engine.ledger.positions.values()
        return position

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with open_reader(self.url) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def findings(self) -> list[str]:
        with open_reader(self.url) as connection:
            question = Question(connection, 2.0, 0.5, (), None)
            found = [check(question) for check in CHECKS]
        return [f"{f.invariant}: {f.detail}" for f in found if not f.ok]

    async def close_everything(self) -> None:
        """Sell what is left and compare the money with the broker's."""
        desk = self.desk
        desk.put(RequestReceived("out", RequestKind.FLATTEN, {}, "cli", desk.clock.now()))
        for _ in range(6):
            await desk.wait(1)
            for order in desk.broker.live:
                if order.type is OrderType.MARKET and order.heard:
                    desk.broker.fill(order, order.left, "2.50")
        await desk.settle()
        assert desk.broker.held[SPY_590C.key] == 0
        ((made,),) = self.rows("SELECT SUM(realized_pnl) FROM position")
        assert Decimal(made) / 10_000 == desk.broker.cash


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("restored") / "empty.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
async def place(tmp_path: Path, empty: Path) -> AsyncIterator[Place]:
    """Four contracts held at 2.00 and protected; then a backup."""
    place = Place(tmp_path, empty)
    desk = await place.open()
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.settle()
    backup(place.url, place.kept)
    yield place
    await place.store.close()


async def a_rung_sells_and_the_stop_is_raised(desk: Desk) -> None:
    for bid, contracts in (("3.00", 1), ("4.00", 2)):
        await desk.bid(bid)
        desk.broker.fill(desk.broker.rung, contracts, bid)
        await desk.wait(6)


async def the_stop_is_replaced_and_raised(desk: Desk) -> None:
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.settle()
    await a_rung_sells_and_the_stop_is_raised(desk)


async def the_broker_forgot_the_stop_that_was_replaced(desk: Desk) -> None:
    first = desk.broker.stop_order
    await the_stop_is_replaced_and_raised(desk)
    desk.broker.drop(first)


async def a_rung_rests(desk: Desk) -> None:
    await desk.bid("3.00")
    assert desk.broker.rung.left == 1


async def a_rung_sells_a_part(desk: Desk) -> None:
    await desk.bid("3.00")
    desk.broker.fill(desk.broker.rung, 1, "3.00")
    await desk.wait(6)
    await desk.bid("4.00")
    desk.broker.fill(desk.broker.rung, 1, "4.00")
    await desk.settle()


@pytest.mark.parametrize(
    "meanwhile",
    [
        a_rung_sells_and_the_stop_is_raised,
        the_stop_is_replaced_and_raised,
        the_broker_forgot_the_stop_that_was_replaced,
        a_rung_rests,
        a_rung_sells_a_part,
    ],
)
async def test_an_older_backup_and_a_comparison_give_the_brokers_book(
    place: Place, meanwhile: Callable[[Desk], Awaitable[None]]
) -> None:
    await meanwhile(place.desk)
    before = {o.ref: (o.terms, o.left) for o in place.desk.broker.live}
    sent = len(place.desk.broker.submitted)
    desk = await place.restore()
    assert {o.ref: (o.terms, o.left) for o in desk.broker.live} == before, "nothing was moved, cancelled or added"
    assert len(desk.broker.submitted) == sent
    position = place.position()
    assert (position.origin, position.quantity) == (Origin.BOT, desk.broker.held[SPY_590C.key])
    assert position.settled_quantity == 0, "our own sales are ours"
    assert position.stop_price == desk.broker.stop_order.terms.stop_price
    assert position.protection is Protection.WORKING
    assert desk.engine.ledger.session.state == "active"
    assert place.rows("SELECT COUNT(*) FROM execution WHERE position_id IS NULL") == [(0,)]
    assert place.rows("SELECT id FROM symbol_halt WHERE state = 'halted'") == []
    await place.close_everything()
    assert place.findings() == []


async def test_a_stop_that_stood_raised_is_replaced_no_lower_when_the_venue_takes_it_away(place: Place) -> None:
    await a_rung_sells_and_the_stop_is_raised(place.desk)
    raised = place.desk.broker.stop_order.terms.stop_price
    desk = await place.restore()
    desk.broker.cancel_ack(desk.broker.stop_order)
    desk.quote("3.20", "3.24")
    await desk.settle()
    assert desk.broker.stop_order.terms.stop_price == raised


async def test_a_position_that_was_sold_out_meanwhile_ends_by_its_own_sales(place: Place) -> None:
    desk = place.desk
    desk.put(RequestReceived("out", RequestKind.CLOSE, {"position_id": place.position().id}, "cli", desk.clock.now()))
    await desk.settle()
    desk.broker.fill(desk.broker.market, 4, "2.50")
    await desk.settle()
    desk = await place.restore()
    assert not desk.engine.ledger.positions
    ((made, settled),) = place.rows("SELECT realized_pnl, settled_quantity FROM position")
    assert (Decimal(made) / 10_000, settled) == (desk.broker.cash, 0)
    assert place.findings() == []


async def test_a_newer_stop_that_is_looser_than_ours_is_replaced(place: Place) -> None:
    await the_stop_is_replaced_and_raised(place.desk)
    stop = place.desk.broker.stop_order
    stop.terms = type(stop.terms)(1, stop_price=Decimal("0.50"))
    desk = await place.restore()
    assert desk.broker.stop_order.ref != stop.ref
    stop_price = desk.broker.stop_order.terms.stop_price
    assert stop_price is not None
    assert stop_price >= Decimal("1.00")
    states = {o.state for o in desk.engine.ledger.order_index.of_position(place.position().id)}
    assert OrderState.UNKNOWN not in states


# ---- on any path


ANY = MOVES.filter(lambda move: move[0] not in {"failing_commit", "late_amendment"})
BUSY = st.one_of(
    st.tuples(st.just("bid"), st.integers(300, 700)),
    st.tuples(st.just("settle"), st.just(0)),
    st.tuples(st.just("fill"), st.integers(0, 20)),
    st.tuples(st.just("quiet_fill"), st.integers(0, 20)),
    st.tuples(st.just("venue_cancels"), st.integers(0, 20)),
    st.tuples(st.just("close"), st.just(0)),
)
TAKEN_BACK = st.tuples(st.just("take_back"), st.integers(0, 20))


@settings(max_examples=examples(25), deadline=None)
@given(
    st.integers(1, 6),
    st.lists(ANY, max_size=12),
    st.lists(st.one_of(ANY, BUSY, BUSY, TAKEN_BACK), min_size=5, max_size=25),
)
@example(4, [], [("bid", 300), ("settle", 0), ("fill", 1), ("settle", 0), ("bid", 420), ("settle", 0)])
@example(4, [], [("close", 0), ("settle", 0), ("fill", 1), ("settle", 0)])
@example(2, [], [("bid", 50), ("close", 0), ("answer", 0), ("fill", 1), ("take_back", 1)])
@example(1, [], [("bid", 50), ("close", 0), ("answer", 0), ("fill", 0), ("take_back", 1)])
@example(3, [], [("bid", 400), ("quiet_fill", 1)])
@example(4, [("bid", 300)], [("settle", 0), ("venue_cancels", 0), ("settle", 0), ("fill", 1), ("settle", 0)])
@example(3, [], [("fill", 2), ("take_back", 7), ("settle", 0)])
@example(2, [("quiet_fill", 15)], [("close", 0), ("take_back", 3), ("settle", 0)])
@example(3, [("fill", 20)], [("reconnect", 0), ("take_back", 3), ("settle", 0), ("fill", 10)])
@example(
    6,
    [("fill", 12), ("venue_cancels", 18), ("reconnect", 0), ("wait", 5), ("drop", 13), ("wait", 5)],
    [("reconnect", 0)],
)
@example(
    1,
    [("fill", 5), ("take_back", 17), ("competing", 0), ("close", 0), ("reject", 10), ("resume", 0), ("reconnect", 0)],
    [("quiet_fill", 9), ("take_back", 19), ("take_back", 6)],
)
@example(
    3,
    [("fill", 19), ("quiet_fill", 12)],
    [("take_back", 2), ("take_back", 20), ("take_back", 0), ("resume", 0), ("quiet_fill", 3), ("close", 0)],
)
async def test_whatever_happened_before_and_after_the_backup_the_books_and_the_money_agree(
    quantity: int, before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    desk = await Desk().start()
    await desk.hold(quantity)
    for move, number in before:
        await make(desk, move, number)
        await desk.tick()
    kept = desk.store.as_it_stands()
    for move, number in after:
        await (desk.settle() if move == "settle" else make(desk, move, number))
        await desk.tick()
    await desk.settle()
    stops = {o.ref: o.terms.stop_price for o in desk.broker.live if o.type is OrderType.STOP}
    again = Desk(store=kept, broker=desk.broker, clock=desk.clock, seed=9)
    await again.start()
    again.quote("0.90", "0.92")  # no rung is due here
    await again.wait(20)
    held = sum(desk.broker.held.values())
    assert sum(p.quantity for p in again.engine.ledger.positions.values()) == held
    standing = {o.ref: o.terms.stop_price for o in again.broker.live if o.type is OrderType.STOP}
    assert all((standing[ref] or 0) >= (price or 0) for ref, price in stops.items() if ref in standing)
    await come_to_an_end(again)
    assert not any(again.broker.held.values())
    assert again.broker.live == []
    assert sum((p.realized_pnl for p in again.store.positions), Decimal(0)) == again.broker.cash
    assert again.store.refused == []
