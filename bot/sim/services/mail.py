"""The mail server on loopback: aiosmtpd with a user and a password, each mailbox a place of the book.

Plain text within the machine, or TLS as `sim.services.smtp_tls` says. aiosmtpd is loaded with the first connection.
"""

from __future__ import annotations

import asyncio
import email.policy
import logging
import socket
import ssl
import warnings
import weakref
from email import message_from_bytes
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Final

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import Bend, FaultBoard, ServiceFault

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LARGEST_MAIL: Final = 2 * 1024 * 1024
_PATIENCE_S: Final = 3600.0
_DRIP_S: Final = 1.0
_LOOK_S: Final = 0.05
DATA, RCPT, AUTH = "DATA", "RCPT", "AUTH"
_DONE: Final = "250 OK"
_LATER: Final = "451 4.3.0 Temporary failure, try again later"


class MailService:
    """One server; `user` and `word` None take anybody."""

    service = Service.SMTP

    def __init__(self, book: ServiceBook, board: FaultBoard, user: str | None = None, word: str | None = None) -> None:
        self.book, self.board = book, board
        self.tls: ssl.SSLContext | None = None  # what TLS is spoken by; None: none
        self.from_the_first_byte = False  # TLS; else by STARTTLS, which is demanded
        self._user, self._word = user, word
        self._server: asyncio.Server | None = None
        self._cut = asyncio.Event()
        self._connections: weakref.WeakSet[SMTP] = weakref.WeakSet()

    async def serve(self, listening: socket.socket) -> None:
        wrapped = self.tls if self.from_the_first_byte else None
        self._server = await asyncio.get_running_loop().create_server(self._protocol, sock=listening, ssl=wrapped)

    async def stop(self) -> None:
        """End every connection: one that waits for its own fault would else outlive its loop."""
        self._cut.set()
        if self._server is not None:
            self._server.close()
        tasks = []
        for each in list(self._connections):
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()
            task = each._handler_coroutine
            if task is not None:
                task.cancel()
                tasks.append(task)
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    def _protocol(self) -> SMTP:
        from aiosmtpd.smtp import SMTP

        logging.getLogger("mail.log").setLevel(logging.ERROR)  # it warns of each connection for the same reason
        asks = self._word is not None
        with warnings.catch_warnings():  # a password in clear is what a server within the machine takes
            warnings.simplefilter("ignore", UserWarning)
            made = SMTP(
                self,
                hostname="mail.quanticity.test",
                data_size_limit=LARGEST_MAIL,
                enable_SMTPUTF8=True,
                authenticator=self._authenticate if asks else None,
                auth_required=asks,
                auth_require_tls=False,
                tls_context=None if self.from_the_first_byte else self.tls,
                require_starttls=self.tls is not None and not self.from_the_first_byte,
            )
        self._connections.add(made)
        return made

    # ---- what aiosmtpd asks

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        from aiosmtpd.smtp import AuthResult

        fault = self.board.meet(self.service, AUTH)
        right = (given.login, given.password) == (str(self._user).encode(), str(self._word).encode())
        if right and (fault is None or fault.fault is not Bend.REVOKED):
            return AuthResult(success=True)
        self.book.count(self.service, AUTH, fault.fault if fault else "", 535)
        return AuthResult(success=False, handled=False)  # the server answers 535; handled, it would say nothing

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        fault = self.board.meet(self.service, RCPT, address)
        place = self.book.places.get(f"{self.service}:{address.lower()}")
        if (fault is not None and fault.fault is Bend.REFUSED) or (place is not None and place.gone):
            self.book.count(self.service, RCPT, fault.fault if fault else "", 550)
            return "550 5.1.1 The mailbox does not exist"
        if fault is not None:
            return await self._bent(server, fault, RCPT, "250 OK")
        envelope.rcpt_tos.append(address)
        return _DONE

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.board.meet(self.service, DATA)
        if fault is not None and fault.fault not in _STORES:
            return await self._bent(server, fault, DATA, _DONE)
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        for address in envelope.rcpt_tos:
            self._store(address, content)
        if fault is not None:
            return await self._bent(server, fault, DATA, _DONE)
        self.book.count(self.service, DATA, "", 250)
        return _DONE

    async def _bent(self, server: SMTP, fault: ServiceFault, method: str, done: str) -> str:
        """Return the reply of a fault; where none is to come, wait until the client has gone."""
        reply = _REPLIES.get(fault.fault, done)
        self.book.count(self.service, method, fault.fault, 0 if fault.fault in _SILENT else int(reply[:3]))
        if fault.fault in {Bend.ACCEPT_RESET, Bend.RESET}:
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
            return done
        if fault.fault in _SILENT:
            await self._drip(server) if fault.fault is Bend.DRIP else await self._never(server)
        return reply

    async def _never(self, server: SMTP) -> None:
        """Wait until the client or the service goes; for neither is there an event."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE_S
        while True:
            if loop.time() >= until or self._cut.is_set() or _has_left(server):
                return
            await asyncio.sleep(_LOOK_S)

    async def _drip(self, server: SMTP) -> None:
        for letter in "250-OK\r\n" * 60:
            if self._cut.is_set() or _has_left(server) or not isinstance(server.transport, asyncio.Transport):
                return
            server.transport.write(letter.encode())
            await asyncio.sleep(_DRIP_S)

    def _store(self, address: str, content: bytes) -> None:
        mail: Any = message_from_bytes(content, policy=email.policy.default)
        place = self.book.place(self.service, address.lower(), name=address, kind="mailbox")
        headers = ("From", "To", "Message-ID", "Date", "List-Unsubscribe")
        extra: dict[str, Any] = {"headers": {name: str(mail[name]) for name in headers if mail[name] is not None}}
        extra["parts"] = [part.get_content_type() for part in mail.walk()]
        self.book.store(place, _text(mail), title=str(mail["Subject"] or ""), extra=extra)


_STORES: Final = frozenset({Bend.ACCEPT_HANG, Bend.ACCEPT_RESET, Bend.ERROR_AFTER, Bend.DRIP})
_SILENT: Final = frozenset({Bend.ACCEPT_HANG, Bend.ACCEPT_RESET, Bend.HANG, Bend.RESET, Bend.DRIP})
_REPLIES: Final = {
    Bend.ERROR_AFTER: _LATER,
    Bend.ERROR_BEFORE: _LATER,
    Bend.LIMITED: "421 4.7.0 Too many messages, closing the connection",
    Bend.REVOKED: "535 5.7.8 Authentication credentials invalid",
    Bend.REFUSED: "554 5.7.1 Refused by policy",
    Bend.TOO_LONG: "552 5.3.4 Message too big",
}


def _has_left(server: SMTP) -> bool:
    return server.transport is None or server.transport.is_closing()


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    try:
        return str(part.get_content()).replace("\r\n", "\n").strip() if part is not None else ""
    except (LookupError, ValueError):  # an alphabet that nobody knows
        return ""
