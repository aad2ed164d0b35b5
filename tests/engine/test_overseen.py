"""Whatever the overseer says: no approval, no entry, no larger size; what it slows ends by its time or by a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.actors import Role
from bot.domain.events.people import InboundReceived, RequestKind
from bot.domain.order import Order, Purpose
from bot.domain.overseer import Action, Answered, ModelTask
from bot.domain.session import SessionState
from bot.domain.signal import SignalState
from bot.domain.slowdown import Slowdown, SlowdownState
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from tests.engine.desk import SPY_580P, Desk
from tests.examples import examples


async def says(desk: Desk, action: str, **more: Any) -> str:
    """Have the overseer say something after it looked at the bot; returns what the bot answers."""
    row = f"v{len(desk.store.batches)}"
    payload = {"task": "anomaly", "answered": "answered", "action": action, "reason": "spreads", **more}
    desk.put(InboundReceived(row, "overseer", "verdict", payload, desk.clock.now()))
    await desk.tick()
    return next(each.answer for batch in desk.store.batches for each in batch.inbound if each.id == row)


def entries(desk: Desk) -> list[Order]:
    return [order for order in desk.engine.ledger.orders.values() if order.purpose is Purpose.ENTRY]


def slowdown(desk: Desk) -> Slowdown:
    return list(desk.store.entities.of(Slowdown).values())[-1]


async def test_slow_makes_an_entry_smaller() -> None:
    desk = await Desk().start()
    await says(desk, "slow", scale="0.5")
    await desk.propose(4)
    await desk.settle()
    assert desk.broker.entry.terms.quantity == 2
    [alert] = [alert for batch in desk.store.batches for alert in batch.alerts if alert.code == "OVERSEER_ADVICE"]
    assert "entries at 0.5 of their size, 300 s apart" in alert.text


async def test_slow_spaces_entries_and_ends_with_its_time() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    await says(desk, "slow", scale="0.9", spacing_s=600, lasts_s=900)
    desk.contract = SPY_580P
    await desk.propose(4)
    await desk.settle()
    assert len(entries(desk)) == 1  # the strategy is not even asked
    await desk.wait(600, step=30)
    desk.quote("1.98", "2.02", SPY_580P)
    await desk.settle()
    assert [order.terms.quantity for order in entries(desk)] == [4, 3]
    await desk.wait(300, step=30)
    assert slowdown(desk).state is SlowdownState.FREE
    assert slowdown(desk).scale == 1
    assert [row.trigger for row in desk.store.transitions if row.machine == "slowdown"] == ["slow", "end"]


async def test_slow_survives_a_restart_and_a_person_lifts_it() -> None:
    desk = await Desk().start()
    await says(desk, "slow", lasts_s=7200)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock).start()
    assert again.engine.ledger.slowdown.scale_at(again.clock.now()) == Decimal("0.5")
    assert await again.command(RequestKind.RESUME) == ("done", "active; counted anew: slowdown")
    assert again.engine.ledger.slowdown.scale_at(again.clock.now()) == 1


@pytest.mark.parametrize("action,state", [("pause", SessionState.PAUSED), ("halt", SessionState.HALTED)])
async def test_pause_and_halt_pass_the_table_of_requests(action: str, state: SessionState) -> None:
    desk = await Desk({"overseer": {"may": ["pause", "halt"]}}).start()
    await says(desk, action)
    assert desk.engine.ledger.session.state is state
    assert desk.engine.ledger.session.held_by == "overseer"
    assert desk.store.commands[-1].actor == "overseer"


@pytest.mark.parametrize("action", ["slow", "veto", "pause", "halt"])
async def test_what_it_may_not_do_is_noted_alone(action: str) -> None:
    desk = await Desk({"overseer": {"may": ["warn"]}}).start()
    assert await says(desk, action) == f"{action} is not one of overseer.may: noted alone"
    assert desk.engine.ledger.session.state is SessionState.ACTIVE
    assert not desk.store.entities.of(Slowdown)


async def test_a_veto_names_a_signal_that_waits() -> None:
    desk = await Desk({"approval": {"mode": "manual"}}).start()
    await desk.propose(4)
    await desk.settle()
    assert "unknown" in await says(desk, "veto", subject="nothing")
    assert (await says(desk, "veto", subject=desk.signal.id)).startswith("rejected")
    assert desk.signal.state is SignalState.REJECTED


@pytest.mark.parametrize("task", [each for each in ModelTask if each not in {ModelTask.ANOMALY, ModelTask.REVIEW}])
async def test_a_text_asks_for_nothing(task: ModelTask) -> None:
    desk = await Desk({"overseer": {"may": ["slow", "veto", "pause", "halt"]}}).start()
    await says(desk, "halt", task=task.value)
    assert desk.engine.ledger.session.state is SessionState.ACTIVE


@pytest.mark.parametrize(
    "source,payload",
    [
        ("page", {"task": "anomaly", "answered": "answered"}),
        ("people", {"task": "anomaly", "answered": "answered", "action": "halt"}),
        ("overseer", {"task": "trade", "answered": "answered"}),
        ("overseer", {"task": "anomaly", "answered": "answered", "action": "approve"}),
        ("overseer", {}),
    ],
)
async def test_what_is_no_verdict_changes_nothing(source: str, payload: dict[str, Any]) -> None:
    desk = await Desk().start()
    desk.put(InboundReceived("v", source, "verdict", payload, desk.clock.now()))
    await desk.tick()
    [row] = [each for batch in desk.store.batches for each in batch.inbound]
    assert row.state == "refused"
    assert not [call for batch in desk.store.batches for call in batch.calls]


NUMBER = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8), st.just("NaN"), st.just("1e400"),
    st.lists(st.integers(), max_size=2),
)  # fmt: skip
WORD = st.one_of(st.sampled_from([*Action, "approve", "enter", "resume", "APPROVE"]), st.text(max_size=12))
VERDICT = st.fixed_dictionaries(
    {
        "task": st.sampled_from([*ModelTask]).map(str),
        "answered": st.sampled_from([*Answered]).map(str),
        "action": WORD.map(str),
    },
    optional={
        "scale": NUMBER, "spacing_s": NUMBER, "lasts_s": NUMBER, "severity": st.text(max_size=9), "text": st.text(),
        "reason": st.text(max_size=40), "subject": st.sampled_from(["", "SIGNAL", "REVIEW", "other"]),
        "verdict": st.dictionaries(st.text(max_size=5), NUMBER, max_size=3), "cost_micros": NUMBER,
        "approve": st.just(True), "quantity": st.integers(), "kind": st.just("approve"),
    },
)  # fmt: skip
MAY = st.lists(st.sampled_from(["warn", "slow", "veto", "pause", "halt"]), unique=True)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(VERDICT, min_size=1, max_size=6), MAY, st.booleans())
def test_no_verdict_approves_enters_or_enlarges(said: list[dict[str, Any]], may: list[str], manual: bool) -> None:
    async def run() -> None:
        given_settings: dict[str, Any] = {"overseer": {"may": may}}
        if manual:
            given_settings["approval"] = {"mode": "manual"}
        desk = await Desk(given_settings, overseen=True).start()
        if manual:
            await desk.propose(4)
            await desk.settle()
        scale = Decimal(1)
        for number, verdict in enumerate(said):
            meant = {"SIGNAL": desk.signal.id} if manual else {}
            payload = {**verdict, "subject": meant.get(verdict.get("subject", ""), "")}
            desk.put(InboundReceived(f"v{number}", "overseer", "verdict", payload, desk.clock.now()))
            await desk.tick()
            now = desk.engine.ledger.slowdown.scale_at(desk.clock.now())
            assert 0 < now <= scale
            scale = now
        await desk.settle()
        assert not [alert for batch in desk.store.batches for alert in batch.alerts if alert.code == "FACT_FAULT"]
        assert len([each for batch in desk.store.batches for each in batch.inbound]) == len(said)
        assert desk.broker.submitted == []
        assert not [row for row in desk.store.transitions if row.trigger in {"approve", "work"}]
        asked = {command.kind for command in desk.store.commands}
        assert asked <= {RequestKind.REJECT, RequestKind.PAUSE, RequestKind.HALT}
        until = desk.engine.ledger.slowdown.until
        most = timedelta(seconds=desk.settings.overseer.slow.lasts_most_s)
        assert until is None or until <= desk.clock.now() + most

    asyncio.run(run())


async def test_what_stands_around_an_alert_is_added_by_an_edit() -> None:
    voice = Voice({"telegram": Channel("telegram", edits=True)}, (MessageTarget("telegram", "ann", Role.OWNER),))
    desk = await Desk(voice=voice).start()
    payload = {"code": "OVERSEER_UNPROTECTED", "text": "no stop", "entity": "P"}
    desk.put(InboundReceived("a1", "overseer", "alert", payload, desk.clock.now()))
    await desk.tick()
    [alert] = [each for each in desk.engine.ledger.alerts.values() if each.code == "OVERSEER_UNPROTECTED"]
    [first] = [m for m in desk.engine.ledger.messages.values() if alert.id in m.extra.get("alert_ids", ())]
    delivery = {"message": first.id, "outcome": "delivered", "external_id": "1:2", "attempt": first.attempts}
    await desk.tick()
    desk.put(InboundReceived("d1", "people", "delivery", delivery, desk.clock.now()))
    await desk.tick()
    await says(desk, "none", task="alert_context", subject=alert.id, text="Two positions are held.")
    edits = [m for m in desk.engine.ledger.messages.values() if m.parent_id == first.id]
    assert edits
    assert "Two positions are held." in edits[-1].body
    assert first.state == "sent"
