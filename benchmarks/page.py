# ruff: noqa: E501  (rows of a store, as wide as they are)
"""The page on a large store: 500,000 transitions, 4,000 positions, and a file of a million rows. Each page many times through Flask's own client.

Beside the time by the wall stands the processor's: where something else runs on the machine, only that says what a page
costs. Reference: the plain SELECT of the same connection that counts the positions, which every page pays many times over.
A CSV is read in pieces and thrown away; what the process grew by while it was is the memory that it took.
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from benchmarks.result import Result, median, percentile
from bot.clocks.clock import ManualClock
from bot.domain.position import CloseReason
from bot.store.chain import GENESIS, row_hash
from bot.store.database import writer_engine
from bot.store.revision import upgrade
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.alert import ALERT
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.command import COMMAND
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.connection_state import CONNECTION_STATE
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.execution import EXECUTION
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.tables.gamma_profile import GAMMA_PROFILE
from bot.store.tables.overseer_call import OVERSEER_CALL
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.signal import SIGNAL
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.tables.transition import TRANSITION
from bot.store.values import time_text
from bot.web.access import AccessRules
from bot.web.app import create_app
from bot.web.logins import Doorkeeper
from bot.web.store_reader import StoreAddress, StoreReader

POSITIONS: Final = 4_000
TRANSITIONS: Final = 500_000
MILLION: Final = 1_000_000
AT_ONCE: Final = 50_000
TIMES: Final = 20
AIM_MS: Final = 150.0
CSV_AIM_MB: Final = 12.0
PLAN: Final = json.dumps(
    {"rungs": [{"gain": "0.5", "cumulative_fraction": "0.25"}], "stop_loss": "0.5", "trail": "0.25",
     "single_trail_from": "0.5", "flat_at": None}
)  # fmt: skip
STRATEGIES: Final = ("zero_dte_gamma", "zero_dte_flow", "one_dte_positioning", "directional_14d", "moc_imbalance")
SYMBOLS: Final = {"SPY": 590, "QQQ": 510, "SPX": 5900, "IWM": 230, "NVDA": 180, "TSLA": 415, "META": 640, "AAPL": 270}
REASONS: Final = tuple(reason.value for reason in CloseReason)[:5]
NOW: Final = datetime(2026, 11, 20, 17, 42, 18, tzinfo=UTC)
PAGES: Final = ("/", "/trades", "/trades?sort=held&result=won&page=3", "/performance", "/performance?range=month",
                "/alerts", "/machines", "/signals", "/positions", "/exposure", "/feeds", "/market", "/strategies", "/config", "/overseer", "/people", "/discovery", "/calibration",
                "/position/P003990", "/signal/S003990", "/audit", "/overview.json", "/exposure.json", "/strategies.json")  # fmt: skip


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.db"
        fill(path)
        app = create_app(
            StoreReader(StoreAddress(f"sqlite+aiosqlite:///{path}", "sim"), ManualClock(NOW)),
            Doorkeeper("benchmark-token-16", 3600, time.monotonic),
            AccessRules("127.0.0.1", login_link=True),
        )
        client = app.test_client()
        bare = _bare(path)
        for page in PAGES:
            yield _page(client, app, page, bare)
        yield _download(client, "/trades.csv", POSITIONS - 10)
        _grown_to_a_million(path)
        yield _download(client, "/audit/history.csv", MILLION)


def _bare(path: Path) -> float:
    spent = []
    with sqlite3.connect(path) as connection:
        for _ in range(TIMES):
            begun = time.perf_counter()
            connection.execute("SELECT COUNT(*) FROM position").fetchone()
            spent.append((time.perf_counter() - begun) * 1000)
    return median(spent)


def _page(client: Any, app: Any, page: str, bare: float) -> Result:
    spent, worked, size = [], [], 0
    for _ in range(TIMES):
        app.extensions["reader"].forget()
        begun, processor = time.perf_counter(), time.process_time()
        answer = client.get(page)
        size = len(answer.get_data())
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - processor) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{page}: {answer.status_code}")
    slow = percentile(spent, 0.95)
    busy = f"p50 {median(worked):.0f}, p95 {percentile(worked, 0.95):.0f}"
    words = f"p50 {median(spent):.0f} ms, p95 {slow:.0f} ms; processor {busy}; {size / 1000:.0f} kB; bare {bare:.1f}"
    return Result(f"page {page}", words, f"{slow:.0f} ms", f"< {AIM_MS:.0f} ms", slow < AIM_MS)


def _download(client: Any, page: str, least: int) -> Result:
    before = most = _resident_mb()
    begun, lines = time.perf_counter(), 0
    with client.get(page, buffered=False) as answer:
        for piece in answer.iter_encoded():
            lines += piece.count(b"\n")
            most = max(most, _resident_mb())
    grown = most - before
    spent = time.perf_counter() - begun
    words = f"{lines:,} lines in {spent:.1f} s, {grown:.1f} MB more"
    return Result(
        f"file {page}", words, f"{grown:.1f} MB", f"< {CSV_AIM_MB:.0f} MB", lines > least and grown < CSV_AIM_MB
    )


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def fill(path: Path, positions: int = POSITIONS, transitions: int = TRANSITIONS) -> None:
    """Write a store as a bot of a year and a half would leave it."""
    url = f"sqlite+aiosqlite:///{path}"
    upgrade(url)
    chance = random.Random(7)
    days = _weekdays(date(2025, 6, 2), NOW.date())
    engine = writer_engine(url)
    with engine.begin() as connection:
        connection.execute(ENGINE_STATUS.insert(), _pulse())
        connection.execute(
            SESSION_STATE.insert(), {"id": "session", "state": "active", "hold": "none", "hold_reason": ""}
        )
        connection.execute(
            CONNECTION_STATE.insert(), {"id": "ibkr", "state": "synced", "since": time_text(NOW), "detail": ""}
        )
        trades = [_trade(chance, number, days[number * len(days) // positions]) for number in range(positions)]
        connection.execute(SIGNAL.insert(), [trade["signal"] for trade in trades])
        connection.execute(POSITION.insert(), [trade["position"] for trade in trades])
        connection.execute(BROKER_ORDER.insert(), [order for trade in trades for order in trade["orders"]])
        connection.execute(EXECUTION.insert(), [fill for trade in trades for fill in trade["fills"]])
        connection.execute(POSITION_MARK.insert(), [mark for trade in trades for mark in trade["marks"]])
        connection.execute(ACCOUNT_SNAPSHOT.insert(), list(_readings(days, trades)))
        for table, rows in _beside(chance, days):
            connection.execute(table.insert(), rows)
        _append(connection, range(1, transitions + 1), GENESIS, positions, transitions)
    engine.dispose()


def _append(connection: Connection, numbers: range, head: str, positions: int, of: int) -> None:
    """Append transitions of these numbers to a chain whose last hash is `head`."""
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        rows = []
        for number in range(start, min(start + AT_ONCE, numbers.stop)):
            row = _step(number, positions, of)
            head = row_hash(before := head, row)
            rows.append(row | {"prev_hash": before, "hash": head})
        connection.execute(TRANSITION.insert(), rows)


def _grown_to_a_million(path: Path) -> None:
    """Let the history of a filled store go on to a million rows."""
    engine = writer_engine(f"sqlite+aiosqlite:///{path}")
    with engine.begin() as connection:
        last = connection.execute(select(TRANSITION.c.hash).where(TRANSITION.c.seq == TRANSITIONS)).scalar_one()
        _append(connection, range(TRANSITIONS + 1, MILLION + 1), last, POSITIONS, TRANSITIONS)
    engine.dispose()


def _weekdays(first: date, last: date) -> list[date]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


def _units(amount: float) -> int:
    return round(amount * 100) * 100


def _pulse() -> dict[str, Any]:
    return {
        "id": 1, "tick": 900_000, "at": time_text(NOW), "tick_ms": 3.0, "mode": "sim", "speed": 1.0, "scenario": "",
        "inbox_depth": 0, "quotes_per_s": 40.0, "session_day": NOW.date().isoformat(),
        "session_open_at": "2026-11-20T14:30:00.000000+00:00", "session_close_at": "2026-11-20T21:00:00.000000+00:00",
        "broker_synced_at": time_text(NOW), "waiting_for": "[]",
    }  # fmt: skip


def _trade(chance: random.Random, number: int, day: date) -> dict[str, Any]:
    symbol = chance.choice(list(SYMBOLS))
    right, strike = chance.choice("CP"), SYMBOLS[symbol]
    root = "SPXW" if symbol == "SPX" else symbol
    expiry = day + timedelta(days=chance.choice((0, 0, 0, 1, 14)))
    key = f"{root:<6}{expiry:%y%m%d}{right}{strike * 1000:08d}"
    opened = datetime(day.year, day.month, day.day, 14, 35, tzinfo=UTC) + timedelta(minutes=chance.randrange(300))
    closed = opened + timedelta(minutes=chance.randrange(4, 80), seconds=chance.randrange(60))
    contracts, entry = chance.randrange(1, 12), chance.randrange(60, 900) / 100
    move = chance.choice((chance.uniform(0.1, 1.4), -0.5, chance.uniform(-0.5, 0.2)))
    leaving = max(round(entry * (1 + move), 2), 0.01)
    fees = contracts * 2 * 0.67
    pnl = (leaving - entry) * contracts * 100 - fees
    identity = {"strategy": chance.choice(STRATEGIES), "symbol": symbol, "root": root, "right": right,
                "strike": strike * 10_000, "expiry": expiry.isoformat(), "multiplier": 100, "contract_key": key}  # fmt: skip
    is_open = number >= POSITIONS - 3
    ids = {"signal": f"S{number:06d}", "position": f"P{number:06d}"}
    signal = identity | {
        "id": ids["signal"], "quantity": contracts, "limit_price": _units(entry), "notional": _units(entry * contracts * 100),
        "risk_fraction": "0.01", "state": "filled", "created_at": time_text(opened), "expires_at": time_text(closed),
        "session_day": day.isoformat(), "position_id": ids["position"],
    }  # fmt: skip
    position = identity | {
        "id": ids["position"], "signal_id": ids["signal"], "plan": PLAN, "state": "trailing" if is_open else "closed",
        "origin": "bot", "entry_quantity": contracts, "exit_quantity": 0 if is_open else contracts, "settled_quantity": 0,
        "quantity": contracts if is_open else 0, "entry_price": _units(entry), "entry_value": _units(entry) * contracts,
        "exit_value": 0 if is_open else _units(leaving) * contracts, "commissions": _units(fees),
        "high": _units(max(entry, leaving) * 1.1), "stop_price": _units(entry / 2), "rungs_done": 0, "room_for": 0,
        "exit_attempts": 0, "realized_pnl": _units(-fees / 2) if is_open else _units(pnl), "opened_at": time_text(opened),
        "opened_day": day.isoformat(), "closed_at": None if is_open else time_text(closed),
        "session_day": None if is_open else day.isoformat(), "protection": "working" if is_open else "ended",
        "underlying": _units(strike),
        "close_reason": None if is_open else chance.choice(REASONS), "bid": _units(leaving), "ask": _units(leaving + 0.05),
        "marked_at": time_text(NOW),
    }  # fmt: skip
    orders, fills = [], []
    for purpose, side, price, at in (("entry", "BUY", entry, opened), ("exit", "SELL", leaving, closed)):
        if is_open and purpose == "exit":
            continue
        order = f"{ids['position']}-{purpose}"
        orders.append({
            "id": order, "order_ref": f"q-{order}", "contract_key": key, "purpose": purpose, "side": side,
            "order_type": "LMT", "quantity": contracts, "filled_quantity": contracts, "reported_filled": contracts,
            "filled_value": _units(price) * contracts, "state": "filled", "state_since": time_text(at), "tag": purpose,
            "amendments": 0, "attempts": 1, "created_at": time_text(at), "mid_at_decision": _units(price),
            "reject_reason": "", "signal_id": ids["signal"], "position_id": ids["position"], "limit_price": _units(price),
        })  # fmt: skip
        fills.append({
            "exec_id": f"{order}.01", "base_id": order, "order_ref": f"q-{order}", "order_id": order,
            "position_id": ids["position"], "perm_id": 7, "broker_order_id": 7, "client_id": 17, "contract_key": key,
            "side": side, "quantity": contracts, "price": _units(price), "commission": _units(fees / 2),
            "executed_at": time_text(at), "recorded_at": time_text(at),
        })  # fmt: skip
    marks = []
    for n in range(60):
        bid = entry * (1 + move * n / 60 + chance.uniform(-0.05, 0.05))
        marks.append({"position_id": ids["position"], "at": time_text(opened + (closed - opened) * n / 60),
                      "bid": _units(bid), "ask": _units(bid + 0.05), "underlying": _units(strike * (1 + n / 10_000))})  # fmt: skip
    return {"signal": signal, "position": position, "orders": orders, "fills": fills, "marks": marks}


def _readings(days: list[date], trades: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    made: dict[str, int] = {}
    for trade in trades:
        row = trade["position"]
        made[row["opened_day"]] = made.get(row["opened_day"], 0) + row["realized_pnl"]
    equity = _units(250_000)
    for day in days:
        begins = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
        for minute in range(0, 390, 5):
            pnl = made.get(day.isoformat(), 0) * minute // 390
            at = time_text(begins + timedelta(minutes=minute))
            yield {"id": f"A{at}", "account": "DU1", "day": day.isoformat(), "at": at, "net_liquidation": equity + pnl,
                   "available_funds": equity, "day_pnl": pnl, "open_positions": 1}  # fmt: skip
        equity += made.get(day.isoformat(), 0)


def _step(number: int, positions: int, of: int) -> dict[str, Any]:
    at = time_text(NOW - timedelta(seconds=(of - number) * 60))
    return {
        "seq": number, "machine": "position", "entity_id": f"P{number * positions // (of + 1):06d}",
        "from_state": "trailing", "to_state": "trailing", "trigger": "ratchet", "actor": "tick",
        "reason": "high 9.10: stop 6.35 to 6.80", "evidence": '{"high":"9.10","to":"6.80"}', "config_version": None,
        "event_at": at, "recorded_at": at, "tick": number,
    }  # fmt: skip


def _beside(chance: random.Random, days: list[date]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield what else a year and a half leave: refused signals, alerts, requests, calls of the overseer, counters."""
    day, minutes = NOW.date().isoformat(), len(days) * 390
    times = [time_text(NOW - timedelta(minutes=minutes * n / 5000)) for n in range(5000)]
    yield SIGNAL, [_refused(n, times[n % 5000], chance) for n in range(6000)]
    yield ALERT, [{"id": f"AL{n:06d}", "code": f"CODE_{n % 40}", "severity": ("info", "warning", "critical")[n % 3],
                   "text": "flow_alerts SPX: 429 from the vendor, next try in 20 s", "facts": "{}", "at": times[n],
                   "state": "resolved" if n > 12 else "told"} for n in range(5000)]  # fmt: skip
    yield COMMAND, [{"id": f"CO{n:06d}", "kind": "pause", "payload": "{}", "actor": f"admin:web:user{n % 7}",
                     "state": "refused" if n % 5 else "done", "created_at": times[n], "answer": "entries are paused"}
                    for n in range(3000)]  # fmt: skip
    yield OVERSEER_CALL, [{"id": f"OV{n:06d}", "at": times[n], "day": times[n][:10], "task": "pre_trade_review",
                           "subject": f"S{n % POSITIONS:06d}", "model": "m", "prompt_hash": "p", "tokens_in": 900,
                           "tokens_out": 120, "cost_micros": 4000, "ms": 1800, "answered": "answered", "severity": "info",
                           "action": "none", "done": "nothing", "text": "The spread is narrow.", "verdict": "{}",
                           "outcome": "won"} for n in range(3000)]  # fmt: skip
    yield FEED_STATUS, [{"feed": "unusual_whales", "dataset": f"set_{n % 30}", "key": symbol, "state": "ok",
                         "last_success_at": time_text(NOW - timedelta(seconds=n)), "last_error": "", "requests": 900,
                         "failures": 2, "dropped": 0, "max_age_s": 90, "at": time_text(NOW)}
                        for n in range(30) for symbol in SYMBOLS]  # fmt: skip
    yield STRATEGY_STAT, [{"strategy": name, "symbol": symbol, "day": day, "evaluated": 4000, "proposed": 2,
                           "last_reason": "0.31 % from its pin, needs 0.10 %", "at": time_text(NOW),
                           "seen": json.dumps({"price": "590.1", "distance": "0.0031", "imbalance": "0.11"}),
                           "seen_at": time_text(NOW)} for name in STRATEGIES for symbol in SYMBOLS]  # fmt: skip
    settings = {"risk": {"max_pair_correlation": "0.7", "correlation_min_minutes": 10},
                "strategies": {"zero_dte_gamma": {"enabled": True, "symbols": list(SYMBOLS)}}}  # fmt: skip
    yield CONFIG_VERSION, [{"id": "c", "number": 1, "hash": "h", "body": json.dumps({"settings": settings}),
                            "created_at": time_text(NOW)}]  # fmt: skip
    yield GAMMA_PROFILE, [{"symbol": symbol, "at": time_text(NOW), "price": _units(level),
                           "strikes": json.dumps([[str(level + n), 1e6 * chance.uniform(-9, 9)] for n in range(-150, 150)])}
                          for symbol, level in SYMBOLS.items()]  # fmt: skip


def _refused(number: int, at: str, chance: random.Random) -> dict[str, Any]:
    symbol = chance.choice(list(SYMBOLS))
    return {
        "id": f"R{number:06d}", "strategy": chance.choice(STRATEGIES), "symbol": symbol, "root": symbol, "right": "C",
        "strike": SYMBOLS[symbol] * 10_000, "expiry": at[:10], "multiplier": 100,
        "contract_key": f"{symbol:<6}{at[2:4]}{at[5:7]}{at[8:10]}C{SYMBOLS[symbol] * 1000:08d}", "quantity": 2,
        "limit_price": _units(1.2), "notional": _units(240), "risk_fraction": "0.01", "state": "rejected",
        "created_at": at, "expires_at": at, "session_day": at[:10],
    }  # fmt: skip
