"""The gateway's restart windows: nothing is sent in them, entries stop before them, the book is compared after them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.config.schema import IbkrSettings
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import RequestKind
from bot.engine.day.restart_windows import window_at
from tests.engine.desk import Desk

WINDOW: dict[str, Any] = {"name": "test", "begins": "10:10", "ends": "10:20"}  # the desk's clock begins at 10:00


def a_desk() -> Desk:
    return Desk({"ibkr": {"restart_windows": [WINDOW], "quiet_before_restart_s": 120}})


@pytest.mark.parametrize(
    "utc, name",
    [
        ("2026-11-20T04:39:59", None), ("2026-11-20T04:40:00", "nightly reset"),
        ("2026-11-20T05:44:59", "nightly reset"),
        ("2026-11-20T05:45:00", None), ("2026-11-22T06:00:00", "weekly login"), ("2026-11-23T06:00:00", None),
        ("2026-07-17T03:41:00", "nightly reset"),
    ],
)  # fmt: skip
def test_the_usual_windows_are_new_yorks_and_cross_midnight(utc: str, name: str | None) -> None:
    found = window_at(IbkrSettings(), datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert (found.name if found else None) == name


async def test_entries_stop_before_a_window_and_say_why() -> None:
    desk = await a_desk().start()
    await desk.wait(485, 5.0)
    desk.quote("1.98", "2.02")
    desk.strategy.contract = desk.contract
    await desk.wait(3)
    assert desk.store.signals == []
    assert "restart window" in " ".join(desk.store.status.waiting_for)


async def test_in_a_window_an_exit_waits_with_the_reason_and_goes_out_after_it() -> None:
    desk = await a_desk().start()
    await desk.hold(4)
    await desk.wait(605, 5.0)
    assert desk.store.connection.state == "restart_window"
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.wait(60, 5.0)
    assert desk.broker.stop_order.live, "nothing is sent"
    slow = [a for batch in desk.store.batches for a in batch.alerts if a.code == "EXIT_SLOW"]
    assert "restart_window" in slow[0].text
    await desk.wait(560, 5.0)
    assert desk.store.connection.state == "synced"
    assert desk.store.session.state == "active"
    assert desk.broker.market.left == 4
    assert desk.store.refused == []


async def test_a_restart_inside_its_window_is_taken_up_when_the_window_is_over() -> None:
    desk = await a_desk().start()
    await desk.wait(605, 5.0)
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.wait(300, 5.0)
    desk.put(LinkChanged(LinkChange.CONNECTING, "", desk.clock.now()))
    await desk.tick()
    assert desk.store.connection.state == "restart_window"
    await desk.wait(300, 5.0)
    assert desk.store.connection.state == "handshaking"
    desk.put(LinkChanged(LinkChange.ACCEPTED, "", desk.clock.now()))
    await desk.wait(5)
    assert desk.store.connection.state == "synced"
    assert desk.store.session.state == "active"


@pytest.mark.parametrize("inside", [False, True], ids=["the window comes", "a start falls into it"])
async def test_a_planned_window_is_no_broker_that_is_gone_until_it_is_over(inside: bool) -> None:
    desk = a_desk()
    if inside:
        desk.clock.advance(605)
        await desk.engine.start()
    else:
        await desk.start()
        await desk.wait(600, 5.0)
        desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.wait(60, 5.0)
    assert desk.store.connection.state == "restart_window"
    assert desk.store.alerts.count("BREAKER_TRIPPED") == 0
    await desk.wait(550, 5.0)
    assert desk.store.connection.state == "down"
    await desk.wait(30, 5.0)
    assert desk.store.alerts.count("BREAKER_TRIPPED") == 1, "it is over, and nobody came"
