"""Orders, executions and commissions."""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

from bot.broker.callbacks.hearing import COMPLETED, OPEN_ORDERS, ConnectionHearing
from bot.broker.ib import CommissionReport, Contract, IbExecution, IbOrder, IbOrderState


class OrderCalls:
    """Orders, executions and commissions."""

    def __init__(self, hearing: ConnectionHearing) -> None:
        self._hearing = hearing
        self._parts = hearing.parts

    def openOrder(self, order_id: int, contract: Contract, order: IbOrder, state: IbOrderState) -> None:
        del order_id
        if self._hearing.muted:
            return
        if order.whatIf:
            self._parts.what_ifs.answer(order.orderId, state)
            return
        known = self._parts.desk.open_order(contract, order, state)
        asked = self._hearing.requests.add(OPEN_ORDERS, known)
        if not asked or order.clientId == self._hearing.client_id:
            self._parts.desk.report(known)

    def openOrderEnd(self) -> None:
        self._hearing.requests.finish(OPEN_ORDERS)

    def orderStatus(
        self, order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent_id: int,
        last_price: float, client_id: int, why_held: str, cap_price: float = 0.0,
    ) -> None:  # fmt: skip
        del average, parent_id, last_price, cap_price
        if not self._hearing.muted:
            self._parts.desk.status(order_id, client_id, perm_id, status, filled, remaining, why_held)

    def completedOrder(self, contract: Contract, order: IbOrder, state: IbOrderState) -> None:
        self._hearing.requests.add(COMPLETED, self._parts.desk.completed(contract, order, state))

    def completedOrdersEnd(self) -> None:
        self._hearing.requests.finish(COMPLETED)

    def execDetails(self, request_id: int, contract: Contract, execution: IbExecution) -> None:
        if self._hearing.muted or execution.acctNumber not in {"", self._parts.account_name}:
            return
        translated = self._parts.desk.execution(contract, execution)
        if not self._hearing.requests.add(request_id, translated):
            self._parts.desk.executed(translated)

    def execDetailsEnd(self, request_id: int) -> None:
        self._hearing.requests.finish(request_id)

    def commissionReport(self, report: CommissionReport) -> None:
        if not self._hearing.muted:
            self._parts.desk.commission(report)

    def orderBound(self, perm_id: int, client_id: int, order_id: int) -> None:
        """Nothing to do: openOrder says the same."""
