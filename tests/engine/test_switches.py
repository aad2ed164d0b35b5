"""Strategies switched, one entry taken back, settings read anew."""

from __future__ import annotations

import pytest

from bot.domain.events.people import RequestKind
from bot.domain.order import OrderState
from bot.domain.requests import Refused
from bot.domain.signal import SignalState
from bot.domain.strategy_switch import StrategySwitch
from bot.engine.switches import ComingSettings, InForce
from tests.engine.desk import Desk

K = RequestKind


async def switch(desk: Desk, to: str, actor: str = "admin:web:ann") -> tuple[str, str]:
    return await desk.command(K.STRATEGY, actor=actor, strategy=desk.strategy.name, to=to)


async def test_a_strategy_that_is_off_does_not_look_and_is_on_again_when_it_is_switched_on() -> None:
    desk = await Desk().start()
    assert (await switch(desk, "off"))[0] == "done"
    await desk.propose(4)
    await desk.settle()
    assert desk.store.signals == []
    assert desk.engine.ledger.entering.switch(desk.strategy.name) == "off"
    assert (await switch(desk, "on"))[0] == "done"
    await desk.propose(4)
    await desk.settle()
    assert desk.broker.entry.terms.quantity == 4
    rows = [(r.trigger, r.from_state, r.to_state) for r in desk.store.transitions if r.machine == "strategy"]
    assert rows == [("turn_off", "on", "off"), ("turn_on", "off", "on")]


async def test_in_shadow_what_would_be_bought_is_on_record_and_nothing_is_bought() -> None:
    desk = await Desk().start()
    await switch(desk, "shadow")
    await desk.propose(4)
    await desk.settle()
    assert desk.signal.state is SignalState.REJECTED
    assert "SHADOW" in [row.reason for row in desk.store.transitions if row.machine == "signal"][-1]
    assert (desk.broker.submitted, desk.broker.what_ifs) == ([], [])


async def test_what_waits_is_called_off_and_what_is_held_is_managed_on() -> None:
    desk = await Desk({"approval": {"mode": "manual"}}).start()
    await desk.propose(4)
    await desk.settle()
    await switch(desk, "off")
    assert desk.signal.state is SignalState.CANCELLED
    held = await Desk().start()
    await held.hold(2)
    state, answer = await switch(held, "off")
    assert (state, "1 open positions of it are managed to their end" in answer) == ("done", True)
    assert held.broker.stop_order.left == 2


async def test_a_switch_outlives_a_restart() -> None:
    desk = await Desk().start()
    await switch(desk, "off")
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    assert again.engine.ledger.entering.switch(desk.strategy.name) == "off"
    (kept,) = again.engine.ledger.entities.of(StrategySwitch).values()
    assert kept.switched_by == "admin:web:ann"


@pytest.mark.parametrize("name,to,code", [("gone", "off", "STRATEGY_UNKNOWN"), ("", "sideways", "SWITCH_UNCLEAR"),
                                          ("", "", "SWITCH_UNCLEAR"), ("", "on", "strategy")])  # fmt: skip
async def test_a_switch_that_makes_no_sense_changes_nothing(name: str, to: str, code: str) -> None:
    desk = await Desk().start()
    state, answer = await desk.command(K.STRATEGY, strategy=name or desk.strategy.name, to=to)
    assert (state, answer.startswith(code)) == ("refused", True)
    assert not [row for row in desk.store.transitions if row.machine == "strategy"]


async def test_one_entry_is_taken_back_and_a_stop_is_not() -> None:
    desk = await Desk().start()
    await desk.entry_working(4)
    (order,) = desk.engine.ledger.order_index.open.values()
    state, _ = await desk.command(K.CANCEL_ORDER, order_id=order.order_ref)
    await desk.settle()
    assert (state, order.state, desk.signal.state) == ("done", OrderState.CANCELLED, SignalState.CANCELLED)
    held = await Desk().start()
    await held.hold(2)
    (stop,) = held.engine.ledger.order_index.open.values()
    state, answer = await held.command(K.CANCEL_ORDER, order_id=stop.id)
    await held.settle()
    assert (state, answer[:14], stop.state) == ("refused", "ORDER_PROTECTS", OrderState.WORKING)
    assert (await held.command(K.CANCEL_ORDER, order_id="nothing"))[1].startswith("ORDER_UNKNOWN: no live order is")


async def test_settings_are_read_for_who_asks_and_the_run_begins_again_only_when_they_are_fit() -> None:
    desk = await Desk().start()
    assert (await desk.command(K.RELOAD_CONFIG))[1].startswith("CONFIG_NOT_HERE")
    assert not desk.engine.should_begin_again
    reloading = desk.engine._tick_memory.reloading

    def unfit(actor: str) -> str:
        raise Refused("CONFIG_REFUSED: config/bot.yaml line 3: no")

    reloading.read = unfit
    assert await desk.command(K.RELOAD_CONFIG) == ("refused", "CONFIG_REFUSED: config/bot.yaml line 3: no")
    assert not desk.engine.should_begin_again
    reloading.read = lambda actor: "settings abc were read"
    assert (await desk.command(K.RELOAD_CONFIG))[0] == "done"
    begins = desk.engine.should_begin_again, desk.engine.has_new_settings
    assert begins == (True, True)


async def test_settings_that_may_change_live_are_in_force_from_the_top_of_the_next_tick_on() -> None:
    desk = await Desk().start()
    recorded: list[int] = []

    async def record() -> None:
        recorded.append(desk.engine.settings.risk.max_positions)

    before = desk.engine.settings
    risk = before.risk.model_copy(update={"max_positions": 1})
    settings = before.model_copy(update={"risk": risk})
    desk.engine.take_settings(ComingSettings(settings, (desk.strategy,), record))
    assert desk.engine.settings is before
    await desk.tick()
    assert (desk.engine.settings, recorded) == (settings, [before.risk.max_positions]), "on record before in force"
    await desk.tick()
    assert len(recorded) == 1


async def test_an_answer_that_is_in_force_needs_no_new_beginning() -> None:
    desk = await Desk().start()
    desk.engine._tick_memory.reloading.read = lambda actor: InForce(f"read for {actor}")
    assert await desk.command(K.RELOAD_CONFIG, actor="admin:web:ann") == ("done", "read for admin:web:ann")
    assert not desk.engine.should_begin_again
