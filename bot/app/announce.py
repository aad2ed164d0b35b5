"""The log that the trader watches: one plain line a transition, one line a new reason why there is no trade."""

from __future__ import annotations

import logging
from typing import Final

from bot.engine.state.records import NewTransition, TickBatch
from bot.strategies.base import Look, Strategy

log: Final = logging.getLogger("quanticity")

_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


def transition_line(row: NewTransition) -> str:
    """Return a transition in plain words: what, from and to, by which trigger, why. The log adds the exchange's
    time."""
    arrow = row.to_state if row.from_state == row.to_state else f"{row.from_state} → {row.to_state}"
    who = "" if row.actor in {"tick", "broker"} else f" [{row.actor}]"
    shown = row.entity_id if row.machine in {"breaker", "symbol"} else row.entity_id[-6:]
    name = row.machine if row.machine in {"session", "connection"} else f"{row.machine} {shown}"
    return f"{name:<15} {arrow} ({row.trigger}){who}: {row.reason}"


def announce(batch: TickBatch) -> None:
    """Log what a tick changed, once it is on disk."""
    for row in batch.transitions:
        log.info(transition_line(row))
    for alert in batch.alerts:
        log.log(_LEVELS[alert.severity], f"alert {alert.code}: {alert.text}")


def announce_look(strategy: Strategy, look: Look) -> None:
    """Log why a strategy does not trade, when the reason is another one than before."""
    if look.proposal is None:
        log.info(f"{look.symbol:<15} no trade ({strategy.name}): {look.reason}")
