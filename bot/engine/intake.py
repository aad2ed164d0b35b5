"""The tick's first part: every fact that came goes to the one who knows what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from bot.domain.events import Event
from bot.domain.events.account import (
    AccountReported,
    BrokerSnapshot,
    CurrencyTold,
    ForeignSeen,
    PositionPnlTold,
    PositionTold,
)
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.domain.events.host import ClockParted, DiskTold, JobRan
from bot.domain.events.link import BrokerTimeTold, LinkChanged
from bot.domain.events.market_data import (
    BarsReceived,
    BookReceived,
    ChainTold,
    ContractChanged,
    ContractQualified,
    GreeksReceived,
    HoursTold,
    LineReported,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.events.orders import (
    CommissionReported,
    ExecutionReported,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
    WhatIfAnswered,
)
from bot.domain.events.people import AlertRaised, InboundReceived, RequestKind, RequestReceived, RequestUnreadable
from bot.domain.instructions import AskSnapshot
from bot.domain.instruments import Instrument
from bot.domain.order import base_of
from bot.domain.position import PositionChange
from bot.domain.signal import SignalState
from bot.engine.book import foreign, told_holdings
from bot.engine.book.facts import FactKeeper
from bot.engine.book.reconciler import Reconciler
from bot.engine.day import account, jobs, link, timekeeping
from bot.engine.inbound import Inbound
from bot.engine.memory import Memory
from bot.engine.operator import Operator
from bot.engine.requested.desk import RequestDesk
from bot.engine.settlement import runs
from bot.engine.state.context import Context
from bot.engine.state.fact_name import FactName
from bot.engine.state.inbox import Inbox
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.parking import Parkable, ParkedKind
from bot.engine.state.ports import Broker
from bot.engine.state.records import InstrumentRow, JobRow, RequestOutcome
from bot.engine.state.shown import shown_rows
from bot.engine.tick_memory import TickMemory
from bot.engine.trade import signals


def name_of(event: Event, ledger: Ledger) -> tuple[FactName, str]:
    """Return how a fact is called, and the contract that it is about; empty: none."""
    match event:
        case OrderReported(view):
            return FactName("order", view.order_ref or str(view.perm_id)), view.contract_key
        case ExecutionReported(execution):
            return FactName("execution", execution.base_id), execution.contract_key
        case CommissionReported(exec_id):
            paid = ledger.fills.executions.get(base_of(exec_id))
            return FactName("commission", exec_id), paid.contract_key if paid is not None else ""
        case OrderErred() | OrderSent() | OrderNotSent():
            order = ledger.order_index.by_ref.get(event.order_ref)
            return FactName("order", event.order_ref), order.contract_key if order is not None else ""
        case ContractQualified(key) | PositionTold(key):
            return FactName(type(event).__name__, key.strip()), ""
        case RequestReceived(command_id):
            return FactName("command", command_id), ""
        case WhatIfAnswered(signal_id):
            return FactName("preview", f"of signal {signal_id}"), ""
    return FactName(type(event).__name__), ""


def _market_fault(event: Event) -> FactName:
    return FactName("market", f"data {type(event).__name__}")


def _raise(error: Exception) -> None:
    raise error


def _was_heard(event: BrokerTimeTold) -> None:
    """The broker's time was heard when it was taken."""


class _Desk:
    """Who applies the facts of one tick, each made when the first fact for it comes. `taken`: all that came."""

    def __init__(self, ctx: Context, journal: Journal, memory: TickMemory, taken: Sequence[Event]) -> None:
        self.ctx, self.journal = ctx, journal
        self._memory, self._taken = memory, taken

    @cached_property
    def keeper(self) -> FactKeeper:
        return FactKeeper(self.ctx, self.journal)

    @cached_property
    def operator(self) -> Operator:
        memory = self._memory
        desk = RequestDesk(self.ctx, self.journal, memory.approvals, memory.reloading, memory.outbox)
        return Operator(desk, _withdrawn(self._taken))

    @cached_property
    def inbound(self) -> Inbound:
        return Inbound(self.ctx, self.journal, self._memory.outbox)


def _withdrawn(taken: Sequence[Event]) -> Mapping[str, RequestReceived]:
    """Return the withdrawals that came together with what they withdraw: that is not carried out first."""
    asked = [event for event in taken if isinstance(event, RequestReceived)]
    return {str(event.payload.get("request_id", "")): event for event in asked if event.kind is RequestKind.WITHDRAW}


