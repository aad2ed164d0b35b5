"""The socket faces behind a fault script: a TWS face with a gate that lies, and what Unusual Whales answers instead.

Live callbacks are bent; answers to questions about the book are true or missing, never false, for a gateway that is
asked tells what it knows. A short book alone lacks what there is, and ends as if it were whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bot.sim.driver import VenueClock
from bot.sim.faults import account_words
from bot.sim.faults.catalogue import (
    OF_ORDERS,
    OF_THE_MARKET,
    AccountSays,
    BadFrame,
    BadQuotes,
    Callback,
    CashMoves,
    CommissionFirst,
    Competing,
    Correction,
    Delay,
    Drop,
    Duplicate,
    FarmSays,
    IdReset,
    LoseOrder,
    Mute,
    OrdersLost,
    OtherHours,
    PartialFills,
    PartOfLine,
    Reject,
    Reorder,
    Restart,
    ShortBook,
    SlowCancel,
    StrangersCome,
    UwAnswers,
    Words,
)
from bot.sim.faults.codes import INFORMING
from bot.sim.faults.company import strangers_of
from bot.sim.faults.data_faults import OFF, DataFaults
from bot.sim.faults.generator import strange_words
from bot.sim.faults.script import FaultScript
from bot.sim.hours import USUAL, HoursSaid
from bot.sim.matching import MatchingVenue
from bot.sim.strangers import Strangers
from bot.sim.tws import messages, others, requests
from bot.sim.tws.order_messages import order_status
from bot.sim.tws.requests import WireRequest
from bot.sim.tws.serve_data import MARKET_DATA, QUOTES
from bot.sim.tws.server import TwsFace
from bot.sim.tws.session import ClientSession
from bot.sim.tws.tickets import Denial, read_ticket
from bot.sim.tws.wire import WireMessage
from bot.sim.uw.routes import VendorAnswer
from bot.sim.uw.server import garbage
from bot.sim.vendors import BELOW
from bot.sim.vocabulary import SimulatedVenue, Status, VenueOrder

CALLBACK_OF: Final[Mapping[int, Callback]] = MappingProxyType(
    {
        1: Callback.QUOTE,  # tickPrice
        2: Callback.QUOTE,  # tickSize
        45: Callback.QUOTE,  # tickGeneric
        46: Callback.QUOTE,  # tickString
        21: Callback.GREEKS,
        12: Callback.DEPTH,
        13: Callback.DEPTH,
        99: Callback.TRADES,
        3: Callback.STATUS,  # orderStatus
        5: Callback.STATUS,  # openOrder
        11: Callback.EXECUTION,
        59: Callback.COMMISSION,
        6: Callback.ACCOUNT,  # accountValue
        63: Callback.ACCOUNT,  # accountSummary
        73: Callback.ACCOUNT,
        94: Callback.ACCOUNT,  # pnl
        10: Callback.CONTRACT,  # contractDetails
        52: Callback.CONTRACT,  # and their end
        93: Callback.CONTRACT,  # marketRule
        61: Callback.POSITION,
        49: Callback.TIME,
        53: Callback.END,  # open orders
        54: Callback.END,  # the account
        55: Callback.END,  # executions
        62: Callback.END,  # positions
        64: Callback.END,  # account summary
        102: Callback.END,  # completed orders
    }
)
_COMPUTATION: Final = 21
_TICK_PRICE, _TICK_SIZE, _ERROR, _OPEN_ORDER, _NEXT_VALID_ID, _COMPLETED_ORDER = 1, 2, 4, 5, 9, 101
_CROSSED: Final = MappingProxyType({1: 2, 2: 1})  # bid and ask change places
_IN_THE_BOOK: Final[Mapping[str, frozenset[int]]] = MappingProxyType(
    {"orders": frozenset({3, 5}), "positions": frozenset({61})}
)
_LOOK_S: Final = 0.01
_STALE_BY: Final = timedelta(hours=1)
_SILENT_WALL_S: Final = 60.0  # longer than any client waits


class FaultyTwsFace(TwsFace):
    """A TWS face whose link, callbacks and answers follow a script."""

    def __init__(
        self, simulated: SimulatedVenue, venue: MatchingVenue, clock: VenueClock, script: FaultScript, **options: Any
    ) -> None:
        super().__init__(simulated, clock, **options)
        self.script = script
        self._faulty_venue, self._published = venue, simulated
        self._held: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._waiting: list[tuple[ClientSession, WireMessage]] = []
        self._answering = self._previewing = False
        self._left_out: frozenset[int] = frozenset()  # messages that the answer under way lacks
        self._lost = self._down = self._competing = False
        self._back = 1102
        self._told: set[ClientSession] = set()
        self._told_of_rival: set[tuple[ClientSession, int]] = set()  # and the line
        self._ids_reset = False
        self._others = Strangers()
        self._cut: set[tuple[ClientSession, int]] = set()  # and the line
        self._at_fill: list[CashMoves] = []
        self._forgotten: set[int] = set()
        self._follower: asyncio.Task[None] | None = None
        self._data = DataFaults(self, script, self._started)

    async def start(self) -> int:
        port = await super().start()
        self._follower = asyncio.create_task(self._follow(), name="tws-face-faults")
        return port

    async def stop(self) -> None:
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
        await super().stop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        await super()._accept(reader, writer)

    def hours_said(self) -> HoursSaid:
        other = self.script.active(OtherHours, self.now())
        return HoursSaid(other.says, other.form, other.zone) if other is not None else USUAL

    # ---- time

    async def _follow(self) -> None:
        while True:
            self.look(self.now())
            await asyncio.sleep(_LOOK_S)

    def look(self, now: datetime) -> None:
        """Bring everything to where the script has it at `now`."""
        self._follow_restart(now)
        self._follow_link(now)
        self._faulty_venue.partial_fills_only = self.script.active(PartialFills, now) is not None
        for come in self.script.due(StrangersCome, now):
            self._others = strangers_of(come, self.venue.market)
            for session in self._started() if not self._lost else ():
                self._tell_of_others(session, now)
        for correction in self.script.due(Correction, now):
            self._published.publish(self._faulty_venue.correct_last_execution(correction.by))
        self._say_what_is_none(now)
        self._say_of_the_data(now)
        self._data.look(now)
        self._pay(now)
        due = sorted((each for each in self._held if each[0] <= now), key=lambda each: each[:2])
        self._held = [each for each in self._held if each[0] > now]
        for _, _, action in due:
            action()

    def _tell_of_others(self, session: ClientSession, now: datetime) -> None:
        account = self.venue.account_id
        for order in self._others.open_orders:
            for said in others.live(order, account, now, session.version):
                super().egress(session, said)
        for fill in self._others.fills:
            super().egress(session, others.filled(fill, -1, account, now, session.version))

    def _say_what_is_none(self, now: datetime) -> None:
        """Once somebody is there to hear it."""
        if not self._started():
            return
        for words in self.script.due(Words, now):
            self.system_notice(words.code, words.text or strange_words(self.script.chance))
        for frame in self.script.due(BadFrame, now):
            for session in self._started():
                session.write_raw(_FRAMES[frame.value])

    def _say_of_the_data(self, now: datetime) -> None:
        """Farms and parts of lines, once somebody is there to hear it."""
        if not self._started():
            return
        for farm in self.script.due(FarmSays, now):
            self.system_notice(farm.code, farm.text)
        for part in self.script.due(PartOfLine, now):
            lines = [(s, number) for s in self._started() for kind, number in s.streams if kind == QUOTES]
            for session, number in lines:
                session.error(number, part.code, part.text)
            if part.cut:
                self._cut.update(lines)

    def _pay(self, now: datetime) -> None:
        for paid in self.script.due(CashMoves, now):
            if paid.at_fill:
                self._at_fill.append(paid)
            else:
                self._faulty_venue.pay(paid.amount)

    def _is_silent(self, session: ClientSession, message: WireMessage, now: datetime) -> bool:
        """Say whether what serves a line says nothing of it."""
        number = _line_of(message)
        if (session, number) in self._cut:
            return True
        farms = [f for f in self.script.faults if isinstance(f, FarmSays) and self.script.lasts(f, now)]
        stream = session.streams.get((QUOTES, number)) if farms else None
        instrument = getattr(stream, "instrument", None)
        return instrument is not None and any(f.silences(instrument.sec_type == "OPT") for f in farms)

    def _follow_restart(self, now: datetime) -> None:
        down = self.script.active(Restart, now) is not None
        if down and not self._down:
            self._forgotten = {order.perm_id for order in self.venue.completed_orders()}
            self._held.clear()
            self.drop_connections()
        self._down = down

    def _follow_link(self, now: datetime) -> None:
        lost = self.script.active(OrdersLost, now)
        if lost is not None:
            self._back = lost.restored
            for session in [each for each in self._started() if each not in self._told]:  # also who came meanwhile
                self._told.add(session)
                session.error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
        elif self._lost:
            self._told.clear()
            kept = "maintained" if self._back == 1102 else "lost"
            if self._back == 1101:
                self._lose_the_data()
            self.system_notice(self._back, f"Connectivity between IB and TWS has been restored - data {kept}.")
        self._lost = lost is not None
        competing = self.script.active(Competing, now) is not None
        if competing:
            self._tell_of_the_rival()
        else:
            self._told_of_rival.clear()
        self._competing = competing

    def _lose_the_data(self) -> None:
        """1101 means that the lines are gone, and their places are free: who wants them asks again."""
        for session in self._started():
            for kind, number in [*session.streams]:
                if kind in MARKET_DATA:
                    session.unsubscribe(kind, number)

    def _tell_of_the_rival(self) -> None:
        """Each line is told once, also one that was asked for meanwhile."""
        lines = {(session, number) for session in self._started() for kind, number in session.streams if kind == QUOTES}
        for session, req_id in sorted(lines - self._told_of_rival, key=lambda line: line[1]):
            session.error(req_id, 10197, "No market data during competing live session")
        self._told_of_rival |= lines

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._number += 1
        self._held.append((self.now() + timedelta(seconds=seconds), self._number, action))

    # ---- in

    def ingress(self, session: ClientSession, request: WireRequest) -> None:
        """Swallow, refuse, delay or pass a request on."""
        now = self.now()
        if self.script.active(Mute, now) is not None:
            return
        match request:
            case requests.PlaceOrder() if not _is_preview(request):
                self._place(session, request, now)
            case requests.CancelTicket():
                self._cancel(session, request, now)
            case _ if self._lost and isinstance(request, _ABOUT_THE_BOOK):
                return
            case _ if self._data.refuses(session, request, now):
                return
            case _:
                self._answer(session, request, now)

    def _answer(self, session: ClientSession, request: WireRequest, now: datetime) -> None:
        lacks = _PARTS.get(type(request))
        if lacks is not None and self.script.meet(ShortBook, now, lacks=lacks) is not None:
            self._left_out = _IN_THE_BOOK[lacks]
        self._answering, self._previewing = True, isinstance(request, requests.PlaceOrder)
        super().ingress(session, request)
        self._answering, self._previewing, self._left_out = False, False, frozenset()

    def _place(self, session: ClientSession, request: requests.PlaceOrder, now: datetime) -> None:
        if self._lost or self.script.meet(LoseOrder, now) is not None:
            return
        live = {(o.ticket.client_id, o.ticket.order_id) for o in self.venue.open_orders()}
        of = "change" if (session.client_id, request.order_id) in live else "place"
        refusal = self.script.meet(Reject, now, of=of, orders=("any", _kind_of(request)))
        if refusal is not None and of == "place" and refusal.says != "error":
            self._end_at_once(session, request, _ENDS_AS[refusal.says], now)
            return
        if refusal is not None:
            session.error(request.order_id, refusal.code, refusal.text)
        if refusal is None or refusal.code in INFORMING:
            super().ingress(session, request)

    def _end_at_once(
        self, session: ClientSession, request: requests.PlaceOrder, statuses: Sequence[Status], now: datetime
    ) -> None:
        """Tell of an order that is over without a word of why; one that does not read is answered as ever."""
        ticket = read_ticket(request, session.client_id, self.venue.market, self.venue.account_id, now)
        if isinstance(ticket, Denial):
            super().ingress(session, request)
            return
        for status in statuses:
            session.send(order_status(VenueOrder(ticket, 0, status, now, now), status))

    def _cancel(self, session: ClientSession, request: requests.CancelTicket, now: datetime) -> None:
        if self._lost:
            return
        refusal = self.script.meet(Reject, now, of="cancel")
        slow = self.script.active(SlowCancel, now)
        if refusal is not None:
            session.error(request.order_id, refusal.code, refusal.text)
        elif slow is not None:
            self._later(slow.delay_seconds, lambda: super(FaultyTwsFace, self).ingress(session, request))
        else:
            super().ingress(session, request)

    # ---- out

    def egress(self, session: ClientSession, message: WireMessage) -> None:
        """Drop, delay, repeat, reorder or bend a message."""
        now = self.now()
        if self.script.active(Mute, now) is not None or self._is_forgotten(message) or message.id in self._left_out:
            return
        if self._answering and message.id in others.ENDS:
            for said in others.before_end(self._others, message, self.venue.account_id, now, session.version):
                super().egress(session, said)
        if message.id == _NEXT_VALID_ID:
            self._ids_reset = self._ids_reset or bool(self.script.due(IdReset, now))
            super().egress(session, messages.next_valid_id(1) if self._ids_reset else message)
            return
        kind = _callback(message)
        if self._previewing and message.id == _OPEN_ORDER:
            kind = Callback.PREVIEW
        if kind is None or (self._answering and kind in OF_ORDERS):
            super().egress(session, message)
        elif kind in OF_THE_MARKET:
            self._say_market(kind, session, message, now)
        elif not self._lost:
            self._say_order(kind, session, message, now)

    def _is_forgotten(self, message: WireMessage) -> bool:
        return message.id == _COMPLETED_ORDER and any(field in self._forgotten for field in message.fields)

    def _say_market(self, kind: Callback, session: ClientSession, message: WireMessage, now: datetime) -> None:
        if self._competing or self._lost or self._is_silent(session, message, now):
            return
        bad = self.script.active(BadQuotes, now)
        if bad is not None and message.id == _TICK_PRICE:
            version, req_id, tick, price, *rest = message.fields
            if bad.value == "crossed":
                tick = _CROSSED.get(int(str(tick)), tick)
            elif bad.value == "no_size":
                rest = [0, *rest[1:]]
            else:
                price = "NaN" if bad.value == "nan" else -1
            message = WireMessage(message.id, (version, req_id, tick, price, *rest))
        if bad is not None and bad.value == "no_size" and message.id == _TICK_SIZE:
            message = WireMessage(message.id, (*message.fields[:3], 0))
        for said in self._data.of_the_market(session, message, now):
            self._bend(kind, session, said, now)

    def _say_order(self, kind: Callback, session: ClientSession, message: WireMessage, now: datetime) -> None:
        if kind is Callback.EXECUTION and self._at_fill:
            self._faulty_venue.pay(self._at_fill.pop().amount)
        if kind is Callback.ACCOUNT and (fault := self.script.active(AccountSays, now)) is not None:
            for said in account_words.bent(fault.says, message, self.script.chance):
                self._bend(kind, session, said, now)
            return
        if kind not in OF_ORDERS or self.script.active(CommissionFirst, now) is None:
            self._bend(kind, session, message, now)
        elif kind is Callback.EXECUTION:
            self._waiting.append((session, message))
        else:
            self._bend(kind, session, message, now)
            if kind is Callback.COMMISSION:
                waiting, self._waiting = self._waiting, []
                for whose, execution in waiting:
                    self._bend(Callback.EXECUTION, whose, execution, now)

    def _bend(self, kind: Callback, session: ClientSession, message: WireMessage, now: datetime) -> None:
        chance, say = self.script.chance, super().egress
        for fault in self.script.touching(now):
            if not fault.bends(kind) or chance.random() >= fault.share:
                continue
            match fault:
                case Drop():
                    return
                case Delay():
                    self._later(fault.delay_seconds, lambda: say(session, message))
                    return
                case Reorder():
                    self._later(chance.uniform(0, fault.delay_seconds), lambda: say(session, message))
                    return
                case Duplicate():
                    self._later(chance.uniform(0, fault.delay_seconds), lambda: say(session, message))
        say(session, message)


_ENDS_AS: Final[Mapping[str, tuple[Status, ...]]] = MappingProxyType(
    {"inactive": (Status.INACTIVE,), "cancelled": (Status.PENDING_SUBMIT, Status.CANCELLED)}
)
_MEGABYTE: Final = 1024 * 1024
_FRAMES: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "length": b"\xff\xff\xff\xff" + b"1" * 100,
        "endless": (200_000).to_bytes(4, "big") + b"4\x002\x00",  # what comes afterwards is swallowed by it
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "huge_field": (4 * _MEGABYTE).to_bytes(4, "big") + b"4\x002\x00-1\x002137\x00" + b"a" * _MEGABYTE,
        "many_fields": (200_000).to_bytes(4, "big") + b"\x00" * 200_000,
        "empty": b"\x00\x00\x00\x00" * 3,
    }
)
_ABOUT_THE_BOOK: Final = (
    requests.OpenOrders,
    requests.AllOpenOrders,
    requests.CompletedOrders,
    requests.ExecutionFilter,
    requests.Positions,
)
_PARTS: Final[Mapping[type[WireRequest], str]] = MappingProxyType(
    {requests.OpenOrders: "orders", requests.AllOpenOrders: "orders", requests.Positions: "positions"}
)


def _line_of(message: WireMessage) -> int:
    """Return the number of the line that a quote is of, -1 for what has none there."""
    place = 0 if message.id == _COMPUTATION and not str(message.fields[1]).isdigit() else 1
    text = str(message.fields[place])
    return int(text) if text.isdigit() else -1


def _is_preview(request: requests.PlaceOrder) -> bool:
    return request.what_if


def _kind_of(request: requests.PlaceOrder) -> str:
    """Return what an order is for, in the words of the catalogue."""
    if request.action == "BUY":
        return "entry"
    return "stop" if request.order_type == "STP" else "sale"


def _callback(message: WireMessage) -> Callback | None:
    """Return what kind of live callback a message is; an error on an order carries the order's id."""
    if message.id == _ERROR:
        return Callback.ERROR if int(str(message.fields[1])) > 0 else None
    return CALLBACK_OF.get(message.id)


