"""Market data subscriptions as data: the lines that are wanted, those that are open, and the difference between them.

Every line is asked for again on a new connection. What the broker cannot or will not give is not asked for again while
the same thing is wanted. Ticks are gathered per network packet and told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bot.broker import words
from bot.broker.contracts import ContractBook
from bot.broker.hours import day_of, hours_of
from bot.broker.ib import Contract, ContractDetails
from bot.broker.lines import BOOK, QUOTE, TRADES, BookBroken, BookLine, Line, QuoteLine, TapeLine
from bot.broker.link import LinkHealth
from bot.broker.qualify import Qualifier, UnknownContract
from bot.broker.requests import RequestTimedOut
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Send, Wire
from bot.broker.words import LineWord
from bot.domain.errors import BrokerError, BrokerUnavailable, UnknownWord
from bot.domain.events import AlertRaised, ContractQualified, HoursTold, LinesHeard
from bot.domain.farms import OPTIONS, UNDERLYINGS, Group
from bot.domain.instructions import Subscribe
from bot.domain.instruments import option_of_key
from bot.domain.quotes import Greeks
from bot.engine.state.ports import Clock, Sink

Wanted = tuple[str, str]  # key, kind
TAPE_PAUSE_S: Final = 15.5
HEALTH_WALL_S: Final = 0.1
"""A clock of many times real time asks for the age of a quote within a fraction of a wall second."""
MOST_RESETS: Final = 5
"""A book that breaks so often on one connection is given up: the venue and we do not understand each other."""


class MarketLines:
    """Owns every subscription. `refusals_told` keeps alerts to one per line and reason."""

    def __init__(
        self,
        settings: BrokerSettings,
        wire: Wire,
        book: ContractBook,
        clock: Clock,
        sink: Sink,
        link: LinkHealth,
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._book = book
        self._clock = clock
        self._sink = sink
        self._link = link
        self._qualifier = Qualifier(wire, book, settings.request_timeout_s)
        self._budgets = self._full_budgets()
        self._wanted: list[Wanted] = []
        self._lines: dict[Wanted, Line] = {}
        self._by_request: dict[int, Line] = {}
        self._ours: set[int] = set()
        self._given_up: set[Wanted] = set()
        self._unknown: set[str] = set()
        self._qualifying: dict[str, asyncio.Task[None]] = {}
        self._asking_hours: dict[str, asyncio.Task[None]] = {}
        self._overflow_told = False
        self._refusals_told: set[tuple[str, str, int]] = set()
        self._resets: dict[Wanted, int] = {}
        self._changed: dict[int, Line] = {}
        self._since: dict[str, float] = {}  # group -> when its first line was opened
        self._spoke: dict[str, float] = {}  # group -> when one of its lines last said something of its instrument
        self._ticked: set[int] = set()  # lines that did, of any kind
        self._turn = 0
        self.ticked_at: float = 0.0
        self._health_told_at = float("-inf")
        self._trouble_told: tuple[object, ...] = ()

    # ---- what is wanted

    def subscribe(self, command: Subscribe) -> None:
        """Make the lines be these."""
        self._wanted = [
            (key, kind) for key, kinds in command.wanted.items() for kind in (QUOTE, BOOK, TRADES) if kind in kinds
        ]
        wanted = set(self._wanted)
        keys = {key for key, _ in self._wanted}
        self._given_up &= wanted
        self._unknown &= keys
        for key in [each for each in self._qualifying if each not in keys]:
            self._qualifying.pop(key).cancel()
        self.sync()

    def open_all(self) -> None:
        """A new connection: nothing is subscribed there and nothing is refused."""
        self.forget()
        self.sync()

    def reopen(self, *, cancel: bool) -> None:
        """The same connection lost its subscriptions (nothing to cancel), or may have (cancel): ask again."""
        give_up = self._close if cancel else self._drop
        for wanted in list(self._lines):
            give_up(wanted)
        self._budgets = self._full_budgets()
        self._given_up.clear()
        self.sync()

    def forget(self) -> None:
        """The connection is gone, and with it every line."""
        for task in (*self._qualifying.values(), *self._asking_hours.values()):
            task.cancel()
        self._qualifying.clear()
        self._asking_hours.clear()
        for store in (self._lines, self._by_request, self._changed, self._resets, self._since, self._spoke):
            store.clear()
        self._ticked.clear()
        for marks in (self._ours, self._given_up, self._unknown, self._refusals_told):
            marks.clear()
        self._budgets = self._full_budgets()

    def sync(self) -> None:
        """Close what is wanted no more, open what is wanted and not open."""
        if not self._wire.ready:
            return
        planned = self._plan()
        for wanted in [each for each in self._lines if each not in planned]:
            self._close(wanted)
        for wanted in planned:
            if wanted not in self._lines:
                self._open(*wanted)

    def groups(self) -> dict[str, Group]:
        """Return the quote lines by what serves them, and when each group last spoke; times are the loop's."""
        there = {_group(line) for line in self._lines.values() if isinstance(line, QuoteLine)}
        self._since = {group: at for group, at in self._since.items() if group in there}
        return {group: Group(self._since[group], self._spoke.get(group)) for group in there}

    def ask_anew(self, group: str) -> None:
        """Ask for one quote line of a group again, another one each time: a farm that is there answers at once, also
        where the market stands still."""
        members = [w for w, line in self._lines.items() if isinstance(line, QuoteLine) and _group(line) == group]
        if not members:
            return
        self._turn += 1
        wanted = members[-self._turn % len(members)]  # from the least important on
        self._close(wanted)
        self._open(*wanted)

    @property
    def open_lines(self) -> frozenset[Wanted]:
        return frozenset(self._lines)

    def _full_budgets(self) -> dict[str, int]:
        settings = self._settings
        return {QUOTE: settings.line_budget, BOOK: settings.depth_budget, TRADES: settings.tape_budget}

    def _plan(self) -> dict[Wanted, None]:
        """Return what fits the budgets, in order of importance."""
        left = dict(self._budgets)
        planned: dict[Wanted, None] = {}
        over: list[Wanted] = []
        for wanted in self._wanted:
            key, kind = wanted
            if wanted in self._given_up or key in self._unknown:
                continue
            if left[kind] > 0:
                left[kind] -= 1
                planned[wanted] = None
            else:
                over.append(wanted)
        self._tell_overflow(over)
        return planned

    def _tell_overflow(self, over: list[Wanted]) -> None:
        if not over:
            self._overflow_told = False
        elif not self._overflow_told:
            self._overflow_told = True
            facts = {"budgets": dict(self._budgets), "left_out": [f"{key.strip()}/{kind}" for key, kind in over]}
            self._alert("LINE_BUDGET", f"{len(over)} market data lines are beyond the budget", facts)

    # ---- opening and closing

    def _open(self, key: str, kind: str) -> None:
        contract = self._book.ib_contract(key) if self._book.is_complete(key) else None
        if contract is None:
            if key not in self._qualifying:
                self._qualifying[key] = asyncio.create_task(self._qualify(key), name=f"qualify {key.strip()}")
            return
        request_id = self._wire.request_id()
        line, send = _OPENERS[kind](key, contract, request_id, self._settings.book_rows)
        self._lines[key, kind] = line
        self._by_request[request_id] = line
        self._ours.add(request_id)
        if isinstance(line, QuoteLine):
            self._since.setdefault(_group(line), _now())
        self._wire.later(send)

    def _close(self, wanted: Wanted) -> None:
        line, self._health_told_at = self._lines.pop(wanted), float("-inf")
        self._by_request.pop(line.request_id, None)
        self._changed.pop(line.request_id, None)
        self._ticked.discard(line.request_id)
        self._wire.later(_closer(wanted[1], line.request_id))

    async def _qualify(self, key: str) -> None:
        try:
            details = await self._qualifier.qualify(key)
        except UnknownContract as unknown:
            self._unknown.add(key)
            self._sink(ContractQualified(key, None, None, str(unknown)))
        except RequestTimedOut as late:
            self._alert("CONTRACT_UNANSWERED", f"{key.strip()}: {late}", {"key": key})
            self._qualifying.pop(key, None)
            self.sync()
            return
        except BrokerUnavailable:
            return  # the next connection asks again
        except ValueError as bad:
            self._unknown.add(key)
            self._sink(ContractQualified(key, None, None, str(bad)))
        else:
            named = self._book.instrument(key)
            self._sink(ContractQualified(key, self._book.con_id(key), self._book.grids.get(key), instrument=named))
            self._tell_hours(key, details)
        self._qualifying.pop(key, None)
        self.sync()

    # ---- trading hours

    def ask_hours(self, keys: Sequence[str]) -> None:
        """Ask anew for contracts' details, for their hours change while they are kept. Who does not answer is asked
        the next time."""
        for key in keys if self._wire.ready else ():
            if key not in self._asking_hours:
                self._asking_hours[key] = asyncio.create_task(self._ask_hours(key), name=f"hours of {key.strip()}")

    async def _ask_hours(self, key: str) -> None:
        try:
            self._tell_hours(key, await self._qualifier.details(key))
        except (BrokerError, ValueError):
            return
        finally:
            self._asking_hours.pop(key, None)

    def _tell_hours(self, key: str, details: ContractDetails) -> None:
        last = (details.contract.lastTradeDateOrContractMonth if details.contract else "")[:8]
        if days := hours_of(details):
            self._sink(HoursTold(key, days, day_of(last), self._clock.now()))

    # ---- ticks

    def price(self, request_id: int, tick: int, value: float, size: float) -> None:
        line = self._by_request.get(request_id)
        if isinstance(line, QuoteLine) and line.price(tick, value, size):
            self._changed[request_id] = line
            if tick not in words.CLOSE_TICKS:
                self._has_spoken(line)

    def size(self, request_id: int, tick: int, value: float) -> None:
        line = self._by_request.get(request_id)
        if isinstance(line, QuoteLine) and line.size(tick, value):
            self._changed[request_id] = line
            self._has_spoken(line)

    def _has_spoken(self, line: QuoteLine) -> None:
        """A line said something of its instrument now; yesterday's close is nothing of it."""
        self._ticked.add(line.request_id)
        self._spoke[_group(line)] = _now()

    def halted(self, request_id: int, value: float) -> None:
        line = self._by_request.get(request_id)
        if isinstance(line, QuoteLine):
            line.halt(value)
            self._changed[request_id] = line

    def data_type(self, request_id: int, kind: int) -> None:
        line = self._by_request.get(request_id)
        if isinstance(line, QuoteLine):
            line.delayed = kind in words.DELAYED_DATA

    def greeks(
        self, request_id: int, iv: float, delta: float, gamma: float, vega: float, theta: float, underlying: float
    ) -> None:
        line = self._by_request.get(request_id)
        if not isinstance(line, QuoteLine):
            return
        line.greeks = Greeks(
            iv=words.greek(iv, -1), delta=words.greek(delta, -2), gamma=words.greek(gamma, -2),
            vega=words.greek(vega, -2), theta=words.greek(theta, -2), underlying=words.greek(underlying, -1),
            at=self._clock.now(),
        )  # fmt: skip
        self._changed[request_id] = line
        self._has_spoken(line)

    def depth(self, request_id: int, position: int, operation: int, side: int, value: float, size: float) -> None:
        line = self._by_request.get(request_id)
        if not isinstance(line, BookLine):
            return
        try:
            line.row(position, operation, side, value, size)
        except BookBroken as broken:
            self._reset(line, str(broken))
        else:
            self._changed[request_id] = line
            self._ticked.add(request_id)

    def trade(self, request_id: int, epoch: int, value: float, size: float) -> None:
        line = self._by_request.get(request_id)
        if isinstance(line, TapeLine):
            line.trade(epoch, value, size)
            self._changed[request_id] = line
            self._ticked.add(request_id)

    def flush(self) -> bool:
        """After a packet: tell of every line that it changed, once. Says whether there were any."""
        if not self._changed:
            return False
        changed, self._changed = self._changed, {}
        now = self._clock.now()
        self.ticked_at = asyncio.get_running_loop().time()
        for line in changed.values():
            line.ticked_at = self.ticked_at
            for event in line.events(now):
                self._sink(event)
        return True

    def heard(self) -> None:
        """Something came from TWS, so that what stands still on a healthy line is known to stand: told now and then,
        and at once when a line or the link fell ill."""
        trouble, now = self._link.trouble, asyncio.get_running_loop().time()
        if trouble != self._trouble_told or now - self._health_told_at >= HEALTH_WALL_S:
            self._trouble_told, self._health_told_at = trouble, now
            self.tell_health()

    def tell_health(self) -> None:
        """Tell which quotes and books are known to be today's."""
        healthy = [
            (key, kind) for (key, kind), line in self._lines.items()
            if line.is_sound and self._link.is_serving(line.ticked_at, option=option_of_key(key) is not None)
        ]  # fmt: skip
        quotes, books = (frozenset(key for key, kind in healthy if kind == wanted) for wanted in (QUOTE, BOOK))
        self._sink(LinesHeard(quotes, books, self._clock.now()))

    # ---- trouble

    def is_mine(self, request_id: int) -> bool:
        return request_id in self._ours

    def error(self, request_id: int, code: int, text: str) -> None:
        """Take an error about a line; raises UnknownWord after giving the line up."""
        line = self._by_request.get(request_id)
        wanted = next((each for each, open_line in self._lines.items() if open_line is line), None)
        if line is None or wanted is None:
            return  # already closed
        try:
            word = words.line_word(code)
        except UnknownWord:
            if code not in words.NOTICE_RANGE:
                self._wait_for_ticks(wanted, code, text)
            raise
        self._on_word(word, wanted, line, code, text)

    def _on_word(self, word: LineWord, wanted: Wanted, line: Line, code: int, text: str) -> None:
        match word:
            case LineWord.NOTICE:
                return
            case LineWord.RESET:
                self._reset(line, f"{code}: {text}")
            case LineWord.COMPETING:
                self._link.competing(text)
            case LineWord.TOO_MANY:
                self._too_many(wanted, code, text)
            case LineWord.UNKNOWN_CONTRACT:
                self._drop(wanted)
                self._unknown.add(wanted[0])
                self._sink(ContractQualified(wanted[0], None, None, f"{code}: {text}"))
                self.sync()
            case LineWord.NOT_SUBSCRIBED:
                self._wait_for_ticks(wanted, code, text)
            case LineWord.FAULT:
                self._give_up(wanted)
                self._refused(wanted, code, text)

    def _wait_for_ticks(self, wanted: Wanted, code: int, text: str) -> None:
        """What is refused may be a part of what was asked for (10090): a line that ticks from now on is one."""
        line = self._lines[wanted]
        line.answered, self._health_told_at = False, float("-inf")  # until it ticks, what it said is no price of now
        self._ticked.discard(line.request_id)
        asyncio.get_running_loop().call_later(self._settings.line_quiet_s, self._judge_silent, wanted, line, code, text)

    def _judge_silent(self, wanted: Wanted, line: Line, code: int, text: str) -> None:
        if self._lines.get(wanted) is not line or line.request_id in self._ticked:
            return
        self._close(wanted)
        self._given_up.add(wanted)
        self._refused(wanted, code, text)

    def _too_many(self, wanted: Wanted, code: int, text: str) -> None:
        """The venue allows fewer lines than our budget says: shrink it, so that the least important line goes."""
        _, kind = wanted
        self._drop(wanted)
        if kind == TRADES:
            self._retry_tape(wanted, code, text)
            return
        self._budgets[kind] = sum(1 for _, each in self._lines if each == kind)
        self._refused(wanted, code, text)
        self._overflow_told = True
        self.sync()

    def _retry_tape(self, wanted: Wanted, code: int, text: str) -> None:
        """A tape may be asked for once in 15 s per instrument, and the code is the same as for too many tapes."""
        self._given_up.add(wanted)
        self._refused(wanted, code, text)
        asyncio.get_running_loop().call_later(TAPE_PAUSE_S, self._allow, wanted)

    def _allow(self, wanted: Wanted) -> None:
        self._given_up.discard(wanted)
        self.sync()

    def _reset(self, line: Line, reason: str) -> None:
        """The book is not what the venue holds: empty it and subscribe anew."""
        if isinstance(line, BookLine):
            line.clear()
        wanted = next((each for each, open_line in self._lines.items() if open_line is line), None)
        if wanted is None:
            return
        self._close(wanted)
        self._resets[wanted] = self._resets.get(wanted, 0) + 1
        if self._resets[wanted] > MOST_RESETS:
            self._given_up.add(wanted)
            self._refused(wanted, 0, reason)
            return
        self.sync()

    def _give_up(self, wanted: Wanted) -> None:
        self._drop(wanted)
        self._given_up.add(wanted)

    def _drop(self, wanted: Wanted) -> None:
        """Forget a line that the venue does not serve: there is nothing to cancel."""
        line, self._health_told_at = self._lines.pop(wanted, None), float("-inf")
        if line is not None:
            self._by_request.pop(line.request_id, None)
            self._changed.pop(line.request_id, None)

    def _refused(self, wanted: Wanted, code: int, text: str) -> None:
        key, kind = wanted
        if (key, kind, code) in self._refusals_told:
            return
        self._refusals_told.add((key, kind, code))
        facts = {"key": key, "kind": kind, "code": code, "text": text}
        self._alert("LINE_REFUSED", f"no {kind} for {key.strip()}: {code} {text}", facts)

    def _alert(self, code: str, text: str, facts: Mapping[str, Any]) -> None:
        self._sink(AlertRaised(code, text, facts, self._clock.now()))


