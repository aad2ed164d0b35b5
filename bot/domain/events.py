"""Facts from outside, in the past tense: what the inbox holds and the tick applies. Adapters make them, nobody else.

Every instrument is named by its key (`bot.domain.instruments`); every time is ours unless it says otherwise. Words that
others chose pass the border (`bot.domain.outside`) where the fact is made, so that no fact can go round it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from bot.domain.bars import PriceBar
from bot.domain.chains import Chain
from bot.domain.hours import DayHours
from bot.domain.instruments import PLAIN_MULTIPLIER, Instrument, OptionContract, PriceGrid
from bot.domain.notices import severity_of
from bot.domain.order import Execution, OrderSide, RefusalKind
from bot.domain.outside import facts, outside, sentence
from bot.domain.quotes import Depth, Greeks, Quote, TradePrint


def _through(event: object, **words: object) -> None:
    """Set the words of a frozen fact that is being made."""
    for name, said in words.items():
        object.__setattr__(event, name, said)


# ---- market data (conflated per instrument; the last one wins)


@dataclass(frozen=True, slots=True)
class QuoteReceived:
    """`passed`: what came since the tick before and was passed over by this one, the oldest first. A price that the
    market took back meanwhile must not look as if it had stood."""

    key: str
    quote: Quote
    passed: tuple[Quote, ...] = ()
    context: bool = False  # watched for context alone: shown, and no underlying of anything that is traded


@dataclass(frozen=True, slots=True)
class QuoteSnapshot:
    """What was asked for once, without a line: as old as its time, and nothing keeps it up to date."""

    key: str
    quote: Quote
    greeks: Greeks | None = None


@dataclass(frozen=True, slots=True)
class ChainTold:
    """What the broker lists of options on an underlying."""

    symbol: str
    chain: Chain


@dataclass(frozen=True, slots=True)
class LinesHeard:
    """Which lines are healthy at `at`: subscribed and answered, without an error, farm and link connected, and
    the broker heard of since the last such word. What they last said is still the price; of any other line it may not
    be. By the keys of quotes and of books."""

    quotes: frozenset[str]
    books: frozenset[str]
    at: datetime
    key: str = "*"  # the latest word on all of them counts


@dataclass(frozen=True, slots=True)
class LineReported:
    """How one market data line stands: `rank` and `state` are words of `bot.domain.lines`, `group_name` the universe's
    group that it belongs to (empty: none), `gaps` what was found missing in its sequence on this connection."""

    key: str
    kind: str  # quote, book, trades, bars
    rank: str
    group_name: str
    state: str
    detail: str
    ticked_at: datetime | None
    gaps: int
    at: datetime

    def __post_init__(self) -> None:
        _through(self, detail=outside(self.detail))


@dataclass(frozen=True, slots=True)
class GreeksReceived:
    key: str
    greeks: Greeks


@dataclass(frozen=True, slots=True)
class BookReceived:
    key: str
    book: Depth


@dataclass(frozen=True, slots=True)
class TradesReceived:
    key: str
    trades: Sequence[TradePrint]


@dataclass(frozen=True, slots=True)
class BarsReceived:
    """Bars of one instrument, of five seconds or a minute, each perhaps not for the first time."""

    key: str
    bars: Sequence[PriceBar]


@dataclass(frozen=True, slots=True)
class PositionPnlTold:
    """What the broker reckons that a holding brought, in dollars: of the day, unrealized, realized, and its value; None
    where it does not say. Shown and compared, never counted: our own figures come from fills."""

    key: str
    quantity: int
    daily: Decimal | None
    unrealized: Decimal | None
    realized: Decimal | None
    value: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CurrencyTold:
    """What the account holds in one currency, in that currency; `exchange_rate` is to the account's own."""

    account: str
    currency: str
    cash: Decimal | None
    net_liquidation: Decimal | None
    exchange_rate: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ContractQualified:
    """The broker knows the contract: its id and its price grid are now fixed. `con_id` None: the broker does not know
    it."""

    key: str
    con_id: int | None
    grid: PriceGrid | None = None
    detail: str = ""
    instrument: Instrument | None = None  # as contract details name it

    def __post_init__(self) -> None:
        _through(self, detail=outside(self.detail))


# ---- orders (never conflated)


class BrokerOrderStatus(StrEnum):
    """What the broker says of an order, in our words; the adapter's table maps every word that TWS has."""

    PENDING = "pending"  # received by the gateway, not yet at the venue
    WORKING = "working"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FILLED = "filled"
    INACTIVE = "inactive"  # refused or held: the error that came with it says which


