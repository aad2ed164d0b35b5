"""A strategy that grew worse is told of, goes off by itself, and comes back by an owner alone."""

from __future__ import annotations

from typing import Any, Final

from bot.domain.events.people import RequestKind
from bot.domain.strategy_switch import StrategySwitch
from bot.engine.trade.reviews import _is_first
from tests.engine.desk import Desk

_RISK: Final = {"max_losses_in_a_row": 1000, "degradation": {"window": 5, "losses_in_a_row": 3}}
SETTINGS: Final[dict[str, Any]] = {
    "risk": _RISK,
    "people": {"users": [{"name": "olga", "role": "owner"}, {"name": "otto", "role": "operator"}]},
}


async def trade(desk: Desk, price: str) -> None:
    await desk.propose(2)
    await desk.settle()
    desk.broker.fill(desk.broker.entry, 2, "2.00")
    await desk.settle()
    desk.strategy.contract = None
    desk.broker.fill(desk.broker.stop_order, 2, price)
    await desk.settle()


def told(desk: Desk) -> list[str]:
    return [code for code in desk.store.alerts if code.startswith("STRATEGY_")]


def kept(desk: Desk) -> StrategySwitch:
    return desk.engine.ledger.entities.of(StrategySwitch)[desk.strategy.name]


async def again_on(desk: Desk, actor: str) -> tuple[str, str]:
    return await desk.command(RequestKind.STRATEGY, actor=actor, strategy=desk.strategy.name, to="on")


async def test_one_finding_is_told_two_switch_it_off_and_an_owner_switches_it_on_again() -> None:
    desk = Desk(SETTINGS)
    desk.strategy.cool_down_s = 0
    await desk.start()
    for price in ("1.00", "2.50", "1.00", "1.00"):
        await trade(desk, price)
    assert told(desk) == []
    desk = Desk(SETTINGS, store=desk.store, broker=desk.broker, clock=desk.clock, strategy=desk.strategy, seed=2)
    await desk.start()
    assert told(desk) == [], "a restart judges what it finds, and that is not worse yet"
    await trade(desk, "1.00")
    assert sorted(set(told(desk))) == ["STRATEGY_DEGRADED", "STRATEGY_DISABLED"]
    assert (kept(desk).state, kept(desk).switched_by) == ("off", "tick")
    assert set(kept(desk).findings) == {"losses_in_a_row", "win_rate", "mean_loss"}
    row = [r for r in desk.store.transitions if r.machine == "strategy"][-1]
    assert (row.from_state, row.to_state, row.actor) == ("on", "off", "tick")
    assert row.evidence["findings"]["losses_in_a_row"]["losses_in_a_row"] == 3
    signals, said = len(desk.store.signals), len(told(desk))
    await desk.propose(2)
    await desk.settle()
    assert len(desk.store.signals) == signals, "what is off does not look"

    desk = Desk(SETTINGS, store=desk.store, broker=desk.broker, clock=desk.clock, strategy=desk.strategy, seed=3)
    await desk.start()
    assert (kept(desk).state, len(told(desk))) == ("off", said), "a restart neither lifts it nor tells it again"
    state, answer = await desk.command(
        RequestKind.STRATEGY, actor="admin:web:otto", strategy=desk.strategy.name, to="shadow"
    )
    assert state == "done", "an operator may have it look"
    state, answer = await again_on(desk, "admin:web:otto")
    assert (state, answer.startswith("STRATEGY_DEGRADED")) == ("refused", True)
    state, _ = await again_on(desk, "admin:web:olga")
    assert (state, kept(desk).state, kept(desk).findings) == ("done", "on", ())
    ctx = desk.engine._context(desk.clock.now())
    assert _is_first(ctx, desk.strategy.name), "its next trade is the first since, which makes it complex"
    await trade(desk, "1.00")
    assert kept(desk).state == "on", "it is judged anew from there"
    assert not _is_first(desk.engine._context(desk.clock.now()), desk.strategy.name)


async def test_one_finding_alone_is_told_once_and_changes_nothing() -> None:
    desk = Desk(SETTINGS)
    desk.strategy.cool_down_s = 0
    await desk.start()
    for _ in range(4):
        await trade(desk, "1.00")
    assert told(desk) == ["STRATEGY_DEGRADED"]
    assert (kept(desk).state, kept(desk).findings) == ("on", ("losses_in_a_row",))
    await trade(desk, "9.00")
    assert kept(desk).findings == ("win_rate",), "a win ends the row; one of five won"
    assert kept(desk).state == "on"
