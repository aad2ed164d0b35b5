"""What keeps new entries in also takes back those that work, or were decided and not sent; exits go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.adoption import Adoption
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.connection import ConnectionState
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import Order, OrderSide, OrderState, Purpose
from bot.domain.position import CloseReason, Position, PositionState
from bot.domain.session import SessionState
from bot.domain.signal import SignalState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.engine.state.records import TickBatch
from bot.engine.trade.calling_off import CALLED_OFF
from bot.risk.breakers import BREAKERS
from tests.engine.desk import DAY, SPY_580P, SPY_590C, Desk, forced
from tests.engine.fake_store import FakeStore

PATIENT = {"approval": {"signal_ttl_s": 900}, "execution": {"entry_timeout_s": 900, "reprice_after_s": 900}}
QQQ_500C = OptionContract("QQQ", DAY, Right.CALL, Decimal(500))
SPY_595C = OptionContract("SPY", DAY, Right.CALL, Decimal(595))


def breaker(desk: Desk, name: str) -> BreakerState:
    return desk.engine.ledger.breakers[name].state


def entry_orders(desk: Desk) -> list[Order]:
    return desk.store.of(Purpose.ENTRY)


def live_buys(desk: Desk) -> list[str]:
    return [order.key for order in desk.broker.live if order.side is OrderSide.BUY]


async def restarted(desk: Desk, **settings: Any) -> Desk:
    return await Desk(settings or None, store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()


# ---- decided before, not sent yet


class MeddlingStore(FakeStore):
    """Something happens between the commit of a new entry order and its sending."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None

    async def commit(self, batch: TickBatch) -> None:
        await super().commit(batch)
        if any(o.purpose is Purpose.ENTRY and o.state is OrderState.INTENT for o in batch.changed.of(Order).values()):
            self.meanwhile()


def trips(name: str) -> Callable[[Desk, Path], object]:
    def meanwhile(desk: Desk, switch: Path) -> None:
        desk.engine.ledger.breakers[name] = Breaker(name, BreakerState.TRIPPED, value="9", limit="1")

    return meanwhile


def _session(state: SessionState) -> Callable[[Desk, Path], object]:
    return lambda desk, switch: setattr(desk.engine.ledger.session, "state", state)


def _link_is_lost(desk: Desk, switch: Path) -> None:
    forced(desk.engine.ledger.connection, state=ConnectionState.DEGRADED_ORDERS)


def _symbol_is_halted(desk: Desk, switch: Path) -> None:
    desk.engine.ledger.symbol_halts["SPY"] = SymbolHalt("SPY", SymbolState.HALTED, "sold by hand")


def _holding_is_asked_about(desk: Desk, switch: Path) -> None:
    key = "SPY   261120C00600000"
    desk.engine.ledger.adoptions[key] = Adoption(key, symbol="SPY", quantity=2)


def _is_called_off(desk: Desk, switch: Path) -> None:
    for order in desk.engine.ledger.order_index.open.values():
        forced(order, tag=CALLED_OFF)


MEANWHILE: dict[str, tuple[Callable[[Desk, Path], object], str]] = {
    **{row.name: (trips(row.name), f"{row.name} 9 against 1") for row in BREAKERS},
    "halt in the store": (_session(SessionState.HALTED), "the session is halted"),
    "pause": (_session(SessionState.PAUSED), "the session is paused"),
    "kill switch file": (lambda desk, switch: switch.touch(), "the kill switch"),
    "connection": (_link_is_lost, "the connection is degraded_orders"),
    "symbol": (_symbol_is_halted, "entries on SPY are halted: sold by hand"),
    "adoption": (_holding_is_asked_about, "entries on SPY wait: what is at the broker and not ours"),
    "cancel-all": (_is_called_off, "a person called every entry off"),
}


