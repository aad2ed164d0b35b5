"""Contract details, option chains and market rules."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from bot.broker.callbacks.hearing import ConnectionHearing
from bot.broker.chain_desk import ChainRow
from bot.broker.ib import ContractDetails, PriceIncrement


class ContractCalls:
    """Contract details, option chains and market rules."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def contractDetails(self, request_id: int, details: ContractDetails) -> None:
        self._hearing.requests.add(request_id, details)

    def contractDetailsEnd(self, request_id: int) -> None:
        self._hearing.requests.finish(request_id)

    def securityDefinitionOptionParameter(
        self, request_id: int, exchange: str, con_id: str, trading_class: str, multiplier: str, expirations: list[str],
        strikes: list[float],
    ) -> None:  # fmt: skip
        del con_id  # as text, and known
        row = ChainRow(exchange, trading_class, multiplier, tuple(expirations), tuple(strikes))
        self._hearing.requests.add(request_id, row)

    def securityDefinitionOptionParameterEnd(self, request_id: int) -> None:
        self._hearing.requests.finish(request_id)

    def marketRule(self, rule: int, increments: list[PriceIncrement]) -> None:
        name = f"marketRule-{rule}"
        for increment in increments:
            self._hearing.requests.add(name, increment)
        self._hearing.requests.finish(name)
