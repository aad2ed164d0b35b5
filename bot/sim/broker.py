"""The venue as a broker port, without a socket: what replay and in-process tests trade on.

Same market model, same matching engine, same events as through TWS; only the wire is missing. It is pumped by hand, so
two runs with one seed see the same quotes at the same moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from bot.domain.chains import Chain, ChainListing
from bot.domain.errors import BrokerError, BrokerUnavailable, OrderRejected
from bot.domain.events import (
    AccountReported,
    BookFault,
    BookPart,
    BookReceived,
    BrokerOrderStatus,
    BrokerOrderView,
    BrokerPosition,
    BrokerSnapshot,
    BrokerTimeTold,
    ChainTold,
    CommissionReported,
    ContractQualified,
    ErrorMeaning,
    ExecutionReported,
    GreeksReceived,
    HoursTold,
    LinesHeard,
    LinkChange,
    LinkChanged,
    OrderErred,
    OrderReported,
    PositionPnlTold,
    PositionTold,
    QuoteReceived,
    QuoteSnapshot,
    WhatIfAnswered,
)
from bot.domain.hours import DayHours
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, OptionContract, PriceGrid, parse_osi
from bot.domain.order import Execution, OrderSide, OrderTicket, OrderType
from bot.domain.quotes import Depth, DepthLevel, Greeks, Quote
from bot.engine.state.ports import Clock, Sink
from bot.sim import broker_data, hours
from bot.sim.admission import says
from bot.sim.hours import USUAL, HoursSaid
from bot.sim.market.rules import MARKET_RULES
from bot.sim.tws.contracts import expiry_text, last_day_text
from bot.sim.vocabulary import (
    Filled,
    OrderChanged,
    PositionChanged,
    Side,
    SimulatedVenue,
    Status,
    TopOfBook,
    VenueEvent,
    VenueExecution,
    VenueInstrument,
    VenueOrder,
    VenuePosition,
    VenueRefused,
    VenueTicket,
)

STATUS: Final[Mapping[Status, BrokerOrderStatus]] = MappingProxyType(
    {
        Status.PENDING_SUBMIT: BrokerOrderStatus.PENDING,
        Status.PRE_SUBMITTED: BrokerOrderStatus.PENDING,
        Status.SUBMITTED: BrokerOrderStatus.WORKING,
        Status.PENDING_CANCEL: BrokerOrderStatus.CANCELLING,
        Status.CANCELLED: BrokerOrderStatus.CANCELLED,
        Status.API_CANCELLED: BrokerOrderStatus.CANCELLED,
        Status.FILLED: BrokerOrderStatus.FILLED,
        Status.INACTIVE: BrokerOrderStatus.INACTIVE,
    }
)

# The codes that this venue says; the IBKR adapter has the whole of TWS's list.
MEANING: Final[Mapping[int, ErrorMeaning]] = MappingProxyType(
    {
        103: ErrorMeaning.NOT_PLACED,
        104: ErrorMeaning.AMBIGUOUS,
        105: ErrorMeaning.NOT_PLACED,
        110: ErrorMeaning.NOT_PLACED,
        200: ErrorMeaning.REJECTED,
        201: ErrorMeaning.REJECTED,
        202: ErrorMeaning.CANCEL_REPORTED,
        399: ErrorMeaning.WARNING,
        434: ErrorMeaning.REJECTED,
        10147: ErrorMeaning.CANCEL_REFUSED,
        10148: ErrorMeaning.CANCEL_REFUSED,
    }
)

_CALM_LINES = timedelta(seconds=3)
_SLOW_LINES = timedelta(seconds=3)
_ACCOUNT_EVERY = timedelta(seconds=10)
_CURRENCY: Final = "the account's currency"
_CHAIN_EVERY = timedelta(seconds=60)
"""A chain's contracts have no lines here: each is asked once so often."""


@dataclass(slots=True)
class _Line:
    instrument: VenueInstrument
    kinds: frozenset[str]
    top: TopOfBook | None = None
    looked_at: datetime | None = None
    slow_at: datetime | None = None


