"""One fact that cannot be applied costs that fact: every applier raises, once and for ever, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

import pytest

from bot.domain.events import Event
from bot.domain.events.account import PositionTold
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import AlertRaised, RequestKind
from bot.domain.order import Purpose
from bot.domain.position import PositionState
from bot.engine.book import foreign, sold_elsewhere, told_holdings
from bot.engine.book.absent_orders import AbsentOrders
from bot.engine.book.facts import FactKeeper
from bot.engine.book.fills import FillKeeper
from bot.engine.book.holdings import HoldingsJudge
from bot.engine.book.lost_orders import LostOrders
from bot.engine.book.newer_store import NewerSales
from bot.engine.book.reconciler import Reconciler
from bot.engine.settlement import expiry
from bot.engine.settlement.settler import Settler
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from tests.engine.desk import SPY_580P, SPY_590C, Desk


@dataclass
class Sick:
    """Raises so often before it does its work, for whatever concerns a contract or for everything."""

    times: float
    raised: int = 0

    def wrap(self, work: Callable[..., Any], concerns: Callable[..., bool]) -> Callable[..., Any]:
        def sick(*given: Any, **named: Any) -> Any:
            if self.raised < self.times and concerns(*given):
                self.raised += 1
                raise RuntimeError("a fault in the applier")
            return work(*given, **named)

        return sick


def names_the_other(*given: Any) -> bool:
    """Whether what is given speaks of the put, whose facts are sick."""
    return SPY_580P.key in repr([each for each in given if not isinstance(each, Context | Journal | FactKeeper)])


def everything(*given: Any) -> bool:
    return True


OF_ONE_CONTRACT = {
    "execution": (FactKeeper, "executed"),
    "commission": (FactKeeper, "commission"),
    "order view": (FactKeeper, "order_reported"),
    "order error": (FactKeeper, "order_erred"),
    "fill, half done": (Journal, "executed"),
    "holding": (HoldingsJudge, "_judge_holding"),
    "absence": (AbsentOrders, "_judge_absent"),
}
OF_THE_BOOK = {
    "lost orders": (LostOrders, "__init__"),
    "newer sales": (NewerSales, "take_back"),
    "expiry": (expiry, "expire"),
    "settlement": (Settler, "settle"),
    "other holdings": (foreign, "holdings"),
    "stray commissions": (Reconciler, "_tell_of_stray_commissions"),
    "sold elsewhere": (sold_elsewhere, "lose"),
    "told holdings": (told_holdings, "hear"),
}


FAULT_ALERTS = frozenset({"FACT_FAULT", "FACT_APPLIED", "FACT_GONE"})


async def holding_two(desk: Desk) -> None:
    """The call and the put are held and protected."""
    await desk.hold(4)
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.settle()
    desk.broker.fill(desk.broker.entry, desk.broker.entry.left, "2.00")
    await desk.settle()
    assert len(desk.store.open_positions) == 2
    for contract in (SPY_590C, SPY_580P):
        desk.quote("2.00", "2.04", contract)


async def reconnect(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "gone", desk.clock.now()))
    await desk.tick()
    await desk.connect()
    await desk.wait(8)


async def sells_the_call(desk: Desk) -> None:
    assert (await desk.command(RequestKind.EMERGENCY))[0] == "done"
    for _ in range(60):
        await desk.tick()
        desk.broker.answer()
        for order in [o for o in desk.broker.live if o.type == "MKT" and o.heard]:
            desk.broker.fill(order, order.left, "2.00")
    call = next(p for p in desk.store.positions if p.key == SPY_590C.key)
    assert (call.state, desk.broker.held[SPY_590C.key]) == (PositionState.CLOSED, 0)


@pytest.mark.parametrize("times", [1, float("inf")])
@pytest.mark.parametrize("name", [*OF_ONE_CONTRACT, *OF_THE_BOOK])
async def test_emergency_sells_after_a_reconnect_whatever_applier_raises(
    name: str, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await Desk({"risk": {"max_positions": 9}}).start()
    await holding_two(desk)
    sick, (owner, attribute) = Sick(times), {**OF_ONE_CONTRACT, **OF_THE_BOOK}[name]
    concerns = names_the_other if name in OF_ONE_CONTRACT else everything
    monkeypatch.setattr(owner, attribute, sick.wrap(getattr(owner, attribute), concerns))
    stop = next(o for o in desk.broker.live if o.key == SPY_580P.key)
    desk.broker.fill(stop, 1, "0.99")
    desk.put(PositionTold(SPY_580P.key, 3, desk.clock.now()))
    await desk.ticks(3)
    await reconnect(desk)
    await sells_the_call(desk)
    assert "TICK_FAILED" not in desk.store.alerts
    told = [a for b in desk.store.batches for a in b.alerts if a.code in FAULT_ALERTS]
    under_way: set[str] = set()
    for alert in told:
        subject = str(alert.facts.get("subject") or alert.text.split(" is in no whole book")[0])
        assert (alert.code == "FACT_FAULT") == (subject not in under_way), "each is told once while it lasts"
        under_way ^= {subject}
    assert bool(told or "MACHINE_PARKED" in desk.store.alerts) == bool(sick.raised)
    assert desk.broker.held[SPY_580P.key] >= 0


APPLIERS = sorted(each.__name__ for each in get_args(Event))


@pytest.mark.parametrize("times", [1, float("inf")])
@pytest.mark.parametrize("name", APPLIERS)
async def test_emergency_sells_while_the_intake_of_a_kind_of_fact_raises(
    name: str, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to work at any rate is left out: who asks, and that the sale's own order is heard of."""
    desk = await Desk({"risk": {"max_positions": 9}}).start()
    await holding_two(desk)
    if name in {"RequestReceived", "LinkChanged"} and times > 1:
        return
    sick, intake = Sick(times), desk.engine._intake
    concerns = names_the_other if name in {"OrderReported", "ExecutionReported", "OrderSent"} else everything
    of_facts = {k: sick.wrap(w, concerns) if k.__name__ == name else w for k, w in intake._of_facts.items()}
    monkeypatch.setattr(intake, "_of_facts", of_facts)
    of_market = {k: sick.wrap(w, everything) if k.__name__ == name else w for k, w in intake._of_market.items()}
    monkeypatch.setattr(intake, "_of_market", of_market)
    if name == "RequestReceived":
        assert (await desk.command(RequestKind.RECONCILE))[0] == "refused", "who asks is answered"
    desk.put(AlertRaised("STRAY_STATUS", "x", {}, desk.clock.now()))
    desk.equity(100_000)
    await desk.ticks(3)
    await sells_the_call(desk)
    assert "TICK_FAILED" not in desk.store.alerts


