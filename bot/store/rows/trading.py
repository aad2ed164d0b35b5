"""Signals, approvals, positions, orders, executions and price grids.

`what_if` and `rationale` are JSON for people: decimals and times in them come back as text.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from bot.domain.approval import Approval, ApprovalState
from bot.domain.calendar import new_york_day
from bot.domain.instruments import Instrument, OptionContract, PriceGrid, Right
from bot.domain.money import from_units, to_units
from bot.domain.order import Execution, Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import (
    CloseReason,
    ExitPlan,
    Origin,
    Position,
    PositionState,
    Protection,
    Rung,
    Settlement,
    Valuation,
)
from bot.domain.signal import Signal, SignalState
from bot.engine.state.records import NewExecution
from bot.store.values import (
    Row,
    json_text,
    maybe_dollars,
    maybe_parse_time,
    maybe_time_text,
    maybe_units,
    parse_json,
    parse_time,
    time_text,
)


def _plain(value: Decimal) -> Decimal:
    """Return a price without the zeros that its scale of four places brought, as prices are written elsewhere."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


def contract_columns(contract: OptionContract) -> dict[str, Any]:
    return {
        "symbol": contract.symbol,
        "root": contract.root,
        "right": contract.right.value,
        "strike": to_units(contract.strike),
        "expiry": contract.expiry.isoformat(),
        "multiplier": contract.multiplier,
        "contract_key": contract.key,
    }


def contract_of(row: Row) -> OptionContract:
    return OptionContract(
        row["root"],
        date.fromisoformat(row["expiry"]),
        Right(row["right"]),
        _plain(from_units(row["strike"])),
        row["multiplier"],
    )


def signal_row(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id,
        "strategy": signal.strategy,
        **contract_columns(signal.contract),
        "quantity": signal.quantity,
        "limit_price": to_units(signal.limit_price),
        "notional": to_units(signal.notional),
        "risk_fraction": str(signal.risk_fraction),
        "state": signal.state.value,
        "created_at": time_text(signal.created_at),
        "expires_at": time_text(signal.expires_at),
        "closed_at": maybe_time_text(signal.closed_at),
        "session_day": new_york_day(signal.created_at).isoformat(),
        "rationale": json_text(signal.rationale),
        "approval_id": signal.approval_id,
        "entry_order_id": signal.entry_order_id,
        "position_id": signal.position_id,
        "what_if": None if signal.what_if is None else json_text(signal.what_if),
        "what_if_asked_at": maybe_time_text(signal.what_if_asked_at),
    }


def signal_of(row: Row) -> Signal:
    return Signal(
        id=row["id"],
        strategy=row["strategy"],
        contract=contract_of(row),
        quantity=row["quantity"],
        limit_price=from_units(row["limit_price"]),
        notional=from_units(row["notional"]),
        created_at=parse_time(row["created_at"]),
        expires_at=parse_time(row["expires_at"]),
        state=SignalState(row["state"]),
        risk_fraction=Decimal(row["risk_fraction"]),
        rationale=parse_json(row["rationale"]),
        approval_id=row["approval_id"],
        entry_order_id=row["entry_order_id"],
        position_id=row["position_id"],
        what_if=parse_json(row["what_if"]),
        what_if_asked_at=maybe_parse_time(row["what_if_asked_at"]),
        closed_at=maybe_parse_time(row["closed_at"]),
    )


def approval_row(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "signal_id": approval.signal_id,
        "state": approval.state.value,
        "requested_at": time_text(approval.requested_at),
        "expires_at": time_text(approval.expires_at),
        "decided_at": maybe_time_text(approval.decided_at),
        "decided_by": approval.decided_by,
        "reason": approval.reason,
    }


def approval_of(row: Row) -> Approval:
    return Approval(
        id=row["id"],
        signal_id=row["signal_id"],
        requested_at=parse_time(row["requested_at"]),
        expires_at=parse_time(row["expires_at"]),
        state=ApprovalState(row["state"]),
        decided_at=maybe_parse_time(row["decided_at"]),
        decided_by=row["decided_by"],
        reason=row["reason"],
    )


def plan_text(plan: ExitPlan) -> str:
    flat_by = None if plan.flat_by is None else plan.flat_by.isoformat()
    return json_text(asdict(plan) | {"flat_by": flat_by})


def plan_of(text: str) -> ExitPlan:
    data = parse_json(text)
    return ExitPlan(
        rungs=tuple(Rung(Decimal(r["gain"]), Decimal(r["cumulative_fraction"])) for r in data["rungs"]),
        stop_loss=Decimal(data["stop_loss"]),
        trail=Decimal(data["trail"]),
        single_trail_from=Decimal(data["single_trail_from"]),
        flat_at=maybe_parse_time(data["flat_at"]),
        flat_by=time.fromisoformat(data["flat_by"]) if data.get("flat_by") else None,
    )


