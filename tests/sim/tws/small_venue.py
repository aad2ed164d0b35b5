"""A small deterministic market and venue, enough to examine the TWS face without the market model.

Prices move only when a test moves them or as a plain function of time; orders fill at the touch on the next step.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.sim.tws.option_math import YEAR_S, black_scholes
from bot.sim.vocabulary import (
    LIVE,
    Bar,
    BookLevel,
    Filled,
    ModelGreeks,
    OrderChanged,
    PositionChanged,
    Print,
    Side,
    Status,
    TopOfBook,
    VenueDepth,
    VenueEvent,
    VenueExecution,
    VenueInstrument,
    VenueOrder,
    VenuePosition,
    VenueRefused,
    VenueTicket,
    WhatIf,
)

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
NEXT_WEEK = date(2026, 11, 27)

SPY = VenueInstrument(1, "SPY", "STK", "SMART", "ARCA", "SPY", "SPY", long_name="SPDR S&P 500 ETF TRUST")
SPX = VenueInstrument(2, "SPX", "IND", "CBOE", "CBOE", "SPX", "", long_name="S&P 500 Stock Index")


def option(con_id: int, under: VenueInstrument, expiry: date, strike: int, right: str) -> VenueInstrument:
    root = "SPXW" if under is SPX else under.symbol
    local = f"{root:<6}{expiry:%y%m%d}{right}{strike * 1000:08d}"
    return VenueInstrument(
        con_id, under.symbol, "OPT", "SMART", "CBOE", local, root, multiplier=100, expiry=expiry,
        strike=Decimal(strike), right=right, market_rule_id=110, under_con_id=under.con_id,
        long_name=under.long_name,
    )  # fmt: skip


def universe() -> list[VenueInstrument]:
    found = [SPY, SPX]
    for under, strikes in ((SPY, range(595, 606)), (SPX, range(5980, 6030, 10))):
        for expiry in (TODAY, NEXT_WEEK, date(2026, 11, 19)):
            for strike in strikes:
                for right in "CP":
                    found.append(option(1000 + len(found), under, expiry, strike, right))
    return found


class SmallMarket:
    """SPY around 600 and SPX around 6000, with options at a flat volatility of 20 %."""

    iv = 0.2

    def __init__(self) -> None:
        self.all = universe()
        self.spot = {"SPY": Decimal("600.00"), "SPX": Decimal("6000.00")}
        self._by_id = {each.con_id: each for each in self.all}

    def instruments(self) -> list[VenueInstrument]:
        return self.all

    def by_con_id(self, con_id: int) -> VenueInstrument | None:
        return self._by_id.get(con_id)

    def find(
        self, *, symbol: str = "", sec_type: str = "", expiry: str = "", strike: Decimal | None = None,
        right: str = "", trading_class: str = "", local_symbol: str = "", exchange: str = "", multiplier: str = "",
    ) -> list[VenueInstrument]:  # fmt: skip
        return [
            each
            for each in self.all
            if symbol in {"", each.symbol}
            and sec_type in {"", each.sec_type}
            and (not expiry or (each.expiry is not None and f"{each.expiry:%Y%m%d}".startswith(expiry)))
            and strike in {None, each.strike}
            and right in {"", each.right}
            and trading_class in {"", each.trading_class}
            and local_symbol in {"", each.local_symbol}
            and multiplier in {"", str(each.multiplier)}
        ]

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        spot = self.spot[instrument.symbol]
        seconds = int((at - OPEN).total_seconds())
        if instrument.sec_type == "IND":
            return TopOfBook(None, None, 0, 0, spot, 0, 0, spot, spot + 10, spot - 10, spot - 5)
        half = Decimal("0.01") if instrument.sec_type == "STK" else Decimal("0.05")
        mid = spot if instrument.sec_type == "STK" else self._option_mid(instrument, at)
        bid = mid - half if mid > half else None
        return TopOfBook(bid, mid + half, 300, 400, mid, 100, 1000 + seconds, mid, mid + 1, mid, mid)

    def _option_mid(self, instrument: VenueInstrument, at: datetime) -> Decimal:
        greeks = self.greeks(instrument, at)
        price = greeks.price if greeks else 0.0
        return max(Decimal("0.05"), Decimal(round(price * 20)) / 20)

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        if instrument.expiry is None or instrument.strike is None:
            return None
        close = datetime(*instrument.expiry.timetuple()[:3], 21, tzinfo=UTC)
        years = (close - at).total_seconds() / YEAR_S
        if years <= 0:
            return None
        spot = float(self.spot[instrument.symbol])
        plain = black_scholes(spot, float(instrument.strike), years, self.iv, instrument.right)
        return ModelGreeks(self.iv, plain.price, plain.delta, plain.gamma, plain.vega, plain.theta, spot)

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        top = self.top(instrument, at)
        step = Decimal("0.01")
        bids = [BookLevel(top.bid - step * row, 100 + row, "ARCA") for row in range(levels)] if top.bid else []
        asks = [BookLevel(top.ask + step * row, 200 + row, "NSDQ") for row in range(levels)] if top.ask else []
        return VenueDepth(bids, asks)

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        first, last = int(since.timestamp()), int(until.timestamp())
        times = (datetime.fromtimestamp(second, UTC) for second in range(first + 1, last + 1))
        price = self.spot[instrument.symbol]
        return [Print(at, price, 100, "ARCA") for at in times if OPEN <= at < CLOSE]

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        price = self.spot[instrument.symbol]
        if seconds >= 86400:
            return [Bar(OPEN, price, price + 1, price - 1, price, 100_000, price, 1000)] if start <= OPEN < end else []
        step = timedelta(seconds=seconds)
        at, found = max(start, OPEN), []
        while at < min(end, CLOSE):
            found.append(Bar(at, price, price + 1, price - 1, price, 100 * seconds, price, seconds))
            at += step
        return found

    def open_interest(self, instrument: VenueInstrument) -> int:
        return 1000 + instrument.con_id

    def session_open(self) -> datetime:
        return OPEN

    def session_close(self) -> datetime:
        return CLOSE

    def trades_on(self, day: date) -> bool:
        return day.weekday() < 5

    def closes_early_on(self, day: date) -> bool:
        return False


@dataclass
class SmallVenue:
    """Limit orders fill at their price when the touch allows; others rest until cancelled."""

    market: SmallMarket = field(default_factory=SmallMarket)
    account_id: str = "DU1234567"
    orders: list[VenueOrder] = field(default_factory=list)
    fills: list[VenueExecution] = field(default_factory=list)
    held: dict[int, VenuePosition] = field(default_factory=dict)
    partial: int = 0  # contracts filled per step, 0 for all at once

    def place(self, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        if ticket.limit_price is not None and ticket.limit_price % Decimal("0.01"):
            return [
                VenueRefused(
                    ticket.client_id, ticket.order_id, 110, "The price does not conform to the minimum price variation"
                )
            ]
        live = self._live(ticket.client_id, ticket.order_id)
        if live is not None:
            live.ticket = ticket
            return [OrderChanged(live)]
        if ticket.quantity > 1000:
            order = VenueOrder(ticket, self._next_perm_id(), Status.INACTIVE, now, now, reject_code=201)
            self.orders.append(order)
            return [
                VenueRefused(ticket.client_id, ticket.order_id, 201, "Order rejected - reason: margin"),
                OrderChanged(order),
            ]
        waiting = Status.PRE_SUBMITTED if ticket.parent_id else Status.SUBMITTED
        order = VenueOrder(ticket, self._next_perm_id(), waiting, now, now)
        self.orders.append(order)
        return [OrderChanged(order)]

    def cancel(self, client_id: int, order_id: int, now: datetime) -> list[VenueEvent]:
        live = self._live(client_id, order_id)
        if live is None:
            return [
                VenueRefused(client_id, order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
            ]
        return self._cancelled(live, now)

    def cancel_all(self, now: datetime) -> list[VenueEvent]:
        return [event for order in self.open_orders() for event in self._cancelled(order, now)]

    def what_if(self, ticket: VenueTicket, now: datetime) -> WhatIf:
        cost = (ticket.limit_price or Decimal(1)) * ticket.quantity * ticket.instrument.multiplier
        if ticket.quantity > 1000:
            nothing = Decimal(0)
            refused = WhatIf(nothing, nothing, nothing, nothing, nothing, nothing, nothing)
            return replace(refused, reject_code=201, reject_text="Order rejected - reason: margin")
        return WhatIf(Decimal(0), cost, Decimal(0), cost, Decimal(100000), Decimal(0), Decimal("0.65"))

    def step(self, now: datetime) -> list[VenueEvent]:
        events: list[VenueEvent] = []
        for order in self.open_orders():
            if self._marketable(order, now):
                events += self._fill(order, now)
        return events

    def open_orders(self) -> list[VenueOrder]:
        return [order for order in self.orders if order.status in LIVE]

    def completed_orders(self) -> list[VenueOrder]:
        return [order for order in self.orders if order.status not in LIVE]

    def executions(self) -> list[VenueExecution]:
        return self.fills

    def positions(self) -> list[VenuePosition]:
        return [*self.held.values()]

    def account_values(self, now: datetime) -> dict[str, Decimal]:
        names = "NetLiquidation TotalCashValue BuyingPower AvailableFunds ExcessLiquidity InitMarginReq MaintMarginReq"
        values = dict.fromkeys(names.split(), Decimal(100000))
        return values | dict.fromkeys(["GrossPositionValue", "UnrealizedPnL", "RealizedPnL"], Decimal(0))

    def daily_pnl(self, now: datetime) -> tuple[Decimal, Decimal, Decimal]:
        return Decimal("12.5"), Decimal(10), Decimal("2.5")

    def next_order_id(self, client_id: int) -> int:
        used = [order.ticket.order_id for order in self.orders if order.ticket.client_id == client_id]
        return max(used, default=0) + 1

    def _live(self, client_id: int, order_id: int) -> VenueOrder | None:
        mine = (o for o in self.open_orders() if (o.ticket.client_id, o.ticket.order_id) == (client_id, order_id))
        return next(mine, None)

    def _next_perm_id(self) -> int:
        return 900_000_000 + len(self.orders)

    def _cancelled(self, order: VenueOrder, now: datetime) -> list[VenueEvent]:
        order.status, order.completed_at = Status.CANCELLED, now
        ticket = order.ticket
        return [OrderChanged(order), VenueRefused(ticket.client_id, ticket.order_id, 202, "Order Canceled - reason:")]

    def _marketable(self, order: VenueOrder, now: datetime) -> bool:
        ticket, top = order.ticket, self.market.top(order.ticket.instrument, now)
        if ticket.order_type == "MKT":
            return True
        if ticket.order_type != "LMT" or ticket.limit_price is None or order.status is not Status.SUBMITTED:
            return False
        if ticket.side is Side.BUY:
            return top.ask is not None and ticket.limit_price >= top.ask
        return top.bid is not None and ticket.limit_price <= top.bid

    def _fill(self, order: VenueOrder, now: datetime) -> list[VenueEvent]:
        ticket = order.ticket
        quantity = min(order.remaining, self.partial or order.remaining)
        top = self.market.top(ticket.instrument, now)
        price = (top.ask if ticket.side is Side.BUY else top.bid) or Decimal(0)
        order.filled += quantity
        order.average_price = order.last_fill_price = price
        order.commission += Decimal("0.65") * quantity
        if not order.remaining:
            order.status, order.completed_at = Status.FILLED, now
        fill = VenueExecution(
            f"0000e0d5.{len(self.fills):08x}.01.01", order.perm_id, ticket.order_id, ticket.client_id, ticket.order_ref,
            ticket.instrument, ticket.side, quantity, price, order.filled, price, now, Decimal("0.65") * quantity, None,
        )  # fmt: skip
        self.fills.append(fill)
        held = self._hold(fill)
        return [Filled(order, fill), PositionChanged(held)]

    def _hold(self, fill: VenueExecution) -> VenuePosition:
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        before = self.held.get(fill.instrument.con_id)
        cost = fill.price * fill.instrument.multiplier
        after = (
            replace(before, quantity=before.quantity + signed)
            if before
            else VenuePosition(fill.instrument, signed, cost, Decimal(0))
        )
        self.held[fill.instrument.con_id] = after
        return after


class RunningClock:
    """Simulated time that runs `speed` times as fast as the event loop's; starts at START."""

    def __init__(self, start: datetime = START, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = start
        self._from = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(self.monotonic() - self._from) * self.speed)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def steady_s(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)