@pytest.mark.parametrize("what", MEANWHILE)
async def test_an_entry_that_was_decided_before_is_refused_at_the_gate(what: str, tmp_path: Path) -> None:
    meanwhile, words = MEANWHILE[what]
    switch = tmp_path / "stop"
    store = MeddlingStore()
    desk = await Desk({"engine": {"kill_switch_file": str(switch)}}, store=store).start()
    store.meanwhile = lambda: meanwhile(desk, switch)
    await desk.propose(2)
    await desk.ticks(3)
    assert desk.broker.submitted == []
    (order,) = entry_orders(desk)
    assert (order.state, order.submitted_at) == (OrderState.REJECTED, None)
    assert order.reject_reason.startswith("the gate is closed for entries: ")
    assert words in order.reject_reason
    assert desk.signal.state is SignalState.REJECTED
    row = next(r for r in reversed(desk.store.transitions) if r.entity_id == order.id)
    assert (row.to_state, row.actor) == ("rejected", "tick"), "what was never sent, nobody outside refused"


async def test_with_nothing_in_between_the_same_entry_is_sent(tmp_path: Path) -> None:
    desk = await Desk({"engine": {"kill_switch_file": str(tmp_path / "stop")}}, store=MeddlingStore()).start()
    await desk.propose(2)
    await desk.ticks(3)
    assert len(desk.broker.submitted) == 1


# ---- working when it trips


@dataclass(frozen=True)
class Case:
    """How a breaker comes to trip while an entry works; `risk` are its settings. Beside the entry a put is held."""

    trip: Callable[[Desk], Awaitable[object]]
    risk: dict[str, Any] = field(default_factory=dict)


def _equity(factor: str) -> Callable[[Desk], Awaitable[object]]:
    async def trip(desk: Desk) -> None:
        assert desk.engine.ledger.account.equity is not None
        desk.equity(str(desk.engine.ledger.account.equity * Decimal(factor)))
        await desk.ticks(8)

    return trip


async def _lose(desk: Desk) -> None:
    desk.broker.fill(desk.broker.stop_order, 4, "1.00")
    await desk.ticks(8)


async def _silence(desk: Desk) -> None:
    desk.vendor_talks = False
    await desk.ticks(125, 1.0)


