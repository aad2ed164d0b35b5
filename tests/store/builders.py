"""Entities and batches that show only what a test is about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.approval import Approval
from bot.domain.ids import ulid
from bot.domain.instruments import OptionContract, Right
from bot.domain.kinds import Entities, Entity
from bot.domain.order import Execution, Order, OrderSide, OrderType, Purpose, Terms
from bot.domain.position import ExitPlan, Position, Rung
from bot.domain.signal import Signal
from bot.engine.state.records import NewExecution, NewTransition, TickBatch

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
CONTRACT = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(590))
PLAN = ExitPlan(
    rungs=(Rung(Decimal("0.50"), Decimal("0.25")), Rung(Decimal("1.00"), Decimal("0.75"))),
    stop_loss=Decimal("0.50"),
    trail=Decimal("0.25"),
    single_trail_from=Decimal("0.50"),
    flat_at=datetime(2026, 11, 20, 20, 50, tzinfo=UTC),
)


class FixedClock:
    """A clock that a test sets."""

    speed = 1.0

    def __init__(self, at: datetime = NOW) -> None:
        if at.tzinfo is None:
            raise ValueError(f"{at.isoformat()} has no time zone")
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def steady_s(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=max(0.0, seconds))
        await asyncio.sleep(0)


def an_id(number: int) -> str:
    return ulid(NOW, number)


def a_signal(number: int = 1, **changes: Any) -> Signal:
    signal = Signal(
        id=an_id(number),
        strategy="zero_dte_gamma",
        contract=CONTRACT,
        quantity=4,
        limit_price=Decimal("1.2500"),
        notional=Decimal("500.0000"),
        created_at=NOW,
        expires_at=NOW + timedelta(seconds=180),
        rationale={"max_gamma_strike": "590", "imbalance": 0.31},
    )
    return replace(signal, **changes)


def an_approval(signal: Signal, **changes: Any) -> Approval:
    return replace(Approval(f"{signal.id}A", signal.id, NOW, NOW + timedelta(seconds=180)), **changes)


def a_position(signal: Signal | None = None, number: int = 50, **changes: Any) -> Position:
    position = Position(
        id=an_id(number),
        contract=CONTRACT,
        strategy="zero_dte_gamma",
        plan=PLAN,
        opened_at=NOW,
        signal_id=signal.id if signal else None,
        entry_quantity=4,
        entry_value=Decimal("5.0000"),
        high=Decimal("1.2500"),
    )
    return replace(position, **changes)


def an_order(number: int = 10, **changes: Any) -> Order:
    order = Order(
        id=an_id(number),
        order_ref=f"qty-{an_id(number)}",
        contract_key=CONTRACT.key,
        purpose=Purpose.ENTRY,
        side=OrderSide.BUY,
        order_type=OrderType.LIMIT,
        terms=Terms(4, limit_price=Decimal("1.2500")),
        created_at=NOW,
        state_since=NOW,
    )
    return replace(order, **changes)


def a_fill(
    order: Order,
    number: int,
    quantity: int,
    price: str,
    *,
    commission: str | None = "2.60",
    revision: str = "01",
    **more: Any,
) -> NewExecution:
    execution = Execution(
        exec_id=f"0000e0d5.{number:08x}.01.{revision}",
        order_ref=order.order_ref,
        perm_id=order.perm_id or 0,
        order_id=order.order_id or 0,
        contract_key=order.contract_key,
        side=order.side,
        quantity=quantity,
        price=Decimal(price),
        executed_at=more.pop("executed_at", NOW),
    )
    paid = None if commission is None else Decimal(commission)
    return NewExecution(execution, paid, order.id, order.position_id, more.pop("replaces", None))


def a_step(
    entity_id: str, before: str, after: str, trigger: str, *, machine: str = "signal", actor: str = "tick", **more: Any
) -> NewTransition:
    return NewTransition(
        machine,
        entity_id,
        before,
        after,
        trigger,
        actor,
        more.get("reason", "because"),
        more.get("evidence", {"bid": Decimal("1.20"), "at": NOW}),
        more.get("event_at", NOW),
    )


def born(entity_id: str, state: str, machine: str = "signal", **more: Any) -> NewTransition:
    return a_step(entity_id, state, state, "created", machine=machine, **more)


def a_batch(tick: int = 1, **parts: Any) -> TickBatch:
    return TickBatch(tick=tick, recorded_at=parts.pop("recorded_at", NOW), **parts)


def those(*entities: Entity) -> Entities:
    return Entities(entities)
