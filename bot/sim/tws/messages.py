"""Encoding of the venue's short messages. Where the wire repeats a constant version, it stands first in the fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from bot.sim.tws.contracts import contract_fields
from bot.sim.tws.wire import UNSET_DOUBLE, Value, WireMessage, spell_time
from bot.sim.vocabulary import Bar, ModelGreeks, Side, VenueExecution, VenueInstrument, VenuePosition

# Tick types that more than one module names.
BID, ASK, LAST, HIGH, LOW, CLOSE, OPEN, MARK = 1, 2, 4, 6, 7, 9, 14, 37
BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME = 0, 3, 5, 8
BID_GREEKS, ASK_GREEKS, LAST_GREEKS, MODEL_GREEKS, CUSTOM_GREEKS = 10, 11, 12, 13, 53

INSERT, UPDATE, DELETE = 0, 1, 2


def managed_accounts(accounts: Sequence[str]) -> WireMessage:
    return WireMessage(15, (1, ",".join(accounts)))


def next_valid_id(order_id: int) -> WireMessage:
    return WireMessage(9, (1, order_id))


def error(req_id: int, code: int, text: str, version: int) -> WireMessage:
    """Return an error or notice; id -1 is the system's. A backslash in the text would break the clients' decoding."""
    fields: tuple[Value, ...] = (2, req_id, code, text.replace("\\", "/"))
    return WireMessage(4, (*fields, "") if version >= 166 else fields)


def current_time(at: datetime) -> WireMessage:
    return WireMessage(49, (1, int(at.timestamp())))


def market_data_type(req_id: int, kind: int) -> WireMessage:
    return WireMessage(58, (1, req_id, kind))


def tick_request_parameters(req_id: int, instrument: VenueInstrument) -> WireMessage:
    return WireMessage(81, (req_id, instrument.min_tick, "9c0001", 3))


def tick_price(req_id: int, tick: int, price: Decimal | int, size: int, mask: int = 0) -> WireMessage:
    return WireMessage(1, (6, req_id, tick, price, size, mask))


def tick_size(req_id: int, tick: int, size: int) -> WireMessage:
    return WireMessage(2, (6, req_id, tick, size))


def tick_generic(req_id: int, tick: int, value: float | int) -> WireMessage:
    return WireMessage(45, (6, req_id, tick, value))


def tick_string(req_id: int, tick: int, value: str) -> WireMessage:
    return WireMessage(46, (6, req_id, tick, value))


def option_computation(req_id: int, tick: int, greeks: ModelGreeks | None) -> WireMessage:
    """Return tickOptionComputation; None is "not computed" and is spelled with TWS's sentinels -1 and -2."""
    if greeks is None:
        return WireMessage(21, (req_id, tick, 0, -1, -2, -1, -1, -2, -2, -2, -1))
    return WireMessage(
        21,
        (
            req_id,
            tick,
            0,
            greeks.iv,
            greeks.delta,
            greeks.price,
            0,
            greeks.gamma,
            greeks.vega,
            greeks.theta,
            greeks.underlying,
        ),
    )


def snapshot_end(req_id: int) -> WireMessage:
    return WireMessage(57, (1, req_id))


def depth_row(req_id: int, position: int, operation: int, side: int, price: Value, size: int) -> WireMessage:
    return WireMessage(12, (1, req_id, position, operation, side, price, size))


def smart_depth_row(
    req_id: int, position: int, maker: str, operation: int, side: int, price: Value, size: int, smart: bool
) -> WireMessage:
    return WireMessage(13, (1, req_id, position, maker, operation, side, price, size, smart))


def real_time_bar(req_id: int, bar: Bar) -> WireMessage:
    return WireMessage(
        50,
        (3, req_id, int(bar.at.timestamp()), bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count),
    )


def account_value(tag: str, value: str, currency: str, account: str) -> WireMessage:
    return WireMessage(6, (2, tag, value, currency, account))


def portfolio(
    position: VenuePosition, mark: Decimal, value: Decimal, unrealized: Decimal, average: Decimal, account: str
) -> WireMessage:
    """Return updatePortfolio; `mark` and `value` are per share and total, `average` includes the multiplier."""
    instrument = position.instrument
    contract = contract_fields(instrument, exchange=instrument.primary_exchange or instrument.exchange, right="0")
    return WireMessage(
        7, (8, *contract, position.quantity, mark, value, average, unrealized, position.realized_pnl, account)
    )


def account_time(at: datetime, zone: ZoneInfo) -> WireMessage:
    return WireMessage(8, (1, f"{at.astimezone(zone):%H:%M}"))


