"""E-mail: the row of the channel and its deliverer.

The server's answer to the whole text is the only proof: lost after the last dot, nobody can tell. A mail has one
Message-ID at every attempt. Off this machine TLS is demanded (`smtp.tls` takes nothing else).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from bot.alerts.outcomes import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.alerts.texts import cut, with_ways
from bot.config.schema import Settings, SmtpSettings
from bot.config.secret_words import Secrets
from bot.engine.outbox.voice import Channel, MessageTarget

if TYPE_CHECKING:
    from aiosmtplib import SMTP

    from bot.alerts.ground import PeopleGround

NAME: Final = "email"
CHANNEL: Final = Channel(NAME, longest=20_000)
_TIMEOUT_S: Final = 20.0
_LOGIN_WAIT_S: Final = 300.0
_PERMANENT: Final = 500
_LONGEST_SUBJECT: Final = 120


def targets(settings: Settings, secrets: Secrets) -> Iterable[MessageTarget]:
    """Return the mailboxes of the settings; none without a server."""
    if not settings.smtp.host:
        return ()
    return tuple(MessageTarget(NAME, name) for name in settings.alerts.mailboxes)


def make(ground: PeopleGround) -> EmailDeliverer:
    """Return the deliverer for a ground with a server."""
    return EmailDeliverer(ground)


def message_id(message: Outgoing, sender: str) -> str:
    """Return the Message-ID of a mail, the same at every attempt."""
    digest = sha256(message.dedupe_key.encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


class EmailDeliverer:
    """One connection a mail: what was agreed with a server long ago proves nothing now."""

    def __init__(self, ground: PeopleGround) -> None:
        self._smtp: SmtpSettings = ground.settings.smtp
        self._sender, self._mailboxes = ground.settings.alerts.mail_from, dict(ground.settings.alerts.mailboxes)
        self._user, self._word = ground.secrets.smtp_username, ground.secrets.smtp_password
        self._now = ground.clock.now

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt: up to the text nothing has arrived, with its last line nobody knows until the answer."""
        import aiosmtplib

        to = self._mailboxes.get(message.target)
        if to is None:
            return refused(f"no mailbox is called {message.target} in the settings (alerts.mailboxes)")
        mail = mail_of(message, self._sender, to, self._now())
        try:
            server = self._server()
        except OSError as error:
            return failed(f"smtp.ca_file cannot be used: {type(error).__name__}", _LOGIN_WAIT_S)
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                await self._open(server, to)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            await _hang_up(server)
            return _before_the_text(error)
        try:
            await server.data(mail.as_bytes())
        except aiosmtplib.SMTPDataError as error:
            return _said(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return unknown(f"the mail server did not answer to the text: {type(error).__name__}")
        finally:
            await _hang_up(server)
        return delivered(str(mail["Message-ID"]))

    def _server(self) -> SMTP:
        import aiosmtplib

        how: dict[str, Any] = {
            "starttls": {"start_tls": True}, "tls": {"use_tls": True}, "none": {"start_tls": False},
        }[self._smtp.tls]  # fmt: skip
        if self._smtp.tls != "none":
            how["tls_context"] = self._trusted()
        if self._user and self._word:
            how |= {"username": self._user, "password": self._word}
        return aiosmtplib.SMTP(hostname=self._smtp.host, port=self._smtp.port, timeout=_TIMEOUT_S, **how)

    def _trusted(self) -> ssl.SSLContext:
        """Return whom we trust: the system's authorities and, on this machine, the one of the settings. Raises OSError
        for a file that is none."""
        context = ssl.create_default_context()
        if self._smtp.ca_file:
            context.load_verify_locations(self._smtp.ca_file)
        return context

    async def _open(self, server: SMTP, to: str) -> None:
        await server.connect()
        await server.ehlo()
        await server.mail(self._sender)
        await server.rcpt(to)


def mail_of(message: Outgoing, sender: str, to: str, now: datetime) -> EmailMessage:
    """Return a message as a mail of plain text."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    subject = str(message.extra.get("subject") or message.body.partition("\n")[0])
    mail["Subject"] = cut(" ".join(f"Quanticity: {subject}".split()), _LONGEST_SUBJECT)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(message, sender)
    mail["Auto-Submitted"] = "auto-generated"
    if message.parent:
        mail["In-Reply-To"] = mail["References"] = message.parent
    mail.set_content(with_ways(message.body, message.extra))
    return mail


async def _hang_up(server: SMTP) -> None:
    with suppress(Exception):  # the mail's fate is known by now, whatever the farewell brings
        server.close()


def _before_the_text(error: Exception) -> DeliveryOutcome:
    """Return what follows from an error before the text was begun: nothing has arrived."""
    import aiosmtplib

    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return failed(f"the mail server refuses our login ({error.code})", _LOGIN_WAIT_S)
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPSenderRefused():
            return _said(error.code, error.message)
        case aiosmtplib.SMTPNotSupported():
            return failed(f"the mail server cannot do what is demanded: {error}", _LOGIN_WAIT_S)
    return failed(f"the mail server cannot be used: {type(error).__name__}")


def _said(code: int, words: str) -> DeliveryOutcome:
    said = f"the mail server answers {code} {cut(' '.join(words.split()), 150)}"
    return refused(said) if code >= _PERMANENT else failed(said)
