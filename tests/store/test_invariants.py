"""The invariants hold on a sound store and name what breaks them on any other."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing as shutting
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.instruments import NICKEL_CLASS, PENNY_CLASS, Instrument, PriceGrid
from bot.domain.order import Order, OrderSide, OrderState
from bot.domain.position import Position, Protection
from bot.domain.session import SESSION_ID, Session, SessionState
from bot.engine.state.records import InstrumentRow, NewMark, NewTransition, TickBatch
from bot.store.invariants import CHECKS, check_invariants
from bot.store.sql_store import SqlStore
from tests.store.builders import CONTRACT, a_batch, a_step, an_id, an_order, born, those
from tests.store.trade import POSITION_ID, RUNG_ID, SIGNAL_ID, STOP_ID, at, closing, opening, write


def broken(url: str, **limits: Any) -> list[str]:
    return [finding.invariant for finding in check_invariants(url, **limits) if not finding.ok]


def change(path: Path, *statements: str) -> None:
    """Change rows behind the bot's back; the chain is left as it is unless a statement says otherwise."""
    with shutting(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
async def open_trade(store: SqlStore, url: str) -> str:
    await write(store, opening())
    return url


@pytest.fixture
async def closed_trade(store: SqlStore, url: str) -> str:
    await write(store, opening() + closing())
    return url


def test_an_empty_store_holds_all_of_them(url: str) -> None:
    findings = check_invariants(url)
    assert [f.invariant for f in findings] == [f"I{n}" for n in range(1, 13)]
    assert len(CHECKS) == 12
    assert all(f.ok for f in findings)


async def test_a_sound_open_trade_holds_all_of_them(open_trade: str) -> None:
    assert [f.detail for f in check_invariants(open_trade) if not f.ok] == []


async def test_a_sound_closed_trade_holds_all_of_them(closed_trade: str) -> None:
    assert [f.detail for f in check_invariants(closed_trade) if not f.ok] == []


@pytest.mark.parametrize("speed,found", [(1.0, ["I4"]), (300.0, [])])
async def test_a_stretch_without_a_stop_is_judged_by_the_speed_of_its_own_run(
    store: SqlStore, url: str, speed: float, found: list[str]
) -> None:
    text = json.dumps({"settings": {"mode": "sim", "sim": {"speed": speed}}})
    await store.record_config("0123456789ab", text)
    await write(store, opening())
    assert broken(url, protection_limit_s=0.0, wall_grace_s=0.02) == found


OPEN_BREAKS = [
    (
        "I1",
        "a state that no transition led to",
        [f"UPDATE broker_order SET state = 'cancelled' WHERE id = '{STOP_ID}'"],
    ),
    ("I2", "more bought than approved", [f"UPDATE signal SET quantity = 3 WHERE id = '{SIGNAL_ID}'"]),
    (
        "I2",
        "an order that says more than its fills",
        ["UPDATE broker_order SET filled_quantity = 5 WHERE order_id = 1"],
    ),
    ("I3", "a quantity that the fills do not give", ["UPDATE position SET quantity = 3"]),
    ("I3", "the broker has another quantity", ["UPDATE reconciliation_line SET broker = '5'"]),
    ("I3", "the broker does not have it", ["DELETE FROM reconciliation_line"]),
    ("I4", "a stop for less than what is left", [f"UPDATE broker_order SET quantity = 3 WHERE id = '{STOP_ID}'"]),
    ("I4", "no stop that works", [f"UPDATE broker_order SET state = 'unknown' WHERE id = '{STOP_ID}'"]),
    ("I5", "a stop for more than what is left", [f"UPDATE broker_order SET quantity = 5 WHERE id = '{STOP_ID}'"]),
    ("I5", "an amendment to more on its way", [f"UPDATE broker_order SET wanted_quantity = 6 WHERE id = '{STOP_ID}'"]),
    ("I10", "a token in a reason", ["UPDATE signal SET rationale = 'Bearer abcdefghijklmnopqrstuvwx'"]),
]


@pytest.mark.parametrize("invariant,what,statements", OPEN_BREAKS, ids=[what for _, what, _ in OPEN_BREAKS])
async def test_what_breaks_an_open_trade_is_named(
    open_trade: str, store_path: Path, invariant: str, what: str, statements: list[str]
) -> None:
    change(store_path, *statements)
    later = at(600)
    assert invariant in broken(open_trade, now=later)


CLOSED_BREAKS = [
    ("I9", "a P&L that the fills do not give", ["UPDATE position SET realized_pnl = realized_pnl + 100"]),
    ("I9", "a commission that the position does not know", ["UPDATE execution SET commission = commission + 100"]),
    ("I5", "more sold than was held", ["UPDATE execution SET quantity = quantity + 1 WHERE side = 'SELL'"]),
    ("I3", "an exit that has no execution", ["DELETE FROM execution WHERE quantity = 3"]),
]


# 400 dollars more, changed in every table that another check compares: only the chain says otherwise.
RICHER = [
    "UPDATE execution SET price = price + 40000 WHERE side = 'SELL' AND quantity = 1",
    f"UPDATE broker_order SET filled_value = filled_value + 40000 WHERE id = '{RUNG_ID}'",
    "UPDATE position SET exit_value = exit_value + 40000, realized_pnl = realized_pnl + 4000000",
]  # fmt: skip
CHEAPER = [
    "UPDATE execution SET commission = commission - 13000 WHERE quantity = 1",
    "UPDATE position SET commissions = commissions - 13000, realized_pnl = realized_pnl + 13000",
]
CHAINED_BREAKS = [
    ("a consistent edit that earns 400 dollars more", RICHER),
    ("a commission that was made smaller in both tables", CHEAPER),
    ("an execution that was made up, with its order", [
        "INSERT INTO execution SELECT 'made.up.01', 'made.up', order_ref, order_id, position_id, perm_id,"
        " broker_order_id, client_id, contract_key, side, 0, price, 0, executed_at, recorded_at"
        " FROM execution WHERE quantity = 3"]),
    ("an execution that was removed", ["DELETE FROM execution WHERE quantity = 3"]),
    ("an execution that was moved", [f"UPDATE execution SET order_id = '{STOP_ID}' WHERE quantity = 1"]),
]  # fmt: skip


@pytest.mark.parametrize("what,statements", CHAINED_BREAKS, ids=[what for what, _ in CHAINED_BREAKS])
async def test_what_the_chain_says_of_money_cannot_be_changed_in_the_rows(
    closed_trade: str, store_path: Path, what: str, statements: list[str]
) -> None:
    change(store_path, *statements)
    assert "I12" in broken(closed_trade)


async def test_a_consistent_edit_is_found_by_the_chain_alone(closed_trade: str, store_path: Path) -> None:
    change(store_path, *RICHER)
    assert broken(closed_trade) == ["I12"]


async def test_trades_that_were_closed_before_the_chain_held_their_numbers_are_counted(
    store: SqlStore, url: str
) -> None:
    batches = opening() + closing()
    for row in batches[-1].transitions:
        if isinstance(row.evidence, dict):
            row.evidence.pop("closing", None)
    await write(store, batches)
    (finding,) = [f for f in check_invariants(url) if f.invariant == "I12"]
    assert finding.ok
    assert "1 closed before the chain held such numbers" in finding.detail


@pytest.mark.parametrize("invariant,what,statements", CLOSED_BREAKS, ids=[what for _, what, _ in CLOSED_BREAKS])
async def test_what_breaks_a_closed_trade_is_named(
    closed_trade: str, store_path: Path, invariant: str, what: str, statements: list[str]
) -> None:
    change(store_path, *statements)
    assert invariant in broken(closed_trade)


async def test_protection_that_came_too_late_is_found_long_after(store: SqlStore, url: str) -> None:
    late = opening()
    batch = late[2]
    batch.transitions = [
        row if row.trigger not in {"protected", "acknowledge"} else _moved(row, 40) for row in batch.transitions
    ]
    await write(store, late)
    assert broken(url) == ["I4"]
    assert broken(url, protection_limit_s=60) == []


def _moved(row: NewTransition, seconds: float) -> NewTransition:
    return replace(row, event_at=at(seconds))


async def watched_by_the_tick(store: SqlStore, quoted: float | None, *, after: float = 4) -> None:
    """The broker refused the stop of the open trade for good; the store's present is 60 s later."""
    batches = opening()
    last = batches[2]
    stop = last.changed.of(Order)[STOP_ID]
    last.changed.add(replace(stop, state=OrderState.REJECTED, reject_code=387, done_at=at(after)))
    (position,) = last.changed.of(Position).values()
    last.changed.add(replace(position, protection=Protection.SYNTHETIC, protected_at=None))
    kept = [row for row in last.transitions if row.trigger not in {"acknowledge", "protected"}]
    lost: dict[str, Any] = {"trigger": "protection_lost", "actor": "broker", "event_at": at(after)}
    refused: dict[str, Any] = {"machine": "order", "trigger": "reject", "actor": "broker", "event_at": at(after)}
    last.transitions = [
        *kept,
        a_step(STOP_ID, "submitted", "rejected", **refused),
        a_step(POSITION_ID, "filled", "filled", machine="position", evidence={"policy": "watch"}, **lost),
    ]
    quoted_at = None if quoted is None else at(quoted)
    mark = NewMark(POSITION_ID, at(60), Decimal(1), Decimal("1.1"), None, None, sampled=False, quoted_at=quoted_at)
    later = a_step("session", "active", "active", "refused:pause", machine="session", event_at=at(60))
    await write(store, [*batches, a_batch(4, recorded_at=at(60), marks=[mark], transitions=[later])])


@pytest.mark.parametrize("quoted, fine", [(50, True), (40, False), (None, False)], ids=["live", "old", "none"])
async def test_a_watched_stop_protects_as_long_as_a_live_quote_shows_it_to_the_tick(
    store: SqlStore, url: str, quoted: float | None, fine: bool
) -> None:
    await watched_by_the_tick(store, quoted)
    assert broken(url) == ([] if fine else ["I4"])
    finding = next(f for f in check_invariants(url) if f.invariant == "I4")
    assert ("1 watched by the tick" if fine else "the stop that the tick watches has") in finding.detail


async def test_a_watched_stop_without_a_price_protects_nothing(store: SqlStore, url: str, store_path: Path) -> None:
    await watched_by_the_tick(store, 59)
    change(store_path, "UPDATE position SET stop_price = NULL")
    assert broken(url) == ["I4"]


async def test_a_stop_that_was_refused_too_late_is_found_though_it_is_watched_now(store: SqlStore, url: str) -> None:
    await watched_by_the_tick(store, 59, after=40)
    assert broken(url) == ["I4"]
    assert broken(url, protection_limit_s=60) == []


async def test_the_age_that_a_quote_may_have_is_the_setting(store: SqlStore, url: str) -> None:
    await watched_by_the_tick(store, 50)
    assert broken(url, quote_max_age_s=5) == ["I4"]


async def test_an_entry_decided_while_paused_breaks_i6(store: SqlStore, url: str) -> None:
    batches = opening()
    paused = [row for row in batches[0].transitions if row.machine != "session" or row.trigger == "reconcile"]
    batches[0].transitions = paused
    changed = batches[0].changed
    changed.add(replace(changed.of(Session)[SESSION_ID], state=SessionState.RECONCILING))
    await write(store, batches)
    assert broken(url) == ["I6"]


async def test_an_approval_by_the_overseer_breaks_i8(store: SqlStore, url: str) -> None:
    batches = opening()
    rows = batches[1].transitions
    batches[1].transitions = [replace(r, actor="overseer") if r.trigger == "approve" else r for r in rows]
    await write(store, batches)
    assert broken(url) == ["I8"]


async def test_a_known_secret_anywhere_breaks_i10_and_is_not_repeated(open_trade: str, store_path: Path) -> None:
    change(store_path, "UPDATE signal SET rationale = 'hunter2hunter2'")
    finding = next(f for f in check_invariants(open_trade, secrets=["hunter2hunter2"]) if f.invariant == "I10")
    assert not finding.ok
    assert "hunter2" not in f"{finding.detail}{finding.rows}"


MESSAGE = (
    "INSERT INTO message (id, tier, channel, kind, position_id, created_at, due_at, sent_at, state, dedupe_key) "
    "VALUES ('m', 'free', 'x', 'fill', '{position}', '{created}', '{due}', '{sent}', 'queued', 'k')"
)


@pytest.mark.parametrize(
    "created,due,sent,fine",
    [(5, 60, 61, True), (5, 60, 59, False), (1, 60, 61, False)],
    ids=["in time", "sent too early", "written before the fill"],
)
async def test_messages_follow_their_fill_and_their_delay(
    open_trade: str, store_path: Path, created: int, due: int, sent: int, fine: bool
) -> None:
    times = {
        name: at(s).isoformat(timespec="microseconds")
        for name, s in (("created", created), ("due", due), ("sent", sent))
    }
    change(store_path, MESSAGE.format(position=POSITION_ID, **times))
    assert broken(open_trade) == ([] if fine else ["I7"])


async def with_grid(store: SqlStore, grid: PriceGrid) -> None:
    batches = opening()
    batches[0].instruments = [InstrumentRow(CONTRACT.key, Instrument(7001, "OPT"), grid)]
    await write(store, batches)


@pytest.mark.parametrize("column", ["limit_price", "stop_price", "wanted_limit_price", "wanted_stop_price"])
async def test_a_price_that_the_contract_does_not_trade_at_breaks_i11(
    store: SqlStore, url: str, store_path: Path, column: str
) -> None:
    await with_grid(store, PENNY_CLASS)
    change(store_path, f"UPDATE broker_order SET {column} = 30500 WHERE id = '{STOP_ID}'")  # nickels from three dollars
    assert broken(url) == []
    change(store_path, f"UPDATE broker_order SET {column} = 30600 WHERE id = '{STOP_ID}'")
    (finding,) = [f for f in check_invariants(url) if not f.ok]
    assert finding.detail == f"order qty-{STOP_ID}: {column} 3.06 is off the grid of SPY   261120C00590000"


async def test_an_order_that_was_priced_before_its_grid_changed_breaks_nothing(store: SqlStore, url: str) -> None:
    await with_grid(store, PENNY_CLASS)
    coarser = InstrumentRow(CONTRACT.key, Instrument(7001, "OPT"), NICKEL_CLASS)
    await store.commit(a_batch(4, recorded_at=at(60), instruments=[coarser]))
    assert broken(url) == []


async def test_a_buy_beside_the_stop_of_its_contract_breaks_i11(store: SqlStore, url: str) -> None:
    await write(store, opening())
    await store.commit(_working(20, side=OrderSide.BUY))
    (finding,) = [f for f in check_invariants(url) if f.invariant == "I11"]
    assert not finding.ok
    assert f"order qty-{an_id(20)} (BUY SPY   261120C00590000) works beside qty-{STOP_ID}" in finding.detail


async def test_the_twenty_first_order_of_a_side_breaks_i11(store: SqlStore, url: str) -> None:
    await store.commit(_working(*range(20, 40)))
    assert "I11" not in broken(url)
    await store.commit(_working(40))
    (finding,) = [f for f in check_invariants(url) if f.invariant == "I11"]
    assert finding.detail == f"order qty-{an_id(40)} is number 21 on the SELL side of SPY   261120C00590000"


def _working(*numbers: int, side: OrderSide = OrderSide.SELL) -> TickBatch:
    orders = [an_order(number, side=side, state=OrderState.WORKING, order_id=number) for number in numbers]
    steps = [
        row
        for order in orders
        for row in (
            born(order.id, "intent", "order"),
            a_step(order.id, "intent", "submitted", "submit", machine="order"),
            a_step(order.id, "submitted", "working", "acknowledge", machine="order"),
        )
    ]
    return a_batch(50 + numbers[0], transitions=steps, changed=those(*orders))


async def test_a_trigger_that_no_table_has_breaks_i1(store: SqlStore, url: str) -> None:
    batches = opening()
    row = batches[1].transitions[1]
    batches[1].transitions[1] = replace(row, trigger="wish")
    await write(store, batches)
    assert broken(url) == ["I1"]


async def test_a_refused_trigger_is_no_break(store: SqlStore, url: str) -> None:
    batches = opening()
    row = batches[1].transitions[1]
    refused = replace(row, trigger="refused:fill")
    batches[1].transitions.insert(2, refused)
    await write(store, batches)
    assert broken(url) == []
