"""What machines ask: /healthz for the watchman, /metrics for Prometheus, /api/status for scripts.

Ages of the tick, the store and waiting commands are wall seconds (clock seconds / speed), because that is what a
watchman waits in; ages of feeds and of the broker's book are seconds of the bot's clock, because that is what their
limits are in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection

from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.store import read as ask
from bot.store.read.jobs import RecordedJob
from bot.store.read.money import money_of_day
from bot.store.read.protections import totals
from bot.web.feeds import FeedView
from bot.web.model import Overview
from bot.web.store_reader import reader
from bot.web.views import BreakerView, PositionView, SignalView

blueprint = Blueprint("probes", __name__)

TICK_AGE_LIMIT_S: Final = 15.0
COMMAND_AGE_LIMIT_S: Final = 15.0
BROKER_SYNC_LIMIT_S: Final = 900.0
EXPECTED_ABSENCE: Final = frozenset({"restart_window"})
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """How fresh everything is; None while there is nothing to measure. `reasons` is empty when all is well."""

    tick_age_s: float | None
    store_lag_s: float | None
    command_age_s: float | None
    broker_sync_age_s: float | None
    session: str | None
    connection: str | None
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.reasons,
            "reasons": list(self.reasons),
            "tick_age_s": _rounded(self.tick_age_s),
            "store_lag_s": _rounded(self.store_lag_s),
            "command_age_s": _rounded(self.command_age_s),
            "broker_sync_age_s": _rounded(self.broker_sync_age_s),
            "session": self.session,
            "connection": self.connection,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _age(now: datetime, at: datetime | None, speed: float = 1.0) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds() / speed)


def read_health(connection: Connection, now: datetime) -> Health:
    """Return the health of the bot as its store shows it."""
    pulse, link, session = ask.pulse(connection), ask.broker_link(connection), ask.session(connection)
    if pulse is None:
        return Health(None, None, None, None, None, None, ("no tick has been recorded",))
    tick_age = _age(now, pulse.at, pulse.speed)
    waiting = _age(now, ask.oldest_queued_command(connection), pulse.speed)
    sync_age = _age(now, pulse.broker_synced_at)
    # The pulse is committed with its tick, so what a commit lags is what the pulse is old beyond the tick's own length.
    lag = None if tick_age is None else max(0.0, tick_age - pulse.tick_ms / 1000)
    link_state, session_state = link.state if link else None, session.state if session else None
    reasons = tuple(_reasons(tick_age, waiting, sync_age, link_state, session_state))
    if pulse.clock_fault:
        reasons += (pulse.clock_fault,)
    return Health(tick_age, lag, waiting, sync_age, session_state, link_state, reasons)


def _reasons(
    tick_age: float | None, waiting: float | None, sync_age: float | None, link: str | None, session: str | None
) -> Iterator[str]:
    if tick_age is not None and tick_age > TICK_AGE_LIMIT_S:
        yield f"last tick {tick_age:.0f} s ago, more than {TICK_AGE_LIMIT_S:.0f}"
    if waiting is not None and waiting > COMMAND_AGE_LIMIT_S:
        yield f"a command waits for {waiting:.0f} s, more than {COMMAND_AGE_LIMIT_S:.0f}"
    if link is not None and link != "synced" and link not in EXPECTED_ABSENCE:
        yield f"broker connection is {link}"
    if sync_age is None and link not in EXPECTED_ABSENCE:
        yield "the broker's book was never read"
    elif sync_age is not None and sync_age > BROKER_SYNC_LIMIT_S and link not in EXPECTED_ABSENCE:
        yield f"the broker's book was read {sync_age:.0f} s ago, more than {BROKER_SYNC_LIMIT_S:.0f}"
    if session == "halted":
        yield "the session is halted: a person must resume"


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 when the bot ticks, hears commands and knows the broker's book; 503 with `reasons` otherwise. No login."""
    try:
        found = reader().look(lambda connection: read_health(connection, reader().clock.now()))
        if words := reader().alone():
            found = replace(found, reasons=(words, *found.reasons))
    except StoreError:
        found = Health(None, None, None, None, None, None, ("the store cannot be read",))
    return jsonify(found.as_json()), 503 if found.reasons else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text; read from the store at each scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StoreCollector())
    return Response(generate_latest(registry), content_type=METRICS_TYPE)


class _StoreCollector:
    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("quanticity_store_up", "1 when the store can be read")
        try:
            found = reader().look(lambda connection: list(_families(connection, reader().clock.now())))
        except StoreError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found


