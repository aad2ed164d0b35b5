"""One client's connection: its handshake, its requests, its subscriptions and what waits to be written to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from bot.sim.hours import HoursSaid
from bot.sim.tws import messages
from bot.sim.tws.account_streams import AccountFeed
from bot.sim.tws.decoding import decode, message_id, request_id
from bot.sim.tws.desk import ClientDesk
from bot.sim.tws.limits import ClientLimits, HistoricalPacing, RateGuard
from bot.sim.tws.market_streams import MarketStream
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.requests import StartApi, WireRequest
from bot.sim.tws.wire import (
    MAX_SERVER_VERSION,
    MIN_SERVER_VERSION,
    FrameReader,
    ProtocolError,
    WireMessage,
    encode,
    encode_message,
    split,
)
from bot.sim.vocabulary import Market, Venue, VenueInstrument, VenuePosition

log: Final = logging.getLogger(__name__)

READ_BYTES: Final = 1 << 16
NOTICES: Final = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)


class Face(Protocol):
    """What a connection, and whoever answers its requests, needs of the face that it belongs to."""

    desk: ClientDesk
    limits: ClientLimits
    max_version: int

    @property
    def venue(self) -> Venue: ...

    @property
    def market(self) -> Market: ...

    @property
    def accounts(self) -> Sequence[str]: ...

    def now(self) -> datetime:
        """Return the simulated time, aware UTC."""
        ...

    def hours_said(self) -> HoursSaid:
        """Return which trading hours contract details tell."""
        ...

    def monotonic(self) -> float:
        """Return wall seconds, for limits and pacing."""
        ...

    def moment(self) -> VenueMoment:
        """Return now, with the venue to ask about it."""
        ...

    def connection_time(self) -> str:
        """Return the time for the handshake, in the exchange's zone."""
        ...

    def session_of(self, client_id: int) -> ClientSession | None:
        """Return the connection of a client that has started the API."""
        ...

    def refusal_of(self, instrument: VenueInstrument) -> int:
        """Return the code with which market data of an instrument are refused, 0 where they are subscribed."""
        ...

    def is_beside(self, instrument: VenueInstrument) -> bool:
        """Say whether an instrument is listed beside the day's underlyings."""
        ...

    def is_full(self) -> bool:
        """Say whether there are more connections than clients are allowed."""
        ...

    def ingress(self, session: ClientSession, request: WireRequest) -> None:
        """Answer a request: the one gate through which every request passes."""
        ...

    def egress(self, session: ClientSession, message: WireMessage) -> None:
        """Pass a message to its client: the one gate through which every message passes."""
        ...


