"""The ten that ship: each trades on a board made for it, and each of its conditions alone stops it, in the tick loop,
with its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from bot.config.ideas.together import StrategiesSettings
from bot.domain.chains import Chain, ChainListing
from bot.domain.data.calendar import EarningsReport, ReportTime
from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.flow import GreekFlowMinute
from bot.domain.data.people import CongressTrade, Dealing, InsiderTrade
from bot.domain.data.sets import (
    CONGRESS_TRADES,
    EARNINGS_AFTERHOURS,
    GEX_BY_STRIKE,
    GREEK_FLOW,
    INSIDER_TRADES,
    IV_RANK,
    MARKET_WIDE,
    RISK_REVERSAL_SKEW,
)
from bot.domain.data.volatility import IvRankDay, RiskReversal
from bot.domain.instruments import OptionContract, Right
from bot.domain.quotes import Depth, DepthLevel
from bot.strategies.base import Look, Strategy
from bot.strategies.registry import build
from tests.strategies.board import DAY, HALF_DAY, SESSION, MeasuredBoard, an_option

SHIPPED: Final = {strategy.name: strategy for strategy in build(StrategiesSettings())}
SECTIONS: Final = StrategiesSettings().sections()
NEXT, IN_16_DAYS = date(2026, 11, 23), date(2026, 12, 4)
IN_17_DAYS = date(2026, 12, 7)


@dataclass(frozen=True)
class Day:
    """A board on which a strategy trades, and by condition what alone stops it."""

    symbol: str
    at: datetime
    expiry: date
    right: Right
    strike: str
    make: Callable[[MeasuredBoard, str], None]
    stops: Mapping[str, Callable[[MeasuredBoard], None]] = field(default_factory=dict)


def at(hour: int, minute: int = 0) -> datetime:
    """New York's time of that day."""
    return datetime(2026, 11, 20, hour + 5, minute, tzinfo=UTC)


def says(name: str, value: Any, key: str = "") -> Callable[[MeasuredBoard], None]:
    return lambda board: board.say(name, key or next(symbol for symbol in board.quotes if len(symbol) <= 5), value)


# ---- rows


def skew(latest: float) -> tuple[RiskReversal, ...]:
    """Twenty days of call over put volatility about 0, then one: the vendor's figure is put less call."""
    days = [0.01 if n % 2 else -0.01 for n in range(20)] + [latest]
    return tuple(RiskReversal(DAY - timedelta(days=21 - n), 25, -value) for n, value in enumerate(days))


def congress(dollars: int, symbol: str) -> tuple[CongressTrade, ...]:
    dealing = Dealing.BUY if dollars > 0 else Dealing.SELL
    amount = Decimal(abs(dollars))
    return (
        CongressTrade("A. Member", "house", symbol, dealing, amount, amount, DAY, DAY - timedelta(days=3), "self", ""),
    )


def insiders(count: int, symbol: str) -> tuple[InsiderTrade, ...]:
    filed = DAY - timedelta(days=5)
    return tuple(
        InsiderTrade(f"i{n}", f"Owner {n}", "CFO", symbol, "S", -1000, Decimal(100), filed, filed,
                     planned=False, is_director=False, is_officer=True, is_ten_percent_owner=False, shares_after=None,
                     filings=1)
        for n in range(count)
    )  # fmt: skip


def greek_flow(delta: float) -> tuple[GreekFlowMinute, ...]:
    return (GreekFlowMinute(at(15), None, 1.0, 1.0, delta, 0.0, 0.0, 0.0, 0.0, 0.0, 1, 1),)


def report(days: int, symbol: str) -> tuple[EarningsReport, ...]:
    day = DAY + timedelta(days=days)
    return (EarningsReport(symbol, day, ReportTime.AFTER_HOURS, None, None, None, None, None),)


def gex(peak: str) -> tuple[StrikeExposure, ...]:
    strikes = [(Decimal(peak) + n, 9e9 if n == 0 else 1e8) for n in range(-5, 6)]
    return tuple(
        StrikeExposure(strike, Decimal("599.81"), at(10), net, 0.0, 0.0, 0.0, 0.0, 0.0) for strike, net in strikes
    )


