"""I3 quantities agree with the executions and the broker; I4 an open position is protected; I9 realized P&L is the
same everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bot.domain.position import PositionState, Protection
from bot.store.invariants.finding import Faults, Finding, Question
from bot.store.values import parse_json, parse_time, time_text

_CLOSING_GRACE_S: Final = 30.0


def quantities(question: Question) -> Finding:
    """I3: a position is its entry fills less its exit fills less what was settled, and what the broker said of it."""
    faults = Faults()
    for row in question.rows(_FILLS_OF_POSITIONS):
        _agrees_with_fills(row, faults)
    compared = _agrees_with_broker(question, faults)
    return faults.finding("I3", f"quantities are those of the executions; {compared} contracts agree with the broker")


_FILLS_OF_POSITIONS: Final = """
SELECT p.id, p.origin, p.quantity, p.entry_quantity, p.exit_quantity, p.settled_quantity,
    COALESCE(SUM(CASE WHEN e.side = 'BUY' THEN e.quantity END), 0) AS bought,
    COALESCE(SUM(CASE WHEN e.side = 'SELL' THEN e.quantity END), 0) AS sold
FROM position p LEFT JOIN execution e ON e.position_id = p.id
GROUP BY p.id, p.origin, p.quantity, p.entry_quantity, p.exit_quantity, p.settled_quantity"""


def _agrees_with_fills(row: Mapping[str, Any], faults: Faults) -> None:
    left = row["entry_quantity"] - row["exit_quantity"] - row["settled_quantity"]
    if row["quantity"] != left:
        faults.add(f"position {row['id']} holds {row['quantity']}, its parts add up to {left}", **row)
    # What was adopted came without executions of ours.
    if row["origin"] == "bot" and row["bought"] != row["entry_quantity"]:
        faults.add(f"position {row['id']} entered {row['entry_quantity']}, executions bought {row['bought']}", **row)
    if row["sold"] != row["exit_quantity"]:
        faults.add(f"position {row['id']} left {row['exit_quantity']}, executions sold {row['sold']}", **row)


def _agrees_with_broker(question: Question, faults: Faults) -> int:
    """Compare the latest complete reconciliation with what the store held then: now, less what was filled since.

    What lies after the store's own present was written while the clock was ahead, so it happened before.
    """
    present = _present(question)
    latest = question.rows(
        "SELECT id, at FROM reconciliation WHERE complete AND at <= :present ORDER BY at DESC, id DESC LIMIT 1",
        present=present,
    )
    if not latest:
        return 0
    at = latest[0]["at"]
    held, told, alone = _held_at(question, at, present), _told_by(question, latest[0]["id"]), _left_alone(question)
    unsettled = {row["contract_key"] for row in question.rows(_CHANGED_OTHERWISE_SINCE, at=at, present=present)}
    compared = 0
    for key in sorted((set(told) | set(held)) - unsettled):
        there = told[key]["broker"] if key in told else "0"
        if not _is_number(there) or "left alone" in (told[key]["action"] if key in told else ""):
            continue
        compared += 1
        # What a person is asked about is nobody's error, as far as the question goes.
        waits = alone.get(key, 0) if key in told and told[key]["action"].startswith("not adopted") else 0
        if held.get(key, 0) != max(int(there) - waits, 0):
            words = f"{key.strip()}: the broker had {there} at {at}, the store {held.get(key, 0)}"
            faults.add(words, key=key, broker=there, ours=held.get(key, 0))
    return compared


def _told_by(question: Question, reconciliation: str) -> Mapping[str, Mapping[str, Any]]:
    """Return by contract what a comparison says of it."""
    lines = """
SELECT key, broker, action FROM reconciliation_line WHERE reconciliation_id = :id AND subject = 'position'"""
    return {row["key"]: row for row in question.rows(lines, id=reconciliation)}


def _left_alone(question: Question) -> Mapping[str, int]:
    """Return by contract how many are at the broker and not ours, or not yet."""
    waiting = "SELECT id, quantity FROM adoption WHERE state IN ('asked', 'allowed', 'declined')"
    return {row["id"]: row["quantity"] for row in question.rows(waiting)}


_CHANGED_OTHERWISE_SINCE: Final = """
SELECT p.contract_key FROM position p JOIN transition t ON t.machine = 'position' AND t.entity_id = p.id
WHERE t.recorded_at > :at AND t.recorded_at <= :present
    AND t."trigger" IN ('settle', 'lose', 'recover', 'adopt', 'correct')"""


def _present(question: Question) -> str:
    """Return the latest moment that the store speaks of, by the order of writing; the end of time for an empty one."""
    latest = _latest_time(question)
    return time_text(latest) if latest is not None else "9999"


def _held_at(question: Question, at: str, present: str) -> Mapping[str, int]:
    held: dict[str, int] = defaultdict(int)
    # What a correction gave back to a closed position was adopted as one of its own.
    open_ones = "SELECT contract_key, SUM(quantity) AS n FROM position WHERE state <> 'closed' GROUP BY contract_key"
    for row in question.rows(open_ones):
        held[row["contract_key"]] += int(row["n"])
    since = """
