# ruff: noqa: S608  (the pieces of these texts are our own constants)
"""Views for people with a SQL prompt: dollars instead of units, one question each. Names and columns stay.

Every view begins with a comment that says what a row is. Money is shown in dollars, rounded to four places; realized
P&L is to the cent, computed from the executions alone, and must agree with what the position says of itself (I9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection


def _dollars(expression: str) -> str:
    return f"ROUND(({expression}) / 10000.0, 4)"


# Seconds between two stored times: the one thing that the two databases say differently.
_SECONDS: Final[Mapping[str, str]] = {
    "sqlite": "ROUND((julianday({b}) - julianday({a})) * 86400.0, 3)",
    "postgresql": "ROUND(EXTRACT(EPOCH FROM (CAST({b} AS timestamptz) - CAST({a} AS timestamptz))), 3)",
}


def seconds_sql(dialect: str, begin: str, end: str) -> str:
    """Return the seconds from one stored time to another, in the words of a database."""
    return _SECONDS[dialect].format(a=begin, b=end)


# Half-even rounding of a fraction of integers, as `bot.domain.money.to_cents` rounds.
_HALF_EVEN: Final = """({n}) / ({d}) + CASE
        WHEN 2 * ABS(({n}) % ({d})) > ({d}) OR (2 * ABS(({n}) % ({d})) = ({d}) AND ABS(({n}) / ({d})) % 2 = 1)
        THEN CASE WHEN ({n}) < 0 THEN -1 ELSE 1 END ELSE 0 END"""

_TRADES: Final = f"""
/* One row a position: what was paid, what came back, what is realized. Prices and P&L in dollars; computed from the
   executions and, for contracts that went through their expiry, from what they were settled at (settlement: what that
   rests on; pending: counted as nothing). Contracts that somebody else sold (elsewhere) count as settled; valuation
   says what their price rests on: executed (other clients' executions), told, estimated (the last bid that was seen) or
   unknown (counted as nothing). For a position adopted from the broker the entry is the broker's. realized_cents is
   exact. */
WITH fill AS (
    SELECT position_id,
        CAST(SUM(CASE WHEN side = 'BUY' THEN quantity ELSE 0 END) AS BIGINT) AS bought,
        CAST(SUM(CASE WHEN side = 'BUY' THEN quantity * price ELSE 0 END) AS BIGINT) AS buy_value,
        CAST(SUM(CASE WHEN side = 'SELL' THEN quantity ELSE 0 END) AS BIGINT) AS sold,
        CAST(SUM(CASE WHEN side = 'SELL' THEN quantity * price ELSE 0 END) AS BIGINT) AS sell_value,
        CAST(SUM(COALESCE(commission, 0)) AS BIGINT) AS commissions,
        COUNT(*) AS executions
    FROM execution WHERE position_id IS NOT NULL GROUP BY position_id
), leg AS (
    SELECT p.*,
        CASE WHEN p.origin = 'broker' THEN CAST(p.entry_quantity AS BIGINT) ELSE COALESCE(f.bought, 0) END AS contracts,
        CASE WHEN p.origin = 'broker' THEN p.entry_value ELSE COALESCE(f.buy_value, 0) END AS paid,
        COALESCE(f.sold, 0) AS sold, COALESCE(f.sell_value, 0) AS received,
        COALESCE(f.commissions, 0) + p.elsewhere_commission AS charged, COALESCE(f.executions, 0) AS executions
    FROM position p LEFT JOIN fill f ON f.position_id = p.id
), sum AS (
    SELECT leg.*,
        CASE WHEN contracts = 0 THEN -charged
            ELSE ((received + settled_value) * contracts - paid * (sold + settled_quantity)) * multiplier
                - charged * contracts END AS numerator,
        CASE WHEN contracts = 0 THEN 100 ELSE contracts * 100 END AS denominator
    FROM leg
), trade AS (
    SELECT sum.*, {_HALF_EVEN.format(n="numerator", d="denominator")} AS realized_cents FROM sum
)
SELECT id AS position_id, signal_id, strategy, symbol, "right", {_dollars("strike")} AS strike, expiry, origin, state,
    opened_at, closed_at, session_day, close_reason, contracts, sold, settled_quantity AS settled, settlement,
    elsewhere_quantity AS elsewhere, valuation,
    CASE WHEN elsewhere_quantity > 0 THEN {_dollars("elsewhere_value * 1.0 / elsewhere_quantity")} END
    AS elsewhere_price,
    CASE WHEN settled_quantity > 0 THEN {_dollars("settled_value * 1.0 / settled_quantity")} END AS settled_at,
    contracts - sold - settled_quantity AS contracts_left, executions,
    CASE WHEN contracts = 0 THEN NULL ELSE {_dollars("paid * 1.0 / contracts")} END AS entry_price,
    CASE WHEN sold = 0 THEN NULL ELSE {_dollars("received * 1.0 / sold")} END AS exit_price,
    {_dollars("paid * multiplier")} AS premium, {_dollars("charged")} AS commissions,
    ROUND(realized_cents / 100.0, 2) AS realized_pnl, realized_cents,
    CASE WHEN paid = 0 THEN NULL ELSE ROUND(realized_cents * 100.0 / (paid * multiplier), 4) END AS return_on_premium
