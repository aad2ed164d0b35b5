"""The sets that are made of the whole model: each is read whole by its shipped endpoint, and their numbers agree."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.clocks.clock import ManualClock
from bot.feeds.probe import probe
from bot.feeds.sources import DataSources
from bot.feeds.targets import targets_of
from bot.feeds.tolerant import rows_of
from bot.feeds.vendors.unusual_whales.rows import PARSERS
from bot.sim.market import MarketModel, build_market
from bot.sim.scenario import Scenario, load_scenario
from bot.sim.uw import InProcessTransport, UwFace, UwLimits
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import OneDay

SHIPPED = DataSources.model_validate(
    yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8"))
).root["unusual_whales"]
DAY_OF_FOUR = SHIPPED.model_copy(update={"symbols": ("SPY", "SPX", "QQQ", "IWM")})
MINUTES = 95


@cache
def market() -> MarketModel:
    return build_market(load_scenario("demo"), 1)


def a_face(minutes: int = MINUTES) -> tuple[UwFace, ManualClock]:
    clock = ManualClock((market().session_open() + timedelta(minutes=minutes)).astimezone(UTC))
    return UwFace(market(), clock, limits=UwLimits(per_minute=100_000)), clock


@cache
def shared_face() -> tuple[UwFace, ManualClock]:
    return a_face()


def rows(name: str, key: str = "*") -> list[Any]:
    """Return a set's rows as its shipped endpoint asks for and reads them."""
    face, clock = shared_face()
    endpoint = next(each for each in DAY_OF_FOUR.endpoints if each.name == name)
    target = next(
        each for each in targets_of(endpoint.model_copy(update={"enabled": True}), DAY_OF_FOUR) if each.key == key
    )
    reply = face.answer(target.path(OneDay(), clock.now()), target.params(OneDay(), clock.now()), "Bearer x")
    assert reply.status == 200
    parsed = DAY_OF_FOUR.reads(endpoint).parse(rows_of(reply.body))
    assert parsed.dropped == 0
    return list(parsed.rows)


@pytest.mark.parametrize("name", [each.name for each in SHIPPED.endpoints])
def test_each_shipped_set_is_served_and_read_whole(name: str) -> None:
    face, clock = shared_face()
    endpoint = next(each for each in DAY_OF_FOUR.endpoints if each.name == name)
    found = asyncio.run(probe("uw", DAY_OF_FOUR, endpoint, InProcessTransport(face), OneDay(), clock.now()))
    assert (found.outcome, found.missing, found.wrong) == ("ok", (), ()), found


def test_the_same_seed_serves_the_same_bytes() -> None:
    first, second = a_face()[0], UwFace(build_market(load_scenario("demo"), 1), a_face()[1])
    for endpoint in DAY_OF_FOUR.endpoints:
        target = targets_of(endpoint.model_copy(update={"enabled": True}), DAY_OF_FOUR)[0]
        path, params = target.path(OneDay(), CLOCK_AT), target.params(OneDay(), CLOCK_AT)
        assert first.answer(path, params, "Bearer x").body == second.answer(path, params, "Bearer x").body, path


CLOCK_AT = (market().session_open() + timedelta(minutes=MINUTES)).astimezone(UTC)


def test_the_tide_is_the_sum_of_net_premium_ticks() -> None:
    calls = puts = 0.0
    for symbol in DAY_OF_FOUR.symbols:
        ticks = rows("net_premium", symbol)
        calls += sum(tick.net_call_premium for tick in ticks)
        puts += sum(tick.net_put_premium for tick in ticks)
    last = rows("market_tide")[-1]
    assert (last.net_call_premium, last.net_put_premium) == pytest.approx((calls, puts))


@pytest.mark.parametrize("name", ["flow_per_strike", "flow_per_expiry"])
def test_flow_by_place_adds_up_to_the_ticks(name: str) -> None:
    ticks, tallies = rows("net_premium", "SPY"), rows(name, "SPY")
    assert sum(row.net_premium for row in tallies) == pytest.approx(
        sum(tick.net_call_premium - tick.net_put_premium for tick in ticks)
    )
    assert sum(row.call_volume for row in tallies) == sum(tick.call_volume for tick in ticks)
    assert sum(row.put_bid_volume for row in tallies) == sum(tick.put_bid_volume for tick in ticks)


