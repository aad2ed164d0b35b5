"""What no polite client shows: raw bytes, bad fields, limits, and every request answered with something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from ib_insync import IB, LimitOrder, Option

from bot.sim.driver import VenueDriver
from bot.sim.tws import ClientLimits, TwsFace
from bot.sim.tws.wire import FrameReader, encode, frame, split
from bot.sim.vocabulary import SimulatedVenue
from tests.sim.tws.conftest import TIMEOUT_S, Site, until
from tests.sim.tws.small_venue import RunningClock, SmallVenue

CALL_1012 = ["1012", "", "", "", "", "", "", "SMART", "", "", "", ""]


class Wire:
    """A client that sends the fields it is told to and keeps every message it gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self._pending: list[list[str]] = []

    def send(self, *fields: object) -> None:
        self._writer.write(encode([str(field) for field in fields]))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> list[str]:
        """Return the next message. Raises ConnectionError when the server has hung up."""
        async with asyncio.timeout(TIMEOUT_S):
            while not self._pending:
                data = await self._reader.read(65536)
                if not data:
                    self.close()
                    raise ConnectionError("closed")
                self._pending += [split(payload) for payload in self._frames.feed(data)]
        return self._pending.pop(0)

    async def until(self, wanted: Callable[[list[str]], bool]) -> list[str]:
        while not wanted(message := await self.receive()):
            pass
        return message

    async def error(self, code: int) -> list[str]:
        return await self.until(lambda fields: fields[0] == "4" and fields[3] == str(code))

    def close(self) -> None:
        self._writer.close()


async def dial(port: int, versions: bytes = b"v157..176") -> Wire:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wire = Wire(reader, writer)
    wire.write(b"API\0" + frame(versions))
    return wire


async def start(port: int, client_id: int = 5, versions: bytes = b"v157..176") -> Wire:
    wire = await dial(port, versions)
    await wire.receive()
    wire.send(71, 2, client_id, "")
    await wire.error(2158)
    return wire


@pytest.fixture
async def wire(site: Site) -> AsyncIterator[Wire]:
    client = await start(site.port)
    yield client
    client.close()


