"""The lines that are open on this connection: who they are, how they are asked for, and which of them spoke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from bot.broker import words
from bot.broker.bar_line import BAR_S, BarLine
from bot.broker.contracts import ContractBook
from bot.broker.ib import Contract, TwsClient
from bot.broker.line_budget import Wanted
from bot.broker.lines import BARS, BOOK, QUOTE, TRADES, BookLine, Line, QuoteLine, TapeLine
from bot.broker.settings import BrokerSettings
from bot.broker.wire import Send, Wire
from bot.domain.farms import OPTIONS, UNDERLYINGS, Group

BESIDE: Final = "beside"


class OpenLines:
    """Every subscription of the connection. `moved`: which lines there are has changed since somebody looked last."""

    def __init__(self, settings: BrokerSettings, wire: Wire, book: ContractBook) -> None:
        self._settings = settings
        self._wire = wire
        self._book = book
        self._lines: dict[Wanted, Line] = {}
        self._by_request: dict[int, Line] = {}
        self._ours: set[int] = set()
        self._unsent: dict[int, bool] = {}  # lines whose question waits on the wire; true: after whatever else does
        self._since: dict[str, float] = {}  # group -> when its first line was opened
        self._spoke: dict[str, float] = {}  # group -> when one of its lines last said something of its instrument
        self.ticked: set[int] = set()  # lines that did, of any kind
        self.changed: dict[int, Line] = {}  # since the last packet
        self.left_out: set[Wanted] = set()  # wanted, and beyond the budget
        self.moved = True
        self.on_gap: Callable[[str], None] = lambda key: None

    def __iter__(self) -> Iterator[Wanted]:
        return iter(tuple(self._lines))

    def __contains__(self, wanted: Wanted) -> bool:
        return wanted in self._lines

    def items(self) -> tuple[tuple[Wanted, Line], ...]:
        return tuple(self._lines.items())

    def line(self, wanted: Wanted) -> Line | None:
        return self._lines.get(wanted)

    def of_request(self, request_id: int) -> Line | None:
        return self._by_request.get(request_id)

    def wanted_of(self, line: Line) -> Wanted | None:
        """Return what a line was opened for, None once it is closed."""
        return next((each for each, open_line in self._lines.items() if open_line is line), None)

    def count(self, kind: str) -> int:
        return sum(1 for _, each in self._lines if each == kind)

    def waits_for_others(self, wanted: Wanted) -> bool:
        """Say whether a line was opened to be asked for after whatever else waits, and still waits."""
        line = self._lines.get(wanted)
        return line is not None and self._unsent.get(line.request_id, False)

    def is_mine(self, request_id: int) -> bool:
        """Say whether an id is that of a line of this connection, closed or open."""
        return request_id in self._ours

    def open(self, key: str, kind: str, *, later: bool = False) -> bool:
        """Ask for a line, `later` after whatever else waits; False when the contract is not known yet."""
        contract = self._book.ib_contract(key) if self._book.is_complete(key) else None
        if contract is None:
            return False
        request_id = self._wire.request_id()
        line, send = _OPENERS[kind](key, contract, request_id, self._settings.book_rows)
        if isinstance(line, BarLine):
            line.on_gap = self.on_gap
        self._lines[key, kind] = line
        self._by_request[request_id] = line
        self._ours.add(request_id)
        if isinstance(line, QuoteLine):
            self._since.setdefault(group_of(line), _now())
        self._unsent[request_id] = later
        self._wire.later(partial(self._send, request_id, send), idle=later)
        return True

    def _send(self, request_id: int, send: Send, client: TwsClient) -> None:
        """A line that was given up while its question waited is not asked for: nobody would cancel it."""
        if self._unsent.pop(request_id, None) is not None:
            send(client)

    def listen(self, line: Line) -> None:
        """Have what comes for its request given to something that is no line of ours."""
        self._by_request[line.request_id] = line
        self._ours.add(line.request_id)

    def no_longer(self, line: Line) -> None:
        """Give what comes for its request to nobody."""
        self._forget_line(line)
        self.ticked.discard(line.request_id)

    def close(self, wanted: Wanted) -> None:
        """Cancel a line."""
        line, self.moved = self._lines.pop(wanted), True
        self._forget_line(line)
        self.ticked.discard(line.request_id)
        if self._unsent.pop(line.request_id, None) is None:
            self._wire.later(_closer(wanted[1], line.request_id))

    def drop(self, wanted: Wanted) -> None:
        """Forget a line that the venue does not serve: there is nothing to cancel."""
        line, self.moved = self._lines.pop(wanted, None), True
        if line is not None:
            self._forget_line(line)
            self._unsent.pop(line.request_id, None)

    def _forget_line(self, line: Line) -> None:
        self._by_request.pop(line.request_id, None)
        self.changed.pop(line.request_id, None)

    def forget(self) -> None:
        """The connection is gone, and with it every line."""
        for store in (self._lines, self._by_request, self.changed, self._since, self._spoke):
            store.clear()
        self.ticked.clear()
        self._ours.clear()
        self._unsent.clear()

    def has_spoken(self, line: Line) -> None:
        """A line said something of its instrument now."""
        self.ticked.add(line.request_id)
        self._spoke[group_of(line)] = _now()

    def groups(self) -> dict[str, Group]:
        """Return the quote lines by what serves them, and when each group last spoke; times are the loop's."""
        there = {group_of(line) for line in self._lines.values() if isinstance(line, QuoteLine)} - {BESIDE}
        self._since = {group: at for group, at in self._since.items() if group in there}
        return {group: Group(self._since[group], self._spoke.get(group)) for group in there}


def group_of(line: Line) -> str:
    """Return the name of what serves a line: options come from other farms than what they are written on, and what is
    named with its kind (futures, currencies, indices of other countries) from many: their silence is not ours."""
    if line.contract.secType in words.OPTION_KINDS:
        return OPTIONS
    return BESIDE if ":" in line.key else UNDERLYINGS


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


def _open_bars(key: str, contract: Contract, request_id: int, rows: int) -> tuple[Line, Send]:
    del rows
    return BarLine(key, contract, request_id), lambda client: client.reqRealTimeBars(
        request_id, contract, BAR_S, "TRADES", True, []
    )


_OPENERS: Final[Mapping[str, Opener]] = {
    QUOTE: _open_quote, BOOK: _open_book, TRADES: _open_tape, BARS: _open_bars
}  # fmt: skip


def _closer(kind: str, request_id: int) -> Send:
    if kind == QUOTE:
        return lambda client: client.cancelMktData(request_id)
    if kind == BOOK:
        return lambda client: client.cancelMktDepth(request_id, True)
    if kind == BARS:
        return lambda client: client.cancelRealTimeBars(request_id)
    return lambda client: client.cancelTickByTickData(request_id)
