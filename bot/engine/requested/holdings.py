"""Requests about the broker's book: that it be compared, and whose something in it is to be."""

from __future__ import annotations

from bot.domain.events.people import RequestReceived
from bot.domain.instructions import AskSnapshot
from bot.domain.requests import Payload
from bot.engine.book import asking
from bot.engine.requested.desk import RequestDesk, still_blocked


def reconcile(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    desk.journal.instructions.append(AskSnapshot(f"asked by {command.actor}"))
    return "the broker's book was asked; the comparison is in the reconciliation table"


def adopt(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Take a person's word that what is at the broker is to be ours; the next looks at the book do the rest."""
    words = asking.answer(desk.journal, payload.key, command.actor)
    desk.journal.instructions.append(AskSnapshot(f"adoption allowed by {command.actor}"))
    return words


def decline(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Take a person's word that what is at the broker is not to be ours."""
    return asking.decline(desk.journal, payload.key, command.actor) + still_blocked(desk)
