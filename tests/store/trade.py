"""A whole trade as the tick would write it: signal, approval, entry, stop, a rung, the stop's fill, the close."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.approval import ApprovalState
from bot.domain.connection import Connection, ConnectionState
from bot.domain.order import OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import CloseReason, PositionState
from bot.domain.session import Session, SessionState
from bot.domain.signal import SignalState
from bot.engine.state.records import NewExecution, NewTransition, ReconcileLine, ReconcileRow, TickBatch
from bot.store.sql_store import SqlStore
from tests.store.builders import (
    CONTRACT,
    NOW,
    a_batch,
    a_fill,
    a_position,
    a_signal,
    a_step,
    an_approval,
    an_id,
    an_order,
    born,
    those,
)

SIGNAL_ID, POSITION_ID, ENTRY_ID, STOP_ID, RUNG_ID = an_id(1), an_id(50), an_id(10), an_id(11), an_id(12)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _moves(
    machine: str, entity_id: str, *steps: str, when: float = 0, actor: str = "tick", **more: Any
) -> list[NewTransition]:
    """Return rows from `state -trigger-> state` words."""
    rows = []
    for step in steps:
        before, trigger, after = step.split()
        rows.append(a_step(entity_id, before, after, trigger, machine=machine, actor=actor, event_at=at(when), **more))
    return rows


def told(fill: NewExecution) -> dict[str, Any]:
    """Return the evidence that the chain holds of a fill."""
    execution = fill.execution
    return {"exec_id": execution.exec_id, "price": execution.price, "quantity": execution.quantity}


def opening() -> list[TickBatch]:
    """The bot starts, finds a trade, buys 4 at 1.25 and protects them."""
    session = Session(state=SessionState.ACTIVE)
    link = Connection(state=ConnectionState.SYNCED, since=NOW)
    start = a_batch(
        1,
        transitions=[
            *_moves(
                "connection",
                "ibkr",
                "down connect handshaking",
                "handshaking accepted syncing",
                "syncing synced synced",
            ),
            *_moves("session", "session", "starting reconcile reconciling", "reconciling reconciled active"),
        ],
        changed=those(session, link),
    )
    signal = a_signal(
        state=SignalState.FILLED, approval_id=f"{SIGNAL_ID}A", entry_order_id=ENTRY_ID, position_id=POSITION_ID
    )
    approval = an_approval(signal, state=ApprovalState.APPROVED, decided_at=at(1), decided_by="rules")
    entry = an_order(
        10,
        signal_id=SIGNAL_ID,
        tag="entry",
        order_id=1,
        perm_id=101,
        mid_at_decision=Decimal("1.24"),
        submitted_at=at(2),
    )
    rules = {"spread": {"passed": True, "text": "fine"}}
    decide = a_batch(
        2,
        recorded_at=at(2),
        transitions=[
            born(SIGNAL_ID, "pending"),
            *_moves("signal", SIGNAL_ID, "pending ask pending", when=1),
            born(f"{SIGNAL_ID}A", "requested", "approval", event_at=at(1)),
            *_moves("approval", f"{SIGNAL_ID}A", "requested approve approved", when=1),
            *_moves("signal", SIGNAL_ID, "pending approve approved", when=1, evidence=rules),
            *_moves("signal", SIGNAL_ID, "approved work working", when=1),
            born(ENTRY_ID, "intent", "order", event_at=at(1)),
            *_moves("order", ENTRY_ID, "intent submit submitted", "submitted acknowledge working", when=2),
        ],
        changed=those(
            replace(signal, state=SignalState.WORKING, position_id=None),
            approval,
            replace(entry, state=OrderState.WORKING),
        ),
    )
    position = a_position(signal, commissions=Decimal("2.60"), protected_at=at(4), stop_price=Decimal("0.62"))
    filled = replace(
        entry,
        state=OrderState.FILLED,
        filled_quantity=4,
        filled_value=Decimal(5),
        position_id=POSITION_ID,
        done_at=at(3),
    )
    stop = an_order(
        11, position_id=POSITION_ID, purpose=Purpose.PROTECT, side=OrderSide.SELL, order_type=OrderType.STOP,
        terms=Terms(4, stop_price=Decimal("0.62")), state=OrderState.WORKING, tag="stop", order_id=2, created_at=at(3),
    )  # fmt: skip
    bought = a_fill(filled, 1, 4, "1.25", executed_at=at(3))
    protect = a_batch(
        3,
        recorded_at=at(4),
        transitions=[
            *_moves("order", ENTRY_ID, "working fill filled", when=3, actor="broker", evidence=told(bought)),
            *_moves("signal", SIGNAL_ID, "working fill filled", when=3, actor="broker"),
            born(POSITION_ID, "filled", "position", event_at=at(3)),
            *_moves("position", POSITION_ID, "filled entry_fill filled", "filled protect filled", when=3),
            born(STOP_ID, "intent", "order", event_at=at(3)),
            *_moves("order", STOP_ID, "intent submit submitted", when=3),
            *_moves("order", STOP_ID, "submitted acknowledge working", when=4, actor="broker"),
            *_moves("position", POSITION_ID, "filled protected filled", when=4, actor="broker"),
        ],
        changed=those(signal, position, filled, stop),
        executions=[bought],
        reconciliations=[
            ReconcileRow(an_id(90), at(4), "asked", True, [ReconcileLine("position", CONTRACT.key, "4", "4", "same")])
        ],
    )
    return [start, decide, protect]


def closing() -> list[TickBatch]:
    """A rung sells 1 at 1.90, the stop sells 3 at 1.40: +234.40 less 6.50 of commissions."""
    signal = a_signal()
    position = a_position(
        signal, exit_quantity=4, exit_value=Decimal("6.10"), commissions=Decimal("6.50"), state=PositionState.CLOSED,
        closed_at=at(90), close_reason=CloseReason.TRAIL, stop_price=Decimal("1.40"), rungs_done=1, protected_at=at(4),
    )  # fmt: skip
    rung = an_order(
        12, position_id=POSITION_ID, purpose=Purpose.EXIT, side=OrderSide.SELL, terms=Terms(1,
        limit_price=Decimal("1.90")), state=OrderState.FILLED, filled_quantity=1, filled_value=Decimal("1.90"),
        tag="rung:1", order_id=3, mid_at_decision=Decimal("1.92"), done_at=at(60), created_at=at(50),
    )  # fmt: skip
    stop = an_order(
        11, position_id=POSITION_ID, purpose=Purpose.PROTECT, side=OrderSide.SELL, order_type=OrderType.STOP,
        terms=Terms(3, stop_price=Decimal("1.40")), state=OrderState.FILLED, filled_quantity=3,
        filled_value=Decimal("4.20"), tag="stop", order_id=2, done_at=at(90), created_at=at(3),
    )  # fmt: skip
    fills: list[NewExecution] = [
        a_fill(rung, 2, 1, "1.90", commission="1.30", executed_at=at(60)),
        a_fill(stop, 3, 3, "1.40", executed_at=at(90)),
    ]
    end = {"closing": position.closing_numbers()}
    return [
        a_batch(
            4,
            recorded_at=at(90),
            transitions=[
                *_moves("order", STOP_ID, "working amend working", "working amended working", when=50),
                born(RUNG_ID, "intent", "order", event_at=at(50)),
                *_moves("order", RUNG_ID, "intent submit submitted", when=60),
                *_moves("order", RUNG_ID, "submitted fill filled", when=60, evidence=told(fills[0])),
                *_moves("position", POSITION_ID, "filled scale_out filled", "filled trail trailing", when=60),
                *_moves("order", STOP_ID, "working fill filled", when=90, actor="broker", evidence=told(fills[1])),
                *_moves("position", POSITION_ID, "trailing stopped closing", "closing exit_fill closing", when=90),
                *_moves("position", POSITION_ID, "closing close closed", when=90, evidence=end),
            ],
            changed=those(position, rung, stop),
            executions=fills,
        )
    ]


async def write(store: SqlStore, batches: list[TickBatch]) -> None:
    for batch in batches:
        await store.commit(batch)
