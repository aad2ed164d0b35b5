"""The market model: the same seed is the same day, any second can be asked, and its parts agree with each other."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sim.market import MarketModel, build_market
from bot.sim.market.rules import MARKET_RULES, ceil_to_grid, floor_to_grid, on_grid
from bot.sim.scenario import Halt, Jump, Scenario, load_scenario
from bot.sim.vocabulary import VenueInstrument

NOON = datetime(2026, 11, 20, 17, 0, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("gamma_pin_day")


@pytest.fixture(scope="module")
def market(scenario: Scenario) -> MarketModel:
    return build_market(scenario, 1)


def lean(market: MarketModel, at: datetime) -> float:
    """Return the lean of the book of SPY, in [-1, 1]."""
    return float(market.book("SPY").tape.imbalance[market.line.index(at)])


def near(market: MarketModel, symbol: str, at: datetime = NOON) -> list[VenueInstrument]:
    """Return today's options around the money."""
    price = market.price(symbol, at)
    today = market.find(symbol=symbol, sec_type="OPT", expiry="20261120")
    return [each for each in today if each.strike is not None and abs(float(each.strike) / price - 1) < 0.008]


def test_the_same_seed_gives_the_same_day_and_another_seed_another(scenario: Scenario, market: MarketModel) -> None:
    twin, other = build_market(scenario, 1), build_market(scenario, 2)
    for symbol in market.symbols():
        for option in near(market, symbol):
            assert market.top(option, NOON) == twin.top(option, NOON)
            assert market.open_interest(option) == twin.open_interest(option)
    assert market.price("SPY", NOON) != other.price("SPY", NOON)


def test_questions_may_come_in_any_order(scenario: Scenario, market: MarketModel) -> None:
    fresh = build_market(scenario, 1)
    times = [NOON + timedelta(seconds=97 * n) for n in range(40)]
    spy, options = market.underlying("SPY"), near(market, "SPY")[:4]
    forward = [(market.top(each, at), market.depth(spy, at)) for at in times for each in options]
    backward = [(fresh.top(each, at), fresh.depth(spy, at)) for at in times[::-1] for each in options[::-1]]
    assert forward == backward[::-1]
    assert market.vendor.chain("SPY", NOON).gamma.tolist() == fresh.vendor.chain("SPY", NOON).gamma.tolist()
    assert market.vendor.spot_gex_minutes("SPY", times[0]) == fresh.vendor.spot_gex_minutes("SPY", times[-1])[:151]


def test_contract_ids_are_the_same_in_every_run_and_unique(market: MarketModel) -> None:
    ids = [each.con_id for each in market.instruments()]
    assert len(set(ids)) == len(ids)
    assert all(0 < each < 2**31 for each in ids)
    assert market.find(local_symbol="SPXW  261120C05900000")[0].con_id == 1_697_640_000


def test_an_index_monthly_does_not_trade_on_the_day_it_settles(market: MarketModel) -> None:
    assert {each.trading_class for each in market.find(symbol="SPX", sec_type="OPT", expiry="20261120")} == {"SPXW"}
    december = market.find(symbol="SPX", sec_type="OPT", expiry="20261218")
    assert {each.trading_class for each in december} == {"SPX", "SPXW"}


def test_expiries_skip_holidays_and_weekends(market: MarketModel) -> None:
    expiries = {each.expiry for each in market.instruments() if each.expiry}
    assert date(2026, 11, 26) not in expiries
    assert date(2026, 11, 27) in expiries
    assert all(each.weekday() < 5 for each in expiries)


@pytest.mark.parametrize(
    "query,count",
    [
        ({"symbol": "SPY", "sec_type": "STK"}, 1),
        ({"symbol": "SPX", "sec_type": "IND", "exchange": "CBOE"}, 1),
        ({"local_symbol": "SPY261120C00590000"}, 1),
        ({"symbol": "SPY", "expiry": "20261120", "strike": Decimal(590), "right": "CALL", "multiplier": "100"}, 1),
        ({"symbol": "SPY", "expiry": "20261120", "strike": Decimal("590.0"), "exchange": "SMART"}, 2),
        ({"symbol": "SPY", "expiry": "20261120", "strike": Decimal("590.5")}, 0),
        ({"symbol": "SPX", "trading_class": "SPXW", "expiry": "20261218", "strike": Decimal(5900), "right": "P"}, 1),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "NOWHERE"}, 0),
        ({"symbol": "NVDA"}, 0),
    ],
)
def test_find_narrows_by_what_is_given(market: MarketModel, query: dict[str, Any], count: int) -> None:
    assert len(market.find(**query)) == count


