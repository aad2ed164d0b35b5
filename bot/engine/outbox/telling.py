"""To whom an alert is told, and how: alone, in a listing when there are many, in a digest while a person sleeps.

Each target is looked at by itself: what is a burst for one chat is none for a mailbox that hears of critical ones only.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.domain.actors import Role
from bot.domain.alert import Alert
from bot.domain.message import WAITING, Message, MessageChange, MessageMode, MessageState
from bot.domain.notices import CRITICAL
from bot.engine.outbox import alert_words
from bot.engine.outbox.draft import OPERATORS, Draft
from bot.engine.outbox.quiet import DIGEST, end_of_quiet, is_quiet
from bot.engine.outbox.sending import MINUTE_S, Place, place_of
from bot.engine.outbox.voice import MessageTarget, Voice
from bot.engine.outbox.writing import write
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal

ALERT: Final = "alert"
LISTING: Final = "listing"
MAIL: Final = "email"
_ITEMS_KEPT: Final = 200
_BUTTONS: Final = 8
_FIRST_LISTING_S: Final = 1.0
_LISTINGS_A_MINUTE: Final = 8


class Telling:
    """Memory of the run: what each target was told of late."""

    def __init__(self, voice: Voice, speed: float) -> None:
        self._voice, self._speed = voice, speed
        self._told: dict[tuple[Place, bool], deque[float]] = defaultdict(deque)
        self._listings: dict[Place, deque[float]] = defaultdict(deque)

    @property
    def is_silent(self) -> bool:
        return self._voice.is_silent

    def first(self, ctx: Context, journal: Journal, alert: Alert) -> None:
        """Tell an alert for the first time."""
        self._tell(ctx, journal, alert, self._first_hearers(ctx, alert), f"alert:{alert.id}")

    def anew(self, ctx: Context, journal: Journal, alert: Alert) -> None:
        """Tell it again as news: it is graver, or back after a while."""
        self._tell(ctx, journal, alert, self._first_hearers(ctx, alert), f"alert:{alert.id}:{alert.count}")

    def escalation(self, ctx: Context, journal: Journal, alert: Alert, step: int) -> None:
        """Tell it further: again to the same, then to every operator, then by mail as well."""
        first = self._first_hearers(ctx, alert)
        everybody = [*self._hearers(ctx, alert, OPERATORS)]
        mail = [target for target in everybody if target.channel == MAIL]
        rest = [target for target in first if target.channel != MAIL]
        hearers = (rest, [t for t in everybody if t.channel != MAIL], mail or everybody)[step - 1]
        self._tell(ctx, journal, alert, hearers, f"alert:{alert.id}:step{step}")

    def edited(self, ctx: Context, journal: Journal, alert: Alert, *, again: bool = False) -> None:
        """Put its newest words, its count and who has it into the messages that told it; `again`: it may have stood
        like this before."""
        buttons = not (alert.acknowledged_at or alert.resolved_at)
        mark = f"{alert.state}:{alert.count}:{alert.escalation}"
        mark += ":context" if alert_words.CONTEXT in alert.facts else ""
        mark += f":{ctx.now.isoformat()}" if again else ""
        for name in ("", *(f":step{step}" for step in range(1, alert.escalation + 1))):
            parent = f"alert:{alert.id}{name}"
            body, extra = alert_words.body(alert, ctx.ledger.session.state), _extra(alert, buttons=buttons)
            self._say(journal, Draft(f"{parent}:edit:{mark}", ALERT, body, extra, edits=parent, only_edits=True))

    # ---- who

    def _first_hearers(self, ctx: Context, alert: Alert) -> list[MessageTarget]:
        """Return who hears it first: persons of the first roles, or every operator where there is none of them."""
        roles = frozenset(ctx.settings.alerts.told_first)
        found = [*self._hearers(ctx, alert, roles)]
        if any(target.is_person for target in found):
            return found
        return [*self._hearers(ctx, alert, OPERATORS)]

    def _hearers(self, ctx: Context, alert: Alert, roles: frozenset[Role]) -> Iterator[MessageTarget]:
        for channel in ctx.settings.alerts.channels_of(alert.code, alert.severity):
            yield from self._voice.on(channel, roles)

    # ---- how

    def _say(self, journal: Journal, draft: Draft) -> list[Message]:
        return write(journal, self._voice, [draft])

    def _tell(self, ctx: Context, journal: Journal, alert: Alert, hearers: Sequence[MessageTarget], key: str) -> None:
        for target in hearers:
            waiting = _digest_of(journal, target)
            if alert.severity != CRITICAL and (waiting is not None or is_quiet(ctx, target)):
                self._into_digest(ctx, journal, alert, target, waiting)
            elif self._is_a_burst(ctx, journal, target, alert):
                self._into_listing(ctx, journal, alert, target)
            else:
                body = alert_words.body(alert, ctx.ledger.session.state)
                self._say(journal, _to(target, Draft(key, ALERT, body, _extra(alert, buttons=True))))

    def _is_a_burst(self, ctx: Context, journal: Journal, target: MessageTarget, alert: Alert) -> bool:
        """Count it as told alone unless its minute is full, or so many wait already: behind a channel that is silent
        one message grows, not their number."""
        if not self._voice.channels[target.channel].lists:
            return False
        settings, is_critical = ctx.settings.alerts, alert.severity == CRITICAL
        most = settings.burst_critical_from if is_critical else settings.burst_from
        if _waiting_alone(journal, target, is_critical) >= most:
            return True
        times = _of_the_minute(self._told[(target.channel, target.name), is_critical], ctx.steady_s)
        if len(times) >= most:
            return True
        times.append(ctx.steady_s)
        return False

    def _into_listing(self, ctx: Context, journal: Journal, alert: Alert, target: MessageTarget) -> None:
        """Add it to the listing that was not sent yet, or begin one: a few a minute, the first at once."""
        place = (target.channel, target.name)
        known = _waiting_of(journal, target, LISTING)
        if known is not None:
            _append(ctx, journal, known, alert, _LIST_HEAD)
            return
        listed = _of_the_minute(self._listings[place], ctx.steady_s)
        last = listed[-1] if listed else float("-inf")
        pause_s = max(_FIRST_LISTING_S, last + MINUTE_S / _LISTINGS_A_MINUTE - ctx.steady_s)
        listed.append(ctx.steady_s + pause_s)
        due_at = ctx.now + timedelta(seconds=pause_s * self._speed)
        draft = _many(ctx, LISTING, f"listing:{alert.id}:{alert.count}:{alert.escalation}", alert, due_at, _LIST_HEAD)
        self._say(journal, _to(target, draft))

    def _into_digest(
        self, ctx: Context, journal: Journal, alert: Alert, target: MessageTarget, waiting: Message | None
    ) -> None:
        if waiting is not None:
            _append(ctx, journal, waiting, alert, _DIGEST_HEAD)
            return
        until = end_of_quiet(ctx, target)
        self._say(journal, _to(target, _many(ctx, DIGEST, f"digest:{until.isoformat()}", alert, until, _DIGEST_HEAD)))


def _waiting_of(journal: Journal, target: MessageTarget, kind: str) -> Message | None:
    """Return the listing or digest of a target that was not sent yet, or failed, and still takes more."""
    for message in journal.ledger.messages.values():
        if message.kind == kind and place_of(message) == (target.channel, target.name) and message.state in WAITING:
            return message
    return None


def _digest_of(journal: Journal, target: MessageTarget) -> Message | None:
    """Return the digest that waits for the end of the quiet hours."""
    found = _waiting_of(journal, target, DIGEST)
    return found if found is not None and found.due_at > journal.now else None


def _waiting_alone(journal: Journal, target: MessageTarget, is_critical: bool) -> int:
    """Return how many alerts of a level wait for a target, each in a message of its own."""
    return sum(
        each.kind == ALERT
        and each.state in WAITING | {MessageState.SENDING}
        and each.mode is not MessageMode.EDIT
        and place_of(each) == (target.channel, target.name)
        and (each.extra.get("level") == CRITICAL) == is_critical
        for each in journal.ledger.messages.values()
    )


_LIST_HEAD: Final = "many at once"
_DIGEST_HEAD: Final = "held in quiet hours"


def _to(target: MessageTarget, draft: Draft) -> Draft:
    return replace(draft, channels=(target.channel,), only=(target.name,))


def _extra(alert: Alert, *, buttons: bool) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "level": alert.severity, "code": alert.code, "entity": alert.entity, "alert_ids": [alert.id],
        "count": alert.count, "subject": f"{alert.severity.upper()} {alert.code}",
    }  # fmt: skip
    if buttons:
        extra["buttons"] = [["Acknowledge", f"ack:{alert.id}"]]
    elif alert.acknowledged_at is not None and alert.resolved_at is None:
        extra["buttons"] = [["Undo", f"unack:{alert.id}"]]
    return extra


def _many(ctx: Context, kind: str, key: str, alert: Alert, due_at: datetime, head: str) -> Draft:
    items = [alert_words.item(alert)]
    body = alert_words.listing(head, items, 0, ctx.ledger.session.state, ctx.now)
    return Draft(key, kind, body, _extra_of(items, 0), due_at=due_at)


def _append(ctx: Context, journal: Journal, message: Message, alert: Alert, head: str) -> None:
    items: list[dict[str, str]] = [*message.extra.get("items", ())]
    more = int(message.extra.get("more", 0))
    if len(items) < _ITEMS_KEPT or alert.severity == CRITICAL:
        items.append(alert_words.item(alert))
    else:
        more += 1
    body = alert_words.listing(head, items, more, ctx.ledger.session.state, ctx.now)
    journal.change(message, MessageChange(body=body, extra=_extra_of(items, more)))


def _extra_of(items: Sequence[dict[str, str]], more: int) -> dict[str, Any]:
    critical = [each for each in items if each["level"] == CRITICAL]
    buttons = [[f"Acknowledge {each['code']}"[:40], f"ack:{each['id']}"] for each in critical[:_BUTTONS]]
    return {
        "level": CRITICAL if critical else "warning",
        "code": "LISTING",
        "alert_ids": [each["id"] for each in items],
        "count": len(items) + more,
        "subject": f"{len(items) + more} alerts",
        "items": list(items),
        "more": more,
        "buttons": buttons,
    }


def _of_the_minute(times: deque[float], steady_s: float) -> deque[float]:
    while times and steady_s - times[0] >= MINUTE_S:
        times.popleft()
    return times
