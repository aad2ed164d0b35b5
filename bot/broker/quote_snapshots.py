"""Quotes asked for once: no line is held for them, and TWS says when it has said what it knows.

Contracts of a chain that have no line take turns; anything else is asked for when somebody wants to know. What is
refused is not asked for again on the same connection: where a line is refused as well, that is told there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from bot.broker.contracts import ContractBook
from bot.broker.ib import Contract
from bot.broker.lines import QuoteLine
from bot.broker.open_lines import OpenLines
from bot.broker.requests import RequestRefused, RequestTimedOut
from bot.broker.wire import Wire
from bot.domain.errors import BrokerError
from bot.domain.events import Event
from bot.domain.events.market_data import QuoteSnapshot
from bot.engine.state.ports import Clock, Sink

ENDS_WALL_S: Final = 11.0
"""TWS ends a snapshot within so long."""
DEADLINE_S: Final = ENDS_WALL_S + 1.0
"""What has not ended a moment later never will."""
AT_ONCE: Final = 10


class SnapshotLine(QuoteLine):
    """What has come of one snapshot. It tells nothing by itself: half of it may still be on its way."""

    def events(self, at: object) -> list[Event]:
        del at
        self.quote_changed = False
        return []


class QuoteSnapshots:
    """`name(key)`: have a contract qualified that the book does not know yet."""

    def __init__(
        self, wire: Wire, book: ContractBook, lines: OpenLines, clock: Clock, sink: Sink, every_s: float,
        name: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._wire = wire
        self._book = book
        self._lines = lines
        self._clock = clock
        self._sink = sink
        self._every_s = every_s
        self._name = name
        self._in_turn: tuple[str, ...] = ()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, str] = {}
        self.told_at: dict[str, float] = {}  # by the loop's time, of those that are asked for again and again
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._next: asyncio.TimerHandle | None = None

    @property
    def in_turn(self) -> tuple[str, ...]:
        """The keys that are asked for again and again."""
        return self._in_turn

    def refusal(self, key: str) -> str:
        """Return why a key is not asked for any more, empty where it is."""
        return self._refused.get(key, "")

    def keep(self, keys: Sequence[str]) -> None:
        """Ask for these again and again from now on, at once for those that are new."""
        fresh = [key for key in keys if key not in self._in_turn]
        self._in_turn = tuple(keys)
        self.told_at = {key: at for key, at in self.told_at.items() if key in self._in_turn}
        self.ask(fresh)
        if keys and self._next is None:
            self._next = asyncio.get_running_loop().call_later(self._every_s, self._turn)

    def ask(self, keys: Sequence[str]) -> None:
        """Ask for each once, unless it is under way or was refused; nothing happens without a connection."""
        for key in keys if self._wire.ready else ():
            if key in self._asking or key in self._refused:
                continue
            if self._book.is_complete(key):
                self._asking[key] = asyncio.create_task(self._fetch(key), name=f"snapshot of {key.strip()}")
            else:
                self._name(key)

    def forget(self) -> None:
        """The connection is gone, and with it every question and refusal."""
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()
        self._refused.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        self._next = None
        self.keep(self._in_turn)
        self.ask(self._in_turn)

    async def _fetch(self, key: str) -> None:
        try:
            async with self._slots:
                await self._fetch_now(key)
        finally:
            self._asking.pop(key, None)

    async def _fetch_now(self, key: str) -> None:
        contract = self._book.ib_contract(key)
        if contract is None:
            return
        request_id = self._wire.request_id()
        line = SnapshotLine(key, contract, request_id)
        self._lines.listen(line)
        try:
            await self._wire.requests.ask(request_id, lambda: self._send(request_id, contract), DEADLINE_S)
        except RequestRefused as refused:
            self._refused[key] = str(refused)
        except RequestTimedOut:
            self._wire.later(lambda client: client.cancelMktData(request_id), idle=True)
        except BrokerError:
            return  # the connection is gone
        else:
            self._tell(line)
        finally:
            self._lines.no_longer(line)

    def _send(self, request_id: int, contract: Contract) -> None:
        self._wire.later(lambda client: client.reqMktData(request_id, contract, "", True, False, []), idle=True)

    def _tell(self, line: SnapshotLine) -> None:
        if line.answered:
            if line.key in self._in_turn:
                self.told_at[line.key] = asyncio.get_running_loop().time()
            now = self._clock.now()
            self._sink(QuoteSnapshot(line.key, line.quote(now), line.greeks))