def test_monthly_prefix_finds_the_month(market: MarketModel) -> None:
    found = market.find(symbol="SPY", sec_type="OPT", expiry="202612")
    assert {each.expiry for each in found if each.expiry} >= {date(2026, 12, 4), date(2026, 12, 18)}


@settings(max_examples=60)
@given(symbol=st.sampled_from(["SPX", "SPY", "QQQ", "IWM"]), second=st.integers(0, 23_399), pick=st.integers(0, 10_000))
def test_quotes_are_on_the_grid_and_never_crossed(market: MarketModel, symbol: str, second: int, pick: int) -> None:
    options = market.find(symbol=symbol, sec_type="OPT")
    option, at = options[pick % len(options)], market.session_open() + timedelta(seconds=second)
    top, greeks = market.top(option, at), market.greeks(option, at)
    assert top.ask is not None
    assert greeks is not None
    assert on_grid(option.market_rule_id, top.ask)
    assert (top.bid is None) == (top.bid_size == 0)
    if top.bid is not None:
        assert 0 < top.bid < top.ask
        assert on_grid(option.market_rule_id, top.bid)
        assert float(top.bid) <= greeks.price + 0.101
        assert float(top.ask) >= greeks.price - 0.001


@pytest.mark.parametrize("symbol", ["SPX", "SPY", "QQQ", "IWM"])
def test_the_chain_says_what_single_quotes_say(market: MarketModel, symbol: str) -> None:
    chain = market.vendor.chain(symbol, NOON)
    for row in range(0, len(chain.instruments), 23):
        option = chain.instruments[row]
        top, greeks = market.top(option, NOON), market.greeks(option, NOON)
        assert greeks is not None
        assert greeks.gamma == pytest.approx(chain.gamma[row], rel=1e-9, abs=1e-15)
        assert greeks.iv == pytest.approx(chain.iv[row], rel=1e-12)
        assert float(top.ask or 0) == pytest.approx(chain.ask[row])
        assert (top.bid is None) == bool(np.isnan(chain.bid[row]))
        assert top.volume == chain.volume[row]
        assert market.open_interest(option) == chain.open_interest[row]


def test_at_the_money_spreads_are_tight(market: MarketModel) -> None:
    for symbol, widest in (("SPY", "0.03"), ("QQQ", "0.03"), ("IWM", "0.03"), ("SPX", "0.40")):
        for at in (NOON - timedelta(hours=2), NOON, NOON + timedelta(hours=1)):
            option = min(
                near(market, symbol, at), key=lambda each: abs(float(each.strike or 0) - market.price(symbol, at))
            )
            top = market.top(option, at)
            assert top.bid is not None
            assert top.ask is not None
            assert top.ask - top.bid <= Decimal(widest)
            assert min(top.bid_size, top.ask_size) >= 10


def test_nothing_is_quoted_on_options_outside_the_session(market: MarketModel) -> None:
    option = near(market, "SPY")[0]
    for at in (market.session_open() - timedelta(seconds=1), market.session_close()):
        assert market.top(option, at).ask is None
    assert market.greeks(option, market.session_close()) is None


def test_an_index_has_a_last_price_and_no_quote(market: MarketModel) -> None:
    top = market.top(market.underlying("SPX"), NOON)
    assert (top.bid, top.ask, top.bid_size, top.ask_size) == (None, None, 0, 0)
    assert top.last is not None
    assert not market.depth(market.underlying("SPX"), NOON).bids


