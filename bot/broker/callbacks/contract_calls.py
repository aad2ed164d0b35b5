"""Contract details and market rules."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from bot.broker.callbacks.hearing import ConnectionHearing
from bot.broker.ib import ContractDetails, PriceIncrement


class ContractCalls:
    """Contract details and market rules."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def contractDetails(self, request_id: int, details: ContractDetails) -> None:
        self._hearing.requests.add(request_id, details)

    def contractDetailsEnd(self, request_id: int) -> None:
        self._hearing.requests.finish(request_id)

    def marketRule(self, rule: int, increments: list[PriceIncrement]) -> None:
        name = f"marketRule-{rule}"
        for increment in increments:
            self._hearing.requests.add(name, increment)
        self._hearing.requests.finish(name)
