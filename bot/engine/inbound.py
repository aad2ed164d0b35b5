"""What other processes of ours say (deliveries, verdicts, jobs): each row of `inbound` is answered once.

They are no persons: what they may say is by kind and source, here; what a person asks stays in `command`. A row that
nobody may say, or that is no statement of its kind, is refused with the reason and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from bot.domain.events.people import InboundReceived
from bot.domain.notices import UnknownNotice, severity_of
from bot.domain.requests import Refused
from bot.engine import attempts
from bot.engine.outbox.outbox import Outbox
from bot.engine.outbox.sending import OUTCOMES, DeliveryTold
from bot.engine.overseen import hear_outcome, hear_verdict
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import JobRow, RequestOutcome

_CODE_LENGTH: Final = 64
_TEXT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class InboundHandler:
    """Who may say it, and what follows; `take` raises Refused, and returns the answer."""

    sources: frozenset[str]
    take: Callable[[Hearing, InboundReceived], str]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a handler works with: the tick's world, its journal, and the voice whose messages are told of."""

    ctx: Context
    journal: Journal
    outbox: Outbox


def _alert(at: Hearing, event: InboundReceived) -> str:
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
    at.journal.alert(code, text, facts, severity=severity)
    return f"alert {code} is raised"


def _job(at: Hearing, event: InboundReceived) -> str:
    """A job that the process ran came to an end: name, state (done, failed), detail."""
    name, state = _word(event.payload, "name", _CODE_LENGTH), _word(event.payload, "state", _CODE_LENGTH)
    if state not in {"done", "failed"}:
        raise Refused("a job is done or failed")
    detail = str(event.payload.get("detail", ""))[:_TEXT_LENGTH]
    at.journal.batch.jobs.append(JobRow(name, at.ctx.now, state, detail))
    return f"job {name} is on record"


def _delivery(at: Hearing, event: InboundReceived) -> str:
    """What became of a message that was handed to a channel: message, outcome, external_id, reason, retry_after_s."""
    outcome = _word(event.payload, "outcome", _CODE_LENGTH)
    if outcome not in OUTCOMES:
        raise Refused(f"a delivery is one of {', '.join(OUTCOMES)}")
    told = DeliveryTold(
        _word(event.payload, "message", _CODE_LENGTH),
        outcome,
        str(event.payload.get("external_id") or "")[:_CODE_LENGTH],
        str(event.payload.get("reason") or "")[:_TEXT_LENGTH],
        _seconds(event.payload.get("retry_after_s")),
        _count(event.payload.get("attempt")),
    )
    try:
        return at.outbox.answered(at.ctx, at.journal, told)
    except LookupError as unknown:
        raise Refused(f"MESSAGE_UNKNOWN: {unknown}") from unknown


def _started(at: Hearing, event: InboundReceived) -> str:
    """The process that delivers began: what an earlier one was handed and did not answer may have arrived."""
    at.outbox.began_anew(at.journal, event.source.partition(":")[0])
    return "what was handed over before is known to be in doubt"


def _verdict(at: Hearing, event: InboundReceived) -> str:
    """A call of the overseer's model: its record, and what it asks for."""
    return hear_verdict(at.ctx, at.journal, at.outbox, event)


def _outcome(at: Hearing, event: InboundReceived) -> str:
    """What became of what a call was about."""
    return hear_outcome(at.ctx, at.journal, event)


def _attempt(at: Hearing, event: InboundReceived) -> str:
    """Somebody tried what they may not: actor, what, why, how often, and whether they are a stranger."""
    actor, what = _word(event.payload, "actor", _TEXT_LENGTH), _word(event.payload, "what", _CODE_LENGTH)
    if not actor.startswith("admin:"):
        raise Refused("only a person's attempt is told here")
    count = max(_count(event.payload.get("count")), 1)
    attempts.note(at.journal, event.id, actor, what, _word(event.payload, "why", _TEXT_LENGTH), count)
    if event.payload.get("stranger") is True:
        attempts.tell_of_strangers(at.ctx, at.journal, at.outbox, count)
    return "the attempt is on record"


def _replied(at: Hearing, event: InboundReceived) -> str:
    """Replies to commands went to a target: they take room of its minute."""
    place = (_word(event.payload, "channel", _CODE_LENGTH), _word(event.payload, "target", _CODE_LENGTH))
    at.outbox.replied(place, _count(event.payload.get("count")), at.ctx.steady_s)
    return "they are counted"


_LONGEST_WAIT_S: Final = 86_400.0


def _seconds(given: object) -> float | None:
    """Return how long a channel asked us to wait, at most a day; None where it did not say."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < float("inf"):
        return None
    return min(float(given), _LONGEST_WAIT_S)


def _count(given: object) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else 0


def _word(payload: Mapping[str, Any], name: str, longest: int) -> str:
    given = payload.get(name)
    if not isinstance(given, str) or not given.strip():
        raise Refused(f"{name} is missing")
    return given.strip()[:longest]


_OURS: Final = frozenset({"page", "people", "publisher", "overseer"})
_DELIVERERS: Final = frozenset({"people", "publisher"})
_OVERSEER: Final = frozenset({"overseer"})
HANDLERS: Final[Mapping[str, InboundHandler]] = MappingProxyType(
    {
        "alert": InboundHandler(_OURS, _alert),
        "job": InboundHandler(_OURS, _job),
        "delivery": InboundHandler(_DELIVERERS, _delivery),
        "attempt": InboundHandler(frozenset({"people", "page"}), _attempt),
        "replied": InboundHandler(frozenset({"people"}), _replied),
        "started": InboundHandler(_DELIVERERS, _started),
        "verdict": InboundHandler(_OVERSEER, _verdict),
        "outcome": InboundHandler(_OVERSEER, _outcome),
    }
)
"""By kind: who says what. A new kind is one row and its function."""


class Inbound:
    """Handles the rows of one tick."""

    def __init__(
        self,
        ctx: Context,
        journal: Journal,
        outbox: Outbox | None = None,
        handlers: Mapping[str, InboundHandler] = HANDLERS,
    ) -> None:
        self._at, self._handlers = Hearing(ctx, journal, outbox or Outbox()), handlers

    def handle(self, event: InboundReceived) -> None:
        """Take one row; its answer goes back on it."""
        try:
            answer, state = self._take(event), "done"
        except Refused as refusal:
            answer, state = str(refusal), "refused"
        self._at.journal.batch.inbound.append(RequestOutcome(event.id, state, answer, self._at.ctx.now))

    def _take(self, event: InboundReceived) -> str:
        if event.fault:
            raise Refused(f"INBOUND_UNREADABLE: {event.fault}")
        handler = self._handlers.get(event.kind)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refused(f"INBOUND_UNKNOWN: nobody handles {event.kind[:_CODE_LENGTH]!r}; known are: {known}")
        if event.source.partition(":")[0] not in handler.sources:
            raise Refused(f"NOT_ALLOWED: {event.source[:_CODE_LENGTH]!r} may not say {event.kind}")
        return handler.take(self._at, event)
