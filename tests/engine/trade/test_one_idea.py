"""Two strategies with one idea on one underlying: one trade, with the reasons of both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.signal import SignalState
from tests.engine.desk import SPY_580P, SPY_590C, Desk
from tests.engine.fakes import FakeStrategy


async def two_propose(desk: Desk, rival: FakeStrategy) -> None:
    """Have both propose a call on SPY in one tick."""
    desk.quote("1.98", "2.02")
    desk.equity(100_000)
    await desk.tick()
    desk.strategy.contract = rival.contract = SPY_590C
    await desk.tick()


async def test_the_same_idea_in_one_tick_is_one_signal_with_both_reasons() -> None:
    rival = FakeStrategy("rival")
    desk = await Desk(others=[rival]).start()
    await two_propose(desk, rival)
    (signal,) = desk.store.signals
    assert (signal.strategy, signal.rationale["with"]) == ("fake", {"rival": "told"})
    (row,) = [row for row in desk.store.transitions if row.trigger == "join"]
    assert row.reason == "rival has the same idea: told"
    await desk.settle()
    assert len(desk.store.orders) == 1


async def test_it_is_asked_once_and_not_again_while_the_first_is_under_way_or_held() -> None:
    rival = FakeStrategy("rival", cool_down_s=600)
    desk = await Desk(others=[rival]).start()
    await desk.hold(4)
    rival.contract = SPY_590C
    await desk.tick()
    assert len(desk.store.signals) == 1
    (said,) = [row.reason for row in desk.store.transitions if row.trigger == "join"] or ["none"]
    assert said == "none"
    assert any("one idea with what fake bought" in line for line in waiting(desk))
    desk.clock.advance(601)
    desk.quote("1.98", "2.02")
    rival.contract = SPY_590C
    await desk.tick()
    assert [each.strategy for each in desk.store.signals] == ["fake", "rival"], "after the cool-down it is a new idea"


async def test_the_other_direction_and_a_strategy_in_shadow_are_ideas_of_their_own() -> None:
    rival = FakeStrategy("rival", contract=SPY_580P)
    desk = await Desk(others=[rival]).start()
    desk.quote("1.48", "1.52", SPY_580P)
    await two_propose(desk, rival)
    rival.contract = SPY_580P
    await desk.tick()
    assert {each.contract.right.value for each in desk.store.signals} == {"C", "P"}


@pytest.mark.parametrize("state", [SignalState.REJECTED, SignalState.EXPIRED])
async def test_what_came_to_nothing_keeps_nobody_from_trying(state: SignalState) -> None:
    rival = FakeStrategy("rival", cool_down_s=600)
    desk = await Desk(others=[rival]).start()
    desk.quote("1.98", "2.02")
    desk.equity(100_000 if state is SignalState.EXPIRED else 50)
    await desk.tick()
    desk.strategy.contract = SPY_590C
    await desk.tick()
    if state is SignalState.EXPIRED:
        await desk.wait(timedelta(minutes=10).total_seconds(), step=5.0)
    desk.equity(100_000)
    desk.quote("1.98", "2.02")
    await desk.tick()
    rival.contract = SPY_590C
    await desk.tick()
    assert [each.strategy for each in desk.store.signals] == ["fake", "rival"]


def waiting(desk: Desk) -> tuple[str, ...]:
    return desk.engine._tick_memory.scanner.waiting_for(desk.engine.ledger)
