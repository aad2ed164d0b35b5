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
class WireRequest:
    """Anything a client can ask."""


@dataclass(frozen=True, slots=True)
class Unknown(WireRequest):
    """A message id that the venue does not know."""

    message_id: int


@dataclass(frozen=True, slots=True)
class StartApi(WireRequest):
    client_id: int
    capabilities: str = ""


@dataclass(frozen=True, slots=True)
class MarketData(WireRequest):
    req_id: int
    contract: ContractQuery
    generic_ticks: str
    snapshot: bool
    regulatory_snapshot: bool


@dataclass(frozen=True, slots=True)
class CancelMarketData(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class PlaceOrder(WireRequest):
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
    algo_params: Mapping[str, str]
    conditions: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelTicket(WireRequest):
    order_id: int


@dataclass(frozen=True, slots=True)
class OpenOrders(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class AllOpenOrders(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class AutoOpenOrders(WireRequest):
    bind: bool


@dataclass(frozen=True, slots=True)
class AccountUpdates(WireRequest):
    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True)
class ExecutionFilter(WireRequest):
    req_id: int
    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


@dataclass(frozen=True, slots=True)
class NextIds(WireRequest):
    count: int


@dataclass(frozen=True, slots=True)
class ContractDetails(WireRequest):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    sec_id_type: str
    sec_id: str


@dataclass(frozen=True, slots=True)
class MarketDepth(WireRequest):
    req_id: int
    contract: ContractQuery
    rows: int
    smart: bool


@dataclass(frozen=True, slots=True)
class CancelMarketDepth(WireRequest):
    req_id: int
    smart: bool


@dataclass(frozen=True, slots=True)
class NewsBulletins(WireRequest):
    all_messages: bool


@dataclass(frozen=True, slots=True)
class CancelNewsBulletins(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class ServerLogLevel(WireRequest):
    level: int


@dataclass(frozen=True, slots=True)
class ManagedAccounts(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class RequestAdvisorConfig(WireRequest):
    kind: int


@dataclass(frozen=True, slots=True)
class ReplaceAdvisorConfig(WireRequest):
    kind: int
    xml: str
    req_id: int


@dataclass(frozen=True, slots=True)
class HistoricalData(WireRequest):
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
class CancelHistoricalData(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class ExerciseOptions(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class ScannerSubscription(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class ScannerParameters(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class CurrentTime(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class RealTimeBarsAsk(WireRequest):
    req_id: int
    contract: ContractQuery
    bar_size: int
    what: str
    regular_hours: bool


@dataclass(frozen=True, slots=True)
class CancelRealTimeBars(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class FundamentalData(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class ImpliedVolatility(WireRequest):
    req_id: int
    contract: ContractQuery
    option_price: Decimal | None
    underlying_price: Decimal | None


@dataclass(frozen=True, slots=True)
class OptionPrice(WireRequest):
    req_id: int
    contract: ContractQuery
    volatility: Decimal | None
    underlying_price: Decimal | None


@dataclass(frozen=True, slots=True)
class CancelAnswered(WireRequest):
    """A cancel of what is always answered at once: calculations, scanners, fundamentals, histograms, calendars."""

    req_id: int


@dataclass(frozen=True, slots=True)
class GlobalCancel(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class MarketDataType(WireRequest):
    kind: int


@dataclass(frozen=True, slots=True)
class Positions(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class CancelPositions(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class AccountSummary(WireRequest):
    req_id: int
    group: str
    tags: str


@dataclass(frozen=True, slots=True)
class CancelAccountSummary(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class DisplayGroups(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class PositionsMulti(WireRequest):
    req_id: int
    account: str
    model: str


@dataclass(frozen=True, slots=True)
class CancelPositionsMulti(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class AccountUpdatesMulti(WireRequest):
    req_id: int
    account: str
    model: str
    ledger_only: bool


@dataclass(frozen=True, slots=True)
class CancelAccountUpdatesMulti(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class OptionParameters(WireRequest):
    req_id: int
    symbol: str
    future_exchange: str
    sec_type: str
    con_id: int


@dataclass(frozen=True, slots=True)
class SoftDollarTiers(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class FamilyCodes(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class MatchingSymbols(WireRequest):
    req_id: int
    pattern: str


@dataclass(frozen=True, slots=True)
class DepthExchanges(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class SmartComponents(WireRequest):
    req_id: int
    bbo_exchange: str


@dataclass(frozen=True, slots=True)
class NewsArticle(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class NewsProviders(WireRequest):
    pass


@dataclass(frozen=True, slots=True)
class HistoricalNews(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class HeadTimestamp(WireRequest):
    req_id: int
    contract: ContractQuery
    include_expired: bool
    regular_hours: bool
    what: str
    date_format: int


@dataclass(frozen=True, slots=True)
class Histogram(WireRequest):
    req_id: int
    contract: ContractQuery
    regular_hours: bool
    period: str


@dataclass(frozen=True, slots=True)
class MarketRule(WireRequest):
    rule_id: int


@dataclass(frozen=True, slots=True)
class Pnl(WireRequest):
    req_id: int
    account: str
    model: str


@dataclass(frozen=True, slots=True)
class CancelPnl(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class PnlSingle(WireRequest):
    req_id: int
    account: str
    model: str
    con_id: int


@dataclass(frozen=True, slots=True)
class CancelPnlSingle(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class HistoricalTicks(WireRequest):
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
class TickByTick(WireRequest):
    req_id: int
    contract: ContractQuery
    kind: str
    count: int
    ignore_size: bool


@dataclass(frozen=True, slots=True)
class CancelTickByTick(WireRequest):
    req_id: int


@dataclass(frozen=True, slots=True)
class CompletedOrders(WireRequest):
    api_only: bool


@dataclass(frozen=True, slots=True)
class WallStreetHorizon(WireRequest):
    """The corporate calendar: meta data and events alike."""

    req_id: int


@dataclass(frozen=True, slots=True)
class UserInfo(WireRequest):
    req_id: int
