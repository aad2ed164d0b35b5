"""I12: what money rests on is what the chain says: each execution is the evidence of its fill or correction, or of the
birth of an order that sold before the store was lost, each closed position the closing numbers of its last step.

The other checks compare rows with rows: somebody who changes an execution, its order and its position alike passes
them all. The evidence of a transition cannot be changed unseen, so the rows are compared with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.domain.machine import CREATED
from bot.domain.money import to_units
from bot.domain.position import CLOSING_NUMBERS
from bot.store.invariants.finding import Faults, Finding, Question

_NOWHERE: Final = Decimal("-1e15")
_WHOLE: Final = frozenset(name for name in CLOSING_NUMBERS if name.endswith("_quantity"))


@dataclass(frozen=True, slots=True)
class Told:
    """What the chain says of an execution: contracts and the sum of price x contracts, dollars per share."""

    quantity: int
    value: Decimal
    order_id: str | None


def chained_evidence(question: Question) -> Finding:
    """I12: compare executions and closed positions with the evidence that the chain holds."""
    faults = Faults()
    executions = _executions(question, faults)
    positions, without = _positions(question, faults)
    older = f"; {without} closed before the chain held such numbers" if without else ""
    fine = f"{executions} executions and {positions} closed positions are what the chain says{older}"
    return faults.finding("I12", fine)


# ---- executions


def _executions(question: Question, faults: Faults) -> int:
    told = _told(question)
    rows = question.rows("SELECT exec_id, order_id, position_id, quantity, price FROM execution")
    counted = 0
    for row in rows:
        if row["order_id"] is None and row["position_id"] is None:
            continue  # somebody else's: it counts for nobody here
        counted += 1
        words = _differs(row, told.get(row["exec_id"]))
        if words is not None:
            faults.add(f"execution {row['exec_id']}: {words}", exec_id=row["exec_id"])
    shown = {row["exec_id"] for row in rows}
    replaced = {row["exec_id"] for row in question.rows("SELECT exec_id FROM execution_replaced")}
    for exec_id in sorted(told.keys() - shown - replaced):
        faults.add(f"execution {exec_id} is in the chain and has no row", exec_id=exec_id)
    return counted


def _differs(row: Mapping[str, Any], told: Told | None) -> str | None:
    if told is None:
        return "nothing in the chain tells of it"
    value = to_units(told.value)
    # A price finer than the store's is rounded there, a contract at a time.
    if row["quantity"] != told.quantity or 2 * abs(row["quantity"] * row["price"] - value) > told.quantity:
        said = f"{row['quantity']} for {row['quantity'] * row['price'] / 10_000:.4f}"
        return f"the row says {said}, the chain {told.quantity} for {value / 10_000:.4f}"
    if told.order_id is not None and row["order_id"] not in {None, told.order_id}:
        return f"it stands at order {row['order_id']}, the chain has it at {told.order_id}"
    return None


def _told(question: Question) -> Mapping[str, Told]:
    """Walk fills and corrections in their order; a correction says by how much it differs from what it corrects."""
    told: dict[str, Told] = {}
    for row, evidence in _with_evidence(question, _FILLS):
        if "before" in evidence and "after" in evidence:
            before = told.get(str(evidence["before"]), Told(0, Decimal(0), None))
            contracts, value = before.quantity + int(evidence["quantity"]), before.value + _number(evidence["value"])
            told[str(evidence["after"])] = Told(contracts, value, before.order_id)
        elif row["machine"] == "order" and {"exec_id", "quantity", "price"} <= evidence.keys():
            contracts = int(evidence["quantity"])
            told[str(evidence["exec_id"])] = Told(contracts, contracts * _number(evidence["price"]), row["entity_id"])
        elif row["trigger"] == CREATED and isinstance(evidence.get("sold"), dict):
            for exec_id, (quantity, price) in evidence["sold"].items():
                told[exec_id] = Told(int(quantity), int(quantity) * _number(price), row["entity_id"])
    return told


_FILLS: Final = """
SELECT seq, machine, entity_id, "trigger", evidence FROM transition
WHERE machine = 'order' AND "trigger" IN ('fill', 'partial_fill', 'late_fill')
    OR machine = 'order' AND "trigger" = 'created' AND evidence LIKE '%"sold"%'
    OR machine = 'position' AND "trigger" = 'correct'
ORDER BY seq"""


# ---- closed positions


def _positions(question: Question, faults: Faults) -> tuple[int, int]:
    """Return how many closed positions were compared, and how many were closed before the chain held their numbers."""
    last: dict[str, Mapping[str, Any]] = {}
    for row, evidence in _with_evidence(question, _CLOSINGS):
        last[row["entity_id"]] = evidence.get("closing") or {}
    compared = without = 0
    for row in question.rows(_CLOSED):
        closing = last.get(row["id"], {})
        if not closing:
            without += 1
            continue
        compared += 1
        for name in CLOSING_NUMBERS:
            said = row[name] if name in _WHOLE else row[name] / 10_000
            chained = closing.get(name)
            if chained is None or not _same(name, row[name], chained):
                faults.add(f"position {row['id']}: {name} is {said}, the chain says {chained}", position_id=row["id"])
    return compared, without


def _same(name: str, shown: int, chained: Any) -> bool:
    number = _number(chained)
    return shown == (int(number) if name in _WHOLE else to_units(number))


_CLOSED: Final = f"SELECT id, {', '.join(CLOSING_NUMBERS)} FROM position WHERE state = 'closed'"  # noqa: S608
_CLOSINGS: Final = """
SELECT seq, entity_id, evidence FROM transition
WHERE machine = 'position' AND to_state = 'closed' AND "trigger" NOT LIKE 'refused:%' ORDER BY seq"""


def _with_evidence(question: Question, sql: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row in question.rows(sql):
        try:
            evidence = json.loads(row["evidence"])
        except ValueError:
            continue  # whoever wrote it broke the chain, which I1 tells
        if isinstance(evidence, dict):
            yield row, evidence


def _number(value: Any) -> Decimal:
    """Return a number of the evidence; what is none there equals nothing that a row can hold."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return _NOWHERE
    return number if number.is_finite() else _NOWHERE
