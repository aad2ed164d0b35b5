"""The schema as data: every table of the store, one MetaData. Alembic's revisions must never differ from it (a test
holds).
"""

from __future__ import annotations

from bot.store.schema.audience import MESSAGE, REPORT
from bot.store.schema.audit import (
    COMMAND,
    COMMAND_STATES,
    CONFIG_VERSION,
    INBOUND,
    RECONCILIATION,
    RECONCILIATION_LINE,
    TRANSITION,
)
from bot.store.schema.columns import METADATA
from bot.store.schema.running import (
    ACCOUNT_SNAPSHOT,
    ADOPTION,
    ALERT,
    BOT_IDENTITY,
    BREAKER,
    CONNECTION_STATE,
    ENGINE_STATUS,
    FEED_STATUS,
    JOB_RUN,
    SESSION_STATE,
    STRATEGY_STAT,
    SYMBOL_HALT,
)
from bot.store.schema.trading import (
    APPROVAL,
    BROKER_ORDER,
    EXECUTION,
    EXECUTION_REPLACED,
    INSTRUMENT,
    POSITION,
    POSITION_MARK,
    SIGNAL,
)

__all__ = [
    "ACCOUNT_SNAPSHOT",
    "ADOPTION",
    "ALERT",
    "APPROVAL",
    "BOT_IDENTITY",
    "BREAKER",
    "BROKER_ORDER",
    "COMMAND",
    "COMMAND_STATES",
    "CONFIG_VERSION",
    "CONNECTION_STATE",
    "ENGINE_STATUS",
    "EXECUTION",
    "EXECUTION_REPLACED",
    "FEED_STATUS",
    "INBOUND",
    "INSTRUMENT",
    "JOB_RUN",
    "MESSAGE",
    "METADATA",
    "POSITION",
    "POSITION_MARK",
    "RECONCILIATION",
    "RECONCILIATION_LINE",
    "REPORT",
    "SESSION_STATE",
    "SIGNAL",
    "STRATEGY_STAT",
    "SYMBOL_HALT",
    "TRANSITION",
]