async def test_a_fact_that_applies_at_the_second_attempt_is_forgotten_and_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = await Desk().start()
    await desk.entry_working(4)
    sick = Sick(1)
    monkeypatch.setattr(FillKeeper, "_entry_fill", sick.wrap(FillKeeper._entry_fill, everything))
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.wait(6)
    assert (desk.position.quantity, desk.position.entry_price) == (4, Decimal(2))
    assert len(desk.store.positions) == 1, "what the first attempt brought into being was taken back with it"
    assert desk.store.alerts.count("FACT_FAULT") == 1
    assert "FACT_APPLIED" in desk.store.alerts
    assert desk.engine.ledger.proof.disputed == {}
    assert len(desk.store.of(Purpose.PROTECT)) == 1


async def test_of_a_contract_in_dispute_no_more_is_sold_than_the_broker_says_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = await Desk().start()
    await desk.hold(4)
    sick = Sick(float("inf"))
    monkeypatch.setattr(FillKeeper, "_exit_fill", sick.wrap(FillKeeper._exit_fill, everything))
    desk.quote("1.00", "1.02")
    stop = desk.broker.stop_order
    desk.broker.fill(stop, 4, "0.99")
    desk.put(PositionTold(SPY_590C.key, 0, desk.clock.now()))
    await desk.wait(10)
    await desk.command(RequestKind.EMERGENCY)
    await desk.wait(10)
    assert desk.broker.held[SPY_590C.key] == 0, "nothing more was sold: the venue of this test would refuse it"
    assert desk.engine.ledger.proof.disputed
    assert desk.store.alerts.count("FACT_FAULT") == 1
    assert desk.store.session.state != "reconciling", "the comparison ends without it"