def _group(line: Line) -> str:
    """Return the name of what serves a line: options come from other farms than what they are written on."""
    return OPTIONS if line.contract.secType in words.OPTION_KINDS else UNDERLYINGS


def _now() -> float:
    return asyncio.get_running_loop().time()


Opener = Callable[[str, Contract, int, int], tuple[Line, Send]]


def _open_quote(key: str, contract: Contract, request_id: int, rows: int) -> tuple[Line, Send]:
    del rows
    return QuoteLine(key, contract, request_id), lambda client: client.reqMktData(
        request_id, contract, "", False, False, []
    )


def _open_book(key: str, contract: Contract, request_id: int, rows: int) -> tuple[Line, Send]:
    line = BookLine(key, contract, request_id, rows)
    return line, lambda client: client.reqMktDepth(request_id, contract, rows, True, [])


def _open_tape(key: str, contract: Contract, request_id: int, rows: int) -> tuple[Line, Send]:
    del rows
    return TapeLine(key, contract, request_id), lambda client: client.reqTickByTickData(
        request_id, contract, "Last", 0, False
    )


_OPENERS: Final[Mapping[str, Opener]] = {QUOTE: _open_quote, BOOK: _open_book, TRADES: _open_tape}


def _closer(kind: str, request_id: int) -> Send:
    if kind == QUOTE:
        return lambda client: client.cancelMktData(request_id)
    if kind == BOOK:
        return lambda client: client.cancelMktDepth(request_id, True)
    return lambda client: client.cancelTickByTickData(request_id)
