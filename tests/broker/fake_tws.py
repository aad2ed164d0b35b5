"""A TWS that says what a test tells it to say: frames on a socket, a few stock answers, a memory of what was asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from tests.patience import PATIENCE_S

UNSET = "1.7976931348623157E308"
ACCOUNT = "DU1234567"
OPTION_KEY = "SPXW  261120C06000000"
OTHER_KEY = "SPXW  261120P05990000"
OPTION = ("7001", "SPX", "OPT", "20261120", "6000", "C", "100", "SMART", "USD", OPTION_KEY, "SPXW")
OTHER = ("7002", "SPX", "OPT", "20261120", "5990", "P", "100", "SMART", "USD", OTHER_KEY, "SPXW")
STOCK = ("7003", "SPY", "STK", "", "0", "", "", "SMART", "USD", "SPY", "SPY")
INDEX = ("7004", "SPX", "IND", "", "0", "", "", "CBOE", "USD", "SPX", "SPX")
CONTRACTS = {row[0]: row for row in (OPTION, OTHER, STOCK, INDEX)}
EPOCH = "1795186800"  # 2026-11-20 15:00:00 UTC
VERSION = "176"

Request = tuple[str, ...]


class FakeTws:
    """Listens on a free port. `mute` holds request ids that get no answer; `answers` says what answers the others."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.mute: set[int] = set()
        self.accounts = ACCOUNT
        self.next_valid_id = 1
        self.now: Callable[[], datetime] = lambda: datetime.fromtimestamp(int(EPOCH), UTC)
        self.refuse_client_id = False
        self.silent_handshake = False
        self.logins = 0
        self.sockets = self.most_sockets = 0
        self.port = 0
        self.answers: dict[int, Callable[[Request], None]] = {
            6: self._account_values,
            7: lambda asked: self.send(55, 1, asked[2]),
            8: lambda _: self.send(9, 1, self.next_valid_id),
            9: self._details,
            16: lambda _: self.send(53, 1),
            49: lambda _: self.send(49, 1, int(self.now().timestamp())),
            61: lambda _: self.send(62, 1),
            71: self._log_in,
            91: self._market_rule,
            99: lambda _: self.send(102),
        }
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def send(self, *fields: object) -> None:
        self.send_all([fields])

    def send_all(self, messages: list[tuple[object, ...]]) -> None:
        """Send messages in one packet."""
        assert self._writer is not None
        self._writer.write(b"".join(frame(*fields) for fields in messages))

    def of(self, message_id: int) -> list[Request]:
        return [each for each in self.asked if each[0] == str(message_id)]

    async def until_asked(self, message_id: int, count: int = 1) -> Request:
        """Return the request that makes it `count` of this kind."""
        await self.until(lambda: len(self.of(message_id)) >= count)
        return self.of(message_id)[count - 1]

    async def until(self, condition: Callable[[], bool]) -> None:
        if condition():
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, done))
        await asyncio.wait_for(done, PATIENCE_S)

    def _note(self) -> None:
        for condition, done in list(self._waiting):
            if not done.done() and condition():
                done.set_result(None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.sockets += 1
        self.most_sockets = max(self.most_sockets, self.sockets)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(4)
            await _read_frame(reader)
            if not self.silent_handshake:
                self.send(VERSION, "20261120 10:00:00 EST")
            while True:
                fields = tuple((await _read_frame(reader)).decode().split("\0")[:-1])
                self.asked.append(fields)
                if int(fields[0]) in self.answers and int(fields[0]) not in self.mute:
                    self.answers[int(fields[0])](fields)
                self._note()
        self.sockets -= 1
        writer.close()

    # ---- stock answers

    def _log_in(self, asked: Request) -> None:
        if self.refuse_client_id:
            self.send(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")
            assert self._writer is not None
            self._writer.close()
            return
        self.logins += 1
        self.send_all([(15, 1, self.accounts), (9, 1, self.next_valid_id), (4, 2, -1, 2104, "farm is OK:usfarm", "")])

    def _account_values(self, asked: Request) -> None:
        values = [("NetLiquidation", "100000.00"), ("AvailableFunds", "90000"), ("BuyingPower", "360000")]
        self.send_all([(6, 2, tag, value, "USD", ACCOUNT) for tag, value in values] + [(54, 1, ACCOUNT)])

    def _details(self, asked: Request) -> None:
        wanted = next(
            (
                row
                for row in CONTRACTS.values()
                if (row[1], row[2]) == (asked[4], asked[5])
                and (row[2] != "OPT" or (row[5], float(row[4])) == (asked[8], float(asked[7])))
            ),
            None,
        )
        if wanted is None:
            self.send(4, 2, asked[2], 200, "No security definition has been found for the request", "")
            return
        self.send_all([contract_details(asked[2], wanted), (52, 1, asked[2])])

    def _market_rule(self, asked: Request) -> None:
        self.send(93, asked[1], 2, 0, "0.05", 3, "0.1")


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(size)


def frame(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


# ---- long layouts


def contract_details(request_id: object, row: tuple[str, ...]) -> tuple[object, ...]:
    con_id, symbol, kind, expiry, strike, right, multiplier, exchange, currency, local, trading_class = row
    return (
        10, request_id, symbol, kind, expiry, strike, right, exchange, currency, local, symbol, trading_class, con_id,
        "0.05", multiplier, "LMT,MKT,STP", "CBOE,SMART", 1, 0, "a long name", "CBOE", "202611", "", "", "",
        "US/Eastern",
        "", "", "", "", 0, 1, "SPX", "IND", "32,109", expiry, "", 1, 1, 1,
    )  # fmt: skip


def open_order(
    order_id: int, ref: str, *, row: tuple[str, ...] = OPTION, status: str = "Submitted", action: str = "BUY",
    quantity: float = 2,
    kind: str = "LMT", limit: object = "5.1", stop: object = 0, perm_id: int = 900, client_id: int = 17,
    what_if: int = 0,
    margins: tuple[object, ...] = (UNSET,) * 9, commission: object = "", warning: str = "",
) -> tuple[object, ...]:  # fmt: skip
    """An openOrder as server version 176 writes it, with the fillers that TWS puts into a plain order."""
    return (
        5, order_id, *row, action, quantity, kind, limit, stop, "DAY", "", ACCOUNT, "", 0, ref, client_id, perm_id,
        0, 0, 0, "",
        "", "", "", "", "", "", "", "", "", "", 0, "", -1, 0, "", "", "", "", "", 2147483647, 0, 0, 0, "", 3, 0, 0,
        "", 0, 0, "", 0,
        "None", "", 0, "", "", "", "?", 0, 0, "", 0, "", "6.1", "", "", "", "", 0, 0, 0, 2147483647, 2147483647, "",
        "", 0, "", "IB", 0,
        0, "", 0, what_if, status, *margins, commission, "", "", "USD", warning, 0, 0, 0, "None", UNSET, "6.1",
        UNSET, UNSET, UNSET,
        UNSET, 0, "", "", "", "", 1, 0, 0, 0, "", "", 0, "", "", "", "", "",
    )  # fmt: skip


def order_status(
    order_id: int, status: str = "Submitted", *, filled: object = 0, remaining: object = 2, perm_id: int = 900,
    client_id: int = 17,
    held: str = "",
) -> tuple[object, ...]:  # fmt: skip
    return (3, order_id, status, filled, remaining, 0, perm_id, 0, 0, client_id, held, 0)


def execution(
    order_id: int, exec_id: str, ref: str, *, request_id: object = -1, row: tuple[str, ...] = OPTION,
    side: str = "BOT", shares: object = 2,
    price: object = "5.1", perm_id: int = 900, client_id: int = 17, time: str = "20261120 10:00:01 US/Eastern",
    account: str = ACCOUNT,
) -> tuple[object, ...]:  # fmt: skip
    return (
        11, request_id, order_id, *row, exec_id, time, account, "CBOE", side, shares, price, perm_id, client_id, 0,
        shares, price, ref,
        "", "", "", 2,
    )  # fmt: skip


def commission(exec_id: str, amount: object = "1.3") -> tuple[object, ...]:
    return (59, 1, exec_id, amount, "USD", UNSET, UNSET, "")


def completed_order(
    ref: str, status: str, *, perm_id: int = 900, quantity: float = 2, filled: object = 0
) -> tuple[object, ...]:
    """A completedOrder as server version 176 writes it."""
    return (
        101, *OPTION, "BUY", quantity, "LMT", "5.1", 0, "DAY", "", ACCOUNT, "", 0, ref, perm_id, 0, 0, 0, "", "", "",
        "", "", "", "", "",
        "", "", 0, "", -1, "", "", "", "", "", 2147483647, 0, 0, "", 3, 0, "", 0, "None", "", 0, 0, 0, "", 0, "",
        "6.1", "", "", 0, 0, 0,
        2147483647, 2147483647, "", "", "", "IB", 0, 0, "", 0, status, 0, 0, 0, "6.1", UNSET, "", 1, 0, "", filled,
        0, 0, "Not an insider", 0,
        0, 0, "20261120 10:05:00 US/Eastern", f"{status} by the venue", "", "", "", "", "",
    )  # fmt: skip


def position(
    row: tuple[str, ...] = OPTION, quantity: object = 2, cost: object = "511.3", account: str = ACCOUNT
) -> tuple[object, ...]:
    return (61, 3, account, *row[:7], "", *row[8:], quantity, cost)
