"""The log that the trader watches: one line an event, with its contract and what the day brings; trail steps folded.

What is shown of each transition is a row of `_SHOWN`; what no trader asks for (an order's way to the broker, questions
to the rules) is in the store and with `log.level: detail`. The day's P&L in it is the headline of `status` and page:
realized + open at the bid, of the instant of the line. The time in front is the step's own, not that of the writing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.app.transition_words import LEVELS, transition_line
from bot.config.schema import Settings
from bot.domain.alert import Alert
from bot.domain.money import ZERO
from bot.domain.order import Order
from bot.domain.position import CloseReason, Position, PositionState
from bot.domain.signal import Signal
from bot.domain.wording import NOTHING, contract_words, dollars, key_words, price
from bot.engine.state.records import EngineStatus, NewTransition, TickBatch
from bot.store.read.reasons import Reasons, checks_of
from bot.strategies.base import Look, Strategy

log: Final = logging.getLogger("quanticity")

WIDTH: Final = 20  # a contract and its day: `GOOGL 1182.5C 15 Jan`
_REALIZED: Final = "realized_pnl"  # in the evidence of a close, and of a commission that came after it
_FOLD: Final = timedelta(minutes=2)
"""Steps of one trail are told together at least so often."""

_MONEY: Final = frozenset(
    {"entry_fill", "scale_out", "exit_fill", "close", "charge", "settle", "resettle", "lose", "correct"}
)
_SILENT: Final = frozenset(
    {
        ("signal", "measure"), ("signal", "work"), ("signal", "fill"), ("position", "created"), ("position", "protect"),
        ("position", "make_room"), ("connection", "connect"), ("connection", "accepted"), ("session", "reconcile"),
        ("position", "sell"), ("review", "created"), ("alert", "created"), ("alert", "tell"), ("alert", "resolve"),
    }
)  # fmt: skip
_SILENT_MACHINES: Final = frozenset({"order", "approval"})
_ORDER_NEWS: Final = frozenset({"reject", "lose_sight", "amend_refused", "cancel_refused", "late_fill"})
_OWN_ACTORS: Final = frozenset({"tick", "broker", "reconcile"})


@dataclass(slots=True)
class _HeldPosition:
    """What the log remembers of one position: what it brought, the latest bid, and what it stood at before today."""

    words: str
    realized: Decimal
    open: Decimal
    carried: Decimal = ZERO
    over: bool = False
    bid: Decimal | None = None
    why: CloseReason | None = None

    @property
    def day(self) -> Decimal:
        return self.realized + self.open - self.carried


@dataclass(slots=True)
class _Trail:
    first: NewTransition
    last: NewTransition
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A position as the store has it at a start."""

    id: str
    contract_key: str
    realized: Decimal
    open: Decimal
    carried: Decimal
    over: bool
    bid: Decimal | None = None


