"""What becomes of an update: who is it from, may they, what do they mean, is it fresh, and only then a request.

| comes in | becomes |
|---|---|
| a stranger's anything | a refusal, at most so many an hour, and a row of the audit trail |
| a command that reads | an answer from the store |
| a command, button or answer that acts | a row in `command`, decided by the tick; its answer is told when it is there |
| one that sells or takes back | a question with what it would do, good for one press of the same person |
| one that is older than a minute | its age, and a button |
| what cannot be understood | its own sentence; where somebody tried to act, a row of the audit trail |
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from bot.admin import acts
from bot.admin.acts import ActEffect, Ask
from bot.admin.commands import COMMANDS, Command, help_text
from bot.admin.incoming import Incoming, MalformedUpdate, Typed, read, typed
from bot.admin.lookup import Hint, Unclear
from bot.admin.pressing import PAGES_S, Gone, Offers
from bot.admin.sender import Next, Sender, nothing
from bot.admin.strangers import ChatStrangers
from bot.admin.texts import ChatAnswer, ChatReply
from bot.alerts.ground import PeopleGround
from bot.clocks.clock import SystemClock
from bot.config.people import roster_of
from bot.domain.actors import Person, Role
from bot.domain.errors import StoreError
from bot.domain.events.people import RequestKind
from bot.domain.ids import ulid
from bot.domain.requests import REQUESTS
from bot.store import read as ask
from bot.store.read.commands import command_row
from bot.store.read.inbound import inbound_row
from bot.store.read.telegram import (
    TelegramQuestion,
    UpdateMark,
    close_update,
    handled_update,
    has_telegram_under_way,
    mark_answered,
    unanswered,
)

log: Final = logging.getLogger("quanticity")

TOO_OLD_S: Final = 60.0
_AHEAD_S: Final = -60.0
_ANSWER_MOST_S: Final = 30.0
_LOOK_S: Final = 0.1
_ANSWER_LOOK_S: Final = 0.5  # the bell says when there is something to see
_SETTLES_S: Final = 5.0
_REMEMBERED: Final = 1000
_NO: Final = ("No", "no:")
_ANSWERS_FOR_S: Final = 600.0
"""Wall seconds for which an answer is owed across a restart."""
_SAID_AGAIN: Final = "After a restart, for this answer may not have reached you.\n"


@dataclass(frozen=True, slots=True)
class _Case:
    """One update under way: from whom, by which mark it is on record, and how old it may be."""

    incoming: Incoming
    person: Person
    mark: UpdateMark
    age_s: float
    closed: list[bool] = field(default_factory=list)  # once something durable came of it

    @property
    def actor(self) -> str:
        return self.mark.actor


@dataclass(frozen=True, slots=True)
class _Shown:
    """The pages of a long answer."""

    answer: ChatAnswer


class ChatDesk:
    """Handles updates one by one; replies go out on their own time."""

    def __init__(self, ground: PeopleGround, sender: Sender, bot_id: str, entropy: Callable[[], int]) -> None:
        self._ground, self._sender, self._bot_id, self._entropy = ground, sender, bot_id, entropy
        self._roster = roster_of(ground.settings)
        self._strangers = ChatStrangers(ground)
        self._offers = Offers(ground.clock.monotonic)
        self._wall = SystemClock()
        self._handled: OrderedDict[str, None] = OrderedDict()  # updates of this run
        self.username = ""  # of this bot, once Telegram has told it
        self._watches: set[asyncio.Task[None]] = set()
        self._watched: set[str] = set()  # updates whose answer is told, or is about to be: once by this process
        self._words: Mapping[str, Callable[[_Case, str], Any]] = MappingProxyType(
            {"ok": self._confirmed, "no": self._declined, "again": self._again, "page": self._page}
        )

    async def handle(self, raw: dict[str, Any], gap_s: float) -> None:
        """Handle one update, which waited at Telegram for at most `gap_s`; raises StoreError where the store does not
        take it, and then it has to be handled again."""
        try:
            incoming = read(raw)
        except MalformedUpdate as error:
            log.warning(f"telegram: {error}")
            return
        if incoming is None or self._is_for_another(incoming):
            return
        person = self._roster.at_telegram(incoming.user_id)
        if person is None:
            await self._stranger(incoming)
            return
        await self._known(incoming, person, gap_s)

    async def resume(self) -> None:
        """Take up what the process before this one was asked and did not tell the answer of: Telegram brings such an
        update no second time once it was confirmed."""
        clock = self._ground.clock
        since = clock.now() - timedelta(seconds=_ANSWERS_FOR_S * max(clock.speed, 1e-6))
        try:
            found = await self._ground.look(lambda connection: unanswered(connection, since))
        except StoreError as error:
            log.warning(f"telegram: whose answers are owed cannot be read: {error}")
            return
        for mark in found:
            if mark.id.startswith(f"{self._bot_id}:"):
                self._watch(_owed(mark), _SAID_AGAIN)

    async def close(self) -> None:
        for task in self._watches:
            task.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self._strangers.close()

    def _is_for_another(self, incoming: Incoming) -> bool:
        """In a group a command may name another bot, and what is no command is talk among people."""
        command = typed(incoming.text)
        if command is not None and command.addressee and self.username:
            return command.addressee.lower() != self.username.lower()
        return not (incoming.is_private or incoming.is_press or command is not None or incoming.answers)

    async def _stranger(self, incoming: Incoming) -> None:
        what = incoming.data or incoming.text or "something"
        may_hear = await self._strangers.tried(incoming.user_id, what)
        if incoming.is_press:
            self._sender.toast(incoming.press_id, "You are not known to this bot." if may_hear else "")
        elif may_hear:
            words = f"You are not known to this bot (your id is {incoming.user_id}). Its owner is told."
            self._sender.say(incoming.chat_id, ChatReply(words))

    async def _known(self, incoming: Incoming, person: Person, gap_s: float) -> None:
        now, number = self._ground.clock.now(), f"{self._bot_id}:{incoming.update_id}"
        if number in self._handled:
            return
        actor, words = f"admin:telegram:{person.name}", incoming.data or incoming.text
        mark = UpdateMark(number, ulid(now, self._entropy()), actor, words, now, incoming.chat_id)
        before = await self._ground.look(lambda connection: handled_update(connection, number))
        if before is None:
            case = _Case(incoming, person, mark, self._age_s(incoming, gap_s))
            await self._understood(case)
            await self._close(case)
        elif before.command_id:  # a process before this one ended right after it had asked
            mark = replace(mark, command_id=before.command_id)
            self._watch(_Case(incoming, person, mark, 0.0))
        self._handled[number] = None
        while len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)

    async def _close(self, case: _Case) -> None:
        """Put on record that it was handled. Nothing durable came of it, so a store that refuses is no reason to handle
        it again."""
        if case.closed:
            return
        try:
            await asyncio.to_thread(close_update, self._ground.database_url, case.mark)
        except StoreError as error:
            log.warning(f"telegram: an update is not on record: {error}")

    def _age_s(self, incoming: Incoming, gap_s: float) -> float:
        """Return how old an update is at most. A press has no time of its own: it is younger than its message, and than
        the last poll that was answered."""
        age_s = (self._wall.now() - incoming.sent_at).total_seconds()
        return min(age_s, gap_s) if incoming.is_press and age_s >= 0 else age_s

    async def _understood(self, case: _Case) -> None:
        incoming = case.incoming
        try:
            if incoming.is_press:
                await self._press(case)
            else:
                await self._text(case)
        except (Unclear, Gone) as unclear:
            if not isinstance(unclear, Hint) and (incoming.is_press or self._tries_to_act(incoming)):
                await self._note(case, str(unclear))
            self._reply(case, ChatReply(str(unclear)))

    def _tries_to_act(self, incoming: Incoming) -> bool:
        command = typed(incoming.text)
        row = COMMANDS.get(command.word) if command else None
        if row is None:  # an unknown command may have been meant to act
            return bool(incoming.answers) or command is not None
        return row.make is not None

    async def _note(self, case: _Case, why: str) -> None:
        """Put on record that a known person tried to act and nothing came of it."""
        words = (case.incoming.data or case.incoming.text).split(maxsplit=1) or ["a button"]
        what = words[0][:60]
        payload = {"actor": case.actor, "what": what, "why": why.splitlines()[0][:200]}
        at = self._ground.clock.now()
        told = inbound_row(ulid(at, self._entropy()), self._ground.source, "attempt", payload, at)
        await asyncio.to_thread(close_update, self._ground.database_url, case.mark, told=told)
        case.closed.append(True)

    # ---- texts

    async def _text(self, case: _Case) -> None:
        command = typed(case.incoming.text)
        if command is not None:
            await self._command(case, command)
        elif case.incoming.answers is not None:
            await self._act(case, acts.of_answer(await self._asked_by(case.incoming), case.incoming.text))
        else:
            raise Unclear("That is no command. /help shows what I understand.")

    async def _asked_by(self, incoming: Incoming) -> TelegramQuestion | None:
        """Return what the answered message asks. One that has just been sent may be on its way into the store."""
        button = incoming.asked if str(incoming.asked_by) == self._bot_id else ""
        until = self._ground.clock.monotonic() + _SETTLES_S
        while True:
            found, on_its_way = await self._ground.look(
                lambda c: (
                    acts.question_of(c, incoming.chat_id, incoming.answers or 0, button),
                    has_telegram_under_way(c),
                )
            )
            if found is not None or not on_its_way or self._ground.clock.monotonic() >= until:
                return found
            await asyncio.sleep(_LOOK_S)

    async def _command(self, case: _Case, command: Typed) -> None:
        if command.word == "help" or (command.word == "start" and await self._nothing_is_held()):
            self._reply(case, ChatReply(help_text(case.person.role)))
            return
        row = COMMANDS.get(command.word)
        if row is None:
            raise Unclear(f"/{command.word} is unknown. /help shows what I understand.")
        if row.acts(command.arguments):
            await self._make(case, row, command.arguments)
        else:
            assert row.show is not None
            show = row.show
            answer = await self._ground.look(lambda connection: show(connection, self._ground, command.arguments))
            self._show(case, answer, 0)

    async def _nothing_is_held(self) -> bool:
        row = await self._ground.look(ask.session)
        return row is None or row.state not in {"paused", "halted"}

    async def _make(self, case: _Case, row: Command, arguments: str) -> None:
        if not any(REQUESTS[kind].may(case.person.role) for kind in row.kinds):
            await self._refuse(case, f"/{row.name}")
            return
        make = row.make
        assert make is not None
        await self._act(case, await self._ground.look(lambda connection: make(connection, self._ground, arguments)))

    async def _refuse(self, case: _Case, what: str) -> None:
        words = f"NOT_ALLOWED: {what} is not for {case.person.name}, who is {case.person.role}. Nothing was done."
        await self._note(case, words)
        self._reply(case, ChatReply(words))

    # ---- requests

    async def _act(self, case: _Case, asked: Ask, *, again: bool = False) -> None:
        """Ask the bot for something: at once, after a question, or not at all, for it is too old."""
        what = asked.kind.value.replace("_", " ")
        if not REQUESTS[asked.kind].may(case.person.role):
            await self._refuse(case, what)
        elif not again and not _AHEAD_S <= case.age_s <= TOO_OLD_S:
            await self._too_old(case, asked, what)
        elif asked.is_asked_back:
            effect = await self._ground.look(lambda connection: acts.effect_of(connection, asked))
            token = self._offers.make(case.incoming.user_id, asked, facts=effect.facts)
            self._reply(case, ChatReply(effect.words, buttons=((f"Yes, {what}", f"ok:{token}"), _NO)))
        else:
            await self._ask(case, asked)

    async def _too_old(self, case: _Case, asked: Ask, what: str) -> None:
        age = timedelta(seconds=round(abs(case.age_s))) if abs(case.age_s) < 1e9 else "an unknown time"
        when = "in the future by its date" if case.age_s < 0 else f"{age} old"
        await self._note(case, f"TOO_OLD: the request was {when}")
        token = self._offers.make(case.incoming.user_id, asked)
        words = f"Your request ({what}) is {when}. Nothing was done.\nDo you still want it?"
        self._reply(case, ChatReply(words, buttons=(("Yes, do it now", f"again:{token}"), _NO)))

    async def _ask(self, case: _Case, asked: Ask) -> None:
        if asked.kind is RequestKind.RELOAD_CONFIG:  # this process ends with it, perhaps before there is an answer
            words = "Asked. If the settings are fit, the bot begins again with them: /show_config in some seconds."
            self._reply(case, ChatReply(words))
            await self._sender.done()
        mark = case.mark
        row = command_row(mark.command_id, asked.kind.value, asked.payload, mark.actor, mark.at, self._wall.now())
        first = await asyncio.to_thread(close_update, self._ground.database_url, mark, request=row)
        case.closed.append(True)
        if first:
            self._watch(case)

    def _watch(self, case: _Case, before: str = "") -> None:
        if case.mark.id in self._watched:
            return
        if len(self._watched) >= _REMEMBERED:
            self._watched.clear()
        self._watched.add(case.mark.id)
        task = asyncio.create_task(self._tell_answer(case, before))
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _tell_answer(self, case: _Case, before: str) -> None:
        """Tell what the bot answered, once it has, after the words `before`; then it is on record as told."""
        clock, began = self._ground.clock, self._ground.clock.monotonic()
        while clock.monotonic() - began < _ANSWER_MOST_S:
            heard = self._ground.bell.rings
            try:
                row = await self._ground.look(lambda connection: ask.command(connection, case.mark.command_id))
            except StoreError:
                row = None
            if row is not None and row.state != "queued":
                head = "Done" if row.state == "done" else "Refused"
                self._reply(case, ChatReply(f"{before}{head}: {row.answer}"), then=partial(self._answered, case.mark))
                return
            await self._ground.bell.after(heard, _ANSWER_LOOK_S)
        self._reply(case, ChatReply("The bot has not answered yet. The request stands until it expires: see /health."))

    async def _answered(self, mark: UpdateMark) -> None:
        try:
            await asyncio.to_thread(mark_answered, self._ground.database_url, mark.id, self._ground.clock.now())
        except StoreError as error:
            log.warning(f"telegram: an answer that was told is not on record, it may be told again: {error}")

    # ---- buttons

    async def _press(self, case: _Case) -> None:
        word, _, rest = case.incoming.data.partition(":")
        handle = self._words.get(word)
        if handle is not None:
            await handle(case, rest)
            return
        asked = await self._ground.look(lambda connection: acts.of_button(connection, word, rest))
        if asked is None:
            raise Unclear("This button is none of mine.")
        await self._act(case, asked)

    async def _confirmed(self, case: _Case, token: str) -> None:
        offer = self._offers.take(token, case.incoming.user_id)
        asked: Ask = offer.what
        now: ActEffect = await self._ground.look(lambda connection: acts.effect_of(connection, asked))
        if now.facts != offer.facts:
            raise Gone("What it would do has changed meanwhile. Nothing was done; ask again.")
        await self._ask(case, asked)

    async def _declined(self, case: _Case, token: str) -> None:
        self._reply(case, ChatReply("Nothing was done."))

    async def _again(self, case: _Case, token: str) -> None:
        offer = self._offers.take(token, case.incoming.user_id)
        await self._act(case, offer.what, again=True)

    async def _page(self, case: _Case, rest: str) -> None:
        token, _, number = rest.partition(":")
        shown: _Shown = self._offers.look(token, case.incoming.user_id).what
        pages = shown.answer.pages
        if not number.isdigit() or int(number) >= len(pages):
            raise Gone("There is no such page.")
        self._show(case, shown.answer, int(number), token)

    def _show(self, case: _Case, answer: ChatAnswer, number: int, token: str = "") -> None:
        pages = answer.pages
        page = pages[number]
        if len(pages) > 1:
            token = token or self._offers.make(case.incoming.user_id, _Shown(answer), lasts_s=PAGES_S)
            there = ((number - 1, "◂ back"), (number + 1, f"{number + 2} of {len(pages)} ▸"))
            turns = tuple((label, f"page:{token}:{at}") for at, label in there if 0 <= at < len(pages))
            page = ChatReply(page.text, page.table, turns)
        self._reply(case, page, in_place=number > 0 or case.incoming.is_press)
        if answer.picture is not None and number == 0:
            self._sender.draw(case.incoming.chat_id, answer.picture)

    def _reply(self, case: _Case, reply: ChatReply, *, in_place: bool = False, then: Next = nothing) -> None:
        incoming = case.incoming
        if incoming.is_press:
            self._sender.toast(incoming.press_id, reply.text.partition("\n")[0])
        replaces = incoming.message_id if in_place else None
        self._sender.say(incoming.chat_id, reply, replaces=replaces, then=then)


def _owed(mark: UpdateMark) -> _Case:
    """Return an update of a process before this one, as far as it is needed to tell its answer."""
    name = mark.actor.rpartition(":")[2]
    return _Case(Incoming(0, 0, mark.chat, True, 0, mark.at), Person(name, Role.VIEWER), mark, 0.0)