AT_BROKER: Final = frozenset({BrokerOrderStatus.PENDING, BrokerOrderStatus.WORKING})
"""Live, and on nobody's way out."""
MAY_FILL: Final = AT_BROKER | {BrokerOrderStatus.CANCELLING}


@dataclass(frozen=True, slots=True)
class BrokerOrderView:
    """One order as the broker shows it (openOrder, orderStatus or completedOrder, whichever came)."""

    order_ref: str
    perm_id: int
    order_id: int
    client_id: int
    contract_key: str
    side: OrderSide
    status: BrokerOrderStatus
    quantity: int
    filled_quantity: int | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    at: datetime
    detail: str = ""

    def __post_init__(self) -> None:
        _through(self, detail=outside(self.detail))


@dataclass(frozen=True, slots=True)
class OrderSent:
    """The adapter wrote the order (or its modification) to the socket."""

    order_ref: str
    order_id: int
    client_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderNotSent:
    """The adapter could not send it; nothing reached the broker."""

    order_ref: str
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        _through(self, reason=outside(self.reason))


@dataclass(frozen=True, slots=True)
class OrderReported:
    view: BrokerOrderView


class ErrorMeaning(StrEnum):
    """What an error code on an order tells of it (the adapter's code table)."""

    REJECTED = "rejected"  # terminal for a new order
    NOT_PLACED = "not_placed"  # this placement or modification did not happen; an older version may be live
    CANCEL_REFUSED = "cancel_refused"  # not cancellable or not found: look again
    CANCEL_REPORTED = "cancel_reported"  # 202: cancelled, once the status says so
    WARNING = "warning"  # the order is live
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class OrderErred:
    """An error that names an order of ours; `order_id` is the sending that it speaks of, 0 where that is not known.
    `refusal` is what its words say beyond the code; None: nothing that decides."""

    order_ref: str
    code: int
    text: str
    meaning: ErrorMeaning
    at: datetime
    order_id: int = 0
    refusal: RefusalKind | None = None

    def __post_init__(self) -> None:
        _through(self, text=outside(self.text))


@dataclass(frozen=True, slots=True)
class ExecutionReported:
    execution: Execution


@dataclass(frozen=True, slots=True)
class CommissionReported:
    exec_id: str
    commission: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class WhatIfAnswered:
    """The broker's margin preview for a signal; `error` is set when it refused or did not answer."""

    signal_id: str
    init_margin_change: Decimal | None
    equity_with_loan_after: Decimal | None
    init_margin_after: Decimal | None
    commission: Decimal | None
    error: str | None
    at: datetime

    def __post_init__(self) -> None:
        _through(self, error=None if self.error is None else outside(self.error))


# ---- account and connection


@dataclass(frozen=True, slots=True)
class AccountReported:
    """Account values in dollars; a field that the broker has not sent is None. `at` is when `net_liquidation` was last
    told, changed or not, and `pnl_at` the same of profit and loss, None where its stream has said nothing. `currency`
    is the account's own: in another than dollars no value is handed on."""

    account: str
    net_liquidation: Decimal | None
    available_funds: Decimal | None
    buying_power: Decimal | None
    cash: Decimal | None
    realized_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    at: datetime
    daily_pnl: Decimal | None = None
    pnl_at: datetime | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """Signed contracts at the broker; `average_price` per share, commissions included as the broker counts them.
    `contract` is None for what is no plain US option, whatever its name looks like; `instrument` is what the broker
    named, where the adapter hands it on."""

    contract_key: str
    contract: OptionContract | None
    quantity: int
    average_price: Decimal
    instrument: Instrument | None = None
    exact: Decimal | None = None  # the quantity where it is no whole number: a part of a share, coins, currency

    @property
    def amount(self) -> Decimal:
        """The quantity as the broker tells it."""
        return Decimal(self.quantity) if self.exact is None else self.exact

    @property
    def is_plain_us_option(self) -> bool:
        """Say whether this bot may ever take it on: a plain US option in dollars."""
        named = self.instrument is None or self.instrument.is_plain_us_option
        return named and self.contract is not None and self.contract.multiplier == PLAIN_MULTIPLIER


