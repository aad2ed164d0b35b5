"""The log that the trader watches: one plain line a transition, one line a new reason why there is no trade."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.engine.records import TickBatch, TransitionRow
from bot.strategies.base import Look, Strategy

log: Final = logging.getLogger("quanticity")

_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


def exchange_time(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%H:%M:%S}"


def transition_line(row: TransitionRow) -> str:
    """Return a transition in plain words: exchange time, what, from and to, why."""
    arrow = row.to_state if row.from_state == row.to_state else f"{row.from_state} → {row.to_state}"
    who = "" if row.actor in {"tick", "broker"} else f" [{row.actor}]"
    name = row.machine if row.machine in {"session", "connection"} else f"{row.machine} {row.entity_id[-6:]}"
    return f"{exchange_time(row.event_at)} ET  {name:<16} {arrow} ({row.trigger}){who}: {row.reason}"


def announce(batch: TickBatch) -> None:
    """Log what a tick changed, once it is on disk."""
    for row in batch.transitions:
        log.info(transition_line(row))
    for alert in batch.alerts:
        log.log(_LEVELS[alert.severity], f"{exchange_time(alert.at)} ET  alert {alert.code}: {alert.text}")


def announce_look(strategy: Strategy, look: Look) -> None:
    """Log why a strategy does not trade, when the reason is another one than before."""
    if look.proposal is None:
        log.info(f"          {strategy.name} {look.symbol}: {look.reason}")
