"""The story of one signal or position: facts, price path, orders, executions and every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Connection

from bot.charts.chart import Chart
from bot.domain.calendar import new_york_day
from bot.domain.money import ZERO
from bot.domain.overseer import OverseerCall
from bot.domain.wording import NOTHING, dollars, key_words, price
from bot.store import read as ask
from bot.store.read.messages import MessageRow, messages_about
from bot.store.read.money import open_of
from bot.store.read.overseer import explanation_of
from bot.store.read.protections import ProtectionRow, protections
from bot.store.read.reasons import NO_REASONS, Reasons
from bot.store.values import parse_json
from bot.web import formats, words
from bot.web.holding import Fill, GreekLine, StopStep, greek_lines, outlook, path_chart, plan_lines
from bot.web.plots import Plot, plot
from bot.web.stop_moves import stop_moves_as_one
from bot.web.views import StepView, signal_reasons, steps

# Which evidence of a position's steps says where the stop stands from then on.
STOP_EVIDENCE: Final = {"protect": "stop", "trail": "to", "ratchet": "to"}

Fact = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Story:
    kind: str
    id: str
    title: str
    strategy: str
    state: str
    facts: tuple[Fact, ...]
    chart: Plot | None
    no_chart: str
    orders: tuple[ask.OrderRow, ...]
    executions: tuple[ask.ExecutionRow, ...]
    steps: tuple[StepView, ...]
    other_path: str = ""
    other_words: str = ""
    can_close: bool = False
    can_answer: bool = False
    can_settle: bool = False
    stop: Decimal | None = None
    reasons: Reasons = NO_REASONS
    explanation: OverseerCall | None = None
    outlook: tuple[Fact, ...] = ()
    greeks: tuple[GreekLine, ...] = ()
    plan: tuple[tuple[str, str], ...] = ()
    messages: tuple[MessageRow, ...] = ()


def position_timeline(connection: Connection, position_id: str, now: datetime) -> Story | None:
    """Return a position's story, None when the store does not know it."""
    row = ask.position(connection, position_id)
    if row is None:
        return None
    orders = ask.orders_of_position(connection, row.id, row.signal_id)
    fills = ask.executions(connection, [o.id for o in orders], row.id)
    told = ask.transitions_of(connection, [row.id, *(o.id for o in orders)])
    return Story(
        "position", row.id, key_words(row.contract_key, new_york_day(now)), row.strategy, row.state,
        _position_facts(row, protections(connection, [row.id])[row.id]),
        _chart(connection, row, fills, told, now), "The path starts with the first fill and the first quote after it.",
        tuple(orders), tuple(fills), stop_moves_as_one(steps(connection, told, new_york_day(now))),
        f"/signal/{row.signal_id}" if row.signal_id else "", "The signal that it came from",
        can_close=row.state in {"filled", "trailing"},
        can_settle=row.settlement in {"pending", "seen"} or row.valuation in {"unknown", "estimated"},
        stop=row.stop_price, reasons=_reasons(connection, row.signal_id),
        outlook=outlook(row, now),
        greeks=greek_lines(row, ask.first_mark(connection, row.id), now),
        plan=tuple(plan_lines(row)), explanation=explanation_of(connection, row.id),
        messages=tuple(messages_about(connection, row.signal_id, row.id)),
    )  # fmt: skip


def signal_timeline(connection: Connection, signal_id: str, now: datetime) -> Story | None:
    """Return a signal's story, None when the store does not know it."""
    row = ask.signal(connection, signal_id)
    if row is None:
        return None
    orders = ask.orders_of_signal(connection, row.id)
    held = ask.position(connection, row.position_id) if row.position_id else None
    all_orders = ask.orders_of_position(connection, held.id, row.id) if held else orders
    fills = ask.executions(connection, [o.id for o in all_orders], held.id if held else None)
    told = ask.transitions_of(connection, [row.id, *ask.approval_ids(connection, row.id), *(o.id for o in orders)])
    chart = None
    if held is not None:
        chart = _chart(connection, held, fills, ask.transitions_of(connection, [held.id]), now)
    asked = row.state == "pending" and row.id in ask.signals_that_wait_for_a_person(connection)
    return Story(
        "signal", row.id, key_words(row.contract_key, new_york_day(now)), row.strategy, row.state, _signal_facts(row),
        chart, "A signal has a price path once it has become a position.",
        tuple(orders), tuple(f for f in fills if f.order_id in {o.id for o in orders}),
        steps(connection, told, new_york_day(now)),
        f"/position/{held.id}" if held else "", "The position that came of it", can_answer=asked,
        reasons=_reasons(connection, row.id),
        messages=tuple(messages_about(connection, row.id, held.id if held else None)),
    )  # fmt: skip


def _reasons(connection: Connection, signal_id: str | None) -> Reasons:
    """Return why a trade was proposed and who decided; an adopted position has no reasons of ours."""
    row = ask.signal(connection, signal_id) if signal_id else None
    if row is None:
        return NO_REASONS
    return signal_reasons(connection, [row], ask.signals_that_wait_for_a_person(connection))[row.id]