def position_row(position: Position) -> dict[str, Any]:
    """Return a position's columns but for its latest mark, which is written by itself."""
    position = _as_kept(position)
    closed_at = position.closed_at
    return {
        "id": position.id,
        "signal_id": position.signal_id,
        "strategy": position.strategy,
        **contract_columns(position.contract),
        "plan": plan_text(position.plan),
        "state": position.state.value,
        "origin": position.origin.value,
        "entry_quantity": position.entry_quantity,
        "exit_quantity": position.exit_quantity,
        "settled_quantity": position.settled_quantity,
        "left_early": position.left_early,
        "settled_value": to_units(position.settled_value),
        "elsewhere_quantity": position.elsewhere_quantity,
        "elsewhere_value": to_units(position.elsewhere_value),
        "elsewhere_commission": to_units(position.elsewhere_commission),
        "elsewhere_estimate": maybe_units(position.elsewhere_estimate),
        "elsewhere_at": maybe_time_text(position.elsewhere_at),
        "valuation": position.valuation.value if position.valuation else None,
        "settlement": position.settlement.value if position.settlement else None,
        "settlement_price": maybe_units(position.settlement_price),
        "shares_before": position.shares_before,
        "quantity": position.quantity,
        "entry_price": to_units(position.entry_price),
        "entry_value": to_units(position.entry_value),
        "exit_value": to_units(position.exit_value),
        "commissions": to_units(position.commissions),
        "high": to_units(position.high),
        "stop_price": maybe_units(position.stop_price),
        "rungs_done": position.rungs_done,
        "room_for": position.room_for,
        "exit_attempts": position.exit_attempts,
        "realized_pnl": to_units(position.realized_pnl),
        "opened_at": time_text(position.opened_at),
        "closed_at": maybe_time_text(closed_at),
        "close_reason": position.close_reason.value if position.close_reason else None,
        "opened_day": new_york_day(position.opened_at).isoformat(),
        "session_day": new_york_day(closed_at).isoformat() if closed_at else None,
        "protected_at": maybe_time_text(position.protected_at),
        "protection": position.protection.value,
        "unprotected_since": maybe_time_text(position.unprotected_since),
        "unprotected_quantity": position.unprotected_quantity,
        "unprotected_ms": position.unprotected_ms,
        "unprotected_contract_ms": position.unprotected_contract_ms,
        "cover_at": maybe_time_text(position.cover_at),
        "ratcheted_at": maybe_time_text(position.ratcheted_at),
    }


def _as_kept(position: Position) -> Position:
    """Return a position whose sums are as fine as the store keeps them, so that its P&L is theirs.

    A broker's average cost, which an adopted position is entered at, has more places than a price.
    """
    entry, leaving = from_units(to_units(position.entry_value)), from_units(to_units(position.exit_value))
    if entry == position.entry_value and leaving == position.exit_value:
        return position
    return replace(position, entry_value=entry, exit_value=leaving)


def position_of(row: Row) -> Position:
    return Position(
        id=row["id"],
        contract=contract_of(row),
        strategy=row["strategy"],
        plan=plan_of(row["plan"]),
        opened_at=parse_time(row["opened_at"]),
        signal_id=row["signal_id"],
        origin=Origin(row["origin"]),
        state=PositionState(row["state"]),
        entry_quantity=row["entry_quantity"],
        exit_quantity=row["exit_quantity"],
        entry_value=from_units(row["entry_value"]),
        exit_value=from_units(row["exit_value"]),
        commissions=from_units(row["commissions"]),
        stop_price=maybe_dollars(row["stop_price"]),
        high=from_units(row["high"]),
        rungs_done=row["rungs_done"],
        close_reason=CloseReason(row["close_reason"]) if row["close_reason"] else None,
        closed_at=maybe_parse_time(row["closed_at"]),
        settled_quantity=row["settled_quantity"],
        left_early=row["left_early"],
        settled_value=from_units(row["settled_value"]),
        elsewhere_quantity=row["elsewhere_quantity"],
        elsewhere_value=from_units(row["elsewhere_value"]),
        elsewhere_commission=from_units(row["elsewhere_commission"]),
        elsewhere_estimate=maybe_dollars(row["elsewhere_estimate"]),
        elsewhere_at=maybe_parse_time(row["elsewhere_at"]),
        valuation=Valuation(row["valuation"]) if row["valuation"] else None,
        settlement=Settlement(row["settlement"]) if row["settlement"] else None,
        settlement_price=maybe_dollars(row["settlement_price"]),
        shares_before=row["shares_before"],
        protected_at=maybe_parse_time(row["protected_at"]),
        protection=Protection(row["protection"]),
        unprotected_since=maybe_parse_time(row["unprotected_since"]),
        unprotected_quantity=row["unprotected_quantity"],
        unprotected_ms=row["unprotected_ms"],
        unprotected_contract_ms=row["unprotected_contract_ms"],
        cover_at=maybe_parse_time(row["cover_at"]),
        ratcheted_at=maybe_parse_time(row["ratcheted_at"]),
        exit_attempts=row["exit_attempts"],
        room_for=row["room_for"],
    )


