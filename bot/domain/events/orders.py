"""Facts of orders, fills and previews as the broker tells them. None is ever conflated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.domain.order import Execution, OrderSide, RefusalKind
from bot.domain.outside import outside, through


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
        through(self, detail=outside(self.detail))


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
        through(self, reason=outside(self.reason))


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
        through(self, text=outside(self.text))


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
        through(self, error=None if self.error is None else outside(self.error))
