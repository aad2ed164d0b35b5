"""Unusual Whales' rows as typed rows: pure functions, one a dataset, and the table of them.

A row that cannot be read is dropped and counted; the others stand. Rows come back in their natural order (time, strike,
symbol), whatever order the vendor chose, and where it repeats one, the later stands.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.exposure import SpotGexMinute, StrikeExposure
from bot.domain.data.flow import FlowAlert, NetPremiumTick
from bot.domain.instruments import OptionContract, parse_osi
from bot.feeds.tolerant import (
    Malformed,
    Row,
    count,
    decimal,
    flag,
    instant,
    need_decimal,
    need_instant,
    need_real,
    real,
    text,
)

R = TypeVar("R")


@dataclass(slots=True)
class ParserMemory:
    """Of the last answer: a mark of each row as it came, and what it was read as.

    The rows themselves would be the largest thing that the feed keeps, and grow all day. A mark is a hash of 64 bits:
    that two rows at one place of a series share it by chance is one in 10^19.
    """

    marks: Sequence[int | None] = ()
    read: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[R]):
    """What an answer held. `source_at` is the vendor's time of the newest row, None where rows are not timed."""

    rows: tuple[R, ...]
    dropped: int
    first_fault: str
    source_at: datetime | None


def spot_gex_minute(row: Row) -> SpotGexMinute:
    """Read a row of spot-exposures, or a message of the `gex` channel (which calls its time `timestamp`)."""
    return SpotGexMinute(
        at=_time_of(row, "time", "timestamp"),
        price=need_decimal(row, "price"),
        gamma_oi=need_real(row, "gamma_per_one_percent_move_oi"),
        gamma_vol=real(row, "gamma_per_one_percent_move_vol") or 0.0,
        gamma_dir=real(row, "gamma_per_one_percent_move_dir") or 0.0,
        charm_oi=real(row, "charm_per_one_percent_move_oi") or 0.0,
        vanna_oi=real(row, "vanna_per_one_percent_move_oi") or 0.0,
    )


def strike_exposure(row: Row) -> StrikeExposure:
    """Read a row of spot-exposures/strike. A side without open interest may be null: no gamma."""
    return StrikeExposure(
        strike=need_decimal(row, "strike").normalize() + 0,  # 600.0 becomes 600, and adding 0 keeps it from being 6E+2
        price=need_decimal(row, "price"),
        at=_time_of(row, "time", "timestamp"),
        call_gamma_oi=real(row, "call_gamma_oi") or 0.0,
        put_gamma_oi=real(row, "put_gamma_oi") or 0.0,
        call_gamma_vol=real(row, "call_gamma_vol") or 0.0,
        put_gamma_vol=real(row, "put_gamma_vol") or 0.0,
        call_delta_oi=real(row, "call_delta_oi") or 0.0,
        put_delta_oi=real(row, "put_delta_oi") or 0.0,
    )


def option_contract_row(row: Row) -> OptionContractRow:
    """Read a row of option-contracts; strike, expiry and right exist only inside the symbol."""
    return OptionContractRow(
        contract=_contract(row, "option_symbol"),
        bid=decimal(row, "nbbo_bid"),
        ask=decimal(row, "nbbo_ask"),
        last=decimal(row, "last_price"),
        volume=count(row, "volume"),
        open_interest=count(row, "open_interest"),
        ask_volume=count(row, "ask_volume"),
        bid_volume=count(row, "bid_volume"),
        total_premium=real(row, "total_premium") or 0.0,
        iv=real(row, "implied_volatility"),
        delta=real(row, "delta"),
        gamma=real(row, "gamma"),
        last_trade_at=instant(row, "last_tape_time"),
    )


def net_premium_tick(row: Row) -> NetPremiumTick:
    """Read a row of net-prem-ticks."""
    return NetPremiumTick(
        at=need_instant(row, "tape_time"),
        net_call_premium=need_real(row, "net_call_premium"),
        net_put_premium=need_real(row, "net_put_premium"),
        net_call_volume=count(row, "net_call_volume"),
        net_put_volume=count(row, "net_put_volume"),
        net_delta=real(row, "net_delta") or 0.0,
    )


