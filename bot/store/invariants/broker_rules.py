"""I11 what is asked of the broker is something that it takes: prices on the contract's grid, one side a contract, no
more working orders a side than it allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from typing import Any, Final

from bot.domain.order import LIVE, OrderSide
from bot.risk.rules import ORDERS_PER_SIDE
from bot.store.invariants.finding import Faults, Finding, Question
from bot.store.tables.instrument import grid_of
from bot.store.values import maybe_dollars

_AT_BROKER: Final = frozenset(state.value for state in LIVE)
_OTHER: Final = {OrderSide.BUY.value: OrderSide.SELL.value, OrderSide.SELL.value: OrderSide.BUY.value}


def within_broker_rules(question: Question) -> Finding:
    """I11: off the grid, beside the other side, or as the twenty-first of its side an order is refused there."""
    faults = Faults()
    priced = _on_the_grid(question, faults)
    most = _working_together(question, faults)
    fine = f"{priced} orders are priced on their grids; at most {most} work on one side of a contract, never on both"
    return faults.finding("I11", fine)


def _on_the_grid(question: Question, faults: Faults) -> int:
    """Orders that were written since the contract has the grid that it has now."""
    found = question.rows(_PRICED)
    for row in found:
        grid = grid_of(row["grid"])
        for name in ("limit_price", "stop_price", "wanted_limit_price", "wanted_stop_price"):
            price = maybe_dollars(row[name])
            if price is not None and not grid.contains(price):
                words = f"order {row['order_ref']}: {name} {price} is off the grid of {row['contract_key'].strip()}"
                faults.add(words, order_ref=row["order_ref"], price=str(price))
    return len(found)


_PRICED: Final = """
SELECT o.order_ref, o.contract_key, o.limit_price, o.stop_price, o.wanted_limit_price, o.wanted_stop_price, i.grid
FROM broker_order o JOIN instrument i ON i.key = o.contract_key
WHERE o.created_at >= i.qualified_at ORDER BY o.id"""


def _working_together(question: Question, faults: Faults) -> int:
    """Walk the orders' steps as they were written, for their times are of a clock that may have been set; returns how
    many worked on one side of a contract at once."""
    working: dict[tuple[str, str], set[str]] = defaultdict(set)
    most = 0
    for row in question.rows(_STEPS):
        side = working[row["contract_key"], row["side"]]
        if row["to_state"] not in _AT_BROKER:
            side.discard(row["order_ref"])
        elif row["order_ref"] not in side:
            side.add(row["order_ref"])
            most = max(most, len(side))
            _judge(row, side, working[row["contract_key"], _OTHER[row["side"]]], faults)
    return most


_STEPS: Final = """
SELECT t.seq, t.to_state, t.actor, o.order_ref, o.contract_key, o.side
FROM transition t JOIN broker_order o ON o.id = t.entity_id
WHERE t.machine = 'order' ORDER BY t.seq"""


def _judge(row: Mapping[str, Any], side: Set[str], other: Set[str], faults: Faults) -> None:
    """What a comparison found at the broker was not sent beside anything: it was there before the store knew of it."""
    contract = row["contract_key"].strip()
    if len(side) > ORDERS_PER_SIDE:
        words = f"order {row['order_ref']} is number {len(side)} on the {row['side']} side of {contract}"
        faults.add(words, seq=row["seq"], order_ref=row["order_ref"])
    if other and row["actor"] != "reconcile":
        words = f"order {row['order_ref']} ({row['side']} {contract}) works beside {', '.join(sorted(other))}"
        faults.add(words, seq=row["seq"], order_ref=row["order_ref"])