def _gauge(name: str, words: str, value: float | Decimal | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"quanticity_{name}", words)
    if value is not None:
        family.add_metric([], float(value))
    return family


def _families(connection: Connection, now: datetime) -> Iterator[Metric]:
    health = read_health(connection, now)
    pulse, account = ask.pulse(connection), ask.account(connection)
    held = ask.open_positions(connection)
    yield _gauge("healthy", "1 when /healthz answers 200", 0 if health.reasons else 1)
    yield _gauge("tick_age_seconds", "Wall seconds since the last recorded tick", health.tick_age_s)
    yield _gauge("store_lag_seconds", "Wall seconds by which the store lags the tick", health.store_lag_s)
    yield _gauge("broker_sync_age_seconds", "Clock seconds since the broker's book was read", health.broker_sync_age_s)
    yield _gauge("tick_duration_milliseconds", "Length of the last recorded tick", pulse.tick_ms if pulse else None)
    yield _gauge("inbox_depth", "Events that waited when the tick began", pulse.inbox_depth if pulse else None)
    yield _gauge("quotes_per_second", "Quotes taken, per wall second", pulse.quotes_per_s if pulse else None)
    yield _gauge("positions_open", "Open positions", len(held))
    yield from _unprotected(connection)
    money = money_of_day(connection, (pulse.session_day if pulse else None) or new_york_day(now))
    yield _gauge("realized_pnl_dollars", "What the day realized, net of commissions", money.realized)
    yield _gauge("open_pnl_dollars", "Open P&L of the day at the latest bids", money.open)
    yield _gauge("equity_dollars", "Net liquidation", account.net_liquidation if account else None)
    yield _gauge("day_pnl_dollars", "Equity less the day's first", account.day_pnl if account else None)
    yield from _by_state(connection)
    yield _feed_ages(connection, now)
    yield from _breakers(connection)
    total = CounterMetricFamily("quanticity_transitions", "Rows of the audit chain")
    total.add_metric([], ask.transition_count(connection))
    yield total


def _by_state(connection: Connection) -> Iterator[Metric]:
    for machine, states in ask.state_counts(connection).items():
        family = GaugeMetricFamily(f"quanticity_{machine}s", f"{machine.capitalize()}s in each state", labels=["state"])
        for state, number in sorted(states.items()):
            family.add_metric([state], number)
        yield family


def _unprotected(connection: Connection) -> Iterator[Metric]:
    contracts, seconds = totals(connection)
    yield _gauge("unprotected_contracts", "Contracts without a working sale at the broker", contracts)
    total = CounterMetricFamily(
        "quanticity_unprotected_contract_seconds", "Contracts times clock seconds without a working sale at the broker"
    )
    total.add_metric([], seconds)
    yield total


def _breakers(connection: Connection) -> Iterator[Metric]:
    tripped = GaugeMetricFamily("quanticity_breaker_tripped", "1 while a breaker keeps entries out", labels=["breaker"])
    share = GaugeMetricFamily("quanticity_breaker_share", "Value as a part of its limit", labels=["breaker"])
    for row in ask.breakers(connection):
        tripped.add_metric([row.id], row.state == "tripped")
        if row.share is not None:
            share.add_metric([row.id], row.share)
    yield tripped
    yield share


def _feed_ages(connection: Connection, now: datetime) -> Metric:
    family = GaugeMetricFamily(
        "quanticity_feed_age_seconds", "Clock seconds since a feed's last success", labels=["feed", "dataset", "key"]
    )
    for row in ask.feeds(connection):
        age = _age(now, row.last_success_at)
        if age is not None:
            family.add_metric([row.feed, row.dataset, row.key], age)
    return family