FROM trade"""

_DAILY: Final = """
/* One row a New York day on which a position was closed: trades, wins, realized P&L and commissions in dollars. */
SELECT session_day AS day, COUNT(*) AS trades,
    SUM(CASE WHEN realized_cents > 0 THEN 1 ELSE 0 END) AS wins,
    SUM(CASE WHEN realized_cents < 0 THEN 1 ELSE 0 END) AS losses,
    ROUND(SUM(CASE WHEN realized_cents > 0 THEN 1 ELSE 0 END) * 1.0 / COUNT(*), 4) AS win_rate,
    ROUND(SUM(realized_cents) / 100.0, 2) AS realized_pnl, SUM(realized_cents) AS realized_cents,
    ROUND(SUM(commissions), 4) AS commissions,
    ROUND(MAX(realized_cents) / 100.0, 2) AS best, ROUND(MIN(realized_cents) / 100.0, 2) AS worst
FROM v_trades WHERE state = 'closed' GROUP BY session_day"""

_ROW: Final = (
    't.seq, t.event_at, t.machine, t.entity_id, t.from_state, t.to_state, t."trigger", t.actor, t.reason, t.evidence, '
    "t.config_version, t.tick"
)

_SIGNAL_TIMELINE: Final = f"""
/* Everything that happened around a signal, in order of seq: its own moves, its approval's, its orders' and its
position's. */ SELECT s.id AS signal_id, {_ROW} FROM signal s JOIN transition t ON t.machine = 'signal' AND
t.entity_id = s.id UNION ALL
SELECT a.signal_id, {_ROW} FROM approval a JOIN transition t ON t.machine = 'approval' AND t.entity_id = a.id
UNION ALL
SELECT COALESCE(o.signal_id, p.signal_id), {_ROW} FROM broker_order o LEFT JOIN position p ON p.id = o.position_id
    JOIN transition t ON t.machine = 'order' AND t.entity_id = o.id WHERE COALESCE(o.signal_id, p.signal_id) IS NOT NULL
UNION ALL
SELECT p.signal_id, {_ROW} FROM position p JOIN transition t ON t.machine = 'position' AND t.entity_id = p.id
    WHERE p.signal_id IS NOT NULL"""

_POSITION_TIMELINE: Final = f"""
/* Everything that happened around a position, in order of seq: its own moves, its orders', its signal's and its
approval's. */ SELECT p.id AS position_id, {_ROW} FROM position p JOIN transition t ON t.machine = 'position' AND
t.entity_id = p.id UNION ALL
SELECT o.position_id, {_ROW} FROM broker_order o JOIN transition t ON t.machine = 'order' AND t.entity_id = o.id
    WHERE o.position_id IS NOT NULL
UNION ALL
SELECT p.id, {_ROW} FROM position p JOIN transition t ON t.machine = 'signal' AND t.entity_id = p.signal_id
UNION ALL
SELECT p.id, {_ROW} FROM position p JOIN approval a ON a.signal_id = p.signal_id
    JOIN transition t ON t.machine = 'approval' AND t.entity_id = a.id"""

_ORDER_AUDIT: Final = f"""
/* One row an order: terms, state, what its executions say, and how long the broker took. Prices in dollars per share.
*/ SELECT o.id, o.order_ref, o.signal_id, o.position_id, o.contract_key, o.purpose, o.side, o.order_type, o.tag,
o.state,
    o.quantity, o.filled_quantity, COALESCE(f.contracts, 0) AS executed_quantity, COALESCE(f.executions, 0) AS
    executions, {_dollars("o.limit_price")} AS limit_price, {_dollars("o.stop_price")} AS stop_price,
    {_dollars("o.mid_at_decision")} AS mid_at_decision,
    CASE WHEN f.contracts > 0 THEN {_dollars("f.value * 1.0 / f.contracts")} END AS average_price,
    {_dollars("f.commission")} AS commission, o.order_id, o.perm_id, o.amendments, o.attempts, o.reject_code,
    o.reject_reason, o.created_at, o.submitted_at, o.acknowledged_at, o.done_at,
    CASE WHEN o.acknowledged_at IS NOT NULL THEN [seconds o.created_at o.acknowledged_at] END AS seconds_to_acknowledge,
    CASE WHEN o.done_at IS NOT NULL THEN [seconds o.created_at o.done_at] END AS seconds_to_done