async def test_the_handshake_works_byte_by_byte_and_names_accounts_and_id(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    wire = Wire(reader, writer)
    for byte in b"API\0" + frame(b"v100..157") + encode(["71", "2", "5", ""]):
        wire.write(bytes([byte]))
        await writer.drain()
    version, connected_at = await wire.receive()
    assert version == "157"
    assert connected_at == "20261120 10:00:00 EST"
    assert await wire.receive() == ["15", "1", "DU1234567"]
    assert await wire.receive() == ["9", "1", "1"]
    assert [(await wire.receive())[3] for _ in range(3)] == ["2104", "2106", "2158"]
    wire.close()


async def test_a_client_without_common_version_is_hung_up_on(site: Site) -> None:
    wire = await dial(site.port, b"v100..150")
    with pytest.raises(ConnectionError):
        await wire.receive()


async def test_a_client_id_in_use_gets_326_and_is_hung_up_on(site: Site, wire: Wire) -> None:
    second = await dial(site.port)
    await second.receive()
    second.send(71, 2, 5, "")
    await second.error(326)
    with pytest.raises(ConnectionError):
        await second.receive()
    wire.send(49, 1)
    assert (await wire.receive())[0] == "49"


async def test_requests_before_start_api_are_refused(site: Site) -> None:
    early = await dial(site.port)
    await early.receive()
    early.send(49, 1)
    await early.error(504)
    early.close()


@pytest.mark.parametrize(
    "fields, code",
    [
        ((999, 1), 505),
        ((1, 11, 7, "x"), 320),
        ((1, 11, 7), 320),
        (("junk",), 320),
        ((1, 11, 7, 0, "NOPE", "STK", *[""] * 9, 0, "", 0, 0, ""), 200),
        ((1, 11, 7, 0, "SPY", "OPT", *[""] * 9, 0, "", 0, 0, ""), 200),
        ((1, 11, 7, *CALL_1012, 0, "100,oops", 0, 0, ""), 321),
        ((1, 11, 7, *CALL_1012, 0, "100", 1, 0, ""), 321),
        ((2, 2, 7), 300),
        ((4, 1, 77), 10147),
        ((9, 8, 7, 0, "SPY", "", *[""] * 9, 0, "", "", ""), 321),
        ((11, 1, 7, 0), 310),
        ((15, 1, 1), 321),
        ((18, 1, 1), 321),
        ((20, 7, *CALL_1012, 0, "", "1 fortnight", "1 D", 1, "TRADES", 1, 0, ""), 321),
        ((20, 7, *CALL_1012, 0, "", "1 min", "soon", 1, "TRADES", 1, 0, ""), 321),
        ((20, 7, *CALL_1012, 0, "", "1 secs", "1 Y", 1, "TRADES", 1, 0, ""), 321),
        ((21, 2, 7, 1012, "SPY"), 321),
        ((22, 7, 10, "STK"), 162),
        ((23, 1, 7), 300),
        ((25, 1, 7), 366),
        ((50, 3, 7, *CALL_1012, 5, "VOLUME", 1, ""), 321),
        ((51, 1, 7), 300),
        ((52, 2, 7, 1012, ""), 430),
        ((56, 1, 7), 300),
        ((63, 1, 7), 300),
        ((62, 1, 7, "Friends", "NetLiquidation"), 321),
        ((6, 2, 1, "U999"), 321),
        ((78, 7, "SPY", "", "STK", 999), 321),
        ((84, 7, "BRFG", "x", ""), 10172),
        ((91, 4711), 321),
        ((92, 7, "U999", ""), 321),
        ((96, 7, *CALL_1012, 0, "", "", 10, "TRADES", 1, 0, ""), 321),
        ((97, 7, *CALL_1012, "Sometimes", 0, 0), 321),
        ((98, 7), 300),
        ((100, 7), 10276),
        ((102, 7, 1, "", 0, 0, 0, "", "", ""), 10276),
    ],
)
async def test_what_cannot_be_answered_gets_its_error(wire: Wire, fields: tuple[object, ...], code: int) -> None:
    wire.send(*fields)
    await wire.error(code)
    wire.send(49, 1)
    assert (await wire.until(lambda message: message[0] == "49"))[0] == "49"


@pytest.mark.parametrize(
    "fields, answer",
    [
        ((8, 1, 1), "9"),
        ((17, 1), "15"),
        ((24, 1), "19"),
        ((67, 1, 7), "67"),
        ((74, 1, 7, "DU1234567", ""), "72"),
        ((79, 7), "77"),
        ((80,), "78"),
        ((82,), "80"),
        ((83, 7, "9c0001"), "82"),
        ((85,), "85"),
        ((86, 7, 1012, "", "", "", 10, ""), "87"),
        ((87, 7, *CALL_1012, 0, 1, "TRADES", 1), "88"),
        ((88, 7, *CALL_1012, 0, 1, "3 days"), "89"),
        ((104, 7), "107"),
    ],
)
async def test_small_requests_get_their_answer(wire: Wire, fields: tuple[object, ...], answer: str) -> None:
    wire.send(*fields)
    assert (await wire.receive())[0] == answer


async def test_a_new_order_is_reported_in_tws_order(wire: Wire) -> None:
    _place(wire, 1, limit="0.05")
    seen = [await wire.receive() for _ in range(4)]
    assert [message[0] for message in seen] == ["5", "3", "5", "3"]
    assert [message[2] for message in seen if message[0] == "3"] == ["PreSubmitted", "Submitted"]
    wire.send(4, 1, 1, "")
    cancelled, notice = await wire.receive(), await wire.receive()
    assert cancelled[2] == "Cancelled"
    assert notice[3] == "202"


async def test_a_modification_is_answered_with_submitted_alone(wire: Wire) -> None:
    _place(wire, 1, limit="0.05")
    for _ in range(4):
        await wire.receive()
    for limit in ("0.10", "0.10"):
        _place(wire, 1, limit=limit)
        opened, state = await wire.receive(), await wire.receive()
        assert (opened[0], state[0], state[2]) == ("5", "3", "Submitted")
        assert opened[16] == limit.rstrip("0")


async def test_a_line_that_fails_costs_only_itself(site: Site, wire: Wire) -> None:
    wire.send(1, 11, 1, *CALL_1012, 0, "", 0, 0, "")
    wire.send(92, 2, "DU1234567", "")
    await wire.until(lambda message: message[0] == "94")
    site.venue.market.spot.clear()
    assert (await wire.error(322))[2] == "1"
    wire.send(49, 1)
    await wire.until(lambda message: message[0] == "49")


async def test_a_fill_is_execution_state_state_with_commission_and_report(wire: Wire) -> None:
    _place(wire, 1, limit="50")
    seen = [await wire.receive() for _ in range(10)]
    assert [message[0] for message in seen] == ["5", "3", "5", "3", "11", "5", "3", "5", "3", "59"]
    assert seen[6][2:5] == ["Filled", "1", "0"]


async def test_an_untransmitted_order_is_cancelled_where_it_waits(site: Site, wire: Wire) -> None:
    _place(wire, 1, limit="0.05", transmit="0")
    wire.send(4, 1, 1, "")
    assert (await wire.receive())[2] == "Cancelled"
    assert site.venue.orders == []


async def test_a_child_without_parent_gets_10006(wire: Wire) -> None:
    _place(wire, 2, limit="0.05", parent="1")
    await wire.error(10006)


async def test_global_cancel_reaches_every_clients_orders(site: Site, wire: Wire) -> None:
    _place(wire, 1, limit="0.05")
    other = await start(site.port, client_id=6)
    other.send(58, 1)
    await wire.error(202)
    other.close()


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"quantity": "0"}, 434),
        ({"quantity": "1.5"}, 10243),
        ({"kind": "MIDPRICE"}, 387),
        ({"action": "HOLD"}, 321),
        ({"tif": "FOK"}, 321),
        ({"account": "U999"}, 321),
        ({"limit": ""}, 321),
        ({"tif": "GTD"}, 391),
        ({"con_id": "424242"}, 200),
        ({"con_id": "2"}, 201),
    ],
)
async def test_orders_that_make_no_sense_are_refused_by_code(wire: Wire, changes: dict[str, str], code: int) -> None:
    _place(wire, 1, **changes)
    await wire.error(code)