async def _lose_the_broker(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.ticks(20, 1.0)
    assert breaker(desk, "tws_gone") is BreakerState.TRIPPED
    assert live_buys(desk) == [SPY_590C.key], "nobody can be asked"
    await desk.connect()
    await desk.ticks(8)


async def _jump(desk: Desk) -> None:
    desk._quoted["SPY"] = ("590.00", "590.02")
    await desk.ticks(70, 1.0)
    desk._quoted["SPY"] = ("558.00", "558.02")
    await desk.ticks(4, 1.0)


async def _send_another(desk: Desk) -> None:
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()


async def _be_refused(desk: Desk) -> None:
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.reject(desk.broker.market)
    await desk.ticks(8)


CASES = {
    "daily_loss": Case(_equity("0.93")),
    "drawdown": Case(_equity("0.95"), {"max_drawdown_fraction": "0.04"}),
    "losses": Case(_lose, {"max_losses_in_a_row": 1}),
    "uw_silent": Case(_silence),
    "tws_gone": Case(_lose_the_broker),
    "gap": Case(_jump),
    "order_rate": Case(_send_another, {"max_orders_per_minute": 1}),
    "rejections": Case(_be_refused, {"min_rejections": 1, "max_rejection_fraction": "0.01"}),
}


async def a_put_and_a_working_call(risk: dict[str, Any]) -> Desk:
    """A put is held since more than a minute, an entry for four calls works."""
    desk = await Desk({**PATIENT, "risk": risk}).start()
    desk.contract = SPY_580P
    await desk.hold(4)
    await desk.wait(62)
    desk.contract = SPY_590C
    await desk.propose(4)
    await desk.settle()
    assert live_buys(desk) == [SPY_590C.key]
    return desk


@pytest.mark.parametrize("name", CASES)
async def test_a_trip_takes_the_working_entry_back(name: str) -> None:
    desk = await a_put_and_a_working_call(CASES[name].risk)
    await CASES[name].trip(desk)
    assert "trip" in desk.store.path(name)
    await desk.settle()
    entry = entry_orders(desk)[-1]
    assert (entry.state, entry.tag) == (OrderState.CANCELLED, f"entry:breaker:{name}")
    assert live_buys(desk) == []
    cancel = next(r for r in desk.store.transitions if r.entity_id == entry.id and r.trigger == "request_cancel")
    assert cancel.reason == f"circuit breaker {name} tripped"
    assert desk.store.signals[-1].state is SignalState.CANCELLED


def test_every_breaker_has_its_case() -> None:
    assert {*CASES, "correlation"} == {row.name for row in BREAKERS}


async def test_what_was_filled_of_an_entry_that_a_trip_takes_back_is_protected_at_once() -> None:
    desk = await a_put_and_a_working_call({"max_losses_in_a_row": 1})
    desk.broker.fill(desk.broker.entry, 1)
    await desk.ticks(2)
    put = next(p for p in desk.store.open_positions if p.key == SPY_580P.key)
    desk.broker.fill(next(o for o in desk.broker.live if o.key == SPY_580P.key), 4, "1.00")
    began = desk.clock.now()
    while not [o for o in desk.broker.live if o.key == SPY_590C.key and o.side is OrderSide.SELL]:
        await desk.tick()
        desk.broker.answer()
        assert (desk.clock.now() - began).total_seconds() < 3
    assert desk.store.entities.of(Position)[put.id].state is PositionState.CLOSED
    stop = next(o for o in desk.broker.live if o.key == SPY_590C.key)
    assert stop.left == 1
    await desk.settle()
    assert desk.store.open_positions[0].protected_at is not None


async def test_a_trip_is_remembered_by_the_entry_across_a_restart() -> None:
    desk = await a_put_and_a_working_call({})
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.ticks(20, 1.0)
    again = await restarted(desk, **PATIENT)
    await again.settle()
    assert breaker(again, "tws_gone") is BreakerState.OK, "its cause is over"
    assert live_buys(again) == [], "and what it called off is taken back all the same"


async def test_the_alert_of_a_trip_says_how_many_entries_it_takes_back() -> None:
    desk = await a_put_and_a_working_call({"max_losses_in_a_row": 1})
    await _lose(desk)
    told = [a.text for b in desk.store.batches for a in b.alerts if a.code == "BREAKER_TRIPPED"]
    assert told == ["circuit breaker: losses 1 against 1; no entries while it lasts, 1 working entries are taken back"]


async def test_what_a_gap_closed_says_so(desk: Desk) -> None:
    await desk.hold(4)
    await _jump(desk)
    assert desk.position.close_reason is CloseReason.GAP
    await desk.settle()
    desk.broker.fill(desk.broker.market)
    await desk.settle()
    assert desk.position.close_reason is CloseReason.GAP
    closed = next(r for r in reversed(desk.store.transitions) if r.trigger == "close")
    assert closed.reason.startswith("flat: gap")
    assert desk.store.of(Purpose.EXIT)[-1].tag == "close:gap"


# ---- the kill switch


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    return tmp_path / "stop"


async def test_the_kill_switch_takes_a_working_entry_back_and_lets_entries_pass_once_it_is_gone(switch: Path) -> None:
    desk = await Desk({**PATIENT, "engine": {"kill_switch_file": str(switch)}}).start()
    await desk.entry_working(4)
    switch.touch()
    await desk.settle()
    assert live_buys(desk) == []
    entry = entry_orders(desk)[-1]
    cancel = next(r for r in desk.store.transitions if r.entity_id == entry.id and r.trigger == "request_cancel")
    assert cancel.reason == f"the kill switch {switch} is there"
    assert desk.store.session.state == "active"
    switch.unlink()
    await desk.propose(4)
    await desk.settle()
    assert live_buys(desk) == [SPY_590C.key]


async def test_a_kill_switch_that_is_there_at_the_start_fires_nothing_and_stops_every_new_order(switch: Path) -> None:
    before = Desk()
    await before.start()
    await before.hold(4)
    switch.touch()
    desk = await restarted(before, engine={"kill_switch_file": str(switch)})
    await desk.settle()
    assert desk.store.session.state == "active"
    assert desk.position.state is PositionState.FILLED, "nothing is sold"
    assert desk.broker.stop_order.left == 4
    sent = len(desk.broker.submitted)
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.settle()
    assert len(desk.broker.submitted) == sent
    assert len(entry_orders(desk)) == 1
    await desk.ticks(8)
    assert f"the kill switch {switch} is there" in desk.store.status.waiting_for[0]


async def test_a_halt_that_is_in_the_store_at_the_start_stops_every_new_order(desk: Desk) -> None:
    await desk.command(RequestKind.HALT)
    again = await restarted(desk)
    await again.settle()
    await again.propose(4)
    await again.settle()
    assert again.store.session.state == "halted"
    assert again.broker.submitted == []


async def test_a_kill_switch_that_cannot_be_looked_at_counts_as_there(switch: Path) -> None:
    desk = await Desk({"engine": {"kill_switch_file": str(switch.with_name("x" * 300))}}).start()
    await desk.propose(4)
    await desk.settle()
    assert desk.broker.submitted == []
    assert "cannot be looked at: File name too long" in desk.engine._gate.kill_switch()


# ---- new terms


async def an_amendment_that_waits(desk: Desk) -> None:
    """The entry's better price is decided and written; the wire is busy, so it waits."""
    await desk.entry_working(4)
    pace = desk.engine._dispatcher._pace
    await desk.ticks(28, 1.0)
    busy = 60
    while desk.engine.ledger.orders[entry_orders(desk)[0].id].wanted is None:
        for _ in range(busy):
            pace.spend(desk.clock.monotonic())
        busy = 12
        await desk.tick()
    assert len(pace.waiting) == 1


@pytest.mark.parametrize("what", ["breaker", "kill switch", "nothing"])
async def test_a_better_price_for_an_entry_passes_the_gate_like_a_new_entry(what: str, switch: Path) -> None:
    desk = await Desk({"engine": {"kill_switch_file": str(switch)}}).start()
    await an_amendment_that_waits(desk)
    if what == "breaker":
        trips("losses")(desk, switch)
    if what == "kill switch":
        switch.touch()
    await desk.ticks(8)
    asked = desk.broker.entry.asked
    if what == "nothing":
        assert asked is not None
        return
    assert asked is None, "the venue never heard of it"
    order = entry_orders(desk)[0]
    assert "amend_refused" in desk.store.path(order.id)
    assert "the gate is closed for entries" in order.reject_reason
    assert order.terms.limit_price == Decimal("2.00")


@pytest.mark.parametrize(
    "changes, passes",
    [
        ({"quantity": 3}, True),
        ({"limit_price": Decimal("1.95")}, True),
        ({"quantity": 5}, False),
        ({"limit_price": Decimal("2.01")}, False),
        ({"quantity": 3, "limit_price": Decimal("2.01")}, False),
        ({"limit_price": None}, False),
    ],
)
async def test_only_new_terms_that_ask_for_more_are_asked_about(
    desk: Desk, changes: dict[str, Any], passes: bool
) -> None:
    await desk.entry_working(4)
    gate, order = desk.engine._gate, desk.engine.ledger.orders[entry_orders(desk)[0].id]
    wanted = replace(order.ticket(), terms=replace(order.terms, **changes))
    assert gate.amendment_refusal(wanted) is None
    trips("losses")(desk, Path())
    assert (gate.amendment_refusal(wanted) is None) is passes


async def test_the_new_terms_of_a_stop_always_pass(desk: Desk) -> None:
    await desk.hold(4)
    trips("losses")(desk, Path())
    forced(desk.engine.ledger.session, state=SessionState.HALTED)
    stop = next(o for o in desk.engine.ledger.order_index.open.values() if o.purpose is Purpose.PROTECT)
    assert desk.engine._gate.amendment_refusal(stop.ticket()) is None


async def test_an_entry_that_works_is_taken_back_while_a_person_is_asked_about_its_symbol(tmp_path: Path) -> None:
    desk = await Desk().start()
    await desk.propose(2)
    await desk.ticks(3)
    (working,) = desk.broker.live
    _holding_is_asked_about(desk, tmp_path)
    await desk.ticks(3)
    assert desk.broker.cancels == [working.ref]
