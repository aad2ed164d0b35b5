"""I2 orders and executions count once; I5 the bot is never short; I6 entries are submitted only while the session is
active.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bot.store.invariants.finding import Faults, Finding, Question

_DONE: Final = "('filled', 'cancelled', 'rejected')"


def counted_once(question: Question) -> Finding:
    """I2: one order a reference, one execution an execId, and no more bought than was approved."""
    faults = Faults()
    for row in question.rows(
        "SELECT order_ref, COUNT(*) AS n FROM broker_order GROUP BY order_ref HAVING COUNT(*) > 1"
    ):
        faults.add(f"{row['n']} orders share {row['order_ref']}", **row)
    for row in question.rows("SELECT base_id, COUNT(*) AS n FROM execution GROUP BY base_id HAVING COUNT(*) > 1"):
        faults.add(f"execution {row['base_id']} counts {row['n']} times", **row)
    for row in question.rows(_FILLED_OTHERWISE):
        words = f"order {row['order_ref']} says {row['filled_quantity']} filled, its executions say {row['executed']}"
        faults.add(words, **row)
    for row in question.rows(_BOUGHT_TOO_MUCH):
        faults.add(f"signal {row['id']}: {row['bought']} bought of {row['quantity']} approved", **row)
    n = question.rows("SELECT (SELECT COUNT(*) FROM broker_order) AS o, (SELECT COUNT(*) FROM execution) AS e")[0]
    return faults.finding("I2", f"{n['o']} orders and {n['e']} executions count once")


_FILLED_OTHERWISE: Final = """
SELECT o.id, o.order_ref, o.filled_quantity, COALESCE(SUM(e.quantity), 0) AS executed
FROM broker_order o LEFT JOIN execution e ON e.order_id = o.id
GROUP BY o.id, o.order_ref, o.filled_quantity HAVING o.filled_quantity <> COALESCE(SUM(e.quantity), 0)"""

_BOUGHT_TOO_MUCH: Final = """
SELECT s.id, s.quantity, SUM(e.quantity) AS bought
FROM signal s JOIN broker_order o ON o.signal_id = s.id AND o.purpose = 'entry' JOIN execution e ON e.order_id = o.id
GROUP BY s.id, s.quantity HAVING SUM(e.quantity) > s.quantity"""


def never_short(question: Question) -> Finding:
    """I5: what may still be sold of a position never exceeds what is left of it, and what was sold never exceeded
    what was held.
    """
    faults = Faults()
    for row in question.rows(_LIVE_SALES):
        if row["sellable"] > row["quantity"]:
            words = f"position {row['id']}: orders may sell {row['sellable']}, {row['quantity']} are left"
            faults.add(words, **row)
    for row in question.rows("SELECT id, quantity, contract_key FROM position WHERE quantity < 0"):
        faults.add(f"position {row['id']} is short {-row['quantity']} of {row['contract_key']}", **row)
    _walk_holdings(question, faults)
    return faults.finding("I5", "no position can be sold, or was sold, beyond what it holds")


# A larger amendment that is on its way counts in full.
_LIVE_SALES: Final = f"""
SELECT p.id, p.quantity, SUM(
    CASE WHEN COALESCE(o.wanted_quantity, 0) > o.quantity THEN o.wanted_quantity ELSE o.quantity END - o.filled_quantity
) AS sellable
FROM position p JOIN broker_order o ON o.position_id = p.id AND o.side = 'SELL' AND o.state NOT IN {_DONE}
GROUP BY p.id, p.quantity"""  # noqa: S608  # our own constant


def _walk_holdings(question: Question, faults: Faults) -> None:
    """Walk the fills of each position in time: what is held must never go below zero."""
    sql = """
SELECT e.position_id, p.origin, p.entry_quantity, e.exec_id, e.side, e.quantity
FROM execution e JOIN position p ON p.id = e.position_id
ORDER BY e.position_id, e.executed_at, CASE WHEN e.side = 'BUY' THEN 0 ELSE 1 END, e.exec_id"""
    held: dict[str, int] = {}
    for row in question.rows(sql):
        key = row["position_id"]
        start = row["entry_quantity"] if row["origin"] == "broker" else 0
        held[key] = held.get(key, start) + (row["quantity"] if row["side"] == "BUY" else -row["quantity"])
        if held[key] < 0:
            faults.add(f"position {key} was short {-held[key]} after execution {row['exec_id']}", **row)


def entries_while_active(question: Question) -> Finding:
    """I6: an entry is decided, and goes out, only while the session is active; and no approval passed a failed rule."""
    faults = Faults()
    session, left_active_at = "starting", ""
    checked = 0
    for row in question.rows(_SESSION_AND_ENTRIES):
        if row["machine"] == "session":
            if session == "active" and row["to_state"] != "active":
                left_active_at = row["event_at"]
            session = row["to_state"]
            continue
        checked += 1
        if session != "active" and not _was_on_its_way(row, left_active_at):
            words = f"entry order {row['order_ref']}: {row['happened']} while the session was {session}"
            faults.add(words, seq=row["seq"], order_ref=row["order_ref"])
    _approved_against_a_rule(question, faults)
    return faults.finding(
        "I6", f"{checked} steps of entry orders, all while the session was active and within the limits"
    )


_SESSION_AND_ENTRIES: Final = """
SELECT t.seq, t.machine, t.to_state, t.event_at, t."trigger" AS happened, o.order_ref, o.submitted_at, o.created_at
FROM transition t LEFT JOIN broker_order o ON t.machine = 'order' AND o.id = t.entity_id
WHERE t.machine = 'session' AND t."trigger" NOT LIKE 'refused:%'
    OR t.machine = 'order' AND o.purpose = 'entry' AND t."trigger" IN ('created', 'submit', 'resend')
ORDER BY t.seq"""


def _was_on_its_way(row: Mapping[str, Any], left_active_at: str) -> bool:
    """The note that an order was sent may come after the pause that the sending came before."""
    decided_before = bool(row["created_at"] and row["created_at"] <= left_active_at)
    return row["happened"] == "submit" and decided_before


def _approved_against_a_rule(question: Question, faults: Faults) -> None:
    sql = """SELECT seq, entity_id, evidence FROM transition WHERE machine = 'signal' AND "trigger" = 'approve'"""
    for row in question.rows(sql):
        rules = json.loads(row["evidence"] or "{}")
        failed = [name for name, facts in rules.items() if isinstance(facts, dict) and facts.get("passed") is False]
        if failed:
            faults.add(f"signal {row['entity_id']} was approved although {', '.join(failed)} failed", seq=row["seq"])