@dataclass(frozen=True, slots=True)
class ForeignSeen:
    """A holding, an order or an execution of somebody else in the account that no type of ours holds: kept as it came,
    shown, told once. `key` names the security, `identity` the thing (permId, execId; for a holding the key again),
    `words` its terms as the broker writes them, in the security's own currency."""

    subject: str  # position | order | execution
    key: str
    identity: str
    words: str
    facts: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class ContractChanged:
    """The broker names another contract under a conId of ours than before (a split, a new name, another deliverable):
    `instrument` is as it was named first, with `changed` saying what differs."""

    key: str
    instrument: Instrument
    at: datetime


@dataclass(frozen=True, slots=True)
class HoursTold:
    """The trading hours that the broker tells of a contract, day by day. `last_day`: its last day of trading; None: it
    has none, or none that could be read."""

    key: str
    days: Sequence[DayHours]
    last_day: date | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PositionTold:
    """The broker says of its own accord how many contracts it holds now, signed; whoever traded them."""

    key: str
    quantity: int
    at: datetime


class LinkChange(StrEnum):
    """What happened to the connection; the engine's table turns it into a trigger of the connection machine."""

    CONNECTING = "connecting"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    DATA_LOST = "data_lost"
    DATA_RESTORED = "data_restored"
    ORDERS_LOST = "orders_lost"
    RESTORED = "restored"
    COMPETING = "competing"


@dataclass(frozen=True, slots=True)
class LinkChanged:
    change: LinkChange
    detail: str
    at: datetime

    def __post_init__(self) -> None:
        _through(self, detail=outside(self.detail))


class BookPart(StrEnum):
    """The questions of which the broker's whole book is made, each with an end marker of its own."""

    OPEN_ORDERS = "open orders"
    COMPLETED_ORDERS = "completed orders"
    EXECUTIONS = "executions"
    POSITIONS = "positions"
    ACCOUNT = "account values"


@dataclass(frozen=True, slots=True)
class BookFault:
    """A part of the book that is missing or cannot be read, and in words why."""

    part: BookPart
    words: str

    def __post_init__(self) -> None:
        _through(self, words=outside(self.words))

    def __str__(self) -> str:
        return f"{self.part}: {self.words}" if self.words else self.part.value


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """The broker's book, asked on purpose. `complete` is False when any part did not give its own end marker: then
    nothing may be concluded from what is absent. `faults` says which part. `asked_at` is when its reading began: what
    was sent or came later may be missing in it."""

    open_orders: Sequence[BrokerOrderView]
    completed_orders: Sequence[BrokerOrderView]
    executions: Sequence[Execution]
    commissions: Mapping[str, Decimal]
    positions: Sequence[BrokerPosition]
    next_order_id: int
    complete: bool
    faults: Sequence[BookFault]
    at: datetime
    asked_at: datetime
    foreign: Sequence[ForeignSeen] = ()
    """What is somebody else's and no type of ours holds; nothing of it makes the book incomplete."""


@dataclass(frozen=True, slots=True)
class BrokerTimeTold:
    """The broker's time of a moment between `asked_at` and `at`, which are ours; cut to whole seconds, as TWS tells it.
    `steady_s` is what the clock that never jumps showed at `at`."""

    broker_at: datetime
    asked_at: datetime
    at: datetime
    steady_s: float


@dataclass(frozen=True, slots=True)
class ClockParted:
    """The machine's wall clock was set: it is `ahead_s` seconds ahead of the steady time that the bot keeps (negative:
    behind); 0: they agree again."""

    ahead_s: float
    at: datetime


# ---- feeds


@dataclass(frozen=True, slots=True)
class DatumReceived:
    """One parsed answer of a feed. `value` is the dataset's typed rows; `source_at` the vendor's own time, None when it
    has none; `source` who said it, which is another vendor than the dataset's where one stands in."""

    dataset: str
    key: str
    value: Any
    source_at: datetime | None
    received_at: datetime
    ttl_s: float
    source: str
    shown: int = 0  # rows of it that people may read by name, its last ones


@dataclass(frozen=True, slots=True)
class FeedReported:
    """How a feed is doing; one row of `feed_status`. Counters are since start; `quota_*` from the vendor's headers or
    by our own count. `outcome` is how the last call came out, in one word; `source` whose rows are in use."""

    feed: str
    dataset: str
    key: str
    state: str  # ok | waiting | retrying | open (breaker) | refused | disabled
    last_success_at: datetime | None
    last_error: str
    requests: int
    failures: int
    dropped: int  # data that could not be parsed
    max_age_s: float
    quota_used: int | None
    quota_limit: int | None
    at: datetime
    outcome: str = ""
    next_call_at: datetime | None = None
    source: str = ""
    priority: str = ""

    def __post_init__(self) -> None:
        _through(self, last_error=outside(self.last_error))


