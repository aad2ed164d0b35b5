"""The page on a store that tests fill themselves, with a clock that stands still.

The store is as a bot would leave it in the middle of a day, written row by row: one position that trails, one closed,
one signal that waits for a person, one that was refused.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Table

from bot.clocks.clock import ManualClock
from bot.domain.actors import Person, Role, Roster
from bot.store.database import writer_engine
from bot.store.revision import upgrade
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.alert import ALERT
from bot.store.tables.approval import APPROVAL
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.connection_state import CONNECTION_STATE
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.execution import EXECUTION
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.signal import SIGNAL
from bot.store.tables.transition import TRANSITION
from bot.store.values import time_text
from bot.web import live
from bot.web.access import AccessRules
from bot.web.app import create_app
from bot.web.logins import Doorkeeper
from bot.web.store_reader import StoreAddress, StoreReader

NOW = datetime(2026, 11, 20, 16, 5, 30, tzinfo=UTC)  # 11:05:30 in New York
OPEN_AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE_AT = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
DAY = "2026-11-20"
CALL = "SPXW  261120C05900000"
PUT = "SPY   261120P00588000"
PLAN = {
    "rungs": [{"gain": "0.5", "cumulative_fraction": "0.25"}, {"gain": "1.0", "cumulative_fraction": "0.75"}],
    "stop_loss": "0.5",
    "trail": "0.25",
    "single_trail_from": "0.5",
    "flat_at": None,
}


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def at(minutes: float, seconds: float = 0) -> str:
    """Return the stored form of a time so long before NOW."""
    return time_text(NOW - timedelta(minutes=minutes, seconds=seconds))


def dollars(amount: float) -> int:
    return round(amount * 10_000)


class StoreBuilder:
    """Writes rows into a fresh store; what is not said gets a value that the schema takes."""

    now_text = time_text(NOW)

    def __init__(self, path: Path, seq: int = 0) -> None:
        self.url = url_of(path)
        self._engine = writer_engine(self.url)
        self.seq = seq

    def create(self) -> None:
        upgrade(self.url)

    def add(self, table: Table, **values: Any) -> None:
        with self._engine.begin() as connection:
            _insert(connection, table, values)

    def set(self, table: Table, where: Mapping[str, Any], **values: Any) -> None:
        update = table.update().values(values)
        for name, value in where.items():
            update = update.where(table.c[name] == value)
        with self._engine.begin() as connection:
            connection.execute(update)

    def pulse(self, *, age_s: float = 1.0, speed: float = 30.0, waiting_for: tuple[str, ...] = (), **more: Any) -> None:
        values = {
            "id": 1, "tick": 4211, "at": time_text(NOW - timedelta(seconds=age_s * speed)), "tick_ms": 3.4,
            "mode": "sim",
            "speed": speed, "scenario": "demo", "inbox_depth": 2, "quotes_per_s": 41.0, "session_day": DAY,
            "session_open_at": time_text(OPEN_AT), "session_close_at": time_text(CLOSE_AT), "broker_synced_at": at(1),
            "waiting_for": json.dumps(waiting_for),
        }  # fmt: skip
        self.add(ENGINE_STATUS, **(values | more))

    def session(self, state: str = "active", **more: Any) -> None:
        values = {"id": "session", "state": state, "hold": "none", "hold_reason": ""}
        self.add(SESSION_STATE, **(values | more))

    def link(self, state: str = "synced", detail: str = "") -> None:
        self.add(CONNECTION_STATE, id="ibkr", state=state, since=at(95), detail=detail)

    def transition(
        self,
        machine: str,
        entity_id: str,
        trigger: str,
        states: tuple[str, str],
        reason: str,
        when: str,
        **evidence: Any,
    ) -> None:
        self.seq += 1
        self.add(
            TRANSITION, seq=self.seq, machine=machine, entity_id=entity_id, from_state=states[0],
            to_state=states[1],
            trigger=trigger, actor="tick", reason=reason, evidence=json.dumps(evidence), event_at=when,
            recorded_at=when,
            tick=1000 + self.seq, prev_hash="0" * 64, hash=f"{self.seq:064x}",
        )  # fmt: skip

    def signal(self, signal_id: str, state: str, key: str = CALL, **more: Any) -> None:
        values = {
            "id": signal_id, "strategy": "zero_dte_gamma", "symbol": "SPX" if key == CALL else "SPY",
            "root": "SPXW" if key == CALL else "SPY", "right": key[12], "strike": int(key[13:]) * 10, "expiry": DAY,
            "multiplier": 100, "contract_key": key, "quantity": 4, "limit_price": dollars(4.2),
            "notional": dollars(1680),
            "risk_fraction": "0.0168", "state": state, "created_at": at(30), "expires_at": at(-2), "session_day": DAY,
        }  # fmt: skip
        self.add(SIGNAL, **(values | more))

    def position(self, position_id: str, state: str, key: str = CALL, **more: Any) -> None:
        values = {
            "id": position_id, "strategy": "zero_dte_gamma", "symbol": "SPX" if key == CALL else "SPY",
            "root": "SPXW" if key == CALL else "SPY", "right": key[12], "strike": int(key[13:]) * 10, "expiry": DAY,
            "multiplier": 100, "contract_key": key, "plan": json.dumps(PLAN), "state": state, "origin": "bot",
            "entry_quantity": 4, "exit_quantity": 0, "settled_quantity": 0, "quantity": 4, "entry_price": dollars(4.2),
            "entry_value": dollars(16.8), "exit_value": 0, "commissions": dollars(2.6), "high": dollars(4.4),
            "stop_price": dollars(2.1), "rungs_done": 0, "room_for": 0, "exit_attempts": 0,
            "realized_pnl": dollars(-2.6),
            "opened_at": at(28), "opened_day": DAY, "protected_at": at(27), "protection": "working",
            "bid": dollars(4.3), "ask": dollars(4.5),
            "unrealized_pnl": dollars(40), "marked_at": at(0),
        }  # fmt: skip
        self.add(POSITION, **(values | more))

    def order(self, order_id: str, purpose: str, state: str, key: str = CALL, **more: Any) -> None:
        buys = purpose == "entry"
        values = {
            "id": order_id, "order_ref": f"qty-{order_id}", "contract_key": key, "purpose": purpose,
            "side": "BUY" if buys else "SELL", "order_type": {"entry": "LMT", "protect": "STP"}.get(purpose, "LMT"),
            "quantity": 4, "filled_quantity": 0, "reported_filled": 0, "filled_value": 0, "state": state,
            "state_since": at(28), "tag": purpose, "amendments": 0, "attempts": 1, "created_at": at(29),
            "mid_at_decision": dollars(4.18), "reject_reason": "",
        }  # fmt: skip
        self.add(BROKER_ORDER, **(values | more))

    def fill(
        self, exec_id: str, order_id: str, position_id: str, side: str, quantity: int, price: float, when: str
    ) -> None:
        self.add(
            EXECUTION, exec_id=exec_id, base_id=exec_id.rpartition(".")[0], order_ref=f"qty-{order_id}",
            order_id=order_id, position_id=position_id, perm_id=7, broker_order_id=7, client_id=17, contract_key=CALL,
            side=side, quantity=quantity, price=dollars(price), commission=dollars(0.65 * quantity), executed_at=when,
            recorded_at=when,
        )  # fmt: skip

    def mark(self, position_id: str, when: str, bid: float, ask: float) -> None:
        self.add(POSITION_MARK, position_id=position_id, at=when, bid=dollars(bid), ask=dollars(ask))

    def snapshot(self, minutes: float, pnl: float) -> None:
        self.add(
            ACCOUNT_SNAPSHOT, id=f"A{10_000 - minutes:08.1f}", account="DU1", day=DAY, at=at(minutes),
            net_liquidation=dollars(100_000 + pnl), available_funds=dollars(90_000), day_pnl=dollars(pnl),
            open_positions=1,
        )  # fmt: skip

    def feed(self, dataset: str, key: str, age_s: float, max_age_s: float = 90, state: str = "ok") -> None:
        self.add(
            FEED_STATUS, feed="unusual_whales", dataset=dataset, key=key, state=state, requests=120, failures=1,
            last_success_at=time_text(NOW - timedelta(seconds=age_s)), last_error="", dropped=0, max_age_s=max_age_s,
            quota_used=120, quota_limit=20000, at=at(0),
        )  # fmt: skip

    def alert(self, severity: str, text: str, code: str = "SOMETHING") -> None:
        self.add(ALERT, id=f"AL{code}", code=code, severity=severity, text=text, facts="{}", at=at(4))


def _insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    connection.execute(table.insert().values(dict(values)))


def a_working_day(path: Path) -> StoreBuilder:
    """Return a store in the middle of a day."""
    store = StoreBuilder(path)
    store.create()
    store.pulse(waiting_for=(
        "zero_dte_gamma QQQ: 0.31 % from the max-gamma strike 505, at most 0.10 %",
        "zero_dte_gamma IWM: liquidity C, at least B",
        "zero_dte_gamma SPX: cooling down for 11 min after the last signal",
    ))  # fmt: skip
    store.session()
    store.link()
    for minutes, pnl in (
        (90, 0),
        (75, -40),
        (60, -85),
        (45, 20),
        (30, 60),
        (20, 180),
        (10, 240),
        (5, 310.5),
        (1, 286.4),
    ):
        store.snapshot(minutes, pnl)
    _a_trailing_position(store)
    _a_closed_position(store)
    store.signal("SIGWAIT", "pending", PUT, approval_id="APP1", created_at=at(0, 20))
    store.add(APPROVAL, id="APP1", signal_id="SIGWAIT", state="requested", requested_at=at(0, 15), expires_at=at(-2))
    store.transition(
        "signal", "SIGWAIT", "ask", ("pending", "pending"), "1.7 % of equity, a person is asked above 1.0 %", at(0, 15)
    )
    store.signal("SIGNO", "rejected", PUT, created_at=at(50))
    store.transition(
        "signal",
        "SIGNO",
        "reject",
        ("pending", "rejected"),
        "SPREAD_TOO_WIDE: is=0.14 max=0.10",
        at(50),
        spread="0.14",
        max="0.10",
    )
    store.feed("spot_gex", "SPY", 41)
    store.feed("spot_gex", "QQQ", 78)
    store.feed("flow_alerts", "SPX", 140, state="retrying")
    store.alert("warning", "flow_alerts SPX: 429 from the vendor, next try in 20 s", "FEED_LIMITED")
    return store


def _a_trailing_position(store: StoreBuilder) -> None:
    store.signal("SIGRUN", "filled", position_id="POSRUN")
    store.position(
        "POSRUN", "trailing", signal_id="SIGRUN", exit_quantity=3, quantity=1, exit_value=dollars(21.4), rungs_done=2,
        high=dollars(9.1), stop_price=dollars(6.8), realized_pnl=dollars(878.4), bid=dollars(8.6), ask=dollars(8.8),
        unrealized_pnl=dollars(440),
    )  # fmt: skip
    store.order(
        "ORDIN", "entry", "filled", signal_id="SIGRUN", filled_quantity=4, limit_price=dollars(4.2), created_at=at(29)
    )
    store.order(
        "ORDSTOP", "protect", "working", position_id="POSRUN", quantity=1, stop_price=dollars(6.8), created_at=at(28)
    )
    store.order(
        "ORDR1",
        "exit",
        "filled",
        position_id="POSRUN",
        quantity=1,
        filled_quantity=1,
        limit_price=dollars(6.3),
        tag="rung:1",
        created_at=at(19),
    )
    store.order(
        "ORDR2",
        "exit",
        "filled",
        position_id="POSRUN",
        quantity=2,
        filled_quantity=2,
        limit_price=dollars(8.4),
        tag="rung:2",
        created_at=at(9),
    )
    store.fill("e1.01", "ORDIN", "POSRUN", "BUY", 4, 4.20, at(28))
    store.fill("e2.01", "ORDR1", "POSRUN", "SELL", 1, 6.35, at(18, 40))
    store.fill("e3.01", "ORDR2", "POSRUN", "SELL", 2, 8.45, at(8, 40))
    walk = (
        4.1,
        4.0,
        3.8,
        4.2,
        4.6,
        5.1,
        5.4,
        5.9,
        6.2,
        6.4,
        6.1,
        6.0,
        6.5,
        7.0,
        7.2,
        7.6,
        8.0,
        7.7,
        8.3,
        8.5,
        8.7,
        9.0,
        9.1,
        8.8,
        8.4,
        8.9,
        8.6,
        8.6,
    )
    for i, bid in enumerate(walk):
        store.mark("POSRUN", at(28 - i), bid, bid + 0.2)
    store.transition(
        "signal",
        "SIGRUN",
        "created",
        ("pending", "pending"),
        "SPX 0.04 % from max-gamma 5900, book leans to bids",
        at(30),
        price="5898.2",
        strike="5900",
    )
    store.transition(
        "signal",
        "SIGRUN",
        "approve",
        ("pending", "approved"),
        "every rule is met",
        at(29, 30),
        rules={"spread": "0.03", "max": "0.10"},
    )
    store.transition("order", "ORDIN", "submit", ("intent", "submitted"), "buy 4 at 4.20", at(29), limit="4.20")
    store.transition("order", "ORDIN", "fill", ("submitted", "filled"), "4 at 4.20", at(28), price="4.20")
    store.transition("position", "POSRUN", "created", ("filled", "filled"), "4 contracts at 4.20", at(28))
    store.transition(
        "position",
        "POSRUN",
        "protect",
        ("filled", "filled"),
        "stop for 4 at 2.10, entry 4.20",
        at(27, 59),
        stop="2.10",
        quantity=4,
    )
    store.transition(
        "position", "POSRUN", "scale_out", ("filled", "filled"), "rung 1: 1 at 6.35", at(18, 40), bid="6.35"
    )
    store.transition(
        "position",
        "POSRUN",
        "trail",
        ("filled", "trailing"),
        "rung 2 done, the rest trails",
        at(8, 40),
        high="8.50",
        to="6.35",
    )
    store.transition(
        "position",
        "POSRUN",
        "ratchet",
        ("trailing", "trailing"),
        "high 9.10: stop 6.35 to 6.80",
        at(6),
        high="9.10",
        to="6.80",
    )


def _a_closed_position(store: StoreBuilder) -> None:
    store.signal("SIGOLD", "filled", PUT, position_id="POSOLD", created_at=at(80))
    store.position(
        "POSOLD", "closed", PUT, signal_id="SIGOLD", exit_quantity=4, quantity=0, exit_value=dollars(12.0),
        realized_pnl=dollars(-485.2), opened_at=at(78), closed_at=at(60), session_day=DAY, close_reason="stop",
    )  # fmt: skip
    store.transition("position", "POSOLD", "close", ("closing", "closed"), "stopped out at 3.00", at(60))


TOKEN = "correct-horse-battery"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="session")
def working_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The day's file, written once, and its last transition; each test has a copy."""
    path = tmp_path_factory.mktemp("page") / "day.db"
    return path, a_working_day(path).seq