def _position_facts(row: ask.PositionRow, cover: ProtectionRow) -> tuple[Fact, ...]:
    now_open = ZERO if row.closed_at else (open_of(row) or ZERO)
    pnl = row.realized_pnl + now_open
    cost = row.entry_value * row.multiplier
    part = formats.percent(pnl / cost if cost else None)
    return (
        ("Contracts", f"{row.quantity} left of {row.entry_quantity}", ""),
        ("Entry", price(row.entry_price), ""),
        ("High", price(row.high), ""),
        ("Stop", price(row.stop_price), ""),
        ("Protection", words.protection_words(cover.protection), words.state_tone(cover.protection, "protection")),
        ("Without protection", _bare(cover), "bad" if cover.unprotected_contracts else ""),
        (
            "P&L since entry",
            f"{formats.gain(pnl)} ({part})",
            formats.tone(pnl),
        ),
        *(() if row.closed_at else _parts_of_pnl(row.realized_pnl, now_open)),
        ("Commissions", dollars(row.commissions), ""),
        ("Opened", formats.full_time(row.opened_at), ""),
        *_ending(row),
    )


def _parts_of_pnl(realized: Decimal, now_open: Decimal) -> tuple[Fact, ...]:
    return (
        ("realized, net of fees", formats.gain(realized), formats.tone(realized)),
        ("+ open, at the bid", formats.gain(now_open), formats.tone(now_open)),
    )


def _bare(cover: ProtectionRow) -> str:
    """Return what is without a working sale now, and how much that was in all."""
    now = f"{cover.unprotected_contracts} now; " if cover.unprotected_contracts else ""
    return f"{now}{cover.contract_seconds:,.1f} contract-seconds in {formats.span(cover.seconds)}"


def _ending(row: ask.PositionRow) -> tuple[Fact, ...]:
    reason = (("Reason to close", words.state_words(row.close_reason), ""),) if row.close_reason else ()
    if row.elsewhere_quantity:
        reason = (*reason, ("Sold by somebody else", _elsewhere(row), "bad" if row.valuation == "unknown" else ""))
    return (*reason, ("Closed", formats.full_time(row.closed_at), "")) if row.closed_at else reason


def _elsewhere(row: ask.PositionRow) -> str:
    """Return how many contracts somebody else sold, at what price in the mean, and what that rests on."""
    source = words.valuation_words(row.valuation)
    if not row.elsewhere_value:
        return f"{row.elsewhere_quantity}, {source}"
    return f"{row.elsewhere_quantity} at {price(row.elsewhere_value / row.elsewhere_quantity)}, {source}"


def _signal_facts(row: ask.SignalRow) -> tuple[Fact, ...]:
    return (
        ("Contracts", str(row.quantity), ""),
        ("Limit", price(row.limit_price), ""),
        ("Full premium", dollars(row.notional), ""),
        ("Most it may lose", dollars(row.max_risk) if row.max_risk is not None else NOTHING, ""),
        ("Confidence", f"{row.confidence} of 100" if row.confidence is not None else NOTHING, ""),
        ("Targets", " / ".join(row.targets) or NOTHING, _reward_words(row.risk_reward)),
        ("Complexity", row.complexity or "plain", ""),
        ("Proposed", formats.full_time(row.created_at), ""),
        ("Good until", f"{formats.clock_time(row.expires_at)} New York", ""),
    )


def _reward_words(reward: float | None) -> str:
    return "" if reward is None else f"{reward:.1f} times what the stop would lose"


def _chart(
    connection: Connection,
    row: ask.PositionRow,
    fills: Sequence[ask.ExecutionRow],
    told: Sequence[ask.TransitionRow],
    now: datetime,
) -> Plot | None:
    bought_and_sold = [Fill(f.executed_at, f.price, f.quantity, f.side) for f in fills]
    stops = stop_steps(told, row.id)
    chart = path_chart(row, ask.marks(connection, row.id), bought_and_sold, stops, row.closed_at or now)
    return plot(chart, "" if row.closed_at else f"/plots/path/{row.id}")


def path_of(connection: Connection, position_id: str, now: datetime) -> Chart | None:
    """Return the path of a position as a chart, None for one that the store does not know."""
    row = ask.position(connection, position_id)
    if row is None:
        return None
    orders = ask.orders_of_position(connection, row.id, row.signal_id)
    fills = [Fill(f.executed_at, f.price, f.quantity, f.side)
             for f in ask.executions(connection, [o.id for o in orders], row.id)]  # fmt: skip
    stops = stop_steps(ask.transitions_of(connection, [row.id]), row.id)
    return path_chart(row, ask.marks(connection, row.id), fills, stops, row.closed_at or now)


def stop_steps(told: Sequence[ask.TransitionRow], position_id: str) -> list[StopStep]:
    """Return where the stop stood from when, from the evidence of the position's own steps."""
    found = []
    for row in told:
        name = STOP_EVIDENCE.get(row.trigger)
        at = _decimal((parse_json(row.evidence) or {}).get(name)) if row.entity_id == position_id and name else None
        if at is not None:
            found.append(StopStep(row.event_at, at))
    return found


def _decimal(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