def order_row(order: Order) -> dict[str, Any]:
    wanted = order.wanted
    return {
        "id": order.id,
        "order_ref": order.order_ref,
        "signal_id": order.signal_id,
        "position_id": order.position_id,
        "contract_key": order.contract_key,
        "purpose": order.purpose.value,
        "side": order.side.value,
        "order_type": order.order_type.value,
        "quantity": order.terms.quantity,
        "filled_quantity": order.filled_quantity,
        "reported_filled": order.reported_filled,
        "filled_value": to_units(order.filled_value),
        "limit_price": maybe_units(order.terms.limit_price),
        "stop_price": maybe_units(order.terms.stop_price),
        "wanted_quantity": wanted.quantity if wanted else None,
        "wanted_limit_price": maybe_units(wanted.limit_price) if wanted else None,
        "wanted_stop_price": maybe_units(wanted.stop_price) if wanted else None,
        "wanted_since": maybe_time_text(order.wanted_since),
        "state": order.state.value,
        "state_since": time_text(order.state_since),
        "tag": order.tag,
        "amendments": order.amendments,
        "attempts": order.attempts,
        "change_refusals": order.change_refusals,
        "cancel_misses": order.cancel_misses,
        "order_id": order.order_id,
        "perm_id": order.perm_id,
        "client_id": order.client_id,
        "mid_at_decision": maybe_units(order.mid_at_decision),
        "reject_code": order.reject_code,
        "reject_reason": order.reject_reason,
        "created_at": time_text(order.created_at),
        "submitted_at": maybe_time_text(order.submitted_at),
        "acknowledged_at": maybe_time_text(order.acknowledged_at),
        "done_at": maybe_time_text(order.done_at),
    }


def order_of(row: Row) -> Order:
    wanted = None
    if row["wanted_quantity"] is not None:
        wanted = Terms(
            row["wanted_quantity"], maybe_dollars(row["wanted_limit_price"]), maybe_dollars(row["wanted_stop_price"])
        )
    return Order(
        id=row["id"],
        order_ref=row["order_ref"],
        contract_key=row["contract_key"],
        purpose=Purpose(row["purpose"]),
        side=OrderSide(row["side"]),
        order_type=OrderType(row["order_type"]),
        terms=Terms(row["quantity"], maybe_dollars(row["limit_price"]), maybe_dollars(row["stop_price"])),
        created_at=parse_time(row["created_at"]),
        state_since=parse_time(row["state_since"]),
        state=OrderState(row["state"]),
        signal_id=row["signal_id"],
        position_id=row["position_id"],
        tag=row["tag"],
        filled_quantity=row["filled_quantity"],
        reported_filled=row["reported_filled"],
        filled_value=from_units(row["filled_value"]),
        wanted=wanted,
        wanted_since=maybe_parse_time(row["wanted_since"]),
        amendments=row["amendments"],
        attempts=row["attempts"],
        change_refusals=row["change_refusals"],
        cancel_misses=row["cancel_misses"],
        order_id=row["order_id"],
        perm_id=row["perm_id"],
        client_id=row["client_id"],
        mid_at_decision=maybe_dollars(row["mid_at_decision"]),
        reject_code=row["reject_code"],
        reject_reason=row["reject_reason"],
        submitted_at=maybe_parse_time(row["submitted_at"]),
        acknowledged_at=maybe_parse_time(row["acknowledged_at"]),
        done_at=maybe_parse_time(row["done_at"]),
    )


def execution_row(row: NewExecution, recorded_at: str) -> dict[str, Any]:
    execution = row.execution
    return {
        "exec_id": execution.exec_id,
        "base_id": execution.base_id,
        "order_ref": execution.order_ref,
        "order_id": row.order_id,
        "position_id": row.position_id,
        "perm_id": execution.perm_id,
        "broker_order_id": execution.order_id,
        "client_id": execution.client_id,
        "contract_key": execution.contract_key,
        "side": execution.side.value,
        "quantity": execution.quantity,
        "price": to_units(execution.price),
        "commission": maybe_units(row.commission),
        "executed_at": time_text(execution.executed_at),
        "recorded_at": recorded_at,
    }


def execution_of(row: Row) -> Execution:
    return Execution(
        exec_id=row["exec_id"],
        order_ref=row["order_ref"],
        perm_id=row["perm_id"],
        order_id=row["broker_order_id"],
        contract_key=row["contract_key"],
        side=OrderSide(row["side"]),
        quantity=row["quantity"],
        price=from_units(row["price"]),
        executed_at=parse_time(row["executed_at"]),
        client_id=row["client_id"],
    )


def grid_text(grid: PriceGrid) -> str:
    return json_text([[str(edge), str(tick)] for edge, tick in grid.bands])


def grid_of(text: str) -> PriceGrid:
    return PriceGrid(tuple((Decimal(edge), Decimal(tick)) for edge, tick in parse_json(text)))


def named_text(instrument: Instrument) -> str:
    """Return a contract's terms as the broker named them, without what is left out."""
    terms = {each.name: getattr(instrument, each.name) for each in fields(instrument) if each.init}
    del terms["con_id"]
    return json_text({name: value for name, value in terms.items() if value not in {"", None}})


def named_of(con_id: int, text: str) -> Instrument:
    """Return a contract of its conId and of the terms as they were named; those of an older store are not known."""
    terms = parse_json(text)
    return Instrument(con_id, terms.pop("sec_type", ""), **terms)