@blueprint.get("/api/status")
def status() -> tuple[Response, int]:
    """The bot at a glance. Money is text in dollars, times are ISO-8601 UTC, ages are seconds.

    `now`, `mode` (sim | paper | live), `speed`, `scenario`, `tick`; `session` and `connection`: {state, why};
    `state`: what the bot may do in effect; `money`: {total, realized, open, difference (the broker's change of the day
    less total)};
    `market`: {words, detail}; `account`: {equity, day_pnl, at}; `today`: {closed, wins, realized, fees, slippage};
    `positions`: [{id, contract, state, quantity, entry_price, stop_price, bid, pnl, unprotected (true while contracts
    lack a working sale at the broker), protection (wanted | working | rejected | synthetic | leaving),
    unprotected_contracts, unprotected_contract_seconds}]; `unprotected`: {contracts, contract_seconds} of all ever;
    `signals`: [{id, contract, state, quantity, limit_price, waits_for_a_person}]; `waiting_for`: why there is no trade;
    `clock_fault`: how the machine's clock differs from the broker's, empty while it does not;
    `feeds`: [{feed, dataset, key, state, age_s, row_age_s (by the vendor's own time), max_age_s}];
    `breakers`: [{name, state, value, limit, share, detail}], share 1 at the limit; `halted_symbols`: [{symbol, reason,
    by, at}]; `jobs`: [{name, last_at, state, detail, next_at}], of what the clock brings about, next_at null for the
    next session; `health`: what
    /healthz says.
    503 with `error` when the store cannot be read.
    """
    seen = reader().overview()
    if seen.trouble is not None:
        return jsonify({"error": f"{seen.trouble.title} {seen.trouble.text}"}), 503
    health = reader().look(lambda connection: read_health(connection, reader().clock.now()))
    contracts, seconds = reader().look(totals)
    bare = {"contracts": contracts, "contract_seconds": round(seconds, 3)}
    return jsonify(_status(seen) | {"unprotected": bare, "health": health.as_json()}), 200


def _status(m: Overview) -> dict[str, Any]:
    return {
        "now": m.now.isoformat(),
        "session_day": new_york_day(m.now).isoformat(),
        "mode": m.mode,
        "speed": m.speed,
        "scenario": m.scenario,
        "tick": m.tick,
        "state": m.session.words or m.session.state,
        "session": {"state": m.session.state, "why": m.session.why},
        "connection": {"state": m.connection.state, "why": m.connection.why},
        "market": {"words": m.market.words, "detail": m.market.detail},
        **_money(m),
        "positions": [_position(p) for p in m.positions],
        "signals": [_signal(s) for s in m.signals],
        "waiting_for": list(m.waiting_for),
        "clock_fault": m.clock_fault,
        "feeds": [_feed(f) for f in m.feeds],
        "breakers": [_breaker(b) for b in m.breakers],
        "halted_symbols": [
            {"symbol": h.symbol, "reason": h.reason, "by": h.by, "at": h.at.isoformat() if h.at else None}
            for h in m.halted_symbols
        ],
        "jobs": [_job(j) for j in m.jobs],
    }


def _money(m: Overview) -> dict[str, Any]:
    """Return the account, what the open and the closed brought, and today's counters."""
    names = ("total", "realized", "open", "difference")
    return {
        "account": {
            "equity": _text(m.account.equity),
            "day_pnl": _text(m.account.day_pnl),
            "at": m.account.at.isoformat() if m.account.at else None,
        },
        "money": {name: _text(getattr(m.money, name)) for name in names} if m.money else None,
        "today": {
            "closed": m.counters.closed,
            "wins": m.counters.wins,
            "realized": _text(m.counters.realized),
            "fees": _text(m.counters.fees),
            "slippage": _text(m.counters.slippage),
        },
    }


def _job(job: RecordedJob) -> dict[str, Any]:
    last = job.last
    return {
        "name": job.name,
        "last_at": last.ran_at.isoformat() if last else None,
        "state": last.state if last else None,
        "detail": last.detail if last else None,
        "next_at": job.next_at.isoformat() if job.next_at else None,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _position(p: PositionView) -> dict[str, Any]:
    return {
        "id": p.id, "contract": p.title, "state": p.state, "quantity": p.quantity, "entry_price": _text(p.entry_price),
        "stop_price": _text(p.stop_price), "bid": _text(p.bid), "pnl": _text(p.pnl), "unprotected": bool(p.unprotected),
        "protection": p.protection, "unprotected_contracts": p.unprotected,
        "unprotected_contract_seconds": p.contract_seconds,
    }  # fmt: skip


def _signal(s: SignalView) -> dict[str, Any]:
    return {
        "id": s.id, "contract": s.title, "state": s.state, "quantity": s.quantity, "limit_price": _text(s.limit_price),
        "waits_for_a_person": s.asked,
    }  # fmt: skip


def _feed(f: FeedView) -> dict[str, Any]:
    return {
        "feed": f.feed, "dataset": f.dataset, "key": f.key, "state": f.state,
        "age_s": _rounded(f.age), "row_age_s": _rounded(f.row_age), "max_age_s": f.max_age,
    }  # fmt: skip


def _breaker(b: BreakerView) -> dict[str, Any]:
    return {
        "name": b.name, "state": b.state, "value": b.value, "limit": b.limit,
        "share": _rounded(b.share), "detail": b.detail,
    }  # fmt: skip