# ---- Unusual Whales

_REFUSALS: Final[Mapping[str, VendorAnswer]] = MappingProxyType(
    {
        "401": VendorAnswer(401, b'{"error": "Invalid or missing token"}'),
        "403": VendorAnswer(403, b'{"error": "Your plan does not include this endpoint"}'),
        "404": VendorAnswer(404, b"{}"),
        "quota": VendorAnswer(429, b'{"code": "daily_request_limit_hit", "message": "You have hit your daily limit."}'),
        "422": VendorAnswer(422, b'{"errors": [{"detail": "Invalid value for enum"}]}'),
        "429": VendorAnswer(429, b'{"message": "Rate limit of requests per minute reached."}'),
        "500": VendorAnswer(500, b'{"error": "Internal Server Error"}'),
    }
)


def vendor_fault(script: FaultScript) -> Callable[[str, datetime], VendorAnswer | datetime | None]:
    """Return what a UW face asks before it answers: an answer in its place, or the earlier time to answer as of."""

    def fault(path: str, now: datetime) -> VendorAnswer | datetime | None:
        active = script.active(UwAnswers, now)
        if active is None or active.answer in {"timeout", *OFF} or active.vendor not in {"*", _vendor_at(path)}:
            return None
        if active.answer == "stale":
            return now - _STALE_BY
        return _REFUSALS.get(active.answer) or garbage(active.answer)

    return fault


def _vendor_at(path: str) -> str:
    """Return whose face a path leads to."""
    return path.removeprefix(BELOW).partition("/")[0] if path.startswith(BELOW) else "unusual_whales"


def vendor_latency(script: FaultScript, clock: VenueClock, usual_wall_s: float) -> Callable[[], Awaitable[None]]:
    """Return how long a UW face holds each answer back: for ever, as far as a client can tell, while it times out."""

    async def latency() -> None:
        active = script.active(UwAnswers, clock.now())
        silent = active is not None and active.answer == "timeout"
        await asyncio.sleep(_SILENT_WALL_S if silent else usual_wall_s)

    return latency