def flow_alert(row: Row) -> FlowAlert:
    """Read an alert as REST writes it (`alert_rule`, `created_at`) or the stream (`rule_name`, `executed_at`)."""
    at = _time_of(row, "created_at", "executed_at", "end_time")
    contract = _contract(row, "option_chain")
    return FlowAlert(
        id=text(row, "id") or f"{contract.key}@{at.isoformat()}#{count(row, 'total_size')}",
        at=at,
        symbol=text(row, "ticker") or contract.symbol,
        contract=contract,
        rule=text(row, "alert_rule") or text(row, "rule_name"),
        price=need_decimal(row, "price"),
        underlying_price=decimal(row, "underlying_price"),
        premium=need_real(row, "total_premium"),
        ask_side_premium=real(row, "total_ask_side_prem") or 0.0,
        bid_side_premium=real(row, "total_bid_side_prem") or 0.0,
        size=count(row, "total_size"),
        volume=count(row, "volume"),
        open_interest=count(row, "open_interest"),
        trade_count=count(row, "trade_count"),
        has_sweep=flag(row, "has_sweep"),
        has_floor=flag(row, "has_floor"),
        all_opening=flag(row, "all_opening_trades"),
    )


@dataclass(frozen=True, slots=True)
class Parser(Generic[R]):
    """How a dataset is read: the row, what tells rows apart, their order, their time if it speaks for the answer."""

    read: Callable[[Row], R]
    identity: Callable[[R], Hashable]
    order: Callable[[R], Any]
    time: Callable[[R], datetime] | None

    def parse(self, rows: Sequence[Any], memory: ParserMemory | None = None) -> Parsed[R]:
        """Read what can be read; never raises for a row.

        A series comes whole with every answer: with a `memory` of the last one, a row that stands where and as it stood
        is not read again.
        """
        read = self._read_all(rows, memory or ParserMemory())
        kept: dict[Hashable, R] = {}
        faults = [row for row in read if isinstance(row, Malformed)]
        for row in read:
            if not isinstance(row, Malformed):
                self._keep(kept, row)
        ordered = tuple(sorted(kept.values(), key=self.order))
        return Parsed(ordered, len(faults), str(faults[0]) if faults else "", self._newest(ordered))

    def _read_all(self, rows: Sequence[Any], memory: ParserMemory) -> list[R | Malformed]:
        before: list[R | Malformed] = memory.read
        marks = [_mark(row) for row in rows]
        same = 0
        for mark, known in zip(marks, memory.marks, strict=False):
            if mark is None or mark != known:
                break
            same += 1
        memory.marks, memory.read = marks, [*before[:same], *map(self._read, rows[same:])]
        return memory.read

    def _read(self, row: Any) -> R | Malformed:
        try:
            return self.read(_mapping(row))
        except Malformed as fault:
            return fault
        except ArithmeticError as fault:  # a number may be one and still not fit
            return Malformed(repr(fault))

    def _keep(self, kept: dict[Hashable, R], typed: R) -> None:
        """A row that comes twice (pages that moved between two calls) is the newer one, or the later read."""
        identity = self.identity(typed)
        before = kept.get(identity)
        if before is None or self.time is None or self.time(typed) >= self.time(before):
            kept[identity] = typed

    def _newest(self, rows: Iterable[R]) -> datetime | None:
        return max(map(self.time, rows), default=None) if self.time else None


# Contracts and alerts have no time that speaks for the whole answer: the last trade in a quiet contract and the last
# alert of a quiet market are old without the answer being so.
PARSERS: Final[Mapping[str, Parser[Any]]] = MappingProxyType(
    {
        "spot_gex": Parser(spot_gex_minute, lambda r: r.at, lambda r: r.at, lambda r: r.at),
        "gex_by_strike": Parser(strike_exposure, lambda r: r.strike, lambda r: r.strike, lambda r: r.at),
        "option_contracts": Parser(option_contract_row, lambda r: r.contract, lambda r: r.contract.key, None),
        "net_premium": Parser(net_premium_tick, lambda r: r.at, lambda r: r.at, lambda r: r.at),
        "flow_alerts": Parser(flow_alert, lambda r: r.id, lambda r: (r.at, r.id), None),
    }
)


def _mark(row: Any) -> int | None:
    """Return what tells a row from others; None for one that is no flat object, which is read every time."""
    try:
        return hash(tuple(row.items()))
    except (AttributeError, TypeError):
        return None


def _mapping(row: Any) -> Row:
    if not isinstance(row, dict):
        raise Malformed(f"a row is {type(row).__name__}, not an object")
    return row


def _time_of(row: Row, *names: str) -> datetime:
    for name in names:
        at = instant(row, name)
        if at is not None:
            return at
    raise Malformed(f"{names[0]} is missing")


def _contract(row: Row, name: str) -> OptionContract:
    try:
        return parse_osi(text(row, name))
    except ValueError as error:
        raise Malformed(str(error)) from None
