"""Fills that count, once each; a corrected one moves to execution_replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Index, String, UniqueConstraint

from bot.domain.order import Execution, OrderSide
from bot.engine.state.records import NewExecution
from bot.store.fields import Field, given, label, large, money, of_column, ref, shown, utc, whole, word
from bot.store.stored import Stored


def fields_of_a_fill() -> list[Field]:
    """Return what is kept of a fill, whether it counts or was corrected."""
    return [
        of_column(Column("exec_id", String(64), primary_key=True, comment="the broker's id, revision included")),
        shown(of_column(Column("base_id", String(64), nullable=False, comment="exec_id without its revision"))),
        label("order_ref"),
        given(ref("order_id", "broker_order.id", maybe=True)),
        given(ref("position_id", "position.id", maybe=True)),
        large("perm_id"),
        whole("broker_order_id", "TWS order id", field="order_id"),
        whole("client_id"),
        label("contract_key"),
        word("side", OrderSide),
        whole("quantity"),
        money("price"),
        given(money("commission", "null: not reported yet", maybe=True)),
        utc("executed_at"),
        given(utc("recorded_at")),
    ]


_INDEXED: Final = ("order_ref", "position_id", "order_id", "executed_at")
EXECUTIONS: Final = Stored(
    Execution,
    "execution",
    *fields_of_a_fill(),
    more=(UniqueConstraint("base_id"), *(Index(None, name) for name in _INDEXED)),
    comment="fills that count, once each; a corrected one moves to execution_replaced",
)
EXECUTION: Final = EXECUTIONS.table


def execution_row(row: NewExecution, recorded_at: datetime) -> dict[str, Any]:
    """Return the columns of a fill with what it belongs to."""
    return EXECUTIONS.row(
        row.execution,
        order_id=row.order_id,
        position_id=row.position_id,
        commission=row.commission,
        recorded_at=recorded_at,
    )