@dataclass
class TraderLog:
    """Told of every batch that reached the disk and of every look; `heartbeat_s` seconds of the bot's clock between two
    lines with the day's P&L, 0 for none."""

    heartbeat_s: float = 0.0
    known: Sequence[Known] = ()
    day: date | None = None
    _names: dict[str, str] = field(default_factory=dict)
    _held: dict[str, _HeldPosition] = field(default_factory=dict)
    _at: datetime | None = None  # the instant of what is told
    _trails: dict[str, _Trail] = field(default_factory=dict)
    _looks: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _beat_at: datetime | None = None
    _down: str = ""  # why there is no connection, as it was told; empty while there is one

    def __post_init__(self) -> None:
        for each in self.known:
            words = key_words(each.contract_key, self.day)
            self._names[each.id] = words
            self._held[each.id] = _HeldPosition(words, each.realized, each.open, each.carried, each.over, each.bid)

    def look(self, strategy: Strategy, look: Look) -> None:
        """Remember why a strategy does not trade, when the reason is another one than before; symbols that wait for the
        same are told in one line."""
        if look.proposal is None:
            self._looks.setdefault((strategy.name, look.reason), []).append(look.symbol)

    def __call__(self, batch: TickBatch) -> None:
        self._at = batch.recorded_at
        self._tell_looks()
        self._learn(batch)
        for row in _without_what_the_close_says(batch.transitions):
            self._tell(row)
        for alert in batch.alerts:
            self._say(f"alert {alert.code}: {alert.text}", LEVELS[alert.severity])
        self._fold(batch.recorded_at)
        if batch.status is not None:
            self._beat(batch.status)

    @property
    def day_pnl(self) -> Decimal:
        return sum((each.day for each in self._held.values()), ZERO)

    # ---- what is known

    def _learn(self, batch: TickBatch) -> None:
        if batch.status is not None and batch.status.session_day is not None:
            self._turn(batch.status.session_day)
        for signal in batch.changed.of(Signal).values():
            self._names[signal.id] = contract_words(signal.contract, self.day)
        for alert in batch.changed.of(Alert).values():
            self._names[alert.id] = alert.code
        for order in batch.changed.of(Order).values():
            self._names[order.id] = key_words(order.contract_key, self.day)
        for position in batch.changed.of(Position).values():
            self._learn_position(position)
        for mark in batch.marks:
            held = self._held.get(mark.position_id)
            if held is not None and mark.bid is not None and mark.unrealized_pnl is not None and not held.over:
                held.bid, held.open = mark.bid, mark.unrealized_pnl

    def _learn_position(self, position: Position) -> None:
        words = contract_words(position.contract, self.day)
        self._names[position.id] = words
        held = self._held.setdefault(position.id, _HeldPosition(words, ZERO, ZERO))
        held.why = position.close_reason
        held.realized, held.over = position.realized_pnl, position.state is PositionState.CLOSED
        if held.over:
            held.open = ZERO
        elif held.bid is not None:
            held.open = position.unrealized_pnl(held.bid)  # what was just sold is realized, and open no more

    def _turn(self, day: date) -> None:
        """A new day begins: what is over belongs to the day before, what is held counts from where it stands."""
        if self.day is not None and day != self.day:
            self._held = {key: each for key, each in self._held.items() if not each.over}
            for each in self._held.values():
                each.carried = each.realized + each.open
        self.day = day

    # ---- what is told

    def _say(self, words: str, level: int = logging.INFO) -> None:
        log.log(level, words, extra={"at": self._at})

    def _tell_looks(self) -> None:
        looks, self._looks = self._looks, {}
        for (strategy, reason), symbols in looks.items():
            self._say(f"{', '.join(symbols):<{WIDTH}} no trade by {strategy}: {reason}")

    def _tell(self, row: NewTransition) -> None:
        if row.machine == "position" and row.trigger == "ratchet":
            trail = self._trails.setdefault(row.entity_id, _Trail(row, row, 0))
            trail.last, trail.steps = row, trail.steps + 1
            return
        self._tell_trail(row.entity_id)
        if row.machine == "connection" and self._is_told(row):
            return
        words = self._words(row)
        if words is None:
            return
        who = "" if row.actor in _OWN_ACTORS else f" [{row.actor}]"
        money = f" · day {dollars(self.day_pnl, plus=True)}" if self._is_money(row) else ""
        self._say(f"{self._subject(row):<{WIDTH}} {words}{who}{money}")

    def _is_told(self, row: NewTransition) -> bool:
        """Say whether this is one more attempt to connect that failed for the reason that was told."""
        if row.trigger == "connect":
            return False
        told, self._down = self._down, row.reason if row.trigger == "drop" else ""
        return bool(told) and told == self._down

    @staticmethod
    def _is_money(row: NewTransition) -> bool:
        return row.machine == "position" and row.trigger in _MONEY

    def _subject(self, row: NewTransition) -> str:
        if row.machine in {"signal", "position", "order", "review", "alert"}:
            return self._names.get(row.entity_id, f"{row.machine} {row.entity_id[-6:]}")
        return row.machine if row.machine in {"session", "connection", "slowdown"} else f"{row.machine} {row.entity_id}"

    def _words(self, row: NewTransition) -> str | None:
        """Return what a trader reads of a transition, None for what only the record needs."""
        if row.refused is not None:
            return f"{row.refused} refused in {row.from_state}: {row.reason}"
        if _is_close(row):
            return self._closed(row)
        if (row.machine, row.trigger) in _SILENT or row.machine == "message":
            return None
        if row.machine in _SILENT_MACHINES:
            is_news = row.machine == "order" and row.trigger in _ORDER_NEWS
            return f"order {row.to_state}: {row.reason}" if is_news else None
        tell = _SHOWN.get((row.machine, row.trigger))
        if tell is not None:
            return tell(row)
        moved = "" if row.from_state == row.to_state or row.machine == "position" else f"{row.to_state}: "
        return f"{moved}{row.reason}"

    def _closed(self, row: NewTransition) -> str:
        """Return why a position was closed and what it brought, its last commission counted."""
        held = self._held.get(row.entity_id)
        why = f", {held.why}" if held is not None and held.why is not None else ""
        return f"closed{why}, realized {dollars(row.evidence[_REALIZED], plus=True)}"

    def _tell_trail(self, position_id: str) -> None:
        trail = self._trails.pop(position_id, None)
        if trail is None:
            return
        since, now = trail.first.evidence.get("from"), trail.last.evidence
        steps = f", in {trail.steps} steps" if trail.steps > 1 else ""
        words = f"stop {_price(since)} to {_price(now.get('to'))}{steps}, high {_price(now.get('high'))}"
        name = self._names.get(position_id, position_id[-6:])
        self._say(f"{name:<{WIDTH}} {words} · day {dollars(self.day_pnl, plus=True)}")

    def _fold(self, now: datetime) -> None:
        for position_id, trail in list(self._trails.items()):
            if now - trail.first.event_at >= _FOLD:
                self._tell_trail(position_id)

    def _beat(self, status: EngineStatus) -> None:
        if not self.heartbeat_s or not _is_open(status):
            return
        if self._beat_at is None:
            self._beat_at = status.at
        if (status.at - self._beat_at).total_seconds() < self.heartbeat_s:
            return
        self._beat_at = status.at
        self._say(f"{'day':<{WIDTH}} {self.state_of_the_day()}")

    def state_of_the_day(self) -> str:
        """Return the day's P&L with its parts, and what is held."""
        gained = sum((each.open for each in self._held.values()), ZERO)
        parts = f"realized {dollars(self.day_pnl - gained, plus=True)}, open {dollars(gained, plus=True)}"
        held = [f"{each.words} {dollars(each.day, plus=True)}" for each in self._held.values() if not each.over]
        closed = sum(each.over for each in self._held.values())
        return f"{dollars(self.day_pnl, plus=True)} = {parts}; {closed} closed, held: {', '.join(held) or 'nothing'}"


