"""The listener: accepts TWS API clients, paces their quotes, and passes the venue's events to the desk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.sim.driver import VenueClock
from bot.sim.hours import EXCHANGE_ZONE, USUAL, HoursSaid
from bot.sim.tws import serve_account, serve_data, serve_history, serve_orders, serve_reference
from bot.sim.tws.desk import ClientDesk
from bot.sim.tws.handlers import HANDLERS
from bot.sim.tws.limits import ClientLimits
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.requests import WireRequest
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import MAX_SERVER_VERSION, ProtocolError, WireMessage
from bot.sim.vocabulary import Market, SimulatedVenue, VenueInstrument

log: Final = logging.getLogger(__name__)

# Importing these registers their handlers; naming them keeps the imports honest.
SERVICES: Final = (serve_account, serve_data, serve_history, serve_orders, serve_reference)


class TwsFace:
    """A TWS on a socket, in front of a simulated venue.

    Call `start` in a running event loop; it returns the port. `pace_s` is wall seconds between two looks at the
    market for all subscriptions. `mute` holds ids of server messages that are swallowed;
    `refused` names groups of instruments with the code that a request for their market data is answered with.
    """

    def __init__(
        self,
        simulated: SimulatedVenue,
        clock: VenueClock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: ClientLimits | None = None,
        accounts: Sequence[str] = (),
        pace_s: float = 0.02,
        master_client_id: int | None = None,
        max_version: int = MAX_SERVER_VERSION,
        refused: Mapping[str, int] | None = None,
    ) -> None:
        self.venue = simulated.venue
        self.market = simulated.venue.market
        self.accounts = tuple(accounts) or (simulated.venue.account_id,)
        self.limits = limits or ClientLimits()
        self.max_version = max_version
        self.mute: set[int] = set()
        self.hold_pace = False  # say nothing of the market by itself: who asked for that says it instead
        self.refused: dict[str, int] = dict(refused or {})  # group -> code; the login has no subscription for it
        self.desk = ClientDesk(simulated, clock.now, self._started, master_client_id)
        self._simulated = simulated
        self._clock = clock
        self._host = host
        self._port = port
        self._pace_s = pace_s
        self._sessions: set[ClientSession] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._pacer: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen and return the port. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._simulated.listeners.append(self.desk.on_events)
        self._pacer = asyncio.create_task(self._keep_pace(), name="tws-face-pace")
        return self._port

    async def stop(self) -> None:
        """Hang up on everyone and stop listening."""
        if self._server is None or self._pacer is None:
            return
        self._server.close()
        self._simulated.listeners.remove(self.desk.on_events)
        self._pacer.cancel()
        self.drop_connections()
        await asyncio.gather(self._pacer, *self._serving, return_exceptions=True)
        await self._server.wait_closed()
        self._server = self._pacer = None

    def hours_said(self) -> HoursSaid:
        """Return which trading hours contract details tell."""
        return USUAL

    def now(self) -> datetime:
        """Return the simulated time, aware UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return wall seconds, for limits and pacing."""
        return self._clock.monotonic()

    def moment(self) -> VenueMoment:
        return VenueMoment(self.venue, self.now(), self.monotonic())

    def connection_time(self) -> str:
        return f"{self.now().astimezone(EXCHANGE_ZONE):%Y%m%d %H:%M:%S %Z}"

    def session_of(self, client_id: int) -> ClientSession | None:
        return next((each for each in self._sessions if each.client_id == client_id), None)

    def refusal_of(self, instrument: VenueInstrument) -> int:
        """Return the code with which market data of an instrument are refused, 0 where they are subscribed."""
        return self.refused.get(_group_of(instrument, self.market), 0) if self.refused else 0

    def is_beside(self, instrument: VenueInstrument) -> bool:
        """Say whether an instrument is listed beside the day's underlyings."""
        return instrument.con_id in getattr(self.market, "group_of", ())

    def is_full(self) -> bool:
        return len(self._sessions) > self.limits.clients

    def system_notice(self, code: int, text: str) -> None:
        """Tell every client something about the system (1100, 1101, 1102, 2103, ...)."""
        for each in self._started():
            each.error(-1, code, text)

    def drop_connections(self) -> None:
        """Abort every socket, as a gateway that crashes does."""
        for each in [*self._sessions]:
            each.abort()

    def egress(self, session: ClientSession, message: WireMessage) -> None:
        """The one gate through which every message to a client passes."""
        if message.id not in self.mute:
            session.enqueue(message)

    def ingress(self, session: ClientSession, request: WireRequest) -> None:
        """The one gate through which every request passes. A fault in answering it costs its client an error only."""
        try:
            HANDLERS[type(request)](session, request)
        except Exception:
            log.exception("request failed: %s", request)
            session.error(getattr(request, "req_id", -1), 320, "Server error when processing an API client request.")

    def _started(self) -> list[ClientSession]:
        return [each for each in self._sessions if each.client_id >= 0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        session = ClientSession(self, reader, writer)
        self._sessions.add(session)
        try:
            await session.run()
        except (ConnectionError, ProtocolError) as problem:
            log.info("client %s left: %s", session.client_id, problem)
        finally:
            self._sessions.discard(session)
            if session.client_id >= 0:
                self.desk.forget_held(session.client_id)
            await session.closed()

    async def _keep_pace(self) -> None:
        while True:
            await asyncio.sleep(self._pace_s)
            self._pace()

    def _pace(self) -> None:
        sessions = [each for each in self._started() if each.streams]
        if not sessions or self.hold_pace:
            return
        moment = self.moment()
        for session in sessions:
            session.pace(moment)


def _group_of(instrument: VenueInstrument, market: Market) -> str:
    """Return the group that an instrument's subscription belongs to: of the day's own it is what they are."""
    groups: Mapping[int, str] = getattr(market, "group_of", {})
    own = {"OPT": "options", "IND": "indices_us"}.get(instrument.sec_type, "equities")
    return groups.get(instrument.con_id, own)
