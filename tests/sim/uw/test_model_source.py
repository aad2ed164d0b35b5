"""The market model through the UW face: what is served follows from the model."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.analytics.gex import max_gamma_strike
from bot.clocks.clock import ManualClock
from bot.feeds.tolerant import rows_of
from bot.feeds.vendors.unusual_whales.rows import PARSERS
from bot.sim.market import MarketModel, build_market
from bot.sim.scenario import load_scenario
from bot.sim.uw import UwFace
from bot.sim.uw.model_source import ModelSource
from bot.sim.uw.sets import VendorDay


@pytest.fixture(scope="module")
def market() -> MarketModel:
    return build_market(load_scenario("demo"), 1)


def read(market: MarketModel, dataset: str, path: str, minutes: int = 90, **params: str) -> list[Any]:
    clock = ManualClock((market.session_open() + timedelta(minutes=minutes)).astimezone(UTC))
    status, _, body = UwFace(market, clock).answer(path, list(params.items()), "Bearer any")
    assert status == 200
    parsed = PARSERS[dataset].parse(rows_of(body))
    assert parsed.dropped == 0
    return list(parsed.rows)


def test_gamma_by_strike_is_the_models_and_its_peak_the_models_peak(market: MarketModel) -> None:
    at = market.session_open() + timedelta(minutes=90)
    for symbol in market.symbols():
        rows = read(market, "gex_by_strike", f"/api/stock/{symbol}/spot-exposures/strike", limit="500")
        exposures = market.vendor.gex_by_strike(symbol, at)
        assert max_gamma_strike(rows) == Decimal(str(exposures.max_gamma_strike()))
        assert sum(row.net_gamma_oi for row in rows) == pytest.approx(float(exposures.net_gamma.sum()), rel=1e-6)


def test_the_minute_row_and_the_strikes_of_that_minute_agree(market: MarketModel) -> None:
    for symbol in market.symbols():
        last = read(market, "spot_gex", f"/api/stock/{symbol}/spot-exposures")[-1]
        strikes = read(market, "gex_by_strike", f"/api/stock/{symbol}/spot-exposures/strike", limit="500")
        assert last.at == strikes[0].at
        assert last.price == strikes[0].price
        assert last.gamma_oi == pytest.approx(sum(row.net_gamma_oi for row in strikes), rel=1e-4)


def test_the_expiries_of_a_strike_add_up_to_the_strike(market: MarketModel) -> None:
    source, at = ModelSource(VendorDay(market)), market.session_open() + timedelta(minutes=90)
    symbol = next(iter(market.symbols()))
    expiries = sorted({state.expiry for state in source.contracts_at(symbol, at, None)})
    whole = {row.strike: row.columns["call_gamma_oi"] for row in source.strikes_at(symbol, at, None).rows}
    parts = dict.fromkeys(whole, 0.0)
    for expiry in expiries:
        for row in source.strikes_at(symbol, at, [expiry]).rows:
            parts[row.strike] += row.columns["call_gamma_oi"]
    assert parts == pytest.approx(whole)


def test_the_volume_of_the_contracts_is_that_of_the_flow(market: MarketModel) -> None:
    for symbol in market.symbols():
        ticks = ModelSource(VendorDay(market)).flows(symbol, market.session_close(), 0)
        rows = ModelSource(VendorDay(market)).contracts_at(symbol, market.session_close() - timedelta(seconds=1), None)
        assert sum(tick.call_volume + tick.put_volume for tick in ticks) == sum(row.volume for row in rows)


def test_a_contracts_day_read_in_steps_is_the_day_read_at_once(market: MarketModel) -> None:
    symbol = next(iter(market.symbols()))
    stepwise, opened = ModelSource(VendorDay(market)), market.session_open()
    for minutes in range(10, 200, 10):
        stepwise.contracts_at(symbol, opened + timedelta(minutes=minutes), None)
    at = opened + timedelta(minutes=200)
    assert stepwise.contracts_at(symbol, at, None) == ModelSource(VendorDay(market)).contracts_at(symbol, at, None)


def test_contracts_are_quoted_uncrossed_and_traded_between_their_extremes(market: MarketModel) -> None:
    rows = read(market, "option_contracts", "/api/stock/SPY/option-contracts", max_dte="1", limit="500")
    assert rows
    assert all(row.ask is not None and (row.bid is None or row.bid < row.ask) for row in rows)
    assert all((row.last is None) == (row.volume == 0) for row in rows)
    assert all(row.ask_volume + row.bid_volume <= row.volume for row in rows)


def test_alerts_are_read_back_whole(market: MarketModel) -> None:
    alerts = read(market, "flow_alerts", "/api/option-trades/flow-alerts", minutes=380, limit="200")
    assert alerts
    assert all(0 <= alert.ask_share + alert.bid_share <= 1.000001 for alert in alerts)
    assert {alert.symbol for alert in alerts} <= set(market.symbols())
