"""The one owner of the connection: connects, proves that TWS answers, watches that it goes on, starts again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from bot.broker import words
from bot.broker.callbacks.hearing import HANDSHAKE, LOGIN, TIME
from bot.broker.decoder import StrictDecoder
from bot.broker.ib import TwsClient, new_client
from bot.broker.link import LinkHealth
from bot.broker.listener import Listener
from bot.broker.requests import Requests, RequestTimedOut
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Wire
from bot.domain.calendar import new_york_day
from bot.domain.errors import BrokerError, BrokerUnavailable
from bot.domain.events.link import BrokerTimeTold, LinkChange
from bot.domain.events.people import AlertRaised
from bot.domain.outside import outside
from bot.engine.state.ports import Clock, Sink

log: Final = logging.getLogger(__name__)
QUIET_S: Final = 4.0
"""A market may stand still: when nothing at all came for so long, TWS is asked whether it is still there."""
STRIKES: Final = 3
"""Unanswered probes that are forgiven while other data still arrives."""


class AccountRefused(BrokerError):
    """The login does not manage the account that we are to trade, or leaves open which one: a person must say."""


class TwsConnection:
    """Runs until it is stopped. `on_up` is called when a connection may be used, `on_down` when it is gone."""

    def __init__(
        self,
        settings: BrokerSettings,
        wire: Wire,
        link: LinkHealth,
        clock: Clock,
        sink: Sink,
        *,
        new_listener: Callable[[Requests], Listener],
        on_login: Callable[[TwsClient, Listener], str],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_probe: Callable[[], None],
        on_venue_time: Callable[[datetime], None] | None,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._link = link
        self._clock = clock
        self._sink = sink
        self._new_listener = new_listener
        self._on_login = on_login
        self._on_up = on_up
        self._on_down = on_down
        self._on_probe = on_probe
        self._on_venue_time = on_venue_time
        self._complained = ""
        self.broker_day: date | None = None  # New York's, as the broker last told the time
        self._late_time = False  # an answer to an earlier question may still come, and tells a time that is past

    async def run(self) -> None:
        """Connect, stay connected, reconnect with back-off. A login of the wrong account is hung up at once and looked
        at again as seldom as can be: a person may log in with the right one."""
        delay = self._settings.retry_min_s
        while True:
            self._link.begin()
            where = f"{self._settings.host}:{self._settings.port}"
            self._link.change(LinkChange.CONNECTING, self._complained or where)
            attempt = _Attempt(self._settings, self._new_listener(self._wire.renew()))
            try:
                await self._attempt(attempt)
                delay = self._settings.retry_min_s
            except AccountRefused as refused:
                delay = self._settings.retry_max_s
                self._link.change(LinkChange.DROPPED, str(refused))
                self._complain(str(refused), "ACCOUNT_REFUSED", str(refused))
            except (OSError, TimeoutError, BrokerError) as error:
                self._link.change(LinkChange.DROPPED, attempt.reason(error))
                reason = attempt.reason(error)
                words = f"no connection to the broker, it is tried again: {reason}"
                self._complain(reason, "BROKER_UNREACHABLE", words)
            except Exception as error:  # the edge: a fault of ours must not leave the bot without a broker for good
                log.exception("the connection to TWS failed in a way that nobody foresaw")
                self._link.change(LinkChange.DROPPED, repr(error))
                self._sink(AlertRaised("CONNECTION_FAULT", repr(error), {}, self._clock.now()))
            finally:
                attempt.close()
                self._wire.detach("the connection to TWS is gone")
            await self._pause(delay)
            delay = min(delay * 2, self._settings.retry_max_s)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _complain(self, reason: str, code: str, words: str) -> None:
        """Raise the alert once for each reason why the broker is not reached, not once an attempt."""
        if reason != self._complained:
            self._complained = reason
            self._sink(AlertRaised(code, words, {"reason": reason}, self._clock.now()))

    async def _attempt(self, attempt: _Attempt) -> None:
        """Log in, then stay until the connection ends; raises when it does not come up."""
        async with asyncio.timeout(self._settings.handshake_timeout_s):
            await attempt.log_in()
            attempt.closed.add_done_callback(lambda _: self._wire.detach("the connection to TWS is gone"))
            account = self._on_login(attempt.client, attempt.listener)
            self._late_time = False
            told = await self._ask_time(attempt.client)
        self._tell_time(told)
        self._wire.attach(attempt.client, attempt.listener.first_order_id)
        self._link.accepted(f"account {account}, server version {attempt.client.serverVersion()}{self._port_words()}")
        self._complained = ""
        self._on_up()
        try:
            reason = await self._live(attempt)
        finally:
            self._wire.detach("the connection to TWS is gone")
            self._on_down("the connection to TWS is gone")
        self._link.change(LinkChange.DROPPED, reason)

    def _port_words(self) -> str:
        """Say which program listens there; a simulator's port tells nothing."""
        return "" if self._settings.expects_paper is None else f", {words.port_words(self._settings.port)}"

    async def _ask_time(self, client: TwsClient) -> BrokerTimeTold:
        """Return the broker's time: the round trip is also the proof that TWS answers. Raises as `Requests.ask`."""
        asked_at = self._clock.now()
        answer = await self._wire.requests.ask(TIME, client.reqCurrentTime, self._settings.request_timeout_s)
        return BrokerTimeTold(answer[-1], asked_at, self._clock.now(), self._clock.steady_s())

    def _tell_time(self, told: BrokerTimeTold) -> None:
        """Hand on what the broker's clock says; a simulator sets ours by it."""
        if self._on_venue_time is not None:
            self._on_venue_time(told.broker_at)
            followed = self._clock.now()
            told = replace(told, asked_at=followed, at=followed, steady_s=self._clock.steady_s())
        self._told(told)

    def _told(self, told: BrokerTimeTold) -> None:
        self.broker_day = new_york_day(told.broker_at)
        self._sink(told)

    def _tell_time_of_probe(self, told: BrokerTimeTold) -> None:
        """After a question that was not answered in time the next answer may be its own: it tells no time."""
        late, self._late_time = self._late_time, False
        if not late:
            self._told(told)

    async def _live(self, attempt: _Attempt) -> str:
        """Watch until the socket closes or TWS stops answering; return why."""
        strikes, every, clock = 0, self._settings.probe_every_s, asyncio.get_running_loop()
        probed_at = clock.time()
        while True:
            before = attempt.listener.packets
            done, _ = await asyncio.wait({attempt.closed}, timeout=min(every, QUIET_S))
            if done:
                return attempt.closed.result()
            if attempt.listener.packets > before and clock.time() - probed_at < every:
                continue
            probed_at, before = clock.time(), attempt.listener.packets
            try:
                told = await self._ask_time(attempt.client)
            except RequestTimedOut:
                self._late_time = True
                strikes = strikes + 1 if attempt.listener.packets > before else STRIKES
                if strikes >= STRIKES:
                    return f"TWS has not answered for {self._settings.request_timeout_s:g} s"
            except BrokerUnavailable:
                return await attempt.closed
            else:
                strikes = 0
                self._tell_time_of_probe(told)
                self._on_probe()


