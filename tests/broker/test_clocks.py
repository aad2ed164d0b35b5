"""TWS tells its time over the socket, and the engine judges ours by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.calendar import NEW_YORK
from bot.domain.position import PositionState
from tests.broker.book_tws import BookTws
from tests.broker.wired import TEN, Wired, wired
from tests.engine.fake_store import FakeStore

HOUR = timedelta(hours=1)


def at_another_hour(tws: BookTws, ahead: timedelta, store: FakeStore | None = None) -> Wired:
    """Return a bot, not started, whose clock is so far ahead of the time that TWS tells."""
    bot = Wired(tws, store=store, clock=ManualClock(TEN + ahead))
    tws.now = lambda: bot.clock.now() - ahead
    return bot


@pytest.mark.parametrize("ahead", [10 * HOUR, 24 * HOUR, -24 * HOUR])
async def test_a_bot_at_another_hour_than_tws_is_not_active_and_keeps_what_it_holds(
    book_tws: BookTws, ahead: timedelta
) -> None:
    async with wired(book_tws) as before:
        await before.hold()
        store = before.store
    bot = at_another_hour(book_tws, ahead, store)
    await bot.engine.start()
    await bot.broker.start()
    await bot.until(lambda: bot.connection == "synced")
    await bot.until(lambda: bot.alerts("CLOCK_WRONG"))
    assert bot.session == "reconciling"
    (told,) = bot.alerts("CLOCK_WRONG")
    assert f"{(TEN + ahead).astimezone(NEW_YORK):%d %b %Y %H:%M}" in told.text, "the bot's own"
    assert f"{TEN.astimezone(NEW_YORK):%d %b %Y %H:%M}" in told.text, "the broker's"
    await bot.until(lambda: bot.clock.now() > TEN + ahead + timedelta(seconds=30), step=1.0)
    assert bot.position.state is PositionState.FILLED
    assert bot.position.close_reason is None
    (stop,) = book_tws.live
    stop.status = "Cancelled"
    book_tws.tell(stop)
    await bot.until(lambda: any(o.kind == "STP" for o in book_tws.live))  # the contract is still known, and protected
    await bot.engine.stop("the test is over")
    await bot.broker.stop()


async def test_a_probe_that_finds_the_clocks_apart_takes_the_session_out_and_one_that_finds_them_one_lets_it_on(
    book_tws: BookTws,
) -> None:
    async with wired(book_tws, broker={"probe_every_s": 0.02}) as bot:
        await bot.hold()
        book_tws.now = lambda: bot.clock.now() - HOUR
        await bot.until(lambda: bot.session == "reconciling")
        assert len(bot.alerts("CLOCK_WRONG")) == 1
        bot.strategy.contract = bot.contract
        sent = len(book_tws.of(3))
        await bot.heard()
        assert len(book_tws.of(3)) == sent
        book_tws.now = bot.clock.now
        await bot.until(lambda: bot.session == "active")
        assert len(bot.alerts("CLOCK_RIGHT")) == 1


async def test_a_tws_that_tells_no_time_is_not_connected_to(book_tws: BookTws) -> None:
    book_tws.mute.add(49)
    bot = Wired(book_tws, broker={"request_timeout_s": 0.05})
    await bot.engine.start()
    await bot.broker.start()
    await bot.until(lambda: bot.alerts("BROKER_UNREACHABLE"))
    assert bot.session == "starting"
    book_tws.mute.clear()
    await bot.until(lambda: bot.session == "active")
    await bot.engine.stop("the test is over")
    await bot.broker.stop()