def _place(
    wire: Wire, order_id: int, *, limit: str = "1", transmit: str = "1", parent: str = "0", quantity: str = "1",
    kind: str = "LMT", action: str = "BUY", tif: str = "DAY", account: str = "", con_id: str = "1012",
) -> None:  # fmt: skip
    contract = [con_id, *CALL_1012[1:]]
    opening = ["", "", action, quantity, kind, limit, "", tif, "", account, "", "0", "", transmit, parent]
    flags = ["0", "0", "0", "0", "0", "0", ""]
    middle = [""] * 31
    rest = [""] * 7 + [""] * 4 + ["0", "", "", "0"] + ["0", "", ""] + ["0", "", "0", "0", "0"] + ["0"] + [""] * 24
    wire.send(3, order_id, *contract, *opening, *flags, *middle, *rest)


async def test_the_101st_line_is_refused(site: Site) -> None:
    site.face.limits = ClientLimits(market_data_lines=2)
    wire = await start(site.port)
    for req_id in (1, 2, 3):
        wire.send(1, 11, req_id, *CALL_1012, 0, "", 0, 0, "")
    assert (await wire.error(101))[2] == "3"
    wire.send(1, 11, 2, *CALL_1012, 0, "", 0, 0, "")
    await wire.error(102)
    wire.close()


async def test_too_many_messages_are_refused_and_then_cost_the_connection(site: Site) -> None:
    site.face.limits = ClientLimits(messages_per_s=10, rate_violations=1)
    wire = await start(site.port)
    for _ in range(12):
        wire.send(49, 1)
    await wire.error(100)
    with pytest.raises(ConnectionError):
        await wire.until(lambda _: False)


async def test_tick_by_tick_on_one_instrument_waits_fifteen_seconds(site: Site) -> None:
    site.face.limits = ClientLimits()
    wire = await start(site.port)
    wire.send(97, 1, *CALL_1012, "BidAsk", 0, 0)
    wire.send(97, 2, *CALL_1012, "Last", 0, 0)
    assert (await wire.error(10190))[2] == "2"
    wire.close()


async def test_a_muted_message_is_swallowed(site: Site, wire: Wire) -> None:
    site.face.mute.add(9)
    wire.send(8, 1, 1)
    wire.send(49, 1)
    assert (await wire.receive())[0] == "49"


async def test_a_master_client_hears_of_everyones_orders() -> None:
    simulated, clock = SimulatedVenue(SmallVenue()), RunningClock()
    face = TwsFace(simulated, clock, master_client_id=9)
    port = await face.start()
    master, trader = await start(port, client_id=9), await start(port, client_id=5)
    _place(trader, 1, limit="0.05")
    assert (await master.receive())[0] == "5"
    master.close()
    trader.close()
    await face.stop()


@pytest.mark.parametrize("version", [157, 158, 159, 163, 164, 170, 174, 176])
async def test_ib_insync_reads_every_layout_from_157_to_176(version: int) -> None:
    simulated, clock = SimulatedVenue(SmallVenue()), RunningClock()
    face = TwsFace(simulated, clock, max_version=version)
    driver = VenueDriver(simulated, clock)
    port = await face.start()
    await driver.start()
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=TIMEOUT_S)
    assert ib.client.serverVersion() == version
    (details,) = await ib.reqContractDetailsAsync(Option("SPY", "20261120", 600, "C", "SMART"))
    assert details.marketRuleIds == "110,110"
    assert details.minTick == 0.01
    assert details.contract is not None
    trade = ib.placeOrder(details.contract, LimitOrder("BUY", 1, 50.0, tif="DAY", orderRef="layout"))
    await until(
        lambda: bool(trade.fills) and bool(trade.fills[0].commissionReport.commission), trade.commissionReportEvent
    )
    (completed,) = await ib.reqCompletedOrdersAsync(False)
    assert completed.order.filledQuantity == 1
    assert completed.order.orderRef == "layout"
    assert completed.contract is not None
    assert completed.contract.conId == details.contract.conId
    ib.disconnect()
    await driver.stop()
    await face.stop()
