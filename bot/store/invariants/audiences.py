"""I7 messages keep their order and delay; I8 only rules and authorised people approve; I10 nothing secret is in the
store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Table, select

from bot.domain.outside import SHAPES
from bot.store.invariants.finding import Faults, Finding, Question
from bot.store.tables import METADATA
from bot.store.tables.transition import TRANSITION

_APPROVERS: Final = re.compile(r"^(tick|rules|cli|admin:[a-z]+:.+)$")

# Shapes of credentials that the services outside give out. Long random words alone prove nothing: hashes are
# everywhere here.
_TOKEN_SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    *SHAPES,
    ("a bearer token", re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{16,}")),
    ("a password in an address", re.compile(r"(?<![a-z0-9+])[a-z][a-z0-9+]*://[^\s/:@*]+:(?!\*\*\*@)[^\s/@]{3,}@")),
)
# What a text must contain for one of the shapes to be in it: a store has millions of texts, and hardly any has this.
_TRACES: Final = ("sk-ant-", "k_live_", "k_test_", "whsec_", "webhooks/", "Bearer", "eyJ", "AKIA", "PRIVATE KEY", "://")
_TRACE_OF_TELEGRAM: Final = re.compile(r"\d{8}:[A-Za-z0-9_-]{35}")
_SHORTEST_SECRET: Final = 6


def messages_in_time(question: Question) -> Finding:
    """I7: a message about a trade exists only after its fill, none is sent before it is due, none twice to one
    audience. What those who run the bot are told (tier admin) is no audience's.
    """
    faults = Faults()
    for row in question.rows(_TOO_EARLY):
        faults.add(f"message {row['id']} was sent at {row['sent_at']}, due at {row['due_at']}", **row)
    for row in question.rows(_BEFORE_ITS_FILL):
        faults.add(f"message {row['id']} about trade {row['trade']} is older than its first fill", **row)
    for row in question.rows(_TWICE):
        faults.add(f"{row['n']} messages say {row['dedupe_key']}", **row)
    count = question.rows("SELECT COUNT(*) AS n FROM message WHERE tier <> 'admin'")[0]["n"]
    return faults.finding("I7", f"{count} messages after their fill, not before they are due, each once")


_TOO_EARLY: Final = (
    "SELECT id, due_at, sent_at FROM message WHERE sent_at IS NOT NULL AND sent_at < due_at AND tier <> 'admin'"
)
_TWICE: Final = (
    "SELECT dedupe_key, COUNT(*) AS n FROM message WHERE tier <> 'admin' GROUP BY dedupe_key HAVING COUNT(*) > 1"
)
# A message names its trade by position or by signal; a trade that never filled has nothing to be told.
_BEFORE_ITS_FILL: Final = """
SELECT m.id, m.created_at, COALESCE(m.position_id, s.position_id, m.signal_id) AS trade,
    (SELECT MIN(e.executed_at) FROM execution e WHERE e.position_id = COALESCE(m.position_id, s.position_id)) AS
    filled_at
FROM message m LEFT JOIN signal s ON s.id = m.signal_id
WHERE m.tier <> 'admin' AND (m.position_id IS NOT NULL OR m.signal_id IS NOT NULL) AND m.created_at < COALESCE(
    (SELECT MIN(e.executed_at) FROM execution e WHERE e.position_id = COALESCE(m.position_id, s.position_id)),
    '9999')"""


def only_authorised_approve(question: Question) -> Finding:
    """I8: signals and approvals are approved by the rules or by an authorised person, never by the overseer."""
    faults = Faults()
    rows = question.rows("""
SELECT seq, machine, entity_id, actor FROM transition
WHERE machine IN ('signal', 'approval', 'report') AND "trigger" = 'approve'""")
    for row in rows:
        if not _APPROVERS.match(row["actor"]):
            faults.add(f"{row['machine']} {row['entity_id']} was approved by {row['actor']}", **row)
    return faults.finding("I8", f"{len(rows)} approvals, all by the rules or an authorised person")


def nothing_secret(question: Question) -> Finding:
    """I10: neither a known secret nor anything of a credential's shape is in any text of the store; of the chain, what
    came since it was looked at last."""
    faults = Faults()
    known = [secret for secret in question.secrets if len(secret) >= _SHORTEST_SECRET]
    texts = 0
    for table in METADATA.sorted_tables:
        names = [column.name for column in table.columns if column.type.python_type is str]
        for row in _rows_of(question, table, names):
            texts += len(names)
            if _has_trace("\n".join(value for value in row if value), known):
                _judge(table.name, names, row, known, faults)
    return faults.finding("I10", f"nothing secret in {texts} texts")


def _rows_of(question: Question, table: Table, names: list[str]) -> Iterator[Sequence[str | None]]:
    query = select(*(table.c[name] for name in names))
    if table is TRANSITION:
        query = query.where(TRANSITION.c.seq > question.since.seq)
    result = question.connection.execution_options(yield_per=1000).execute(query)
    yield from (tuple(row) for row in result)


def _has_trace(text: str, known: list[str]) -> bool:
    if any(trace in text for trace in _TRACES) or any(secret in text for secret in known):
        return True
    return _TRACE_OF_TELEGRAM.search(text) is not None


def _judge(table: str, names: list[str], row: Sequence[str | None], known: list[str], faults: Faults) -> None:
    for column, value in zip(names, row, strict=True):
        shape = _secret_in(value, known) if value else None
        if shape is not None:
            faults.add(f"{table}.{column} holds {shape}", table=table, column=column)


def _secret_in(value: str, known: list[str]) -> str | None:
    if any(secret in value for secret in known):
        return "a secret of this installation"
    return next((name for name, shape in _TOKEN_SHAPES if shape.search(value)), None)
