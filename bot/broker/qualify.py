"""Qualification: a key becomes a conId and a price grid, once. Market rules are asked for once per rule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from bot.broker.contracts import (
    ContractBook,
    by_id,
    by_local_symbol,
    contract_of,
    detailed,
    grid_of_rule,
    grid_without_rule,
    rule_id_of,
    to_ib,
)
from bot.broker.front_month import FrontMonths
from bot.broker.ib import Contract, ContractDetails
from bot.broker.requests import RequestRefused, RequestTimedOut
from bot.broker.wire import Wire
from bot.domain.errors import BrokerError
from bot.domain.instruments import PriceGrid, option_of_key
from bot.domain.universe import Member

AT_ONCE: Final = 8
FUTURE: Final = "FUT"


class UnknownContract(BrokerError):
    """The broker has no such contract, or more than one."""


class Qualifier:
    """Asks contract details and market rules, a few at a time."""

    def __init__(
        self, wire: Wire, book: ContractBook, deadline_s: float, member: Callable[[str], Member | None],
        months: FrontMonths,
    ) -> None:  # fmt: skip
        self._wire = wire
        self._book = book
        self._deadline_s = deadline_s
        self._member = member
        self._months = months
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._idle_slots = asyncio.Semaphore(AT_ONCE)
        self._rules: dict[int, PriceGrid] = {}

    async def qualify(self, key: str, *, later: bool = False) -> ContractDetails:
        """Put conId and grid of a key into the book, and return the details that named it.

        `later`: after whatever else waits, and in the last free places only. Raises UnknownContract, RequestTimedOut or
        BrokerUnavailable.
        """
        async with self._idle_slots if later else self._slots:
            details = await self._details(key, later=later)
            contract = details.contract
            if contract is None or not contract.conId:
                raise UnknownContract(f"{key.strip()}: details without a conId")
            grid = await self._grid(key, details) if self._is_ours(key) else grid_without_rule(key, details)
        self._book.learn(key, detailed(details), grid)
        return details

    def _is_ours(self, key: str) -> bool:
        """Say whether a key may be traded: of what is not, the smallest increment is grid enough."""
        member = self._member(key)
        return member is None or member.key == member.name

    async def details(self, key: str) -> ContractDetails:
        """Return a contract's details as they are now; raises as `qualify`."""
        async with self._slots:
            return await self._details(key)

    async def _details(self, key: str, *, later: bool = False) -> ContractDetails:
        """Return the details of the one contract that a key names: by its conId where the broker named one, for an
        option that the account holds is that one and no other; else by what the key says, then by its local symbol,
        for the ticker of an option's class may be spelled otherwise (BRK B, class BRKB)."""
        known = self._book.instrument(key)
        option = option_of_key(key)
        if known is not None and option is not None:
            return await self._asked(key, by_id(key, known))
        member = self._member(key)
        if member is not None and not self._is_ours(key):
            return await self._asked(key, contract_of(member), later=later)
        try:
            return await self._asked(key, to_ib(key), later=later)
        except UnknownContract:
            if option is None:
                raise
        return await self._asked(key, by_local_symbol(option))

    async def _asked(self, key: str, contract: Contract, *, later: bool = False) -> ContractDetails:
        request_id = self._wire.request_id()

        def send() -> None:
            self._wire.later(lambda client: client.reqContractDetails(request_id, contract), idle=later)

        try:
            found: list[ContractDetails] = await self._wire.requests.ask(request_id, send, self._deadline_s)
        except RequestRefused as refused:
            raise UnknownContract(f"{key.strip()}: {refused}") from refused
        except RequestTimedOut as late:
            raise RequestTimedOut("the question for its contract details", late.partial) from late
        member = self._member(key)
        if contract.secType == FUTURE and member is not None:
            return await self._choose(member, found)
        routed = [each for each in found if each.contract is not None and each.contract.exchange == contract.exchange]
        candidates = {each.contract.conId: each for each in (routed or found) if each.contract is not None}
        if len(candidates) != 1:
            raise UnknownContract(f"{key.strip()}: the broker knows {len(candidates)} contracts by this name")
        return next(iter(candidates.values()))

    async def _choose(self, member: Member, found: Sequence[ContractDetails]) -> ContractDetails:
        """Return the front month of a future."""
        front = await self._months.front(member, found)
        if front is None:
            raise UnknownContract(f"{member.name}: the broker lists no month of it")
        return front

    async def _grid(self, key: str, details: ContractDetails) -> PriceGrid | None:
        rule = rule_id_of(details)
        if rule is None:
            return grid_without_rule(key, details)
        if rule not in self._rules:
            found = await self._rule(rule)
            if found is None:
                return grid_without_rule(key, details)
            self._rules[rule] = found
        return self._rules[rule]

    async def _rule(self, rule: int) -> PriceGrid | None:
        """Return a market rule's grid, None when the broker does not tell it."""
        name = f"marketRule-{rule}"

        def send() -> None:
            self._wire.later(lambda client: client.reqMarketRule(rule))

        try:
            increments = await self._wire.requests.ask(name, send, self._deadline_s)
        except (RequestTimedOut, RequestRefused):
            return None
        return grid_of_rule(increments)
