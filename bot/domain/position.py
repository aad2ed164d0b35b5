"""A position: contracts that we hold, from the first entry fill until none is left.

Scale-outs, stop moves and recovery are transitions too (a state may lead to itself): the row with its evidence is the
point. A position exists only from executions, never from an order's status.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict, cast

from bot.domain.instruments import OptionContract
from bot.domain.machine import Lifecycle, Living, living
from bot.domain.money import ZERO, to_cents, to_price


class PositionState(StrEnum):
    FILLED = "filled"
    TRAILING = "trailing"
    CLOSING = "closing"
    CLOSED = "closed"


class PositionTrigger(StrEnum):
    ENTRY_FILL = "entry_fill"
    CORRECT = "correct"
    PROTECT = "protect"
    PROTECTED = "protected"
    PROTECTION_LOST = "protection_lost"
    MAKE_ROOM = "make_room"
    SELL_RUNG = "sell_rung"
    SCALE_OUT = "scale_out"
    TRAIL = "trail"
    RATCHET = "ratchet"
    REQUEST_CLOSE = "request_close"
    STOPPED = "stopped"
    SELL = "sell"
    EXIT_FILL = "exit_fill"
    EXIT_FAILED = "exit_failed"
    CLOSE = "close"
    EXPIRE = "expire"
    SETTLE = "settle"
    RESETTLE = "resettle"
    CHARGE = "charge"
    LOSE = "lose"
    RECOVER = "recover"
    ADOPT = "adopt"


S, T = PositionState, PositionTrigger


def _everywhere(trigger: PositionTrigger, *states: PositionState) -> dict[tuple[StrEnum, StrEnum], StrEnum]:
    return {(state, trigger): state for state in states}


POSITION: Final = Lifecycle(
    name="position",
    states=PositionState,
    triggers=PositionTrigger,
    table=MappingProxyType(
        {
            **_everywhere(T.ENTRY_FILL, S.FILLED, S.TRAILING, S.CLOSING),  # entries may fill in parts, and late
            **_everywhere(T.CORRECT, S.FILLED, S.TRAILING, S.CLOSING, S.CLOSED),  # the broker corrected an execution
            **_everywhere(T.PROTECT, S.FILLED, S.TRAILING, S.CLOSING),
            **_everywhere(T.PROTECTED, S.FILLED, S.TRAILING, S.CLOSING),
            **_everywhere(T.PROTECTION_LOST, S.FILLED, S.TRAILING, S.CLOSING),
            **_everywhere(T.MAKE_ROOM, S.FILLED, S.TRAILING),
            **_everywhere(T.SELL_RUNG, S.FILLED, S.TRAILING),
            **_everywhere(T.SCALE_OUT, S.FILLED, S.TRAILING, S.CLOSING),
            (S.FILLED, T.TRAIL): S.TRAILING,
            (S.TRAILING, T.RATCHET): S.TRAILING,
            (S.FILLED, T.RATCHET): S.FILLED,  # a person raised the stop
            (S.FILLED, T.REQUEST_CLOSE): S.CLOSING,
            (S.TRAILING, T.REQUEST_CLOSE): S.CLOSING,
            (S.FILLED, T.STOPPED): S.CLOSING,  # the protective stop began to fill
            (S.TRAILING, T.STOPPED): S.CLOSING,
            **_everywhere(T.SELL, S.CLOSING),
            **_everywhere(T.EXIT_FILL, S.CLOSING),
            **_everywhere(T.EXIT_FAILED, S.CLOSING),  # still holding risk, so decide again
            (S.CLOSING, T.CLOSE): S.CLOSED,
            **dict.fromkeys([(s, T.EXPIRE) for s in (S.FILLED, S.TRAILING, S.CLOSING)], S.CLOSING),  # held through it
            (S.FILLED, T.SETTLE): S.CLOSED,  # expired worthless, settled in cash or exercised
            (S.TRAILING, T.SETTLE): S.CLOSED,
            (S.CLOSING, T.SETTLE): S.CLOSED,
            (S.FILLED, T.LOSE): S.CLOSED,  # the broker does not have it: closed elsewhere
            (S.TRAILING, T.LOSE): S.CLOSED,
            (S.CLOSING, T.LOSE): S.CLOSED,
            **_everywhere(T.RESETTLE, S.CLOSED),  # the price of the settlement became known, or the shares were sold
            **_everywhere(T.CHARGE, S.CLOSED),  # a commission that came after the end
            **_everywhere(T.RECOVER, S.FILLED, S.TRAILING, S.CLOSING),
            **_everywhere(T.ADOPT, S.FILLED),
        }
    ),
    terminal=frozenset({S.CLOSED}),
    notes=MappingProxyType(
        {
            S.FILLED: "held, protected by a stop at the broker, waiting for its rungs",
            S.TRAILING: "the rest rides: the stop follows the high",
            S.CLOSING: "on the way out: nothing but exits may be created",
            S.CLOSED: "nothing is left; realized P&L is final but for corrections",
        }
    ),
)

OPEN: Final = frozenset({S.FILLED, S.TRAILING, S.CLOSING})


class Origin(StrEnum):
    BOT = "bot"
    BROKER = "broker"  # found at the broker, adopted and protected


class Protection(StrEnum):
    """How what is left of a position is protected."""

    WANTED = "wanted"  # contracts have no working stop yet: it is on its way, in doubt, or the entry still works
    WORKING = "working"  # a stop at the broker covers everything that nothing else sells
    REJECTED = "rejected"  # the broker refused the stop; what follows depends on the reason
    SYNTHETIC = "synthetic"  # the broker takes no stop: the tick watches the price and sells
    LEAVING = "leaving"  # on the way out: the exit itself is the protection
    ENDED = "ended"  # nothing is left


class CloseReason(StrEnum):
    STOP = "stop"
    TRAIL = "trail"
    FLAT_TIME = "flat_time"
    TARGET = "target"
    OPERATOR = "operator"
    FLATTEN = "flatten"
    GAP = "gap"  # its underlying jumped past the limit
    PROTECTION_FAILED = "protection_failed"
    DAYS = "days"  # held for as many trading days as its plan allows, or down after some of them
    EARNINGS = "earnings"  # its company reports before the next session's end
    THESIS = "thesis"  # its strategy says that its idea holds no more
    ATR = "atr"  # the underlying went so many average true ranges against it, or gave back its gain
    EXTERNALLY_CLOSED = "externally_closed"
    AWAITING_SETTLEMENT = "awaiting_settlement"  # held through its expiry, and still in the broker's book
    SETTLEMENT_PENDING = "settlement_pending"  # gone from the broker's book, its value unknown: counted as nothing
    EXPIRED = "expired"  # worthless
    CASH_SETTLED = "cash_settled"  # paid out at its intrinsic value
    EXERCISED = "exercised"  # turned into shares, handed over at its intrinsic value


class Settlement(StrEnum):
    """What the value of a settlement rests on."""

    PENDING = "pending"  # nothing yet
    SEEN = "seen"  # the underlying's price that we saw at the expiry
    FINAL = "final"  # the official close, what the broker delivered, or what a person told


class Valuation(StrEnum):
    """What the value of contracts that somebody else sold rests on; of several, the least certain one."""

    EXECUTED = "executed"  # the executions of other clients that took them
    TOLD = "told"  # what a person said they brought
    ESTIMATED = "estimated"  # the last bid that was seen
    UNKNOWN = "unknown"  # nothing yet: counted as nothing


@dataclass(frozen=True, slots=True)
class Rung:
    """Sell until `cumulative_fraction` of the entry is gone once the premium is up by `gain` (0.5 is +50 %), or, where
    `atr` is given, once the underlying has gone so many average true ranges our way."""

    gain: Decimal
    cumulative_fraction: Decimal
    atr: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DaysRule:
    """What the count of trading days held brings about; None: nothing. `down`: a fraction below the entry price, at
    which it is sold after `down_after`; after `profit_after` it is sold unless it stands above its entry; after `most`
    in any case."""

    down: Decimal | None
    down_after: int
    profit_after: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class AtrRule:
    """Where the underlying decides, in dollars of its price: `entry` its price at the entry, `atr` its average true
    range then; None: not known, and this rule is silent. `stop` and `target` are multiples of it: so far against, and
    so far our way, all is sold; from `trail_from` on also once less than `keep` of the best gain is left."""

    stop: Decimal
    target: Decimal
    trail_from: Decimal
    keep: Decimal
    entry: Decimal | None
    atr: Decimal | None


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """How a position will be left, frozen at its entry: fractions of the entry price, `flat_at` in UTC (None: no time
    stop on the day of the entry), `flat_by` New York's time of day to be flat by on the last day of a contract that is
    held overnight (None only in plans of before it was kept).

    A rule that the plan does not have is None or false; `name` is empty in plans of before they had one.
    """

    rungs: tuple[Rung, ...]
    stop_loss: Decimal  # 0.5: the stop stands 50 % below the entry price
    trail: Decimal  # 0.25: the trailing stop stands 25 % below the high
    single_trail_from: Decimal  # a single contract trails once the premium is up by this
    flat_at: datetime | None
    flat_by: time | None = None
    name: str = ""
    trail_from: Decimal | None = None  # trails from this gain on, whatever rungs are to come; None: after the last rung
    target: Decimal | None = None  # all is sold at this gain
    days: DaysRule | None = None
    before_earnings: bool = False
    next_open_at: datetime | None = None  # sold then, in the session after the entry's
    thesis: bool = False
    atr: AtrRule | None = None

    @property
    def looks_further(self) -> bool:
        """Say whether more than the own quote and the hour of the day decides: then it is judged with every tick."""
        further = (self.target, self.days, self.next_open_at, self.atr)
        return self.before_earnings or self.thesis or any(rule is not None for rule in further)


CLOSING_NUMBERS: Final = (
    "entry_quantity", "entry_value", "exit_quantity", "exit_value", "settled_quantity", "settled_value", "commissions",
    "realized_pnl",
)  # fmt: skip
"""The numbers of a closed position that each of its steps carries as `closing` in its evidence."""
_SUMS: Final = ("entry_value", "exit_value", "settled_value", "commissions", "elsewhere_value", "elsewhere_commission")
_FINEST: Final = -4


class PositionChange(TypedDict, total=False):
    """What may change of a position."""

    contract: OptionContract
    entry_quantity: int
    exit_quantity: int
    entry_value: Decimal
    exit_value: Decimal
    commissions: Decimal
    stop_price: Decimal | None
    high: Decimal
    underlying_best: Decimal
    rungs_done: int
    close_reason: CloseReason | None
    closed_at: datetime | None
    settled_quantity: int
    left_early: int
    settled_value: Decimal
    elsewhere_quantity: int
    elsewhere_value: Decimal
    elsewhere_commission: Decimal
    elsewhere_estimate: Decimal | None
    elsewhere_at: datetime | None
    valuation: Valuation | None
    settlement: Settlement | None
    settlement_price: Decimal | None
    shares_before: int | None
    protected_at: datetime | None
    protection: Protection
    unprotected_since: datetime | None
    unprotected_quantity: int
    unprotected_ms: int
    unprotected_contract_ms: int
    cover_at: datetime | None
    ratcheted_at: datetime | None
    exit_attempts: int
    room_for: int


@living
class Position(Living[PositionTrigger, PositionChange]):
    """Contracts held. Prices are per share; `entry_value` and `exit_value` are sums of price x contracts, per share.

    `quantity` is what is left; `high` is the highest bid since the entry, `underlying_best` the most dollars that the
    underlying has gone our way since, followed where the plan looks at it.
    """

    id: str
    contract: OptionContract
    strategy: str
    plan: ExitPlan
    opened_at: datetime
    signal_id: str | None = None
    origin: Origin = Origin.BOT
    state: PositionState = PositionState.FILLED
    entry_quantity: int = 0
    exit_quantity: int = 0
    entry_value: Decimal = ZERO
    exit_value: Decimal = ZERO
    commissions: Decimal = ZERO
    stop_price: Decimal | None = None
    high: Decimal = ZERO
    underlying_best: Decimal = ZERO
    rungs_done: int = 0
    close_reason: CloseReason | None = None
    closed_at: datetime | None = None
    settled_quantity: int = 0  # left by expiry or elsewhere, not by our orders
    left_early: int = 0  # of these, before the expiry
    settled_value: Decimal = ZERO  # sum of what was settled x what a share of it was worth
    elsewhere_quantity: int = 0  # of those that left early, the ones that somebody else sold
    elsewhere_value: Decimal = ZERO  # of the settled value, what these brought
    elsewhere_commission: Decimal = ZERO  # of the commissions, those of these sales
    elsewhere_estimate: Decimal | None = None  # what a share is counted at where no execution tells; None: at nothing
    elsewhere_at: datetime | None = None  # when the broker's book last showed that some were gone
    valuation: Valuation | None = None  # what `elsewhere_value` rests on; None: nobody else sold any
    settlement: Settlement | None = None
    settlement_price: Decimal | None = None  # the underlying's, that the settlement counts with
    shares_before: int | None = None  # of the underlying at the broker before an exercise; None: none is left of it
    protected_at: datetime | None = None
    protection: Protection = Protection.WANTED
    unprotected_since: datetime | None = None  # since when a contract lacks a working sale at the broker
    unprotected_quantity: int = 0  # contracts that lack one now
    unprotected_ms: int = 0  # for how long any contract lacked one, until `cover_at`
    unprotected_contract_ms: int = 0  # the same times the contracts, until `cover_at`
    cover_at: datetime | None = None  # when the cover last changed
    ratcheted_at: datetime | None = None
    exit_attempts: int = 0
    room_for: int = 0  # contracts that the stop was shrunk for and that are sold next

    @property
    def key(self) -> str:
        return self.contract.key

    @property
    def is_unsettled(self) -> bool:
        """Say whether its settlement may still change, or its delivered shares are still there to be sold."""
        certain = self.settlement is None or self.settlement is Settlement.FINAL
        return not certain or self.shares_before is not None

    @property
    def quantity(self) -> int:
        return self.entry_quantity - self.exit_quantity - self.settled_quantity

    @property
    def has_cost(self) -> bool:
        """Say whether it is known what it was bought for: of what was adopted the broker may name nothing."""
        return self.entry_value > 0

    @property
    def entry_price(self) -> Decimal:
        return to_price(self.entry_value / self.entry_quantity) if self.entry_quantity else ZERO

    @property
    def realized_pnl(self) -> Decimal:
        """Dollars to the cent: (exit - entry) x contracts x multiplier of what was sold or settled, less every
        commission so far. Of an entry that was taken back nothing is left but what it cost."""
        if not self.entry_quantity:
            return to_cents(-self.commissions)
        sold = self.exit_quantity + self.settled_quantity
        cost = self.entry_value * sold / self.entry_quantity
        came_back = self.exit_value + self.settled_value
        return to_cents((came_back - cost) * self.contract.multiplier - self.commissions)

    def rounded_sums(self) -> PositionChange:
        """Return the sums of money that are finer than the store keeps them, as it keeps them, so that what is realized
        is the same after a restart. Finer ones come from average prices, commissions and shares of a sum."""
        return cast(
            PositionChange, {name: to_price(amount) for name in _SUMS if _is_finer(amount := getattr(self, name))}
        )

    def closing_numbers(self) -> dict[str, Decimal | int]:
        """What a trade came to, as its chained steps say it: contracts, sums of price x contracts per share, dollars of
        commissions and the dollars realized. Invariant I12 compares the row with the last of them."""
        return {name: getattr(self, name) for name in CLOSING_NUMBERS}

    def unrealized_pnl(self, price: Decimal) -> Decimal:
        """Dollars to the cent on what is left, at `price` per share, before the commissions of leaving."""
        return open_pnl(self.entry_value, self.entry_quantity, self.quantity, price, self.contract.multiplier)


def _is_finer(amount: Decimal) -> bool:
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and exponent < _FINEST


def open_pnl(entry_value: Decimal, entry_quantity: int, left: int, price: Decimal, multiplier: int) -> Decimal:
    """Return the dollars to the cent on `left` contracts at `price` a share: the one definition of open P&L, which
    counts at the bid. `entry_value` is the sum of price x contracts of the whole entry."""
    if not entry_quantity:
        return ZERO
    cost = entry_value * left / entry_quantity
    return to_cents((price * left - cost) * multiplier)
