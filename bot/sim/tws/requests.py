"""What clients ask: one frozen dataclass per message.

A request's fields stand in wire order, and their types say how `decoding` reads each (`int`, `bool`, `str`,
`Decimal | None`, `ContractQuery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """The twelve fields by which a client names a contract; any of them may be empty."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: Decimal | None = None
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Anything a client can ask."""


@dataclass(frozen=True, slots=True)
class Unknown(Request):
    """A message id that the venue does not know."""

    message_id: int


@dataclass(frozen=True, slots=True)
class StartApi(Request):
    client_id: int
    capabilities: str = ""


@dataclass(frozen=True, slots=True)
class MarketData(Request):
    req_id: int
    contract: ContractQuery
    generic_ticks: str
    snapshot: bool
    regulatory_snapshot: bool


@dataclass(frozen=True, slots=True)
class CancelMarketData(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class PlaceOrder(Request):
    """A placeOrder: what the venue acts on by name, everything else as the client wrote it in `attributes`."""

    order_id: int
    contract: ContractQuery
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    tif: str
    oca_group: str
    account: str
    order_ref: str
    transmit: bool
    parent_id: int
    outside_rth: bool
    good_till: str
    oca_type: int
    trail_stop_price: Decimal | None
    trailing_percent: Decimal | None
    what_if: bool
    algo: str
    conditions: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelOrder(Request):
    order_id: int


@dataclass(frozen=True, slots=True)
class OpenOrders(Request):
    pass


@dataclass(frozen=True, slots=True)
class AllOpenOrders(Request):
    pass


@dataclass(frozen=True, slots=True)
class AutoOpenOrders(Request):
    bind: bool


@dataclass(frozen=True, slots=True)
class AccountUpdates(Request):
    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True)
class Executions(Request):
    req_id: int
    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


@dataclass(frozen=True, slots=True)
class NextIds(Request):
    count: int


@dataclass(frozen=True, slots=True)
class ContractDetails(Request):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    sec_id_type: str
    sec_id: str


@dataclass(frozen=True, slots=True)
class MarketDepth(Request):
    req_id: int
    contract: ContractQuery
    rows: int
    smart: bool


@dataclass(frozen=True, slots=True)
class CancelMarketDepth(Request):
    req_id: int
    smart: bool


@dataclass(frozen=True, slots=True)
class NewsBulletins(Request):
    all_messages: bool


@dataclass(frozen=True, slots=True)
class CancelNewsBulletins(Request):
    pass


@dataclass(frozen=True, slots=True)
class ServerLogLevel(Request):
    level: int


@dataclass(frozen=True, slots=True)
class ManagedAccounts(Request):
    pass


@dataclass(frozen=True, slots=True)
class RequestAdvisorConfig(Request):
    kind: int


@dataclass(frozen=True, slots=True)
class ReplaceAdvisorConfig(Request):
    kind: int
    xml: str
    req_id: int


@dataclass(frozen=True, slots=True)
class HistoricalData(Request):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    end: str
    bar_size: str
    duration: str
    regular_hours: bool
    what: str
    date_format: int
    keep_up_to_date: bool


@dataclass(frozen=True, slots=True)
class CancelHistoricalData(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class ExerciseOptions(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class ScannerSubscription(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class ScannerParameters(Request):
    pass


@dataclass(frozen=True, slots=True)
class CurrentTime(Request):
    pass


@dataclass(frozen=True, slots=True)
class RealTimeBars(Request):
    req_id: int
    contract: ContractQuery
    bar_size: int
    what: str
    regular_hours: bool


@dataclass(frozen=True, slots=True)
class CancelRealTimeBars(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class FundamentalData(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class ImpliedVolatility(Request):
    req_id: int
    contract: ContractQuery
    option_price: Decimal | None
    underlying_price: Decimal | None


@dataclass(frozen=True, slots=True)
class OptionPrice(Request):
    req_id: int
    contract: ContractQuery
    volatility: Decimal | None
    underlying_price: Decimal | None


@dataclass(frozen=True, slots=True)
class CancelAnswered(Request):
    """A cancel of what is always answered at once: calculations, scanners, fundamentals, histograms, calendars."""

    req_id: int


@dataclass(frozen=True, slots=True)
class GlobalCancel(Request):
    pass


@dataclass(frozen=True, slots=True)
class MarketDataType(Request):
    kind: int


@dataclass(frozen=True, slots=True)
class Positions(Request):
    pass


@dataclass(frozen=True, slots=True)
class CancelPositions(Request):
    pass


@dataclass(frozen=True, slots=True)
class AccountSummary(Request):
    req_id: int
    group: str
    tags: str


@dataclass(frozen=True, slots=True)
class CancelAccountSummary(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class DisplayGroups(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class PositionsMulti(Request):
    req_id: int
    account: str
    model: str


@dataclass(frozen=True, slots=True)
class CancelPositionsMulti(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class AccountUpdatesMulti(Request):
    req_id: int
    account: str
    model: str
    ledger_only: bool


@dataclass(frozen=True, slots=True)
class CancelAccountUpdatesMulti(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class OptionParameters(Request):
    req_id: int
    symbol: str
    future_exchange: str
    sec_type: str
    con_id: int


@dataclass(frozen=True, slots=True)
class SoftDollarTiers(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class FamilyCodes(Request):
    pass


@dataclass(frozen=True, slots=True)
class MatchingSymbols(Request):
    req_id: int
    pattern: str


@dataclass(frozen=True, slots=True)
class DepthExchanges(Request):
    pass


@dataclass(frozen=True, slots=True)
class SmartComponents(Request):
    req_id: int
    bbo_exchange: str


@dataclass(frozen=True, slots=True)
class NewsArticle(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class NewsProviders(Request):
    pass


@dataclass(frozen=True, slots=True)
class HistoricalNews(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class HeadTimestamp(Request):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    regular_hours: bool
    what: str
    date_format: int


@dataclass(frozen=True, slots=True)
class Histogram(Request):
    req_id: int
    contract: ContractQuery
    regular_hours: bool
    period: str


@dataclass(frozen=True, slots=True)
class MarketRule(Request):
    rule_id: int


@dataclass(frozen=True, slots=True)
class Pnl(Request):
    req_id: int
    account: str
    model: str


@dataclass(frozen=True, slots=True)
class CancelPnl(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class PnlSingle(Request):
    req_id: int
    account: str
    model: str
    con_id: int


@dataclass(frozen=True, slots=True)
class CancelPnlSingle(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class HistoricalTicks(Request):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    start: str
    end: str
    count: int
    what: str
    regular_hours: bool
    ignore_size: bool


@dataclass(frozen=True, slots=True)
class TickByTick(Request):
    req_id: int
    contract: ContractQuery
    kind: str
    count: int
    ignore_size: bool


@dataclass(frozen=True, slots=True)
class CancelTickByTick(Request):
    req_id: int


@dataclass(frozen=True, slots=True)
class CompletedOrders(Request):
    api_only: bool


@dataclass(frozen=True, slots=True)
class WallStreetHorizon(Request):
    """The corporate calendar: meta data and events alike."""

    req_id: int


@dataclass(frozen=True, slots=True)
class UserInfo(Request):
    req_id: int
