"""What the market model, the matching engine and the two faces of the simulated venue say to each other.

These are the venue's own words, not the bot's: the bot meets the venue only through a socket (or, in replay, through
its broker port), so nothing here is shared with `bot.domain`. Prices are `Decimal` dollars per share, sizes are
contracts or shares, times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VenueInstrument:
    """One thing that trades at the venue, as contract details describe it.

    `sec_type` is TWS's word (STK, IND, OPT); `right` is "C", "P" or "" and `strike` None where they mean nothing;
    `market_rule_id` names the price grid; `under_con_id` is 0 except for options.
    """

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    local_symbol: str
    trading_class: str
    currency: str = "USD"
    multiplier: int = 1
    expiry: date | None = None
    strike: Decimal | None = None
    right: str = ""
    min_tick: Decimal = Decimal("0.01")
    market_rule_id: int = 26
    long_name: str = ""
    under_con_id: int = 0


@dataclass(frozen=True, slots=True)
class TopOfBook:
    """Best bid and ask with the day's statistics; a side that is not quoted is None."""

    bid: Decimal | None
    ask: Decimal | None
    bid_size: int
    ask_size: int
    last: Decimal | None
    last_size: int
    volume: int
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    halted: bool = False


@dataclass(frozen=True, slots=True)
class ModelGreeks:
    """Black-Scholes values per share: vega per volatility point (0.01), theta per calendar day, iv as a fraction."""

    iv: float
    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    underlying: float


@dataclass(frozen=True, slots=True)
class BookLevel:
    """One row of depth."""

    price: Decimal
    size: int
    market_maker: str = ""


@dataclass(frozen=True, slots=True)
class VenueDepth:
    """Bids best first, asks best first."""

    bids: Sequence[BookLevel]
    asks: Sequence[BookLevel]


@dataclass(frozen=True, slots=True)
class Print:
    """One trade on the tape."""

    at: datetime
    price: Decimal
    size: int
    exchange: str = "SMART"
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of trades, stamped at its start."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    wap: Decimal
    count: int


class Market(Protocol):
    """The market model: every method is a pure function of the seed and of `at`, so times come in any order."""

    def instruments(self) -> Sequence[VenueInstrument]: ...

    def by_con_id(self, con_id: int) -> VenueInstrument | None: ...

    def find(
        self,
        *,
        symbol: str = "",
        sec_type: str = "",
        expiry: str = "",
        strike: Decimal | None = None,
        right: str = "",
        trading_class: str = "",
        local_symbol: str = "",
        exchange: str = "",
        multiplier: str = "",
    ) -> list[VenueInstrument]:
        """Return every instrument that fits the given fields; "" and None match all, `expiry` is YYYYMMDD or YYYYMM."""
        ...

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook: ...

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        """Return the model values of an option, None for anything else or after its expiry."""
        ...

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth: ...

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        """Return the trades with since < at <= until, oldest first."""
        ...

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]: ...

    def open_interest(self, instrument: VenueInstrument) -> int: ...

    def session_open(self) -> datetime: ...

    def session_close(self) -> datetime: ...

    def trades_on(self, day: date) -> bool:
        """Return whether there is a session on a day."""
        ...

    def closes_early_on(self, day: date) -> bool: ...


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Status(StrEnum):
    """TWS's order statuses that the venue uses."""

    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    API_CANCELLED = "ApiCancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"


LIVE: frozenset[Status] = frozenset(
    {Status.PENDING_SUBMIT, Status.PRE_SUBMITTED, Status.SUBMITTED, Status.PENDING_CANCEL}
)


@dataclass(frozen=True, slots=True)
class VenueTicket:
    """What a client asks for: one placeOrder, already decoded. None means "not given"."""

    client_id: int
    order_id: int
    instrument: VenueInstrument
    side: Side
    quantity: int
    order_type: str  # MKT, LMT, STP, STP LMT, TRAIL, TRAIL LIMIT
    limit_price: Decimal | None = None
    aux_price: Decimal | None = None  # stop trigger, or the trailing amount
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    tif: str = "DAY"
    account: str = ""
    order_ref: str = ""
    oca_group: str = ""
    oca_type: int = 3
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    what_if: bool = False
    good_till: datetime | None = None
    good_after: datetime | None = None


