"""A person raises a stop: one amended order and one row, by the person; and every way in which it may not be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from tests.engine.desk import Desk

MOVE = RequestKind.MOVE_STOP


async def raised(desk: Desk, stop: str, actor: str = "cli") -> tuple[str, str]:
    told = await desk.command(MOVE, actor, position_id=desk.position.id, stop=stop)
    await desk.settle()
    return told


async def test_a_raised_stop_is_amended_at_the_broker_and_stays_until_the_trail_is_above_it(desk: Desk) -> None:
    await desk.hold(1, "2.00")
    await desk.bid("2.20")
    assert await raised(desk, "1.60", "admin:web:operator") == (
        "done", "raised by admin:web:operator: stop from 1.00 to 1.60",
    )  # fmt: skip
    stop = desk.broker.stop_order
    assert (stop.terms.stop_price, stop.terms.quantity) == (Decimal("1.60"), 1)
    assert desk.position.stop_price == Decimal("1.60")
    moved = [row for row in desk.store.transitions if row.trigger == "ratchet"]
    assert [(row.actor, row.from_state, row.to_state) for row in moved] == [("admin:web:operator", "filled", "filled")]
    await desk.wait(10)
    assert desk.broker.stop_order.terms.stop_price == Decimal("1.60")
    await desk.bid("3.20")  # a single contract trails from +50 %
    await desk.wait(10)
    assert desk.broker.stop_order.terms.stop_price == Decimal("2.40"), "the trail goes on from there"


@pytest.mark.parametrize(
    "stop, code",
    [
        ("0.90", "STOP_LOWER"), ("1.00", "STOP_LOWER"), ("2.20", "STOP_AT_BID"), ("9", "STOP_AT_BID"),
        ("1.6051", "STOP_OFF_GRID"), ("", "STOP_UNCLEAR"), ("one", "STOP_UNCLEAR"), ("-1", "STOP_UNCLEAR"),
        ("1,60", "STOP_UNCLEAR"), ("NaN", "STOP_UNCLEAR"), ("1e9", "STOP_UNCLEAR"),
    ],
)  # fmt: skip
async def test_what_may_not_be_changes_nothing_and_says_why(desk: Desk, stop: str, code: str) -> None:
    await desk.hold(4, "2.00")
    await desk.bid("2.20")
    before = desk.broker.stop_order.terms
    state, answer = await raised(desk, stop)
    assert (state, answer.partition(":")[0]) == ("refused", code)
    assert desk.broker.stop_order.terms == before
    assert desk.position.stop_price == Decimal("1.00")


async def test_who_may_not_and_what_is_not_there_or_on_its_way_out_is_refused(desk: Desk) -> None:
    position = await desk.hold(4, "2.00")
    await desk.bid("2.20")
    for actor in ("overseer", "tick", "nobody"):
        state, answer = await raised(desk, "1.60", actor)
        assert (state, answer.partition(":")[0]) == ("refused", "NOT_ALLOWED")
    assert (await desk.command(MOVE, position_id="nobody", stop="1.60"))[0] == "refused"
    await desk.command(RequestKind.CLOSE, position_id=position.id)
    state, answer = await raised(desk, "1.60")
    assert state == "refused"
    assert "is closing" in answer or "is closed" in answer


async def test_while_orders_are_degraded_it_is_not_now(desk: Desk) -> None:
    await desk.hold(4, "2.00")
    await desk.bid("2.20")
    desk.put(LinkChanged(LinkChange.ORDERS_LOST, "1100", desk.clock.now()))
    await desk.tick()
    state, answer = await raised(desk, "1.60")
    assert (state, answer.partition(":")[0]) in {("refused", "STOP_NOT_NOW"), ("refused", "STOP_NO_QUOTE")}
    assert desk.position.stop_price == Decimal("1.00")
