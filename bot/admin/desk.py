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
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bot.admin import acts
from bot.admin.acts import ActEffect, Ask
from bot.admin.answers import AnswersOwed
from bot.admin.case import ChatCase
from bot.admin.commands import COMMANDS, Command, help_text
from bot.admin.incoming import Incoming, MalformedUpdate, Typed, read, typed
from bot.admin.lookup import Hint, Unclear
from bot.admin.pages import ChatPages
from bot.admin.pressing import Gone, Offers
from bot.admin.sender import Sender
from bot.admin.strangers import ChatStrangers
from bot.admin.texts import ChatReply
from bot.alerts.ground import PeopleGround
from bot.clocks.clock import SystemClock
from bot.config.people import roster_of
from bot.domain.actors import Person
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
)

log: Final = logging.getLogger("quanticity")

_LOOK_S: Final = 0.1
_SETTLES_S: Final = 5.0
TOO_OLD_S: Final = 60.0
_AHEAD_S: Final = -60.0
_REMEMBERED: Final = 1000
_NO: Final = ("No", "no:")


class ChatDesk:
    """Handles updates one by one; replies go out on their own time."""

    def __init__(self, ground: PeopleGround, sender: Sender, bot_id: str, entropy: Callable[[], int]) -> None:
        self._ground, self._sender, self._bot_id, self._entropy = ground, sender, bot_id, entropy
        self._roster = roster_of(ground.settings)
        self._strangers = ChatStrangers(ground)
        self._offers = Offers(ground.clock.monotonic)
        self._pages = ChatPages(sender, self._offers)
        self._answers = AnswersOwed(ground, self._pages)
        self._wall = SystemClock()
        self._handled: OrderedDict[str, None] = OrderedDict()  # updates of this run
        self.username = ""  # of this bot, once Telegram has told it
        self._words: Mapping[str, Callable[[ChatCase, str], Any]] = MappingProxyType(
            {"ok": self._confirmed, "no": self._declined, "again": self._again, "page": self._pages.page}
        )

    async def handle(self, raw: dict[str, Any], gap_s: float) -> None:
        """Handle one update, which waited at Telegram for at most `gap_s`; raises StoreError where the store does not
        take it, and then it has to be handled again."""
        try:
            incoming = read(raw)
        except MalformedUpdate as error:
            log.warning(f"telegram: {error}")
            return
        if incoming is None or _is_for_another(incoming, self.username):
            return
        person = self._roster.at_telegram(incoming.user_id)
        if person is None:
            await self._stranger(incoming)
            return
        await self._known(incoming, person, gap_s)

    async def resume(self) -> None:
        """See `AnswersOwed.resume`."""
        await self._answers.resume(self._bot_id)

    async def close(self) -> None:
        await self._answers.close()
        await self._strangers.close()

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
            case = ChatCase(incoming, person, mark, _age_s(incoming, gap_s, self._wall.now()))
            await self._understood(case)
            await self._close(case)
        elif before.command_id:  # a process before this one ended right after it had asked
            mark = replace(mark, command_id=before.command_id)
            self._answers.watch(ChatCase(incoming, person, mark, 0.0))
        self._handled[number] = None
        while len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)

    async def _close(self, case: ChatCase) -> None:
        """Put on record that it was handled. Nothing durable came of it, so a store that refuses is no reason to handle
        it again."""
        if case.closed:
            return
        try:
            await asyncio.to_thread(close_update, self._ground.database_url, case.mark)
        except StoreError as error:
            log.warning(f"telegram: an update is not on record: {error}")

    async def _understood(self, case: ChatCase) -> None:
        incoming = case.incoming
        try:
            if incoming.is_press:
                await self._press(case)
            else:
                await self._text(case)
        except (Unclear, Gone) as unclear:
            if not isinstance(unclear, Hint) and (incoming.is_press or _tries_to_act(incoming)):
                await self._note(case, str(unclear))
            self._pages.reply(case, ChatReply(str(unclear)))

    async def _note(self, case: ChatCase, why: str) -> None:
        """Put on record that a known person tried to act and nothing came of it."""
        words = (case.incoming.data or case.incoming.text).split(maxsplit=1) or ["a button"]
        what = words[0][:60]
        payload = {"actor": case.actor, "what": what, "why": why.splitlines()[0][:200]}
        at = self._ground.clock.now()
        told = inbound_row(ulid(at, self._entropy()), self._ground.source, "attempt", payload, at)
        await asyncio.to_thread(close_update, self._ground.database_url, case.mark, told=told)
        case.closed.append(True)

    # ---- texts

    async def _text(self, case: ChatCase) -> None:
        command = typed(case.incoming.text)
        if command is not None:
            await self._command(case, command)
        elif case.incoming.answers is not None:
            await self._act(
                case, acts.of_answer(await _asked_by(self._ground, case.incoming, self._bot_id), case.incoming.text)
            )
        else:
            raise Unclear("That is no command. /help shows what I understand.")

    async def _command(self, case: ChatCase, command: Typed) -> None:
        if command.word == "help" or (command.word == "start" and await _nothing_is_held(self._ground)):
            self._pages.reply(case, ChatReply(help_text(case.person.role)))
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
            self._pages.show(case, answer, 0)

    async def _make(self, case: ChatCase, row: Command, arguments: str) -> None:
        if not any(REQUESTS[kind].may(case.person.role) for kind in row.kinds):
            await self._refuse(case, f"/{row.name}")
            return
        make = row.make
        assert make is not None
        await self._act(case, await self._ground.look(lambda connection: make(connection, self._ground, arguments)))

    async def _refuse(self, case: ChatCase, what: str) -> None:
        words = f"NOT_ALLOWED: {what} is not for {case.person.name}, who is {case.person.role}. Nothing was done."
        await self._note(case, words)
        self._pages.reply(case, ChatReply(words))

    # ---- requests

    async def _act(self, case: ChatCase, asked: Ask, *, again: bool = False) -> None:
        """Ask the bot for something: at once, after a question, or not at all, for it is too old."""
        what = asked.kind.value.replace("_", " ")
        if not REQUESTS[asked.kind].may(case.person.role):
            await self._refuse(case, what)
        elif not again and not _AHEAD_S <= case.age_s <= TOO_OLD_S:
            await self._too_old(case, asked, what)
        elif asked.is_asked_back:
            effect = await self._ground.look(lambda connection: acts.effect_of(connection, asked))
            token = self._offers.make(case.incoming.user_id, asked, facts=effect.facts)
            self._pages.reply(case, ChatReply(effect.words, buttons=((f"Yes, {what}", f"ok:{token}"), _NO)))
        else:
            await self._ask(case, asked)

    async def _too_old(self, case: ChatCase, asked: Ask, what: str) -> None:
        age = timedelta(seconds=round(abs(case.age_s))) if abs(case.age_s) < 1e9 else "an unknown time"
        when = "in the future by its date" if case.age_s < 0 else f"{age} old"
        await self._note(case, f"TOO_OLD: the request was {when}")
        token = self._offers.make(case.incoming.user_id, asked)
        words = f"Your request ({what}) is {when}. Nothing was done.\nDo you still want it?"
        self._pages.reply(case, ChatReply(words, buttons=(("Yes, do it now", f"again:{token}"), _NO)))

    async def _ask(self, case: ChatCase, asked: Ask) -> None:
        if asked.kind is RequestKind.RELOAD_CONFIG:  # this process ends with it, perhaps before there is an answer
            words = "Asked. If the settings are fit, the bot begins again with them: /show_config in some seconds."
            self._pages.reply(case, ChatReply(words))
            await self._sender.done()
        mark = case.mark
        row = command_row(mark.command_id, asked.kind.value, asked.payload, mark.actor, mark.at, self._wall.now())
        first = await asyncio.to_thread(close_update, self._ground.database_url, mark, request=row)
        case.closed.append(True)
        if first:
            self._answers.watch(case)

    # ---- buttons

    async def _press(self, case: ChatCase) -> None:
        word, _, rest = case.incoming.data.partition(":")
        handle = self._words.get(word)
        if handle is not None:
            await handle(case, rest)
            return
        asked = await self._ground.look(lambda connection: acts.of_button(connection, word, rest))
        if asked is None:
            raise Unclear("This button is none of mine.")
        await self._act(case, asked)

    async def _confirmed(self, case: ChatCase, token: str) -> None:
        offer = self._offers.take(token, case.incoming.user_id)
        asked: Ask = offer.what
        now: ActEffect = await self._ground.look(lambda connection: acts.effect_of(connection, asked))
        if now.facts != offer.facts:
            raise Gone("What it would do has changed meanwhile. Nothing was done; ask again.")
        await self._ask(case, asked)

    async def _declined(self, case: ChatCase, token: str) -> None:
        self._pages.reply(case, ChatReply("Nothing was done."))

    async def _again(self, case: ChatCase, token: str) -> None:
        offer = self._offers.take(token, case.incoming.user_id)
        await self._act(case, offer.what, again=True)