class Intake:
    """Applies facts to the ledger and the board, and keeps what it took until that is on disk."""

    def __init__(self, memory: Memory, inbox: Inbox, broker: Broker, tick_memory: TickMemory) -> None:
        self.synced_at: datetime | None = None  # when our book last agreed with the broker's
        self._memory, self._inbox, self._broker, self._tick_memory = memory, inbox, broker, tick_memory
        self._taken: Sequence[Event] = ()
        self._applying: Event | None = None
        self._of_facts = self._appliers()
        board = memory.board
        self._of_market: Mapping[type, Callable[[Any], None]] = {
            QuoteReceived: board.apply_quote,
            LinesHeard: board.apply_lines,
            GreeksReceived: board.apply_greeks,
            BookReceived: board.apply_book,
            TradesReceived: board.apply_trades,
            BarsReceived: board.apply_bars,
            QuoteSnapshot: board.apply_snapshot,
            ChainTold: board.apply_chain,
            PositionPnlTold: self._pnl_told,
            CurrencyTold: self._currency_told,
            DatumReceived: self._informed,
            FeedReported: self._fed,
            LineReported: self._line_told,
            EndpointReported: self._used,
            BrokerTimeTold: _was_heard,
        }

    def take(self) -> None:
        """Take what came, and hear the broker's time before all else: by what hour the rest is judged follows from
        it."""
        self._taken = self._inbox.take()
        for told in [event for event in self._taken if type(event) is BrokerTimeTold]:
            self._memory.ledger.clocks.hear(told)

    def apply(self, ctx: Context) -> None:
        """Apply what was taken, each on its own by its kind. What raises costs itself: a fault of its key that is told
        once, an answer to who asked, and another look at the book."""
        of_market, faults = self._of_market, self._tick_memory.faults
        desk = _Desk(ctx, self._memory.journal, self._tick_memory, self._taken)
        for event in self._taken:
            self._applying = event
            applier = of_market.get(type(event))
            if applier is not None:  # these change nothing but the board: no savepoint for thousands a second
                try:
                    applier(event)
                except Exception as error:  # one line's fault must not stop the others
                    faults.apply(self._memory.journal, _market_fault(event), "", partial(_raise, error))
                else:
                    if faults.faults:
                        faults.forget(self._memory.journal, _market_fault(event))
                continue
            if not self._apply_fact(desk, event) and isinstance(event, RequestReceived):
                self._answer_in_vain(event)
        self._applying = None

    def _apply_fact(self, desk: _Desk, event: Event) -> bool:
        name, key = name_of(event, self._memory.ledger)
        journal, faults = self._memory.journal, self._tick_memory.faults
        was_known = name in faults.faults
        applied = faults.apply(journal, name, key, lambda: self._of_facts[type(event)](desk, event))
        if not applied and not was_known:
            journal.instructions.append(AskSnapshot(f"{name} could not be applied"))
        return applied

    def _answer_in_vain(self, command: RequestReceived) -> None:
        words = "it failed on the way (alert FACT_FAULT says how) and changed nothing"
        batch = self._memory.journal.batch
        batch.heard.append(command)
        batch.commands.append(RequestOutcome(command.id, "refused", words, self._memory.journal.now))

    def commands_that_wait(self) -> list[RequestReceived]:
        """Return what people asked that no tick has taken yet."""
        return self._inbox.waiting(RequestReceived)

    def settled(self) -> None:
        """What was taken is on disk: should the sending fail, none of it may come twice."""
        self._taken = ()

    def put_back(self) -> None:
        """What came in a failed tick was not kept: it comes again, but for the event that could not be applied."""
        self._inbox.put_back(event for event in self._taken if event is not self._applying)
        self._taken, self._applying = (), None

    def _appliers(self) -> Mapping[type, Callable[[_Desk, Any], object]]:
        """Return who applies a fact of each kind that is no market data; they go by the desk of a tick."""
        return {
            **self._of_orders(),
            ContractQualified: lambda desk, event: self._qualified(event),
            ContractChanged: lambda desk, event: self._contract_changed(event),
            ForeignSeen: lambda desk, event: foreign.opaque(desk.journal, event),
            PositionTold: lambda desk, event: told_holdings.hear(desk.ctx, event),
            AccountReported: lambda desk, event: account.told(desk.ctx, desk.journal, event),
            AlertRaised: lambda desk, event: desk.journal.batch.alerts.append(event),
            JobRan: lambda desk, event: self._job_ran(event),
            LinkChanged: lambda desk, event: self._linked(desk.ctx, event),
            BrokerSnapshot: lambda desk, event: self._reconcile(desk.ctx, event),
            HoursTold: lambda desk, event: self._tick_memory.hours.hear(desk.ctx, desk.journal, event),
            ClockParted: lambda desk, event: timekeeping.parted(desk.ctx, desk.journal, event),
            WhatIfAnswered: lambda desk, event: self._measured(desk.ctx, event),
            RequestReceived: lambda desk, event: desk.operator.handle(event),
            RequestUnreadable: lambda desk, event: desk.operator.refuse_unreadable(event),
            DiskTold: lambda desk, event: jobs.disk_told(desk.journal, event),
            InboundReceived: lambda desk, event: desk.inbound.handle(event),
        }

    def _of_orders(self) -> Mapping[type, Callable[[_Desk, Any], object]]:
        return {
            OrderSent: lambda desk, event: desk.keeper.order_sent(event),
            OrderNotSent: lambda desk, event: desk.keeper.order_not_sent(event),
            OrderReported: lambda desk, event: desk.keeper.order_reported(event),
            OrderErred: lambda desk, event: desk.keeper.order_erred(event),
            ExecutionReported: lambda desk, event: desk.keeper.executed(event),
            CommissionReported: lambda desk, event: desk.keeper.commission(event),
        }

    def _informed(self, event: DatumReceived) -> None:
        self._memory.board.apply_datum(event)
        self._tick_memory.limits.heard(event)
        if event.shown:
            self._memory.journal.batch.feed_rows[event.dataset, event.key] = shown_rows(event)

    def _qualified(self, event: ContractQualified) -> None:
        journal = self._memory.journal
        is_news = self._memory.board.apply_qualified(event)
        if event.con_id is None:
            facts = {"key": event.key, "detail": event.detail}
            journal.alert("CONTRACT_UNKNOWN", f"the broker does not know {event.key.strip()}", facts)
        elif is_news and event.grid is not None:
            instrument = event.instrument or Instrument(event.con_id, "")
            journal.batch.instruments.append(InstrumentRow(event.key, instrument, event.grid))
            for position in self._memory.ledger.position_index.of(event.key):
                self._memory.ledger.change(position, PositionChange(contract=instrument.settling(position.contract)))

    def _contract_changed(self, event: ContractChanged) -> None:
        """Tell once, value it no longer as what it was, and keep that: its exits go by the conId alone."""
        if not self._memory.board.withdraw(event.key, event.instrument):
            return
        journal, name = self._memory.journal, event.key.strip()
        held = self._memory.ledger.position_index.held_on(event.key)
        text = f"the broker names another contract than {name} under conId {event.instrument.con_id}"
        text += f": {event.instrument.changed}; its quotes are not used any more"
        text += f"; {held} are held: look at them in TWS, `close` sells them by their conId" if held else ""
        facts = {"key": event.key, "con_id": event.instrument.con_id, "changed": event.instrument.changed}
        journal.alert("CONTRACT_CHANGED", text, facts)
        grid = self._memory.board.grid(event.key)
        journal.batch.instruments.append(InstrumentRow(event.key, event.instrument, grid))

    def _job_ran(self, event: JobRan) -> None:
        self._memory.journal.batch.jobs.append(JobRow(event.name, event.at, event.state, event.detail))

    def _pnl_told(self, event: PositionPnlTold) -> None:
        self._memory.journal.batch.broker_pnl[event.key] = event

    def _currency_told(self, event: CurrencyTold) -> None:
        self._memory.journal.batch.currencies[event.account, event.currency] = event

    def _line_told(self, event: LineReported) -> None:
        self._memory.journal.batch.market_lines[event.key, event.kind] = event

    def _fed(self, event: FeedReported) -> None:
        self._memory.journal.batch.feeds[event.feed, event.dataset, event.key] = event

    def _used(self, event: EndpointReported) -> None:
        self._memory.journal.batch.endpoints[event.feed, event.dataset, event.day] = event

    def _linked(self, ctx: Context, event: LinkChanged) -> None:
        self._tick_memory.windows.heard(event)
        link.link_changed(ctx, self._memory.journal, event)

    def _reconcile(self, ctx: Context, snapshot: BrokerSnapshot) -> None:
        tick_memory, ledger, journal = self._tick_memory, self._memory.ledger, self._memory.journal
        reconciler = Reconciler(ctx, journal, tick_memory.absences, tick_memory.faults, ledger.session.state.value)
        self._broker.reserve_order_ids(max(ledger.highest_order_id, snapshot.next_order_id - 1) + 1)
        reconciler.run(snapshot)
        journal.touched |= ledger.positions.keys()  # what was not allowed before may be now
        tick_memory.parking.run_job(ctx, journal, "day totals", partial(tick_memory.totals.compare, snapshot))
        if reconciler.settled:
            tick_memory.parking.run_job(ctx, journal, runs.JOB, runs.compared, tick_memory.settlements)
            self.synced_at = ctx.now
            timekeeping.is_compared(ledger)
            link.synced(ctx, journal)

    def _measured(self, ctx: Context, event: WhatIfAnswered) -> None:
        ledger, journal, tick_memory = self._memory.ledger, self._memory.journal, self._tick_memory
        signal = ledger.signals.get(event.signal_id)
        if signal is None or signal.state is not SignalState.PENDING:
            return
        journal.take(signals.measured(signal, event))
        actor = tick_memory.approvals.waiting.pop(signal.id, None)
        approval = ledger.approvals.get(signal.approval_id or "")
        if actor is not None and approval is not None:
            answer = partial(signals.answer_by_person, ctx, signal, approval, actor, event)
            tick_memory.parking.carry_out(journal, Parkable(ParkedKind.SIGNAL, signal.id), answer)
        elif signal.approval_id is None:
            judge = partial(signals.judge, ctx, signal, event)
            tick_memory.parking.carry_out(journal, Parkable(ParkedKind.SIGNAL, signal.id), judge)
