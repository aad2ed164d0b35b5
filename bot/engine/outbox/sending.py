"""What is due goes out: queued → sending, on disk before a channel sees it; and what becomes of it.

One target gets so many messages a minute of the wall as its channel allows, the most urgent first. A target that told
us to wait is left alone for so long, a message that failed waits ever longer. What may have arrived is sent again only
where the channel shows a repeat once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.config.schema import OutboxSettings
from bot.domain.message import (
    WAITING,
    Message,
    MessageChange,
    MessageMode,
    MessageState,
    MessageTrigger,
)
from bot.domain.notices import CRITICAL
from bot.engine.outbox.approvals import QUESTIONS
from bot.engine.outbox.voice import Channel, Voice
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

MINUTE_S: Final = 60.0
_AT_ONCE: Final = 4  # of one target under way together
_MORE_AT_ONCE: Final = 4  # and so many more of what is urgent: nothing slow holds it up
_SETTLE_S: Final = 3.0
"""Wall seconds that an answer may be behind its message after a restart: it is waited for before a repeat."""

Place = tuple[str, str]
"""A channel and a target on it."""


@dataclass(slots=True)
class MessagePace:
    """When each target was last sent to, by the steady clock, and until when it is left alone. A start finds the last
    minute in the store; the rest is memory of the run."""

    sent: dict[Place, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    held_until: dict[Place, float] = field(default_factory=dict)
    overflow_told: dict[Place, float] = field(default_factory=dict)

    def room(self, place: Place, per_minute: int, steady_s: float) -> int:
        """Return how many messages the target may get now."""
        times = self.sent[place]
        while times and steady_s - times[0] >= MINUTE_S:
            times.popleft()
        return max(per_minute - len(times), 0)

    def is_held(self, place: Place, steady_s: float) -> bool:
        """Say whether the target told us to wait."""
        return self.held_until.get(place, float("-inf")) > steady_s

    def went(self, place: Place, steady_s: float) -> None:
        self.sent[place].append(steady_s)

    def hold(self, place: Place, until_steady_s: float) -> None:
        self.held_until[place] = max(until_steady_s, self.held_until.get(place, float("-inf")))

    def remember(self, messages: Iterable[Message], now: datetime, steady_s: float, speed: float) -> None:
        """Take up what was sent within the last minute of the wall before this start."""
        for message in messages:
            if message.sending_at is None or message.mode is MessageMode.EDIT:
                continue
            age_s = (now - message.sending_at).total_seconds() / speed
            if 0 <= age_s < MINUTE_S:
                self.sent[place_of(message)].append(steady_s - age_s)
        for place, times in self.sent.items():
            self.sent[place] = deque(sorted(times))

    def may_tell_of_overflow(self, place: Place, steady_s: float) -> bool:
        """Say whether a person is to be told that too much waits for a target: once a minute while it lasts."""
        if steady_s - self.overflow_told.get(place, float("-inf")) < MINUTE_S:
            return False
        self.overflow_told[place] = steady_s
        return True


def place_of(message: Message) -> Place:
    return message.channel, message.target


def send_due(
    journal: Journal, voice: Voice, pace: MessagePace, steady_s: float, per_minute: int, most: timedelta
) -> None:
    """Hand to the channels what is due and has room, in the order of its urgency. `per_minute`: to one target at most,
    where people read it. `most`: as long as one attempt waits for the next."""
    due: dict[Place, list[Message]] = defaultdict(list)
    for message in journal.ledger.messages.values():
        if _is_due(message, voice, journal.now, most):
            due[place_of(message)].append(message)
    for place, waiting in due.items():
        if not pace.is_held(place, steady_s):
            _send_to(journal, voice.channels[place[0]], place, waiting, pace, steady_s, per_minute)


def withhold_overflow(journal: Journal, pace: MessagePace, steady_s: float, most: int) -> None:
    """Let no more than so many wait for one target: the oldest are withheld, never what is critical or asks for an
    answer. What hangs costs its own target's messages and nobody else's."""
    waiting: dict[Place, list[Message]] = defaultdict(list)
    for message in journal.ledger.messages.values():
        if message.state in WAITING:
            waiting[place_of(message)].append(message)
    for place, messages in waiting.items():
        if len(messages) > most:
            _withhold_oldest(journal, pace, steady_s, place, messages, most)


def _withhold_oldest(
    journal: Journal, pace: MessagePace, steady_s: float, place: Place, messages: list[Message], most: int
) -> None:
    beyond = len(messages) - most
    oldest = sorted((each for each in messages if _urgency(each)), key=lambda each: (each.created_at, each.id))
    words = f"more than {most} messages wait for {place[1]} on {place[0]}"
    for message in oldest[:beyond]:
        journal.take(Step(message, MessageTrigger.WITHHOLD, words, {"most": most}, MessageChange(reason=words)))
    if oldest and pace.may_tell_of_overflow(place, steady_s):
        facts = {"entity": f"{place[0]}:{place[1]}", "withheld": len(oldest[:beyond]), "most": most}
        journal.alert("MESSAGES_WITHHELD", f"{words}: the oldest are withheld", facts)


def _send_to(
    journal: Journal,
    channel: Channel,
    place: Place,
    waiting: Iterable[Message],
    pace: MessagePace,
    steady_s: float,
    per_minute: int,
) -> None:
    """Hand over what one target has room for. An edit is no message more: it takes none of the minute's room."""
    under_way = _under_way(journal, place)
    room = pace.room(place, min(channel.per_minute, per_minute) if channel.lists else channel.per_minute, steady_s)
    for message in in_order(waiting):
        is_edit = message.mode is MessageMode.EDIT
        if under_way >= _at_once(message) or (room < 1 and not is_edit):
            continue
        if not _go(journal, message, channel):
            continue
        under_way += 1
        if not is_edit:
            room -= 1
            pace.went(place, steady_s)


