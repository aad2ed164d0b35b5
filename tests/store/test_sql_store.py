"""The unit of work: a tick is written whole or not at all, and a start finds what was alive."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection as SqlConnection

from bot.domain.approval import Approval, ApprovalState
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.connection import Connection, ConnectionState
from bot.domain.errors import CommitFailed, ConfigError
from bot.domain.events.account import AccountReported
from bot.domain.events.feeds import FeedReported
from bot.domain.events.people import AlertRaised, RequestKind, RequestReceived, RequestUnreadable
from bot.domain.instruments import PENNY_CLASS, Instrument
from bot.domain.order import Order, OrderState, Terms
from bot.domain.position import CloseReason, Position, PositionState
from bot.domain.session import Hold, Session, SessionState
from bot.domain.signal import Signal, SignalState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import (
    AccountSnapshotRow,
    EngineStatus,
    InstrumentRow,
    JobRow,
    NewMark,
    ReconcileLine,
    ReconcileRow,
    RequestOutcome,
    StrategyStatRow,
    TickBatch,
)
from bot.store.database import AsyncLane, Lane, ReplayLane, ThreadLane, open_reader
from bot.store.read.commands import commands, oldest_queued_command
from bot.store.sql_store import SqlStore
from tests.store.builders import (
    CONTRACT,
    NOW,
    FixedClock,
    a_batch,
    a_fill,
    a_position,
    a_signal,
    a_step,
    an_approval,
    an_id,
    an_order,
    born,
    those,
)
from tests.store.trade import closing, opening, write


def count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def a_full_batch() -> TickBatch:
    signal = a_signal(state=SignalState.WORKING)
    position = a_position(signal)
    order = an_order(signal_id=signal.id, position_id=position.id, state=OrderState.WORKING, order_id=41, perm_id=9)
    account = AccountReported("DU1", Decimal(100_000), None, None, None, None, None, NOW)
    return a_batch(
        3,
        transitions=[born(signal.id, "pending"), a_step(signal.id, "pending", "approved", "approve")],
        changed=those(
            signal,
            an_approval(signal),
            position,
            order,
            Session(state=SessionState.ACTIVE, hold=Hold.NONE),
            Connection(state=ConnectionState.SYNCED, since=NOW),
            Breaker("losses", BreakerState.TRIPPED, "3", "3", 1.0, since=NOW, facts={"lost": 3}),
            SymbolHalt("SPY", SymbolState.HALTED, "by hand", ("order 7",), "broker", NOW),
        ),
        executions=[a_fill(order, 1, 4, "1.25")],
        alerts=[AlertRaised("STRAY_STATUS", "look", {"a": Decimal("1.5")}, NOW)],
        feeds={("uw", "gex", "SPY"): FeedReported("uw", "gex", "SPY", "ok", NOW, "", 3, 0, 0, 90.0, 1, 100, NOW)},
        marks=[NewMark(position.id, NOW, Decimal("1.2"), Decimal("1.3"), Decimal(590), Decimal(0), sampled=True)],
        account=AccountSnapshotRow(account, date(2026, 11, 20), Decimal(0), 1),
        reconciliations=[
            ReconcileRow(an_id(9), NOW, "start", True, [ReconcileLine("position", CONTRACT.key, "4", "4", "agree")])
        ],
        jobs=[JobRow("backup", NOW, "ok", "")],
        instruments=[
            InstrumentRow(CONTRACT.key, Instrument(1234, "OPT"), PENNY_CLASS),
            InstrumentRow(EXPIRED.key, Instrument(1230, "OPT"), PENNY_CLASS),
        ],
        strategy_stats={("z", "SPY"): StrategyStatRow("z", "SPY", date(2026, 11, 20), 5, 1, "far from the pin", NOW)},
        status=EngineStatus(
            3, NOW, 1.5, "sim", 30.0, "demo", 0, 12.0, date(2026, 11, 20), NOW, NOW, None, ["SPY: far"]
        ),
    )


EXPIRED = replace(CONTRACT, expiry=CONTRACT.expiry - timedelta(days=1))
"""Of yesterday: a start has no use for it."""


@pytest.fixture(params=[ThreadLane, AsyncLane, ReplayLane], ids=["own thread", "async driver", "replay"])
async def any_store(request: pytest.FixtureRequest, url: str, clock: FixedClock) -> AsyncIterator[SqlStore]:
    """The suite that every lane passes; a fake store would be added here."""
    lane: Callable[[str], Lane] = request.param
    store = SqlStore(url, clock, lane=lane(url))
    await store.open()
    yield store
    await store.close()


async def test_an_empty_store_loads_as_nothing(any_store: SqlStore) -> None:
    loaded = await any_store.load()
    assert [*loaded.entities, *loaded.executions] == []
    assert (loaded.tick, loaded.highest_order_id) == (0, 0)


async def test_everything_that_a_tick_wrote_is_there_at_the_next_start(any_store: SqlStore) -> None:
    batch = a_full_batch()
    await any_store.commit(batch)
    loaded = await any_store.load()
    assert {entity.id: entity for entity in loaded.entities} == {entity.id: entity for entity in batch.changed}
    execution = batch.executions[0].execution
    assert loaded.executions == {execution.base_id: execution}
    assert loaded.commissions == {execution.exec_id: Decimal("2.60")}
    assert loaded.instruments == {CONTRACT.key: (Instrument(1234, "OPT"), PENNY_CLASS)}
    assert loaded.last_signal_at == {("zero_dte_gamma", "SPY"): NOW}
    assert loaded.opening_equity == {date(2026, 11, 20): Decimal(100_000)}
    assert (loaded.tick, loaded.highest_order_id) == (3, 41)


async def test_the_same_entity_again_replaces_its_row(any_store: SqlStore, store_path: Path) -> None:
    signal = a_signal()
    await any_store.commit(a_batch(changed=those(signal)))
    await any_store.commit(a_batch(2, changed=those(replace(signal, state=SignalState.APPROVED))))
    assert count(store_path, "signal") == 1
    assert (await any_store.load()).entities.of(Signal)[signal.id].state is SignalState.APPROVED


async def test_a_mark_survives_the_next_write_of_its_position(any_store: SqlStore, store_path: Path) -> None:
    position = a_position()
    mark = NewMark(position.id, NOW, Decimal("1.5"), Decimal("1.6"), None, Decimal("25.5"), sampled=False)
    await any_store.commit(a_batch(changed=those(position), marks=[mark]))
    await any_store.commit(a_batch(2, changed=those(replace(position, rungs_done=1))))
    with sqlite3.connect(store_path) as connection:
        assert connection.execute("SELECT bid, unrealized_pnl FROM position").fetchone() == (15000, 255000)
    assert count(store_path, "position_mark") == 0


async def test_the_lowest_bid_of_all_marks_stays_with_the_position(any_store: SqlStore, store_path: Path) -> None:
    position = a_position()
    await any_store.commit(a_batch(changed=those(position)))
    for number, bid in enumerate(("1.5", "1.2", None, "1.9")):
        worth = None if bid is None else Decimal(bid)
        mark = NewMark(position.id, NOW + timedelta(seconds=number), worth, None, None, None, sampled=False)
        await any_store.commit(a_batch(2 + number, marks=[mark]))
        await any_store.commit(a_batch(2 + number, changed=those(replace(position, rungs_done=number))))
    with sqlite3.connect(store_path) as connection:
        assert connection.execute("SELECT bid, low FROM position").fetchone() == (19000, 12000)


async def test_a_correction_replaces_what_it_corrects_and_keeps_it_on_record(
    any_store: SqlStore, store_path: Path
) -> None:
    order = an_order()
    first = a_fill(order, 1, 4, "1.25")
    await any_store.commit(a_batch(changed=those(order), executions=[first]))
    second = a_fill(order, 1, 4, "1.20", commission=None, revision="02", replaces=first.execution.exec_id)
    await any_store.commit(a_batch(2, executions=[second]))
    loaded = await any_store.load()
    assert list(loaded.executions.values()) == [second.execution]
    assert loaded.commissions == {second.execution.exec_id: Decimal("2.60")}
    assert count(store_path, "execution_replaced") == 1


async def test_a_commission_that_comes_later_finds_its_execution(any_store: SqlStore) -> None:
    order = an_order()
    fill = a_fill(order, 1, 4, "1.25", commission=None)
    await any_store.commit(a_batch(changed=those(order), executions=[fill]))
    await any_store.commit(a_batch(2, commissions={fill.execution.exec_id: Decimal("1.3047")}))
    assert (await any_store.load()).commissions == {fill.execution.exec_id: Decimal("1.3047")}


async def test_a_failure_in_the_last_table_leaves_nothing_of_the_tick(any_store: SqlStore, store_path: Path) -> None:
    stray = an_order(signal_id=an_id(999))  # no such signal
    batch = a_batch(
        transitions=[born(an_id(1), "pending")],
        changed=those(a_signal(), stray, Session()),
    )
    with pytest.raises(CommitFailed, match="FOREIGN KEY"):
        await any_store.commit(batch)
    assert [count(store_path, table) for table in ("signal", "broker_order", "session_state", "transition")] == [0] * 4


async def test_evidence_that_cannot_be_written_fails_the_commit(any_store: SqlStore, store_path: Path) -> None:
    with pytest.raises(CommitFailed, match="cannot be written"):
        await any_store.commit(
            a_batch(changed=those(a_signal()), transitions=[born(an_id(1), "pending", evidence={"x": object()})])
        )
    assert count(store_path, "signal") == 0


async def test_the_chain_goes_on_after_a_failed_commit(any_store: SqlStore) -> None:
    await any_store.commit(a_batch(transitions=[born(an_id(1), "pending")]))
    with pytest.raises(CommitFailed):
        await any_store.commit(a_batch(2, changed=those(an_order(signal_id=an_id(999)))))
    await any_store.commit(a_batch(3, transitions=[born(an_id(2), "pending")]))
    assert any_store.head.seq == 2


async def test_a_second_writer_is_found_out_and_may_try_again_after_loading(url: str, store: SqlStore) -> None:
    other = SqlStore(url, FixedClock())
    await other.open()
    await store.commit(a_batch(transitions=[born(an_id(1), "pending")]))
    with pytest.raises(CommitFailed):
        await other.commit(a_batch(1, transitions=[born(an_id(2), "pending")]))
    await other.load()
    await other.commit(a_batch(2, transitions=[born(an_id(2), "pending")]))
    assert other.head.seq == 2
    await other.close()


async def test_an_empty_batch_writes_nothing(store: SqlStore) -> None:
    await store.commit(a_batch())
    assert store.head.seq == 0


async def test_a_full_disk_fails_the_commit(store: SqlStore, store_path: Path) -> None:
    def fill_up(connection: SqlConnection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    await store._lane.run(fill_up)
    with pytest.raises(CommitFailed, match="full"):
        await store.commit(a_batch(transitions=[born(an_id(1), "pending", reason="x" * 500_000)]))
    assert count(store_path, "transition") == 0


# ---- what a start finds


async def test_done_orders_and_positions_that_closed_days_ago_are_left_out(store: SqlStore, clock: FixedClock) -> None:
    closed: dict[str, Any] = {
        "state": PositionState.CLOSED,
        "closed_at": NOW,
        "close_reason": CloseReason.STOP,
        "exit_quantity": 4,
    }
    position = a_position(**closed)
    done = an_order(state=OrderState.FILLED, position_id=position.id)
    open_one = a_position(number=51)
    old_entry = an_order(11, state=OrderState.FILLED, position_id=open_one.id)
    await store.commit(a_batch(changed=those(position, open_one, done, old_entry)))
    today = await store.load()
    assert list(today.entities.of(Position)) == [position.id, open_one.id]
    assert len(today.entities.of(Order)) == 2
    clock.at = NOW + timedelta(days=5)
    later = await store.load()
    assert list(later.entities.of(Position)) == [open_one.id]
    assert list(later.entities.of(Order)) == [old_entry.id]


async def test_an_answered_approval_and_a_signal_that_ended_days_ago_are_left_out(
    store: SqlStore, clock: FixedClock
) -> None:
    signal = a_signal(state=SignalState.REJECTED)
    approval = an_approval(signal, state=ApprovalState.REJECTED, decided_by="admin:web:ann", decided_at=NOW)
    await store.commit(a_batch(changed=those(signal, approval)))
    today = await store.load()
    assert [s.state for s in today.entities.of(Signal).values()] == ["rejected"], "who asks is told what it is"
    assert not today.entities.of(Approval)
    clock.at += timedelta(days=1)
    assert [s.state for s in (await store.load()).entities.of(Signal).values()] == ["rejected"], "and the day after"
    clock.at += timedelta(days=4)
    assert not (await store.load()).entities.of(Signal)


async def test_an_ended_signal_whose_order_is_loaded_comes_with_it_for_a_fill_may_be_late(store: SqlStore) -> None:
    signal = a_signal(state=SignalState.CANCELLED)
    entry = an_order(state=OrderState.CANCELLED, signal_id=signal.id)
    await store.commit(a_batch(changed=those(signal, entry)))
    assert list((await store.load()).entities.of(Signal)) == [signal.id]


async def test_an_evening_signal_belongs_to_the_new_york_day(store: SqlStore, store_path: Path) -> None:
    evening = a_signal(created_at=NOW.replace(day=21, hour=1))
    await store.commit(a_batch(changed=those(evening)))
    with sqlite3.connect(store_path) as connection:
        assert connection.execute("SELECT session_day FROM signal").fetchone() == ("2026-11-20",)


async def test_an_amendment_on_its_way_is_remembered(store: SqlStore) -> None:
    order = an_order(state=OrderState.WORKING, wanted=Terms(4, limit_price=Decimal("1.30")), wanted_since=NOW)
    await store.commit(a_batch(changed=those(order)))
    assert list((await store.load()).entities.of(Order).values()) == [order]


async def test_what_corrections_took_from_an_order_is_known_at_the_next_start(any_store: SqlStore) -> None:
    position = a_position()
    order = an_order(state=OrderState.FILLED, filled_quantity=1, reported_filled=4, position_id=position.id)
    first, second = a_fill(order, 1, 4, "1.25"), a_fill(order, 1, 3, "1.25")
    second = replace(second, execution=replace(second.execution, exec_id=first.execution.base_id + ".02"))
    third = replace(second, execution=replace(second.execution, exec_id=first.execution.base_id + ".03", quantity=1))
    await any_store.commit(a_batch(changed=those(position, order), executions=[first]))
    for before, after in ((first, second), (second, third)):
        await any_store.commit(a_batch(executions=[replace(after, replaces=before.execution.exec_id)]))
    loaded = await any_store.load()
    assert loaded.earliest == {first.execution.base_id: (1, 4)}
    assert Ledger(loaded).orders[order.id].corrected_away == 3


# ---- commands


def insert(path: Path, command_id: str, kind: str, payload: str, second: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, created_at) VALUES (?, ?, ?, 'cli', ?)",
            (command_id, kind, payload, f"2026-11-20T15:00:{second:02}Z"),
        )


async def test_commands_come_oldest_first_and_leave_once_handled(any_store: SqlStore, store_path: Path) -> None:
    insert(store_path, "b", "resume", "{}", 2)
    insert(store_path, "a", "close", '{"position_id": "p"}', 1)
    pending = await any_store.pending_commands()
    assert [(c.id, c.kind, dict(c.payload)) for c in pending if isinstance(c, RequestReceived)] == [
        ("a", RequestKind.CLOSE, {"position_id": "p"}),
        ("b", RequestKind.RESUME, {}),
    ]
    await any_store.commit(a_batch(commands=[RequestOutcome("a", "done", "closing", NOW)]))
    assert [c.id for c in await any_store.pending_commands()] == ["b"]


async def test_a_command_that_came_without_a_row_gets_one_with_its_answer(
    any_store: SqlStore, store_path: Path
) -> None:
    insert(store_path, "row", "pause", '{"reason": "lunch"}', 1)
    heard = [
        RequestReceived("sig", RequestKind.EMERGENCY, {"signal": "SIGUSR1"}, "signal", NOW),
        RequestReceived("row", RequestKind.PAUSE, {"reason": "told otherwise"}, "somebody", NOW),
    ]
    outcomes = [RequestOutcome("sig", "done", "halted", NOW), RequestOutcome("row", "refused", "no", NOW)]
    await any_store.commit(a_batch(heard=heard, commands=outcomes))
    with sqlite3.connect(store_path) as connection:
        found = connection.execute("SELECT id, kind, payload, actor, state, answer FROM command ORDER BY id").fetchall()
        seen = connection.execute("SELECT actor, action FROM v_admin_actions WHERE source = 'command'").fetchall()
    assert found == [
        ("row", "pause", '{"reason": "lunch"}', "cli", "refused", "no"),
        ("sig", "emergency", '{"signal":"SIGUSR1"}', "signal", "done", "halted"),
    ]
    assert ("signal", "emergency") in seen


@pytest.mark.parametrize("kind,payload", [("dance", "{}"), ("close", "not json"), ("close", "[1]")])
async def test_a_command_that_makes_no_sense_is_refused_with_the_reason(
    store: SqlStore, store_path: Path, kind: str, payload: str
) -> None:
    insert(store_path, "x", kind, payload, 1)
    (found,) = await store.pending_commands()
    assert isinstance(found, RequestUnreadable)
    assert (found.id, found.kind, found.actor) == ("x", kind, "cli")
    assert found.why


# ---- configurations


async def test_a_configuration_that_comes_back_has_a_row_of_its_own(store: SqlStore) -> None:
    assert await store.record_config("aaa", "one") == "aaa"
    assert await store.record_config("aaa", "one") == "aaa"
    assert await store.record_config("bbb", "two") == "bbb"
    assert await store.record_config("aaa", "one") == "aaa-2"


async def test_transitions_point_to_the_configuration_in_force(url: str, store_path: Path) -> None:
    store = SqlStore(url, FixedClock(), config_version="aaa")
    await store.open()
    await store.record_config("aaa", "text")
    await store.commit(a_batch(transitions=[born(an_id(1), "pending")]))
    await store.close()
    with sqlite3.connect(store_path) as connection:
        found = connection.execute(
            "SELECT c.body FROM transition t JOIN config_version c ON c.id = t.config_version"
        ).fetchall()
    assert found == [("text",)]


# ---- as whom


async def test_p37_a_store_belongs_to_the_client_id_that_sent_its_orders(store: SqlStore) -> None:
    await store.claim("qty", 17)
    await store.claim("qty", 17)
    await store.commit(a_batch(1, changed=those(an_order(state=OrderState.WORKING))))
    with pytest.raises(ConfigError, match=r"ibkr\.client_id 18: .* sent as 17, .* 1 of its orders and 0 positions"):
        await store.claim("qty", 18)
    with pytest.raises(ConfigError, match="bot_id other"):
        await store.claim("other", 17)
    await store.claim("qty", 17)


async def test_p37_an_open_position_alone_keeps_the_client_id(store: SqlStore) -> None:
    await store.claim("qty", 17)
    await store.commit(a_batch(1, changed=those(a_position())))
    with pytest.raises(ConfigError, match="0 of its orders and 1 positions"):
        await store.claim("qty", 18)


async def test_p37_with_nothing_open_another_client_id_takes_the_store(store: SqlStore) -> None:
    await store.claim("qty", 17)
    await store.commit(a_batch(1, changed=those(an_order(state=OrderState.CANCELLED))))
    await store.claim("qty", 18)
    await store.commit(a_batch(2, changed=those(an_order(state=OrderState.WORKING))))
    with pytest.raises(ConfigError, match="sent as 18"):
        await store.claim("qty", 17)


async def test_p37_a_store_of_before_the_identity_is_told_by_its_orders(store: SqlStore) -> None:
    await store.commit(a_batch(1, changed=those(an_order(state=OrderState.WORKING, client_id=17))))
    with pytest.raises(ConfigError, match="sent as 17"):
        await store.claim("qty", 18)
    await store.claim("qty", 17)


# ---- the account that the book is held in


async def test_the_account_of_what_is_open_is_known_and_another_one_is_refused(store: SqlStore) -> None:
    assert await store.held_in("DU2") == "", "nothing is open, so any account will do"
    await write(store, opening())
    assert await store.held_in("DU2") == "", "no account was ever seen"
    report = AccountReported("DU1", Decimal(1), None, None, None, None, None, NOW)
    await store.commit(a_batch(9, account=AccountSnapshotRow(report, NOW.date(), Decimal(0), 1)))
    assert await store.held_in("") == await store.held_in("DU1") == "DU1"
    with pytest.raises(ConfigError, match=r"ibkr.account DU2: .* 1 positions of this store are open in DU1"):
        await store.held_in("DU2")
    await write(store, closing())
    assert await store.held_in("DU2") == ""


@pytest.mark.parametrize(
    "created_at,asked_at,why",
    [
        ("soon", None, "created_at 'soon' is no time"),
        ("", None, "created_at is missing"),
        ("2026-11-20T15:00:00", None, "created_at '2026-11-20T15:00:00' is no time"),
        ("2026-11-20T15:00:00Z", "yesterday", "asked_at 'yesterday' is no time"),
    ],
)
async def test_a_request_with_no_date_is_named(
    store: SqlStore, store_path: Path, created_at: str, asked_at: str | None, why: str
) -> None:
    with sqlite3.connect(store_path) as connection:
        row = ("x", "flatten", "{}", created_at, asked_at)
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, created_at, asked_at) VALUES (?, ?, ?, 'cli', ?, ?)", row
        )
    (found,) = await store.pending_commands()
    assert isinstance(found, RequestUnreadable)
    assert found.why == why


async def test_what_another_process_says_is_read_until_it_is_answered(any_store: SqlStore, store_path: Path) -> None:
    with sqlite3.connect(store_path) as connection:
        for number, payload in enumerate(('{"code": "A"}', "[]")):
            connection.execute(
                "INSERT INTO inbound (id, source, kind, payload, received_at) VALUES (?, 'people', 'alert', ?, ?)",
                (f"i{number}", payload, f"2026-11-20T15:00:0{number}Z"),
            )
    assert await any_store.has_news()
    one, two = await any_store.pending_inbound()
    assert (one.id, one.source, one.kind, dict(one.payload), one.fault) == ("i0", "people", "alert", {"code": "A"}, "")
    assert (two.id, two.fault) == ("i1", "the payload is not a JSON object")
    await any_store.commit(a_batch(inbound=[RequestOutcome("i0", "done", "raised", NOW)]))
    assert [row.id for row in await any_store.pending_inbound()] == ["i1"]
    assert await any_store.has_news() is not any_store.tells_news  # what we wrote ourselves is none


@pytest.mark.parametrize(
    "payload",
    [
        '{"reason": "' + "x" * 20_000_000 + '"}',
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '"text"',
        "\x00\x1b",
    ],
    ids=["20 MB", "deep", "deep object", "no object", "control characters"],
)
async def test_a_payload_that_an_outsider_wrote_is_refused_in_few_words(
    store: SqlStore, store_path: Path, payload: str
) -> None:
    with sqlite3.connect(store_path) as connection:
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, state, created_at, answer) VALUES (?,?,?,?,?,?,'')",
            ("c" * 26, "pause", payload, "a\x1b[2J" * 500_000, "queued", NOW.isoformat()),
        )
    (found,) = await store.pending_commands()
    assert isinstance(found, RequestUnreadable)
    assert len(found.why) <= 200
    assert len(found.actor) <= 200
    assert (found.why + found.actor).isprintable()


_NO_TEXT = "CAST(x'ff41' AS TEXT)"


@pytest.mark.parametrize("table", ["command", "inbound"])
async def test_what_is_no_text_in_one_row_keeps_no_other_from_being_read(
    store: SqlStore, store_path: Path, url: str, table: str
) -> None:
    """Bytes, blobs and numbers in every column that an outsider writes: each is refused, and the next is heard."""
    asks = ["kind", "payload", "actor", "created_at", "asked_at"]
    columns = asks if table == "command" else ["source", "kind", "payload", "received_at"]
    usual = dict.fromkeys(columns, "'x'") | {"payload": "'{}'", "asked_at": "NULL"}
    odd = (_NO_TEXT, "x'ff'", "x'7b7d'", "7", "''", "'9999-12-31T23:59:59Z'")
    with sqlite3.connect(store_path) as connection:
        for number, (name, value) in enumerate((name, value) for name in ["id", *columns] for value in odd):
            row = {"id": f"'r{number}'", "state": "'queued'"} | {each: usual[each] for each in columns} | {name: value}
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")
    pending = await (store.pending_commands() if table == "command" else store.pending_inbound())
    ids = {each.id for each in pending}
    assert {f"r{number}" for number in range(len(odd), len(odd) * (len(columns) + 1))} <= ids
    outcomes = [RequestOutcome(each, "refused", "no", NOW) for each in ids]
    await store.commit(a_batch(commands=outcomes) if table == "command" else a_batch(inbound=outcomes))
    assert not await (store.pending_commands() if table == "command" else store.pending_inbound())
    with open_reader(url) as reader:
        assert len(commands(reader, 100)) == (len(odd) * (len(columns) + 1) if table == "command" else 0)
        assert all(isinstance(part, str) for row in commands(reader, 100) for part in (row.id, row.kind, row.actor))
        assert oldest_queued_command(reader) is None


async def test_an_actor_is_read_whole(store: SqlStore, store_path: Path) -> None:
    """SQLite's own functions end a text at a NUL: nobody is the command line by adding one."""
    with sqlite3.connect(store_path) as connection:
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, created_at) VALUES ('x', 'halt', '{}', ?, ?)",
            ("cli\0", NOW.isoformat()),
        )
    (found,) = await store.pending_commands()
    assert found.actor != "cli"


async def test_rows_by_the_thousand_are_taken_up_some_at_a_time(store: SqlStore, store_path: Path) -> None:
    rows = [(f"{number:026}", "pause", "{}", "x", "queued", NOW.isoformat()) for number in range(1_000)]
    with sqlite3.connect(store_path) as connection:
        connection.executemany(
            "INSERT INTO command (id, kind, payload, actor, state, created_at, answer) VALUES (?,?,?,?,?,?,'')", rows
        )
        connection.execute(
            "INSERT INTO command SELECT id || printf('%.*c', 5000, 'x'), kind, payload, actor, state, "
            "created_at, handled_at, answer, asked_at FROM command LIMIT 1"
        )
    assert len(await store.pending_commands()) == 200
