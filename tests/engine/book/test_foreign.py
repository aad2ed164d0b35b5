"""Other people's orders and executions: shown, never managed; where they touch a contract of ours, entries stop."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events.orders import (
    BrokerOrderStatus,
    BrokerOrderView,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.events.people import RequestKind
from bot.domain.order import Execution, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import PositionState
from bot.domain.symbol_halt import SymbolHalt
from bot.engine.trade import scan
from tests.engine.desk import SPY_580P, SPY_590C, Desk
from tests.engine.fake_broker import AtBroker
from tests.engine.fakes import FakeStrategy


def a_sale(desk: Desk, quantity: int = 1, key: str = SPY_590C.key) -> Execution:
    return Execution("ffff.01", "", 77, 0, key, OrderSide.SELL, quantity, Decimal(3), desk.clock.now(), 0)


def a_foreign_order(desk: Desk) -> BrokerOrderView:
    return BrokerOrderView(
        "byhand", 5555, 3, 0, SPY_590C.key, OrderSide.SELL, BrokerOrderStatus.WORKING, 1, 0, Decimal(9), None,
        desk.clock.now(),
    )  # fmt: skip


async def foreign_sale(desk: Desk, quantity: int = 1) -> None:
    """Somebody sells contracts of ours by hand."""
    sale = a_sale(desk, quantity)
    desk.broker.held[sale.contract_key] -= quantity
    desk.broker.executions[sale.exec_id] = sale
    desk.put(ExecutionReported(sale))
    await desk.wait(6)


async def test_a_foreign_execution_on_a_contract_of_ours_halts_its_symbol(desk: Desk) -> None:
    await desk.hold(4)
    await foreign_sale(desk)
    assert desk.store.alerts.count("SYMBOL_HALTED") == 1
    assert desk.broker.stop_order.left == 3, "what is left is protected and managed on"
    desk.contract = SPY_580P
    desk.strategy.contract = SPY_580P
    desk.quote("1.98", "2.02")
    await desk.settle()
    assert len(desk.store.signals) == 1, "no strategy looks at it"
    assert "halted" in " ".join(desk.store.status.waiting_for)


async def test_a_symbol_that_was_halted_is_halted_after_a_restart(desk: Desk) -> None:
    await desk.hold(4)
    await foreign_sale(desk)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    assert "ffff.01" in again.engine.ledger.entering.halted_symbols["SPY"]


async def test_a_person_lifts_the_halt_of_a_symbol_and_it_stays_lifted(desk: Desk) -> None:
    await desk.hold(4)
    view = a_foreign_order(desk)
    desk.put(OrderReported(view))
    await foreign_sale(desk)
    state, answer = await desk.command(RequestKind.RESUME_SYMBOL, actor="admin:web:ann", symbol=" spy ")
    assert (state, answer.split(";")[0]) == ("done", "entries on SPY are allowed again")
    assert desk.store.path("SPY") == ["halt", "halt", "halt", "lift"], "the order, the execution, the contract gone"
    assert desk.store.alerts.count("SYMBOL_HALTED") == 1
    row = next(r for r in desk.store.transitions if r.trigger == "lift")
    assert (row.machine, row.actor, row.from_state, row.to_state) == ("symbol", "admin:web:ann", "halted", "open")
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.put(OrderReported(view))
    again.put(ExecutionReported(desk.broker.executions["ffff.01"]))
    await again.settle()
    assert again.engine.ledger.entering.halted_symbols == {}, "what was seen and lifted does not halt again"
    halt = again.store.entities.of(SymbolHalt)["SPY"]
    assert (halt.lifted_by, halt.halted_by) == ("admin:web:ann", "broker")
    again.put(OrderReported(replace(view, perm_id=6666)))
    await again.settle()
    assert "6666" in again.engine.ledger.entering.halted_symbols["SPY"], "something new does"


async def test_entries_go_on_once_the_halt_is_lifted(desk: Desk) -> None:
    await desk.hold(4)
    await foreign_sale(desk)
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.settle()
    assert len(desk.store.signals) == 1
    await desk.command(RequestKind.RESUME_SYMBOL, symbol="SPY")
    await desk.propose(4)
    await desk.settle()
    assert desk.broker.entry.key == SPY_580P.key


async def test_the_halt_of_a_symbol_ends_with_the_day_in_a_bot_that_goes_on_running(desk: Desk) -> None:
    await desk.hold(4)
    await foreign_sale(desk)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    desk.broker.fill(desk.broker.market)
    await desk.settle()
    assert "SPY" in desk.engine.ledger.entering.halted_symbols
    desk.clock.advance(24 * 3600)
    await desk.tick()
    assert desk.engine.ledger.entering.halted_symbols == {}
    assert desk.store.path("SPY")[-1] == "day_over"
    assert desk.store.entities.of(SymbolHalt)["SPY"].lifted_by is None


async def test_a_position_that_somebody_sold_whole_halts_its_symbol_across_a_restart(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held.clear()
    desk.broker.book.clear()
    desk.put(_reconcile(desk))
    await desk.wait(10)
    assert desk.position.state is PositionState.CLOSED
    assert "SYMBOL_HALTED" in desk.store.alerts
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    assert "SPY" in again.engine.ledger.entering.halted_symbols


def _reconcile(desk: Desk) -> ExecutionReported:
    """Any foreign execution makes the book be asked; this one is on a contract that we never had."""
    return ExecutionReported(a_sale(desk, key=SPY_580P.key))


async def test_a_foreign_execution_elsewhere_halts_nothing(desk: Desk) -> None:
    await desk.hold(4)
    desk.put(ExecutionReported(a_sale(desk, key="QQQ   261120C00500000")))
    await desk.settle()
    assert "FOREIGN_EXECUTION" in desk.store.alerts
    assert desk.engine.ledger.entering.halted_symbols == {}


async def test_a_foreign_order_on_a_contract_of_ours_is_told_once_and_left_alone(desk: Desk) -> None:
    await desk.hold(4)
    view = a_foreign_order(desk)
    sent = len(desk.broker.submitted)
    for _ in range(3):
        desk.put(OrderReported(view))
        await desk.settle()
    assert desk.store.alerts.count("FOREIGN_ORDER") == 1
    assert desk.store.alerts.count("SYMBOL_HALTED") == 1
    assert len(desk.broker.submitted) == sent
    assert len(desk.broker.live) == 1


async def test_a_foreign_order_is_a_line_of_each_comparison_as_long_as_it_lives(desk: Desk) -> None:
    def shown() -> list[tuple[str, str, str]]:
        last = [row for batch in desk.store.batches for row in batch.reconciliations][-1]
        return [(line.key, line.broker, line.action) for line in last.lines if line.subject == "order"]

    await desk.hold(4)
    theirs = desk.broker.places_by_hand(desk.contract.key, OrderSide.SELL, 2, "9.00")
    words = "SELL 2 SPY 590C 20 Nov 2026 limit 9.00, working, 0 filled, client 78"
    for _ in range(2):
        await desk.command(RequestKind.RECONCILE)
        await desk.settle()
        assert shown() == [(f"{theirs.perm_id} by hand", words, "left alone")]
    desk.broker.by_hand.clear()
    await desk.command(RequestKind.RECONCILE)
    await desk.settle()
    assert shown() == []


async def test_a_working_entry_on_a_halted_symbol_is_taken_back(desk: Desk) -> None:
    await desk.entry_working(4)
    sale = a_sale(desk)
    desk.put(ExecutionReported(sale))
    await desk.settle()
    assert desk.broker.live == []


async def test_one_reference_with_two_perm_ids_is_told_and_both_are_cancelled(desk: Desk) -> None:
    await desk.entry_working(4)
    first = desk.broker.entry
    twin = replace(desk.broker.view(first), perm_id=first.perm_id + 500, order_id=first.order_id + 50)
    desk.broker.book["twin"] = AtBroker(
        "twin", first.key, first.side, OrderType.LIMIT, Terms(4), twin.order_id, twin.perm_id
    )
    desk.broker.hide.add("twin")
    cancelled: list[int] = []
    cancel = desk.broker.cancel

    def noting(order_ref: str, order_id: int) -> None:
        cancelled.append(order_id)
        cancel(order_ref, order_id)

    desk.broker.cancel = noting  # type: ignore[method-assign]
    desk.put(OrderReported(twin))
    await desk.tick()
    assert "ORDER_DOUBLED" in desk.store.alerts
    assert set(cancelled) == {first.order_id, twin.order_id}
    assert "lose_sight" in desk.store.path(desk.store.of(Purpose.ENTRY)[0].id)
    await desk.wait(5)
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.CANCELLED


async def test_an_older_sending_of_a_reference_that_is_over_says_nothing_of_the_present_one(desk: Desk) -> None:
    await desk.entry_working(4)
    first = desk.broker.entry
    old = replace(desk.broker.view(first), perm_id=first.perm_id + 500, status=BrokerOrderStatus.CANCELLED)
    desk.put(OrderReported(old))
    await desk.settle()
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.WORKING
    assert desk.store.of(Purpose.ENTRY)[0].perm_id == first.perm_id


async def test_a_second_entry_on_a_contract_that_is_held_is_refused_with_the_reason(desk: Desk) -> None:
    await desk.hold(4)
    desk.strategy.contract = desk.contract
    await desk.settle()
    refused = desk.store.signals[-1]
    assert refused.state == "rejected"
    row = next(r for r in desk.store.transitions if r.entity_id == refused.id and r.trigger == "reject")
    assert "OTHER_SIDE_ALIVE held=4 sells=1" in row.reason
    assert len([t for t in desk.broker.submitted if t.side is OrderSide.BUY]) == 1


async def test_a_buy_of_another_signal_gives_way_to_the_stop_of_a_late_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """One idea is one trade; where two buys of a contract are under way all the same, the stop comes first."""
    monkeypatch.setattr(scan, "joins", lambda *asked: None)
    desk = await Desk({"risk": {"max_pair_correlation": 1, "max_correlation": 1}}).start()
    await desk.propose(4)
    other = FakeStrategy("other", contract=desk.contract)
    desk.engine._strategies["other"] = other
    await desk.ticks(3)
    for order in list(desk.broker.book.values()):
        desk.broker.ack(order)
    await desk.ticks(2)
    buys = [o for o in desk.broker.live if o.side is OrderSide.BUY]
    assert len(buys) == 2
    desk.broker.fill(buys[0], 4)
    await desk.settle()
    assert [o.side for o in desk.broker.live] == [OrderSide.SELL], "a buy and a sell are never live together"
    assert desk.broker.stop_order.left == 4


async def test_cancels_that_miss_are_tried_ever_more_rarely_and_told(desk: Desk) -> None:
    await desk.entry_working(4)
    order = desk.broker.entry
    misses: list[float] = []
    begun = desk.clock.now()

    def missing(order_ref: str, order_id: int) -> None:
        misses.append((desk.clock.now() - begun).total_seconds())
        desk.put(OrderErred(order_ref, 10148, "cannot be cancelled", ErrorMeaning.CANCEL_REFUSED, desk.clock.now()))

    desk.broker.cancel = missing  # type: ignore[method-assign]
    for _ in range(900):
        await desk.tick(1.0)
    assert desk.store.alerts.count("CANCEL_MISSED") == 1
    assert order.live
    assert len(misses) < 22, "no loop"
    assert misses[-1] - misses[-2] >= 60
    assert desk.store.refused == []
