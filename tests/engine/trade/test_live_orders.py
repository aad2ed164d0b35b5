"""Orders that the broker never takes back: counted, told once, and changed to where they do what is wanted."""

from decimal import Decimal

import pytest

from bot.domain.events.orders import ErrorMeaning, OrderErred
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide, OrderState, Purpose
from tests.engine.desk import Desk

ONE_TICK = Decimal("0.01")


def takes_nothing_back(desk: Desk, code: int = 10148) -> list[str]:
    """Have every cancel refused from now on; return the references as they come."""
    asked: list[str] = []

    def refuse(order_ref: str, order_id: int) -> None:
        asked.append(order_ref)
        error = OrderErred(order_ref, code, "cannot be cancelled", ErrorMeaning.AMBIGUOUS, desk.clock.now())
        desk.put(error)

    desk.broker.cancel = refuse  # type: ignore[method-assign]
    return asked


async def lives_on(desk: Desk, seconds: int) -> None:
    for _ in range(seconds):
        await desk.tick(1.0)
        desk.broker.answer()


@pytest.mark.parametrize("code", [10148, 10147, 161, 4711, 0])
async def test_an_entry_that_is_never_taken_back_is_moved_to_one_tick(desk: Desk, code: int) -> None:
    await desk.entry_working(4)
    entry, asked = desk.broker.entry, takes_nothing_back(desk, code)
    await lives_on(desk, 120)
    assert entry.terms.limit_price == ONE_TICK
    assert (entry.terms.quantity, entry.live) == (4, True)
    assert desk.store.alerts.count("CANCEL_MISSED") == 1
    assert 3 <= len(asked) < 8, "ever more rarely"
    assert desk.store.refused == []


async def test_a_stop_that_is_never_taken_back_becomes_the_way_out(desk: Desk) -> None:
    position = await desk.hold(4)
    stop = desk.broker.stop_order
    takes_nothing_back(desk)
    desk.quote("1.90", "1.94")
    await desk.command(RequestKind.FLATTEN)
    await lives_on(desk, 40)
    assert stop.terms.stop_price == Decimal("1.94"), "at the ask: it sells by either side"
    sales = [o for o in desk.broker.live if o.side is OrderSide.SELL]
    assert [o.ref for o in sales] == [stop.ref], "nothing is sold beside an order that counts as live"
    desk.broker.fill(stop, 4, "1.90")
    await desk.settle()
    assert desk.store.positions[-1].id == position.id
    assert desk.position.quantity == 0
    assert desk.store.refused == []


async def test_a_stop_of_what_is_gone_sells_nothing_after_one_refused_cancel(desk: Desk) -> None:
    await desk.hold(2)
    stop = desk.broker.stop_order
    asked = takes_nothing_back(desk)
    desk.broker.held.clear()  # somebody sold it by hand
    for _ in range(2):
        await desk.command(RequestKind.RECONCILE)
        await lives_on(desk, 4)
    assert desk.store.positions[-1].quantity == 0
    assert stop.terms.stop_price == ONE_TICK
    assert len(asked) <= 2, "soon: what it sold would be short"
    await lives_on(desk, 60)
    assert desk.store.alerts.count("CANCEL_MISSED") == 1, "and a person hears of it"


async def test_a_rung_of_what_is_gone_is_offered_where_nobody_buys_after_one_refused_cancel(desk: Desk) -> None:
    await desk.hold(4)
    await desk.bid("3.00")
    rung = desk.broker.rung
    takes_nothing_back(desk)
    desk.broker.held.clear()
    desk.quote("2.50", "2.54")
    for _ in range(2):
        await desk.command(RequestKind.RECONCILE)
        await lives_on(desk, 5)
    assert desk.store.positions[-1].quantity == 0
    assert rung.terms.limit_price == Decimal("25.40")
    desk.quote("2.60", "2.64")
    await lives_on(desk, 60)
    assert rung.terms.limit_price == Decimal("25.40"), "it does not follow the market"
    assert desk.store.alerts.count("CANCEL_MISSED") >= 1


async def test_an_entry_beside_what_is_held_is_cut_to_the_one_contract_that_ends_it(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    takes_nothing_back(desk)
    desk.broker.fill(entry, 1, "2.00")
    await lives_on(desk, 80)
    assert entry.terms.quantity == 2, "one is bought, one more ends it"
    assert entry.terms.limit_price == Decimal("2.02")
    desk.broker.fill(entry, 1, "2.02")
    await desk.settle()
    assert desk.store.of(Purpose.ENTRY)[-1].state is OrderState.FILLED
    assert desk.broker.stop_order.left == 2, "and then there is a stop for all of it"


async def test_changes_that_are_refused_as_well_have_an_end_too(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    asked = takes_nothing_back(desk)

    def no_change(ticket: object) -> None:
        error = OrderErred(stop.ref, 4711, "not changed", ErrorMeaning.NOT_PLACED, desk.clock.now())
        desk.put(error)
        changes.append(ticket)

    changes: list[object] = []
    desk.broker.amend = no_change  # type: ignore[method-assign]
    await desk.command(RequestKind.FLATTEN)
    await lives_on(desk, 300)
    assert len(changes) == 3
    assert len(asked) < 12
    assert stop.live
    assert desk.store.alerts.count("CANCEL_MISSED") == 1


async def test_a_restart_remembers_what_was_refused(desk: Desk) -> None:
    await desk.entry_working(4)
    takes_nothing_back(desk)
    await lives_on(desk, 120)
    counted = desk.store.of(Purpose.ENTRY)[-1].cancel_misses
    assert counted >= 3
    second = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    takes_nothing_back(second)
    await lives_on(second, 90)
    assert second.store.of(Purpose.ENTRY)[-1].cancel_misses > counted
    assert second.store.alerts.count("CANCEL_MISSED") == 1, "it was told before the restart"
