"""Unusual Whales' rows: recorded ones, the vendor's own examples, and everything that can be wrong with them."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.instruments import Right
from bot.feeds.rows import Parsed, ParserMemory
from bot.feeds.tolerant import Malformed, count, decimal, flag, instant, real, rows_of
from bot.feeds.vendors.unusual_whales.rows import PARSERS


def parse(dataset: str, rows: list[Any]) -> Parsed[Any]:
    return PARSERS[dataset].parse(rows)


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> dict[str, Any]:
    with gzip.open(shared_data / "unusual-whales-samples" / "vendor_doc_examples.json.gz") as file:
        return dict(json.load(file))


def example_rows(examples: dict[str, Any], path: str) -> list[Any]:
    return rows_of(json.dumps(examples[path]["example"]).encode())


def recorded(shared_data: Path, name: str) -> list[Any]:
    lines = (shared_data / "unusual-whales-samples" / name).read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line) for line in lines]
    return [message.get("payload", message) for message in messages]


def test_the_vendors_example_of_spot_exposures_is_read(examples: dict[str, Any]) -> None:
    parsed = parse("spot_gex", example_rows(examples, "/api/stock/{ticker}/spot-exposures"))
    assert parsed.dropped == 0
    first = parsed.rows[0]
    assert first.at == datetime(2023, 12, 13, 5, 0, 41, 481000, tzinfo=UTC)
    assert first.price == Decimal(4650)
    assert first.gamma_oi == 65476967081.41
    assert first.gamma_dir == 475681.21
    assert parsed.source_at == parsed.rows[-1].at


def test_the_vendors_example_of_contracts_is_read(examples: dict[str, Any]) -> None:
    parsed = parse("option_contracts", example_rows(examples, "/api/stock/{ticker}/option-contracts"))
    assert parsed.dropped == 0
    put = next(row for row in parsed.rows if row.contract.right is Right.PUT)
    assert put.contract.strike == Decimal(185)
    assert put.contract.expiry == date(2024, 2, 2)
    assert put.ask == Decimal("0.01")
    assert put.delta == -0.187
    assert put.last_trade_at == datetime(2024, 2, 1, 20, 59, 58, tzinfo=UTC)
    call = next(row for row in parsed.rows if row.contract.right is Right.CALL)
    assert call.contract.strike == Decimal("187.5")
    assert call.delta is None
    assert parsed.source_at is None


def test_the_vendors_example_of_net_premium_is_read(examples: dict[str, Any]) -> None:
    parsed = parse("net_premium", example_rows(examples, "/api/stock/{ticker}/net-prem-ticks"))
    assert [row.net_call_volume for row in parsed.rows] == [640, 720]
    assert parsed.rows[0].net_put_premium == -11106.0
    assert parsed.source_at == datetime(2025, 3, 21, 19, 59, tzinfo=UTC)


def test_the_vendors_example_of_alerts_is_read(examples: dict[str, Any]) -> None:
    parsed = parse("flow_alerts", example_rows(examples, "/api/option-trades/flow-alerts"))
    (alert,) = parsed.rows
    assert alert.symbol == "MSFT"
    assert alert.rule == "RepeatedHits"
    assert alert.ask_share == pytest.approx(151875 / 186705)
    assert alert.has_sweep
    assert alert.id  # the example has none, so one is made that is the same each time
    assert parse("flow_alerts", example_rows(examples, "/api/option-trades/flow-alerts")).rows == parsed.rows


def test_the_example_by_strike_has_no_strike_and_is_therefore_dropped_and_counted(examples: dict[str, Any]) -> None:
    rows = example_rows(examples, "/api/stock/{ticker}/spot-exposures/strike")
    assert parse("gex_by_strike", rows).dropped == 1
    parsed = parse("gex_by_strike", [{**rows[0], "strike": "4650.0"}])
    assert parsed.rows[0].strike == Decimal(4650)
    assert str(parsed.rows[0].strike) == "4650"
    assert parsed.rows[0].net_gamma_oi == pytest.approx(5124108502049.17 + 320909908341.10)


def test_recorded_gex_messages_are_read_but_for_the_acknowledgements(shared_data: Path) -> None:
    rows = recorded(shared_data, "ws_gex_2025-05-16.jsonl")
    parsed = parse("spot_gex", [row for row in rows if row.get("ticker") == "SPY"])
    assert len(parsed.rows) >= 3
    assert parsed.dropped == 0
    assert parsed.rows[0].price == Decimal("593.06")
    acknowledgements = [row for row in rows if "ticker" not in row]
    assert parse("spot_gex", acknowledgements).dropped == len(acknowledgements) == 3


@pytest.mark.parametrize(
    "name, readable", [("ws_flow_alerts_2025-05-16.jsonl", 17), ("ws_flow_alerts_2025-09-18.jsonl", 55)]
)
def test_recorded_alerts_are_read_but_for_the_empty_ones(shared_data: Path, name: str, readable: int) -> None:
    rows = recorded(shared_data, name)
    parsed = parse("flow_alerts", rows)
    assert len(parsed.rows) + parsed.dropped <= len(rows)
    assert parsed.dropped == len(rows) - readable
    assert all(alert.premium > 0 and alert.contract.strike > 0 for alert in parsed.rows)
    assert list(parsed.rows) == sorted(parsed.rows, key=lambda alert: alert.at)


STRIKE_ROW = {"strike": "600", "price": "601.2", "time": "2026-11-20T17:00:00.000000Z", "call_gamma_oi": "5"}


def test_a_row_that_cannot_be_read_is_dropped_and_the_others_stand() -> None:
    bad: list[Any] = [{**STRIKE_ROW, "strike": None}, {**STRIKE_ROW, "call_gamma_oi": "n/a"}, "a row", 7, None, []]
    parsed = parse("gex_by_strike", [*bad, STRIKE_ROW])
    assert len(parsed.rows) == 1
    assert parsed.dropped == len(bad)
    assert parsed.first_fault == "strike is missing"


def test_of_a_strike_that_comes_twice_the_newer_row_stands() -> None:
    older = {**STRIKE_ROW, "time": "2026-11-20T16:59:00Z", "call_gamma_oi": "1"}
    for rows in ([older, STRIKE_ROW], [STRIKE_ROW, older]):
        (row,) = parse("gex_by_strike", rows).rows
        assert row.call_gamma_oi == 5.0


def test_null_and_empty_gamma_is_none_at_that_side() -> None:
    (row,) = parse("gex_by_strike", [{**STRIKE_ROW, "put_gamma_oi": "", "call_gamma_oi": None}]).rows
    assert row.net_gamma_oi == 0


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T17:00:00.000000Z", "2026-11-20 17:00:00+00:00", "2026-11-20T12:00:00-05:00", "2026-11-20T17:00:00",
        1795194000000, 1795194000, "1795194000000",
    ],
)  # fmt: skip
def test_every_way_to_write_a_time_is_the_same_time(written: Any) -> None:
    assert instant({"at": written}, "at") == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("nothing", [None, "", "NaN"])
def test_nothing_is_nothing(nothing: Any) -> None:
    row = {"x": nothing}
    assert decimal(row, "x") is None
    assert real(row, "x") is None
    assert instant(row, "x") is None
    assert count(row, "x") == 0
    assert not flag(row, "x")


WRONG_NUMBERS = ["abc", True, [1], {"a": 1}, "Infinity", float("inf"), "1,000", "1e99999999999999999999"]


@pytest.mark.parametrize("wrong", WRONG_NUMBERS)
def test_what_is_not_a_number_is_malformed(wrong: Any) -> None:
    for read in (decimal, real):
        with pytest.raises(Malformed, match="x="):
            read({"x": wrong}, "x")


@pytest.mark.parametrize("wrong", ["yesterday", True, "2026-13-40", 1e30, 10**400])
def test_what_is_not_a_time_is_malformed(wrong: Any) -> None:
    with pytest.raises(Malformed, match="at="):
        instant({"at": wrong}, "at")


@pytest.mark.parametrize(
    "body", [b'[{"a": 1}]', b'{"data": [{"a": 1}]}', b'{"data": {"a": 1}}', b'{"chains": [{"a": 1}]}']
)
def test_every_envelope_gives_its_rows(body: bytes) -> None:
    assert rows_of(body) == [{"a": 1}]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b'"text"', b"12", b'{"rows": []}', b'{"data": null}'])
def test_what_has_no_rows_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        rows_of(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "strike", "price", "time", "tape_time", "created_at", "option_chain", "option_symbol", "total_premium",
        "gamma_per_one_percent_move_oi", "net_call_premium", "net_put_premium", "volume", "has_sweep",
    ]
)  # fmt: skip


@given(st.sampled_from(sorted(PARSERS)), st.lists(st.dictionaries(FIELDS, JSON, max_size=13) | JSON, max_size=4))
def test_no_row_whatever_is_in_it_breaks_a_parser(dataset: str, rows: list[Any]) -> None:
    parsed = parse(dataset, rows)
    assert len(parsed.rows) + parsed.dropped <= len(rows)


@given(st.binary(max_size=60))
def test_no_body_whatever_is_in_it_is_more_than_malformed(body: bytes) -> None:
    try:
        rows = rows_of(body)
    except Malformed:
        return
    assert isinstance(rows, list)


MINUTE = {"tape_time": "2026-11-20T17:00:00Z", "net_call_premium": "1", "net_put_premium": "2"}


def test_a_minute_that_stands_as_it_stood_is_not_read_again_and_a_corrected_one_is() -> None:
    memory = ParserMemory()
    (first,) = PARSERS["net_premium"].parse([MINUTE], memory).rows
    (again,) = PARSERS["net_premium"].parse([dict(MINUTE)], memory).rows
    assert again is first
    (corrected,) = PARSERS["net_premium"].parse([{**MINUTE, "net_call_premium": "5"}], memory).rows
    assert corrected.net_call_premium == 5.0


def test_rows_that_say_the_same_hold_one_object_for_it() -> None:
    """A day's rows of all data sets are held at once: a price, a ticker, a time of its own in each is half of them."""
    said = {"executed_at": "2026-11-20T14:31:00Z", "ticker": "SPY", "market_center": "L", "size": 100}
    trades = [
        {**said, "price": "590.25", "nbbo_bid": "590.24", "nbbo_ask": "590.26", "premium": "59025", "tracking_id": each}
        for each in (1, 2)
    ]
    strikes = [
        {"strike": strike, "price": "590.25", "time": "2026-11-20T14:31:00Z", "call_gamma_oi": "1"}
        for strike in ("589.0", "590")
    ]
    (one, other), (low, _) = parse("dark_pool", trades).rows, parse("gex_by_strike", strikes).rows
    assert one.price is other.price is low.price
    assert one.bid is other.bid
    assert one.ticker is other.ticker
    assert one.venue is other.venue
    assert one.at is other.at is low.at
    assert parse("gex_by_strike", strikes).rows[0].strike is low.strike
