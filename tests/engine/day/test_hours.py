"""The broker's trading hours beside the calendar: told once with both, entries keep to the more cautious."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.domain.calendar import NEW_YORK
from bot.domain.events.market_data import HoursTold
from bot.domain.hours import DayHours
from tests.engine.desk import DAY, SPY_590C, Desk


def hours(*spans: str, day: date = DAY) -> DayHours:
    def moment(text: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(text), NEW_YORK).astimezone(UTC)

    return DayHours(day, tuple((moment(s.split("-")[0]), moment(s.split("-")[1])) for s in spans))


def tells(desk: Desk, *days: DayHours, key: str = "SPY", last_day: date | None = None) -> None:
    desk.inbox.put(HoursTold(key, days, last_day, desk.clock.now()))


async def a_desk() -> Desk:
    return await Desk().start()


def told(desk: Desk, code: str = "HOURS_DIFFER") -> list[str]:
    return [each.text for batch in desk.store.batches for each in batch.alerts if each.code == code]


async def test_the_usual_hours_are_no_news_and_entries_go_on() -> None:
    desk = await a_desk()
    tells(desk, hours("09:30-16:00"), hours(day=date(2026, 11, 21)))
    await desk.entry_working()
    assert not told(desk)


async def test_stocks_are_asked_about_once_an_hour_and_indices_never() -> None:
    desk = Desk()
    desk.strategy.symbols = ("SPY", "SPX")
    await desk.start()
    await desk.ticks(8)
    assert desk.broker.asked_hours == ["SPY"]
    await desk.wait(3700, step=60)
    assert desk.broker.asked_hours == ["SPY", "SPY"]


@pytest.mark.parametrize(
    "spans, words",
    [
        ((), "closed"),
        (("13:00-16:00",), "13:00-16:00"),
        (("09:30-09:59",), "09:30-09:59"),
        (("09:30-09:45", "11:00-16:00"), "09:30-09:45, 11:00-16:00"),
    ],
)
async def test_a_difference_is_told_once_with_both_and_nothing_is_bought(spans: tuple[str, ...], words: str) -> None:
    desk = await a_desk()
    for _ in range(3):
        tells(desk, hours(*spans))
        await desk.tick()
    await desk.propose()
    await desk.settle()
    assert not desk.broker.submitted
    (text,) = told(desk)
    assert f"the broker says {words}, the calendar 09:30-16:00" in text


async def test_an_entry_on_its_way_is_taken_back() -> None:
    desk = await a_desk()
    await desk.entry_working()
    tells(desk, hours())
    await desk.settle()
    assert not desk.broker.live


async def test_stops_and_exits_of_what_is_held_go_on() -> None:
    desk = await a_desk()
    await desk.hold()
    tells(desk, hours())
    await desk.settle()
    assert desk.broker.stop_order.live
    assert not desk.position.close_reason
    await desk.bid("0.50")
    desk.broker.fill(desk.broker.stop_order, price="0.50")
    await desk.settle()
    assert not desk.store.open_positions


async def test_what_expires_today_is_flat_as_long_before_an_earlier_close() -> None:
    desk = await a_desk()
    await desk.hold()
    tells(desk, hours("09:30-10:30"))
    await desk.wait(10 * 60, step=15)
    assert not desk.position.close_reason
    await desk.wait(11 * 60, step=15)
    assert desk.position.close_reason


async def test_longer_hours_are_told_and_change_nothing() -> None:
    desk = await a_desk()
    tells(desk, hours("07:30-17:00"))
    await desk.entry_working()
    assert len(told(desk)) == 1


async def test_a_quarter_of_an_hour_past_the_close_is_usual_for_options() -> None:
    desk = await a_desk()
    tells(desk, hours("09:30-16:15"), key=SPY_590C.key)
    await desk.tick()
    assert not told(desk)


async def test_an_option_says_nothing_of_days_after_its_last() -> None:
    desk = await a_desk()
    yesterday = DAY - timedelta(days=1)
    tells(desk, hours(), key=SPY_590C.key, last_day=yesterday)
    await desk.entry_working()
    assert not told(desk)


async def test_who_is_right_again_is_told_and_entries_go_on() -> None:
    desk = await a_desk()
    tells(desk, hours())
    await desk.tick()
    tells(desk, hours("09:30-16:00"))
    await desk.entry_working()
    assert len(told(desk, "HOURS_AGREE")) == 1


async def test_a_day_on_which_we_think_that_nothing_trades_is_told() -> None:
    desk = await a_desk()
    saturday = date(2026, 11, 21)
    tells(desk, hours("09:30-16:00", day=saturday))
    await desk.tick()
    (text,) = told(desk)
    assert "Sat 21 Nov: the broker says 09:30-16:00, the calendar closed" in text
