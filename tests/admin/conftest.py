"""Telegram at a socket: a small Bot API, the store of a working day, and a desk between them."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.admin.client import make_client
from bot.admin.desk import ChatDesk
from bot.admin.sender import Sender
from bot.alerts.ground import PeopleGround
from bot.clocks.clock import SystemClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.actors import Role
from tests.admin.telegram_server import TOKEN, TelegramServer
from tests.web.conftest import StoreBuilder, a_working_day

PEOPLE = {Role.OWNER: 1, Role.OPERATOR: 2, Role.APPROVER: 3, Role.VIEWER: 4}
STRANGER = 99
APPROVAL, SIGNAL = "01AAAAAAAAAAAAAAAAAAAAWAIT", "SIGWAIT"


def a_ground(url: str, database: str) -> PeopleGround:
    users = [{"telegram_id": number, "name": f"the-{role}", "role": role} for role, number in PEOPLE.items()]
    settings = {"people": {"users": users}, "telegram": {"base_url": url}, "database": {"url": database}}
    return PeopleGround(Settings.model_validate(settings), Secrets(telegram_bot_token=TOKEN), SystemClock())


@dataclass
class Phone:
    """Somebody's phone, and what lies in the store afterwards."""

    server: TelegramServer
    desk: ChatDesk
    sender: Sender
    path: Path
    numbers: list[int] = field(default_factory=lambda: [0])

    def update(self, **what: Any) -> dict[str, Any]:
        self.numbers[0] += 1
        return {"update_id": self.numbers[0], **what}

    def text(self, user: int, text: str, *, chat: int | None = None, age_s: float = 0, **more: Any) -> dict[str, Any]:
        where = user if chat is None else chat
        message = {
            "message_id": 5000 + self.numbers[0], "date": int(time.time() - age_s), "text": text,
            "chat": {"id": where, "type": "private" if where > 0 else "supergroup"},
            "from": {"id": user, "is_bot": False, "first_name": "X"}, **more,
        }  # fmt: skip
        return self.update(message=message)

    def press(self, user: int, data: str, *, age_s: float = 0, message: int = 101) -> dict[str, Any]:
        about = {"message_id": message, "date": int(time.time() - age_s), "chat": {"id": user, "type": "private"}}
        query = {
            "id": f"q{self.numbers[0]}",
            "from": {"id": user},
            "chat_instance": "1",
            "data": data,
            "message": about,
        }
        return self.update(callback_query=query)

    async def hear(self, *updates: dict[str, Any], gap_s: float = 0.0) -> list[str]:
        """Handle updates and return what was said because of them."""
        before = set(self.server.sent)
        for update in updates:
            await self.desk.handle(update, gap_s)
        await asyncio.gather(*self.desk._answers.tasks)
        await self.sender.done()
        return [self.server.sent[key]["text"] for key in sorted(self.server.sent) if key not in before]

    async def says(self, user: int, text: str, **more: Any) -> str:
        return "\n".join(await self.hear(self.text(user, text, **more)))

    async def presses(self, user: int, label: str, **more: Any) -> str:
        return "\n".join(await self.hear(self.press(user, self.server.buttons()[label], **more)))

    def rows(self, question: str) -> Sequence[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as store:
            return store.execute(question).fetchall()

    def asked(self) -> list[tuple[str, str]]:
        return [(kind, actor) for kind, actor in self.rows("SELECT kind, actor FROM command ORDER BY created_at, id")]

    def attempts(self) -> list[str]:
        return [payload for (payload,) in self.rows("SELECT payload FROM inbound WHERE kind = 'attempt'")]


@pytest.fixture(scope="session")
def a_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("telegram") / "day.db"
    store = a_working_day(path)
    with closing(sqlite3.connect(path)) as raw:
        columns = {row[1] for row in raw.execute("PRAGMA table_info(signal)")}
        assert "approval_id" in columns
    assert store.seq
    return path


@pytest.fixture
def day(a_day: Path, tmp_path: Path) -> StoreBuilder:
    shutil.copyfile(a_day, tmp_path / "store.db")
    return StoreBuilder(tmp_path / "store.db")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    server = await TelegramServer().start()
    yield server
    await server.stop()


@pytest.fixture
async def phone(
    server: TelegramServer, day: StoreBuilder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Phone]:
    monkeypatch.setattr("bot.admin.answers._ANSWER_MOST_S", 0.0)  # no bot runs here, so nobody answers
    monkeypatch.setattr("bot.admin.sender.png", lambda chart: b"PNG")  # drawing one takes seconds
    ground = a_ground(server.url, day.url)
    sender = Sender(make_client(TOKEN, server.url), TOKEN)
    numbers = iter(range(1, 10_000))
    desk = ChatDesk(ground, sender, "1000000001", lambda: next(numbers))
    desk.username = "quanticity_bot"
    yield Phone(server, desk, sender, tmp_path / "store.db")
    await desk.close()
    await sender.close()