def book(bids: int, asks: int) -> Depth:
    return Depth([DepthLevel(Decimal("599.80"), bids)], [DepthLevel(Decimal("599.82"), asks)], at(10))


# ---- boards


def gamma(board: MeasuredBoard, symbol: str) -> None:
    board.put(GEX_BY_STRIKE, symbol, gex("600"))
    board.books[symbol] = replace(book(600, 300), at=board.now)


def overnight(board: MeasuredBoard, symbol: str) -> None:
    board.put(RISK_REVERSAL_SKEW, symbol, skew(0.03))
    board.put(GREEK_FLOW, symbol, greek_flow(5e5))
    board.put(CONGRESS_TRADES, MARKET_WIDE, congress(50_000, symbol))


def closing(board: MeasuredBoard, symbol: str) -> None:
    said(board, symbol, **MOC)


MOC: Final = {"direction": 1.0, "confidence": 80.0, "asymmetry": 0.7, "dark_share": 0.2}


def said(board: MeasuredBoard, symbol: str, **moc: float) -> None:
    board.say("moc", symbol, moc)


def high_iv(board: MeasuredBoard, symbol: str) -> None:
    board.put(RISK_REVERSAL_SKEW, symbol, skew(0.03))
    board.put(CONGRESS_TRADES, MARKET_WIDE, congress(50_000, symbol))
    board.put(INSIDER_TRADES, MARKET_WIDE, insiders(1, symbol))
    board.put(EARNINGS_AFTERHOURS, MARKET_WIDE, report(7, symbol))
    board.put(IV_RANK, symbol, (IvRankDay(DAY, 40.0, 0.3, None),))
    board.say("walls", symbol, {"call": 610.0, "put": 590.0})


def directional(board: MeasuredBoard, symbol: str) -> None:
    board.put(RISK_REVERSAL_SKEW, symbol, skew(0.03))
    board.put(CONGRESS_TRADES, MARKET_WIDE, congress(600_000, symbol))
    board.say("dark_pool_z", symbol, 2.5)
    board.say("flow_momentum", symbol, {"value": 1.0, "trend": 1.0})


def swinging(board: MeasuredBoard, symbol: str) -> None:
    board.say("dark_pool_z", symbol, 1.5)
    board.say("flow_momentum", symbol, {"value": 1.0, "trend": 1.0})
    board.say("regime", symbol, "trending")
    board.say("heat", "portfolio", 0.1)


def scored(**values: Any) -> Callable[[MeasuredBoard, str], None]:
    def make(board: MeasuredBoard, symbol: str) -> None:
        for name, value in values.items():
            board.say(name, symbol, value)

    return make


FLOW: Final = {"vpin": 0.5, "imbalance": 0.4, "gex_total": 2e8, "pin": 600.0, "sweep": 0.0}
POSITIONING: Final = {"volatility_regime": "HIGH", "pressure": 0.3, "gex_total": 2e8, "vpin": 0.2, "imbalance": 0.1}
UNUSUAL: Final = {"unusual": 3.0, "sweep": 1.0, "hidden_orders": 0.0, "dex_total": 0.0, "imbalance": -0.1}
MOC_PIN: Final = {"gex_total": 8e7, "pin": 602.0, "imbalance": 0.1}

