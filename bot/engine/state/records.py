"""What one tick writes, and what a start reads: the engine's side of the store port.

A `TickBatch` is one transaction: what changed of each kind of `bot.domain.kinds`, and facts. Entities in it are the
live objects; the store writes their present values (insert or replace by id) and must not keep them. A `New...` is a
row that the tick adds; as the page reads it back, it is a `...Row` of `bot.store.read`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain.events.account import AccountReported, CurrencyTold, PositionPnlTold
from bot.domain.events.feeds import EndpointReported, FeedReported
from bot.domain.events.market_data import LineReported
from bot.domain.events.people import AlertRaised, RequestReceived
from bot.domain.forecast import Forecast
from bot.domain.instruments import Instrument, PriceGrid, option_of_key
from bot.domain.kinds import Entities
from bot.domain.machine import refused_trigger
from bot.domain.order import Execution
from bot.domain.overseer import CallOutcome, OverseerCall
from bot.risk.degradation import TradeOutcome

ENDED_DAYS: Final = 4
"""What is over is remembered so many days: a fill of the last session may be corrected after a long weekend."""
EXECUTION_DAYS: Final = 10
"""Executions of so many days are remembered: longer than a broker tells of them."""


@dataclass(frozen=True, slots=True)
class NewTransition:
    """A row for `transition`, before the store adds seq, config version, tick and the hashes. Evidence is JSON-safe but
    for Decimal and datetime, which the store writes as text."""

    machine: str
    entity_id: str
    from_state: str
    to_state: str
    trigger: str
    actor: str
    reason: str
    evidence: Mapping[str, Any]
    event_at: datetime

    @property
    def refused(self) -> str | None:
        """The trigger that was not allowed, None for a step that was made."""
        return refused_trigger(self.trigger)


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution that counts, with what it belongs to; a correction has the same `base_id` and replaces it."""

    execution: Execution
    commission: Decimal | None
    order_id: str | None
    position_id: str | None
    replaces: str | None = None  # exec_id of the revision that it corrects


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """How a command row ended: `done` or `refused`, with the answer that the person sees."""

    id: str
    state: str
    answer: str
    handled_at: datetime


@dataclass(frozen=True, slots=True)
class NewMark:
    """One point of a position's price path, and of its P&L as the page shows it. Prices per share."""

    position_id: str
    at: datetime
    bid: Decimal | None
    ask: Decimal | None
    underlying: Decimal | None
    unrealized_pnl: Decimal | None
    sampled: bool  # True: also keep it in the price path; False: only refresh the latest mark
    quoted_at: datetime | None = None  # when this was last known to be the price


@dataclass(frozen=True, slots=True)
class AccountSnapshotRow:
    report: AccountReported
    day: date
    day_pnl: Decimal
    open_positions: int


LEFT_ALONE: Final = "left alone"
"""The action of a line about shares and short options: `ours` is how many of them we know of and can explain."""


SET_ASIDE: Final = "set aside"
"""In place of our number in a line about what no type of ours holds."""


@dataclass(frozen=True, slots=True)
class ReconcileLine:
    """One comparison of the reconciler: what we had, what the broker has, what was done."""

    subject: str  # position | order | execution
    key: str
    ours: str
    broker: str
    action: str


@dataclass(frozen=True, slots=True)
class ReconcileRow:
    id: str
    at: datetime
    reason: str
    complete: bool
    lines: Sequence[ReconcileLine]


