"""Every channel's deliverer against its simulated service with faults by chance: what it says came of a message is true
of what can be seen there, and no message can be seen twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.alerts import delivery, discord_webhook
from bot.alerts.channels import CHANNELS, Outgoing
from bot.alerts.delivery import Delivery
from bot.alerts.ground import PeopleGround
from bot.app.simulated_people import at_simulated_services
from bot.config.loader import load
from bot.sim.services.book import Service, ServiceBook
from tests.contracts.service_sites import Site, services
from tests.store.builders import FixedClock

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 25
DEADLINE_S = 0.3
SEEDS = (1, 2)
SERVICE_OF = {
    "telegram": Service.TELEGRAM,
    "discord": Service.DISCORD,
    "discord_webhook": Service.DISCORD,
    "email": Service.SMTP,
    "webhook": Service.RECEIVER,
}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with services() as running:
        yield running


def a_message(channel: str, target: str, number: int) -> Outgoing:
    words = f"alert number {number} of the day"
    extra = {"level": "critical", "code": "ORDER_IN_DOUBT", "subject": words}
    return Outgoing(f"m{number}", "admin", channel, "alert", target, words, f"key-{number}", extra=extra)


def times_seen(book: ServiceBook, service: Service, words: str) -> int:
    return sum(words in f"{each.title} {each.text}" for place in book.of(service) for each in place.from_bot())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("channel", sorted(CHANNELS))
async def test_what_is_said_of_a_message_is_true_of_what_can_be_seen(
    site: Site, channel: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = at_simulated_services(load(ROOT, {}, {}), site.ports)
    row = CHANNELS[channel]
    target, *_ = row.targets(config.settings, config.secrets)
    courier = Delivery(PeopleGround(config.settings, config.secrets, FixedClock()), {channel: row})
    first = await courier._attempt(a_message(channel, target.name, MESSAGES))
    assert first.word == "delivered"  # the library is loaded now
    monkeypatch.setattr(delivery, "_DEADLINE_S", DEADLINE_S)
    monkeypatch.setattr(discord_webhook, "_GONE_S", 0.0)  # else one 404 ends its day
    site.services.board.at_random(0.6, seed)
    came: Counter[str] = Counter()
    for number in range(MESSAGES):
        message = a_message(channel, target.name, number)
        outcome = await courier._attempt(message)
        seen = times_seen(site.services.book, SERVICE_OF[channel], message.body)
        allowed = {"delivered": {1}, "failed": {0}, "refused": {0}, "unknown": {0, 1}}[outcome.word]
        assert seen in allowed, f"{message.body}: {outcome} and it was seen {seen} times"
        came[outcome.word] += 1
    await courier._end()
    assert came["unknown"], came
    assert site.services.board.met > MESSAGES / 4
