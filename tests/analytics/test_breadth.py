"""Breadth and sectors: counted by the sector funds, silent where too few are known."""

from __future__ import annotations

import math

import pytest

from bot.analytics.breadth import breadth, sector_lead
from bot.domain.sectors import SECTOR_FUNDS, sector_of


def test_breadth_is_advancing_less_declining() -> None:
    found = breadth({"XLK": 0.01, "XLE": -0.002, "XLF": 0.004, "XLU": 0.0, "SPY": -0.5}, advances=812.0, tick=-1100.0)
    assert found is not None
    assert found.share == pytest.approx(0.25)
    assert (found.rising, found.falling, found.advances) == (2, 1, 812.0)
    assert found.is_extreme


def test_too_few_funds_say_nothing() -> None:
    assert breadth({"XLK": 0.01, "XLE": math.nan, "XLF": 0.1}) is None


def test_sectors_are_told_against_the_market_leader_first() -> None:
    found = sector_lead({"XLE": 0.02, "XLK": -0.01, "XLU": math.nan, "NVDA": 0.5}, 0.005)
    assert list(found) == ["energy", "technology"]
    assert found["energy"] == pytest.approx(0.015)
    assert sector_lead({"XLE": 0.02}, math.nan) == {}


def test_every_underlying_has_a_sector() -> None:
    assert len(SECTOR_FUNDS) == 11
    assert sector_of("NVDA") == sector_of("XLK") == "technology"
    assert sector_of("SPX") == "broad market"
    assert sector_of("ZZZZ") == "unknown"
