"""The gateway knows executions since midnight only: our table is the history, and it is compared in time (P39)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.domain.events.people import AlertRaised, RequestKind
from bot.domain.instruments import OptionContract, Right
from tests.engine.desk import Desk

CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
LONGER = OptionContract("SPY", date(2026, 11, 27), Right.CALL, Decimal(590))


def differences(desk: Desk) -> list[AlertRaised]:
    return [alert for batch in desk.store.batches for alert in batch.alerts if alert.code == "DAY_TOTALS_DIFFER"]


def runs(desk: Desk) -> list[str]:
    return [job.state for batch in desk.store.batches for job in batch.jobs if job.name == "day_totals"]


async def traded(desk: Desk) -> None:
    """Buy four and sell them again, and let the evening come."""
    await desk.hold(4)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market, 4, "2.10")
    await desk.settle()
    await evening(desk)


async def evening(desk: Desk) -> None:
    desk.quoting = desk.vendor_talks = False
    desk.clock.advance((CLOSE - desk.clock.now()).total_seconds())
    await desk.ticks(30, 5)


async def test_p39_totals_that_agree_are_on_record_once_the_same_evening(desk: Desk) -> None:
    await traded(desk)
    await desk.ticks(60, 60)
    assert runs(desk) == ["agrees"]
    assert differences(desk) == []
    assert desk.clock.now() < CLOSE + timedelta(hours=8), "before midnight"


async def test_p39_an_execution_that_the_broker_does_not_have_is_told_by_contract_and_side(desk: Desk) -> None:
    await desk.hold(4)
    bought = next(iter(desk.broker.executions))
    del desk.broker.executions[bought]
    await evening(desk)
    (alert,) = differences(desk)
    assert alert.severity == "critical"
    assert alert.facts == {"SPY   261120C00590000 BUY": "4 for 8.00 here, 0 for 0 there"}
    assert runs(desk) == ["differs"]


async def test_p39_a_price_that_the_broker_has_otherwise_is_told(desk: Desk) -> None:
    await desk.hold(4)
    key = next(iter(desk.broker.executions))
    desk.broker.executions[key] = replace(desk.broker.executions[key], price=Decimal("1.99"))
    await evening(desk)
    assert "4 for 8.00 here, 4 for 7.96 there" in differences(desk)[0].text


async def test_p39_an_incomplete_book_compares_nothing_and_the_next_whole_one_does(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.incomplete = True
    await evening(desk)
    assert runs(desk) == []
    desk.broker.incomplete = False
    await desk.ticks(40, 10)
    assert runs(desk) == ["agrees"]


async def test_p39_a_gateway_that_forgot_yesterday_takes_nothing_from_a_position_held_overnight(desk: Desk) -> None:
    desk.contract = LONGER
    await desk.hold(4)
    before, known = desk.position, set(desk.store.tables["executions"])
    desk.broker.executions.clear()  # after midnight the gateway answers with nothing
    desk.quoting = desk.vendor_talks = False
    desk.clock.advance(18 * 3600)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.quoting = again.vendor_talks = False
    await again.ticks(5, 5)
    assert (again.position.quantity, again.position.entry_price) == (4, before.entry_price)
    assert set(again.store.tables["executions"]) == known
    assert again.broker.stop_order.left == 4
    assert differences(again) == []
    assert again.store.session.state == "active"
