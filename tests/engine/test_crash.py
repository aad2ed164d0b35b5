"""The program may die after any tick: a new one on the same store and the same broker finishes the day."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from bot.domain.events.account import AccountReported
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide, OrderType, Purpose
from bot.domain.position import PositionState
from tests.engine.desk import DAY, SPY_590C, Desk
from tests.engine.fake_store import FakeStore

LAST_TICK = 34


def market_at(desk: Desk, step: int) -> None:
    """The day's path: up to the first rung, the second, and then back through the stop."""
    bid = "1.98" if step < 8 else "3.00" if step < 16 else "4.00" if step < 26 else "2.90"
    desk.quote(bid, str(Decimal(bid) + Decimal("0.04")))


def venue(desk: Desk, step: int) -> None:
    """A venue that answers, fills what can be filled and triggers stops; a pure function of its own book."""
    desk.broker.answer()
    bid = Decimal(desk._quoted[SPY_590C.key][0] or 0)
    for order in desk.broker.live:
        if not order.heard or order.cancel_asked or order.asked:
            continue
        stop = order.terms.stop_price
        if order.side is OrderSide.BUY and step < 8:
            desk.broker.fill(order, 1, "2.00")
        elif order.type is OrderType.MARKET or (order.type is OrderType.LIMIT and order.side is OrderSide.SELL):
            desk.broker.fill(order, 1, bid)
        elif stop is not None and bid <= stop:
            desk.broker.fill(order, order.left, bid)


async def live(desk: Desk, crash_after: int, before_sending: bool) -> AsyncIterator[Desk]:
    """Play the day, with one crash."""
    for step in range(LAST_TICK):
        market_at(desk, step)
        if step == 1:
            desk.strategy.contract = desk.contract
        if step == crash_after and before_sending:
            desk.engine._dispatcher.carry_out = _nothing  # type: ignore[method-assign, assignment]
        await desk.tick(0.5)
        if step == crash_after:
            desk = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=1000 + step)
            market_at(desk, step)
            equity = Decimal(41_000)
            await desk.start()
            desk.put(AccountReported("DU1", equity, equity, equity, equity, None, None, desk.clock.now()))
        else:
            venue(desk, step)
        yield desk


async def _nothing(commands: object) -> None:
    return


async def at_the_end(desk: Desk) -> None:
    """Close what is open and check the books."""
    for position in desk.store.open_positions:
        await desk.command(RequestKind.CLOSE, position_id=position.id)
    for step in range(60):
        market_at(desk, LAST_TICK)
        await desk.tick(1.0)
        venue(desk, LAST_TICK + step)
    check(desk.store, desk)


def check(store: FakeStore, desk: Desk) -> None:
    entries = store.of(Purpose.ENTRY)
    assert len(entries) <= 1
    assert sum(t.side is OrderSide.BUY for t in desk.broker.submitted) <= 1
    assert not any(desk.broker.held.values())
    assert desk.broker.live == []
    assert all(p.state is PositionState.CLOSED for p in store.positions)
    assert sum((p.realized_pnl for p in store.positions), Decimal(0)) == desk.broker.cash
    assert len(store.positions) == (1 if desk.broker.executions else 0)
    assert store.refused == []


@pytest.mark.parametrize("before_sending", [False, True], ids=["after_sending", "before_sending"])
@pytest.mark.parametrize("crash_after", range(LAST_TICK))
async def test_a_crash_after_any_tick_leaves_one_entry_and_a_flat_book(crash_after: int, before_sending: bool) -> None:
    desk = await Desk().start()
    desk.equity(41_000)
    async for now in live(desk, crash_after, before_sending):
        desk = now
    await at_the_end(desk)
    if crash_after > 4:
        assert desk.broker.executions, "something was traded"
    assert desk.contract.expiry == DAY


async def test_an_id_that_went_out_unrecorded_is_not_given_again_when_the_gateway_s_ids_were_reset() -> None:
    desk = await Desk().start()
    desk.equity(41_000)
    desk.strategy.contract = desk.contract
    for step in range(20):
        market_at(desk, step)
        await desk.tick(0.5)
        if desk.broker.submitted:
            break
    used = max(order.order_id for order in desk.broker.book.values())
    assert [order.order_id for order in desk.store.orders] == [None], "the death came before the id was on record"
    desk.broker.next_id = 1

    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()

    assert again.broker.next_id > used
