"""The phases of a day, half days and weekends, what is due in them, and what stands in braces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from bot.domain.calendar import NEW_YORK, TradingSession
from bot.feeds.expansions import Filling, choices
from bot.feeds.phases import MarketState, Phases, due_after, spans_of
from bot.feeds.sources import ClassSettings
from tests.feeds.uw_site import NOON, OneDay
from tests.sim.uw.small_source import CLOSE, DAY, OPEN

S = MarketState


def states(session: TradingSession | None, day: date) -> Iterator[tuple[str, MarketState]]:
    for span in spans_of(day, session):
        yield f"{span.begins.astimezone(NEW_YORK):%H:%M}", span.state


def test_a_whole_day_has_its_phases() -> None:
    whole = TradingSession(DAY, OPEN, CLOSE, is_half_day=False)
    assert list(states(whole, DAY)) == [
        ("00:00", S.CLOSED), ("04:00", S.PRE_MARKET), ("09:30", S.REGULAR),
        ("16:00", S.AFTER_HOURS), ("20:00", S.CLOSED),
    ]  # fmt: skip


def test_on_a_half_day_the_hours_after_the_close_come_and_end_earlier() -> None:
    half = TradingSession(DAY, OPEN, CLOSE - timedelta(hours=3), is_half_day=True)
    assert list(states(half, DAY))[3:] == [("13:00", S.AFTER_HOURS), ("17:00", S.CLOSED)]


def test_a_day_without_a_session_is_closed() -> None:
    assert list(states(None, date(2026, 11, 21))) == [("00:00", S.CLOSED)]


def test_what_is_not_asked_at_night_is_due_when_the_next_phase_begins() -> None:
    pace = ClassSettings(share=60, pre_market_s=300)
    evening = CLOSE + timedelta(hours=5)
    due = due_after(evening, evening, lambda state: pace.every_s(state, 60), Phases(OneDay()))
    assert due == datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "Monday, 04:00 New York"
    after = due_after(CLOSE, CLOSE, lambda state: pace.every_s(state, 60), Phases(OneDay()))
    assert after == CLOSE + timedelta(seconds=120), "twice as far apart after the close"


def test_a_time_range_is_of_new_york() -> None:
    within = (time(13, 0), time(14, 0))
    due = due_after(None, NOON, lambda state: 60.0, Phases(OneDay()), within)
    assert due == datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def test_braces_are_filled_for_each_target() -> None:
    path = "/api/{ticker}/{expiry:0-1}/{sector}"
    found = list(choices([path], ["SPY", "QQQ"], {"sector": ("tech", "energy")}))
    assert len(found) == 8
    assert found[1].key == "SPY:tech:1d"
    filled = Filling(found[1], ["SPY", "QQQ"], OneDay(), NOON)
    assert filled.fill(path) == "/api/SPY/2026-11-23/tech"
    assert filled.fill("{tickers} {today} {market_hours}") == (
        "SPY,QQQ 2026-11-20 2026-11-20T14:30:00Z,2026-11-20T21:00:00Z"
    )