DAYS: Final[Mapping[str, Day]] = {
    "zero_dte_gamma": Day("SPY", at(10), DAY, Right.CALL, "600", gamma, {
        "pin": lambda b: b.put(GEX_BY_STRIKE, "SPY", gex("603")),
        "lean": lambda b: b.books.update(SPY=replace(book(500, 490), at=b.now)),
    }),
    "one_dte_overnight": Day("SPY", at(15, 31), NEXT, Right.CALL, "600", overnight, {
        "direction": lambda b: b.put(RISK_REVERSAL_SKEW, "SPY", skew(0.0)),
        "skew": lambda b: b.put(RISK_REVERSAL_SKEW, "SPY", skew(0.009)),
        "flow": lambda b: b.put(GREEK_FLOW, "SPY", greek_flow(-5e5)),
        "congress": lambda b: b.put(CONGRESS_TRADES, MARKET_WIDE, congress(-50_000, "SPY")),
    }),
    "moc_imbalance": Day("SPY", at(15, 35), DAY, Right.CALL, "600", closing, {
        "direction": lambda b: said(b, "SPY", **MOC | {"direction": 0.0}),
        "asymmetry": lambda b: said(b, "SPY", **MOC | {"asymmetry": 0.6}),
        "dark": lambda b: said(b, "SPY", **MOC | {"dark_share": 0.1}),
        "predictor": lambda b: said(b, "SPY", **MOC | {"confidence": 70.0}),
    }),
    "high_iv_14d": Day("AAPL", at(11), IN_16_DAYS, Right.CALL, "600", high_iv, {
        "people": lambda b: b.put(CONGRESS_TRADES, MARKET_WIDE, congress(-50_000, "AAPL")),
        "walls": says("walls", {"call": 610.0, "put": 600.0}),
        "catalyst": lambda b: b.put(EARNINGS_AFTERHOURS, MARKET_WIDE, report(15, "AAPL")),
        "iv_rank": lambda b: b.put(IV_RANK, "AAPL", (IvRankDay(DAY, 81.0, 0.3, None),)),
        "direction": lambda b: b.put(RISK_REVERSAL_SKEW, "AAPL", tuple(
            RiskReversal(DAY - timedelta(days=21 - n), 25, 0.01) for n in range(21))),
    }),
    "directional_14d": Day("AAPL", at(11), IN_16_DAYS, Right.CALL, "600", directional, {
        "direction": says("dark_pool_z", 0.0),
        "dark_pool": says("dark_pool_z", 2.0),
        "people": lambda b: b.put(CONGRESS_TRADES, MARKET_WIDE, congress(500_000, "AAPL")),
        "momentum": says("flow_momentum", {"value": 0.0, "trend": 1.0}),
    }),
    "swing": Day("SPY", at(11), IN_16_DAYS, Right.CALL, "600", swinging, {
        "direction": says("flow_momentum", {"value": 1.0, "trend": 0.0}),
        "regime": says("regime", "volatile"),
        "accumulation": says("dark_pool_z", 1.0),
        "heat": says("heat", 0.21, "portfolio"),
    }),
    "zero_dte_flow": Day("SPY", at(10), DAY, Right.CALL, "600", scored(**FLOW), {
        "score": says("vpin", 0.4), "direction": says("imbalance", 0.0),
    }),
    "one_dte_positioning": Day("SPY", at(14, 30), NEXT, Right.CALL, "606", scored(**POSITIONING), {
        "score": says("volatility_regime", "NORMAL"), "direction": says("imbalance", 0.0),
    }),
    "unusual_14d": Day("AAPL", at(11), IN_16_DAYS, Right.PUT, "588", scored(**UNUSUAL), {
        "score": says("sweep", 0.0), "direction": says("imbalance", 0.0),
    }),
    "moc_pin": Day("SPY", at(15, 35), DAY, Right.CALL, "600", scored(**MOC_PIN), {
        "score": says("gex_total", 5e7),
    }),
}  # fmt: skip
"""A Friday: `moc_pin` counts that."""


def a_board(name: str) -> MeasuredBoard:
    day = DAYS[name]
    board = MeasuredBoard(day.at)
    board.price(day.symbol, "599.80", "599.82")
    strikes = tuple(Decimal(strike) for strike in range(570, 631))
    listing = ChainListing(day.symbol, 100, (DAY, NEXT, IN_16_DAYS), strikes)
    board.chains[day.symbol] = Chain(day.symbol, (listing,), day.at)
    board.price(bought(name).key, "2.00", "2.02")
    day.make(board, day.symbol)
    return board


def bought(name: str) -> OptionContract:
    day = DAYS[name]
    return an_option(day.symbol, day.right, day.strike, day.expiry)


def look(name: str, board: MeasuredBoard, now: datetime | None = None) -> Look:
    return SHIPPED[name].look(DAYS[name].symbol, board, SESSION, now or board.now)


def test_all_ten_are_shipped_and_each_has_a_day() -> None:
    assert set(SHIPPED) == set(DAYS)
    assert {name for name, section in SECTIONS.items() if section.starts == "on"} == {"zero_dte_gamma"}