def test_the_book_has_ten_sorted_levels_that_lean_as_the_script_says(market: MarketModel) -> None:
    spy = market.underlying("SPY")
    for minutes in (20, 200, 231):
        at = market.session_open() + timedelta(minutes=minutes)
        book, top = market.depth(spy, at), market.top(spy, at)
        assert len(book.bids) == len(book.asks) == 10
        assert all(a.price > b.price for a, b in pairwise(book.bids))
        assert all(a.price < b.price for a, b in pairwise(book.asks))
        assert (book.bids[0].price, book.bids[0].size) == (top.bid, top.bid_size)
        bids, asks = (sum(level.size for level in side) for side in (book.bids, book.asks))
        assert (bids - asks) / (bids + asks) == pytest.approx(lean(market, at), abs=0.002)
    assert lean(market, market.session_open() + timedelta(minutes=20)) > 0.3
    assert lean(market, market.session_open() + timedelta(minutes=231)) < -0.3


def test_index_and_fund_move_together(market: MarketModel) -> None:
    scale = 5901.0 / 590.3
    for minutes in range(0, 390, 13):
        at = market.session_open() + timedelta(minutes=minutes)
        assert market.price("SPX", at) == pytest.approx(market.price("SPY", at) * scale, rel=2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_continuous(scenario: Scenario, seed: int) -> None:
    market = build_market(scenario, seed)
    opened = market.session_open()
    for symbol in market.symbols():
        prices = [market.price(symbol, opened + timedelta(seconds=second)) for second in range(23_400)]
        steps = np.abs(np.diff(np.log(prices)))
        assert steps.max() < 0.0045  # the largest seeded jump
        assert np.sort(steps)[-8] < 0.0006


def test_jumps_and_halts_do_what_they_say(scenario: Scenario) -> None:
    acts = [Jump(kind="jump", at=time(11), percent=1.0), Halt(kind="halt", at=time(12), for_minutes=5)]
    spy = scenario.symbols["SPY"].model_copy(update={"acts": acts})
    market = build_market(scenario.model_copy(update={"symbols": {"SPY": spy}}), 3)
    eleven = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    assert market.price("SPY", eleven) / market.price("SPY", eleven - timedelta(seconds=1)) == pytest.approx(
        1.01, abs=5e-4
    )
    in_halt = eleven + timedelta(minutes=62)
    top, option = market.top(market.underlying("SPY"), in_halt), near(market, "SPY", in_halt)[0]
    assert top.halted
    assert (top.bid, market.top(option, in_halt).ask) == (None, None)
    assert market.price("SPY", in_halt) == market.price("SPY", in_halt + timedelta(minutes=2))
    assert not market.prints(market.underlying("SPY"), in_halt, in_halt + timedelta(minutes=1))


def test_prints_bars_and_day_statistics_tell_one_story(market: MarketModel) -> None:
    for instrument in (market.underlying("SPY"), *near(market, "SPY")[:3]):
        start, end = NOON.replace(second=0), NOON.replace(second=0) + timedelta(minutes=5)
        bars = market.bars(instrument, start, end, 60)
        for bar in bars:
            tape = market.prints(instrument, bar.at - timedelta(microseconds=1), bar.at + timedelta(seconds=59.999))
            assert (tape[0].price, tape[-1].price) == (bar.open, bar.close)
            assert (max(p.price for p in tape), min(p.price for p in tape)) == (bar.high, bar.low)
            assert (sum(p.size for p in tape), len(tape)) == (bar.volume, bar.count)
            assert [p.at for p in tape] == sorted(p.at for p in tape)
        whole = market.bars(instrument, market.session_open(), market.session_close(), 86_400)[-1]
        top = market.top(instrument, market.session_close() - timedelta(seconds=1))
        assert (whole.high, whole.low, whole.open) == (top.high, top.low, top.open)
        assert top.volume == whole.volume


def test_daily_bars_of_an_underlying_reach_back_and_end_at_the_previous_close(market: MarketModel) -> None:
    spy = market.underlying("SPY")
    bars = market.bars(spy, NOON - timedelta(days=40), NOON, 86_400)
    assert len(bars) > 25
    assert bars[-2].close == market.top(spy, NOON).close
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["gamma_pin_day", "quiet_day"])
def test_the_pin_is_the_max_gamma_strike_all_day(name: str, seed: int) -> None:
    scenario = load_scenario(name)
    market = build_market(scenario, seed)
    for symbol, script in scenario.symbols.items():
        for minutes in range(0, 361, 30):
            exposures = market.vendor.gex_by_strike(symbol, market.session_open() + timedelta(minutes=minutes))
            assert exposures.max_gamma_strike() == script.pin


