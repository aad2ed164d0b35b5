"""A transition in plain words, as the record has it."""

from __future__ import annotations

import logging
from typing import Final

from bot.engine.state.records import NewTransition

LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}
"""An alert's severity as the log's level."""


def transition_line(row: NewTransition) -> str:
    """Return a transition in plain words: what, from and to, by which trigger, why. The log adds the exchange's
    time."""
    arrow = row.to_state if row.from_state == row.to_state else f"{row.from_state} → {row.to_state}"
    who = "" if row.actor in {"tick", "broker"} else f" [{row.actor}]"
    shown = row.entity_id if row.machine in {"breaker", "symbol"} else row.entity_id[-6:]
    name = row.machine if row.machine in {"session", "connection", "slowdown"} else f"{row.machine} {shown}"
    return f"{name:<15} {arrow} ({row.trigger}){who}: {row.reason}"
