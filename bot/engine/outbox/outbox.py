"""The voice of the tick: what a transaction records it may also say.

`speak` turns what a tick is about to write into messages, in the same transaction, beside the measure of cover; `send`
hands over what is due; `answered` takes what the channels' process told. None of it decides anything about a trade, and
a fault in it is parked like any other job's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from bot.domain.alert import Alert
from bot.domain.events.people import AlertRaised
from bot.domain.kinds import KINDS, Entity
from bot.domain.message import ADMIN, Message, MessageState
from bot.domain.requests import Payload
from bot.engine.outbox import alerting, sending
from bot.engine.outbox.alerting import Alerting
from bot.engine.outbox.draft import Draft
from bot.engine.outbox.quiet import choose
from bot.engine.outbox.sending import DeliveryTold, MessagePace, Place
from bot.engine.outbox.speech import SPEECHES, Said, Speech, by_machine
from bot.engine.outbox.telling import Telling
from bot.engine.outbox.voice import SILENT, Voice
from bot.engine.outbox.writing import key_of, write
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import NewTransition
from bot.engine.state.schedule import NEVER

_KIND_OF: Mapping[str, type[Entity]] = {kind.life.name: entity for entity, kind in KINDS.items()}


PROCESS_DOWN = "PEOPLE_DOWN"
_REPLIES_MOST = 100
"""However many a row tells of: no minute has room for more."""


class Outbox:
    """One for the life of an engine. `voice`: who can be spoken to; silent: nothing is written."""

    def __init__(self, voice: Voice = SILENT, speeches: Iterable[Speech] = SPEECHES, speed: float = 1.0) -> None:
        self.voice = voice
        self.pace = MessagePace()
        self.alerting = Alerting(Telling(voice, speed), speed)
        self._speeches = by_machine(speeches)
        self._speed = speed
        self._looked_at = datetime.min.replace(tzinfo=UTC)
        self.quiet_until: datetime | None = None  # nothing is due before; None: it has to be looked
        self.stirred = 0  # how often it had to be looked anew
        self._seen_stirred = 0
        self._away = set(voice.processes) if voice.waits else set()  # who delivers, and is not there

    def _look_again(self) -> None:
        """Something was said, or somebody may hear again: what is due has to be looked for."""
        self.quiet_until = None
        self.stirred += 1

    @property
    def speed(self) -> float:
        """Seconds of the bot's clock in one of the wall's."""
        return self._speed

    def is_freshly_stirred(self) -> bool:
        """Say, once each time, whether something was said since this was last asked."""
        before, self._seen_stirred = self._seen_stirred, self.stirred
        return before != self.stirred and not self.voice.is_silent

    def has_something_to_say(self, journal: Journal) -> bool:
        """Say whether a batch holds anything to be made of: nothing is asked of a quiet tick."""
        if journal.batch.alerts:
            return True
        return bool(journal.batch.transitions) and (bool(journal.ledger.alerts) or not self.voice.is_silent)

    def raise_alerts(self, ctx: Context, journal: Journal) -> None:
        """Make alerts of what this batch raised, and end those that it ends. A process that ended takes nothing until
        it says that it began: what it was handed meanwhile could not be told from what it had sent."""
        self._look_again()
        if self.voice.waits and any(_says_that_it_ended(event) for event in journal.batch.alerts):
            self._away |= self.voice.processes
        self.alerting.take(ctx, journal)

    def speak(self, ctx: Context, journal: Journal) -> None:
        """Write what the transitions of this batch say."""
        if self.voice.is_silent:
            return
        self.say(journal, [*self._drafts(ctx, journal, journal.batch.transitions)])

    def say(self, journal: Journal, drafts: Iterable[Draft]) -> list[Message]:
        """Have something said, once to each who is to hear it; returns the messages that were born."""
        self._look_again()
        return write(journal, self.voice, drafts)

    def _drafts(self, ctx: Context, journal: Journal, rows: Iterable[NewTransition]) -> Iterator[Draft]:
        for row in rows:
            for speech in self._speeches.get(row.machine, ()):
                if speech.is_about(row) and row.refused is None:
                    yield from speech.words(Said(ctx, row, _entity(journal, row)))

    def was_said(self, journal: Journal, key: str, tier: str = ADMIN) -> bool:
        """Say whether anybody was told what has this key."""
        return any(journal.ledger.message_index.said(key_of(key, tier, target)) for target in self.voice.targets)

    def start(self, ctx: Context, journal: Journal) -> None:
        """What was handed over before this start and not answered may have arrived; what was sent within the last
        minute counts towards this one."""
        known = (*journal.ledger.messages.values(), *journal.ledger.message_index.over.values())
        self.pace.remember(known, ctx.now, ctx.steady_s, self._speed)
        sending.lose_all(journal, "the program ended before the channel's answer", self.voice, self._speed)

    def _rests(self, now: datetime) -> bool:
        """Say whether nothing is due yet; a clock that was set back has everything looked at anew."""
        before, self._looked_at = self._looked_at, now
        return self.quiet_until is not None and before <= now < self.quiet_until

    def send(self, ctx: Context, journal: Journal) -> None:
        """Hand over what is due."""
        if self.voice.is_silent or self._rests(ctx.now):
            return
        most = timedelta(seconds=ctx.settings.outbox.retry_most_s * self._speed)
        if self.voice.processes <= self._away:
            self.quiet_until = NEVER
            return
        sending.withhold_overflow(journal, self.pace, ctx.steady_s, ctx.settings.outbox.waiting_most)
        sending.send_due(journal, self.voice, self.pace, ctx.steady_s, ctx.settings.alerts.per_minute, most)
        self.quiet_until = sending.next_due(journal.ledger.messages.values(), ctx.now, most) or NEVER

    def rests_until(self, ctx: Context) -> datetime:
        """Return until when `send` has nothing to hand over, unless anything more is said."""
        return NEVER if self.voice.is_silent else self.quiet_until or ctx.now

    def answered(self, ctx: Context, journal: Journal, told: DeliveryTold) -> str:
        """Take what a channel answered; returns what came of it. Raises LookupError for a message that nobody knows."""
        message = journal.ledger.message_index.of(told.message_id)
        if message is None:
            raise LookupError(f"no message {told.message_id} is remembered")
        outbox = ctx.settings.outbox
        self._look_again()
        answer = sending.take_delivery(journal, message, told, self.voice, self.pace, outbox, ctx.steady_s, self._speed)
        if message.state is MessageState.DEAD:
            words = f"a message for {message.target} on {message.channel} was given up: {message.reason}"
            facts = {"entity": f"{message.channel}:{message.target}", "kind": message.kind, "message": message.id}
            journal.alert("MESSAGE_DEAD", words, facts)
        if message.state is MessageState.SENT:
            alerting.told(journal, message.extra.get("alert_ids", ()), message.channel)
        return answer

    def replied(self, place: Place, count: int, steady_s: float) -> None:
        """Replies to commands went to a target; they leave so much less room for what is said."""
        for _ in range(min(count, _REPLIES_MOST)):
            self.pace.went(place, steady_s)

    def acknowledge(self, ctx: Context, journal: Journal, alert: Alert, actor: str) -> None:
        """A person has seen an alert."""
        self._look_again()
        self.alerting.acknowledge(ctx, journal, alert, actor)

    def reopen(self, ctx: Context, journal: Journal, alert: Alert, actor: str) -> None:
        """A person has taken an acknowledgement back."""
        self._look_again()
        self.alerting.reopen(ctx, journal, alert, actor)

    def note(self, ctx: Context, journal: Journal, alert: Alert, words: str) -> None:
        """Add to an alert, by an edit, what the overseer says around it."""
        self._look_again()
        self.alerting.note(ctx, journal, alert, words)

    def choose_quiet(self, ctx: Context, journal: Journal, payload: Payload, actor: str) -> str:
        """Have a person's quiet hours be others; returns the answer, raises Refused."""
        self._look_again()
        return choose(ctx, journal, payload, actor)

    def watch(self, ctx: Context, journal: Journal) -> None:
        """Escalate alerts, show how often they were raised, end what is over."""
        before = len(journal.batch.transitions)
        self.alerting.watch(ctx, journal)
        if len(journal.batch.transitions) != before:
            self._look_again()

    def began_anew(self, journal: Journal, process: str) -> None:
        """A process that delivers began anew: what it was handed and did not answer may have arrived."""
        self._look_again()
        self._away.discard(process)
        why = f"the process {process} began anew before the channel's answer"
        sending.lose_all(journal, why, self.voice, self._speed, process)


def _says_that_it_ended(event: AlertRaised) -> bool:
    """Whoever says it by a row of `inbound` lives: only the bot, which watches the process, knows of its end."""
    return event.code == PROCESS_DOWN and "inbound" not in event.facts


def _entity(journal: Journal, row: NewTransition) -> Entity | None:
    kind = _KIND_OF.get(row.machine)
    if kind is None:
        return None
    changed = journal.batch.changed.of(kind).get(row.entity_id)
    return changed if changed is not None else journal.ledger.entities.of(kind).get(row.entity_id)
