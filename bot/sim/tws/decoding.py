"""Which bytes mean which request: the table from message id to reader, by negotiated server version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final, get_type_hints

from bot.sim.tws import requests
from bot.sim.tws.order_requests import read_contract, read_place_order, skip_delta_neutral, skip_legs
from bot.sim.tws.requests import ContractQuery, WireRequest
from bot.sim.tws.wire import Fields, ProtocolError

Reader = Callable[[Fields, int], WireRequest]

_READERS: Final[dict[Any, Callable[[Fields], Any]]] = {
    int: Fields.integer,
    bool: Fields.boolean,
    str: Fields.text,
    Decimal | None: Fields.number,
    ContractQuery: read_contract,
}


def _plain(kind: type[WireRequest], *, versioned: bool = True) -> Reader:
    """Build the reader of a request whose dataclass is its layout; `versioned` messages carry a version first."""
    hints = get_type_hints(kind)
    readers = [_READERS[hints[field.name]] for field in fields(kind)]

    def read(source: Fields, version: int) -> WireRequest:
        del version
        if versioned:
            source.skip(1)
        return kind(*[reader(source) for reader in readers])

    return read


def _start_api(source: Fields, version: int) -> WireRequest:
    del version
    source.skip(1)
    return requests.StartApi(source.integer(), source.optional_text())


def _market_data(source: Fields, version: int) -> WireRequest:
    del version
    source.skip(1)
    req_id, contract = source.integer(), read_contract(source)
    skip_legs(source, contract)
    skip_delta_neutral(source)
    return requests.MarketData(req_id, contract, source.text(), source.boolean(), source.optional_boolean())


def _contract_details(source: Fields, version: int) -> WireRequest:
    del version
    source.skip(1)
    return requests.ContractDetails(
        source.integer(),
        read_contract(source),
        source.boolean(),
        source.optional_text(),
        source.optional_text(),
    )


def _historical_data(source: Fields, version: int) -> WireRequest:
    del version
    req_id, contract, expired = source.integer(), read_contract(source), source.boolean()
    end, bar_size, duration = source.text(), source.text(), source.text()
    regular, what, date_format = source.boolean(), source.text(), source.integer()
    skip_legs(source, contract)
    keep = source.optional_boolean()
    return requests.HistoricalData(req_id, contract, expired, end, bar_size, duration, regular, what, date_format, keep)


def _histogram(source: Fields, version: int) -> WireRequest:
    del version
    req_id, contract, _expired = source.integer(), read_contract(source), source.boolean()
    return requests.Histogram(req_id, contract, source.boolean(), source.text())


DECODERS: Final[dict[int, Reader]] = {
    1: _market_data,
    2: _plain(requests.CancelMarketData),
    3: read_place_order,
    4: _plain(requests.CancelTicket),
    5: _plain(requests.OpenOrders),
    6: _plain(requests.AccountUpdates),
    7: _plain(requests.ExecutionFilter),
    8: _plain(requests.NextIds),
    9: _contract_details,
    10: _plain(requests.MarketDepth),
    11: _plain(requests.CancelMarketDepth),
    12: _plain(requests.NewsBulletins),
    13: _plain(requests.CancelNewsBulletins),
    14: _plain(requests.ServerLogLevel),
    15: _plain(requests.AutoOpenOrders),
    16: _plain(requests.AllOpenOrders),
    17: _plain(requests.ManagedAccounts),
    18: _plain(requests.RequestAdvisorConfig),
    19: _plain(requests.ReplaceAdvisorConfig),
    20: _historical_data,
    21: _plain(requests.ExerciseOptions),
    22: _plain(requests.ScannerSubscription, versioned=False),
    23: _plain(requests.CancelAnswered),
    24: _plain(requests.ScannerParameters),
    25: _plain(requests.CancelHistoricalData),
    49: _plain(requests.CurrentTime),
    50: _plain(requests.RealTimeBarsAsk),
    51: _plain(requests.CancelRealTimeBars),
    52: _plain(requests.FundamentalData),
    53: _plain(requests.CancelAnswered),
    54: _plain(requests.ImpliedVolatility),
    55: _plain(requests.OptionPrice),
    56: _plain(requests.CancelAnswered),
    57: _plain(requests.CancelAnswered),
    58: _plain(requests.GlobalCancel),
    59: _plain(requests.MarketDataType),
    61: _plain(requests.Positions),
    62: _plain(requests.AccountSummary),
    63: _plain(requests.CancelAccountSummary),
    64: _plain(requests.CancelPositions),
    67: _plain(requests.DisplayGroups),
    71: _start_api,
    74: _plain(requests.PositionsMulti),
    75: _plain(requests.CancelPositionsMulti),
    76: _plain(requests.AccountUpdatesMulti),
    77: _plain(requests.CancelAccountUpdatesMulti),
    78: _plain(requests.OptionParameters, versioned=False),
    79: _plain(requests.SoftDollarTiers, versioned=False),
    80: _plain(requests.FamilyCodes, versioned=False),
    81: _plain(requests.MatchingSymbols, versioned=False),
    82: _plain(requests.DepthExchanges, versioned=False),
    83: _plain(requests.SmartComponents, versioned=False),
    84: _plain(requests.NewsArticle, versioned=False),
    85: _plain(requests.NewsProviders, versioned=False),
    86: _plain(requests.HistoricalNews, versioned=False),
    87: _plain(requests.HeadTimestamp, versioned=False),
    88: _histogram,
    89: _plain(requests.CancelAnswered, versioned=False),
    90: _plain(requests.CancelAnswered, versioned=False),
    91: _plain(requests.MarketRule, versioned=False),
    92: _plain(requests.Pnl, versioned=False),
    93: _plain(requests.CancelPnl, versioned=False),
    94: _plain(requests.PnlSingle, versioned=False),
    95: _plain(requests.CancelPnlSingle, versioned=False),
    96: _plain(requests.HistoricalTicks, versioned=False),
    97: _plain(requests.TickByTick, versioned=False),
    98: _plain(requests.CancelTickByTick, versioned=False),
    99: _plain(requests.CompletedOrders, versioned=False),
    100: _plain(requests.WallStreetHorizon, versioned=False),
    101: _plain(requests.CancelAnswered, versioned=False),
    102: _plain(requests.WallStreetHorizon, versioned=False),
    103: _plain(requests.CancelAnswered, versioned=False),
    104: _plain(requests.UserInfo, versioned=False),
}


def message_id(raw: list[str]) -> int:
    """Return the id that opens a request. Raises ProtocolError when it is no number."""
    try:
        return int(raw[0])
    except (IndexError, ValueError):
        raise ProtocolError(f"message id is not a number: {raw[:1]!r}") from None


def decode(raw: list[str], version: int) -> WireRequest:
    """Return what a client's fields ask for. Raises ProtocolError on fields that its message cannot have."""
    number = message_id(raw)
    reader = DECODERS.get(number)
    if reader is None:
        return requests.Unknown(number)
    return reader(Fields(raw[1:]), version)


def request_id(raw: list[str]) -> int:
    """Return the id that an unreadable request most likely carried, -1 when it has none: errors are sent to it."""
    if not raw or raw[0] in _WITHOUT_ID:
        return -1
    try:
        return int(raw[2 if raw[0] in _VERSION_BEFORE_ID else 1])
    except (ValueError, IndexError):
        return -1


def _ids(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WITHOUT_ID: Final = _ids("5 6 8 12 13 14 15 16 17 18 24 49 58 59 61 64 71 80 82 85 91 99")
_VERSION_BEFORE_ID: Final = _ids("1 2 4 7 9 10 11 21 23 25 50 51 52 53 54 55 56 57 62 63 67 74 75 76 77")