SELECT contract_key, SUM(CASE WHEN side = 'BUY' THEN quantity ELSE -quantity END) AS n
FROM execution WHERE recorded_at > :at AND recorded_at <= :present AND position_id IS NOT NULL GROUP BY contract_key"""
    for row in question.rows(since, at=at, present=present):
        held[row["contract_key"]] -= int(row["n"])
    return {key: n for key, n in held.items() if n}


def _is_number(words: str) -> bool:
    return words.lstrip("-").isdigit()


# ---- I4


def protected(question: Question) -> Finding:
    """I4: an open position has a working stop for exactly its remaining quantity, within the limit after a fill; one
    that expired has nothing left to be protected from.

    Where the broker takes no stop (protection `synthetic`), the stop that the tick watches stands for it while a quote
    younger than `quote_max_age_s` shows what it is to be compared with: without one the position is a finding, and so
    is one whose watch began later than the limit. What no stop at the broker covers is measured all the same.
    """
    faults = Faults()
    pulse = question.rows("SELECT at, speed FROM engine_status")
    speed = float(pulse[0]["speed"]) if pulse else 1.0
    limit = max(question.protection_limit_s, question.wall_grace_s * speed)
    now = question.now or _latest_time(question)
    watch_limit, watched = max(question.quote_max_age_s, question.wall_grace_s * speed), 0
    for row in question.rows(_COVER, present=_present(question)):
        if row["protection"] == Protection.SYNTHETIC and row["state"] != PositionState.CLOSING:
            watched += 1
            _is_watched(row, now, watch_limit, faults)
        else:
            _is_covered(row, now, limit, faults)
    longest = 0.0
    speeds = _speeds(question)
    for row in question.rows(_STRETCHES):
        seconds = _bare_seconds(row)
        longest = max(longest, seconds)
        then = max(question.protection_limit_s, question.wall_grace_s * speeds.get(row["config_version"], speed))
        if seconds > then:
            words = f"position {row['position_id']} was unprotected for {seconds:g} s (limit {then:g} s)"
            faults.add(words, **row)
    also = f"; {watched} watched by the tick" if watched else ""
    return faults.finding("I4", f"unprotected at most {longest:g} s after the entry was done (limit {limit:g} s){also}")


def _speeds(question: Question) -> Mapping[str, float]:
    """Return by configuration how fast the clock of its run went; only a simulated one can be known so."""
    found = {}
    for row in question.rows("SELECT id, body FROM config_version"):
        settings = (parse_json(row["body"]) or {}).get("settings", {})
        if settings.get("mode") == "sim":
            found[row["id"]] = float(settings.get("sim", {}).get("speed", 1.0))
    return found


_STRETCHES: Final = """
SELECT u.*, (SELECT t.config_version FROM transition t WHERE t.machine = 'position' AND t.entity_id = u.position_id
    AND t.event_at = u.since_at ORDER BY t.seq LIMIT 1) AS config_version, (SELECT MIN(t.event_at) FROM transition t
    WHERE t.machine = 'position' AND t.entity_id = u.position_id AND t."trigger" = 'protection_lost'
    AND t.evidence LIKE '%"policy":"watch"%' AND t.event_at >= u.since_at
    AND (u.until_at IS NULL OR t.event_at <= u.until_at)) AS watched_at
FROM v_unprotected_time u"""


def _bare_seconds(row: Mapping[str, Any]) -> float:
    """Return for how long a position had neither a stop nor, once the broker had refused one for good, the tick's
    watch; the time in which the entry itself was alive is left out."""
    if row["watched_at"] is None:
        return float(row["seconds_after_entry"] or 0)
    since = max(row["since_at"], row["entry_done_at"] or "")
    return max((parse_time(row["watched_at"]) - parse_time(since)).total_seconds(), 0.0)


def _is_watched(row: Mapping[str, Any], now: datetime | None, limit: float, faults: Faults) -> None:
    """A watched stop has a price, and a quote that is young enough to compare it with."""
    quoted, stop = row["quoted_at"], row["stop_price"]
    age = (now - parse_time(quoted)).total_seconds() if now is not None and quoted else None
    if stop is not None and age is not None and age <= limit:
        return
    what = "has no price" if stop is None else "has no quote" if age is None else f"has a quote of {age:g} s ago"
    faults.add(f"position {row['id']}: the stop that the tick watches {what} (limit {limit:g} s)", **row)


def _latest_time(question: Question) -> datetime | None:
    found = question.rows(
        "SELECT MAX(at) AS at FROM (SELECT MAX(at) AS at FROM engine_status UNION ALL "
        "SELECT recorded_at FROM transition WHERE seq = (SELECT MAX(seq) FROM transition)) AS latest"
    )
    return parse_time(found[0]["at"]) if found and found[0]["at"] else None


_COVER: Final = """
SELECT p.id, p.state, p.quantity, p.protection, p.stop_price, p.quoted_at,
    COALESCE(SUM(CASE WHEN o.purpose = 'protect' AND o.state IN ('working', 'partially_filled')
        THEN o.quantity - o.filled_quantity END), 0) AS stopped,
    COALESCE(SUM(CASE WHEN o.purpose = 'exit' AND o.state IN ('working', 'partially_filled', 'submitted', 'intent')
        THEN o.quantity - o.filled_quantity END), 0) AS leaving,
    COALESCE(SUM(CASE WHEN o.purpose = 'entry' AND o.state NOT IN ('filled', 'cancelled', 'rejected') THEN 1 END), 0)
    AS entering, (SELECT MAX(t.event_at) FROM transition t WHERE t.event_at <= :present AND
        (t.machine = 'position' AND t.entity_id = p.id OR t.machine = 'order' AND t.entity_id IN
        (SELECT x.id FROM broker_order x WHERE x.position_id = p.id))) AS last_at