FROM broker_order o LEFT JOIN (
    SELECT order_id, SUM(quantity) AS contracts, SUM(quantity * price) AS value, SUM(commission) AS commission,
        COUNT(*) AS executions
    FROM execution GROUP BY order_id
) f ON f.order_id = o.id"""

_FILLED: Final = f"""
WITH filled AS (
    SELECT o.*, f.contracts, f.value * 1.0 / f.contracts AS average,
        CASE WHEN o.purpose = 'protect' THEN o.stop_price ELSE o.mid_at_decision END AS reference,
        CASE WHEN o.side = 'BUY' THEN 1 ELSE -1 END AS sign, COALESCE(p.multiplier, s.multiplier, 100) AS multiplier
    FROM broker_order o
    JOIN (
        SELECT order_id, CAST(SUM(quantity) AS BIGINT) AS contracts, CAST(SUM(quantity * price) AS BIGINT) AS value
        FROM execution [of orders] GROUP BY order_id
    ) f ON f.order_id = o.id
    LEFT JOIN position p ON p.id = o.position_id
    LEFT JOIN signal s ON s.id = o.signal_id
    WHERE f.contracts > 0
)
SELECT order_ref, signal_id, position_id, contract_key, purpose, side, tag, contracts AS quantity,
    {_dollars("mid_at_decision")} AS mid_at_decision, {_dollars("reference")} AS reference_price,
    {_dollars("average")} AS average_price, {_dollars("sign * (average - reference)")} AS slippage_per_share,
    {_dollars("sign * (average - reference) * contracts * multiplier")} AS slippage,
    CASE WHEN reference > 0 THEN ROUND(sign * 100.0 * (average / reference - 1), 4) END AS slippage_pct, created_at
FROM filled WHERE reference IS NOT NULL"""


def slippage_sql(of_orders: str = "") -> str:
    """Return the one definition of slippage: a row a filled order, entries, exits and stops, each weighed as a whole.
    `of_orders` narrows the executions that are read (a WHERE on `execution`), for who must not read it all."""
    return _FILLED.replace("[of orders]", of_orders)


_SLIPPAGE: Final = f"""
/* One row a filled order: what it got against the mid when it was decided; a stop, which is decided long before it
   fills, against the stop price that it promised. Positive is a cost, in dollars. */{slippage_sql()}"""

_UNPROTECTED: Final = """
/* One row a stretch of time in which a position had no working stop for all of it: from a fill or the stop's loss
until the
   broker held one, or until the way out began. seconds_after_entry leaves out the time in which the entry order
   itself was still alive, for the broker refuses a sell beside it. until_at is null while it lasts. */
