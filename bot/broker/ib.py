"""The one door to the TWS client library. Its successor `ib_async` has the same names."""

# ruff: noqa: N802, N803, N815, ASYNC109 - the names are the TWS API's

from __future__ import annotations

import logging
import struct
import time
from typing import Any, Final, Protocol, cast

from bot.left_unloaded import put_off

with put_off("numpy"):
    from ib_insync.client import Client
    from ib_insync.contract import Contract, ContractDetails, TagValue
    from ib_insync.decoder import Decoder
    from ib_insync.objects import BarData, CommissionReport, ExecutionFilter, PriceIncrement
    from ib_insync.objects import Execution as IbExecution
    from ib_insync.order import Order as IbOrder
    from ib_insync.order import OrderState as IbOrderState

__all__ = [
    "BarData",
    "CommissionReport",
    "Contract",
    "ContractDetails",
    "Decoder",
    "ExecutionFilter",
    "IbExecution",
    "IbOrder",
    "IbOrderState",
    "PriceIncrement",
    "TagValue",
    "TwsClient",
    "new_client",
]


class TwsClient(Protocol):
    """What we use of the library's client. Every `req`, `place` and `cancel` writes one message and returns."""

    decoder: Any
    conn: Any
    apiError: Any

    async def connectAsync(self, host: str, port: int, clientId: int, timeout: float) -> None: ...
    def disconnect(self) -> None: ...
    def isReady(self) -> bool: ...
    def serverVersion(self) -> int: ...
    def getAccounts(self) -> list[str]: ...
    def placeOrder(self, orderId: int, contract: Contract, order: IbOrder) -> None: ...
    def cancelOrder(self, orderId: int, manualCancelOrderTime: str = "") -> None: ...
    def reqIds(self, numIds: int) -> None: ...
    def reqAllOpenOrders(self) -> None: ...
    def reqCompletedOrders(self, apiOnly: bool) -> None: ...
    def reqExecutions(self, reqId: int, execFilter: ExecutionFilter) -> None: ...
    def reqPositions(self) -> None: ...
    def cancelPositions(self) -> None: ...
    def reqCurrentTime(self) -> None: ...
    def reqMarketDataType(self, marketDataType: int) -> None: ...
    def reqAccountUpdates(self, subscribe: bool, acctCode: str) -> None: ...
    def reqPnL(self, reqId: int, account: str, modelCode: str) -> None: ...
    def cancelPnL(self, reqId: int) -> None: ...
    def reqContractDetails(self, reqId: int, contract: Contract) -> None: ...
    def reqHistoricalData(
        self, reqId: int, contract: Contract, endDateTime: str, durationStr: str, barSizeSetting: str, whatToShow: str,
        useRTH: bool, formatDate: int, keepUpToDate: bool, chartOptions: list[Any],
    ) -> None: ...  # fmt: skip
    def reqRealTimeBars(
        self,
        reqId: int,
        contract: Contract,
        barSize: int,
        whatToShow: str,
        useRTH: bool,
        realTimeBarsOptions: list[Any],
    ) -> None: ...
    def cancelRealTimeBars(self, reqId: int) -> None: ...
    def reqPnLSingle(self, reqId: int, account: str, modelCode: str, conid: int) -> None: ...
    def cancelPnLSingle(self, reqId: int) -> None: ...
    def reqSecDefOptParams(
        self, reqId: int, underlyingSymbol: str, futFopExchange: str, underlyingSecType: str, underlyingConId: int
    ) -> None: ...
    def reqMarketRule(self, marketRuleId: int) -> None: ...
    def reqMktData(
        self, reqId: int, contract: Contract, genericTickList: str, snapshot: bool, regulatory: bool, options: list[Any]
    ) -> None: ...
    def cancelMktData(self, reqId: int) -> None: ...
    def reqMktDepth(
        self, reqId: int, contract: Contract, numRows: int, isSmartDepth: bool, options: list[Any]
    ) -> None: ...
    def cancelMktDepth(self, reqId: int, isSmartDepth: bool) -> None: ...
    def reqTickByTickData(
        self, reqId: int, contract: Contract, tickType: str, numberOfTicks: int, ignoreSize: bool
    ) -> None: ...
    def cancelTickByTickData(self, reqId: int) -> None: ...


