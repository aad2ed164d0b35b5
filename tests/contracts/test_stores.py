"""What `bot.engine.state.ports.Store` promises, asked of the real one on both its lanes and of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.config.degradation import MOST_OUTCOMES
from bot.domain.adoption import Adoption
from bot.domain.alert import Alert
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.connection import Connection, ConnectionState
from bot.domain.errors import CommitFailed, StoreUnusable
from bot.domain.events.account import AccountReported
from bot.domain.events.people import InboundReceived, RequestKind, RequestReceived
from bot.domain.forecast import Forecast, ForecastKind
from bot.domain.instruments import PENNY_CLASS, Instrument
from bot.domain.kinds import KINDS, Entities, Entity
from bot.domain.message import Message
from bot.domain.order import Order, OrderChange, OrderState, Terms
from bot.domain.position import CloseReason, Origin, Position, PositionState, Settlement, Valuation
from bot.domain.quiet import QuietState, QuietTime
from bot.domain.report import Report, ReportState
from bot.domain.review import Review
from bot.domain.session import Hold, Session, SessionState
from bot.domain.signal import Signal, SignalState
from bot.domain.slowdown import Slowdown, SlowdownState
from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import (
    ENDED_DAYS,
    EXECUTION_DAYS,
    LEFT_ALONE,
    SET_ASIDE,
    AccountSnapshotRow,
    EngineStatus,
    InstrumentRow,
    LoadedState,
    NewMark,
    ReconcileLine,
    ReconcileRow,
    RequestOutcome,
)
from bot.store.database import AsyncLane, ReplayLane, ThreadLane
from tests.contracts.store_sites import Fake, OnDisk, Site
from tests.store.builders import (
    CONTRACT,
    NOW,
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
from tests.store.conftest import empty_store, store_path, url  # noqa: F401 - a migrated file for each test

DAY = timedelta(days=1)
NOTHING = Entities()
AT_FIRST = LoadedState(NOTHING, {}, {}, {}, 0, 0, {}, {})
TODAY = date(2026, 11, 20)


@pytest.fixture(params=["own thread", "async driver", "replay", "the tests' fake"])
async def site(request: pytest.FixtureRequest, store_path: Path) -> AsyncIterator[Site]:  # noqa: F811
    lanes: dict[str, type[ThreadLane | AsyncLane | ReplayLane]] = {
        "own thread": ThreadLane,
        "async driver": AsyncLane,
        "replay": ReplayLane,
    }
    if request.param in lanes:
        site: Site = OnDisk(store_path, lanes[request.param])
        assert isinstance(site, OnDisk)
        await site.store.open()
    else:
        site = Fake()
    yield site
    await site.close()


def ids(loaded: LoadedState, kind: type) -> list[str]:
    return list(loaded.entities.of(kind))


def an_account(value: str | None, at: datetime, **more: Any) -> AccountSnapshotRow:
    worth = None if value is None else Decimal(value)
    report = AccountReported("DU1", worth, Decimal(5), Decimal(6), worth, Decimal(7), Decimal(8), at, **more)
    return AccountSnapshotRow(report, at.date(), Decimal(0), 0)


def a_status(tick: int, at: datetime = NOW) -> EngineStatus:
    return EngineStatus(tick, at, 1.5, "sim", 1.0, "", 0, 0.0, None, None, None, None, ())


def over(order: Order, at: datetime) -> Order:
    return replace(order, state=OrderState.CANCELLED, created_at=at, done_at=at, state_since=at)


# ---- written and found again


async def test_an_empty_store_loads_as_nothing(site: Site) -> None:
    loaded = await site.store.load()
    assert [*loaded.entities] == []
    assert replace(loaded, entities=NOTHING) == AT_FIRST


async def test_every_kind_of_entity_is_found_as_it_was_written(site: Site) -> None:
    signal = a_signal(state=SignalState.WORKING)
    position = a_position(signal)
    order = an_order(signal_id=signal.id, position_id=position.id, state=OrderState.WORKING, order_id=41, perm_id=9)
    written: list[Entity] = [
        signal, an_approval(signal), position, order,
        Session(state=SessionState.ACTIVE, hold=Hold.NONE),
        Connection(state=ConnectionState.SYNCED, since=NOW),
        Breaker("losses", BreakerState.TRIPPED, "3", "3", 1.0, since=NOW, facts={"lost": 3}),
        SymbolHalt("SPY", SymbolState.HALTED, "by hand", ("order 7",), "broker", NOW),
        Message("M1", "admin", "telegram", "alert", "ann", NOW, NOW, "k1", "7 < 8", extra={"level": "critical"}),
        Alert("A1", "UNPROTECTED", "critical", "no stop", {"for_s": 3}, NOW, first_at=NOW, entity="P1", count=2),
        StrategySwitch("zero_dte_gamma", SwitchState.OFF, "cli", NOW),
        Slowdown(state=SlowdownState.SLOWED, scale=Decimal("0.5"), spacing_s=60.0, until=NOW, reason="why", by="cli"),
        Review("R1", signal.id, NOW, NOW, why=("overnight",)),
        QuietTime("ann", QuietState.OWN, "22:00", "07:30", "ann", NOW),
        Report("REP1", "day", "2026-11-20", "The day", "up", NOW, ReportState.AWAITING_APPROVAL, edits=1),
    ]  # fmt: skip
    assert {type(each) for each in written} | {Adoption} == set(KINDS)
    await site.store.commit(a_batch(3, changed=those(*written)))
    loaded = await site.store.load()
    assert {each.id: each for each in loaded.entities} == {each.id: each for each in written}
    assert loaded.highest_order_id == 41


async def test_what_is_found_comes_in_the_order_of_its_birth_also_within_a_millisecond(site: Site) -> None:
    """Ids of one millisecond sort by chance: whoever goes round after a start goes as before."""
    numbers = (7, 2, 9, 4)
    orders = [an_order(each, state=OrderState.WORKING) for each in numbers]
    positions = [a_position(number=each) for each in numbers]
    rows = [born(each.id, each.state.value, machine) for machine, found in (("order", orders), ("position", positions))
            for each in found]  # fmt: skip
    await site.store.commit(a_batch(1, changed=those(*orders, *positions), transitions=rows))
    await site.store.commit(a_batch(2, changed=those(replace(orders[2], perm_id=5))))
    loaded = await site.store.load()
    assert [*loaded.entities.of(Order)] == [each.id for each in orders]
    assert [*loaded.entities.of(Position)] == [each.id for each in positions]


async def test_what_is_written_later_replaces_what_was_there(site: Site) -> None:
    order = an_order(state=OrderState.WORKING)
    await site.store.commit(a_batch(1, changed=those(order)))
    after = replace(order, state=OrderState.PARTIALLY_FILLED, filled_quantity=2, filled_value=Decimal("2.5000"))
    await site.store.commit(a_batch(2, changed=those(after)))
    assert list((await site.store.load()).entities.of(Order).values()) == [after]


async def test_a_batch_is_taken_as_it_is_at_the_commit_and_what_was_loaded_is_nobody_else_s(site: Site) -> None:
    order = an_order(state=OrderState.WORKING)
    await site.store.commit(a_batch(1, changed=those(order)))
    Ledger(AT_FIRST).change(order, OrderChange(filled_quantity=4))
    (loaded,) = (await site.store.load()).entities.of(Order).values()
    assert loaded.filled_quantity == 0
    Ledger(AT_FIRST).change(loaded, OrderChange(filled_quantity=3))
    (again,) = (await site.store.load()).entities.of(Order).values()
    assert again.filled_quantity == 0


async def test_memory_of_a_run_is_not_found_again(site: Site) -> None:
    order = an_order(state=OrderState.WORKING, superseded=(Terms(3),), corrected_away=1)
    await site.store.commit(a_batch(1, changed=those(order)))
    (loaded,) = (await site.store.load()).entities.of(Order).values()
    assert (loaded.superseded, loaded.corrected_away) == ((), 0)
    assert replace(order, superseded=(), corrected_away=0) == loaded


async def test_money_is_kept_to_a_hundredth_of_a_cent(site: Site) -> None:
    order = an_order(state=OrderState.WORKING, filled_quantity=3, filled_value=Decimal("3.00005"))
    await site.store.commit(a_batch(1, changed=those(order)))
    (loaded,) = (await site.store.load()).entities.of(Order).values()
    assert loaded.filled_value in {Decimal("3.0000"), Decimal("3.0001")}


async def test_entities_are_found_in_the_order_of_their_birth(site: Site) -> None:
    late, early, middle = (an_order(number, state=OrderState.WORKING) for number in (30, 10, 20))
    await site.store.commit(a_batch(1, changed=those(late)))
    await site.store.commit(a_batch(2, changed=those(middle, early)))
    assert ids(await site.store.load(), Order) == [early.id, middle.id, late.id]


async def test_transitions_stand_in_the_order_in_which_they_were_written(site: Site) -> None:
    signal = a_signal()
    steps = [born(signal.id, "pending"), a_step(signal.id, "pending", "approved", "approve", actor="rules")]
    await site.store.commit(a_batch(1, transitions=steps))
    await site.store.commit(a_batch(2, transitions=[a_step(signal.id, "approved", "working", "submit")]))
    told = await site.transitions()
    assert told == [(signal.id, "created", "tick"), (signal.id, "approve", "rules"), (signal.id, "submit", "tick")]


async def test_the_last_tick_is_that_of_a_transition_or_of_the_pulse(site: Site) -> None:
    await site.store.commit(a_batch(7, transitions=[born(an_id(1), "pending")]))
    await site.store.commit(a_batch(9, changed=those(an_order())))
    assert (await site.store.load()).tick == 7
    await site.store.commit(a_batch(11, status=a_status(11)))
    assert (await site.store.load()).tick == 11


async def test_a_batch_without_anything_in_it_leaves_nothing(site: Site) -> None:
    await site.refuses_once()
    await site.store.commit(a_batch(5))
    assert (await site.store.load()).tick in {0, 1}


# ---- all or nothing


async def test_a_commit_that_fails_leaves_nothing_and_the_next_one_goes_through(site: Site) -> None:
    signal, order = a_signal(), an_order(state=OrderState.WORKING)
    await site.refuses_once()
    whole = a_batch(2, transitions=[born(signal.id, "pending")], changed=those(signal, order), status=a_status(2))
    with pytest.raises(CommitFailed):
        await site.store.commit(whole)
    loaded = await site.store.load()
    assert [*loaded.entities] == []
    assert await site.transitions() == []
    await site.store.commit(whole)
    assert ids(await site.store.load(), Signal) == [signal.id]


async def test_an_error_of_the_disk_is_the_named_error_and_nothing_is_there(site: Site) -> None:
    many = [an_order(number, state=OrderState.WORKING, reject_reason="a long story " * 90) for number in range(1, 90)]
    steps = [born(each.id, "intent", machine="order", reason="a long story " * 90) for each in many]
    await site.fill_the_disk()
    with pytest.raises(StoreUnusable) as raised:
        await site.store.commit(a_batch(2, transitions=steps, changed=those(*many)))
    assert (raised.value.code, raised.value.passes) == ("STORE_FULL", True)
    await site.make_room()
    assert [*(await site.store.load()).entities] == await site.transitions() == []
    await site.store.commit(a_batch(2, transitions=steps, changed=those(*many)))
    assert len(await site.transitions()) == len(many)


@pytest.mark.parametrize(
    "evidence",
    [{"what": object()}, {"at": datetime(2026, 11, 20, 10)}],  # noqa: DTZ001 - that is it
    ids=["no form", "no zone"],
)
async def test_what_cannot_be_written_fails_whole(site: Site, evidence: Mapping[str, Any]) -> None:
    order = an_order(state=OrderState.WORKING)
    step = a_step(order.id, "submitted", "working", "acknowledge", machine="order", evidence=evidence)
    with pytest.raises(CommitFailed):
        await site.store.commit(a_batch(1, transitions=[step], changed=those(order)))
    assert [*(await site.store.load()).entities] == []
    assert await site.transitions() == []


async def test_an_entity_that_cannot_be_written_fails_whole(site: Site) -> None:
    sound, ill = an_order(1), an_order(2, created_at=datetime(2026, 11, 20, 10))  # noqa: DTZ001 - that is its illness
    with pytest.raises(CommitFailed):
        await site.store.commit(a_batch(1, changed=those(sound, ill)))
    assert [*(await site.store.load()).entities] == []


# ---- what is over


async def test_what_is_over_for_some_days_is_not_found_and_what_is_tied_to_something_open_is(site: Site) -> None:
    long_ago, lately = NOW - (ENDED_DAYS + 2) * DAY, NOW - DAY
    old, recent = (over(an_order(number), at) for number, at in ((1, long_ago), (2, lately)))
    position = a_position(number=50)
    of_open = replace(over(an_order(3), long_ago), position_id=position.id)
    await site.store.commit(a_batch(1, changed=those(position, old, recent, of_open)))
    assert ids(await site.store.load(), Order) == [recent.id, of_open.id]


async def test_signals_that_are_over_are_found_for_some_days_or_with_their_order(site: Site) -> None:
    long_ago = NOW - (ENDED_DAYS + 2) * DAY
    ended = {"state": SignalState.EXPIRED, "created_at": long_ago, "expires_at": long_ago}
    gone, tied = a_signal(1, **ended), a_signal(2, **ended)
    recent, alive = a_signal(3, state=SignalState.REJECTED), replace(a_signal(4, **ended), state=SignalState.PENDING)
    order = an_order(signal_id=tied.id, state=OrderState.WORKING)
    await site.store.commit(a_batch(1, changed=those(gone, tied, recent, alive, order)))
    assert ids(await site.store.load(), Signal) == [tied.id, recent.id, alive.id]


async def test_positions_that_are_over_are_found_while_something_may_still_be_told_of_them(site: Site) -> None:
    long_ago = NOW - (ENDED_DAYS + 2) * DAY
    closed: dict[str, Any] = {"state": PositionState.CLOSED, "closed_at": long_ago, "close_reason": CloseReason.STOP}
    gone, unsettled = a_position(number=51, **closed), a_position(number=52, settlement=Settlement.PENDING, **closed)
    lately = a_position(number=53, **{**closed, "closed_at": NOW - DAY})
    await site.store.commit(a_batch(1, changed=those(gone, unsettled, lately)))
    assert ids(await site.store.load(), Position) == [unsettled.id, lately.id]


async def test_an_approval_that_was_answered_is_over(site: Site) -> None:
    signal = a_signal()
    asked = an_approval(signal)
    await site.store.commit(a_batch(1, changed=those(signal, asked)))
    assert ids(await site.store.load(), type(asked)) == [asked.id]
    answered = replace(asked, state=type(asked.state)("approved"), decided_at=NOW, decided_by="cli")
    await site.store.commit(a_batch(2, changed=those(answered)))
    assert ids(await site.store.load(), type(asked)) == []


async def test_what_can_no_longer_be_traded_is_not_remembered(site: Site) -> None:
    expired = replace(CONTRACT, expiry=CONTRACT.expiry - DAY)
    rows = [InstrumentRow(each.key, Instrument(7, "OPT"), PENNY_CLASS) for each in (CONTRACT, expired)]
    stock = InstrumentRow("SPY", Instrument(8, "STK", "SPY"), PENNY_CLASS)
    await site.store.commit(a_batch(1, instruments=[*rows, stock]))
    found = (await site.store.load()).instruments
    assert set(found) == {CONTRACT.key, "SPY"}
    assert found["SPY"] == (stock.instrument, stock.grid)


# ---- executions


async def test_an_execution_that_is_told_again_learns_whose_it_is_and_keeps_its_commission(site: Site) -> None:
    order = an_order(state=OrderState.FILLED)
    stranger = replace(a_fill(order, 1, 2, "1.25"), order_id=None)
    await site.store.commit(a_batch(1, executions=[stranger]))
    first = await site.store.load()
    assert first.strangers == {stranger.execution.base_id}
    ours = replace(stranger, order_id=order.id, commission=None)
    await site.store.commit(a_batch(2, changed=those(order), executions=[ours]))
    again = await site.store.load()
    assert again.executions == {stranger.execution.base_id: stranger.execution}
    assert again.commissions == {stranger.execution.exec_id: stranger.commission}
    assert again.strangers == frozenset()


async def test_what_a_strategy_s_closed_trades_came_to_is_found_the_oldest_first(site: Site) -> None:
    def closed(number: int, **more: Any) -> Position:
        values = {"state": PositionState.CLOSED, "closed_at": NOW + timedelta(minutes=number), "entry_quantity": 2}
        values |= {"exit_quantity": 2, "entry_value": Decimal(4), "exit_value": Decimal(number % 9)}
        return a_position(number=number, **{**values, **more})

    of_one = [closed(60 + number) for number in range(MOST_OUTCOMES + 2)]
    other = closed(300, strategy="another", settlement=Settlement.FINAL)
    uncertain = [
        closed(400, settlement=Settlement.PENDING), closed(401, valuation=Valuation.UNKNOWN),
        closed(402, origin=Origin.BROKER), closed(403, entry_quantity=0, exit_quantity=0, exit_value=Decimal(0)),
        a_position(number=404),
    ]  # fmt: skip
    await site.store.commit(a_batch(1, changed=those(*of_one, other, *uncertain)))
    found = (await site.store.load()).outcomes
    assert [each.id for each in found] == [*(each.id for each in of_one[2:]), other.id]
    assert [each.pnl for each in found] == [each.realized_pnl for each in (*of_one[2:], other)]
    assert {each.strategy for each in found} == {of_one[0].strategy, "another"}


async def test_a_forecast_is_found_until_it_is_settled(site: Site) -> None:
    first = Forecast(
        "confidence:P1", ForecastKind.CONFIDENCE, "zero_dte_gamma", "SPY", "P1", 0.7, NOW, facts={"x": "1"}
    )
    later = replace(first, id="confidence:P2", at=NOW + timedelta(minutes=1))
    await site.store.commit(a_batch(1, forecasts={each.id: each for each in (later, first)}))
    assert (await site.store.load()).forecasts == (first, later)
    settled = replace(first, outcome=1.0, settled_at=NOW + timedelta(hours=1))
    await site.store.commit(a_batch(2, forecasts={settled.id: settled}))
    assert (await site.store.load()).forecasts == (later,)


async def test_a_correction_counts_instead_and_keeps_the_commission_until_its_own_comes(site: Site) -> None:
    order = an_order(state=OrderState.FILLED)
    first = a_fill(order, 1, 4, "1.25", commission="2.60")
    second = a_fill(order, 1, 3, "1.25", commission=None, revision="02", replaces=first.execution.exec_id)
    await site.store.commit(a_batch(1, changed=those(order), executions=[first]))
    await site.store.commit(a_batch(2, executions=[second]))
    loaded = await site.store.load()
    assert loaded.executions == {first.execution.base_id: second.execution}
    assert loaded.commissions == {second.execution.exec_id: Decimal("2.60")}
    assert loaded.earliest == {first.execution.base_id: (1, 4)}
    await site.store.commit(a_batch(3, commissions={second.execution.exec_id: Decimal("1.95")}))
    assert (await site.store.load()).commissions == {second.execution.exec_id: Decimal("1.95")}


async def test_old_executions_are_found_with_an_open_position_only(site: Site) -> None:
    position, long_ago = a_position(), NOW - (EXECUTION_DAYS + 1) * DAY
    order, of_open = an_order(1), an_order(2, position_id=position.id)
    fills = [a_fill(order, 1, 1, "1", executed_at=long_ago), a_fill(of_open, 2, 1, "1", executed_at=long_ago)]
    recent = a_fill(order, 3, 1, "1", executed_at=NOW - DAY)
    await site.store.commit(a_batch(1, changed=those(position, order, of_open), executions=[*fills, recent]))
    loaded = await site.store.load()
    assert set(loaded.executions) == {fills[1].execution.base_id, recent.execution.base_id}
    assert set(loaded.commissions) == {fills[1].execution.exec_id, recent.execution.exec_id}


# ---- what a start measures by


async def test_the_latest_signal_of_a_strategy_and_symbol_is_found_and_none_of_a_time_to_come(site: Site) -> None:
    times = [NOW - timedelta(minutes=minutes) for minutes in (5, 9)]
    signals = [a_signal(number, created_at=at) for number, at in enumerate(times, start=1)]
    to_come = a_signal(3, created_at=NOW + DAY)
    await site.store.commit(a_batch(1, changed=those(*signals, to_come)))
    assert (await site.store.load()).last_signal_at == {("zero_dte_gamma", "SPY"): times[0]}


async def test_the_account_s_worth_is_found_by_day_at_its_height_and_as_last_told(site: Site) -> None:
    tellings = [("100000", -DAY), ("104000", -DAY + timedelta(hours=1)), ("101000", timedelta(0)), (None, timedelta(0)),
                ("99000", timedelta(minutes=-30)), ("98000", DAY)]  # fmt: skip
    # The last two were kept by a clock that was set back, and by one that was a day ahead.
    for tick, (value, ago) in enumerate(tellings, start=1):
        await site.store.commit(a_batch(tick, account=an_account(value, NOW + ago)))
    loaded = await site.store.load()
    assert loaded.opening_equity == {TODAY - DAY: 100_000, TODAY: 99_000, TODAY + DAY: 98_000}
    assert (loaded.last_close, loaded.high_water) == (Decimal(104_000), Decimal(104_000))
    assert loaded.last_account == AccountReported(
        "DU1", Decimal(98_000), Decimal(5), Decimal(6), Decimal(98_000), Decimal(7), Decimal(8), NOW + DAY
    )


async def test_what_the_breakers_have_seen_goes_before_what_the_account_told(site: Site) -> None:
    """A deposit moved the first value of the day and the high water along."""
    facts = {"high_water": "120000", "seen_at": (NOW - timedelta(hours=1)).isoformat()}
    drawdown = Breaker("drawdown", BreakerState.OK, "", "", 0.0, facts=facts)
    moved = {"day": TODAY.isoformat(), "first_equity": "110000"}
    daily_loss = Breaker("daily_loss", BreakerState.OK, "", "", 0.0, facts=moved)
    await site.store.commit(a_batch(1, account=an_account("150000", NOW - timedelta(hours=2))))
    await site.store.commit(
        a_batch(2, changed=those(drawdown, daily_loss), status=a_status(2, NOW - timedelta(hours=1)))
    )
    loaded = await site.store.load()
    assert (loaded.high_water, loaded.opening_equity) == (Decimal(120_000), {TODAY: Decimal(110_000)})
    assert loaded.account_seen_at == NOW - timedelta(hours=1)
    await site.store.commit(a_batch(3, account=an_account("130000", NOW)))
    assert (await site.store.load()).high_water == 130_000


async def test_the_last_mark_of_an_open_position_is_found_with_what_it_has(site: Site) -> None:
    held, closed = a_position(number=50), a_position(number=51, state=PositionState.CLOSED, closed_at=NOW)
    full = [
        NewMark(p.id, NOW - timedelta(minutes=1), Decimal(1), Decimal(2), Decimal(590), None, sampled=False)
        for p in (held, closed)
    ]
    later = NewMark(held.id, NOW, Decimal("1.5"), None, None, None, sampled=True)
    await site.store.commit(a_batch(1, changed=those(held, closed), marks=full))
    await site.store.commit(a_batch(2, marks=[later]))
    loaded = await site.store.load()
    assert loaded.bid_seen == {held.id: (NOW, Decimal("1.5"))}
    assert loaded.underlying_seen == {}


async def test_what_is_not_ours_is_what_the_last_whole_comparison_left_alone(site: Site) -> None:
    first = [ReconcileLine("position", "QQQ", "7", "7", LEFT_ALONE)]
    lines = [
        ReconcileLine("position", "SPY", "100", "100", LEFT_ALONE),
        ReconcileLine("position", "EUR:CASH:1", "0.5", "0.5", LEFT_ALONE),
        ReconcileLine("position", CONTRACT.key, "4", "4", "agree"),
        ReconcileLine("order", "9001", SET_ASIDE, "a bond", LEFT_ALONE),
        ReconcileLine("position", "BOND:1", SET_ASIDE, "a bond", LEFT_ALONE),
    ]
    books = [
        ReconcileRow(an_id(1), NOW - DAY, "start", True, first),
        ReconcileRow(an_id(2), NOW, "start", True, lines),
        ReconcileRow(an_id(3), NOW + timedelta(seconds=1), "start", False, first),
    ]
    for tick, row in enumerate(books, start=1):
        await site.store.commit(a_batch(tick, reconciliations=[row]))
    loaded = await site.store.load()
    assert loaded.not_ours == {"SPY": Decimal(100), "EUR:CASH:1": Decimal("0.5")}
    assert loaded.opaque_told == {("order", "9001"), ("position", "BOND:1")}


# ---- what others write


async def test_requests_wait_oldest_first_until_they_are_answered(site: Site) -> None:
    late, early = (
        RequestReceived(f"c{number}", RequestKind.PAUSE, {"why": "lunch"}, "cli", NOW - timedelta(seconds=ago))
        for number, ago in ((1, 5), (2, 9))
    )
    for each in (late, early):
        await site.asks(each)
    waiting = await site.store.pending_commands()
    assert [each.id for each in waiting] == ["c2", "c1"]
    assert [(each.kind, dict(each.payload), each.actor) for each in waiting if isinstance(each, RequestReceived)] == [
        (RequestKind.PAUSE, {"why": "lunch"}, "cli")
    ] * 2
    assert len(await site.store.pending_commands()) == 2, "reading is not answering"
    await site.store.commit(a_batch(1, commands=[RequestOutcome("c2", "done", "paused", NOW)]))
    assert [each.id for each in await site.store.pending_commands()] == ["c1"]


async def test_a_request_that_came_without_a_row_is_answered_and_waits_no_more(site: Site) -> None:
    heard = RequestReceived("signal", RequestKind.HALT, {}, "signal", NOW)
    await site.store.commit(a_batch(1, heard=[heard], commands=[RequestOutcome("signal", "done", "halted", NOW)]))
    assert await site.store.pending_commands() == []


async def test_what_other_processes_said_waits_oldest_first_until_it_was_taken_up(site: Site) -> None:
    for number, ago in ((1, 5), (2, 9)):
        await site.says(
            InboundReceived(f"i{number}", "people", "delivered", {"n": number}, NOW - timedelta(seconds=ago))
        )
    waiting = await site.store.pending_inbound()
    assert [(each.id, each.source, each.kind, dict(each.payload)) for each in waiting] == [
        ("i2", "people", "delivered", {"n": 2}),
        ("i1", "people", "delivered", {"n": 1}),
    ]
    await site.store.commit(a_batch(1, inbound=[RequestOutcome("i2", "done", "", NOW)]))
    assert [each.id for each in await site.store.pending_inbound()] == ["i1"]


def test_nothing_that_a_start_finds_is_left_out_of_this_suite() -> None:
    """A field that is new in `LoadedState` is asked of both stores: name it here when a test above holds it."""
    assert {each.name for each in fields(LoadedState)} == {
        "entities", "executions", "commissions", "instruments", "highest_order_id", "tick", "last_signal_at",
        "opening_equity", "earliest", "opaque_told", "not_ours", "underlying_seen", "bid_seen", "strangers",
        "last_close", "last_account", "high_water", "account_seen_at", "outcomes", "forecasts",
    }  # fmt: skip