def known_at_start(url: str, day: date) -> Sequence[Known]:
    """Return what the day has brought so far, as the store has it: a start in the middle of it goes on from there."""
    from bot.store.database import open_reader
    from bot.store.read.money import carried, open_of
    from bot.store.read.trading import closed_positions, open_positions

    with open_reader(url) as connection:
        rows = [*open_positions(connection), *closed_positions(connection, day, 1_000_000)]
        before = carried(connection, rows, day)
        return [
            Known(
                row.id,
                row.contract_key,
                row.realized_pnl,
                ZERO if row.closed_at else open_of(row) or ZERO,
                sum(before.get(row.id, (ZERO, ZERO)), ZERO),
                row.closed_at is not None,
                row.bid,
            )
            for row in rows
        ]


def log_of(settings: Settings, day: date | None = None, known: Sequence[Known] = ()) -> TraderLog | DetailLog:
    """Return the log that the settings ask for."""
    return DetailLog() if settings.log.level in {"detail", "debug"} else TraderLog(settings.log.heartbeat_s, known, day)


def log_at_start(settings: Settings, day: date) -> TraderLog | DetailLog:
    """Return the log of a run that begins on a day of which the store may know something."""
    return log_of(settings, day, known_at_start(settings.database.url, day))


def _is_open(status: EngineStatus) -> bool:
    opens, closes = status.session_open_at, status.session_close_at
    return opens is not None and closes is not None and opens <= status.at < closes


def _price(value: object) -> str:
    return price(value) if isinstance(value, Decimal) else NOTHING


def _idea(row: NewTransition) -> str:
    why = row.evidence.get("reason")
    return f"idea {row.entity_id[-6:]}: {why}" if why else f"idea {row.entity_id[-6:]}: {row.reason}"


def _asked(row: NewTransition) -> str | None:
    return None if row.reason == "the rules decide" else row.reason


def _rejected(row: NewTransition) -> str:
    """Return which rules failed, value against limit; a person's own words stay."""
    reasons = Reasons(checks=checks_of(row.evidence))
    return f"rejected: {reasons.summary if reasons.failed else row.reason}"


def _is_close(row: NewTransition) -> bool:
    return (row.machine, row.trigger) == ("position", "close")


def _without_what_the_close_says(rows: Sequence[NewTransition]) -> Iterator[NewTransition]:
    """The commission of a last sale mostly comes in the same tick as the sale: then the close is told once, with the
    figure that stays."""
    last = {row.entity_id: row for row in rows if (row.machine, row.trigger) == ("position", "charge")}
    closed = set()
    for row in rows:
        charge = last.get(row.entity_id)
        if charge is not None and _is_close(row):
            closed.add(row.entity_id)
            yield replace(row, evidence={**row.evidence, _REALIZED: charge.evidence[_REALIZED]})
        elif row.entity_id not in closed or (row.machine, row.trigger) != ("position", "charge"):
            yield row


_SHOWN: Final[Mapping[tuple[str, str], Callable[[NewTransition], str | None]]] = {
    ("signal", "created"): _idea,
    ("signal", "ask"): _asked,
    ("signal", "approve"): lambda row: row.reason,
    ("signal", "reject"): _rejected,
}


@dataclass
class DetailLog:
    """Every transition as a line, as the record has it: `log.level: detail`."""

    def __call__(self, batch: TickBatch) -> None:
        at = {"at": batch.recorded_at}
        for row in batch.transitions:
            log.info(transition_line(row), extra=at)
        for alert in batch.alerts:
            log.log(LEVELS[alert.severity], f"alert {alert.code}: {alert.text}", extra=at)

    @staticmethod
    def look(strategy: Strategy, look: Look) -> None:
        if look.proposal is None:
            log.info(f"{look.symbol:<15} no trade by {strategy.name}: {look.reason}")
