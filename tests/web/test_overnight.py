"""What a position brought before today is not today's: page, log and figures count from how it stood overnight."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask.testing import FlaskClient

from bot.app.trader_log import TraderLog, known_at_start
from bot.store.database import open_reader
from bot.store.read.money import carried, money_of_day
from bot.store.read.trading import open_positions
from tests.web.conftest import AppMaker, StoreBuilder, at, dollars

YESTERDAY, TODAY = 24 * 60.0, date(2026, 11, 20)
BEFORE = Decimal("166.75")  # (5.00 - 4.20) x 100 - 3.25 realized, 3 x (4.50 - 4.20) x 100 open
BROUGHT = Decimal("119.35")  # 1 x (5.10 - 4.50) x 100 - 0.65, 2 x (4.80 - 4.50) x 100


def held_overnight(store: StoreBuilder) -> None:
    """Four bought yesterday at 4.20 and one sold at 5.00; the last bid of the day 4.50, another at night; today one is
    sold at 5.10 and two are left at a bid of 4.80."""
    store.pulse()
    store.session()
    store.link()
    store.position(
        "POSOLD", "trailing", opened_at=at(YESTERDAY), opened_day="2026-11-19", exit_quantity=2, quantity=2,
        exit_value=dollars(10.1), commissions=dollars(3.9), realized_pnl=dollars(166.1), bid=dollars(4.8),
        unrealized_pnl=dollars(120),
    )  # fmt: skip
    for order, purpose, when in (("E", "entry", YESTERDAY), ("R1", "exit", YESTERDAY - 60), ("R2", "exit", 30)):
        store.order(order, purpose, "filled", position_id="POSOLD", created_at=at(when))
    store.fill("1.01", "E", "POSOLD", "BUY", 4, 4.2, at(YESTERDAY))
    store.fill("2.01", "R1", "POSOLD", "SELL", 1, 5.0, at(YESTERDAY - 60))
    store.fill("3.01", "R2", "POSOLD", "SELL", 1, 5.1, at(30))
    for when, bid in ((YESTERDAY - 90, 4.4), (YESTERDAY - 100, 4.5), (60, 4.7), (1, 4.8)):
        store.mark("POSOLD", at(when), bid, bid + 0.1)


def test_today_counts_from_how_it_stood_overnight(empty_store: StoreBuilder, make_app: AppMaker) -> None:
    held_overnight(empty_store)
    with open_reader(empty_store.url) as connection:
        before = carried(connection, open_positions(connection), TODAY)
        money = money_of_day(connection, TODAY)
    assert sum(before["POSOLD"], Decimal(0)) == BEFORE
    assert money.total == money.realized + money.open == BROUGHT
    assert [part.day for part in money.positions] == [BROUGHT]
    log = TraderLog(0, known_at_start(empty_store.url, TODAY), TODAY)
    assert log.day_pnl == BROUGHT
    page: FlaskClient = make_app(empty_store.url).test_client()
    assert "+$119.35" in page.get("/").get_data(as_text=True)


def test_of_yesterday_alone_nothing_is_carried(empty_store: StoreBuilder) -> None:
    held_overnight(empty_store)
    with open_reader(empty_store.url) as connection:
        assert carried(connection, open_positions(connection), date(2026, 11, 19)) == {}
