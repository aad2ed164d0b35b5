"""A position at the broker whose average cost is none: through socket, adapter and engine its stop comes from a bid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.position import Origin, Protection
from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import OPTION, UNSET, position
from tests.broker.wired import Wired


@pytest.mark.parametrize("cost", ["0", "0.0", UNSET])
async def test_a_position_without_a_cost_has_no_stop_until_a_bid_has_come_and_then_one_below_that(
    book_tws: BookTws, cost: str
) -> None:
    book_tws.answers[61] = lambda _: book_tws.send_all([position(OPTION, 3, cost), (62, 1)])
    bot = Wired(book_tws)
    try:
        await bot.engine.start()
        await bot.broker.start()
        await bot.until(lambda: bot.holds and bot.session == "active")
        assert (bot.position.origin, bot.position.has_cost) == (Origin.BROKER, False)
        await bot.until(lambda: bot.alerts("UNPROTECTED"), step=0.5)
        assert "the broker names no cost" in bot.alerts("UNPROTECTED")[0].text
        assert book_tws.of(3) == []
        await bot.until(lambda: book_tws.of(1), step=1.0)
        await bot.quote("4.9", "5.1")
        await bot.until(lambda: bot.position.protection is Protection.WORKING)
        stop = book_tws.only("STP")
        assert bot.position.entry_price == Decimal("4.9")
        assert (stop.quantity, Decimal(stop.stop)) == (3, bot.position.stop_price)
        assert Decimal(2) < Decimal(stop.stop) < Decimal("4.9")
        assert [each.kind for each in book_tws.live] == ["STP"], "no rung is sold in haste"
    finally:
        await bot.engine.stop("the test is over")
        await bot.broker.stop()