WITH word AS (
    SELECT p.id AS position_id, t.seq, t.event_at, t."trigger" AS happened, CASE
        WHEN t.to_state IN ('closing', 'closed') THEN 'end'
        WHEN t."trigger" = 'protected' THEN 'end'
        ELSE 'start' END AS kind
    FROM position p JOIN transition t ON t.machine = 'position' AND t.entity_id = p.id
    WHERE t."trigger" IN ('created', 'entry_fill', 'adopt', 'protected', 'protection_lost')
        OR t.to_state IN ('closing', 'closed')
    UNION ALL
    SELECT o.position_id, t.seq, t.event_at, 'stop ' || t."trigger", 'end'
    FROM broker_order o JOIN transition t ON t.machine = 'order' AND t.entity_id = o.id
    WHERE o.purpose = 'protect' AND t."trigger" IN ('acknowledge', 'amended') AND o.position_id IS NOT NULL
), ordered AS (
    SELECT word.*, LAG(kind) OVER (PARTITION BY position_id ORDER BY seq) AS before,
        MIN(CASE WHEN kind = 'end' THEN seq END) OVER (
            PARTITION BY position_id ORDER BY seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS end_seq
    FROM word
), stretch AS (
    SELECT b.position_id, b.event_at AS since_at, b.happened AS began_with, e.event_at AS until_at,
        CASE WHEN e.machine = 'order' THEN 'stop ' || e."trigger" ELSE e."trigger" END AS ended_with,
        (SELECT MAX(o.done_at) FROM broker_order o WHERE o.position_id = b.position_id AND o.purpose = 'entry') AS
        entry_done_at
    FROM ordered b LEFT JOIN transition e ON e.seq = b.end_seq
    WHERE b.kind = 'start' AND (b.before IS NULL OR b.before = 'end')
)
SELECT stretch.*, CASE WHEN until_at IS NOT NULL THEN [seconds since_at until_at] END AS seconds,
    CASE WHEN until_at IS NULL THEN NULL
        WHEN entry_done_at IS NULL OR entry_done_at <= since_at THEN [seconds since_at until_at]
        WHEN entry_done_at >= until_at THEN 0
        ELSE [seconds entry_done_at until_at] END AS seconds_after_entry
FROM stretch"""

_PROTECTION: Final = f"""
/* One row a position: how what is left of it is protected, and for how long contracts of it had no working sale at the
   broker, counted until the engine's latest pulse. protection: wanted, working, rejected, synthetic (the tick watches
   the price), leaving (on the way out) or ended. seconds: while any contract lacked one; contract_seconds: times the
   contracts that did, the time in which the entry order still worked included. */
WITH counted AS (
    SELECT p.*, CASE WHEN p.unprotected_quantity > 0 AND s.at > p.cover_at THEN [seconds p.cover_at s.at] ELSE 0 END
        AS running
    FROM position p LEFT JOIN (SELECT MAX(at) AS at FROM engine_status) s ON 1 = 1
)
SELECT c.id AS position_id, c.contract_key, c.state, c.protection, c.quantity AS contracts,
    COALESCE((SELECT SUM(o.quantity - o.filled_quantity) FROM broker_order o
        WHERE o.position_id = c.id AND o.purpose = 'protect' AND o.state IN ('working', 'partially_filled')), 0)
        AS stopped_contracts,
    {_dollars("c.stop_price")} AS stop_price, c.unprotected_quantity AS unprotected_contracts, c.unprotected_since,
    ROUND(c.unprotected_ms / 1000.0 + c.running, 3) AS seconds,
    ROUND(c.unprotected_contract_ms / 1000.0 + c.running * c.unprotected_quantity, 3) AS contract_seconds
FROM counted c"""

_MESSAGES: Final = """
/* One row a message that reached its channel: tier, delay kept, and the trade it is about. */
SELECT m.id, m.tier, m.channel, m.kind, m.signal_id, m.position_id, m.created_at, m.due_at, m.sent_at,
    [seconds m.due_at m.sent_at] AS seconds_after_due, m.external_id, m.dedupe_key, m.body
FROM message m WHERE m.state = 'sent'"""

_ADMIN: Final = """
/* One row a deed of a person: commands asked for with their answers, and the transitions that they caused. */
SELECT c.created_at AS at, c.actor, 'command' AS source, c.kind AS action, c.id AS subject, c.state AS outcome,
    c.payload AS detail, c.answer AS words
FROM command c
UNION ALL
SELECT t.event_at, t.actor, 'transition', t."trigger", t.machine || ' ' || t.entity_id, t.to_state, t.evidence, t.reason
FROM transition t WHERE t.actor LIKE 'admin:%' OR t.actor IN ('cli', 'signal') OR t.actor LIKE 'cli:%'"""

_APPROVALS: Final = """
/* One row an approval: who decided on which signal, when, and why. decided_by 'rules': nobody had to be asked. */
SELECT a.id AS approval_id, a.signal_id, s.strategy, s.symbol, s."right", s.expiry, s.quantity, a.state, a.decided_by,
    a.requested_at, a.decided_at, CASE WHEN a.decided_at IS NOT NULL THEN [seconds a.requested_at a.decided_at] END AS
    seconds, a.reason
FROM approval a JOIN signal s ON s.id = a.signal_id"""

_REFUSED: Final = """
/* One row a trigger that the table of its machine did not allow: nothing changed. */
SELECT t.seq, t.event_at, t.machine, t.entity_id, t.from_state AS state, SUBSTR(t."trigger", 9) AS refused_trigger,
t.actor,
    t.reason, t.evidence, t.tick
FROM transition t WHERE t."trigger" LIKE 'refused:%'"""

_CONFIG: Final = """
/* One row a configuration: from when until when it was in force (until_at null: it is). */
SELECT c.id, c.hash, c.created_at AS from_at, LEAD(c.created_at) OVER (ORDER BY c.number) AS until_at, c.body
FROM config_version c"""

_SIGNALS: Final = f"""
/* One row a signal, prices in dollars per share, notional in dollars. */
SELECT s.id, s.strategy, s.symbol, s."right", {_dollars("s.strike")} AS strike, s.expiry, s.quantity,
    {_dollars("s.limit_price")} AS limit_price, {_dollars("s.notional")} AS notional, s.risk_fraction, s.state,
    s.created_at, s.expires_at, s.closed_at, s.session_day, s.position_id, s.rationale, s.confidence, s.targets,
    s.risk_reward, {_dollars("s.max_risk")} AS max_risk, s.complexity
FROM signal s"""

_POSITIONS: Final = f"""
/* One row a position with its latest mark, in dollars. */
SELECT p.id, p.signal_id, p.strategy, p.symbol, p."right", {_dollars("p.strike")} AS strike, p.expiry, p.state,
p.origin,
    p.entry_quantity, p.quantity, {_dollars("p.entry_price")} AS entry_price, {_dollars("p.stop_price")} AS stop_price,
    {_dollars("p.high")} AS high, {_dollars("p.bid")} AS bid, {_dollars("p.ask")} AS ask,
    {_dollars("p.unrealized_pnl")} AS unrealized_pnl, {_dollars("p.realized_pnl")} AS realized_pnl, p.marked_at,
    p.opened_at, p.closed_at, p.close_reason, p.settlement, {_dollars("p.settlement_price")} AS settlement_price,
    p.elsewhere_quantity, p.valuation
FROM position p"""

_ACCOUNT: Final = f"""
/* One row an account snapshot, in dollars. */
SELECT a.at, a.day, a.account, {_dollars("a.net_liquidation")} AS net_liquidation, {_dollars("a.day_pnl")} AS day_pnl,
    {_dollars("a.cash")} AS cash, {_dollars("a.available_funds")} AS available_funds, a.open_positions
FROM account_snapshot a"""

_RECONCILED: Final = """
/* One row a line of a reconciliation: what we had, what the broker had, what was done. */
SELECT r.id AS reconciliation_id, r.at, r.reason, r.complete, l.line, l.subject, l.key, l.ours, l.broker, l.action
FROM reconciliation r JOIN reconciliation_line l ON l.reconciliation_id = r.id"""

VIEWS: Final[Mapping[str, str]] = {
    "v_trades": _TRADES,
    "v_daily_pnl": _DAILY,
    "v_signals": _SIGNALS,
    "v_positions": _POSITIONS,
    "v_signal_timeline": _SIGNAL_TIMELINE,
    "v_position_timeline": _POSITION_TIMELINE,
    "v_order_audit": _ORDER_AUDIT,
    "v_slippage": _SLIPPAGE,
    "v_unprotected_time": _UNPROTECTED,
    "v_protection": _PROTECTION,
    "v_approvals": _APPROVALS,
    "v_messages_sent": _MESSAGES,
    "v_admin_actions": _ADMIN,
    "v_refused_triggers": _REFUSED,
    "v_config_in_force": _CONFIG,
    "v_account": _ACCOUNT,
    "v_reconciliations": _RECONCILED,
}
"""Name of each view and its SELECT; a view comes after those that it reads."""


def view_sql(name: str, dialect: str) -> str:
    """Return a view's SELECT in the words of a database (`sqlite` or `postgresql`)."""
    pieces = VIEWS[name].split("[seconds ")
    rendered = [pieces[0]]
    for piece in pieces[1:]:
        names, _, rest = piece.partition("]")
        first, second = names.split(" ")
        rendered.append(seconds_sql(dialect, first, second) + rest)
    return "".join(rendered).strip()


def create_views(connection: Connection) -> None:
    """Create every view; the schema must be at its head."""
    for name in VIEWS:
        connection.exec_driver_sql(f"CREATE VIEW {name} AS\n{view_sql(name, connection.dialect.name)}")


def drop_views(connection: Connection) -> None:
    """Drop every view that this code knows, those that read others first."""
    for name in reversed(list(VIEWS)):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
