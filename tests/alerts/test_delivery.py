"""What delivers makes each attempt once, tells what came of it, and leaves alone what another process was handed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.alerts import delivery
from bot.alerts.channels import ChannelRow, DeliveryOutcome, Outgoing, delivered
from bot.alerts.delivery import Delivery
from bot.alerts.ground import PeopleGround
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.engine.outbox.voice import Channel
from bot.store.database import writer_engine
from bot.store.revision import upgrade
from bot.store.tables.inbound import INBOUND
from bot.store.tables.message import MESSAGE
from tests.patience import until
from tests.store.builders import FixedClock

AT = "2026-11-20T15:00:00.000000+00:00"


@dataclass
class Fake:
    """A deliverer that answers as it is told."""

    answers: Callable[[Outgoing], Any] = lambda message: delivered("7:1")
    seen: list[Outgoing] = field(default_factory=list)
    closed: bool = False

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        self.seen.append(message)
        answer = self.answers(message)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.Event().wait()
        found: DeliveryOutcome = answer
        return found

    async def close(self) -> None:
        self.closed = True


class Site:
    """A store, a deliverer, and the tick's part played by hand."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{path}"
        upgrade(self.url)
        settings = Settings.model_validate({"database": {"url": self.url}})
        self.ground = PeopleGround(settings, Secrets(), FixedClock())
        self.fake = Fake()

    def hand_over(self, name: str, attempts: int = 1, **more: Any) -> None:
        row = {
            "id": name, "tier": "admin", "channel": "fake", "kind": "alert", "target": "ann", "mode": "new",
            "created_at": AT, "due_at": AT, "sending_at": AT, "state": "sending", "dedupe_key": name, "body": "hello",
            "extra": "{}", "attempts": attempts,
        }  # fmt: skip
        with writer_engine(self.url).begin() as connection:
            connection.execute(MESSAGE.insert().values(**{**row, **more}))

    def told(self, kind: str = "delivery") -> list[dict[str, Any]]:
        with writer_engine(self.url).begin() as connection:
            rows = connection.execute(select(INBOUND.c.payload).where(INBOUND.c.kind == kind)).scalars()
            return [json.loads(row) for row in rows]

    def take_the_start(self) -> None:
        with writer_engine(self.url).begin() as connection:
            connection.execute(update(INBOUND).where(INBOUND.c.kind == "started").values(state="done"))

    async def until(self, what: Callable[[], bool]) -> None:
        await until(what)

    def begin(self) -> asyncio.Task[None]:
        row = ChannelRow(Channel("fake"), lambda settings, secrets: (), "tests.alerts.test_delivery:made")
        Site.making = self.fake
        return asyncio.create_task(Delivery(self.ground, {"fake": row}).run())

    making: Fake = Fake()


def made(ground: PeopleGround) -> Fake:
    return Site.making


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(delivery, "LOOK_S", 0.01)
    return Site(tmp_path / "store.db")


async def test_nothing_is_sent_before_the_tick_knows_that_this_process_is_new(site: Site) -> None:
    site.hand_over("m1", body="7 < 8", extra='{"level": "critical"}')
    task = site.begin()
    await site.until(lambda: bool(site.told("started")))
    site.hand_over("m0", state="queued")
    assert site.fake.seen == []
    site.take_the_start()
    await site.until(lambda: bool(site.told()))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (sent,) = site.fake.seen
    assert (sent.id, sent.body, sent.extra, sent.attempt) == ("m1", "7 < 8", {"level": "critical"}, 1)
    told = {"message": "m1", "outcome": "delivered", "external_id": "7:1", "reason": "", "attempt": 1}
    assert site.told() == [{**told, "retry_after_s": None}]
    assert site.fake.closed


async def test_each_attempt_is_made_once_and_a_new_one_when_it_is_handed_over_again(site: Site) -> None:
    task = site.begin()
    await site.until(lambda: bool(site.told("started")))
    site.take_the_start()
    site.hand_over("m1")
    await site.until(lambda: bool(site.told()))
    with writer_engine(site.url).begin() as connection:
        connection.execute(update(MESSAGE).values(attempts=2))
    await site.until(lambda: len(site.told()) == 2)
    assert [m.attempt for m in site.fake.seen] == [1, 2]
    task.cancel()


async def test_a_deliverer_that_raises_or_hangs_leaves_it_open_whether_it_arrived(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_DEADLINE_S", 0.05)
    site.fake.answers = lambda message: ValueError("odd") if message.id == "m1" else None
    task = site.begin()
    await site.until(lambda: bool(site.told("started")))
    site.take_the_start()
    site.hand_over("m1")
    site.hand_over("m2")
    await site.until(lambda: len(site.told()) == 2)
    told = {row["message"]: (row["outcome"], row["reason"]) for row in site.told()}
    assert told["m1"] == ("unknown", "the attempt failed inside the program: ValueError('odd')")
    assert told["m2"] == ("unknown", "no answer within 0.05 s")
    task.cancel()


async def test_an_edit_brings_the_channels_own_id_of_its_parent(site: Site) -> None:
    task = site.begin()
    await site.until(lambda: bool(site.told("started")))
    site.take_the_start()
    site.hand_over("m0", state="sent", external_id="7:5")
    site.hand_over("m1", mode="edit", parent_id="m0")
    await site.until(lambda: bool(site.told()))
    assert [(m.mode, m.parent) for m in site.fake.seen] == [("edit", "7:5")]
    task.cancel()