@pytest.fixture
def store(working_day: tuple[Path, int], tmp_path: Path) -> StoreBuilder:
    path, seq = working_day
    shutil.copyfile(path, tmp_path / "store.db")
    return StoreBuilder(tmp_path / "store.db", seq)


@pytest.fixture
def empty_store(tmp_path: Path) -> StoreBuilder:
    store = StoreBuilder(tmp_path / "empty.db")
    store.create()
    return store


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look again at once."""
    monkeypatch.setattr(live, "EVERY_S", 0.0)


AppMaker = Callable[..., Flask]


@pytest.fixture
def make_app(clock: ManualClock) -> AppMaker:
    def make(
        url: str, *, host: str = "127.0.0.1", mode: str = "sim", token: str = TOKEN,
        people: Mapping[str, Role] | None = None,
    ) -> Flask:  # fmt: skip
        """`people` log in by their name as token."""
        roster = Roster.of([Person(name, role) for name, role in (people or {}).items()])
        keeper = Doorkeeper(token, 3600, clock.monotonic, named={name: name for name in people or {}})
        rules = AccessRules(host, login_link=mode == "sim", roster=roster)
        app = create_app(StoreReader(StoreAddress(url, mode), clock), keeper, rules)
        app.testing = False
        return app

    return make


@pytest.fixture
def page(make_app: AppMaker, store: StoreBuilder) -> FlaskClient:
    """A visitor on loopback who has not logged in."""
    return make_app(store.url).test_client()


CsrfReader = Callable[..., str]


def _csrf_of(client: FlaskClient, path: str = "/login") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get(path).get_data(as_text=True))
    assert found is not None, f"{path} has no form"
    return found.group(1)


@pytest.fixture
def csrf_of() -> CsrfReader:
    """Read the form token that a visitor is given."""
    return _csrf_of


def press(client: FlaskClient, kind: str, form: Mapping[str, str]) -> Any:
    """Press a button and answer its question, if it has one, as a person would: typing the number that it names."""
    asked = client.post(f"/actions/{kind}", data=form)
    text = asked.get_data(as_text=True)
    token = re.search(r'name="token" value="([^"]+)"', text)
    if asked.status_code != 200 or token is None:
        return asked
    number = re.search(r"Type the number of contracts, (\d+)", text)
    typed = {"typed": number.group(1)} if number else {}
    return client.post(f"/actions/{kind}", data={**form, "confirmed": "yes", "token": token.group(1), **typed})


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def operator(page: FlaskClient) -> FlaskClient:
    """A visitor who is logged in."""
    answer = page.post("/login", data={"csrf": _csrf_of(page), "token": TOKEN})
    assert answer.status_code == 303
    return page
