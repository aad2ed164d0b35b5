"""A bot that looks alive and trades nothing says so (P33)."""

from datetime import UTC, datetime
from typing import Any

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.people import AlertRaised, RequestKind
from tests.engine.desk import Desk

NO_WINDOWS: dict[str, Any] = {"ibkr": {"restart_windows": []}}
SATURDAY_NIGHT = datetime(2026, 11, 22, 4, 50, tzinfo=UTC)  # 23:50 in New York, the weekly login comes at 01:00


def told(desk: Desk, code: str) -> list[AlertRaised]:
    return [alert for batch in desk.store.batches for alert in batch.alerts if alert.code == code]


def drop(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "no socket", desk.clock.now()))


async def test_p33_a_connection_that_stays_away_in_the_session_is_told_with_its_reason() -> None:
    desk = await Desk(NO_WINDOWS).start()
    drop(desk)
    await desk.ticks(28, 10)
    assert told(desk, "NOT_TRADABLE") == []
    await desk.ticks(4, 10)
    (alert,) = told(desk, "NOT_TRADABLE")
    assert alert.severity == "critical"
    assert "connection down (no socket)" in alert.text
    await desk.ticks(200, 10)
    assert len(told(desk, "NOT_TRADABLE")) == 2, "again every half hour"


async def test_p33_a_halt_that_nobody_ends_names_who_and_why_and_a_pause_is_a_warning() -> None:
    desk = await Desk(NO_WINDOWS).start()
    await desk.command(RequestKind.HALT, actor="admin:web:ann", reason="news")
    await desk.ticks(35, 10)
    assert "by admin:web:ann: news" in told(desk, "NOT_TRADABLE")[0].text
    await desk.command(RequestKind.RESUME)
    await desk.ticks(3)
    await desk.command(RequestKind.PAUSE)
    await desk.ticks(35, 10)
    assert [alert.severity for alert in told(desk, "NOT_TRADABLE")] == ["critical", "warning"]


async def test_p33_outside_the_session_and_while_entries_are_allowed_nothing_is_told() -> None:
    desk = await Desk(NO_WINDOWS, at=datetime(2026, 11, 20, 12, 0, tzinfo=UTC)).start()
    drop(desk)
    await desk.ticks(60, 60)
    assert told(desk, "NOT_TRADABLE") == []
    await desk.connect()
    await desk.ticks(60, 60)
    assert told(desk, "NOT_TRADABLE") == []


async def test_p33_the_weekly_login_is_announced_and_a_missed_one_is_told_long_before_monday() -> None:
    desk = await Desk(at=SATURDAY_NIGHT).start()
    desk.quoting = desk.vendor_talks = False
    drop(desk)
    await desk.ticks(3 * 60, 60)
    assert [alert.severity for alert in told(desk, "LOGIN_DUE")] == ["warning"]
    assert "after 03:00 New York" in told(desk, "LOGIN_DUE")[0].text
    assert told(desk, "LOGIN_MISSED") == []
    await desk.ticks(2 * 60, 60)
    (alert,) = told(desk, "LOGIN_MISSED")
    assert alert.severity == "critical"
    assert "weekly login of Sunday 03:00 New York" in alert.text
    assert desk.clock.now() < datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    await desk.ticks(6 * 60 + 10, 60)
    assert len(told(desk, "LOGIN_MISSED")) == 2, "again every six hours"


async def test_p33_a_login_that_was_made_is_proved_by_the_connection_and_nobody_is_called() -> None:
    desk = await Desk(at=SATURDAY_NIGHT).start()
    desk.quoting = desk.vendor_talks = False
    drop(desk)
    await desk.ticks(4 * 60, 60)
    await desk.connect()
    await desk.ticks(3, 5)
    assert desk.store.connection.state == "synced"
    drop(desk)
    await desk.ticks(3 * 60, 60)
    assert told(desk, "LOGIN_MISSED") == []
