"""What executions change, as functions of plain values: nothing is written, and sums are those of the executions."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import fills
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import (
    ORDER,
    Execution,
    Order,
    OrderSide,
    OrderState,
    OrderTrigger,
    OrderType,
    Purpose,
    Terms,
)
from bot.domain.order_tag import Why
from bot.domain.position import OPEN, POSITION, ExitPlan, Position, PositionState, PositionTrigger, Settlement
from bot.domain.signal import SIGNAL, SignalTrigger

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
PLAN = ExitPlan((), Decimal("0.5"), Decimal("0.25"), Decimal("0.5"), None)
CONTRACT = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(600))
FILLS = st.lists(st.tuples(st.integers(1, 20), st.decimals("0.01", "50", places=2)), min_size=1, max_size=6)


def position(**values: Any) -> Position:
    return Position("p", CONTRACT, "zero_dte_gamma", PLAN, NOW, **values)


def order(**values: Any) -> Order:
    terms = Terms(10, limit_price=Decimal(2))
    return Order(
        "o", "qty-o", CONTRACT.key, Purpose.ENTRY, OrderSide.BUY, OrderType.LIMIT, terms, NOW, NOW, **values
    )  # fmt: skip


def execution(quantity: int, price: Decimal | str, exec_id: str = "1.01", perm_id: int = 0) -> Execution:
    known = {"order_ref": "qty-o", "perm_id": perm_id, "order_id": 1, "client_id": 1, "contract_key": CONTRACT.key}
    given: dict[str, Any] = {**known, "side": OrderSide.BUY, "executed_at": NOW}
    return Execution(exec_id=exec_id, quantity=quantity, price=Decimal(price), **given)


def after(entity: Any, change: Any) -> Any:
    """The same entity with the change, as a value of its own."""
    return replace(entity, **change)


@given(FILLS)
def test_an_order_and_its_position_hold_the_sums_of_the_executions(done: list[tuple[int, Decimal]]) -> None:
    asked, held = order(), position()
    for quantity, price in done:
        asked = after(asked, fills.fill_order(asked, execution(quantity, price)))
        held = after(held, fills.fill_entry(held, execution(quantity, price)))
    value = sum((quantity * price for quantity, price in done), Decimal(0))
    assert (asked.filled_quantity, asked.filled_value) == (held.quantity, held.entry_value)
    assert (held.entry_quantity, held.entry_value) == (sum(quantity for quantity, _ in done), value)
    assert held.high == max(price for _, price in done)


def test_nothing_is_written_by_asking_what_changes() -> None:
    held, asked = position(entry_quantity=4, entry_value=Decimal(8)), order(filled_quantity=4)
    before = copy.copy(held), copy.copy(asked)
    fills.fill_entry(held, execution(1, "2"))
    fills.fill_exit(held, execution(1, "2"))
    fills.fill_order(asked, execution(1, "2"))
    fills.unsettle(held, 1)
    fills.lose(held, 2)
    assert (held, asked) == before


def test_the_permid_of_the_first_execution_is_learned_and_never_replaced() -> None:
    assert fills.fill_order(order(), execution(1, "2", perm_id=7))["perm_id"] == 7
    assert "perm_id" not in fills.fill_order(order(perm_id=5), execution(1, "2", perm_id=7))
    assert "perm_id" not in fills.fill_order(order(), execution(1, "2"))


@given(FILLS, st.integers(0, 20), st.decimals("0.01", "50", places=2))
def test_a_correction_leaves_what_the_corrected_execution_alone_would_have(
    others: list[tuple[int, Decimal]], quantity: int, price: Decimal
) -> None:
    first, later = execution(3, "2.00"), execution(quantity, price, "1.02")
    corrected, direct, asked = position(), position(), order()
    for each in others:
        corrected, direct = (after(p, fills.fill_entry(p, execution(*each))) for p in (corrected, direct))
    corrected, asked = (
        after(corrected, fills.fill_entry(corrected, first)),
        after(asked, fills.fill_order(asked, first)),
    )
    more = fills.difference(first, later)
    corrected = after(corrected, fills.correct_entry(corrected, more))
    direct = after(direct, fills.fill_entry(direct, later))
    assert (corrected.entry_quantity, corrected.entry_value) == (direct.entry_quantity, direct.entry_value)
    asked = after(asked, fills.correct_order(asked, more))
    assert (asked.filled_quantity, asked.used_quantity) == (quantity, 3), "what was used up at the broker stays used"


@given(st.integers(1, 10), st.integers(1, 10))
def test_what_is_found_gone_and_given_back_is_as_it_was(bought: int, gone: int) -> None:
    held = position(entry_quantity=bought, entry_value=Decimal(2 * bought))
    lost = after(held, fills.lose(held, gone))
    assert lost.quantity == bought - gone
    assert after(lost, fills.lose(lost, -gone)) == held


def test_a_sale_heard_of_late_takes_its_part_of_the_settlement_back_and_all_of_it_the_settlement() -> None:
    settled = position(
        entry_quantity=4, entry_value=Decimal(8), settled_quantity=4, settled_value=Decimal(6), left_early=4,
        settlement=Settlement.SEEN, shares_before=100,
    )  # fmt: skip
    part = after(settled, fills.unsettle(settled, 1))
    assert (part.settled_quantity, part.settled_value, part.left_early) == (3, Decimal("4.5"), 3)
    assert (part.settlement, part.shares_before) == (Settlement.SEEN, 100)
    none = after(settled, fills.unsettle(settled, 4))
    assert (none.settled_quantity, none.settled_value, none.left_early) == (0, 0, 0)
    assert (none.settlement, none.shares_before) == (None, None)


def test_what_somebody_else_sold_stays_when_the_rest_is_unsettled() -> None:
    settled = position(
        entry_quantity=4, settled_quantity=4, settled_value=Decimal(6), elsewhere_quantity=1,
        elsewhere_value=Decimal(3),
    )  # fmt: skip
    left = after(settled, fills.unsettle(settled, 3))
    assert (left.settled_quantity, left.settled_value) == (1, Decimal(3))


def test_sums_of_what_was_sold_elsewhere_are_replaced_and_not_added() -> None:
    held = position(entry_quantity=2, elsewhere_quantity=2, settled_quantity=2)
    once = after(held, fills.count_elsewhere(held, Decimal(4), Decimal("1.30")))
    again = after(once, fills.count_elsewhere(once, Decimal(3), Decimal("0.65")))
    assert (again.settled_value, again.commissions) == (Decimal(3), Decimal("0.65"))
    assert (again.elsewhere_value, again.elsewhere_commission) == (Decimal(3), Decimal("0.65"))


def test_a_part_of_an_entry_leaves_at_its_own_mean_price() -> None:
    held = position(entry_quantity=4, entry_value=Decimal(10))
    assert fills.take_from_entry(held, 1) == fills.Difference(-1, Decimal("-2.5"))


# ---- which triggers an execution is


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("remaining", [-1, 0, 1])
def test_an_execution_is_a_trigger_that_its_orders_table_takes(state: OrderState, remaining: int) -> None:
    trigger = fills.order_trigger(state, remaining)
    assert (state, trigger) in ORDER.table
    if state is OrderState.FILLED:
        assert trigger is OrderTrigger.LATE_FILL
    elif remaining <= 0:
        assert trigger is OrderTrigger.FILL
    else:
        over = state in {OrderState.CANCELLED, OrderState.REJECTED}
        assert trigger is (OrderTrigger.LATE_FILL if over else OrderTrigger.PARTIAL_FILL)


S, T = PositionState, PositionTrigger


@pytest.mark.parametrize(
    "state, left, purpose, why, triggers",
    [
        (S.FILLED, 2, Purpose.PROTECT, Why.STOP, (T.STOPPED, T.EXIT_FILL)),
        (S.TRAILING, 0, Purpose.PROTECT, Why.STOP, (T.STOPPED, T.EXIT_FILL)),
        (S.CLOSING, 1, Purpose.PROTECT, Why.STOP, (T.EXIT_FILL,)),
        (S.FILLED, 2, Purpose.EXIT, Why.RUNG, (T.SCALE_OUT,)),
        (S.TRAILING, 0, Purpose.EXIT, Why.RUNG, (T.REQUEST_CLOSE, T.EXIT_FILL)),
        (S.CLOSING, 1, Purpose.EXIT, Why.RUNG, (T.SCALE_OUT,)),
        (S.FILLED, 2, Purpose.EXIT, Why.CLOSE, (T.REQUEST_CLOSE, T.EXIT_FILL)),
        (S.CLOSING, 0, Purpose.EXIT, Why.CLOSE, (T.EXIT_FILL,)),
        (S.CLOSING, -1, Purpose.EXIT, Why.OTHER, (T.EXIT_FILL,)),
    ],
)
def test_a_sale_is_what_its_order_was_for(
    state: PositionState, left: int, purpose: Purpose, why: Why, triggers: tuple[PositionTrigger, ...]
) -> None:
    assert fills.exit_triggers(state, left, purpose, why) == triggers


@pytest.mark.parametrize("state", sorted(OPEN))
@pytest.mark.parametrize("left", [-1, 0, 3])
@pytest.mark.parametrize("purpose", [Purpose.PROTECT, Purpose.EXIT])
@pytest.mark.parametrize("why", Why)
def test_the_triggers_of_a_sale_are_taken_one_after_the_other(
    state: PositionState, left: int, purpose: Purpose, why: Why
) -> None:
    now: StrEnum = state
    for trigger in fills.exit_triggers(state, left, purpose, why):
        now = POSITION.table[now, trigger]
    assert now is PositionState.CLOSING or left > 0


def test_a_fill_leads_out_of_every_end_of_a_signal_but_its_own() -> None:
    assert {state for state in SIGNAL.terminal if (state, SignalTrigger.LATE_FILL) in SIGNAL.table} == fills.GIVEN_UP