class _Attempt:
    """One socket: its client, its listener, and a future that holds why it closed."""

    def __init__(self, settings: BrokerSettings, listener: Listener) -> None:
        self._settings = settings
        self.listener = listener
        self.client = new_client(listener)
        self.client.decoder = StrictDecoder(listener, listener.unread, settings.tws_zone)
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.client.conn.disconnected += self._on_closed
        self.client.apiError += self._on_closed

    async def log_in(self) -> None:
        """Connect and wait for accounts and order id; raises OSError, TimeoutError or BrokerUnavailable.

        The library waits out its whole time when TWS hangs up during the handshake (a client id in use): we do not.
        """
        settings = self._settings
        up = asyncio.ensure_future(
            self.client.connectAsync(settings.host, settings.port, settings.client_id, settings.handshake_timeout_s)
        )
        try:
            either: set[asyncio.Future[Any]] = {up, self.closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not up.done():
                raise BrokerUnavailable(self.closed.result())
            await up
        finally:
            up.cancel()
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                await up

    def reason(self, error: Exception) -> str:
        if self.listener.refusal:
            return self.listener.refusal
        where = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, TimeoutError | RequestTimedOut):
            late = self._settings.handshake_timeout_s
            return f"{where} did not complete the login within {late:g} s: {self._unanswered()}"
        if self.listener.login_heard:  # why the socket closed says more than that it is closed
            return f"{where}: {outside(self.closed.result() or error if self.closed.done() else error)}"
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return f"connecting: no gateway at {where} ({outside(why)})"

    def _unanswered(self) -> str:
        """Return in words what of the login was not answered."""
        if HANDSHAKE not in self.listener.login_heard:
            return f"no answer to {HANDSHAKE} (is that TWS's port, and is its API enabled?)"
        missing = [what for what in LOGIN if what not in self.listener.login_heard]
        if TIME in missing[1:]:
            missing.remove(TIME)  # it is asked for last, and was not yet
        return f"no answer to {' and '.join(missing)}" if missing else "the answers came too late"

    def close(self) -> None:
        """Hang up, whatever state the socket is in."""
        self.listener.mute()
        self.client.conn.disconnected -= self._on_closed
        self.client.apiError -= self._on_closed
        if not self.closed.done():
            self.closed.set_result("closed by us")
        transport = self.client.conn.transport
        with contextlib.suppress(OSError, RuntimeError, AttributeError):
            self.client.disconnect()
        if transport is not None:
            transport.abort()

    def _on_closed(self, message: str) -> None:
        if not self.closed.done():
            self.closed.set_result(outside(message) if message else "TWS closed the connection")
