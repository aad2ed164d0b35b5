"""Wherever quantity is open: a stop for exactly what is left, within the limit; the time without one is measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import ExecutionReported
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide
from bot.domain.position import PositionState, Protection
from tests.engine.book.test_reconciler import compare_until_sure
from tests.engine.desk import SPY_580P, SPY_590C, TAKES_ALL, Desk


@pytest.fixture
async def desk() -> Desk:
    """What the broker holds is taken over: these are about what follows."""
    return await Desk(TAKES_ALL).start()


LIMIT = Desk().settings.execution.protection_limit_s


def stopped(desk: Desk, key: str = SPY_590C.key) -> int:
    return sum(o.left for o in desk.broker.live if o.key == key and o.side is OrderSide.SELL and o.heard)


async def covered_within_the_limit(desk: Desk, key: str = SPY_590C.key) -> None:
    """Tick with a broker that answers; what is held must be covered, exactly, before the limit is over."""
    end = desk.clock.now() + timedelta(seconds=LIMIT)
    while stopped(desk, key) != desk.broker.held[key]:
        assert desk.clock.now() < end, f"{stopped(desk, key)} of {desk.broker.held[key]} after {LIMIT:g} s"
        await desk.tick()
        desk.broker.answer()
    await desk.tick()
    (position,) = [p for p in desk.store.open_positions if p.key == key]
    assert (position.protection, position.unprotected_quantity, position.unprotected_since) == (
        Protection.WORKING, 0, None,
    )  # fmt: skip
    assert desk.store.refused == []


async def test_an_entry_that_fills_at_once(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4)
    await covered_within_the_limit(desk)


async def test_an_entry_partly_filled_whose_remainder_is_cancelled(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 3)
    await desk.ticks(22, 1.0)
    desk.broker.cancel_ack(desk.broker.entry)
    await covered_within_the_limit(desk)
    assert stopped(desk) == 3


async def test_a_fill_that_comes_after_the_cancel(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 2)
    await desk.ticks(22, 1.0)
    late = desk.broker.execute(entry, 2, "2.00")
    desk.broker.cancel_ack(entry)
    await desk.settle()
    desk.put(ExecutionReported(late))
    await covered_within_the_limit(desk)
    assert stopped(desk) == 4


async def test_a_corrected_execution_that_enlarges_the_position(desk: Desk) -> None:
    await desk.hold(2)
    first = next(iter(desk.broker.executions.values()))
    desk.broker.held[SPY_590C.key] = 3
    desk.put(ExecutionReported(replace(first, exec_id=first.exec_id.replace(".01", ".02"), quantity=3)))
    await desk.tick()
    assert (desk.position.unprotected_quantity, desk.position.protection) == (1, Protection.WANTED)
    desk.quoting = False  # it needs no quote
    await covered_within_the_limit(desk)


async def test_a_resize_that_the_broker_refuses_is_asked_again_without_a_quote(desk: Desk) -> None:
    await desk.hold(2)
    first = next(iter(desk.broker.executions.values()))
    desk.broker.held[SPY_590C.key] = 3
    desk.put(ExecutionReported(replace(first, exec_id=first.exec_id.replace(".01", ".02"), quantity=3)))
    await desk.ticks(2)
    desk.broker.refuse_amendment(desk.broker.stop_order)
    desk.quoting = False
    await desk.wait(LIMIT + 1)
    assert stopped(desk) == 3
    assert "UNPROTECTED" in desk.store.alerts


async def test_a_position_of_which_somebody_else_sold_some(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held[SPY_590C.key] = 2
    await compare_until_sure(desk)
    await covered_within_the_limit(desk)


async def test_contracts_that_somebody_else_bought(desk: Desk) -> None:
    desk.broker.held[SPY_580P.key] = 3
    desk.quote("2.00", "2.04", SPY_580P)
    await compare_until_sure(desk)
    await covered_within_the_limit(desk, SPY_580P.key)


async def test_what_a_rung_left_over(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    desk.broker.fill(desk.broker.rung, 1, "3.00")
    await covered_within_the_limit(desk)
    assert stopped(desk) == 3


async def test_a_stop_that_the_venue_took_away(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.tick()
    assert desk.position.protection is Protection.WANTED
    await covered_within_the_limit(desk)


# ---- the measure


async def test_contract_seconds_count_each_contract_for_as_long_as_it_had_no_stop(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 1)
    await desk.tick(1.0)  # heard of now: one contract from here
    desk.broker.fill(desk.broker.entry, 3)
    await desk.tick(2.0)  # 1 x 2 s, four contracts from here
    await desk.tick(1.5)
    desk.broker.ack(desk.broker.stop_order)
    await desk.tick(0.5)  # 4 x 2 s, and covered
    position = desk.position
    assert (position.unprotected_ms, position.unprotected_contract_ms) == (4000, 10_000)
    assert (position.unprotected_quantity, position.protection) == (0, Protection.WORKING)


async def test_a_stop_in_doubt_protects_nothing_until_it_is_found(desk: Desk) -> None:
    await desk.hold(4)
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    desk.broker.hide.add(desk.broker.stop_order.ref)
    desk.clock.advance(30)
    await desk.connect()
    await desk.ticks(2)
    assert (desk.position.unprotected_quantity, desk.position.protection) == (4, Protection.WANTED)
    desk.broker.hide.clear()
    await desk.wait(6)
    assert (desk.position.unprotected_quantity, desk.position.protection) == (0, Protection.WORKING)


@pytest.mark.parametrize("rung", [False, True])
async def test_on_the_way_out_the_exit_is_the_cover(desk: Desk, rung: bool) -> None:
    await desk.hold(4)
    if rung:
        await desk.bid("3.00")
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    assert desk.position.protection is Protection.LEAVING
    await desk.settle()
    assert desk.position.unprotected_quantity == 0, "the market order works"
    assert desk.position.unprotected_contract_ms > 0, "between the stop's end and the market order nothing did"
    desk.broker.fill(desk.broker.market)
    await desk.settle()
    assert (desk.position.state, desk.position.protection) == (PositionState.CLOSED, Protection.ENDED)
    assert desk.position.unprotected_since is None


async def test_the_measure_goes_on_over_a_restart(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4)
    await desk.tick(1.0)
    assert desk.position.unprotected_quantity == 4
    desk.clock.advance(5)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await again.settle()
    assert again.position.unprotected_quantity == 0
    assert again.position.unprotected_contract_ms >= 4 * 5000


async def test_a_price_correction_alone_is_no_change_of_cover(desk: Desk) -> None:
    await desk.hold(2)
    before = desk.position.unprotected_contract_ms
    first = next(iter(desk.broker.executions.values()))
    corrected = replace(first, exec_id=first.exec_id.replace(".01", ".02"), price=Decimal("2.01"))
    desk.put(ExecutionReported(corrected))
    await desk.settle()
    assert desk.position.unprotected_contract_ms == before
    assert desk.position.protection is Protection.WORKING