def _is_for_another(incoming: Incoming, username: str) -> bool:
    """In a group a command may name another bot, and what is no command is talk among people."""
    command = typed(incoming.text)
    if command is not None and command.addressee and username:
        return command.addressee.lower() != username.lower()
    return not (incoming.is_private or incoming.is_press or command is not None or incoming.answers)


def _age_s(incoming: Incoming, gap_s: float, now: datetime) -> float:
    """Return how old an update is at most. A press has no time of its own: it is younger than its message, and than
    the last poll that was answered."""
    age_s = (now - incoming.sent_at).total_seconds()
    return min(age_s, gap_s) if incoming.is_press and age_s >= 0 else age_s


def _tries_to_act(incoming: Incoming) -> bool:
    command = typed(incoming.text)
    row = COMMANDS.get(command.word) if command else None
    if row is None:  # an unknown command may have been meant to act
        return bool(incoming.answers) or command is not None
    return row.make is not None


async def _nothing_is_held(ground: PeopleGround) -> bool:
    row = await ground.look(ask.session)
    return row is None or row.state not in {"paused", "halted"}


async def _asked_by(ground: PeopleGround, incoming: Incoming, bot_id: str) -> TelegramQuestion | None:
    """Return what the answered message asks. One that has just been sent may be on its way into the store."""
    button = incoming.asked if str(incoming.asked_by) == bot_id else ""
    until = ground.clock.monotonic() + _SETTLES_S
    while True:
        found, on_its_way = await ground.look(
            lambda c: (
                acts.question_of(c, incoming.chat_id, incoming.answers or 0, button),
                has_telegram_under_way(c),
            )
        )
        if found is not None or not on_its_way or ground.clock.monotonic() >= until:
            return found
        await asyncio.sleep(_LOOK_S)
