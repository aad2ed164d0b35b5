"""The UW face: the vendor's shapes, refusals and counting."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clocks.clock import ManualClock
from bot.sim.uw import UwFace, UwLimits
from tests.sim.uw.small_source import CLOSE, OPEN, SmallSource

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
BEARER = "Bearer secret"


class Desk:
    """A face with its clock and source, asked without a socket."""

    def __init__(self, start: datetime = NOON, limits: UwLimits | None = None, token: str | None = None) -> None:
        self.clock, self.source = ManualClock(start), SmallSource()
        self.face = UwFace(self.source, self.clock, limits=limits, token=token)

    def get(self, path: str, authorization: str = BEARER, **params: str) -> tuple[int, Any]:
        status, _, body = self.face.answer(path, list(params.items()), authorization)
        return status, json.loads(body)

    def rows(self, path: str, **params: str) -> Any:
        status, answer = self.get(path, **params)
        assert status == 200, answer
        return answer["data"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> dict[str, Any]:
    with gzip.open(shared_data / "unusual-whales-samples" / "vendor_doc_examples.json.gz") as file:
        return dict(json.load(file))


ENDPOINTS = {
    "/api/stock/{ticker}/spot-exposures": {},
    "/api/stock/{ticker}/spot-exposures/strike": {},
    "/api/stock/{ticker}/spot-exposures/expiry-strike": {"expirations[]": "2026-11-20"},
    "/api/stock/{ticker}/option-contracts": {},
    "/api/stock/{ticker}/net-prem-ticks": {},
    "/api/stock/{ticker}/greek-exposure/strike": {},
    "/api/stock/{ticker}/gex-levels": {},
    "/api/stock/{ticker}/stock-state": {},
    "/api/stock/{ticker}/ohlc/{candle_size}": {},
    "/api/option-trades/flow-alerts": {},
}


@pytest.mark.parametrize("path", sorted(ENDPOINTS))
def test_every_field_of_the_vendors_example_is_there_with_its_type(
    desk: Desk, examples: dict[str, Any], path: str
) -> None:
    wanted = examples[path]["example"]["data"]
    got = desk.rows(path.format(ticker="SPY", candle_size="5m"), **ENDPOINTS[path])
    example, row = (wanted[0], got[0]) if isinstance(wanted, list) else (wanted, got)
    for name, value in example.items():
        assert name in row, name
        if row[name] is not None:
            assert type(row[name]) is type(value), name


def test_the_ticker_is_in_the_live_rows(desk: Desk) -> None:
    for path in ("spot-exposures", "spot-exposures/strike"):
        assert desk.rows(f"/api/stock/SPX/{path}")[0]["ticker"] == "SPX"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic secret", "secret"])
def test_no_token_is_401_without_quota_headers(desk: Desk, authorization: str) -> None:
    status, headers, _ = desk.face.answer("/api/stock/SPY/stock-state", [], authorization)
    assert status == 401
    assert not any(name.startswith("x-uw") for name in headers)


def test_where_a_token_is_set_only_that_one_is_taken() -> None:
    desk = Desk(token="right")
    assert desk.get("/api/stock/SPY/stock-state", "Bearer right")[0] == 200
    assert desk.get("/api/stock/SPY/stock-state", "Bearer wrong")[0] == 401


def test_an_unknown_ticker_is_an_empty_404_and_an_unknown_path_says_so(desk: Desk) -> None:
    assert desk.get("/api/stock/NOPE/spot-exposures") == (404, {})
    for path in ("/api/stock/SPY/options", "/api/v1/stock/SPY/spot-exposures", "/", "/api/options/flow"):
        assert desk.get(path) == (404, {"error": "Route not found"})


@pytest.mark.parametrize(
    "path, params",
    [
        ("option-contracts", {"option_type": "banana"}),
        ("option-contracts", {"limit": "0"}),
        ("option-contracts", {"min_dte": "soon"}),
        ("spot-exposures", {"date": "20.11.2026"}),
        ("spot-exposures", {"date": "2027-01-01"}),
        ("spot-exposures/expiry-strike", {}),
        ("spot-exposures/strike", {"min_strike": "low"}),
        ("ohlc/7m", {}),
        ("gex-levels", {"source": "both"}),
    ],
)
def test_a_wrong_parameter_is_422_with_the_documented_body(desk: Desk, path: str, params: dict[str, str]) -> None:
    status, body = desk.get(f"/api/stock/SPY/{path}", **params)
    assert status == 422
    assert set(body) == {"path", "msg", "query", "url"}


def test_unknown_parameters_are_ignored(desk: Desk) -> None:
    assert desk.rows("/api/stock/SPY/spot-exposures/strike", expiry="2026-11-20", nonsense="1")


def test_dates_before_the_plans_window_are_403_and_days_without_a_session_are_empty(desk: Desk) -> None:
    status, body = desk.get("/api/stock/SPY/spot-exposures", date="2026-01-05")
    assert (status, body["code"]) == (403, "historic_data_access_missing")
    assert "2026-08-22" in body["message"]
    assert desk.rows("/api/stock/SPY/spot-exposures", date="2026-11-15") == []


def test_minutes_come_as_they_pass_and_end_with_the_session() -> None:
    desk = Desk(OPEN - timedelta(minutes=5))
    spot, flow = "/api/stock/SPY/spot-exposures", "/api/stock/SPY/net-prem-ticks"
    assert desk.rows(spot) == desk.rows(flow) == []
    desk.clock.advance_to(OPEN + timedelta(seconds=30))
    assert (len(desk.rows(spot)), len(desk.rows(flow))) == (1, 0)
    desk.clock.advance(60)
    assert (len(desk.rows(spot)), len(desk.rows(flow))) == (2, 1)
    assert desk.rows(spot)[-1]["time"] == "2026-11-20T14:31:00.000000Z"
    desk.clock.advance_to(CLOSE + timedelta(minutes=10))
    assert len(desk.rows(flow)) == 390


def test_a_minute_is_measured_once_however_often_it_is_asked_for(desk: Desk) -> None:
    for path in ("spot-exposures", "net-prem-ticks", "spot-exposures/strike", "gex-levels"):
        for _ in range(3):
            desk.rows(f"/api/stock/SPY/{path}")
    assert desk.source.asked == {"exposures": 1, "flows": 1, "strikes": 1}


def test_strikes_are_filtered_and_paged(desk: Desk) -> None:
    path = "/api/stock/SPY/spot-exposures/strike"
    assert [row["strike"] for row in desk.rows(path, min_strike="599", max_strike="601")] == ["599", "600", "601"]
    assert [row["strike"] for row in desk.rows(path, limit="2", page="1")] == ["600", "601"]
    assert len(desk.rows(path, limit="9999")) == 5  # answered with the 50 rows of the fall-back, not with 422


def test_contracts_come_by_volume_and_are_filtered(desk: Desk) -> None:
    path = "/api/stock/SPY/option-contracts"
    volumes = [row["volume"] for row in desk.rows(path)]
    assert volumes == sorted(volumes, reverse=True)
    assert {row["option_symbol"][-9] for row in desk.rows(path, option_type="Put")} == {"P"}
    assert len(desk.rows(path, exclude_zero_vol_chains="true")) == 5
    assert desk.rows(path, exclude_zero_dte="true") == []
    only = "SPY261120C00600000"
    assert [row["option_symbol"] for row in desk.rows(path, **{"option_symbol[]": only})] == [only]
    assert any(row["nbbo_bid"] is None for row in desk.rows(path))


def test_alerts_are_newest_first_and_bounded_in_time_and_ticker(desk: Desk) -> None:
    path = "/api/option-trades/flow-alerts"
    times = [row["created_at"] for row in desk.rows(path)]
    assert times == sorted(times, reverse=True)
    assert {row["ticker"] for row in desk.rows(path, ticker_symbol="SPX")} == {"SPX"}
    assert {row["ticker"] for row in desk.rows(path, ticker_symbol="-SPX")} == {"SPY"}
    newest = desk.rows(path, newer_than=times[0])
    assert [row["created_at"] for row in newest] == times[:1]
    older = desk.rows(path, older_than=times[2], limit="1")
    assert older[0]["created_at"] == times[2]
    milliseconds = str(round(NOON.timestamp() * 1000))
    assert [row["created_at"] for row in desk.rows(path, newer_than=milliseconds)] == times[:1]


def test_levels_follow_from_the_strikes(desk: Desk) -> None:
    levels = desk.rows("/api/stock/SPY/gex-levels", source="oi")
    assert levels["gamma_magnet"] == "600"
    assert levels["source"] == "oi"
    assert desk.rows("/api/stock/SPY/gex-levels")["gamma_magnet"] is None  # no volume in this market, so no vol gamma


def test_the_headers_count_every_request_and_the_minute_starts_anew(desk: Desk) -> None:
    desk.clock.advance(15)
    _, headers, _ = desk.face.answer("/api/stock/SPY/stock-state", [], BEARER)
    assert headers["x-uw-daily-req-count"] == headers["x-uw-minute-req-counter"] == "1"
    assert headers["x-uw-token-req-limit"] == "30000"
    assert headers["x-uw-req-per-minute-remaining"] == "119"
    assert headers["x-uw-req-per-minute-reset"] == "45000"
    desk.clock.advance(45)
    _, headers, _ = desk.face.answer("/api/stock/NOPE/stock-state", [], BEARER)
    assert (headers["x-uw-daily-req-count"], headers["x-uw-minute-req-counter"]) == ("2", "1")


def test_over_the_minute_is_429_until_the_next_and_over_the_day_until_the_evening() -> None:
    desk = Desk(limits=replace(UwLimits(), per_minute=2, per_day=4))
    path = "/api/stock/SPY/stock-state"
    assert [desk.get(path)[0] for _ in range(3)] == [200, 200, 429]
    desk.clock.advance(60)
    assert desk.get(path)[0] == 200
    assert desk.get(path) == (429, {"code": "daily_request_limit_hit", "message": "You have hit your daily limit."})
    desk.clock.advance_to(datetime(2026, 11, 21, 1, 0, tzinfo=UTC))
    assert desk.get(path)[0] == 200


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    first, second = Desk().face, Desk().face
    port = await first.start("127.0.0.1", 0)
    with pytest.raises(OSError, match=str(port)):
        await second.start("127.0.0.1", port)
    await second.stop()
    await first.stop()