def account_download_end(account: str) -> WireMessage:
    return WireMessage(54, (1, account))


def position(held: VenuePosition, account: str) -> WireMessage:
    """Return position (61). TWS leaves the exchange of held contracts empty."""
    contract = contract_fields(held.instrument, exchange="", right="")
    return WireMessage(61, (3, account, *contract, held.quantity, held.average_cost))


def position_end() -> WireMessage:
    return WireMessage(62, (1,))


def position_multi(req_id: int, held: VenuePosition, account: str, model: str) -> WireMessage:
    contract = contract_fields(held.instrument, exchange="", right="")
    return WireMessage(71, (1, req_id, account, *contract, held.quantity, held.average_cost, model))


def account_summary(req_id: int, account: str, tag: str, value: str, currency: str) -> WireMessage:
    return WireMessage(63, (1, req_id, account, tag, value, currency))


def account_update_multi(req_id: int, account: str, model: str, tag: str, value: str, currency: str) -> WireMessage:
    return WireMessage(73, (1, req_id, account, model, tag, value, currency))


def end(message_id: int, req_id: int) -> WireMessage:
    """Return the end of a versioned listing: 52 contract details, 55 executions, 64 summary, 72 / 74 multi."""
    return WireMessage(message_id, (1, req_id))


def pnl(req_id: int, daily: Decimal, unrealized: Decimal, realized: Decimal) -> WireMessage:
    return WireMessage(94, (req_id, daily, unrealized, realized))


def pnl_single(
    req_id: int, quantity: int, daily: Value, unrealized: Value, realized: Value, value: Decimal
) -> WireMessage:
    return WireMessage(95, (req_id, quantity, daily, unrealized, realized, value))


_SIDES: Final = {Side.BUY: "BOT", Side.SELL: "SLD"}


def execution(req_id: int, fill: VenueExecution, account: str, zone: ZoneInfo, version: int) -> WireMessage:
    """Return execDetails (11); live ones carry req_id -1."""
    instrument = fill.instrument
    venue = instrument.primary_exchange or instrument.exchange
    fields: tuple[Value, ...] = (
        req_id,
        fill.order_id,
        *contract_fields(instrument, exchange=instrument.exchange or venue),
        fill.exec_id,
        spell_time(fill.at, zone, version),
        account,
        venue,
        _SIDES[fill.side],
        fill.quantity,
        fill.price,
        fill.perm_id,
        fill.client_id,
        0,
        fill.cumulative,
        fill.average_price,
        fill.order_ref,
        "",
        "",
        "",
        2,
    )
    return WireMessage(11, (*fields, 0) if version >= 178 else fields)


def commission(fill: VenueExecution) -> WireMessage:
    """Return commissionReport (59); a fill that opens has no realized P&L, which is the unset double."""
    realized = UNSET_DOUBLE if fill.realized_pnl is None else fill.realized_pnl
    return WireMessage(59, (1, fill.exec_id, fill.commission, fill.instrument.currency, realized, UNSET_DOUBLE, ""))


def tick_by_tick_trade(
    req_id: int, kind: int, at: datetime, price: Decimal, size: int, venue: str, note: str
) -> WireMessage:
    return WireMessage(99, (req_id, kind, int(at.timestamp()), price, size, 0, venue, note))


def tick_by_tick_quote(req_id: int, at: datetime, bid: Value, ask: Value, bid_size: int, ask_size: int) -> WireMessage:
    return WireMessage(99, (req_id, 3, int(at.timestamp()), bid, ask, bid_size, ask_size, 0))


def tick_by_tick_midpoint(req_id: int, at: datetime, price: Decimal) -> WireMessage:
    return WireMessage(99, (req_id, 4, int(at.timestamp()), price))


DEPTH_EXCHANGES: Final = WireMessage(
    80, (4, "ARCA", "STK", "", "Deep2", 1, "ISLAND", "STK", "", "Deep2", 1, "CBOE", "OPT", "", "Deep", 2, "BOX", "OPT",
         "", "Deep", 2),
)  # fmt: skip
EMPTY_SCANNER_XML: Final = '<?xml version="1.0" encoding="UTF-8"?><ScanParameterResponse></ScanParameterResponse>'
_SMART_COMPONENTS: Final = ((0, "AMEX", "A"), (1, "ARCA", "P"), (2, "CBOE", "W"), (3, "NASDAQ", "Q"), (4, "NYSE", "N"))


def smart_components(req_id: int) -> WireMessage:
    return WireMessage(82, (req_id, len(_SMART_COMPONENTS), *(value for row in _SMART_COMPONENTS for value in row)))