@dataclass(slots=True)
class VenueOrder:
    """A ticket's life at the venue."""

    ticket: VenueTicket
    perm_id: int
    status: Status
    accepted_at: datetime
    live_from: datetime  # latency: not matched before
    filled: int = 0
    average_price: Decimal = Decimal(0)
    last_fill_price: Decimal = Decimal(0)
    stop_price: Decimal | None = None  # the trigger in force, moved by trailing
    triggered: bool = False
    commission: Decimal = Decimal(0)
    reject_code: int = 0
    reject_text: str = ""
    completed_at: datetime | None = None

    @property
    def remaining(self) -> int:
        return self.ticket.quantity - self.filled


@dataclass(frozen=True, slots=True)
class VenueExecution:
    """One fill; `exec_id` follows IB's shape (hex.hex.seq.revision), a correction raises the last group."""

    exec_id: str
    perm_id: int
    order_id: int
    client_id: int
    order_ref: str
    instrument: VenueInstrument
    side: Side
    quantity: int
    price: Decimal
    cumulative: int
    average_price: Decimal
    at: datetime
    commission: Decimal
    realized_pnl: Decimal | None  # None when the fill opens


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """Signed quantity; `average_cost` includes the multiplier and the commissions, as TWS reports it."""

    instrument: VenueInstrument
    quantity: int
    average_cost: Decimal
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Margin effect of a ticket that is not placed; a refusal has a code and a text instead."""

    init_margin_before: Decimal
    init_margin_change: Decimal
    maint_margin_before: Decimal
    maint_margin_change: Decimal
    equity_before: Decimal
    equity_change: Decimal
    commission: Decimal
    reject_code: int = 0
    reject_text: str = ""


# What `Venue.step`, `place`, `modify` and `cancel` report, in the order in which TWS would say it.


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order: VenueOrder


@dataclass(frozen=True, slots=True)
class Filled:
    order: VenueOrder
    execution: VenueExecution


@dataclass(frozen=True, slots=True)
class VenueRefused:
    """An error that answers one order: 201, 202, 110, 10148, ..."""

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class PositionChanged:
    position: VenuePosition


VenueEvent = OrderChanged | Filled | VenueRefused | PositionChanged


class Venue(Protocol):
    """The matching engine and the account behind it. It has no clock: `now` is an argument everywhere."""

    @property
    def market(self) -> Market: ...

    @property
    def account_id(self) -> str: ...

    def place(self, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        """Accept a new order, or modify the live one of the same client and order id."""
        ...

    def cancel(self, client_id: int, order_id: int, now: datetime) -> list[VenueEvent]: ...

    def cancel_all(self, now: datetime) -> list[VenueEvent]: ...

    def what_if(self, ticket: VenueTicket, now: datetime) -> WhatIf: ...

    def step(self, now: datetime) -> list[VenueEvent]:
        """Match every live order against the market of `now`, trail stops, expire DAY orders, settle expiries."""
        ...

    def open_orders(self) -> list[VenueOrder]: ...

    def completed_orders(self) -> list[VenueOrder]: ...

    def executions(self) -> list[VenueExecution]: ...

    def positions(self) -> list[VenuePosition]: ...

    def account_values(self, now: datetime) -> dict[str, Decimal]:
        """NetLiquidation, TotalCashValue, BuyingPower, AvailableFunds, ExcessLiquidity, InitMarginReq, MaintMarginReq,
        GrossPositionValue, UnrealizedPnL, RealizedPnL, EquityWithLoanValue."""
        ...

    def daily_pnl(self, now: datetime) -> tuple[Decimal, Decimal, Decimal]:
        """Daily, unrealized, realized."""
        ...

    def next_order_id(self, client_id: int) -> int: ...


class VenueListener(Protocol):
    """Told of every venue event, in order; a face registers one with the driver of the venue."""

    def __call__(self, events: Sequence[VenueEvent]) -> None: ...


@dataclass(slots=True)
class SimulatedVenue:
    """A venue with its listeners: whoever steps or trades through this publishes the events to every face."""

    venue: Venue
    listeners: list[VenueListener] = field(default_factory=list)

    def publish(self, events: Sequence[VenueEvent]) -> None:
        if not events:
            return
        for listener in self.listeners:
            listener(events)
