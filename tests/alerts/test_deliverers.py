"""Discord, mail and a receiver by their real clients against the simulated services: once, or honestly in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aiosmtplib
import discord as discord_library
import pytest
import pytest_asyncio

from bot.alerts import discord, discord_webhook, email, webhook
from bot.alerts.channels import Deliverer, DeliveryOutcome, Outgoing
from bot.alerts.ground import PeopleGround
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.message import MessageMode
from bot.sim.services.book import Service
from bot.sim.services.cast import ALERTS_CHANNEL, HOOK, MAILBOX, SENDER, SIMULATED_SECRETS
from bot.sim.services.faults import SPOKEN, Bend
from tests.contracts.service_sites import NO_END, Site, services
from tests.patience import PATIENCE_S
from tests.store.builders import FixedClock

PLACES = {
    "discord": f"discord:{ALERTS_CHANNEL}",
    "discord_webhook": "discord:webhook-100000000000000002",
    "email": f"smtp:{MAILBOX}",
    "webhook": f"receiver:{HOOK}",
}
SERVICE = {"discord": "discord", "discord_webhook": "discord", "email": "smtp", "webhook": "receiver"}
MAKE: dict[str, Callable[[PeopleGround], Deliverer]] = {
    "discord": discord.make, "discord_webhook": discord_webhook.make, "email": email.make, "webhook": webhook.make,
}  # fmt: skip
TARGET = {"discord": "alerts", "discord_webhook": discord_webhook.TARGET, "email": "owner", "webhook": "pager"}
SOON_S = 0.4
LOADED = (aiosmtplib, discord_library)
"""Loaded beforehand: a patience of tests leaves no time for it."""


def ground(site: Site, **more: Any) -> PeopleGround:
    alerts = {
        "discord": {"alerts": ALERTS_CHANNEL, "gone": 5}, "mailboxes": {"owner": MAILBOX}, "mail_from": SENDER,
        "receivers": {"pager": f"{site.url('receiver')}/{HOOK}"},
    }  # fmt: skip
    smtp = {"host": "127.0.0.1", "port": site.ports["smtp"], "tls": "none"}
    tree = {"alerts": alerts, "smtp": smtp, "discord": {"base_url": site.url("discord")}}
    secrets: dict[str, Any] = {**SIMULATED_SECRETS, **more}
    return PeopleGround(Settings.model_validate(tree), Secrets(**secrets), FixedClock())


@pytest_asyncio.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    waits(monkeypatch, PATIENCE_S)
    async with services() as running:
        yield running


def waits(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the deliverers wait so long for an answer."""
    named = {discord: "_DEADLINE_S", discord_webhook: "_DEADLINE_S", email: "_TIMEOUT_S", webhook: "_TOTAL_S"}
    for module, name in named.items():
        monkeypatch.setattr(module, name, seconds)


def message(channel: str, body: str = "hello", **more: Any) -> Outgoing:
    given = {"id": "01M1", "tier": "admin", "kind": "alert", "target": TARGET[channel], "dedupe_key": "k1"}
    return Outgoing(**{**given, "channel": channel, "body": body, **more})


async def attempt(site: Site, channel: str, *messages: Outgoing, **secrets: Any) -> list[DeliveryOutcome]:
    deliverer = MAKE[channel](ground(site, **secrets))
    try:
        return [await deliverer.deliver(each) for each in messages]
    finally:
        await deliverer.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("channel", MAKE)
async def test_it_arrives_and_says_under_what_id(site: Site, channel: str) -> None:
    (outcome,) = await attempt(site, channel, message(channel, "7 < 8 & *bold* @everyone\n# head"))
    assert (outcome.word, bool(outcome.external_id)) == ("delivered", True)
    assert len(site.received(PLACES[channel])) == 1


