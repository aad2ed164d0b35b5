"""Tables of trades: signal, approval, position, its price path, broker orders, executions, instruments.

Prices are per share and in 1/10000 dollar. `signal` names its approval, order and position without constraints,
because those point back at it and a row must be able to come first.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, UniqueConstraint

from bot.domain.approval import ApprovalState
from bot.domain.contracts import Right
from bot.domain.order import OrderSide, OrderState, OrderType, Purpose
from bot.domain.position import CloseReason, Origin, PositionState
from bot.domain.signal import SignalState
from bot.store.schema.columns import METADATA, day, ident, key, label, one_of, ref, units, utc, whole, words

SIGNAL: Final = Table(
    "signal",
    METADATA,
    key(),
    label("strategy"),
    label("symbol", comment="underlying ticker"),
    label("root", comment="option root (SPXW)"),
    label("right", comment="C or P"),
    units("strike", nullable=False),
    day("expiry", nullable=False),
    whole("multiplier", nullable=False),
    label("contract_key", comment="21-character OSI symbol"),
    whole("quantity", nullable=False, comment="contracts proposed; 0: one was already too much"),
    units("limit_price", nullable=False),
    units("notional", nullable=False, comment="full premium of the quantity"),
    label("risk_fraction", comment="decimal text: notional of equity"),
    label("state"),
    utc("created_at", nullable=False),
    utc("expires_at", nullable=False),
    utc("closed_at"),
    day("session_day", nullable=False, comment="New York day of created_at"),
    words("rationale", default="{}", comment="JSON: what the strategy saw"),
    ident("approval_id"),
    ident("entry_order_id"),
    ident("position_id"),
    words("what_if", nullable=True, comment="JSON: the broker's margin preview"),
    utc("what_if_asked_at"),
    one_of("state", SignalState),
    one_of("right", Right),
    Index(None, "state"),
    Index(None, "strategy", "symbol", "created_at"),
    Index(None, "session_day"),
    comment="one idea to buy one option contract",
)

APPROVAL: Final = Table(
    "approval",
    METADATA,
    key(),
    ref("signal_id", "signal.id", nullable=False),
    label("state"),
    utc("requested_at", nullable=False),
    utc("expires_at", nullable=False),
    utc("decided_at"),
    label("decided_by", nullable=True, comment="actor of the answer; rules: nobody was asked"),
    words("reason"),
    one_of("state", ApprovalState),
    Index(None, "signal_id"),
    Index(None, "state"),
    comment="the question whether a signal may be traded, and its answer",
)

POSITION: Final = Table(
    "position",
    METADATA,
    key(),
    ref("signal_id", "signal.id"),
    label("strategy"),
    label("symbol"),
    label("root"),
    label("right"),
    units("strike", nullable=False),
    day("expiry", nullable=False),
    whole("multiplier", nullable=False),
    label("contract_key"),
    words("plan", default="{}", comment="JSON: exit plan frozen at the entry"),
    label("state"),
    label("origin", comment="broker: found there and adopted"),
    whole("entry_quantity", nullable=False),
    whole("exit_quantity", nullable=False),
    whole("settled_quantity", nullable=False, comment="left by expiry or elsewhere, not by our orders"),
    whole("quantity", nullable=False, comment="contracts left"),
    units("entry_price", nullable=False, comment="average"),
    units("entry_value", nullable=False, comment="sum of price x contracts"),
    units("exit_value", nullable=False, comment="sum of price x contracts"),
    units("commissions", nullable=False),
    units("high", nullable=False, comment="highest bid since the entry"),
    units("stop_price"),
    whole("rungs_done", nullable=False),
    whole("room_for", nullable=False, comment="contracts that the stop was shrunk for"),
    whole("exit_attempts", nullable=False),
    units("realized_pnl", nullable=False, comment="to the cent, commissions included"),
    utc("opened_at", nullable=False),
    utc("closed_at"),
    label("close_reason", nullable=True),
    day("opened_day", nullable=False, comment="New York day of opened_at"),
    day("session_day", comment="New York day of closed_at"),
    utc("protected_at"),
    utc("unprotected_since"),
    utc("ratcheted_at"),
    units("bid", comment="latest mark"),
    units("ask", comment="latest mark"),
    units("underlying", comment="latest mark"),
    units("unrealized_pnl", comment="latest mark"),
    utc("marked_at", comment="latest mark"),
    one_of("state", PositionState),
    one_of("right", Right),
    one_of("origin", Origin),
    one_of("close_reason", CloseReason),
    Index(None, "state"),
    Index(None, "signal_id"),
    Index(None, "session_day"),
    comment="contracts held, from the first entry fill until none is left",
)

POSITION_MARK: Final = Table(
    "position_mark",
    METADATA,
    Column("position_id", String(64), ForeignKey("position.id"), primary_key=True),
    Column("at", String(32), primary_key=True),
    units("bid"),
    units("ask"),
    units("underlying"),
    units("unrealized_pnl"),
    units("stop_price", comment="where the stop stood"),
    comment="price path of a position, sampled",
)

BROKER_ORDER: Final = Table(
    "broker_order",
    METADATA,
    key(),
    Column("order_ref", String(128), nullable=False, unique=True, comment="<bot id>-<ulid>; travels with the order"),
    ref("signal_id", "signal.id"),
    ref("position_id", "position.id"),
    label("contract_key"),
    label("purpose"),
    label("side"),
    label("order_type"),
    whole("quantity", nullable=False, comment="in force at the broker"),
    whole("filled_quantity", nullable=False, comment="by executions"),
    whole("reported_filled", nullable=False, comment="by the broker's statuses"),
    units("filled_value", nullable=False, comment="sum of price x contracts"),
    units("limit_price"),
    units("stop_price"),
    whole("wanted_quantity", comment="amendment sent and not yet echoed"),
    units("wanted_limit_price"),
    units("wanted_stop_price"),
    utc("wanted_since"),
    label("state"),
    utc("state_since", nullable=False),
    label("tag", comment="why it exists: entry, stop, rung:1, flat_time, close:<command>"),
    whole("amendments", nullable=False),
    whole("attempts", nullable=False),
    whole("order_id", comment="TWS order id: alone it identifies nothing"),
    Column("perm_id", BigInteger, nullable=True, comment="IBKR permanent id"),
    whole("client_id"),
    units("mid_at_decision", comment="mid of bid and ask when the order was decided"),
    whole("reject_code"),
    words("reject_reason"),
    utc("created_at", nullable=False),
    utc("submitted_at"),
    utc("acknowledged_at"),
    utc("done_at"),
    one_of("state", OrderState),
    one_of("purpose", Purpose),
    one_of("side", OrderSide),
    one_of("order_type", OrderType),
    Index(None, "state"),
    Index(None, "signal_id"),
    Index(None, "position_id"),
    Index(None, "created_at"),
    Index(None, "order_id"),
    comment="an order at the broker, written before it is sent",
)


def _execution_columns() -> list[Column[str] | Column[int]]:
    return [
        Column("exec_id", String(64), primary_key=True, comment="the broker's id, revision included"),
        Column("base_id", String(64), nullable=False, comment="exec_id without its revision"),
        label("order_ref"),
        ref("order_id", "broker_order.id"),
        ref("position_id", "position.id"),
        Column("perm_id", BigInteger, nullable=False),
        whole("broker_order_id", nullable=False, comment="TWS order id"),
        whole("client_id", nullable=False),
        label("contract_key"),
        label("side"),
        whole("quantity", nullable=False),
        units("price", nullable=False),
        units("commission", comment="null: not reported yet"),
        utc("executed_at", nullable=False),
        utc("recorded_at", nullable=False),
    ]


EXECUTION: Final = Table(
    "execution",
    METADATA,
    *_execution_columns(),
    UniqueConstraint("base_id"),
    one_of("side", OrderSide),
    Index(None, "order_ref"),
    Index(None, "position_id"),
    Index(None, "order_id"),
    Index(None, "executed_at"),
    comment="fills that count, once each; a corrected one moves to execution_replaced",
)

EXECUTION_REPLACED: Final = Table(
    "execution_replaced",
    METADATA,
    *_execution_columns(),
    Column("replaced_by", String(64), nullable=False),
    comment="fills that the broker corrected: kept for the record, counted nowhere",
)

INSTRUMENT: Final = Table(
    "instrument",
    METADATA,
    Column("key", String(32), primary_key=True, comment="ticker or OSI symbol"),
    whole("con_id", nullable=False),
    Column("is_option", Boolean, nullable=False),
    words("grid", default="[]", comment="JSON: price bands [[from, tick], ...] as decimal text"),
    utc("qualified_at", nullable=False),
    comment="contracts that the broker knows, with their price grids",
)