@dataclass(frozen=True, slots=True)
class JobRow:
    """A scheduled job's mark: when it last ran and how it ended."""

    name: str
    ran_at: datetime
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The engine's pulse, one row, for page and health check. `wall_*` are wall-clock epoch seconds given by the clock
    adapter."""

    tick: int
    at: datetime
    tick_ms: float
    mode: str
    speed: float
    scenario: str
    inbox_depth: int
    quotes_per_s: float
    session_day: date | None
    session_open_at: datetime | None
    session_close_at: datetime | None
    broker_synced_at: datetime | None
    waiting_for: Sequence[str]  # why there is no trade right now, one line per candidate
    clock_fault: str = ""  # how the machine's clock differs from the broker's, what follows and what to do


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    key: str
    instrument: Instrument
    grid: PriceGrid

    @property
    def is_option(self) -> bool:
        return option_of_key(self.key) is not None


@dataclass(frozen=True, slots=True)
class StrategyStatRow:
    """Counters of one strategy and symbol on one day; `last_reason` says why its latest look did not become a
    signal, `seen` what the latest look that measured anything measured, at `seen_at`."""

    strategy: str
    symbol: str
    day: date
    evaluated: int
    proposed: int
    last_reason: str
    at: datetime
    seen: Mapping[str, Any] = field(default_factory=dict)
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GammaProfile:
    """Dealer gamma by strike of one underlying, as the vendor told it last: (strike, net gamma in dollars per 1 % move)
    in rising strikes, and the underlying's price in the vendor's rows."""

    symbol: str
    at: datetime
    price: Decimal
    strikes: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class FeedRows:
    """The last rows of one data set and key, for whoever reads them by name: as they came, oldest first. `rows_in_all`:
    of the whole answer."""

    dataset: str
    key: str
    source: str
    at: datetime
    source_at: datetime | None
    max_age_s: float
    rows_in_all: int
    rows: Sequence[Any]


@dataclass(slots=True)
class TickBatch:
    """Everything that one tick changed. Empty batches are not committed."""

    tick: int
    recorded_at: datetime
    transitions: list[NewTransition] = field(default_factory=list)
    changed: Entities = field(default_factory=Entities)
    executions: list[NewExecution] = field(default_factory=list)
    commissions: dict[str, Decimal] = field(default_factory=dict)  # exec_id -> dollars, for executions already stored
    heard: list[RequestReceived] = field(default_factory=list)  # written where no row is there yet (a signal)
    commands: list[RequestOutcome] = field(default_factory=list)
    inbound: list[RequestOutcome] = field(default_factory=list)  # answers to rows of `inbound`
    alerts: list[AlertRaised] = field(default_factory=list)
    feeds: dict[tuple[str, str, str], FeedReported] = field(default_factory=dict)
    feed_rows: dict[tuple[str, str], FeedRows] = field(default_factory=dict)
    market_lines: dict[tuple[str, str], LineReported] = field(default_factory=dict)
    broker_pnl: dict[str, PositionPnlTold] = field(default_factory=dict)
    currencies: dict[tuple[str, str], CurrencyTold] = field(default_factory=dict)
    endpoints: dict[tuple[str, str, date], EndpointReported] = field(default_factory=dict)
    marks: list[NewMark] = field(default_factory=list)
    account: AccountSnapshotRow | None = None
    reconciliations: list[ReconcileRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    instruments: list[InstrumentRow] = field(default_factory=list)
    strategy_stats: dict[tuple[str, str], StrategyStatRow] = field(default_factory=dict)
    gamma_profiles: dict[str, GammaProfile] = field(default_factory=dict)
    forecasts: dict[str, Forecast] = field(default_factory=dict)  # as they stand now
    calls: list[OverseerCall] = field(default_factory=list)
    call_outcomes: list[CallOutcome] = field(default_factory=list)
    status: EngineStatus | None = None

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in _PARTS)

    @property
    def is_urgent(self) -> bool:
        """Whether it must be committed now, or may wait for company."""
        facts = self.transitions or self.executions or self.reconciliations or self.commissions
        return bool(facts or self.alerts or self.commands or self.inbound) or self.changed.are_urgent


_PARTS: Final = tuple(each.name for each in fields(TickBatch) if each.name not in {"tick", "recorded_at"})


@dataclass(frozen=True, slots=True)
class LoadedState:
    """What a start finds. Terminal entities are left out, but for what today's limits need."""

    entities: Entities
    """What is alive of each kind; and what is over and may still be told of: the signals and orders of the last days or
    of a position that is loaded, positions of the last days or whose end is not certain."""
    executions: Mapping[str, Execution]  # base_id -> the revision that counts, of the last days
    commissions: Mapping[str, Decimal]  # exec_id -> dollars
    instruments: Mapping[str, tuple[Instrument, PriceGrid]]
    highest_order_id: int
    tick: int
    last_signal_at: Mapping[tuple[str, str], datetime]  # (strategy, symbol) -> latest signal, for cool-downs
    opening_equity: Mapping[date, Decimal]  # New York day -> first net liquidation seen
    earliest: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By base of an execId that was corrected: revision and contracts of its earliest revision."""
    opaque_told: frozenset[tuple[str, str]] = frozenset()  # (subject, id) of what no type of ours holds, as last seen
    not_ours: Mapping[str, Decimal] = field(default_factory=dict)  # key -> holdings that are not ours, as known
    underlying_seen: Mapping[str, tuple[datetime, Decimal]] = field(default_factory=dict)  # open position -> last mark
    bid_seen: Mapping[str, tuple[datetime, Decimal]] = field(default_factory=dict)  # open position -> last mark's bid
    strangers: frozenset[str] = frozenset()  # bases of the executions that no order of ours made
    outcomes: Sequence[TradeOutcome] = ()  # of each strategy its latest closed trades, oldest first
    forecasts: Sequence[Forecast] = ()  # that are not settled yet
    last_close: Decimal | None = None  # the last net liquidation of an earlier day
    last_account: AccountReported | None = None  # as it was last kept today
    high_water: Decimal | None = None  # highest net liquidation since the drawdown breaker was last acknowledged
    account_seen_at: datetime | None = None  # up to when the drawdown breaker had reckoned the account's values in