@pytest.mark.parametrize("channel, fault", [(name, fault) for name in MAKE for fault in SPOKEN[Service(SERVICE[name])]])
async def test_whatever_a_service_does_nothing_is_called_delivered_that_is_not_there(
    site: Site, channel: str, fault: Bend, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault in NO_END:
        waits(monkeypatch, SOON_S)
    site.goes_wrong(SERVICE[channel], fault)
    (outcome,) = await attempt(site, channel, message(channel))
    there = len(site.received(PLACES[channel]))
    assert outcome.word in {"delivered", "failed", "refused", "unknown"}
    if outcome.word == "delivered":
        assert there == 1
    if outcome.word in {"failed", "refused"}:
        assert there == 0, f"it says that nothing arrived: {outcome.reason}"
    for secret in SIMULATED_SECRETS.values():
        assert secret not in outcome.reason


async def test_discord_shows_a_repeat_of_what_may_have_arrived_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits(monkeypatch, 3.0)
    first = message("discord")
    site.goes_wrong("discord", Bend.ACCEPT_HANG, method="post")
    outcomes = await attempt(site, "discord", first, first)
    assert [each.word for each in outcomes] == ["unknown", "delivered"]
    assert len(site.received(PLACES["discord"])) == 1


async def test_discord_edits_and_answers_what_it_posted(site: Site) -> None:
    deliverer = discord.make(ground(site))
    posted = await deliverer.deliver(message("discord"))
    edit = message("discord", "hello again", id="01M2", dedupe_key="k2", mode=MessageMode.EDIT)
    assert (await deliverer.deliver(replace(edit, parent=posted.external_id))).word == "delivered"
    assert site.received(PLACES["discord"]) == ["hello again"]
    await deliverer.close()


async def test_a_text_is_shown_letter_for_letter_and_never_too_long(site: Site) -> None:
    await attempt(site, "discord", message("discord", "*" * 5000))
    (shown,) = site.received(PLACES["discord"])
    assert len(shown) <= 2000
    assert discord.plain("**a** # b\n- c\n[x](http://y) @here") == (
        r"\*\*a\*\* \# b" "\n" r"\- c" "\n" r"\[x\]\(http\://y\) \@here"
    )


async def test_a_wrong_key_is_a_failure_with_a_pause_and_nothing_arrived(site: Site) -> None:
    (posted,) = await attempt(site, "discord", message("discord"), discord_bot_token="wrong")
    (mailed,) = await attempt(site, "email", message("email"), smtp_password="wrong")
    assert [(o.word, bool(o.retry_after_s)) for o in (posted, mailed)] == [("failed", True)] * 2


async def test_a_mail_has_one_id_at_every_attempt_and_says_how_to_acknowledge(site: Site) -> None:
    extra = {"subject": "CRITICAL\nUNPROTECTED", "buttons": [["Acknowledge", "ack:01KTESTTESTTEST12345678AB"]]}
    mail = email.mail_of(message("email", extra=extra), SENDER, MAILBOX, FixedClock().now())
    again = email.mail_of(message("email", attempt=2, extra=extra), SENDER, MAILBOX, FixedClock().now())
    assert mail["Message-ID"] == again["Message-ID"]
    assert mail["Subject"] == "Quanticity: CRITICAL UNPROTECTED"
    assert "python run.py ack 345678AB" in mail.get_content()


async def test_tls_is_demanded_where_the_settings_say_so(site: Site) -> None:
    at = ground(site)
    smtp = at.settings.smtp.model_copy(update={"tls": "starttls"})
    settings = at.settings.model_copy(update={"smtp": smtp})
    outcome = await email.make(replace(at, settings=settings)).deliver(message("email"))
    assert (outcome.word, site.received(PLACES["email"])) == ("failed", [])


async def test_a_receiver_can_tell_who_sent_it(site: Site) -> None:
    await attempt(site, "webhook", message("webhook", extra={"code": "UNPROTECTED", "buttons": [["x", "ack:1"]]}))
    entry = site.services.book.places[PLACES["webhook"]].entries[-1]
    assert entry.extra["signed"] == "yes"
    assert '"code": "UNPROTECTED"' in entry.text
    assert "buttons" not in entry.text


@pytest.mark.parametrize("channel", MAKE)
async def test_a_target_that_the_settings_do_not_name_is_refused(site: Site, channel: str) -> None:
    (outcome,) = await attempt(site, channel, message(channel, target="nobody"))
    assert outcome.word == "refused"


@pytest.mark.parametrize(
    "fault, word, there",
    [(Bend.ERROR_AFTER, "unknown", 1), (Bend.ERROR_BEFORE, "unknown", 0), (Bend.LIMITED, "failed", 0)],
)
async def test_a_webhook_is_asked_once_where_its_client_would_post_again(
    site: Site, fault: Bend, word: str, there: int
) -> None:
    site.goes_wrong("discord", fault, retry_after_s=300)
    (outcome,) = await attempt(site, "discord_webhook", message("discord_webhook"))
    assert (outcome.word, len(site.received(PLACES["discord_webhook"]))) == (word, there)
    assert outcome.retry_after_s == (300 if fault is Bend.LIMITED else None)


async def test_a_webhook_edits_what_it_posted(site: Site) -> None:
    (posted,) = await attempt(site, "discord_webhook", message("discord_webhook"))
    edit = message("discord_webhook", "hello again", mode=MessageMode.EDIT, parent=posted.external_id)
    assert [each.word for each in await attempt(site, "discord_webhook", edit)] == ["delivered"]
    assert site.received(PLACES["discord_webhook"]) == ["hello again"]


async def test_a_webhook_that_discord_does_not_know_is_not_asked_again(site: Site) -> None:
    site.goes_wrong("discord", Bend.NOT_FOUND)
    outcomes = await attempt(site, "discord_webhook", message("discord_webhook"), message("discord_webhook"))
    assert [each.word for each in outcomes] == ["refused", "refused"]
    assert "DISCORD_WEBHOOK_URL" in outcomes[1].reason
    assert site.received(PLACES["discord_webhook"]) == []


async def test_an_address_that_is_no_webhooks_is_refused_by_name(site: Site) -> None:
    given = message("discord_webhook")
    (outcome,) = await attempt(site, "discord_webhook", given, discord_webhook_url="https://example.org/hook")
    assert (outcome.word, "DISCORD_WEBHOOK_URL" in outcome.reason) == ("refused", True)
