"""Circuit breakers at the desk: each trips on its own facts, keeps entries in, and never an exit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.breaker import BreakerState
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import OrderState, Purpose
from bot.domain.position import PositionState
from bot.domain.signal import SignalState
from bot.domain.wording import key_words
from tests.engine.desk import DAY, SPY_580P, SPY_590C, Desk
from tests.engine.fakes import FakeStrategy

QQQ_500C = OptionContract("QQQ", DAY, Right.CALL, Decimal(500))


def breaker(desk: Desk, name: str) -> BreakerState:
    return desk.engine.ledger.breakers[name].state


def trips(desk: Desk, name: str) -> list[tuple[str, str]]:
    rows = [row for row in desk.store.transitions if row.machine == "breaker" and row.entity_id == name]
    return [(row.from_state, row.to_state) for row in rows]


def tripped_alerts(desk: Desk) -> int:
    return desk.store.alerts.count("BREAKER_TRIPPED")


async def restarted(desk: Desk) -> Desk:
    return await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()


async def lose(desk: Desk, times: int = 1) -> None:
    for _ in range(times):
        await desk.hold(2)
        desk.strategy.contract = None
        desk.broker.fill(desk.broker.stop_order, 2, "1.00")
        await desk.settle()
        assert desk.position.state is PositionState.CLOSED


async def equity_falls(desk: Desk, to: int, first: int = 100_000) -> None:
    desk.equity(first)
    await desk.ticks(5)
    desk.equity(to)
    await desk.ticks(8)


async def test_the_daily_loss_warns_then_halts_once_and_outlives_restart_and_resume(desk: Desk) -> None:
    await equity_falls(desk, 95_900)
    assert breaker(desk, "daily_loss") is BreakerState.WARNING
    assert desk.store.session.state == "active"
    assert desk.store.alerts.count("BREAKER_WARNING") == 1
    desk.equity(94_000)
    await desk.ticks(20)
    assert desk.store.session.state == "halted"
    assert desk.store.session.held_by == "tick"
    assert trips(desk, "daily_loss") == [("ok", "warning"), ("warning", "tripped")]
    assert tripped_alerts(desk) == 1
    evidence = next(r for r in desk.store.transitions if r.to_state == "tripped").evidence
    assert evidence["loss"] == 6000
    await desk.wait(61)
    again = await restarted(desk)
    await again.settle()
    assert again.store.session.state == "halted"
    _, answer = await again.command(RequestKind.RESUME)
    await again.settle()
    assert "entries stay blocked: daily_loss" in answer
    assert again.store.session.state == "active", "a person may resume, but the day's entries are over"
    assert any("entries are blocked" in line for line in again.store.status.waiting_for)
    assert tripped_alerts(again) == 1


async def test_a_daily_loss_that_is_made_good_again_ends_entries_for_the_day_all_the_same(desk: Desk) -> None:
    await equity_falls(desk, 93_900)
    await desk.command(RequestKind.RESUME)
    desk.equity(99_000)
    await desk.settle()
    await desk.ticks(8)
    again = await restarted(desk)
    for each in (desk, again):
        each.equity(99_000)
        await each.ticks(8)
        assert breaker(each, "daily_loss") is BreakerState.TRIPPED
        assert each.engine.ledger.breakers["daily_loss"].detail == "until the day is over"
        assert "daily_loss" in str(each.engine.ledger.entering.blocks)
    assert tripped_alerts(again) == 1, "it is told once"
    again.clock.advance(3 * 24 * 3600)  # Monday
    again.equity(99_000)
    await again.ticks(8)
    assert breaker(again, "daily_loss") is BreakerState.OK


async def test_a_drawdown_that_is_made_good_again_waits_for_a_person(desk: Desk) -> None:
    desk.engine.ledger.account.high_water = Decimal(105_500)
    await equity_falls(desk, 94_900)
    desk.equity(105_000)
    await desk.ticks(8)
    assert breaker(desk, "drawdown") is BreakerState.TRIPPED
    desk.clock.advance(24 * 3600)
    await desk.ticks(8)
    assert breaker(desk, "drawdown") is BreakerState.TRIPPED
    await desk.command(RequestKind.RESUME)
    await desk.settle()
    assert breaker(desk, "drawdown") is BreakerState.OK


async def test_a_win_after_three_losses_does_not_lift_them(desk: Desk) -> None:
    desk.strategy.cool_down_s = 0
    desk.contract = SPY_580P
    await desk.hold(2)
    kept = desk.broker.stop_order
    desk.contract = SPY_590C
    for _ in range(3):
        await desk.propose(2)
        await desk.settle()
        desk.broker.fill(desk.broker.entry, 2, "2.00")
        await desk.settle()
        desk.strategy.contract = None
        desk.broker.fill(next(o for o in desk.broker.live if o is not kept), 2, "1.00")
        await desk.settle()
    await desk.ticks(8)
    assert breaker(desk, "losses") is BreakerState.TRIPPED
    desk.broker.fill(kept, 2, "5.00")
    await desk.settle()
    await desk.ticks(8)
    assert breaker(desk, "losses") is BreakerState.TRIPPED
    assert desk.engine.ledger.breakers["losses"].detail == "until a person resumes or the day is over"


async def test_a_drawdown_halts_and_a_resume_counts_it_anew(desk: Desk) -> None:
    desk.engine.ledger.account.high_water = Decimal(105_500)
    await equity_falls(desk, 94_900)
    assert breaker(desk, "drawdown") is BreakerState.TRIPPED
    assert desk.store.session.state == "halted"
    await desk.command(RequestKind.RESUME, actor="admin:web:ann")
    await desk.settle()
    assert breaker(desk, "drawdown") is BreakerState.OK
    assert desk.store.session.state == "active"
    assert trips(desk, "drawdown")[-1] == ("tripped", "ok")


async def test_three_losses_in_a_row_block_entries_until_a_person_resumes(desk: Desk) -> None:
    desk.strategy.cool_down_s = 0
    await lose(desk, 3)
    assert breaker(desk, "losses") is BreakerState.TRIPPED
    assert desk.store.session.state == "active"
    signals = len(desk.store.signals)
    await desk.propose(2)
    await desk.ticks(8)
    assert len(desk.store.signals) == signals
    again = await restarted(desk)
    await again.ticks(8)
    assert breaker(again, "losses") is BreakerState.TRIPPED, "a restart forgets no loss"
    state, answer = await again.command(RequestKind.RESUME)
    assert (state, "losses" in answer) == ("done", True)
    await again.ticks(8)
    assert breaker(again, "losses") is BreakerState.OK
    once_more = await restarted(again)
    await once_more.ticks(8)
    assert breaker(once_more, "losses") is BreakerState.OK, "what was acknowledged stays so"


async def test_a_silent_vendor_blocks_entries_while_it_is_silent_and_never_an_exit(desk: Desk) -> None:
    await desk.hold(2)
    desk.vendor_talks = False
    await desk.ticks(125, 1.0)
    assert breaker(desk, "uw_silent") is BreakerState.TRIPPED
    assert desk.store.session.state == "active"
    state, _ = await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    assert state == "done"
    await desk.settle()
    desk.vendor_talks = True
    await desk.ticks(8)
    assert breaker(desk, "uw_silent") is BreakerState.OK
    assert tripped_alerts(desk) == 1


async def test_a_silence_that_had_tripped_goes_on_over_a_restart_until_the_vendor_speaks(desk: Desk) -> None:
    desk.vendor_talks = False
    await desk.ticks(125, 1.0)
    desk.clock.advance(30)
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    again.vendor_talks = False
    await again.start()
    await again.ticks(8)
    assert breaker(again, "uw_silent") is BreakerState.TRIPPED
    assert float(again.engine.ledger.breakers["uw_silent"].facts["seconds"]) >= 150
    again.vendor_talks = True
    await again.ticks(8)
    assert breaker(again, "uw_silent") is BreakerState.OK
    assert tripped_alerts(again) == 1, "a restart tells it no second time"


async def test_a_silence_that_had_not_tripped_is_counted_from_the_start(desk: Desk) -> None:
    desk.vendor_talks = False
    await desk.ticks(100, 1.0)
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    again.vendor_talks = False
    await again.start()
    await again.ticks(100, 1.0)
    assert breaker(again, "uw_silent") is not BreakerState.TRIPPED
    await again.ticks(25, 1.0)
    assert breaker(again, "uw_silent") is BreakerState.TRIPPED


async def test_a_broker_that_is_gone_blocks_entries_until_it_is_back(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.ticks(20, 1.0)
    assert breaker(desk, "tws_gone") is BreakerState.TRIPPED
    await desk.connect()
    await desk.ticks(12)
    assert breaker(desk, "tws_gone") is BreakerState.OK


async def test_attempts_to_connect_that_come_to_nothing_make_no_broker_that_is_there(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    for _ in range(5):
        await desk.ticks(4, 1.0)
        desk.put(LinkChanged(LinkChange.CONNECTING, "", desk.clock.now()))
        desk.put(LinkChanged(LinkChange.DROPPED, "no answer", desk.clock.now()))
    assert breaker(desk, "tws_gone") is BreakerState.TRIPPED


async def test_a_start_does_not_count_the_hours_in_which_nothing_ran(desk: Desk) -> None:
    desk.clock.advance(3600)
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    await again.engine.start()
    await again.ticks(3)
    await again.connect()
    await again.ticks(8)
    assert trips(again, "tws_gone") == []


async def test_a_broker_that_was_gone_before_a_restart_is_gone_until_it_is_back_and_told_once(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.ticks(20, 1.0)
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7)
    await again.engine.start()
    await again.ticks(8)
    assert breaker(again, "tws_gone") is BreakerState.TRIPPED
    await again.connect()
    await again.ticks(12)
    assert trips(again, "tws_gone") == [("ok", "warning"), ("warning", "tripped"), ("tripped", "ok")]
    assert tripped_alerts(again) == 1


async def test_a_gap_closes_the_symbols_positions_and_one_wrong_print_does_not(desk: Desk) -> None:
    await desk.hold(2)
    desk._quoted["SPY"] = ("590.00", "590.02")
    await desk.ticks(70, 1.0)
    desk._quoted["SPY"] = ("620.00", "620.02")
    await desk.tick(1.0)
    desk._quoted["SPY"] = ("590.00", "590.02")
    await desk.ticks(4, 1.0)
    assert breaker(desk, "gap") is BreakerState.OK
    earlier = desk.position.state
    assert earlier is not PositionState.CLOSING
    desk._quoted["SPY"] = ("558.00", "558.02")
    await desk.ticks(3, 1.0)
    assert breaker(desk, "gap") is BreakerState.TRIPPED
    assert desk.position.state is PositionState.CLOSING
    await desk.settle()
    assert [o.purpose for o in desk.store.orders if o.tag.startswith("close:")] == [Purpose.EXIT]


async def test_too_many_orders_a_minute_block_entries_for_as_long() -> None:
    desk = await Desk({"risk": {"max_orders_per_minute": 1}}).start()
    await desk.hold(2)  # an entry and a stop
    await desk.ticks(8)
    assert breaker(desk, "order_rate") is BreakerState.TRIPPED
    await desk.wait(70)
    assert breaker(desk, "order_rate") is BreakerState.OK


async def test_while_the_kill_switch_is_there_no_entry_leaves_and_every_exit_does(tmp_path: Path) -> None:
    switch = tmp_path / "stop"
    desk = await Desk({"engine": {"kill_switch_file": str(switch)}}).start()
    await desk.hold(2)
    switch.touch()
    desk.contract = SPY_580P
    await desk.propose(2)
    await desk.settle()
    assert len(desk.store.of(Purpose.ENTRY)) == 1
    assert desk.store.alerts.count("KILL_SWITCH") == 1
    await desk.ticks(8)
    assert f"entries are blocked: the kill switch {switch} is there" in desk.store.status.waiting_for[0]
    position = desk.store.open_positions[0]
    await desk.command(RequestKind.CLOSE, position_id=position.id)
    await desk.settle()
    assert desk.store.of(Purpose.EXIT), "the way out is free"


async def minutes_pass(desk: Desk, count: int, qqq: int) -> None:
    """SPY swings by half a percent each minute, QQQ with it (1), against it (-1)."""
    for minute in range(count):
        up = 1 if minute % 3 else -1
        spy, other = Decimal(590) + up, Decimal(500) + up * qqq
        desk._quoted["SPY"], desk._quoted["QQQ"] = (str(spy), str(spy)), (str(other), str(other))
        await desk.ticks(3, 20.0)


@pytest.mark.parametrize("qqq, enters", [(1, False), (-1, True)], ids=["together", "against each other"])
async def test_an_entry_on_what_moves_together_with_a_position_is_refused_and_the_hedge_is_not(
    qqq: int, enters: bool
) -> None:
    desk = await Desk(strategy=FakeStrategy(symbols=("SPY", "QQQ"))).start()
    desk.contract = SPY_590C
    await desk.hold(4)
    await minutes_pass(desk, 14, qqq)
    desk.contract = QQQ_500C
    await desk.propose(4)
    await desk.settle()
    refused = desk.store.signals[-1].state is SignalState.REJECTED
    assert refused is not enters
    if refused:
        reason = next(r for r in reversed(desk.store.transitions) if r.entity_id == desk.store.signals[-1].id).reason
        assert reason.startswith("PAIR_CORRELATION_TOO_HIGH would_be=1.0 max=0.7 pair=QQQ/SPY measured=True")
    assert breaker(desk, "correlation") is BreakerState.OK
    assert desk.engine.ledger.entering.blocks == ()


async def test_of_two_alike_in_one_tick_the_second_is_refused() -> None:
    one, two = FakeStrategy(name="one", symbols=("SPY",)), FakeStrategy(name="two", symbols=("QQQ",))
    desk = await Desk(strategy=one, others=(two,)).start()
    desk.quote("1.98", "2.02", SPY_590C)
    desk.quote("1.98", "2.02", QQQ_500C)
    desk.equity(100_000)
    await desk.tick()
    one.contract, two.contract = SPY_590C, QQQ_500C
    await desk.tick()
    assert len(desk.store.signals) == 2
    await desk.settle()
    states = {s.symbol: s.state for s in desk.store.signals}
    assert (states["SPY"], states["QQQ"]) == (SignalState.WORKING, SignalState.REJECTED)


async def test_rejections_halt_and_a_resume_counts_them_anew() -> None:
    settings = {"risk": {"min_rejections": 2, "max_rejection_fraction": "0.5"}}
    desk = await Desk(settings).start()
    desk.strategy.cool_down_s = 0
    for _ in range(2):
        assert breaker(desk, "rejections") is not BreakerState.TRIPPED
        await desk.propose(4)
        await desk.ticks(3)
        desk.broker.reject(desk.broker.entry, 201, "no margin")
        await desk.settle()
    await desk.ticks(8)
    assert breaker(desk, "rejections") is BreakerState.TRIPPED
    assert (desk.store.session.state, desk.store.session.held_by) == ("halted", "tick")
    again = await Desk(settings, store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    await again.ticks(8)
    assert breaker(again, "rejections") is BreakerState.TRIPPED, "a restart forgets none"
    await again.command(RequestKind.RESUME, actor="admin:web:ann")
    await again.settle()
    await again.ticks(8)
    assert breaker(again, "rejections") is BreakerState.OK
    assert again.store.session.state == "active"


# ---- emergency


async def test_an_emergency_stop_halts_calls_entries_off_and_sells_everything(desk: Desk) -> None:
    await desk.hold(2)
    state, answer = await desk.command(RequestKind.EMERGENCY, actor="signal")
    assert state == "done"
    assert answer.startswith("halted; closing 1 positions")
    await desk.settle()
    session = desk.store.session
    assert (session.state, session.hold, session.held_by) == ("halted", "halt", "signal")
    exits = desk.store.of(Purpose.EXIT)
    assert len(exits) == 1
    assert exits[0].terms.quantity == 2


async def test_an_emergency_stop_takes_a_working_entry_back(desk: Desk) -> None:
    await desk.entry_working(4)
    await desk.command(RequestKind.EMERGENCY)
    await desk.settle()
    assert desk.broker.live == []


async def test_an_emergency_while_disconnected_names_what_is_left_and_finishes_when_it_can(desk: Desk) -> None:
    await desk.hold(2)
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.tick()
    state, answer = await desk.command(RequestKind.EMERGENCY)
    assert state == "done"
    assert "not possible yet (session halted, connection down)" in answer
    assert "2 x " in answer
    await desk.ticks(8)
    assert desk.store.of(Purpose.EXIT) == []
    await desk.connect()
    await desk.settle()
    assert desk.store.of(Purpose.EXIT)[-1].terms.quantity == 2
    assert desk.store.session.state == "halted"


@pytest.mark.parametrize("kind", [RequestKind.EMERGENCY, RequestKind.FLATTEN, RequestKind.CANCEL_ALL])
@pytest.mark.parametrize("lost", [LinkChange.ORDERS_LOST, LinkChange.DROPPED], ids=["1100", "no socket"])
async def test_asked_while_the_broker_is_out_of_reach_it_names_what_is_left_and_does_it_once_it_can(
    kind: RequestKind, lost: LinkChange
) -> None:
    desk = await Desk({"execution": {"entry_timeout_s": 900}, "approval": {"signal_ttl_s": 900}}).start()
    desk.contract = SPY_580P
    await desk.hold(4)
    desk.contract = SPY_590C
    await desk.propose(4)
    await desk.settle()
    entry = desk.store.of(Purpose.ENTRY)[-1]
    desk.put(LinkChanged(lost, "1100", desk.clock.now()))
    await desk.tick()
    sent = len(desk.broker.submitted)
    state, answer = await desk.command(kind)
    assert state == "done"
    left = answer.split("done as soon as it is: ")[1]
    assert f"entry {entry.order_ref} for 4 x {key_words(entry.contract_key)}" in left
    sells = kind is not RequestKind.CANCEL_ALL
    assert (f"4 x {SPY_580P}" in left) is sells
    await desk.ticks(20)
    assert (len(desk.broker.submitted), desk.broker.entry.cancel_asked) == (sent, False), "nobody was asked anything"
    if lost is LinkChange.ORDERS_LOST:
        desk.put(LinkChanged(LinkChange.RESTORED, "1102", desk.clock.now()))
    else:
        await desk.connect()
    await desk.settle()
    assert desk.store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED
    exits = desk.store.of(Purpose.EXIT)
    assert [o.terms.quantity for o in exits] == ([4] if sells else [])
    if sells:
        desk.broker.fill(desk.broker.market)
        await desk.settle()
        assert desk.store.open_positions == []
    else:
        assert desk.broker.stop_order.left == 4
    expected = {RequestKind.EMERGENCY: "halted", RequestKind.FLATTEN: "paused", RequestKind.CANCEL_ALL: "active"}
    assert desk.store.session.state == expected[kind]


@pytest.mark.parametrize("kind", [RequestKind.EMERGENCY, RequestKind.FLATTEN, RequestKind.CANCEL_ALL])
async def test_what_was_asked_while_degraded_is_done_by_the_next_run_too(kind: RequestKind) -> None:
    desk = await Desk().start()
    await desk.entry_working(4)
    desk.put(LinkChanged(LinkChange.ORDERS_LOST, "1100", desk.clock.now()))
    await desk.tick()
    await desk.command(kind)
    again = await restarted(desk)
    await again.settle()
    assert again.broker.live == []
    assert again.store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED


async def test_cancel_all_takes_entries_back_and_leaves_the_session_active(desk: Desk) -> None:
    await desk.entry_working(4)
    state, answer = await desk.command(RequestKind.CANCEL_ALL)
    assert (state, answer) == ("done", "calling off 1 entry orders; positions and their stops stay")
    await desk.settle()
    assert desk.broker.live == []
    assert desk.store.session.state == "active"


@pytest.mark.parametrize("kind", [RequestKind.EMERGENCY, RequestKind.FLATTEN, RequestKind.CANCEL_ALL])
async def test_an_entry_in_doubt_is_named_and_taken_back_once_the_broker_has_said_what_it_is(
    desk: Desk, kind: RequestKind
) -> None:
    await desk.propose(4)
    await desk.ticks(3)
    desk.broker.incomplete = True
    entry = desk.store.of(Purpose.ENTRY)[-1]
    desk.broker.hide.add(entry.order_ref)
    await desk.ticks(30, 1.0)  # it was sent, and nobody answers
    entry = desk.store.of(Purpose.ENTRY)[-1]
    assert entry.state is OrderState.UNKNOWN
    _, answer = await desk.command(kind)
    assert f"in doubt, the broker is asked first: entry {entry.order_ref} for 4 x " in answer
    desk.broker.incomplete = False
    desk.broker.hide.clear()
    desk.broker.ack(desk.broker.entry)
    await desk.settle()
    assert desk.broker.live == []
    assert desk.store.of(Purpose.ENTRY)[-1].state is OrderState.CANCELLED


@pytest.mark.parametrize("kind", [RequestKind.EMERGENCY, RequestKind.CANCEL_ALL])
async def test_asked_with_nothing_there_it_says_so(desk: Desk, kind: RequestKind) -> None:
    state, answer = await desk.command(kind)
    assert state == "done"
    assert "not possible" not in answer
