"""The gamma pin strategy: each condition by itself refuses in words and numbers, all together propose."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.config.ideas.together import StrategiesSettings
from bot.config.ideas.zero_dte_gamma import ZeroDteGammaSettings
from bot.domain.calendar import TradingSession
from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE, OPTION_CONTRACTS
from bot.domain.instruments import OptionContract, Right, root_for
from bot.domain.quotes import Depth, DepthLevel, Quote
from bot.strategies.base import Look
from bot.strategies.registry import build
from bot.strategies.zero_dte_gamma import ZeroDteGamma
from tests.strategies.board import DAY, HALF_DAY, SESSION, MeasuredBoard

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York


def a_quote(bid: str | None, ask: str | None, size: int = 100, at: datetime = NOW, last: str | None = None) -> Quote:
    def price(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Quote(price(bid), price(ask), size, size, price(last), at)


def an_index_price(last: str, at: datetime = NOW) -> Quote:
    return Quote(None, None, 0, 0, Decimal(last), at)


def a_book(bid_size: int, ask_size: int, at: datetime = NOW) -> Depth:
    """Sizes are split over ten levels a side."""
    bids = [DepthLevel(Decimal("599.99") - Decimal(i) / 100, bid_size // 10) for i in range(10)]
    asks = [DepthLevel(Decimal("600.01") + Decimal(i) / 100, ask_size // 10) for i in range(10)]
    return Depth(bids, asks, at)


def exposure(strike: str, call: float, put: float = 0.0, price: str = "600") -> StrikeExposure:
    return StrikeExposure(Decimal(strike), Decimal(price), NOW, call, put, 0.0, 0.0, 0.0, 0.0)


def exposures(price: str, step: str, peak: str, count: int = 10) -> tuple[StrikeExposure, ...]:
    """Strikes on both sides of `peak`, which has most of the gamma; negative below, positive above."""
    rows = []
    for i in range(-count, count + 1):
        strike = Decimal(peak) + i * Decimal(step)
        net = 9e9 if i == 0 else (1e8 if i > 0 else -1e8)
        rows.append(exposure(str(strike), max(net, 0.0), min(net, 0.0), price))
    return tuple(rows)


def listed(symbol: str, expiry: date, right: Right, strikes: Sequence[str]) -> tuple[OptionContractRow, ...]:
    return tuple(
        OptionContractRow(
            OptionContract(root_for(symbol, expiry), expiry, right, Decimal(strike)),
            None, None, None, 0, 0, 0, 0, 0.0, None, None, None, None,
        )
        for strike in strikes
    )  # fmt: skip


def option(symbol: str, right: Right, strike: str, expiry: date = DAY) -> OptionContract:
    return OptionContract(root_for(symbol, expiry), expiry, right, Decimal(strike))


def a_pinned_spy(bid_size: int = 6000, ask_size: int = 3000) -> MeasuredBoard:
    """SPY a few cents below its max-gamma strike 600, everything fresh, the options at 600 and 599 tight and deep."""
    board = MeasuredBoard(NOW)
    board.quotes["SPY"] = a_quote("599.80", "599.82")
    board.books["SPY"] = a_book(bid_size, ask_size)
    board.put(GEX_BY_STRIKE, "SPY", exposures("599.81", "1", "600"))
    for right, strike in ((Right.CALL, "600"), (Right.PUT, "599")):
        board.quotes[option("SPY", right, strike).key] = a_quote("2.00", "2.02")
    return board


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


SETTINGS = ZeroDteGammaSettings()
STRATEGY = ZeroDteGamma(SETTINGS)


def look(
    board: MeasuredBoard,
    symbol: str = "SPY",
    now: datetime = NOW,
    session: TradingSession = SESSION,
    strategy: ZeroDteGamma = STRATEGY,
) -> Look:
    return strategy.look(symbol, board, session, now)


def test_a_bid_heavy_book_at_the_pin_proposes_the_call_at_or_above_the_price() -> None:
    seen = look(a_pinned_spy())
    assert seen.proposal is not None
    assert seen.proposal.contract == option("SPY", Right.CALL, "600")
    assert seen.proposal.contract.expiry == DAY
    assert seen.proposal.rationale["max_gamma_strike"] == 600
    assert seen.proposal.rationale["imbalance"] == pytest.approx(1 / 3)
    assert seen.proposal.rationale["grade"] == "A"
    assert seen.evidence["condition"] == "met"


def test_an_ask_heavy_book_at_the_pin_proposes_the_put_at_or_below_the_price() -> None:
    seen = look(a_pinned_spy(bid_size=3000, ask_size=6000))
    assert seen.proposal is not None
    assert seen.proposal.contract == option("SPY", Right.PUT, "599")


def test_a_price_exactly_on_a_strike_takes_that_strike_for_either_right() -> None:
    for bids, asks, right in ((6000, 3000, Right.CALL), (3000, 6000, Right.PUT)):
        board = a_pinned_spy(bids, asks)
        board.quotes["SPY"] = a_quote("599.99", "600.01")
        board.quotes[option("SPY", right, "600").key] = a_quote("2.00", "2.02")
        seen = look(board)
        assert seen.proposal is not None
        assert seen.proposal.contract == option("SPY", right, "600")


def test_spx_is_judged_by_its_last_price_the_book_of_spy_and_the_weekly_root() -> None:
    board = MeasuredBoard(NOW)
    board.quotes["SPX"] = an_index_price("5998.50")
    board.books["SPY"] = a_book(6000, 3000)
    board.put(GEX_BY_STRIKE, "SPX", exposures("6000", "5", "6000"))
    contract = option("SPX", Right.CALL, "6000")
    board.quotes[contract.key] = a_quote("10.00", "10.20")
    seen = look(board, "SPX")
    assert seen.proposal is not None
    assert seen.proposal.contract.root == "SPXW"
    assert seen.proposal.contract == contract
    assert seen.evidence["book_symbol"] == "SPY"


def test_a_price_away_from_the_pin_is_refused_with_distance_and_limit() -> None:
    board = a_pinned_spy()
    board.quotes["SPY"] = a_quote("598.11", "598.13")
    seen = look(board)
    assert seen.proposal is None
    assert seen.reason == "price 598.12 is 0.31 % from its pin, the max-gamma strike 600, needs 0.10 % or less"
    assert seen.evidence["condition"] == "pin"


def test_the_pin_distance_is_allowed_to_its_very_limit() -> None:
    strategy = ZeroDteGamma(ZeroDteGammaSettings(pin_distance=Decimal("0.25")))
    board = MeasuredBoard(NOW)
    board.quotes["SPY"] = a_quote("480", "480")
    board.books["SPY"] = a_book(6000, 3000)
    board.put(GEX_BY_STRIKE, "SPY", (exposure("480", 1.0, price="480"), exposure("600", 9.0, price="480")))
    assert look(board, strategy=strategy).evidence["condition"] == "quote"
    board.quotes["SPY"] = a_quote("479.99", "479.99")
    assert look(board, strategy=strategy).evidence["condition"] == "pin"


@pytest.mark.parametrize("sizes", [(5000, 5000), (5000, 4000), (4000, 5000)])
def test_a_book_that_does_not_lean_enough_is_refused(sizes: tuple[int, int]) -> None:
    seen = look(a_pinned_spy(*sizes))
    assert seen.proposal is None
    assert seen.evidence["condition"] == "lean"
    assert "for a call or −0." in seen.reason


@pytest.mark.parametrize(
    "bid, ask, size, grade",
    [("2.00", "2.02", 60, "A"), ("2.00", "2.08", 60, "B"), ("2.00", "2.02", 10, "B")],
)
def test_liquidity_from_b_up_is_enough(bid: str, ask: str, size: int, grade: str) -> None:
    board = a_pinned_spy()
    board.quotes[option("SPY", Right.CALL, "600").key] = a_quote(bid, ask, size)
    seen = look(board)
    assert seen.proposal is not None
    assert seen.evidence["grade"] == grade


@pytest.mark.parametrize("bid, ask, size", [("2.00", "2.12", 60), ("2.00", "2.02", 9), ("1.00", "2.00", 60)])
def test_liquidity_below_b_is_refused_with_spread_and_depth(bid: str, ask: str, size: int) -> None:
    board = a_pinned_spy()
    board.quotes[option("SPY", Right.CALL, "600").key] = a_quote(bid, ask, size)
    seen = look(board)
    assert seen.proposal is None
    assert seen.evidence["condition"] == "grade"
    assert f"{size} contracts" in seen.reason
    assert "needs B" in seen.reason


def test_an_option_without_a_quote_is_not_proposed() -> None:
    board = a_pinned_spy()
    key = option("SPY", Right.CALL, "600").key
    del board.quotes[key]
    seen = look(board)
    assert seen.proposal is None
    assert seen.evidence["condition"] == "quote"
    assert f"missing:quote:{key}" in seen.reason


@pytest.mark.parametrize(
    "quote, word",
    [
        (a_quote("2.02", "2.00"), "crossed"),
        (a_quote(None, "2.00"), "one_sided"),
        (replace(a_quote("2.00", "2.02"), halted=True), "halted"),
        (replace(a_quote("2.00", "2.02"), delayed=True), "delayed"),
        (a_quote("2.00", "2.02", at=NOW - timedelta(seconds=31)), "stale"),
    ],
)
def test_an_option_with_an_unfit_quote_is_not_proposed(quote: Quote, word: str) -> None:
    board = a_pinned_spy()
    board.quotes[option("SPY", Right.CALL, "600").key] = quote
    seen = look(board)
    assert seen.proposal is None
    assert word in seen.reason


def test_the_window_is_from_the_first_second_to_before_the_last() -> None:
    at = SESSION.at
    start, end = SETTINGS.window_from, SETTINGS.window_to
    assert look(a_pinned_spy(), now=at(start) - timedelta(seconds=1)).evidence["condition"] == "window"
    assert look(a_pinned_spy(), now=at(start)).evidence["condition"] != "window"
    assert look(a_pinned_spy(), now=at(end) - timedelta(seconds=1)).evidence["condition"] != "window"
    assert look(a_pinned_spy(), now=at(end)).evidence["condition"] == "window"


def test_the_window_of_a_half_day_ends_half_an_hour_before_its_close() -> None:
    seen = look(a_pinned_spy(), now=HALF_DAY.close_at - timedelta(minutes=30), session=HALF_DAY)
    assert seen.reason == "12:30 is outside the window 09:45-12:30 New York"


# ---- inputs


def faults(
    board: MeasuredBoard, symbol: str = "SPY", now: datetime = NOW, contract: OptionContract | None = None
) -> tuple[str, ...]:
    return STRATEGY.input_faults(symbol, board, now, contract)


def test_fresh_inputs_have_no_fault() -> None:
    assert faults(a_pinned_spy()) == ()
    assert faults(a_pinned_spy(), contract=option("SPY", Right.CALL, "600")) == ()


def test_every_missing_input_is_named() -> None:
    contract = option("SPY", Right.CALL, "600")
    assert faults(MeasuredBoard(NOW), contract=contract) == (
        "missing:quote:SPY",
        "missing:gex_by_strike:SPY",
        "missing:book:SPY",
        f"missing:quote:{contract.key}",
    )


def test_every_stale_input_is_named_with_its_age_and_limit() -> None:
    assert faults(a_pinned_spy(), now=later(194)) == (
        "stale:quote:SPY 194s>15s",
        "stale:gex_by_strike:SPY 194s>180s",
        "stale:book:SPY 194s>30s",
    )


def test_a_book_and_a_quote_that_stand_still_on_a_healthy_line_are_fresh() -> None:
    board, now = a_pinned_spy(), later(194)
    datum = board.data[GEX_BY_STRIKE, "SPY"]
    board.data[GEX_BY_STRIKE, "SPY"] = replace(datum, source_at=now)
    board.quotes["SPY"] = replace(board.quotes["SPY"], heard_at=now - timedelta(seconds=14))
    board.books["SPY"] = replace(board.books["SPY"], heard_at=now - timedelta(seconds=29))
    assert faults(board, now=now) == ()
    board.books["SPY"] = replace(board.books["SPY"], heard_at=now - timedelta(seconds=31))
    assert faults(board, now=now) == ("stale:book:SPY 31s>30s",)


def test_what_was_lost_with_its_line_is_not_fit_however_young() -> None:
    board = a_pinned_spy()
    board.quotes["SPY"] = replace(board.quotes["SPY"], lost=True)
    board.books["SPY"] = replace(board.books["SPY"], heard_at=NOW, lost=True)
    assert faults(board) == ("stale:quote:SPY line lost", "stale:book:SPY line lost")
    assert faults(board, now=later(100)) == (
        "stale:quote:SPY 100s>15s",
        "stale:book:SPY 100s>30s",
    )


def test_the_vendors_own_time_counts_not_the_time_of_receipt() -> None:
    board = a_pinned_spy()
    datum = board.data[GEX_BY_STRIKE, "SPY"]
    board.data[GEX_BY_STRIKE, "SPY"] = replace(datum, source_at=NOW - timedelta(seconds=200), received_at=NOW)
    assert faults(board) == ("stale:gex_by_strike:SPY 200s>180s",)


def test_bad_shapes_are_named() -> None:
    board = a_pinned_spy()
    board.books["SPY"] = Depth(board.books["SPY"].bids, [], NOW)
    assert faults(board) == ("one_sided:book:SPY",)
    board.books["SPY"] = Depth(a_book(10, 10).asks, a_book(10, 10).bids, NOW)
    assert faults(board) == ("crossed:book:SPY",)


def test_gamma_that_is_not_a_number_or_of_another_price_is_not_decided_on() -> None:
    board = a_pinned_spy()
    board.put(GEX_BY_STRIKE, "SPY", (exposure("600", math.nan),))
    assert faults(board) == ("nan:gex_by_strike:SPY",)
    board.put(GEX_BY_STRIKE, "SPY", exposures("300", "1", "300"))
    assert faults(board) == ("mismatch:gex_by_strike:SPY 300!=599.81",)


def test_a_price_of_zero_is_no_price() -> None:
    board = a_pinned_spy()
    board.quotes["SPY"] = an_index_price("0")
    assert faults(board) == ("missing:quote:SPY",)


def test_nothing_is_proposed_while_any_one_input_is_absent() -> None:
    absences: tuple[Callable[[MeasuredBoard], object], ...] = (
        lambda b: b.quotes.pop("SPY"),
        lambda b: b.books.pop("SPY"),
        lambda b: b.data.pop((GEX_BY_STRIKE, "SPY")),
        lambda b: b.put(GEX_BY_STRIKE, "SPY", ()),
        lambda b: b.put(GEX_BY_STRIKE, "SPY", (exposure("600", 0.0),)),
    )
    for remove in absences:
        board = a_pinned_spy()
        remove(board)
        assert look(board).proposal is None


# ---- strikes


def test_todays_own_list_wins_over_the_strikes_that_carry_gamma() -> None:
    board = a_pinned_spy()
    board.put(OPTION_CONTRACTS, "SPY", listed("SPY", DAY, Right.CALL, ["595", "602", "605"]))
    seen = look(board)
    assert seen.evidence["contract"] == option("SPY", Right.CALL, "602").key


def test_other_expiries_and_the_other_right_do_not_lend_strikes() -> None:
    board = a_pinned_spy()
    tomorrow = DAY + timedelta(days=1)
    rows = listed("SPY", tomorrow, Right.CALL, ["599.9"]) + listed("SPY", DAY, Right.PUT, ["599.85"])
    board.put(OPTION_CONTRACTS, "SPY", rows)
    assert look(board).evidence["contract"] == option("SPY", Right.CALL, "600").key


def test_a_list_that_ends_below_the_price_gives_no_far_strike_instead() -> None:
    board = a_pinned_spy()
    board.put(GEX_BY_STRIKE, "SPY", (exposure("590", 1.0), exposure("599.5", 9.0), exposure("610", 1.0)))
    seen = look(board)
    assert seen.evidence["condition"] == "strike"
    assert seen.reason == "no listed strike of SPY is at or above 599.81 and within 1 %"


# ---- interests


def test_underlyings_and_books_come_before_options() -> None:
    wanted = STRATEGY.interests(a_pinned_spy(), SESSION, NOW)
    keys = list(wanted)
    assert keys[:4] == ["SPX", "SPY", "QQQ", "IWM"]
    assert wanted["SPX"] == {"quote"}  # an index has no book
    assert wanted["SPY"] == {"quote", "book"}
    assert keys[4:6] == [option("SPY", Right.CALL, "600").key, option("SPY", Right.PUT, "599").key]
    assert set(keys[6:]) == {option("SPY", Right.PUT, "600").key, option("SPY", Right.CALL, "599").key}


def test_options_are_wanted_two_minutes_around_the_window_only() -> None:
    start = SESSION.at(SETTINGS.window_from)
    assert len(STRATEGY.interests(a_pinned_spy(), SESSION, start - timedelta(minutes=3))) == 4
    assert len(STRATEGY.interests(a_pinned_spy(), SESSION, start - timedelta(minutes=1))) == 8


def test_a_book_that_speaks_for_an_index_is_wanted_though_its_own_symbol_is_not_traded() -> None:
    strategy = ZeroDteGamma(ZeroDteGammaSettings(symbols=("SPX",)))
    assert strategy.interests(MeasuredBoard(NOW), SESSION, NOW) == {"SPX": {"quote"}, "SPY": {"book"}}


def test_what_is_proposed_was_wanted_before() -> None:
    for sizes in ((6000, 3000), (3000, 6000)):
        board = a_pinned_spy(*sizes)
        seen = look(board)
        assert seen.proposal is not None
        assert "quote" in STRATEGY.interests(board, SESSION, NOW)[seen.proposal.contract.key]


# ---- registry


def test_only_enabled_strategies_are_built() -> None:
    usual = [strategy.name for strategy in build(StrategiesSettings())]
    assert "zero_dte_gamma" in usual
    off = StrategiesSettings(zero_dte_gamma=ZeroDteGammaSettings(enabled=False))
    assert [strategy.name for strategy in build(off)] == [name for name in usual if name != "zero_dte_gamma"]