MOST_FRAME_BYTES: Final = 256 * 1024
"""Of one message; the longest that TWS says, a contract's details, has some ten thousand."""
FRAME_TAKES_S: Final = 15.0
"""Wall seconds that a message may take from its first byte to its last."""
_PREFIX: Final = struct.Struct(">I")


class BoundedClient(Client):
    """The library's client, which would wait for four gigabytes when a length says so, and for ever.

    A message that is announced larger than any is, or that does not end, ends the connection with that reason; it is
    made anew like any other that was lost.
    """

    def __init__(self, listener: object) -> None:
        super().__init__(listener)  # type: ignore[no-untyped-call]
        self._begun_at: float | None = None
        self._given_up = False

    def _onSocketHasData(self, data: bytes) -> None:
        if self._given_up:
            return
        pending = self._data + data if self._data else data
        fault = self._fault_of(pending)
        if fault:
            self._give_up(fault)
            return
        if self._apiReady:
            self._read(pending, len(data))
            return
        try:
            super()._onSocketHasData(data)  # type: ignore[no-untyped-call]
        except Exception as error:  # the edge of the socket, before the decoder: a login that cannot be read
            self._give_up(f"TWS_UNREADABLE: what came at the login could not be read: {error!r}")

    def _read(self, pending: bytes, fresh: int) -> None:
        """Decode every message that is whole. The library cuts each off the front and copies the rest, which for what
        has piled up on a busy machine (a quarter of a megabyte, thousands of messages) costs more than the decoding."""
        arrived, processed = self._tcpDataArrived, self._tcpDataProcessed
        if arrived is not None:
            arrived()
        self._numBytesRecv += fresh
        at, end = 0, len(pending)
        while end - at >= _PREFIX.size:
            start = at + _PREFIX.size
            stop = start + _PREFIX.unpack_from(pending, at)[0]
            if stop > end:
                break
            at = stop
            self._numMsgRecv += 1
            self.decoder.interpret(pending[start:stop].decode(errors="backslashreplace").split("\0")[:-1])
            if not self._apiReady:
                return  # it was hung up meanwhile
        self._data = pending[at:]
        if processed is not None:
            processed()

    def _fault_of(self, pending: bytes) -> str:
        """Return why what has come cannot go on, empty where it can: the lengths are walked, nothing is copied."""
        at = 0
        while len(pending) - at >= _PREFIX.size:
            (length,) = _PREFIX.unpack_from(pending, at)
            if length > MOST_FRAME_BYTES:
                return (
                    f"TWS_FRAME: a message of {length} bytes is announced, {MOST_FRAME_BYTES} is the most that is one"
                )
            if len(pending) - at - _PREFIX.size < length:
                break
            at += _PREFIX.size + length
        return self._lateness(begun_anew=at > 0, unfinished=at < len(pending))

    def _lateness(self, *, begun_anew: bool, unfinished: bool) -> str:
        now = time.monotonic()
        if not unfinished:
            self._begun_at = None
        elif begun_anew or self._begun_at is None:
            self._begun_at = now
        elif now - self._begun_at > FRAME_TAKES_S:
            return f"TWS_FRAME: a message has not ended {FRAME_TAKES_S:g} s after it began"
        return ""

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self._data = b""
        self.apiError.emit(reason)
        if self.conn.transport is not None:
            self.conn.transport.abort()


def new_client(listener: object) -> TwsClient:
    """Return a client that hands every decoded message to `listener`. One client lives for one connection.

    What it would log of the connection reaches us as events, so that its log keeps quiet.
    """
    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    return cast(TwsClient, BoundedClient(listener))
