"""A person's edit of a signal: within rules and sizing, a row, asked anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bot.domain.approval import Approval
from bot.domain.events.people import RequestKind
from bot.domain.position import Position
from bot.domain.signal import SignalState
from tests.engine.desk import Desk

K = RequestKind
MANUAL: dict[str, Any] = {"approval": {"mode": "manual"}}


@pytest.fixture
async def desk() -> Desk:
    """A signal of 4 at 2.00 waits for a person; bid 1.99, ask 2.01 say."""
    desk = await Desk(MANUAL).start()
    await desk.propose(4)
    await desk.settle()
    return desk


async def edit(desk: Desk, actor: str = "cli", **terms: str) -> tuple[str, str]:
    found = await desk.command(K.EDIT, actor=actor, signal_id=desk.signal.id, **terms)
    await desk.settle()
    return found


async def test_an_edit_is_a_row_with_the_difference_and_the_question_stays_open(desk: Desk) -> None:
    state, answer = await edit(desk, actor="admin:web:ann", quantity="3", limit="1.95", stop="1.20")
    assert (state, desk.signal.state) == ("done", SignalState.PENDING)
    assert "quantity 4 → 3, limit 2.00 → 1.95, stop the strategy's → 1.20" in answer
    assert "it is asked anew" in answer
    rows = [(row.machine, row.trigger, row.actor) for row in desk.store.transitions if row.trigger == "edit"]
    assert rows == [("approval", "edit", "admin:web:ann"), ("signal", "edit", "admin:web:ann")]
    signal = desk.signal
    assert (signal.quantity, signal.limit_price, signal.notional) == (3, Decimal("1.95"), Decimal("585.00"))
    assert desk.broker.submitted == []
    (question,) = desk.store.entities.of(Approval).values()
    assert question.state == "requested"


async def test_what_was_edited_is_what_is_bought_and_protected(desk: Desk) -> None:
    await edit(desk, quantity="3", stop="1.20")
    await desk.command(K.APPROVE, actor="admin:web:ann", signal_id=desk.signal.id)
    await desk.settle()
    assert desk.broker.entry.terms.quantity == 3
    desk.broker.fill(desk.broker.entry, 3, "2.00")
    await desk.settle()
    (position,) = desk.store.entities.of(Position).values()
    assert position.plan.stop_loss == Decimal("0.4")
    assert [o.terms.stop_price for o in desk.engine.ledger.order_index.open.values()] == [Decimal("1.20")]


REFUSED = [
    ({}, "EDIT_EMPTY"), ({"quantity": "4"}, "EDIT_EMPTY"), ({"quantity": "1000"}, "EDIT_TOO_LARGE"),
    ({"quantity": "0"}, "EDIT_UNCLEAR"), ({"quantity": "-2"}, "EDIT_UNCLEAR"), ({"quantity": "2.5"}, "EDIT_UNCLEAR"),
    ({"quantity": "9" * 200}, "EDIT_UNCLEAR"), ({"quantity": "\u0663"}, "EDIT_UNCLEAR"),
    ({"limit": "2,10"}, "EDIT_UNCLEAR"),
    ({"limit": "NaN"}, "EDIT_UNCLEAR"), ({"limit": "<b>2</b>"}, "EDIT_UNCLEAR"), ({"limit": "9.00"}, "EDIT_ABOVE_ASK"),
    ({"limit": "1.9551"}, "EDIT_OFF_GRID"), ({"stop": "2.00"}, "EDIT_STOP_TOO_HIGH"),
    ({"stop": "0.10"}, "EDIT_STOP_TOO_LOW"),
]  # fmt: skip


@pytest.mark.parametrize("terms,code", REFUSED)
async def test_terms_that_are_none_or_too_much_change_nothing(desk: Desk, terms: dict[str, str], code: str) -> None:
    before = (desk.signal.quantity, desk.signal.limit_price, len(desk.store.transitions))
    state, answer = await edit(desk, **terms)
    assert (state, answer.split(":")[0]) == ("refused", code)
    assert (desk.signal.quantity, desk.signal.limit_price) == before[:2]
    assert not [row for row in desk.store.transitions if row.trigger == "edit"]


async def test_more_contracts_than_sizing_allows_are_refused_and_as_many_as_it_allows_taken(desk: Desk) -> None:
    state, answer = await edit(desk, quantity="60")
    assert (state, answer[:14]) == ("refused", "EDIT_TOO_LARGE")
    most = int(answer.split("; ")[1].split()[0])
    assert (await edit(desk, quantity=str(most)))[0] == ("done" if most != 4 else "refused")
    assert (await edit(desk, quantity=str(most + 1)))[0] == "refused"


async def test_what_a_person_has_just_approved_is_edited_no_more_and_approved_once(desk: Desk) -> None:
    await desk.command(K.APPROVE, actor="admin:web:ann", signal_id=desk.signal.id)
    again = await desk.command(K.APPROVE, actor="admin:web:bob", signal_id=desk.signal.id)
    late = await desk.command(K.EDIT, signal_id=desk.signal.id, quantity="1")
    assert [state for state, _ in (again, late)] == ["refused", "refused"]
    await desk.settle()
    approved = [row.actor for row in desk.store.transitions if (row.machine, row.trigger) == ("approval", "approve")]
    assert (approved, desk.broker.entry.terms.quantity) == (["admin:web:ann"], 4)


async def test_a_person_may_take_their_time(desk: Desk) -> None:
    await desk.wait(100)  # longer than a preview of the broker's is good for an order
    assert (await edit(desk, quantity="3"))[0] == "done"
    await desk.command(K.APPROVE, signal_id=desk.signal.id)
    await desk.settle()
    assert desk.broker.entry.terms.quantity == 3


async def test_an_edit_outlives_a_restart(desk: Desk) -> None:
    await edit(desk, quantity="2", stop="1.50")
    again = await Desk(MANUAL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    (signal,) = again.engine.ledger.signals.values()
    assert (signal.quantity, signal.stop_price) == (2, Decimal("1.50"))