@pytest.mark.parametrize("name", DAYS)
def test_it_trades_on_its_day_and_says_why_and_how_sure_it_is(name: str) -> None:
    seen = look(name, a_board(name))
    assert seen.proposal is not None, seen.reason
    assert seen.proposal.contract == bought(name)
    assert 60 <= seen.proposal.rationale["confidence"] <= 100
    assert seen.proposal.rationale["reason"] == seen.reason


STOPS: Final = [(name, word) for name, day in DAYS.items() for word in day.stops]


@pytest.mark.parametrize("name, word", STOPS, ids=str)
def test_each_of_its_conditions_alone_stops_it(name: str, word: str) -> None:
    board = a_board(name)
    DAYS[name].stops[word](board)
    seen = look(name, board)
    assert (seen.proposal, seen.evidence["condition"]) == (None, word), seen.reason
    missed = [each for each in explained(name, seen, board) if each.holds is False]
    assert missed, "the page shows which one misses"


def explained(name: str, seen: Look, board: MeasuredBoard) -> Any:
    strategy: Any = SHIPPED[name]
    return strategy.conditions(seen.evidence, SESSION, board.now)


def test_no_condition_of_its_own_is_without_a_stop() -> None:
    for name, day in DAYS.items():
        strategy: Any = SHIPPED[name]
        words = {each.word for each in strategy.market if each.needed}
        assert words - set(day.stops) <= {"direction"}, name


@pytest.mark.parametrize("name", DAYS)
def test_its_quote_its_liquidity_its_strikes_and_its_inputs_stop_it(name: str) -> None:
    board = a_board(name)
    board.price(bought(name).key, "1.00", "2.00", size=1)
    assert look(name, board).evidence["condition"] == "grade"
    del board.quotes[bought(name).key]
    assert look(name, board).evidence["condition"] == "quote"
    board = a_board(name)
    board.chains.clear()
    board.data = {place: datum for place, datum in board.data.items() if place[0] != "option_contracts"}
    if name != "zero_dte_gamma":  # which may take a strike from gamma's
        assert look(name, board).evidence["condition"] == "strike"
    del board.quotes[DAYS[name].symbol]
    assert look(name, board).evidence["condition"] == "inputs"


@pytest.mark.parametrize("name", DAYS)
def test_its_window_counts_to_the_minute_and_to_a_half_days_close(name: str) -> None:
    section, strategy, symbol = SECTIONS[name], SHIPPED[name], DAYS[name].symbol
    start, end = SESSION.at(section.window_from), SESSION.cut_off(section.window_to)
    second = timedelta(seconds=1)
    for now, outside in ((start - second, True), (start, False), (end - second, False), (end, True)):
        seen = strategy.look(symbol, MeasuredBoard(now), SESSION, now)
        assert (seen.evidence["condition"] == "window") is outside, now
    early = HALF_DAY.cut_off(section.window_to)
    assert early <= HALF_DAY.close_at
    assert strategy.look(symbol, MeasuredBoard(early), HALF_DAY, early).evidence["condition"] == "window"


@pytest.mark.parametrize("name", DAYS)
def test_an_input_that_is_absent_or_old_is_a_fault_by_name_and_no_signal(name: str) -> None:
    strategy: Any = SHIPPED[name]
    for each in strategy.inputs:
        board = a_board(name)
        key = each.key_for(DAYS[name].symbol)
        if each.kind == "measure":
            board.say(each.name, key, None, absent="one strike")
            seen = look(name, board)
            assert (seen.proposal, f"absent:{each.name}:{key} one strike" in seen.reason) == (None, True)
        elif each.kind == "datum" and not each.may_be_silent:
            del board.data[each.name, key]
            assert f"missing:{each.name}:{key}" in look(name, board).reason


@pytest.mark.parametrize("name", DAYS)
def test_its_lines_are_those_of_what_it_declares(name: str) -> None:
    strategy: Strategy = SHIPPED[name]
    board = a_board(name)
    wanted = strategy.interests(board, SESSION, board.now)
    assert wanted[DAYS[name].symbol] >= {"quote"}
    assert bought(name).key in wanted
