"""What other processes of ours say (deliveries, verdicts, jobs): each row of `inbound` is answered once.

They are no persons: what they may say is by kind and source, here; what a person asks stays in `command`. A row that
nobody may say, or that is no statement of its kind, is refused with the reason and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from bot.domain.events import InboundReceived
from bot.domain.notices import UnknownNotice, severity_of
from bot.domain.requests import Refused
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import JobRow, RequestOutcome

_CODE_LENGTH: Final = 64
_TEXT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class InboundHandler:
    """Who may say it, and what follows; `take` raises Refused, and returns the answer."""

    sources: frozenset[str]
    take: Callable[[Context, Journal, InboundReceived], str]


def _alert(ctx: Context, journal: Journal, event: InboundReceived) -> str:
    """Something that the process wants a person to see: code and text; severity where the code has more than one, what
    it is about (`entity`) and its numbers (`facts`) where it says them."""
    code = _word(event.payload, "code", _CODE_LENGTH)
    severity = _word(event.payload, "severity", _CODE_LENGTH) if "severity" in event.payload else ""
    try:
        severity = severity_of(code, severity or None)
    except UnknownNotice as unknown:
        raise Refused(f"NOTICE_UNKNOWN: {unknown}") from unknown
    text = _word(event.payload, "text", _TEXT_LENGTH)
    numbers = event.payload.get("facts")
    facts = {**(numbers if isinstance(numbers, Mapping) else {}), "source": event.source, "inbound": event.id}
    if entity := event.payload.get("entity"):
        facts["entity"] = str(entity)[:_CODE_LENGTH]
    journal.alert(code, text, facts, severity=severity)
    return f"alert {code} is raised"


def _job(ctx: Context, journal: Journal, event: InboundReceived) -> str:
    """A job that the process ran came to an end: name, state (done, failed), detail."""
    name, state = _word(event.payload, "name", _CODE_LENGTH), _word(event.payload, "state", _CODE_LENGTH)
    if state not in {"done", "failed"}:
        raise Refused("a job is done or failed")
    detail = str(event.payload.get("detail", ""))[:_TEXT_LENGTH]
    journal.batch.jobs.append(JobRow(name, ctx.now, state, detail))
    return f"job {name} is on record"


def _word(payload: Mapping[str, Any], name: str, longest: int) -> str:
    given = payload.get(name)
    if not isinstance(given, str) or not given.strip():
        raise Refused(f"{name} is missing")
    return given.strip()[:longest]


_OURS: Final = frozenset({"page", "people", "publisher", "overseer"})
HANDLERS: Final[Mapping[str, InboundHandler]] = MappingProxyType(
    {
        "alert": InboundHandler(_OURS, _alert),
        "job": InboundHandler(_OURS, _job),
    }
)
"""By kind: who says what. A new kind is one row and its function."""


class Inbound:
    """Handles the rows of one tick."""

    def __init__(self, ctx: Context, journal: Journal, handlers: Mapping[str, InboundHandler] = HANDLERS) -> None:
        self._ctx, self._journal, self._handlers = ctx, journal, handlers

    def handle(self, event: InboundReceived) -> None:
        """Take one row; its answer goes back on it."""
        try:
            answer, state = self._take(event), "done"
        except Refused as refusal:
            answer, state = str(refusal), "refused"
        self._journal.batch.inbound.append(RequestOutcome(event.id, state, answer, self._ctx.now))

    def _take(self, event: InboundReceived) -> str:
        if event.fault:
            raise Refused(f"INBOUND_UNREADABLE: {event.fault}")
        handler = self._handlers.get(event.kind)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refused(f"INBOUND_UNKNOWN: nobody handles {event.kind[:_CODE_LENGTH]!r}; known are: {known}")
        if event.source.partition(":")[0] not in handler.sources:
            raise Refused(f"NOT_ALLOWED: {event.source[:_CODE_LENGTH]!r} may not say {event.kind}")
        return handler.take(self._ctx, self._journal, event)
