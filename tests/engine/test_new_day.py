"""A bot that runs for months: what a day needed is let go, what is alive or still spoken of stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from bot.domain.calendar import NEW_YORK
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import ContractQualified, GreeksReceived
from bot.domain.events.orders import CommissionReported, ExecutionReported
from bot.domain.events.people import RequestKind
from bot.domain.instruments import PENNY_ALL, OptionContract, Right
from bot.domain.order import Execution, OrderSide
from bot.domain.position import PositionState
from bot.domain.quotes import Greeks
from tests.engine.desk import SPY_580P, SPY_590C, TEN, Desk
from tests.engine.fakes import FakeStrategy
from tests.sizes import grown, sizes

DAYS = 14
SETTLED_AFTER = 9  # trading days: executions are kept for a week


def remembered(desk: Desk) -> dict[str, int]:
    """Return how much each table of the engine holds; the fakes around it keep everything."""
    parts = ("_memory", "_tick_memory", "_intake", "_rounds", "_recovery", "inbox", "_dispatcher")
    engine = desk.engine
    seen = {id(desk.broker), id(desk.store), id(desk.clock), id(engine)}
    found: dict[str, int] = {}
    for part in parts:
        found |= sizes(getattr(engine, part), part, seen)
    return found


def expiring(day: date) -> OptionContract:
    return OptionContract("SPY", day, Right.CALL, Decimal(590))


def morning(day: date) -> datetime:
    return datetime.combine(day, time(10), NEW_YORK)


async def trade_a_day(desk: Desk, day: date) -> None:
    """Buy, be protected, sell at the market; somebody else trades too."""
    desk.contract = expiring(day)
    desk.put(ContractQualified(desk.contract.key, 1, PENNY_ALL))
    desk.put(GreeksReceived(desk.contract.key, Greeks(0.2, 0.5, 0.1, 0.1, -0.1, 590.0, desk.clock.now())))
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market, 2, "1.90")
    await desk.settle()
    exec_id = f"0000f{day:%m%d}.01"
    stranger = Execution(exec_id, "", 77, 0, SPY_580P.key, OrderSide.BUY, 1, Decimal(1), desk.clock.now(), 5)
    desk.put(ExecutionReported(stranger))
    desk.put(CommissionReported(exec_id, Decimal(1), desk.clock.now()))
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    for alert in list(desk.engine.ledger.alerts.values()):  # what is critical waits for a person, however long
        await desk.command(RequestKind.ACK, alert_id=alert.id)


async def night(desk: Desk, day: date) -> None:
    """The venue forgets the day, as TWS does in its restart."""
    broker = desk.broker
    broker.book, broker.executions, broker.commissions = {}, {}, {}
    desk._quoted.clear()
    desk.put(LinkChanged(LinkChange.DROPPED, "the nightly restart", desk.clock.now()))
    await desk.tick()
    desk.clock.advance((morning(day) - desk.clock.now()).total_seconds())
    await desk.connect()
    await desk.settle()


def sessions(desk: Desk, first: date, count: int) -> Iterator[date]:
    day = first
    for _ in range(count):
        yield day
        day = desk.calendar.next_session(day).day


async def test_no_table_of_the_engine_grows_from_week_to_week() -> None:
    desk = await Desk({"risk": {"max_losses_in_a_row": 1000}}, strategy=FakeStrategy()).start()
    measured: list[dict[str, int]] = []
    for day in sessions(desk, TEN.date(), DAYS):
        if measured:
            await night(desk, day)
        await trade_a_day(desk, day)
        measured.append(remembered(desk))
    assert len(desk.store.positions) == DAYS, "each day was traded"
    week = 5  # sessions; the same weekday is compared with itself, for a weekend forgets two days
    assert len(measured) - 1 - week >= SETTLED_AFTER - 1
    more = grown(measured[-1 - week], measured[-1])
    bounded = {name for name in more if name.startswith("_memory.ledger.outcomes.")}  # up to so many of a strategy
    assert more.keys() - bounded == set()


async def test_a_fill_of_yesterday_that_is_told_again_counts_once(desk: Desk) -> None:
    await desk.hold(2)
    desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    sold = list(desk.broker.executions.values())
    before = desk.position.realized_pnl
    desk.clock.advance(86_400)
    await desk.settle()
    for execution in sold:
        desk.put(ExecutionReported(execution))
        desk.put(CommissionReported(execution.exec_id, Decimal("0.65") * execution.quantity, desk.clock.now()))
    await desk.settle()
    assert desk.position.realized_pnl == before
    assert "FOREIGN_EXECUTION" not in desk.store.alerts


async def test_a_correction_of_yesterday_still_finds_its_position(desk: Desk) -> None:
    await desk.hold(2)
    sale = desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    desk.clock.advance(20 * 3600)
    await desk.settle()
    desk.put(ExecutionReported(replace(sale, exec_id=sale.exec_id.replace(".01", ".02"), price=Decimal("1.10"))))
    await desk.settle()
    assert desk.position.exit_value == Decimal("2.20")


@pytest.mark.parametrize("restarts", [False, True], ids=["running on", "started anew"])
@pytest.mark.parametrize("days", [3, 4], ids=["Monday", "Tuesday"])
async def test_a_correction_of_the_session_before_a_long_weekend_finds_its_position(
    desk: Desk, days: int, restarts: bool
) -> None:
    await desk.hold(2)
    sale = desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    desk.quoting = desk.vendor_talks = False
    for _ in range(days):
        desk.clock.advance(86_400)
        await desk.ticks(3)
    if restarts:
        desk = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    corrected = replace(sale, exec_id=sale.exec_id.replace(".01", ".02"), price=Decimal("1.10"))
    desk.put(ExecutionReported(corrected))
    desk.put(CommissionReported(corrected.exec_id, Decimal("1.50"), desk.clock.now()))
    await desk.ticks(3)
    assert (desk.position.exit_value, desk.position.commissions) == (Decimal("2.20"), Decimal("2.80"))
    assert "FOREIGN_EXECUTION" not in desk.store.alerts


async def test_a_position_held_over_many_nights_keeps_its_orders_its_quote_and_its_stop(desk: Desk) -> None:
    desk.contract = replace(SPY_590C, expiry=SPY_590C.expiry + timedelta(days=28))
    await desk.hold(4)
    stop = desk.broker.stop_order
    for _ in range(10):
        desk.clock.advance(86_400)
        await desk.settle()
    assert [o.ref for o in desk.broker.live] == [stop.ref], "nothing was sent twice, nothing was called off"
    assert desk.engine.board.quote(desk.contract.key) is not None
    assert desk.engine.ledger.fills.executions, "its fills are remembered as long as it lives"
    desk.broker.fill(stop, 4, "1.00")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_symbol_that_somebody_else_touched_is_free_again_the_next_day(desk: Desk) -> None:
    await desk.hold(2)
    stranger = Execution("0000f1.01", "", 77, 0, SPY_590C.key, OrderSide.BUY, 1, Decimal(2), desk.clock.now(), 5)
    desk.put(ExecutionReported(stranger))
    await desk.tick()
    assert set(desk.engine.ledger.entering.halted_symbols) == {"SPY"}
    desk.clock.advance(86_400)
    await desk.tick()
    assert desk.engine.ledger.entering.halted_symbols == {}


@pytest.mark.parametrize("hours, halted", [(13.9, True), (14.1, False)])
async def test_a_halt_of_the_day_ends_at_midnight_in_new_york(desk: Desk, hours: float, halted: bool) -> None:
    await desk.hold(2)
    stranger = Execution("0000f1.01", "", 77, 0, SPY_590C.key, OrderSide.BUY, 1, Decimal(2), desk.clock.now(), 5)
    desk.put(ExecutionReported(stranger))
    await desk.tick()
    desk.clock.advance((TEN + timedelta(hours=hours) - desk.clock.now()).total_seconds())
    await desk.tick()
    assert bool(desk.engine.ledger.entering.halted_symbols) is halted


async def test_what_somebody_does_right_after_midnight_halts_the_new_day(desk: Desk) -> None:
    desk.contract = replace(SPY_590C, expiry=SPY_590C.expiry + timedelta(days=28))
    await desk.hold(2)
    desk.clock.advance(86_400)
    stranger = Execution("0000f1.01", "", 77, 0, desk.contract.key, OrderSide.BUY, 1, Decimal(2), desk.clock.now(), 5)
    desk.put(ExecutionReported(stranger))
    await desk.tick()
    assert set(desk.engine.ledger.entering.halted_symbols) == {"SPY"}
