"""Named queries answer, cannot write, and agree with the domain to the cent."""

from __future__ import annotations

import sqlite3
from contextlib import closing as shutting
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.domain.money import to_units
from bot.store.database import open_reader
from bot.store.queries import QUERIES, run_query
from bot.store.sql_store import SqlStore
from tests.store.builders import CONTRACT, a_position, a_signal, an_id
from tests.store.trade import POSITION_ID, SIGNAL_ID, closing, opening, write


@pytest.fixture
async def traded(store: SqlStore, url: str) -> str:
    await store.record_config("abc", "mode: sim")
    await write(store, opening() + closing())
    return url


def ask(url: str, name: str, **parameters: str) -> list[dict[str, object]]:
    columns, rows = run_query(url, name, parameters)
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_runs_on_an_empty_store(url: str, name: str) -> None:
    needed = {p.name: "x" for p in QUERIES[name].parameters if p.default is None}
    assert ask(url, name, **needed) == []


def test_there_are_at_least_ten_queries_each_with_words() -> None:
    assert len(QUERIES) >= 10
    assert all(query.title and query.explanation for query in QUERIES.values())


@pytest.mark.parametrize("trade", [SIGNAL_ID, POSITION_ID])
async def test_why_a_trade_was_taken_is_told_from_the_idea_to_the_close(traded: str, trade: str) -> None:
    story = [(row["machine"], row["trigger"]) for row in ask(traded, "why_trade", id=trade)]
    assert story[0] == ("signal", "created")
    assert story[-1] == ("position", "close")
    assert ("order", "submit") in story
    assert ("approval", "approve") in story


async def test_realized_pnl_is_the_same_in_trade_day_and_position(traded: str, store_path: Path) -> None:
    expected = Decimal("6.10") * 100 - Decimal("5.00") * 100 - Decimal("6.50")
    assert ask(traded, "trades")[0]["realized_pnl"] == float(expected)
    assert ask(traded, "daily_pnl")[0]["realized_pnl"] == float(expected)
    with shutting(sqlite3.connect(store_path)) as connection:
        assert connection.execute("SELECT realized_pnl FROM position").fetchone() == (to_units(expected),)


async def test_slippage_is_against_the_mid_and_for_a_stop_against_its_price(traded: str) -> None:
    found = {row["tag"]: row for row in ask(traded, "slippage")}
    assert found["entry"]["slippage_per_share"] == 0.01
    assert found["entry"]["slippage"] == 4.0
    assert found["rung:1"]["slippage_per_share"] == 0.02
    assert found["stop"]["slippage"] == 0.0


async def test_unprotected_time_is_from_the_fill_to_the_working_stop(traded: str) -> None:
    (stretch,) = ask(traded, "unprotected_time")
    assert (stretch["began_with"], stretch["ended_with"]) == ("created", "stop acknowledge")
    assert (stretch["seconds"], stretch["seconds_after_entry"]) == (1.0, 1.0)


async def test_the_configuration_of_a_time_is_found(traded: str) -> None:
    assert ask(traded, "config_at")[0]["body"] == "mode: sim"
    assert ask(traded, "config_at", at="2020-01-01T00:00:00") == []


async def test_every_order_comes_with_its_executions(traded: str) -> None:
    rows = ask(traded, "order_executions", id=POSITION_ID)
    assert [(row["tag"], row["executed"]) for row in rows] == [("entry", 4), ("stop", 3), ("rung:1", 1)]


def test_a_wrong_name_a_missing_and_a_strange_parameter_are_refused_in_words(url: str) -> None:
    with pytest.raises(StoreError, match="no audit query 'x'; there are: why_trade"):
        run_query(url, "x")
    with pytest.raises(StoreError, match="needs id="):
        run_query(url, "why_trade")
    with pytest.raises(StoreError, match="has no parameter 'colour'"):
        run_query(url, "daily_pnl", {"colour": "red"})