@dataclass(frozen=True, slots=True)
class EndpointReported:
    """What a dataset took of its vendor on one New York day: calls, errors, dollars; and its breaker as it stands."""

    feed: str
    dataset: str
    day: date
    calls: int
    errors: int
    cost: Decimal
    breaker: str  # closed | open | half_open
    breaker_failures: int
    breaker_retry_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DiskTold:
    """How much room the disk of the store has: `short` when that is less than it should be."""

    free_mb: int
    least_mb: int
    at: datetime

    @property
    def short(self) -> bool:
        return self.free_mb < self.least_mb


# ---- people


class RequestKind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    PAUSE = "pause"
    RESUME = "resume"
    RESUME_SYMBOL = "resume_symbol"
    HALT = "halt"
    CLOSE = "close"
    MOVE_STOP = "move_stop"
    FLATTEN = "flatten"
    RECONCILE = "reconcile"
    EMERGENCY = "emergency"
    CANCEL_ALL = "cancel_all"
    SETTLE = "settle"
    WITHDRAW = "withdraw"
    ACK = "ack"
    UNACK = "unack"
    REPORT_DRAFT = "report_draft"
    REPORT_APPROVE = "report_approve"
    REPORT_REJECT = "report_reject"
    REPORT_EDIT = "report_edit"
    TEST_ALERTS = "test_alerts"
    TEST_CHANNEL = "test_channel"
    ADOPT = "adopt"
    DECLINE = "decline"
    EDIT = "edit"
    CANCEL_ORDER = "cancel_order"
    STRATEGY = "strategy"
    RELOAD_CONFIG = "reload_config"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A row that a person inserted: the only way in which anybody outside the tick asks for anything.

    `age_s`: wall seconds from the asking to the reading, None where the row's dates prove none; `read_s`: the clock's
    steady seconds at the reading, None for what was asked in this process just now.
    """

    id: str
    kind: RequestKind
    payload: Mapping[str, Any]
    actor: str
    created_at: datetime
    age_s: float | None = 0.0
    read_s: float | None = None

    def __post_init__(self) -> None:
        _through(self, payload=facts(self.payload), actor=outside(self.actor))


@dataclass(frozen=True, slots=True)
class RequestUnreadable:
    """A row of `command` that makes no sense: unknown kind, a payload that is no JSON object, a date that is none."""

    id: str
    kind: str
    actor: str
    why: str

    def __post_init__(self) -> None:
        _through(self, kind=outside(self.kind), actor=outside(self.actor), why=outside(self.why))


@dataclass(frozen=True, slots=True)
class InboundReceived:
    """A row of `inbound`: what another process of ours has to say (outcomes, verdicts), never what a person asks."""

    id: str
    source: str
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    fault: str = ""  # why its payload cannot be read

    def __post_init__(self) -> None:
        _through(self, payload=facts(self.payload), source=outside(self.source), kind=outside(self.kind))
        _through(self, fault=outside(self.fault))


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something a person should see; `code` is a row of the register (bot/domain/notices), `facts` the raw fields.

    `severity` is the row's; it is named only where the row has more than one. Raises UnknownNotice for any other.
    """

    code: str
    text: str
    facts: Mapping[str, Any]
    at: datetime
    severity: str = ""

    def __post_init__(self) -> None:
        severity = severity_of(self.code, self.severity or None)
        _through(self, text=sentence(self.text), facts=facts(self.facts), severity=severity)


@dataclass(frozen=True, slots=True)
class JobRan:
    """A job that runs beside the tick came to an end: `state` is done or failed, `detail` says what came of it."""

    name: str
    state: str
    detail: str
    at: datetime

    def __post_init__(self) -> None:
        _through(self, detail=sentence(self.detail))


Event = (
    QuoteReceived | LinesHeard | GreeksReceived | BookReceived | TradesReceived | ContractQualified
    | OrderSent | OrderNotSent | OrderReported | OrderErred | ExecutionReported | CommissionReported | WhatIfAnswered
    | AccountReported | LinkChanged | BrokerSnapshot | DatumReceived | FeedReported | EndpointReported | RequestReceived
    | AlertRaised | JobRan | ClockParted | BrokerTimeTold | ForeignSeen | ContractChanged | PositionTold
    | RequestUnreadable | InboundReceived | DiskTold | HoursTold | LineReported | BarsReceived
    | PositionPnlTold | CurrencyTold | QuoteSnapshot | ChainTold
)  # fmt: skip
