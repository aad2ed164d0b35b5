"""Measures by name on a board: each has a reading or a named absence, worked out when asked and due, and a bad input is
never more than an absence."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.analytics.measure import Measure, told
from bot.analytics.portfolio import PremiumPaid
from bot.analytics.registry import MEASURES, measures_of
from bot.config.exposure import ExposureSettings
from bot.domain.calendar import TradingSession
from bot.domain.data.flow import NetPremiumTick, TradeSide
from bot.domain.data.people import CongressTrade, Dealing, InsiderTrade
from bot.domain.data.sets import (
    CONGRESS_TRADES,
    DARK_POOL,
    INSIDER_TRADES,
    NET_PREMIUM,
    OFF_LIT_LEVELS,
    OPTION_CONTRACTS,
)
from bot.domain.data.tape import DarkPoolTrade, PriceLevel
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import QuoteReceived
from bot.domain.quotes import Quote
from bot.domain.readings import MARKET, PORTFOLIO, Reading
from bot.engine.state.board import Board
from bot.engine.state.measured import Measured
from bot.engine.state.shown import measure_rows
from tests.web.test_dealers import CONTRACTS, board

TODAY = date(2026, 11, 20)
SESSION = TradingSession(
    TODAY, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), is_half_day=False
)
NOW = datetime(2026, 11, 20, 20, 40, tzinfo=UTC)
NAMES = (
    "gex_total", "dex_total", "pin", "flip", "walls", "vanna", "charm", "pin_risk", "max_pain", "unusual",
    "flow_momentum", "divergence", "moc", "dark_pool_z", "insider_cluster", "breadth", "sectors",
    "heat", "concentration", "sector_concentration",
)  # fmt: skip


def filled(now: datetime = NOW) -> Board:
    found = board()
    ticks = tuple(
        NetPremiumTick(SESSION.open_at + timedelta(minutes=n), 100.0 + n % 7, 20.0, 0, 0, 0.0) for n in range(370)
    )
    prints = tuple(
        DarkPoolTrade(NOW - timedelta(minutes=32 - n), "SPY", Decimal(590), 100, 1e6 + n * n * 1e4, None, None,
        TradeSide.ASK,
                      "L", (), n)
        for n in range(32)
    )  # fmt: skip
    levels = (PriceLevel(Decimal(589), 600, 400), PriceLevel(Decimal(591), 700, 300))
    filed = TODAY - timedelta(days=2)
    congress = (
        CongressTrade("A", "house", "SPY", Dealing.SELL, Decimal(15000), Decimal(50000), None, filed, "self", ""),
    )
    insider = InsiderTrade(
        "1", "A", "CEO", "SPY", "S", -500, Decimal(590), filed, filed, False, False, True, False, None, 1
    )
    insiders = tuple(replace(insider, id=name, owner=name) for name in "ABC")
    for name, key, rows in (
        (NET_PREMIUM, "SPY", ticks), (DARK_POOL, "SPY", prints), (OFF_LIT_LEVELS, "SPY", levels),
        (CONGRESS_TRADES, "*", congress), (INSIDER_TRADES, "*", insiders),
    ):  # fmt: skip
        found.apply_datum(DatumReceived(name, key, rows, None, NOW, 600.0, "unusual_whales"))
    for fund, last in (("SPY", "590"), ("XLK", "101"), ("XLE", "99"), ("XLF", "102")):
        close = Decimal(588) if fund == "SPY" else Decimal(100)
        price = Decimal(last)
        found.apply_quote(QuoteReceived(fund, Quote(price, price, 1, 1, price, NOW, close=close)))
    found.who_holds = lambda: ([PremiumPaid("SPY", Decimal(1000), Decimal(500))], Decimal(100_000))
    found.turn(now, SESSION, ExposureSettings())
    return found


def key_of(name: str) -> str:
    return next((key for key in (MARKET, PORTFOLIO) if name in measures_of(key)), "SPY")


def test_every_name_is_there() -> None:
    assert set(NAMES) <= set(MEASURES)
    assert all(name == measure.name for name, measure in MEASURES.items())


@pytest.mark.parametrize("name", NAMES)
def test_each_measure_says_a_finite_number_of_a_moment(name: str) -> None:
    reading = filled().measure(name, key_of(name))
    assert reading is not None
    assert reading.absent == ""
    assert reading.number is not None
    assert math.isfinite(reading.number)
    assert reading.at <= NOW
    assert reading.unit == MEASURES[name].unit
    assert reading.max_age_s == MEASURES[name].max_age_s


@pytest.mark.parametrize("name", NAMES)
def test_of_nothing_each_says_by_name_why_there_is_nothing(name: str) -> None:
    empty = Board()
    assert empty.measure(name, key_of(name)) is None, "before the first tick nothing is measured"
    empty.turn(NOW, SESSION, ExposureSettings())
    reading = empty.measure(name, key_of(name))
    assert reading is not None
    assert (reading.value, bool(reading.absent)) == (None, True)


def test_values_are_those_of_the_pure_functions() -> None:
    seen = filled()
    assert seen.measure("insider_cluster", "SPY").number == -3  # type: ignore[union-attr]
    assert seen.measure("breadth", MARKET).number == pytest.approx(1 / 3)  # type: ignore[union-attr]
    moc = seen.measure("moc", "SPY")
    assert moc is not None
    assert (moc.value["direction"], moc.value["asymmetry"]) == (1, pytest.approx(1.0))
    assert moc.value["confidence"] > 70
    walls = seen.measure("walls", "SPY")
    assert walls is not None
    assert walls.value["call"] >= walls.value["put"]
    gex = seen.measure("gex_total", "SPY")
    assert gex is not None
    assert gex.value["vendor"] == 1.25e9
    assert seen.measure("heat", PORTFOLIO).number == pytest.approx(0.005)  # type: ignore[union-attr]
    assert seen.measure("nothing of that name", "SPY") is None


def test_it_is_worked_out_again_only_when_it_is_due() -> None:
    asked: list[datetime] = []

    def compute(view: Any, key: str, now: datetime) -> Reading:
        asked.append(now)
        return told(1.0, now, "", 60.0)

    measured, seen = Measured({"one": Measure("one", (), 60.0, 60.0, "", compute)}), filled()
    for seconds in (0, 1, 59, 60, 61, 30):
        measured.read(seen, "one", "SPY", NOW + timedelta(seconds=seconds))
    assert [(at - NOW).total_seconds() for at in asked] == [0, 60, 30], "a clock that goes back is due at once"


def test_what_fails_is_an_absence() -> None:
    def compute(view: Any, key: str, now: datetime) -> Reading:
        return told(1.0 / 0.0, now, "", 60.0)

    reading = Measured({"one": Measure("one", (), 60.0, 60.0, "", compute)}).read(filled(), "one", "SPY", NOW)
    assert reading is not None
    assert reading.absent == "failed: ZeroDivisionError"


def test_bad_contracts_leave_exposure_absent_and_flow_alone() -> None:
    seen = filled()
    bad = tuple(replace(row, iv=math.nan, gamma=math.nan) for row in CONTRACTS)
    seen.apply_datum(DatumReceived(OPTION_CONTRACTS, "SPY", bad, None, NOW, 600.0, "unusual_whales"))
    assert seen.measure("gex_total", "SPY").absent == "no gamma"  # type: ignore[union-attr]
    assert seen.measure("flow_momentum", "SPY").absent == ""  # type: ignore[union-attr]


def test_what_was_measured_is_written_down_a_row_each() -> None:
    rows = measure_rows(filled(), "SPY", NOW)
    assert (rows.dataset, rows.key) == ("measures", "SPY")
    keys = ("SPY", MARKET, PORTFOLIO)
    assert sorted(row["name"] for key in keys for row in measure_rows(filled(), key, NOW).rows) == sorted(MEASURES)