@pytest.mark.parametrize("statement", ["DELETE FROM command", "CREATE TABLE x (y)", "PRAGMA user_version = 7"])
def test_a_reader_cannot_write(url: str, statement: str) -> None:
    with open_reader(url) as connection, pytest.raises(DBAPIError, match=r"readonly|read-only"):
        connection.exec_driver_sql(statement)


def test_a_reader_of_no_store_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="db upgrade"):
        open_reader(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")


PRICES = st.integers(0, 500_000).map(lambda units: Decimal(units).scaleb(-4))
FILLS = st.lists(st.tuples(st.integers(1, 9), PRICES, PRICES), min_size=1, max_size=4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.one_of(FILLS, st.just([])), exits=FILLS, settled=st.integers(0, 5), worth=PRICES, paid=PRICES)
def test_the_view_rounds_realized_pnl_as_the_domain_does(
    store_path: Path,
    entries: list[tuple[int, Decimal, Decimal]],
    exits: list[tuple[int, Decimal, Decimal]],
    settled: int,
    worth: Decimal,
    paid: Decimal,
) -> None:
    """`worth` is what the settled contracts count in all, `paid` the commission of somebody else who sold some."""
    position = a_position(
        a_signal(), entry_quantity=sum(n for n, _, _ in entries),
        entry_value=sum((n * p for n, p, _ in entries), Decimal(0)),
        exit_quantity=sum(n for n, _, _ in exits), exit_value=sum(n * p for n, p, _ in exits),
        commissions=sum((c for _, _, c in entries + exits), paid), settled_quantity=settled, settled_value=worth,
    )  # fmt: skip
    fills = [("BUY", *fill) for fill in entries] + [("SELL", *fill) for fill in exits]
    with shutting(sqlite3.connect(store_path)) as connection:
        connection.executescript("DELETE FROM execution; DELETE FROM position;")
        connection.execute(_POSITION, (
            an_id(50), settled, to_units(worth), to_units(paid), position.entry_quantity, position.exit_quantity,
        ))  # fmt: skip
        connection.executemany(
            _EXECUTION,
            [(f"e{i}", f"e{i}", side, n, to_units(p), to_units(c)) for i, (side, n, p, c) in enumerate(fills)],
        )
        (cents,) = connection.execute("SELECT realized_cents FROM v_trades").fetchone()
        connection.commit()
    assert Decimal(cents).scaleb(-2) == position.realized_pnl


_POSITION = f"""INSERT INTO position (id, strategy, symbol, root, "right", strike, expiry, multiplier, contract_key,
state, origin, settled_quantity, settled_value, elsewhere_commission, entry_quantity, exit_quantity, quantity,
entry_price, entry_value, exit_value,
commissions, high, rungs_done, room_for, exit_attempts, realized_pnl, opened_at, opened_day)
VALUES (?, 's', 'SPY', 'SPY', 'C', 1, '2026-11-20', 100, '{CONTRACT.key}', 'filled', 'bot', ?, ?, ?, ?, ?, 0, 0, 0, 0,
0, 0, 0, 0, 0, 0, '', '')"""
_EXECUTION = f"""INSERT INTO execution (exec_id, base_id, order_ref, position_id, perm_id, broker_order_id, client_id,
contract_key, side, quantity, price, commission, executed_at, recorded_at)
VALUES (?, ?, 'r', '{an_id(50)}', 0, 0, 0, 'k', ?, ?, ?, ?, '', '')"""


@pytest.mark.parametrize("given", ["soon", "2026-13-01", "20261120", "2026-1-1", "tomorrow"])
def test_what_is_no_day_is_refused_by_name(url: str, given: str) -> None:
    with pytest.raises(StoreError, match=f"from={given} is no day: write YYYY-MM-DD, today or yesterday"):
        run_query(url, "daily_pnl", {"from": given})


def test_days_have_names(url: str) -> None:
    assert ask(url, "daily_pnl", **{"from": "yesterday", "to": "today"}) == []