def _at_once(message: Message) -> int:
    return _AT_ONCE if _urgency(message) else _AT_ONCE + _MORE_AT_ONCE


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Return them as they are to go out: what is critical or asks for an answer first, then by their time."""
    return sorted(messages, key=lambda each: (_urgency(each), each.due_at))


def _urgency(message: Message) -> int:
    return 0 if message.kind in QUESTIONS or message.extra.get("level") == CRITICAL else 1


def next_due(messages: Iterable[Message], now: datetime, most: timedelta) -> datetime | None:
    """Return when the next of these is due; None: nothing waits."""
    times = (_due_at(each, now, most) for each in messages if each.state in WAITING or each.retry_at is not None)
    return min(times, default=None)


def _due_at(message: Message, now: datetime, most: timedelta) -> datetime:
    """What a clock that was ahead has dated waits for no hour that was never meant: it is due. So is what would be
    tried again later than any wait leads to; a target that asked for longer is left alone by its pace."""
    if max(message.created_at, message.sending_at or message.created_at) > now:
        return now
    again = message.retry_at
    if again is None or again - now > most:
        return message.due_at if again is None else now
    return max(message.due_at, again)


def _is_due(message: Message, voice: Voice, now: datetime, most: timedelta) -> bool:
    if message.channel not in voice.channels or _due_at(message, now, most) > now:
        return False
    return message.state in WAITING or (message.state is MessageState.UNKNOWN and message.retry_at is not None)


def _under_way(journal: Journal, place: Place) -> int:
    on_it = (each for each in journal.ledger.messages.values() if place_of(each) == place)
    return sum(each.state is MessageState.SENDING for each in on_it)


def _go(journal: Journal, message: Message, channel: Channel) -> bool:
    """Hand one over; False where it waits for its parent, or has nothing left to say."""
    if message.parent_id is not None and not _parent_is_there(journal, message):
        return False
    sets = MessageChange(sending_at=journal.now, attempts=message.attempts + 1, retry_at=None)
    words = f"handed to {channel.name}" if not message.attempts else f"handed to {channel.name} again"
    return journal.take(Step(message, MessageTrigger.SEND, words, {"attempt": message.attempts + 1}, sets))


def _parent_is_there(journal: Journal, message: Message) -> bool:
    """Say whether an edit or an answer may go; where its parent never arrived it is a message of its own, or has
    nothing left to say."""
    parent = journal.ledger.message_index.of(message.parent_id)
    if parent is not None and parent.state is MessageState.SENT:
        return True
    if parent is not None and parent.state in WAITING | {MessageState.SENDING}:
        return False
    if message.extra.get("only_edits"):
        words = "what it would change never arrived, or nobody can tell"
        journal.take(Step(message, MessageTrigger.WITHHOLD, words, {}, MessageChange(reason=words)))
        return False
    journal.change(message, MessageChange(mode=MessageMode.NEW, parent_id=None))
    return True


# ---- what becomes of it


@dataclass(frozen=True, slots=True)
class DeliveryTold:
    """What a channel's process told: the message's id, `delivered`, `failed` (nothing arrived, try again), `refused`
    (nothing arrived, never will) or `unknown`, and of which attempt it speaks (0: it does not say)."""

    message_id: str
    outcome: str
    external_id: str = ""
    reason: str = ""
    retry_after_s: float | None = None
    attempt: int = 0


OUTCOMES: Final = ("delivered", "failed", "refused", "unknown")


def take_delivery(
    journal: Journal, message: Message, told: DeliveryTold, voice: Voice, pace: MessagePace, settings: OutboxSettings,
    steady_s: float, speed: float = 1.0,
) -> str:  # fmt: skip
    """Carry out what a channel answered; returns what came of it, in words. An answer that comes twice or too late
    changes nothing."""
    earlier = told.attempt and told.attempt < message.attempts
    if message.state not in {MessageState.SENDING, MessageState.UNKNOWN} or (earlier and told.outcome != "delivered"):
        return f"message {message.id} is {message.state}: nothing changes"
    if told.retry_after_s:
        pace.hold(place_of(message), steady_s + told.retry_after_s)
    step = _step(journal.now, message, told, voice.channels.get(message.channel), settings, speed)
    if step is not None:
        journal.take(step)
    return f"message {message.id} is {message.state}"


def _step(
    now: datetime, message: Message, told: DeliveryTold, channel: Channel | None, settings: OutboxSettings, speed: float
) -> Step | None:
    evidence = {"outcome": told.outcome, "external_id": told.external_id, "attempt": message.attempts}
    if told.outcome == "delivered":
        sets = MessageChange(sent_at=now, external_id=told.external_id or None, reason="", retry_at=None)
        return Step(message, MessageTrigger.DELIVER, f"{message.channel} has it", evidence, sets)
    if told.outcome == "unknown":
        return lose_sight(now, message, told.reason, channel, evidence, speed)
    if told.outcome == "refused" or message.attempts >= settings.attempts_most:
        why = told.reason if told.outcome == "refused" else f"given up after {message.attempts} attempts: {told.reason}"
        return Step(message, MessageTrigger.GIVE_UP, why, evidence, MessageChange(reason=why, retry_at=None))
    wait_s = told.retry_after_s or _back_off_s(message.attempts, settings)
    at = now + timedelta(seconds=wait_s * speed)
    sets = MessageChange(retry_at=at, reason=told.reason)
    return Step(message, MessageTrigger.FAIL, f"{told.reason}; tried again in {wait_s:g} s", evidence, sets)


def _back_off_s(attempts: int, settings: OutboxSettings) -> float:
    return min(settings.retry_first_s * 2.0 ** min(attempts - 1, 20), settings.retry_most_s)


def lose_sight(
    now: datetime,
    message: Message,
    why: str,
    channel: Channel | None,
    evidence: dict[str, object] | None = None,
    speed: float = 1.0,
) -> Step | None:
    """Return the step of a message that may have arrived; None where that is known of it already. It is tried again
    only while the channel shows a repeat once."""
    if message.state is not MessageState.SENDING:
        return None
    may_repeat = channel is not None and _repeat_is_safe(now, message, channel, speed)
    again = now + timedelta(seconds=_SETTLE_S * speed) if may_repeat else None
    words = f"{why}; it may have arrived" + ("" if again is None else f", and {message.channel} shows a repeat once")
    sets = MessageChange(reason=words, retry_at=again)
    return Step(message, MessageTrigger.LOSE_SIGHT, words, evidence or {}, sets)


def _repeat_is_safe(now: datetime, message: Message, channel: Channel, speed: float) -> bool:
    if message.mode is MessageMode.EDIT:
        return channel.edits  # the same text a second time is the same text
    # What a clock that was ahead has dated went out nobody knows how long ago.
    gone = now - (message.sending_at or now)
    return timedelta(0) <= gone < timedelta(seconds=channel.repeats_within_s * speed)


def lose_all(journal: Journal, why: str, voice: Voice, speed: float = 1.0, process: str | None = None) -> None:
    """The process of some channels (None: of all) began anew: what it was handed and did not answer is in doubt."""
    for message in list(journal.ledger.messages.values()):
        channel = voice.channels.get(message.channel)
        if process is not None and (channel is None or channel.process != process):
            continue
        step = lose_sight(journal.now, message, why, channel, None, speed)
        if step is not None:
            journal.take(step)
