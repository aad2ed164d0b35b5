"""What an entry is judged by beside its own price, as it comes from the feeds and the measures."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.domain.data.merged import ECONOMIC_EVENTS, MergedEvent
from bot.domain.data.sets import MARKET_WIDE
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import QuoteReceived
from bot.domain.readings import Reading
from bot.domain.signal import SignalState
from bot.engine.state.board import Board
from bot.engine.trade.book_view import trade_facts
from tests.engine.desk import SPY_590C, Desk
from tests.engine.fakes import a_quote


def an_event(desk: Desk, kind: str, minutes: float) -> None:
    """The calendar knows of an event so many minutes from now."""
    now = desk.clock.now()
    event = MergedEvent(kind, kind, "US", date(2026, 11, 20), now + timedelta(minutes=minutes), "HIGH", "", "", "", ())
    desk.put(DatumReceived(ECONOMIC_EVENTS, MARKET_WIDE, (event,), None, now, 14400, "calendars"))


@pytest.mark.parametrize(
    "kind, minutes, refused",
    [
        ("fomc_decision", 9, True), ("cpi", -9, True), ("nfp", 9, True), ("fomc_decision", 11, False),
        ("consumer_sentiment", 9, False),
    ],
)  # fmt: skip
async def test_no_option_of_the_day_is_bought_near_an_event(kind: str, minutes: float, refused: bool) -> None:
    desk = await Desk().start()
    an_event(desk, kind, minutes)
    await desk.propose()
    await desk.settle()
    state, reason = desk.signal.state, desk.store.transitions
    assert (state is SignalState.REJECTED) is refused
    assert any("EVENT_BLACKOUT" in row.reason for row in reason if row.machine == "signal") is refused


@pytest.mark.parametrize("said, price, fraction", [(3.0, "600.00", 0.005), (None, "600.00", None), (3.0, None, None)])
async def test_the_expected_move_of_the_measure_is_a_fraction_of_the_price(
    monkeypatch: pytest.MonkeyPatch, said: float | None, price: str | None, fraction: float | None
) -> None:
    """The measure is in dollars a share; a size goes by a fraction."""
    desk = await Desk(settings={"sizing": {"method": "allocation"}}).start()
    if price is not None:
        desk.put(QuoteReceived("SPY", a_quote(price, price, desk.clock.now())))
        await desk.tick()
    reading = Reading(said, desk.clock.now(), "$", "" if said is not None else "no straddle")
    monkeypatch.setattr(Board, "measure", lambda board, name, key: reading)
    facts = trade_facts(desk.engine._context(desk.clock.now()), desk.strategy.name, SPY_590C, {})
    assert facts.expected_move == (None if fraction is None else pytest.approx(fraction))