def test_the_strikes_through_the_day_are_the_days_strikes() -> None:
    whole = {row.strike: row for row in rows("flow_per_strike", "SPY")}
    parts: dict[Any, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows("flow_per_strike_intraday", "SPY"):
        parts[row.strike][0] += row.net_premium
        parts[row.strike][1] += row.call_volume
    assert len(parts) == 8
    for strike, (premium, volume) in parts.items():
        assert (premium, volume) == pytest.approx((whole[strike].net_premium, whole[strike].call_volume))
    strongest = sorted(whole, key=lambda strike: -abs(whole[strike].net_premium))[:8]
    assert set(parts) == set(strongest)


def test_directional_delta_is_the_ticks_net_delta_and_an_expirys_flow_is_a_part_of_it() -> None:
    ticks, flow = rows("net_premium", "SPY"), rows("greek_flow", "SPY")
    assert [row.at for row in flow] == [tick.at for tick in ticks]
    assert [row.directional_delta for row in flow] == pytest.approx([tick.net_delta for tick in ticks], abs=0.01)
    assert [row.volume for row in flow] == [tick.call_volume + tick.put_volume for tick in ticks]
    today = rows("greek_flow_by_expiry", "SPY:0d")
    assert all(part.volume <= whole.volume for part, whole in zip(today, flow, strict=True))
    assert 0 < sum(row.volume for row in today) < sum(row.volume for row in flow)


def test_greek_exposure_is_one_sum_by_strike_by_expiry_and_of_the_chain() -> None:
    whole = rows("greek_exposure", "SPY")[-1]
    for name in ("greek_exposure_by_strike", "greek_exposure_by_expiry"):
        parts = rows(name, "SPY")
        assert sum(row.net_gamma for row in parts) == pytest.approx(whole.net_gamma, rel=1e-4)
        assert sum(row.call_delta for row in parts) == pytest.approx(whole.call_delta, rel=1e-4)
    today = next(row for row in rows("greek_exposure_by_expiry", "SPY") if row.expiry == CLOCK_AT.date())
    of_it = rows("greek_exposure_by_strike_expiry", "SPY:0d")
    assert sum(row.put_gamma for row in of_it) == pytest.approx(today.put_gamma, rel=1e-4)


def test_spot_exposure_by_expiry_is_that_by_strike_and_expiry() -> None:
    by_expiry = {row.expiry: row for row in rows("gex_by_expiry", "SPY")}
    by_strike = rows("gex_by_strike_expiry", "SPY:0d")
    assert by_expiry[CLOCK_AT.date()].net_gamma_oi == pytest.approx(sum(row.net_gamma_oi for row in by_strike))


def test_large_trades_of_the_tape_are_those_of_the_contracts_and_have_both_sides() -> None:
    trades = rows("option_trades")
    assert {trade.symbol for trade in trades} <= set(DAY_OF_FOUR.symbols)
    assert all(trade.premium >= 50_000 for trade in trades)
    assert {"ask", "bid"} <= {trade.side for trade in trades}
    assert all(trade.premium == pytest.approx(float(trade.price) * trade.size * 100) for trade in trades)
    assert all(trade.at <= CLOCK_AT for trade in trades)


def test_open_interest_agrees_wherever_it_is_told() -> None:
    changes = rows("oi_change", "SPY")[:20]
    named = [("option_symbol[]", row.contract.key.replace(" ", "")) for row in changes]
    body = shared_face()[0].answer("/api/stock/SPY/option-contracts", named, "Bearer x").body
    contracts = {row.contract: row for row in PARSERS["option_contracts"].parse(rows_of(body)).rows}
    assert len(contracts) == 20
    for row in changes:
        known = contracts[row.contract]
        assert (row.open_interest, row.previous_open_interest) == (known.open_interest, known.previous_open_interest)
        assert row.change == row.open_interest - row.previous_open_interest
    by_strike, by_expiry = rows("oi_per_strike", "SPY"), rows("oi_per_expiry", "SPY")
    assert sum(row["call_oi"] for row in by_strike) == sum(row["call_oi"] for row in by_expiry)


def test_shares_on_and_off_the_exchanges_are_the_days_volume_and_dark_trades_a_part() -> None:
    book, line = market().book("SPY"), market().line
    last = line.index(CLOCK_AT.replace(second=0, microsecond=0))
    levels = rows("off_lit_levels", "SPY")
    volume = int(book.tape.volume[last - 1] - book.tape.volume[line.open_index - 1])
    assert sum(level.lit + level.off for level in levels) == volume
    trades = rows("dark_pool", "SPY")
    assert len(trades) == 500, "a page is full, and the rest is asked for by time"
    assert sum(trade.size for trade in trades) < sum(level.off for level in levels)
    assert {trade.side for trade in trades} == {"ask", "bid"}


def test_an_index_has_no_dark_pool() -> None:
    face, _ = shared_face()
    assert face.answer("/api/darkpool/SPX", [], "Bearer x").body == b'{"data": []}'


def test_volatility_is_the_surfaces_own() -> None:
    terms = {row.dte: row for row in rows("iv_term_structure", "SPY")}
    fixed = {row.days: row for row in rows("interpolated_iv", "SPY")}
    assert terms[7].iv == pytest.approx(fixed[7].iv, rel=1e-4)
    assert terms[0].iv > terms[28].iv, "the short end is lifted"
    ranks = rows("iv_rank", "SPY")
    assert all(0 <= row.rank <= 100 for row in ranks)
    assert ranks[-1].iv == pytest.approx(fixed[30].iv, rel=1e-4)
    skew = rows("risk_reversal_skew", "SPY")
    assert all(row.day < CLOCK_AT.date() for row in skew), "the present day's is not settled"
    assert sum(row.value for row in skew) > 0, "protection is dearer"
    assert rows("realized_volatility", "SPY")[-1].realized is None


def test_nothing_of_what_is_to_come_is_told() -> None:
    for name in ("news", "stock_bars", "greek_flow", "congress_trades", "insider_trades"):
        found = rows(name, "*" if name in {"news", "congress_trades", "insider_trades"} else "SPY")
        assert found
        for row in found:
            at = getattr(row, "at", None)
            assert at is None or at <= CLOCK_AT
    assert all(row.filed_on <= CLOCK_AT.date() for row in rows("congress_trades"))


def test_people_deal_in_what_is_known_and_companies_report_on_both_ends_of_the_day() -> None:
    assert {row.dealing for row in rows("congress_trades")} >= {"buy", "sell"}
    assert rows("earnings_afterhours")
    assert rows("earnings_premarket")
    face, _ = shared_face()
    assert face.answer("/api/earnings/AAPL", [], "Bearer x").status == 200, "a company is known, listed today or not"
    assert face.answer("/api/earnings/NOPE", [], "Bearer x").status == 404


@pytest.mark.parametrize(
    "path, params",
    [
        ("/api/stock/SPY/greek-exposure/strike-expiry", []),
        ("/api/stock/SPY/historical-risk-reversal-skew", [("expiry", "2026-11-27")]),
        ("/api/stock/SPY/historical-risk-reversal-skew", [("expiry", "2026-11-27"), ("delta", "0.61")]),
        ("/api/market/Astrology/sector-tide", []),
        ("/api/stock/SPY/flow-per-strike-intraday", [("filter", "Whim")]),
    ],
)
def test_what_is_required_is_422_without_it(path: str, params: list[tuple[str, str]]) -> None:
    assert shared_face()[0].answer(path, params, "Bearer x").status == 422


def test_without_an_expiry_greeks_are_an_empty_list_and_a_weekend_is_empty_everywhere() -> None:
    face, _ = shared_face()
    assert face.answer("/api/stock/SPY/greeks", [], "Bearer x").body == b'{"data": []}'
    assert face.answer("/api/market/market-tide", [("date", "2026-11-15")], "Bearer x").body == b'{"data": []}'


# ---- what the script lets people know, and what is announced


def test_what_a_script_foretells_is_served_and_nothing_of_its_coin() -> None:
    acts = [
        {"kind": "informed", "who": "congress", "at": "10:00", "for_minutes": 60, "direction": 1, "count": 5},
        {"kind": "informed", "who": "insiders", "at": "11:00", "for_minutes": 60, "direction": -1, "count": 4},
        {"kind": "release", "at": "10:00", "direction": 1, "name": "CPI m/m, revised"},
        {"kind": "earnings", "direction": 1},
    ]
    symbols = {"NVDA": {"open": 180, "iv": 0.4, "term": -0.4, "acts": acts}}
    scenario = {"name": "x", "description": "x", "date": "2026-11-20", "symbols": symbols}
    model = build_market(Scenario.model_validate(scenario), 1)
    clock = ManualClock((model.session_open() + timedelta(minutes=20)).astimezone(UTC))
    face = UwFace(model, clock, limits=UwLimits(per_minute=100_000))

    def told(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        reply = face.answer(path, list(query.items()), "Bearer x")
        assert reply.status == 200, reply.body
        assert b"probability" not in reply.body
        assert b"comes_true" not in reply.body
        rows: list[dict[str, Any]] = json.loads(reply.body)["data"]
        return rows

    bought = [
        row for row in told("/api/congress/recent-trades", {"ticker": "NVDA"}) if row["filed_at_date"] == "2026-11-18"
    ]
    assert sum(row["txn_type"] == "Buy" for row in bought) >= 5
    sold = [
        row for row in told("/api/insider/transactions", {"ticker_symbol": "NVDA"}) if "KNOWER" in row["owner_name"]
    ]
    assert len({row["owner_name"] for row in sold}) == 4
    assert all(row["amount"] < 0 and not row["is_10b5_1"] for row in sold)
    assert "CPI m/m, revised" in {row["event"] for row in told("/api/market/economic-calendar", {})}
    assert "NVDA" in {row["symbol"] for row in told("/api/earnings/premarket", {"date": "2026-11-20"})}
    term = told("/api/stock/NVDA/volatility/term-structure", {})
    by_life = [float(row["volatility"]) for row in sorted(term, key=lambda row: row["dte"]) if row["dte"] >= 7]
    assert by_life == sorted(by_life, reverse=True), "inverted"