class ClientSession:
    """A connection. `client_id` is -1 until startApi; `version` is the negotiated server version."""

    def __init__(self, face: Face, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.face = face
        self.client_id = -1
        self.version = 0
        self.market_data_type = 1
        self.streams: dict[tuple[str, int], MarketStream] = {}
        self.follows_positions = False
        self.pacing = HistoricalPacing(face.limits)
        self.tape_requests: dict[int, float] = {}
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()
        self._rate = RateGuard(face.limits.messages_per_s)
        self._outbox: list[bytes] = []
        self._flush_scheduled = False

    async def run(self) -> None:
        """Serve until either side hangs up."""
        payloads = await self._handshake()
        while not self._writer.is_closing():
            for payload in payloads:
                self._receive(payload)
                if self._writer.is_closing():
                    break
            self.flush()
            data = b"" if self._writer.is_closing() else await self._reader.read(READ_BYTES)
            if not data:
                return
            payloads = self._frames.feed(data)
        self.flush()

    async def _handshake(self) -> list[bytes]:
        """Agree on a version; return the requests that came along with the greeting."""
        payloads: list[bytes] = []
        greeted = False
        while not payloads:
            data = await self._reader.read(READ_BYTES)
            if not data:
                raise ConnectionError("hung up before the handshake")
            if not greeted:
                greeted, data = _is_greeted(self._frames, data), b""
            payloads = self._frames.feed(data) if greeted else []
        self.version = negotiate(payloads[0], self.face.max_version)
        self._outbox.append(encode((self.version, self.face.connection_time())))
        self.flush()
        return payloads[1:]

    def _receive(self, payload: bytes) -> None:
        fields = split(payload)
        if not self._rate.admit(self.face.monotonic()):
            self._too_fast()
            return
        try:
            request = decode(fields, self.version)
        except ProtocolError as problem:
            self.error(request_id(fields), 320, f"Server error when reading an API client request: {problem}")
            return
        if self.client_id < 0 and not isinstance(request, StartApi):
            self.error(-1, 504, f"Not connected: startApi comes before message {message_id(fields)}")
            return
        self.face.ingress(self, request)

    def _too_fast(self) -> None:
        limit = self.face.limits.messages_per_s
        text = f"Max rate of messages per second has been exceeded: max={limit} ({self._rate.violations})"
        self.error(-1, 100, text)
        if self._rate.violations >= self.face.limits.rate_violations:
            self.close()

    def start(self, client_id: int) -> None:
        """Take the client in: accounts, the next order id, and the farms' notices."""
        self.client_id = client_id
        self.send(messages.managed_accounts(self.face.accounts))
        self.send(messages.next_valid_id(self.face.venue.next_order_id(client_id)))
        for code, text in NOTICES:
            self.error(-1, code, text)

    def send(self, message: WireMessage) -> None:
        """Pass a message to the client by way of the face's one gate for everything that leaves."""
        self.face.egress(self, message)

    def send_all(self, many: Sequence[WireMessage]) -> None:
        for message in many:
            self.send(message)

    def error(self, req_id: int, code: int, text: str) -> None:
        self.send(messages.error(req_id, code, text, self.version))

    def enqueue(self, message: WireMessage) -> None:
        """Frame a message for the next write; called by the gate alone."""
        self._outbox.append(encode_message(message))
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def write_raw(self, data: bytes) -> None:
        """Write bytes that are no message, after those that wait."""
        self.flush()
        if not self._writer.is_closing():
            self._writer.write(data)

    def flush(self) -> None:
        """Write everything that waits in one piece."""
        self._flush_scheduled = False
        if self._outbox and not self._writer.is_closing():
            self._writer.write(b"".join(self._outbox))
            self._outbox.clear()

    def pace(self, moment: VenueMoment) -> None:
        """Say what has changed on every subscription. A client that does not read gets no quotes until it does."""
        waiting = self._writer.transport.get_write_buffer_size()
        if waiting > self.face.limits.buffered_bytes_close:
            self.abort()
            return
        if waiting > self.face.limits.buffered_bytes:
            return
        for (kind, req_id), stream in [*self.streams.items()]:
            try:
                said = stream.pace(moment)
            except Exception:
                # A line that the model cannot answer must not silence the others, nor fill the log at every pace.
                log.exception("client %s lost its %s line %s", self.client_id, kind, req_id)
                self.unsubscribe(kind, req_id)
                self.error(req_id, 322, f"Error processing request: the {kind} line has failed")
            else:
                self.send_all(said)

    def subscribe(self, kind: str, req_id: int, stream: MarketStream) -> None:
        self.streams[kind, req_id] = stream

    def unsubscribe(self, kind: str, req_id: int) -> bool:
        """Return whether there was such a subscription to end."""
        return self.streams.pop((kind, req_id), None) is not None

    def count(self, kind: str) -> int:
        return sum(1 for each, _ in self.streams if each == kind)

    def position_changed(self, position: VenuePosition) -> None:
        """Pass a new holding on to those who follow positions or the account."""
        if self.follows_positions:
            self.send(messages.position(position, self.face.venue.account_id))
        for (kind, req_id), stream in self.streams.items():
            if kind == "positions multi":
                self.send(messages.position_multi(req_id, position, self.face.venue.account_id, ""))
            if isinstance(stream, AccountFeed):
                stream.hasten()

    def close(self) -> None:
        """Hang up once what is written has gone out."""
        self.flush()
        self._writer.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until the socket is gone."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, TimeoutError):
            return


def _is_greeted(frames: FrameReader, data: bytes) -> bool:
    """Return whether the greeting is complete. Raises ProtocolError when it is another one."""
    greeting = frames.take_prefix(data)
    if greeting is False:
        raise ProtocolError("the client does not greet with API")
    return bool(greeting)


def negotiate(greeting: bytes, most: int = MAX_SERVER_VERSION) -> int:
    """Return the server version for a client's `vMIN..MAX`. Raises ProtocolError when the ranges do not meet."""
    text = greeting.rstrip(b"\0").decode("ascii", "replace").split(" ", 1)[0]
    low, _, high = text.removeprefix("v").partition("..")
    if not text.startswith("v") or not low.isdigit() or not (high or low).isdigit():
        raise ProtocolError(f"not a version range: {text[:40]!r}")
    if int(low) > most or int(high or low) < MIN_SERVER_VERSION:
        raise ProtocolError(f"no common version with {text}")
    return min(most, int(high or low))
