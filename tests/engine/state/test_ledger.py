"""What may change of an entity is typed, and changes in one place with all that follows from it."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest
from mypy import api

from bot.domain.errors import IllegalTransition
from bot.domain.kinds import KINDS
from bot.domain.machine import Living
from bot.domain.order import OrderChange, OrderSide, OrderState, OrderTrigger
from bot.domain.signal import SignalChange, SignalTrigger
from tests.engine.desk import Desk
from tests.engine.one_door import watched

PRELUDE = """
from datetime import datetime
from bot.domain.order import Order, OrderChange, OrderTrigger
from bot.domain.position import Position, PositionChange, PositionTrigger
from bot.engine.state.steps import Step
def decide(order: Order, position: Position, now: datetime) -> None:
    """
FINE = "Step(order, OrderTrigger.FILL, '', {}, OrderChange(done_at=now))"
WRONG = {
    "a name that is none": "Step(order, OrderTrigger.FILL, '', {}, OrderChange(done=now))",
    "a value of another type": "Step(order, OrderTrigger.FILL, '', {}, OrderChange(filled_quantity='1'))",
    "a mapping of anything": "Step(order, OrderTrigger.FILL, '', {}, {'done_at': now})",
    "another kind's change": "Step(order, OrderTrigger.FILL, '', {}, PositionChange(closed_at=now))",
    "another kind's trigger": "Step(order, PositionTrigger.CLOSE, '')",
    "a state, which moves by a trigger": "Step(order, OrderTrigger.FILL, '', {}, OrderChange(state=order.state))",
    "an assignment elsewhere": "order.filled_quantity = 3",
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_change_names_fields_of_its_entity_with_their_types(kind: type[Living[Any, Any]]) -> None:
    triggers, change = get_args(kind.__orig_bases__[0])  # type: ignore[attr-defined]
    assert triggers is KINDS[kind].life.triggers
    there, changes = get_type_hints(kind), get_type_hints(change)
    assert {name: there.get(name) for name in changes} == changes
    assert changes.keys().isdisjoint({"id", "state"}), "a state moves by a trigger, an id never"


def test_the_type_checker_sees_a_wrong_change() -> None:
    lines = [PRELUDE + FINE, *(f"    {wrong}" for wrong in WRONG.values())]
    told, trouble, _ = api.run(["--strict", "--config-file=", "--ignore-missing-imports", "-c", "\n".join(lines)])
    first = (PRELUDE + FINE).count("\n") + 1
    seen = {int(line.split(":")[1]) for line in told.splitlines() if line.startswith("<string>:") and "error" in line}
    assert not trouble
    assert seen == set(range(first + 1, first + 1 + len(WRONG))), told


async def test_the_indexes_follow_every_change(desk: Desk) -> None:
    await desk.entry_working(2)
    ledger = desk.engine.ledger
    order = next(iter(ledger.order_index.open.values()))
    ledger.change(order, OrderChange(perm_id=77, filled_quantity=2))
    assert ledger.order_index.by_perm[77] is order
    assert ledger.change(order, by=OrderTrigger.FILL) == (OrderState.WORKING, OrderState.FILLED)
    assert order.id not in ledger.order_index.open
    assert ledger.order_index.live_on(order.contract_key, OrderSide.BUY) == []
    signal = next(iter(ledger.signals.values()))
    ledger.change(signal, SignalChange(closed_at=signal.created_at), by=SignalTrigger.CANCEL)
    assert (signal.id in ledger.signals, ledger.signal_index.of(signal.id)) == (False, signal)


async def test_what_the_table_refuses_changes_nothing(desk: Desk) -> None:
    await desk.entry_working(2)
    order = next(iter(desk.engine.ledger.order_index.open.values()))
    with pytest.raises(IllegalTransition):
        desk.engine.ledger.change(order, OrderChange(tag="other"), by=OrderTrigger.RESEND)
    assert (order.state, order.tag) == (OrderState.WORKING, "entry")


async def test_the_watch_sees_who_writes_past_the_door(desk: Desk) -> None:
    await desk.entry_working(2)
    order = next(iter(desk.engine.ledger.order_index.open.values()))
    code = compile("order.tag = 'other'", "/somewhere/bot/engine/careless.py", "exec")
    with watched() as offences:
        exec(code, {"order": order})
        desk.engine.ledger.change(order, OrderChange(tag="entry"))
    assert offences == ["/somewhere/bot/engine/careless.py:1 Order.tag"]
