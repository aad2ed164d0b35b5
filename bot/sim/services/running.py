"""All simulated services of one venue process: one book, one board of faults, a port each, and the inbox."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.sim.services.anthropic import AnthropicService
from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.book_file import ServicesBookKeeper, read_into
from bot.sim.services.cast import ADMIN_GROUP, CAST, HOOK, SIMULATED_SECRETS, STRANGER, telegram_token
from bot.sim.services.certificate import server_context
from bot.sim.services.discord import DiscordService
from bot.sim.services.faults import FaultBoard
from bot.sim.services.inbox import InboxPage
from bot.sim.services.mail import MailService
from bot.sim.services.receiver import ReceiverService
from bot.sim.services.script import ServicesScript
from bot.sim.services.telegram import TelegramService

Known = tuple[int, str, str]
"""Somebody of the settings: Telegram id, name, role."""


class _Served(Protocol):
    async def serve(self, listening: socket.socket) -> None: ...

    async def stop(self) -> None: ...


class SimulatedServices:
    """Telegram, Discord, mail, the model, the receiver and the inbox. `now` is the venue's clock, `wall` epoch seconds;
    with `book_file` the book goes on where it was."""

    def __init__(
        self,
        now: Callable[[], datetime],
        wall: Callable[[], float],
        *,
        script: ServicesScript | None = None,
        seed: int = 0,
        book_file: Path | None = None,
        known: Iterable[Known] = (),
    ) -> None:
        script = script or ServicesScript()
        self.book, self.board = ServiceBook(now, wall), FaultBoard(now, wall, script.faults, seed)
        if script.random_share:
            self.board.at_random(script.random_share, seed)
        self._keeper = ServicesBookKeeper(self.book, book_file) if book_file is not None else None
        if book_file is not None:
            read_into(self.book, book_file)
        for person_id, name, role in (*((p.telegram_id, p.name, p.role) for p in (*CAST, STRANGER)), *known):
            person = self.book.person(person_id, name, role)
            person.name, person.role = name, role
        group = self.book.place(Service.TELEGRAM, str(ADMIN_GROUP), name="Admin", kind="group")
        group.members = group.members or [person.telegram_id for person in CAST]
        keys = SIMULATED_SECRETS
        self.telegram = TelegramService(self.book, self.board, {keys["telegram_bot_token"]})
        self.discord = DiscordService(self.book, self.board, keys["discord_bot_token"])
        self.mail = MailService(self.book, self.board, keys["smtp_username"], keys["smtp_password"])
        self.anthropic = AnthropicService(self.book, self.board, keys["anthropic_api_key"])
        self.anthropic.model.mode = script.model
        self.receiver = ReceiverService(self.book, self.board, {HOOK: keys["alert_hook_secret"]})
        self.inbox = InboxPage(self.book, self.board, self.telegram.people, self.anthropic.model)
        self._served: Mapping[str, _Served] = {
            "telegram": self.telegram,
            "discord": self.discord,
            "smtp": self.mail,
            "anthropic": self.anthropic,
            "receiver": self.receiver,
            "inbox": self.inbox,
        }
        self._tasks: list[asyncio.Task[None]] = []

    def speak_tls(self, mode: str, certificate: Path) -> None:
        """Have the mail server speak TLS (`starttls`, `tls`; `none`: not) by a certificate that is made where there is
        none. Raises ConfigError where it cannot be."""
        if mode != "none":
            self.mail.tls, self.mail.from_the_first_byte = server_context(certificate), mode == "tls"

    async def serve(self, sockets: Mapping[str, socket.socket]) -> None:
        """Answer at these ports from now on."""
        if "telegram" in sockets:
            self.telegram.tokens.add(telegram_token(int(sockets["telegram"].getsockname()[1])))
        for name, listening in sockets.items():
            await self._served[name].serve(listening)
        if self._keeper is not None:
            self._tasks.append(asyncio.create_task(self._keeper.keep(), name="services-book"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(each.stop() for each in self._served.values()), return_exceptions=True)
        if self._keeper is not None:
            self._keeper.write()
