"""The simulated mail server against aiosmtplib: what arrives, what is refused, and which replies leave it unknown."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import pytest_asyncio

from bot.alerts.channels import Outgoing
from bot.alerts.email import EmailDeliverer
from bot.alerts.ground import PeopleGround
from bot.clocks.clock import SystemClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.sim.services.cast import MAILBOX, SENDER, SIMULATED_SECRETS
from bot.sim.services.faults import Bend
from tests.contracts.service_sites import Site, patience, services

KEY = f"smtp:{MAILBOX}"


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with services() as running:
        yield running


def a_mail(subject: str = "CRITICAL", *to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, ", ".join(to or (MAILBOX,)), subject
    mail["Message-ID"] = "<01JD@quanticity.test>"
    mail.set_content("The broker has not answered.\nNothing is sent again.")
    return mail


async def send(site: Site, mail: EmailMessage, **more: Any) -> Any:
    given = {
        "hostname": "127.0.0.1",
        "port": site.ports["smtp"],
        "username": SIMULATED_SECRETS["smtp_username"],
        "password": SIMULATED_SECRETS["smtp_password"],
        "start_tls": False,
        **more,
    }
    return await aiosmtplib.send(mail, **given)


async def test_a_mail_arrives_with_its_subject_text_and_message_id(site: Site) -> None:
    refused, _ = await send(site, a_mail())
    assert refused == {}
    (entry,) = site.services.book.places[KEY].entries
    assert (entry.title, entry.text) == ("CRITICAL", "The broker has not answered.\nNothing is sent again.")
    assert entry.extra["headers"]["Message-ID"] == "<01JD@quanticity.test>"


async def test_a_wrong_password_is_said_at_once(site: Site) -> None:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as caught:
        await send(site, a_mail(), password="another")
    assert caught.value.code == 535
    assert KEY not in site.services.book.places


async def test_what_the_server_does_not_offer_is_not_done_in_clear(site: Site) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send(site, a_mail(), start_tls=True)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(site, a_mail(), start_tls=None, use_tls=True, timeout=2)


async def test_one_bad_address_of_two_is_told_and_the_other_has_its_mail(site: Site) -> None:
    site.goes_wrong("smtp", Bend.REFUSED, method="RCPT", target="gone@quanticity.test")
    refused, _ = await send(site, a_mail("x", MAILBOX, "gone@quanticity.test"))
    assert {address: reply.code for address, reply in refused.items()} == {"gone@quanticity.test": 550}
    assert len(site.received(KEY)) == 1
    site.goes_wrong("smtp", Bend.REFUSED, method="RCPT")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(site, a_mail())


@pytest.mark.parametrize(
    "fault, raised, copies",
    [
        (Bend.ACCEPT_HANG, aiosmtplib.SMTPReadTimeoutError, 1),
        (Bend.ACCEPT_RESET, aiosmtplib.SMTPServerDisconnected, 1),
        (Bend.HANG, aiosmtplib.SMTPReadTimeoutError, 0),
        (Bend.RESET, aiosmtplib.SMTPServerDisconnected, 0),
        (Bend.ERROR_AFTER, aiosmtplib.SMTPDataError, 1),
        (Bend.ERROR_BEFORE, aiosmtplib.SMTPDataError, 0),
        (Bend.LIMITED, aiosmtplib.SMTPException, 0),
        (Bend.TOO_LONG, aiosmtplib.SMTPDataError, 0),
        (Bend.DRIP, aiosmtplib.SMTPException, 1),
    ],
)
async def test_each_fault_is_raised_as_the_real_client_has_it(
    site: Site, fault: Bend, raised: type[Exception], copies: int
) -> None:
    site.goes_wrong("smtp", fault, method="DATA")
    with pytest.raises(raised):
        await send(site, a_mail(), timeout=patience(fault) * 2)
    assert len(site.received(KEY) if KEY in site.services.book.places else []) == copies
    await send(site, a_mail())
    assert len(site.received(KEY)) == copies + 1


async def test_a_revoked_password_is_refused_in_mid_run(site: Site) -> None:
    await send(site, a_mail())
    site.goes_wrong("smtp", Bend.REVOKED, method="AUTH", for_seconds=60)  # of every mechanism that is tried
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(site, a_mail())


OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")


@OPENSSL
@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_with_tls_a_mail_arrives_where_its_certificate_is_trusted_and_nowhere_else(
    tls: str, tmp_path: Path
) -> None:
    certificate = tmp_path / "mail.pem"
    async with services(lambda running: running.speak_tls(tls, certificate)) as site:
        smtp = {"host": "127.0.0.1", "port": site.ports["smtp"], "tls": tls, "ca_file": str(certificate)}
        words = {}
        for trusted in (smtp, {**smtp, "ca_file": ""}, {**smtp, "ca_file": str(tmp_path / "none")}):
            settings = Settings.model_validate(
                {"smtp": trusted, "alerts": {"mailboxes": {"owner": MAILBOX}, "mail_from": SENDER}}
            )
            keys = Secrets(
                smtp_username=SIMULATED_SECRETS["smtp_username"], smtp_password=SIMULATED_SECRETS["smtp_password"]
            )
            deliverer = EmailDeliverer(PeopleGround(settings, keys, SystemClock()))
            outcome = await deliverer.deliver(Outgoing("m", "admin", "email", "alert", "owner", "Hello", "k"))
            words[trusted["ca_file"]] = outcome.word
        assert words == {str(certificate): "delivered", "": "failed", str(tmp_path / "none"): "failed"}
        assert len(site.received(KEY)) == 1
    assert certificate.with_suffix(".key").stat().st_mode & 0o077 == 0


def test_an_authority_of_ones_own_is_for_this_machine_alone() -> None:
    with pytest.raises(ValueError, match="for a server on this machine alone"):
        Settings.model_validate({"smtp": {"host": "mail.example.org", "ca_file": "/tmp/own.pem"}})