def test_exposure_by_strike_sums_to_the_minute_row(market: MarketModel) -> None:
    at = NOON.replace(second=0)
    row = market.vendor.spot_gex_minutes("SPY", at)[-1]
    values = market.vendor.gex_by_strike("SPY", at).values
    assert row.at == at
    for greek in ("gamma", "charm", "vanna"):
        for weight in ("oi", "vol"):
            total = float(values[f"call_{greek}_{weight}"].sum() + values[f"put_{greek}_{weight}"].sum())
            assert getattr(row, f"{greek}_{weight}") == pytest.approx(total, rel=1e-9)
    signed = sum(float(values[f"{side}_gamma_{way}"].sum()) for side in ("call", "put") for way in ("ask", "bid"))
    assert row.gamma_dir == pytest.approx(signed, rel=1e-9)


def test_gamma_exposure_is_gamma_times_interest_times_price_squared(market: MarketModel) -> None:
    chain, exposures = market.vendor.chain("QQQ", NOON), market.vendor.gex_by_strike("QQQ", NOON)
    at = chain.strike == 510.0
    calls = at & (chain.right > 0)
    by_hand = float((chain.gamma * chain.open_interest)[calls].sum()) * 100 * chain.price**2 * 0.01
    place = int(np.flatnonzero(exposures.strikes == 510.0)[0])
    assert exposures.values["call_gamma_oi"][place] == pytest.approx(by_hand)
    assert exposures.values["put_gamma_oi"].max() <= 0


def test_an_index_row_carries_the_strike_at_the_money(market: MarketModel) -> None:
    row = market.vendor.spot_gex_minutes("SPX", NOON)[-1]
    assert row.price % 5 == 0
    assert abs(row.price - market.price("SPX", row.at)) <= 2.5


def test_net_premium_minutes_follow_the_tape(market: MarketModel) -> None:
    rows = market.vendor.net_premium_minutes("SPY", NOON)
    ended = NOON.replace(second=0)
    chain = market.vendor.chain("SPY", ended - timedelta(seconds=1))
    assert rows[-1].at == ended - timedelta(minutes=1)
    assert sum(row.call_volume + row.put_volume for row in rows) == chain.volume.sum()
    assert sum(row.call_volume_ask_side + row.put_volume_ask_side for row in rows) == chain.ask_volume.sum()
    assert market.vendor.net_premium_minutes("SPY", market.session_open()) == []


def test_flow_leans_with_the_script(market: MarketModel) -> None:
    bullish = market.vendor.net_premium_minutes("SPY", market.session_open() + timedelta(minutes=60))[16:]
    assert sum(row.net_call_premium - row.net_put_premium for row in bullish) > 0


def test_alerts_are_found_once_and_in_order(market: MarketModel) -> None:
    alerts = market.vendor.flow_alerts(market.session_open(), market.session_close())
    half = market.vendor.flow_alerts(market.session_open(), NOON)
    assert alerts == half + market.vendor.flow_alerts(NOON, market.session_close())
    assert [each.at for each in alerts] == sorted(each.at for each in alerts)
    assert len({each.id for each in alerts}) == len(alerts)
    for each in alerts:
        assert each.total_premium >= each.ask_side_premium + each.bid_side_premium
        assert each.total_size <= each.volume
        assert each.start <= each.end < each.at


def test_another_session_date_moves_the_whole_day(scenario: Scenario) -> None:
    market = build_market(scenario, 1, date(2026, 11, 23))
    assert market.session_open() == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    assert market.find(symbol="SPY", expiry="20261123", strike=Decimal(590), right="C")
    with pytest.raises(ValueError, match="not a session"):
        build_market(scenario, 1, date(2026, 11, 22))


@given(cents=st.integers(1, 100_000), rule=st.sampled_from(sorted(MARKET_RULES)))
def test_rounding_to_the_grid_brackets_the_price(cents: int, rule: int) -> None:
    price = Decimal(cents) / 100
    low, high = floor_to_grid(rule, price), ceil_to_grid(rule, price)
    assert low <= price <= high
    assert on_grid(rule, low)
    assert on_grid(rule, high)
    assert (low == high) == on_grid(rule, price)