class SimBroker:
    """Implements the engine's Broker port on a `SimulatedVenue`. `pump` sends market data and account values."""

    client_id = 17

    def __init__(self, simulated: SimulatedVenue, clock: Clock, sink: Sink, bot_id: str) -> None:
        self._simulated = simulated
        self._venue = simulated.venue
        self._clock = clock
        self._sink = sink
        self._bot_id = bot_id
        self._lines: dict[str, _Line] = {}
        self._keys: dict[int, str] = {}
        self._next_id = 1
        self._ids_restarted = False
        self._ref_of: dict[int, str] = {}  # by order id: who was sent last under it
        self._qualified: set[str] = set()
        self._unlisted: set[str] = set()  # wanted, and said to be nowhere
        self._up = False
        self._account_at: datetime | None = None
        self._chain: tuple[str, ...] = ()
        self._held_lines: dict[tuple[str, str], str] = {}
        self._told_of: dict[str, tuple[object, ...]] = {}  # by holding, what it was told to have brought
        self._chain_at: datetime | None = None
        self.account = self._venue.account_id

    async def start(self) -> None:
        if self._up:
            return
        self.listen()
        now = self._clock.now()
        self._sink(BrokerTimeTold(now, now, now, self._clock.steady_s()))
        self._sink(LinkChanged(LinkChange.CONNECTING, "in process", now))
        self._sink(LinkChanged(LinkChange.ACCEPTED, f"account {self.account}", now))

    def listen(self) -> None:
        """Be connected without a word about it."""
        self._up = True
        self._simulated.listeners.append(self._hear)

    def hang_up(self) -> None:
        """Be no longer connected, without a word about it."""
        if self._up:
            self._up = False
            self._simulated.listeners.remove(self._hear)

    async def stop(self) -> None:
        self.hang_up()

    def reserve_order_ids(self, at_least: int) -> None:
        of_venue = 1 if self._ids_restarted else self._venue.next_order_id(self.client_id)
        self._next_id = max(self._next_id, at_least, of_venue)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        self._qualified.update(contracts)

    # ---- orders

    def submit(self, ticket: OrderTicket) -> int:
        order_id = self.take_order_id(ticket)
        self._place(self._venue_ticket(ticket, order_id))
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        order_id = ticket.order_id or self._order_id_of(ticket.order_ref)
        if order_id is None:
            raise OrderRejected(f"{ticket.order_ref} has no order id of ours to amend")
        self._place(self._venue_ticket(ticket, order_id))

    def cancel(self, order_ref: str, order_id: int) -> None:
        self._may_send(order_ref, order_id)
        self._ref_of[order_id] = order_ref
        self._simulated.publish(self._venue.cancel(self.client_id, order_id, self._clock.now()))

    def _may_send(self, order_ref: str, order_id: int) -> None:
        """Raise BrokerUnavailable or, when the id is another order's, OrderRejected."""
        if not self._up:
            raise BrokerUnavailable("not connected")
        owner = self._ref_of.get(order_id, order_ref)
        if owner != order_ref:
            raise OrderRejected(f"order id {order_id} belongs to {owner}, not to {order_ref}")

    def _order_id_of(self, order_ref: str) -> int | None:
        return next((order_id for order_id, ref in self._ref_of.items() if ref == order_ref), None)

    def restart_order_ids(self) -> None:
        """Begin again at 1, as a gateway that was set up anew does."""
        self._next_id, self._ids_restarted = 1, True

    def take_order_id(self, ticket: OrderTicket) -> int:
        """Return the id under which a ticket may go out, its own or the next, which nobody gets again; raises as
        `submit`."""
        order_id = self._venue_ticket(ticket, ticket.order_id or self._next_id).order_id
        self._next_id, self._ref_of[order_id] = max(self._next_id, order_id + 1), ticket.order_ref
        return order_id

    def _place(self, placed: VenueTicket) -> None:
        self._simulated.publish(self._venue.place(placed, self._clock.now()))

    def _venue_ticket(self, ticket: OrderTicket, order_id: int, *, what_if: bool = False) -> VenueTicket:
        """Return what goes out; raises as `submit`, and then nothing did."""
        self._may_send(ticket.order_ref, order_id)
        instrument = self._find(ticket.contract_key) if ticket.contract_key in self._qualified else None
        if instrument is None:
            raise OrderRejected(f"{ticket.contract_key.strip()} is not qualified at the broker")
        return VenueTicket(
            client_id=self.client_id,
            order_id=order_id,
            instrument=instrument,
            side=Side(ticket.side.value),
            quantity=ticket.terms.quantity,
            order_type=ticket.order_type.value,
            limit_price=ticket.terms.limit_price,
            aux_price=ticket.terms.stop_price,
            order_ref=ticket.order_ref,
            account=self.account,
            what_if=what_if,
        )

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        now = self._clock.now()
        try:
            answer = self._venue.what_if(self._venue_ticket(ticket, 0, what_if=True), now)
        except BrokerError as error:
            return WhatIfAnswered(signal_id, None, None, None, None, str(error), now)
        if answer.reject_code:
            return WhatIfAnswered(signal_id, None, None, None, None, f"{answer.reject_code}: {answer.reject_text}", now)
        return WhatIfAnswered(
            signal_id,
            answer.init_margin_change,
            answer.equity_before + answer.equity_change,
            answer.init_margin_before + answer.init_margin_change,
            answer.commission,
            None,
            now,
        )

    # ---- what the venue says

    def _hear(self, events: Sequence[VenueEvent]) -> None:
        """As TWS: a client is told of its own orders and fills alone, and of what the account holds whoever traded."""
        for event in events:
            if isinstance(event, OrderChanged) and event.order.ticket.client_id == self.client_id:
                self._sink(OrderReported(self._view(event.order)))
            elif isinstance(event, Filled) and event.execution.client_id == self.client_id:
                self._filled(event)
            elif isinstance(event, PositionChanged):
                self._told_position(event.position)
            elif isinstance(event, VenueRefused) and event.client_id == self.client_id:
                self._refused(event)

    def _filled(self, event: Filled) -> None:
        self._sink(ExecutionReported(self._execution(event.execution)))
        self._sink(OrderReported(self._view(event.order)))
        self._sink(CommissionReported(event.execution.exec_id, event.execution.commission, self._clock.now()))

    def _refused(self, event: VenueRefused) -> None:
        reference = self._ref_of.get(event.order_id, "")
        meaning = MEANING.get(event.code, ErrorMeaning.AMBIGUOUS)
        told = says(event.code, event.text)
        self._sink(OrderErred(reference, event.code, event.text, meaning, self._clock.now(), event.order_id, told))

    def _view(self, order: VenueOrder) -> BrokerOrderView:
        ticket = order.ticket
        if ticket.client_id == self.client_id:
            self._ref_of.setdefault(ticket.order_id, ticket.order_ref)
        return BrokerOrderView(
            order_ref=ticket.order_ref,
            perm_id=order.perm_id,
            order_id=ticket.order_id,
            client_id=ticket.client_id,
            contract_key=self._key(ticket.instrument),
            side=OrderSide(ticket.side.value),
            status=STATUS[order.status],
            quantity=ticket.quantity,
            filled_quantity=order.filled,
            limit_price=ticket.limit_price,
            stop_price=ticket.aux_price if ticket.order_type == OrderType.STOP.value else None,
            at=self._clock.now(),
            detail=order.reject_text,
        )

    def _execution(self, fill: VenueExecution) -> Execution:
        return Execution(
            exec_id=fill.exec_id,
            order_ref=fill.order_ref,
            perm_id=fill.perm_id,
            order_id=fill.order_id,
            contract_key=self._key(fill.instrument),
            side=OrderSide(fill.side.value),
            quantity=fill.quantity,
            price=fill.price,
            executed_at=fill.at,
            client_id=fill.client_id,
        )

    def _told_position(self, held: VenuePosition) -> None:
        """Of shares TWS's rows are read when they are asked for, and not before."""
        if held.instrument.sec_type == "OPT":
            self._sink(PositionTold(self._key(held.instrument), held.quantity, self._clock.now()))

    async def snapshot(self) -> BrokerSnapshot:
        now = self._clock.now()
        if not self._up:
            faults = (BookFault(BookPart.OPEN_ORDERS, "not connected"),)
            return BrokerSnapshot((), (), (), {}, (), self._next_id, False, faults, now, now)
        executions = self._venue.executions()
        for held in self._venue.positions():  # asking for positions subscribes to them anew
            self._told_position(held)
        return BrokerSnapshot(
            open_orders=[self._view(order) for order in self._venue.open_orders()],
            completed_orders=[self._over(order) for order in self._venue.completed_orders()],
            executions=[self._execution(fill) for fill in executions],
            commissions={fill.exec_id: fill.commission for fill in executions},
            positions=[
                BrokerPosition(
                    self._key(p.instrument),
                    self._contract(p.instrument),
                    p.quantity,
                    p.average_cost / p.instrument.multiplier,
                )
                for p in self._venue.positions()
            ],
            next_order_id=1 if self._ids_restarted else self._venue.next_order_id(self.client_id),
            complete=True,
            faults=(),
            at=now,
            asked_at=now,
        )

    def _over(self, order: VenueOrder) -> BrokerOrderView:
        """Return an order that is over as TWS shows it: with neither its order id nor its client's."""
        return replace(self._view(order), order_id=0, client_id=0)

    # ---- market data

    def line_of(self, key: str) -> VenueInstrument | None:
        """Return what a line that is open is of."""
        line = self._lines.get(key)
        return line.instrument if line else None

    @property
    def lines(self) -> list[VenueInstrument]:
        return [line.instrument for line in self._lines.values()]

    def subscribe(self, wanted: Subscribe) -> None:
        self._unlisted &= set(wanted.wanted)
        found = {key: instrument for key in wanted.wanted if (instrument := self._listed(key)) is not None}
        self._lines = {key: self._line(key, each, wanted.wanted[key]) for key, each in found.items()}
        self._chain = wanted.chain
        before, self._held_lines = self._held_lines, broker_data.held_lines(wanted)
        for told in broker_data.lines_told(before, self._held_lines, self._lines, self._clock.now()):
            self._sink(told)

    def ask_chains(self, symbols: Sequence[str]) -> None:
        for symbol in symbols if self._up else ():
            if listings := listings_of(self._venue.market.find(symbol=symbol, sec_type="OPT")):
                now = self._clock.now()
                self._sink(ChainTold(symbol, Chain(symbol, listings, now)))

    def ask_quotes(self, keys: Sequence[str]) -> None:
        now, market = self._clock.now(), self._venue.market
        for key in keys if self._up else ():
            instrument = self._find(key)
            if instrument is not None:
                quote = _quote(market.top(instrument, now), now)
                self._sink(QuoteSnapshot(key, quote, self._greeks(instrument, now)))

    def ask_hours(self, keys: Sequence[str]) -> None:
        if self._up:
            self.tell_hours(keys, USUAL)

    def tell_hours(self, keys: Sequence[str], said: HoursSaid) -> None:
        """Tell trading hours, its own or others."""
        now = self._clock.now()
        days = [DayHours(day, periods) for day, periods in hours.days(self._venue.market, now, said)]
        for key in keys:
            instrument = self._find(key)
            if instrument is not None:
                last = last_day_text(instrument)
                self._sink(HoursTold(key, days, date.fromisoformat(last) if last else None, now))

    def renew(self, key: str | None = None) -> None:
        """Say everything again, as on lines that are new; with a key on that one alone."""
        for line in self._lines.values() if key is None else [self._lines[key]]:
            line.top = line.looked_at = line.slow_at = None

    def quoted(self) -> list[tuple[str, Quote]]:
        """Return what was last said of options."""
        now = self._clock.now()
        lines = ((k, line.top) for k, line in self._lines.items() if line.instrument.sec_type == "OPT")
        return [(key, _quote(top, now)) for key, top in lines if top is not None]

    def healthy(self, now: datetime) -> LinesHeard:
        """Return which lines were answered: none of this venue's falls ill by itself."""
        quoted = frozenset(key for key, line in self._lines.items() if line.top is not None)
        return LinesHeard(quoted, frozenset(k for k, line in self._lines.items() if "book" in line.kinds), now)

    def _line(self, key: str, instrument: VenueInstrument, kinds: frozenset[str]) -> _Line:
        known = self._lines.get(key)
        if known is not None:
            known.kinds = kinds
            return known
        self._qualified.add(key)
        bands = tuple(MARKET_RULES[instrument.market_rule_id])
        grid = PriceGrid(bands) if instrument.sec_type == "OPT" else None
        self._sink(ContractQualified(key, instrument.con_id, grid, instrument=self._named(instrument)))
        return _Line(instrument, kinds)

    def _listed(self, key: str) -> VenueInstrument | None:
        """Return what a key names; one that names nothing is told once while it is wanted."""
        instrument = self._find(key)
        if instrument is None and key not in self._unlisted:
            self._unlisted.add(key)
            self._sink(ContractQualified(key, None, None, "the venue does not list it"))
        return instrument

    def pump(self) -> None:
        """Send what changed, and nothing of what stands still: every second where an order or a position is, more
        seldom elsewhere; which lines are healthy, and the account now and then."""
        now = self._clock.now()
        traded = {order.ticket.instrument.con_id for order in self._venue.open_orders()}
        traded.update(position.instrument.con_id for position in self._venue.positions())
        for key, line in self._lines.items():
            if line.instrument.con_id in traded or line.looked_at is None or now - line.looked_at >= _CALM_LINES:
                line.looked_at = now
                self._pump_quote(key, line, now)
            if line.slow_at is None or now - line.slow_at >= _SLOW_LINES:
                since, line.slow_at = line.slow_at or now, now
                self._pump_slow(key, line, since, now)
        if self._chain and (self._chain_at is None or now - self._chain_at >= _CHAIN_EVERY):
            self._chain_at = now
            self.ask_quotes(self._chain)
        self._sink(self.healthy(now))
        if self._account_at is None or now - self._account_at >= _ACCOUNT_EVERY:
            self._tell_what_was_brought(now)
        self.tell_account()

    def _tell_what_was_brought(self, now: datetime) -> None:
        """Tell what each option that is held, or was, brought, and the account in its currency, where that is news."""
        held = {
            self._key(each.instrument): each for each in self._venue.positions() if each.instrument.sec_type == "OPT"
        }
        for key, position in held.items():
            told = broker_data.brought(self._venue.market, key, position, now)
            if self._is_news(key, (told.quantity, told.daily, told.unrealized, told.realized)):
                self._sink(told)
        for key in [each for each in self._told_of if each not in held and each != _CURRENCY]:
            del self._told_of[key]
            self._sink(PositionPnlTold(key, 0, None, None, None, None, now))
        told_of = broker_data.in_dollars(self.account, self._venue.account_values(now), now)
        if self._is_news(_CURRENCY, (told_of.cash, told_of.net_liquidation)):
            self._sink(told_of)

    def _is_news(self, name: str, values: tuple[object, ...]) -> bool:
        known = self._told_of.get(name)
        self._told_of[name] = values
        return known != values

    def tell_account(self) -> None:
        """Tell the account's values when the last word is a while ago."""
        now = self._clock.now()
        if self._account_at is None or now - self._account_at >= _ACCOUNT_EVERY:
            self._account_at = now
            self._sink(self._account_values(now))

    def _pump_quote(self, key: str, line: _Line, now: datetime) -> None:
        top = self._venue.market.top(line.instrument, now)
        if top == line.top:
            return
        line.top = top
        self._sink(QuoteReceived(key, _quote(top, now)))

    def _pump_slow(self, key: str, line: _Line, since: datetime, now: datetime) -> None:
        market = self._venue.market
        if "trades" in line.kinds:
            for told in broker_data.trades_of(market, key, line.instrument, since, now, line.top):
                self._sink(told)
        if "bars" in line.kinds:
            for told in broker_data.bars_of(market, key, line.instrument, since, now):
                self._sink(told)
        if "book" in line.kinds:
            depth = self._venue.market.depth(line.instrument, now)
            bids = tuple(DepthLevel(level.price, level.size) for level in depth.bids)
            asks = tuple(DepthLevel(level.price, level.size) for level in depth.asks)
            self._sink(BookReceived(key, Depth(bids, asks, now)))
        greeks = self._greeks(line.instrument, now)
        if greeks is not None:
            self._sink(GreeksReceived(key, greeks))

    def _greeks(self, instrument: VenueInstrument, now: datetime) -> Greeks | None:
        told = self._venue.market.greeks(instrument, now) if instrument.sec_type == "OPT" else None
        if told is None:
            return None
        return Greeks(told.iv, told.delta, told.gamma, told.vega, told.theta, told.underlying, now)

    def _account_values(self, now: datetime) -> AccountReported:
        values, daily = self._venue.account_values(now), self._venue.daily_pnl(now)[0]
        return AccountReported(
            account=self.account,
            net_liquidation=values["NetLiquidation"],
            available_funds=values["AvailableFunds"],
            buying_power=values["BuyingPower"],
            cash=values["TotalCashValue"],
            realized_pnl=values["RealizedPnL"],
            unrealized_pnl=values["UnrealizedPnL"],
            at=now,
            daily_pnl=daily,
            pnl_at=now,
        )

    # ---- names

    def _find(self, key: str) -> VenueInstrument | None:
        market = self._venue.market
        found = (
            market.find(local_symbol=key)
            or market.find(symbol=key, sec_type="STK")
            or market.find(symbol=key, sec_type="IND")
        )
        return found[0] if found else None

    def _key(self, instrument: VenueInstrument) -> str:
        known = self._keys.get(instrument.con_id)
        if known is None:
            option = instrument.sec_type == "OPT"
            known = self._keys[instrument.con_id] = instrument.local_symbol if option else instrument.symbol
        return known

    def _named(self, instrument: VenueInstrument) -> Instrument:
        """Return a contract as contract details name it."""
        option, last = instrument.sec_type == "OPT", last_day_text(instrument)
        under = self._venue.market.by_con_id(instrument.under_con_id) if option else None
        on_index = under is not None and under.sec_type == "IND"
        return Instrument(
            con_id=instrument.con_id,
            sec_type=instrument.sec_type,
            symbol=instrument.symbol,
            currency=instrument.currency,
            multiplier=str(instrument.multiplier) if option else "",
            exchange=instrument.exchange,
            primary_exchange=instrument.primary_exchange,
            trading_class=instrument.trading_class,
            local_symbol=instrument.local_symbol,
            last_trading_day=last,
            right=instrument.right,
            strike=f"{instrument.strike.normalize():f}" if instrument.strike is not None else "",
            cash_settled=on_index if under is not None else None,
            settled_at_open=last < expiry_text(instrument) if on_index else None,
            is_complete=True,
        )

    def _contract(self, instrument: VenueInstrument) -> OptionContract | None:
        return parse_osi(instrument.local_symbol) if instrument.sec_type == "OPT" else None


def _quote(top: TopOfBook, now: datetime) -> Quote:
    return Quote(top.bid, top.ask, top.bid_size, top.ask_size, top.last, now, halted=top.halted, close=top.close)


def listings_of(options: Sequence[VenueInstrument]) -> tuple[ChainListing, ...]:
    """Return what options are listed, by class and contract size."""
    classes: dict[tuple[str, int], list[VenueInstrument]] = {}
    for each in options:
        classes.setdefault((each.trading_class, each.multiplier), []).append(each)
    return tuple(
        ChainListing(
            *of_class,
            tuple(sorted({each.expiry for each in listed if each.expiry is not None})),
            tuple(sorted({each.strike for each in listed if each.strike is not None})),
        )
        for of_class, listed in sorted(classes.items())
    )
