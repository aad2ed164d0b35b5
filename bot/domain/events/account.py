"""Facts of the account: its values, what it holds, and the broker's whole book when it was asked for on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.events.orders import BrokerOrderView
from bot.domain.instruments import PLAIN_MULTIPLIER, Instrument, OptionContract
from bot.domain.order import Execution
from bot.domain.outside import outside, through


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
class PositionTold:
    """The broker says of its own accord how many contracts it holds now, signed; whoever traded them."""

    key: str
    quantity: int
    at: datetime


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
        through(self, words=outside(self.words))

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
