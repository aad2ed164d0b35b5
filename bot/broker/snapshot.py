"""The broker's whole book, asked on purpose: four questions, each with its own end marker and deadline.

The account's values are a stream; a book counts as whole once its first full set has come on this connection. A part
that fails makes the snapshot incomplete; what had arrived is handed on all the same, for facts are facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from bot.broker import words
from bot.broker.account import AccountValues
from bot.broker.callbacks.hearing import ACCOUNT_VALUES, COMPLETED, OPEN_ORDERS, POSITIONS
from bot.broker.contracts import ContractBook, named
from bot.broker.ib import Contract, ExecutionFilter
from bot.broker.orders import KnownOrder, OrderDesk, OrderIds
from bot.broker.requests import RequestTimedOut, Spoiled
from bot.broker.wire import Wire
from bot.domain.errors import BrokerError
from bot.domain.events.account import BookFault, BookPart, BrokerPosition, BrokerSnapshot, ForeignSeen
from bot.domain.events.orders import BrokerOrderView
from bot.domain.order import Execution
from bot.engine.state.ports import Clock

SETTLE_S: Final = 0.5
"""How long positions may lag behind a fill, in seconds of the clock; a simulated venue is as quick as its clock."""
MOST_READINGS: Final = 4


class Snapshots:
    """Takes one snapshot at a time.

    A fill between two answers makes a book that never was (the execution without its position): it is read again.
    """

    def __init__(
        self, wire: Wire, desk: OrderDesk, book: ContractBook, ids: OrderIds, account: AccountValues, clock: Clock,
        deadline_s: float,
    ) -> None:  # fmt: skip
        self._wire = wire
        self._account = account
        self._desk = desk
        self._book = book
        self._ids = ids
        self._clock = clock
        self._deadline_s = deadline_s
        self._one = asyncio.Lock()

    async def take(self) -> BrokerSnapshot:
        """Ask for everything; never raises for the broker's silence. Without a connection it waits for one first."""
        async with self._one:
            await self._wire.until_ready(self._deadline_s)
            for _ in range(MOST_READINGS):
                await self._settle()
                before = self._desk.fills_told
                book = await self._read([])
                if not book.complete or self._desk.fills_told == before:
                    break
            else:
                fault = BookFault(BookPart.EXECUTIONS, "fills kept arriving while the book was read")
                return replace(book, complete=False, faults=(fault,))
            if book.complete:
                self._desk.tell_strays()
            return book

    async def _settle(self) -> None:
        """Let the broker's positions catch up with a fill that we have just heard of."""
        since = asyncio.get_running_loop().time() - self._desk.fill_told_at
        await asyncio.sleep(max(0.0, SETTLE_S / max(1.0, self._clock.speed) - since))

    async def _read(self, faults: list[BookFault]) -> BrokerSnapshot:
        asked_at = self._clock.now()
        parts = await asyncio.gather(
            self._part(BookPart.OPEN_ORDERS, self._open_orders, faults),
            self._part(BookPart.COMPLETED_ORDERS, self._completed, faults),
            self._part(BookPart.EXECUTIONS, self._executions, faults),
            self._part(BookPart.POSITIONS, self._positions, faults),
            self._part(BookPart.ACCOUNT, self._account_values, faults),
        )
        orders, completed, executions, positions = (_known(part) for part in parts[:4])
        foreign = [each for part in parts[:4] for each in part if isinstance(each, ForeignSeen)]
        return BrokerSnapshot(
            open_orders=self._views(orders),
            completed_orders=tuple(completed),
            executions=_each_once(executions),
            commissions=dict(self._desk.commissions),
            positions=self._held(positions, faults),
            next_order_id=self._ids.next,
            complete=not faults,
            faults=tuple(faults),
            at=self._clock.now(),
            asked_at=asked_at,
            foreign=tuple({(each.subject, each.identity): each for each in foreign}.values()),
        )

    async def _part(
        self, part: BookPart, ask: Callable[[], Awaitable[list[Any]]], faults: list[BookFault]
    ) -> list[Any]:
        try:
            items = await ask()
        except RequestTimedOut as late:
            faults.append(BookFault(part, f"no end marker within {self._deadline_s:g} s"))
            items = late.partial
        except BrokerError as error:
            faults.append(BookFault(part, str(error)))
            return []
        faults.extend(BookFault(part, each.why) for each in items if isinstance(each, Spoiled))
        return [each for each in items if not isinstance(each, Spoiled)]

    async def _account_values(self) -> list[Any]:
        """Wait for the first whole set of the stream; one that does not come is asked for again now and then."""
        if self._wire.ready and self._account.is_whole:
            return []
        return await self._wire.requests.ask(ACCOUNT_VALUES, self._renew_account, self._deadline_s)

    def _renew_account(self) -> None:
        if self._wire.client.isReady():
            self._account.renew()

    async def _open_orders(self) -> list[Any]:
        return await self._wire.requests.ask(OPEN_ORDERS, self._wire.client.reqAllOpenOrders, self._deadline_s)

    async def _completed(self) -> list[Any]:
        return await self._wire.requests.ask(
            COMPLETED, lambda: self._wire.client.reqCompletedOrders(False), self._deadline_s
        )

    async def _executions(self) -> list[Any]:
        request_id = self._wire.request_id()
        return await self._wire.requests.ask(
            request_id, lambda: self._wire.client.reqExecutions(request_id, ExecutionFilter()), self._deadline_s
        )

    async def _positions(self) -> list[Any]:
        """It is a subscription, and stays one: what somebody else trades shows there first (`Holdings`)."""
        return await self._wire.requests.ask(POSITIONS, self._wire.client.reqPositions, self._deadline_s)

    def _views(self, orders: list[KnownOrder]) -> tuple[BrokerOrderView, ...]:
        """Show each order as it stands now: a status may have overtaken the answer."""
        return tuple(self._desk.view(known) for known in {id(each): each for each in orders}.values())

    def _held(
        self, positions: list[tuple[Contract, float, float]], faults: list[BookFault]
    ) -> tuple[BrokerPosition, ...]:
        held: dict[str, BrokerPosition] = {}
        for contract, quantity, average_cost in positions:
            try:
                position = self._position(contract, quantity, average_cost)
            except (ValueError, ArithmeticError) as error:
                name = contract.localSymbol or contract.symbol
                faults.append(BookFault(BookPart.POSITIONS, f"{quantity} of {name}: {error}"))
            else:
                held[position.contract_key] = position
        return tuple(each for each in held.values() if each.amount)

    def _position(self, contract: Contract, quantity: float, average_cost: float) -> BrokerPosition:
        """Return a position with its price per share: the broker's average cost is per contract. Raises ValueError."""
        cost, key, instrument = words.number(average_cost) or Decimal(0), self._book.key(contract), named(contract)
        option = instrument.option if instrument.is_plain_us_option else None
        if option is None or option.key != key:
            return BrokerPosition(key, None, int(quantity), cost, instrument, words.number(quantity))
        if quantity != int(quantity) or abs(quantity) > words.MOST_CONTRACTS:
            if self._book.trades(contract.conId):
                raise ValueError("not a number of contracts")
            return BrokerPosition(key, None, int(quantity), cost, instrument, words.number(quantity))
        return BrokerPosition(key, option, int(quantity), cost / option.multiplier, instrument)


def _known(part: list[Any]) -> list[Any]:
    return [each for each in part if not isinstance(each, ForeignSeen)]


def _each_once(executions: list[Execution]) -> tuple[Execution, ...]:
    return tuple({each.exec_id: each for each in executions}.values())
