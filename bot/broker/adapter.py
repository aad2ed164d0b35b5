"""`IbkrBroker`: the Broker port of the engine, spoken to a TWS or a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from bot.broker import words
from bot.broker.account import AccountValues
from bot.broker.callbacks.hearing import Parts
from bot.broker.connection import AccountRefused, TwsConnection
from bot.broker.contracts import ContractBook
from bot.broker.farms import FarmLook
from bot.broker.history import HistoryDesk
from bot.broker.holdings import Holdings
from bot.broker.ib import Contract, TwsClient
from bot.broker.link import LinkHealth
from bot.broker.listener import Listener
from bot.broker.market import MarketLines
from bot.broker.orders import OrderDesk, OrderIds, build_order
from bot.broker.position_pnl import PositionPnl
from bot.broker.requests import Requests
from bot.broker.settings import BrokerSettings
from bot.broker.snapshot import Snapshots
from bot.broker.what_if import WhatIfs
from bot.broker.wire import Wire
from bot.domain.errors import BrokerError, OrderRejected
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.market_data import ContractChanged
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.ids import is_ours
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderTicket
from bot.domain.ownership import Ownership
from bot.domain.wording import key_words
from bot.engine.state.ports import Clock, Sink

QUIET_AFTER_RESTORE_S: Final = 10.0
REMIND_S: Final = 1.0
DELAYED_TOO: Final = 3
"""Live data where they are subscribed, delayed ones where they are not."""


class IbkrBroker:
    """Speaks to TWS in the running event loop; every event goes to `sink` in that loop's thread.

    `bot_id` starts every order reference that may be sent: another one could not be told for ours after a restart.
    `on_venue_time` is given with simulators only: it is called with the venue's clock on every connect, before anything
    else. `account` is the configured one, or the login's only one once connected.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        clock: Clock,
        sink: Sink,
        *,
        bot_id: str,
        on_venue_time: Callable[[datetime], None] | None = None,
    ) -> None:
        self.client_id = settings.client_id
        self.account = settings.account
        self._held_in = ""
        self._settings = settings
        self._bot_id = bot_id
        self._ids = OrderIds()
        self._book = ContractBook(self._contract_changed)
        self._wire = Wire(settings.paced_per_second)
        self._desk = OrderDesk(settings.client_id, self._book, clock, sink, self._ids, self._ask_order_id)
        self._account = AccountValues(self._wire, clock, sink)
        self._what_ifs = WhatIfs(clock)
        self._link = LinkHealth(clock, sink, self._restored, self._account.renew, self._farm_noticed)
        self._history = HistoryDesk(self._wire, settings.request_timeout_s)
        self._market = MarketLines(settings, self._wire, self._book, clock, sink, self._link, self._history)
        self._farms = FarmLook(self._market, settings.line_quiet_s, self._link.lines_silent)
        self._snapshots = Snapshots(
            self._wire, self._desk, self._book, self._ids, self._account, clock, settings.request_timeout_s
        )  # fmt: skip
        self._position_pnl = PositionPnl(self._wire, self._book, clock, sink, lambda: self.account)
        owner = Ownership(settings.client_id, bot_id, self._book.trades, self._desk.is_ours)
        self._parts = Parts(
            self._market, self._desk, self._account, self._what_ifs, self._link, self._farms, owner,
            Holdings(self._book, clock, sink), self._position_pnl, clock, sink,
        )  # fmt: skip
        self._connection = TwsConnection(
            settings, self._wire, self._link, clock, sink,
            new_listener=self._new_listener, on_login=self._logged_in, on_up=self._up, on_down=self._down,
            on_probe=self._probed, on_venue_time=on_venue_time,
        )  # fmt: skip
        self._running: asyncio.Task[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._page: date | None = None
        self._clock = clock
        self._sink = sink

    @property
    def is_paper(self) -> bool:
        """Whether the account is a paper one, by its name."""
        return words.is_paper(self.account)

    @property
    def connected(self) -> bool:
        return self._wire.ready

    # ---- life

    async def start(self) -> None:
        """Begin to connect and keep connecting; a second call does nothing."""
        if self._running is None:
            self._running = asyncio.create_task(self._connection.run(), name="ibkr connection")

    async def stop(self) -> None:
        """Hang up. Orders stay at the broker."""
        running, self._running = self._running, None
        for timer in self._timers:
            timer.cancel()
        self._account.stop()
        self._farms.stop()
        self._market.forget()
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def keep_to(self, account: str) -> None:
        """What is open is held in this account: a login of another one is refused. So is, once an account was accepted,
        another one on a later connection. Empty: nothing is known."""
        self._held_in = account

    def reserve_order_ids(self, at_least: int) -> None:
        self._ids.reserve(at_least)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        self._book.remember(contracts)

    # ---- orders

    def submit(self, ticket: OrderTicket) -> int:
        """Write the order to the socket; raises BrokerUnavailable or OrderRejected, and then nothing was sent."""
        client, contract = self._wire.client, self._contract(ticket)
        order_id = self._ids.take() if ticket.order_id is None else ticket.order_id
        self._ids.reserve(order_id + 1)
        self._place(client, order_id, contract, ticket)
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        """Write new terms under the order's own id; raises as `submit`."""
        client, contract = self._wire.client, self._contract(ticket)
        order_id = ticket.order_id or self._desk.order_id_of(ticket.order_ref)
        if order_id is None:
            raise OrderRejected(f"{ticket.order_ref} has no order id of ours to amend")
        self._place(client, order_id, contract, ticket)

    def cancel(self, order_ref: str, order_id: int) -> None:
        """Ask to cancel; raises BrokerUnavailable, or OrderRejected when the id belongs to another order by now."""
        client = self._wire.client
        self._refuse_if_foreign(order_ref, order_id)
        self._desk.cancelling(order_ref, order_id)
        client.cancelOrder(order_id)

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        """Return the margin preview, with `error` where there is none."""
        try:
            client, contract = self._wire.client, self._contract(ticket)
        except BrokerError as error:
            return self._what_ifs.refused(signal_id, str(error))
        order_id = self._ids.take()
        order = build_order(ticket, self.account, what_if=True)

        def send() -> None:
            client.placeOrder(order_id, contract, order)

        return await self._what_ifs.ask(signal_id, order_id, send, self._settings.what_if_timeout_s)

    def _place(self, client: TwsClient, order_id: int, contract: Contract, ticket: OrderTicket) -> None:
        if not is_ours(self._bot_id, ticket.order_ref):
            raise OrderRejected(f"{ticket.order_ref!r} is not a reference of {self._bot_id}")
        self._refuse_if_foreign(ticket.order_ref, order_id)
        order = build_order(ticket, self.account)
        self._desk.sent(ticket, order_id)
        client.placeOrder(order_id, contract, order)

    def _contract(self, ticket: OrderTicket) -> Contract:
        contract = self._book.ib_contract(ticket.contract_key)
        if contract is None:
            raise OrderRejected(f"{key_words(ticket.contract_key)} is not qualified at the broker")
        return contract

    def _refuse_if_foreign(self, order_ref: str, order_id: int) -> None:
        owner = self._desk.owner_of(order_id)
        if owner is not None and owner != order_ref:
            raise OrderRejected(f"order id {order_id} belongs to {owner}, not to {order_ref}")

    # ---- book and market

    async def snapshot(self) -> BrokerSnapshot:
        """Return the broker's book; never raises for the broker's silence."""
        taken = await self._snapshots.take()
        if taken.complete:
            self._turn_to(self._connection.broker_day)
        if self._link.is_degraded and self._wire.ready:
            self._after(REMIND_S, self._link.remind)
        return taken

    def _turn_to(self, today: date | None) -> None:
        """Once a day of the broker's, after a whole book: what was over before yesterday is let go."""
        if today is None or today == self._page:
            return
        is_first, self._page = self._page is None, today
        self._desk.forget_before(today - timedelta(days=1))
        self._book.forget_expired(today)
        if not is_first:
            self._market.new_day()

    def ask_hours(self, keys: Sequence[str]) -> None:
        self._market.naming.ask_hours(keys)

    def ask_chains(self, symbols: Sequence[str]) -> None:
        self._market.chains.ask(symbols)

    def ask_quotes(self, keys: Sequence[str]) -> None:
        self._market.ask_quotes(keys)

    def subscribe(self, wanted: Subscribe) -> None:
        self._market.subscribe(wanted)

    def _contract_changed(self, key: str, instrument: Instrument) -> None:
        self._sink(ContractChanged(key, instrument, self._clock.now()))

    # ---- what the connection tells

    def _new_listener(self, requests: Requests) -> Listener:
        return Listener(self._parts, requests, self.client_id)

    def _logged_in(self, client: TwsClient, listener: Listener) -> str:
        """Settle the account and the order ids; raises AccountRefused."""
        account = _account(self._settings.account, client.getAccounts())
        _refuse_other_kind(account, self._settings.expects_paper, self._settings.port)
        _refuse_another_book(account, self._held_in)
        self.account = self._held_in = account
        self._parts.account_name = self.account
        self._ids.reserve(listener.first_order_id)
        return self.account

    def _up(self) -> None:
        self._account.subscribe(self.account)
        if self._settings.takes_delayed:
            self._wire.later(lambda client: client.reqMarketDataType(DELAYED_TOO))
        self._market.open_all()

    def _down(self, reason: str) -> None:
        self._parts.data_health.lost(reason)
        self._what_ifs.fail_all(reason)
        self._account.stop()
        self._farms.stop()
        self._position_pnl.forget()
        self._market.forget()
        self._market.health.tell()

    def _farm_noticed(self, text: str) -> None:
        self._farms.noticed(text)

    def _restored(self, kept: bool) -> None:
        """TWS has the broker back. Where it says that subscriptions were kept, ticks must prove it."""
        self._account.renew()
        if kept:
            since = asyncio.get_running_loop().time()
            self._after(QUIET_AFTER_RESTORE_S, lambda: self._reopen_if_quiet(since))
        else:
            self._market.reopen(cancel=False)

    def _reopen_if_quiet(self, since: float) -> None:
        if self._wire.ready and self._market.ticks.ticked_at < since:
            self._market.reopen(cancel=True)

    def _ask_order_id(self) -> None:
        self._wire.later(lambda client: client.reqIds(1))

    def _probed(self) -> None:
        """While another session holds our data, ask for it again now and then."""
        if self._link.is_competing:
            self._market.reopen(cancel=True)

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [each for each in self._timers if each.when() > loop.time() and not each.cancelled()]
        self._timers.append(loop.call_later(seconds, call))


def _account(wanted: str, managed: list[str]) -> str:
    """Return the account to trade; raises AccountRefused when the login leaves it open or does not have it."""
    names = ", ".join(managed) or "none"
    if wanted:
        if wanted not in managed:
            raise AccountRefused(f"account {wanted} is not among those of this login ({names}): set ibkr.account")
        return wanted
    if len(managed) != 1:
        raise AccountRefused(f"this login manages several accounts ({names}): set ibkr.account to the one to trade")
    return managed[0]


def _refuse_other_kind(account: str, expects_paper: bool | None, port: int) -> None:
    """Raise AccountRefused when a paper mode meets a live account, or a live mode a paper one."""
    if expects_paper is None or words.is_paper(account) is expects_paper:
        return
    kind, mode = ("live", "paper") if expects_paper else ("paper", "live")
    raise AccountRefused(
        f"{account} is a {kind} account and the mode is {mode}: nothing is traded; ibkr.port {port} is "
        f"{words.port_words(port)}, {mode} is {words.ports_words(paper=expects_paper)}"
    )


def _refuse_another_book(account: str, held_in: str) -> None:
    """Raise AccountRefused when the book that we keep is another account's: all of it would look as if it were gone."""
    if held_in and account != held_in:
        words = f"this login trades {account}, and the book here is that of {held_in}: log in with that account"
        raise AccountRefused(f"{words}, or name another store (database.url) and start again")