FROM position p LEFT JOIN broker_order o ON o.position_id = p.id
WHERE p.state <> 'closed' AND COALESCE(p.close_reason, '') <> 'awaiting_settlement'
GROUP BY p.id, p.state, p.quantity, p.protection, p.stop_price, p.quoted_at"""


def _is_covered(row: Mapping[str, Any], now: datetime | None, limit: float, faults: Faults) -> None:
    """A position that something just happened to has the limit's time to be covered again."""
    covered = row["stopped"] + row["leaving"]
    if covered == row["quantity"] or row["entering"]:
        return
    closing = row["state"] == "closing"
    patience = max(limit, _CLOSING_GRACE_S) if closing else limit
    if now is not None and row["last_at"] and (now - parse_time(row["last_at"])).total_seconds() <= patience:
        return
    faults.add(f"position {row['id']} ({row['state']}): {covered} of {row['quantity']} contracts are covered", **row)


# ---- I9


def realized(question: Question) -> Finding:
    """I9: realized P&L from the executions is what the position says and what every view sums up, to the cent."""
    faults = Faults()
    trades = question.rows("""
SELECT t.position_id, t.realized_cents, t.state, t.session_day, p.realized_pnl AS units
FROM v_trades t JOIN position p ON p.id = t.position_id""")
    for row in question.rows(_SETTLED):
        _agrees_with_settlement(row, faults)
    for row in question.rows(_ELSEWHERE):
        _says_what_it_rests_on(row, faults)
    by_day: dict[str, int] = defaultdict(int)
    for row in trades:
        if row["realized_cents"] * 100 != row["units"]:
            said, counted = row["units"] / 10_000, row["realized_cents"] / 100
            faults.add(f"position {row['position_id']} says {said:.2f}, its executions {counted:.2f}", **row)
        if row["state"] == "closed":
            by_day[row["session_day"]] += row["realized_cents"]
    for row in question.rows("SELECT day, realized_cents FROM v_daily_pnl"):
        summed = by_day.get(row["day"])
        if summed != row["realized_cents"]:
            faults.add(f"v_daily_pnl says {row['realized_cents']} cents for {row['day']}, its trades {summed}", **row)
    return faults.finding("I9", f"{len(trades)} trades agree to the cent in every view")


_SETTLED: Final = """
SELECT id, "right", strike, close_reason, settlement, settlement_price,
    settled_quantity - elsewhere_quantity AS settled_quantity, settled_value - elsewhere_value AS settled_value
FROM position WHERE settlement IS NOT NULL AND left_early = elsewhere_quantity"""

_ELSEWHERE: Final = """
SELECT id, elsewhere_quantity, elsewhere_value, left_early, valuation FROM position
WHERE elsewhere_quantity <> 0 OR elsewhere_value <> 0 OR elsewhere_commission <> 0 OR valuation IS NOT NULL"""


def _says_what_it_rests_on(row: Mapping[str, Any], faults: Faults) -> None:
    """What somebody else sold is never counted without a word on where its value is from."""
    number, value, word = row["elsewhere_quantity"], row["elsewhere_value"], row["valuation"]
    named = word is not None and 0 < number <= row["left_early"]
    if not named or value < 0 or (word == "estimated" and not value):
        words = f"position {row['id']}: {number} sold elsewhere for {value / 10_000:.4f}, which rests on {word}"
        faults.add(words, **row)


def _agrees_with_settlement(row: Mapping[str, Any], faults: Faults) -> None:
    """What went through its expiry is counted at its intrinsic value, and without a price at nothing."""
    price, strike = row["settlement_price"], row["strike"]
    paid = row["close_reason"] in {"cash_settled", "exercised"} and row["settlement"] != "pending"
    gain = 0 if price is None else price - strike if row["right"] == "C" else strike - price
    value = max(gain, 0) * row["settled_quantity"] if paid else 0
    if value != row["settled_value"]:
        said, counted = row["settled_value"] / 10_000, value / 10_000
        faults.add(f"position {row['id']} was settled at {said:.2f} in all, its settlement says {counted:.2f}", **row)
