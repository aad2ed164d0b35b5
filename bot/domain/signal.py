"""A signal: an idea to buy one option contract, from the moment a strategy has it until it is filled or dead.

Facts that arrive late: the fill that raced our cancel or the signal's expiry; the broker is right, so the row exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypedDict

from bot.domain.instruments import OptionContract
from bot.domain.machine import Lifecycle, Living, living


class SignalState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    WORKING = "working"
    FILLED = "filled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SignalTrigger(StrEnum):
    MEASURE = "measure"
    ASK = "ask"
    EDIT = "edit"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    WORK = "work"
    FILL = "fill"
    LATE_FILL = "late_fill"
    CANCEL = "cancel"
    JOIN = "join"


S, T = SignalState, SignalTrigger

SIGNAL: Final = Lifecycle(
    name="signal",
    states=SignalState,
    triggers=SignalTrigger,
    table=MappingProxyType(
        {
            (S.PENDING, T.MEASURE): S.PENDING,  # the broker's what-if came back: margin and commission are known
            (S.PENDING, T.ASK): S.PENDING,  # a person is asked
            (S.PENDING, T.EDIT): S.PENDING,  # the person changed its terms, and is asked anew
            (S.PENDING, T.JOIN): S.PENDING,  # another strategy has the same idea: one trade, with the reasons of both
            (S.APPROVED, T.JOIN): S.APPROVED,
            (S.WORKING, T.JOIN): S.WORKING,
            (S.PENDING, T.APPROVE): S.APPROVED,
            (S.PENDING, T.REJECT): S.REJECTED,
            (S.PENDING, T.EXPIRE): S.EXPIRED,
            (S.PENDING, T.CANCEL): S.CANCELLED,
            (S.APPROVED, T.WORK): S.WORKING,
            (S.APPROVED, T.REJECT): S.REJECTED,  # the world changed between approval and order
            (S.APPROVED, T.EXPIRE): S.EXPIRED,
            (S.APPROVED, T.CANCEL): S.CANCELLED,
            (S.WORKING, T.WORK): S.WORKING,  # the next chunk of what one order may not ask for
            (S.WORKING, T.FILL): S.FILLED,
            (S.WORKING, T.REJECT): S.REJECTED,  # the broker refused the order
            (S.WORKING, T.EXPIRE): S.EXPIRED,
            (S.WORKING, T.CANCEL): S.CANCELLED,
            (S.EXPIRED, T.LATE_FILL): S.FILLED,  # the fill raced our cancel
            (S.CANCELLED, T.LATE_FILL): S.FILLED,
            (S.REJECTED, T.LATE_FILL): S.FILLED,  # an error was reported on an order that was live all the same
        }
    ),
    terminal=frozenset({S.FILLED, S.REJECTED, S.EXPIRED, S.CANCELLED}),
    notes=MappingProxyType(
        {
            S.PENDING: "proposed; waits for the what-if, the rules and, where configured, a person",
            S.APPROVED: "allowed; the entry order is written next",
            S.WORKING: "an entry order lives at the broker",
            S.FILLED: "a position came of it",
            S.REJECTED: "refused by rules, a person or the broker, with every reason",
            S.EXPIRED: "too old to be worth it",
            S.CANCELLED: "called off before anything was filled",
        }
    ),
)


class SignalChange(TypedDict, total=False):
    """What may change of a signal."""

    quantity: int
    limit_price: Decimal
    notional: Decimal
    risk_fraction: Decimal
    rationale: Mapping[str, Any]
    stop_price: Decimal | None
    approval_id: str | None
    entry_order_id: str | None
    position_id: str | None
    what_if: Mapping[str, Any] | None
    what_if_asked_at: datetime | None
    closed_at: datetime | None


@living
class Signal(Living[SignalTrigger, SignalChange]):
    """One idea. `limit_price` is per share; `notional` the full premium of `quantity` contracts in dollars;
    `stop_price` the first stop per share where a person chose one, None: the strategy's. `confidence` 0 to 100 as its
    strategy says; `targets` prices per share at which profit is taken; `risk_reward` the gain at the last of them for
    each dollar that the stop would lose; `max_risk` what all of it may lose, dollars; `complexity` in words what makes
    it complex, empty: it is plain."""

    id: str
    strategy: str
    contract: OptionContract
    quantity: int
    limit_price: Decimal
    notional: Decimal
    created_at: datetime
    expires_at: datetime
    state: SignalState = SignalState.PENDING
    risk_fraction: Decimal = Decimal(0)
    rationale: Mapping[str, Any] = field(default_factory=dict)
    approval_id: str | None = None
    entry_order_id: str | None = None
    position_id: str | None = None
    what_if: Mapping[str, Any] | None = None
    what_if_asked_at: datetime | None = None
    closed_at: datetime | None = None
    stop_price: Decimal | None = None
    confidence: int | None = None
    targets: tuple[str, ...] = ()
    risk_reward: float | None = None
    max_risk: Decimal | None = None
    complexity: str = ""

    @property
    def symbol(self) -> str:
        return self.contract.symbol

    @property
    def key(self) -> str:
        return self.contract.key
