"""Unusual Whales' further sets: the vendor's own examples, recorded rows, and each trap that is known."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.data.calendar import ReportTime
from bot.domain.data.flow import TradeSide
from bot.domain.data.people import Dealing
from bot.feeds.declared import DeclaredReader
from bot.feeds.rows import Parsed
from bot.feeds.sources import DataSources
from bot.feeds.tolerant import Malformed, day, rows_of, texts
from bot.feeds.vendors.unusual_whales.rows import PARSERS
from bot.feeds.vendors.unusual_whales.rows.people import congress_trade, dealing, dollar_range
from tests.conftest import REPO_ROOT

SHIPPED = DataSources.model_validate(
    yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8"))
).root["unusual_whales"]
DOCUMENTED_AS = {"{expiry:0-0}": "{expiry}", "/ohlc/1m": "/ohlc/{candle_size}"}
LACKS_IN_THE_DOCUMENT = {
    "gex_by_strike": "strike", "gex_by_strike_expiry": "strike", "gex_by_expiry": "strike",
}  # fmt: skip
"""What the vendor's own example lacks of what its live rows have."""


def parse(dataset: str, *rows: Any) -> Parsed[Any]:
    return PARSERS[dataset].parse(list(rows))


def one(dataset: str, row: dict[str, Any]) -> Any:
    parsed = parse(dataset, row)
    assert parsed.first_fault == ""
    return parsed.rows[0]


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> dict[str, Any]:
    with gzip.open(shared_data / "unusual-whales-samples" / "vendor_doc_examples.json.gz") as file:
        return dict(json.load(file))


@pytest.mark.parametrize("name", [each.name for each in SHIPPED.endpoints])
def test_the_vendors_example_of_each_set_is_read_without_loss(examples: dict[str, Any], name: str) -> None:
    endpoint = next(each for each in SHIPPED.endpoints if each.name == name)
    path = endpoint.path
    for ours, theirs in DOCUMENTED_AS.items():
        path = path.replace(ours, theirs)
    body = json.dumps(examples[path]["example"]).encode()
    reads = SHIPPED.reads(endpoint)
    declared = reads.raw_rows(body, None) if isinstance(reads, DeclaredReader) else None
    raw = rows_of(body) if declared is None else declared
    if name == "option_chains":  # the example is of symbols alone
        raw = [{"option_symbol": symbol} if isinstance(symbol, str) else symbol for symbol in raw]
    if (lacking := LACKS_IN_THE_DOCUMENT.get(name)) is not None:
        assert reads.parse(raw).dropped == len(raw)
        raw = [{**row, lacking: "4650.0", "expiry": "2026-11-20"} for row in raw]
    parsed = reads.parse(raw)
    assert (parsed.dropped, parsed.first_fault) == (0, "")
    assert parsed.rows


# ---- recorded


def test_recorded_trades_of_the_stream_are_read_but_for_the_acknowledgements(shared_data: Path) -> None:
    path = shared_data / "unusual-whales-samples" / "ws_option_trades_2025-05-16.jsonl"
    payloads = [json.loads(line)["payload"] for line in path.read_text(encoding="utf-8").splitlines()]
    trades = [each for each in payloads if "option_symbol" in each]
    parsed = parse("option_trades", *trades)
    assert (len(parsed.rows), parsed.dropped) == (len({each["id"] for each in trades}), 0)
    first = next(row for row in parsed.rows if row.id == "6be96098-1e54-4397-9166-46bf4a7636a3")
    assert (first.side, first.contract.strike, first.price) == (TradeSide.BID, Decimal(355), Decimal("0.07"))
    assert first.at == datetime(2025, 5, 16, 18, 19, 52, 926000, tzinfo=UTC)
    assert (first.delta, first.conditions, first.is_opening) == (0.03977270195386351, ("auto",), False)


def test_the_recorded_tide_is_read_whole_and_is_a_running_total(shared_data: Path) -> None:
    with gzip.open(shared_data / "unusual-whales-samples" / "market_tide_2025-03-17.csv.gz", "rt") as file:
        recorded = list(csv.DictReader(file))
    rows = [
        {**row, "timestamp": f"2025-03-17T{row['timestamp_ny_str'].split()[1]}:00-04:00", "net_volume": "12"}
        for row in recorded
    ]
    parsed = parse("market_tide", *rows)
    assert (len(parsed.rows), parsed.dropped) == (405, 1)  # the last minute came without numbers
    assert parsed.first_fault == "net_call_premium is missing"
    assert parsed.rows[0].at == datetime(2025, 3, 17, 13, 30, tzinfo=UTC)
    assert parsed.rows[0].net_premium == 696601.0 - 3526354.0


def test_recorded_net_premium_of_eight_tickers_is_read_whole(shared_data: Path) -> None:
    with gzip.open(shared_data / "unusual-whales-samples" / "net_prem_ticks_2025-01-23.csv.gz", "rt") as file:
        recorded = list(csv.DictReader(file))
    by_ticker: dict[str, list[dict[str, str]]] = {}
    for row in recorded:
        calls, puts = row["cumsum_net_call_prem_in_mil"], row["cumsum_net_put_prem_in_mil"]
        by_ticker.setdefault(row["ticker"], []).append(
            {
                "tape_time": f"2025-01-23T{row['minute_ny']}:00-05:00",
                "net_call_premium": str(Decimal(calls) * 1_000_000) if calls else "",
                "net_put_premium": str(Decimal(puts) * 1_000_000) if puts else "",
            }
        )
    parsed = {ticker: parse("net_premium", *rows) for ticker, rows in by_ticker.items()}
    assert sum(len(each.rows) + each.dropped for each in parsed.values()) == len(recorded) == 3121
    assert {ticker: each.dropped for ticker, each in parsed.items() if each.dropped} == {"QCOM": 2}  # without numbers


def test_recorded_trades_of_both_chambers_are_read_as_they_were_filed(shared_data: Path) -> None:
    """Garbled years, amounts over two lines and repeats are in them, on purpose."""
    folder = shared_data / "congress-trades"
    with gzip.open(folder / "house_transactions.json.gz", "rt", encoding="utf-8") as file:
        house = json.load(file)
    with gzip.open(folder / "senate_transactions.csv.gz", "rt", encoding="utf-8") as file:
        senate = list(csv.DictReader(file))
    rows = [
        {
            "name": row.get("representative") or row.get("senator"), "ticker": row["ticker"], "txn_type": row["type"],
            "amounts": row["amount"], "transaction_date": row["transaction_date"],
            "filed_at_date": row.get("disclosure_date"), "issuer": row["owner"],
        }
        for row in (*house, *senate)
    ]  # fmt: skip
    found = [congress_trade(row) for row in rows]
    assert {row.dealing for row in found} <= {Dealing.BUY, Dealing.SELL, Dealing.EXCHANGE, Dealing.OTHER}
    assert sum(row.dealing is Dealing.OTHER for row in found) == 463  # filed as N/A
    priced = [(row.least, row.most) for row in found if row.least is not None and row.most is not None]
    assert len(found) - len(priced) == 464  # these, and one of more than fifty million dollars
    assert all(least <= most for least, most in priced)
    assert sum(row.ticker == "" for row in found) >= 1648
    assert sum(row.filed_on is None for row in found) >= len(senate)
    assert any(row.filed_on and row.traded_on and row.filed_on < row.traded_on for row in found)


def test_recorded_purchases_of_insiders_are_read(shared_data: Path) -> None:
    with gzip.open(shared_data / "insider-form4-openinsider" / "purchases.tsv.gz", "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    heads = [head.replace("\xa0", " ") for head in lines[0]]
    recorded = [dict(zip(heads, line, strict=False)) for line in lines[1:]]
    rows = [
        {
            "id": str(number), "ticker": row["Ticker"], "owner_name": row["Insider Name"],
            "officer_title": row["Title"], "transaction_code": row["Trade Type"].split(" ")[0],
            "amount": row["Qty"].strip("+").replace(",", ""),
            "price": row["Price"].strip("$").replace(",", ""), "transaction_date": row["Trade Date"],
            "filing_date": row["Filing Date"],
        }
        for number, row in enumerate(recorded)
    ]  # fmt: skip
    parsed = parse("insider_trades", *rows)
    assert (len(parsed.rows), parsed.dropped) == (1000, 0)
    assert all(row.is_discretionary_purchase and row.shares >= 0 for row in parsed.rows)
    first = next(row for row in parsed.rows if row.id == "0")
    assert (first.ticker, first.filed_on, first.value) == ("SNWVD", date(2024, 11, 1), Decimal("438921.00"))


def test_a_recorded_economic_calendar_is_read_event_by_event(shared_data: Path) -> None:
    with gzip.open(shared_data / "economic-calendar-2026-08" / "ff_calendar_snapshots.jsonl.gz", "rt") as file:
        snapshots = [json.loads(line) for line in file]
    for snapshot in snapshots:
        rows = [
            {
                "event": f"{each['country']} {each['title']}", "time": each["date"], "forecast": each["forecast"],
                "prev": each["previous"], "type": "report",
            }
            for each in snapshot["events"]
        ]  # fmt: skip
        parsed = parse("economic_calendar", *rows)
        assert parsed.dropped == 0
        assert len(parsed.rows) == len({(row["time"], row["event"]) for row in rows})


# ---- traps, one by one

TRADE = {
    "id": "a", "option_chain_id": "SPY261120C00600000", "executed_at": "2026-11-20T17:00:00Z", "price": "1.25",
    "size": 900, "premium": "112500.00", "open_interest": 500, "volume": 1200, "tags": ["ask_side", "bullish"],
}  # fmt: skip
DARK = {
    "ticker": "SPY", "executed_at": "2026-11-20T17:00:00Z", "price": "600.01", "size": 100, "premium": "60001",
    "nbbo_bid": "600.00", "nbbo_ask": "600.02", "tracking_id": 0,
}  # fmt: skip


@pytest.mark.parametrize("dataset, row", [("option_trades", TRADE), ("dark_pool", DARK)])
def test_a_trade_that_was_cancelled_is_no_row_and_no_fault(dataset: str, row: dict[str, Any]) -> None:
    parsed = parse(dataset, {**row, "canceled": True}, {**row, "canceled": False})
    assert (len(parsed.rows), parsed.dropped) == (1, 0)


def test_side_and_opening_are_kept_of_a_trade() -> None:
    trade = one("option_trades", TRADE)
    assert (trade.side, trade.is_opening) == (TradeSide.ASK, True)
    assert one("option_trades", {**TRADE, "tags": []}).side is TradeSide.NONE
    assert not one("option_trades", {**TRADE, "size": 500}).is_opening
    assert one("option_trades", {**TRADE, "underlying_price": ""}).underlying_price is None  # an index


def test_two_dark_trades_with_the_tracking_id_0_are_two_and_the_same_row_twice_is_one() -> None:
    assert len(parse("dark_pool", DARK, {**DARK, "price": "600.02"}, DARK).rows) == 2


@pytest.mark.parametrize(
    "price, bid, ask, side",
    [("600.02", "600.00", "600.02", "ask"), ("600.00", "600.00", "600.02", "bid"),
     ("600.01", "600.00", "600.02", "mid"), ("600.01", None, "600.02", "none"), ("600.01", "600.05", "600.02", "none")],
)  # fmt: skip
def test_who_began_a_dark_trade_is_read_off_the_quote(price: str, bid: str | None, ask: str, side: str) -> None:
    assert one("dark_pool", {**DARK, "price": price, "nbbo_bid": bid, "nbbo_ask": ask}).side == side


def test_the_whole_chains_gamma_has_another_name_than_a_strikes_and_puts_are_negative_already() -> None:
    whole = one("greek_exposure", {"date": "2026-11-20", "call_gamma": "9.5", "put_gamma": "-12.5"})
    strike = one("greek_exposure_by_strike", {"strike": "600.0", "call_gex": "9.5", "put_gex": "-12.5"})
    assert whole.net_gamma == strike.net_gamma == -3.0
    assert (whole.strike, str(strike.strike)) == (None, "600")
    assert parse("greek_exposure", {"date": "2026-11-20", "call_delta": "1"}).dropped == 1


def test_expiries_are_told_apart_and_summed_over_their_strikes() -> None:
    def row(strike: str, expiry: str, at: str) -> dict[str, str]:
        return {
            "strike": strike,
            "expiry": expiry,
            "price": "600",
            "time": at,
            "call_gamma_oi": "2",
            "put_gamma_oi": "-1",
        }

    early, late = "2026-11-20T17:00:00Z", "2026-11-20T17:00:07Z"
    rows = [row("600", "2026-11-20", early), row("601", "2026-11-20", late), row("600", "2026-11-23", early)]
    assert len(parse("gex_by_strike_expiry", *rows).rows) == 3
    today, monday = parse("gex_by_expiry", *rows).rows
    assert (today.expiry, today.net_gamma_oi, monday.net_gamma_oi) == (date(2026, 11, 20), 2.0, 1.0)
    assert today.at == datetime(2026, 11, 20, 17, 0, 7, tzinfo=UTC)  # two times in one answer: the newer


def test_stamps_of_a_millisecond_are_summed_by_strike_to_five_minutes() -> None:
    def row(at: str, strike: str) -> dict[str, Any]:
        return {"timestamp": at, "strike": strike, "call_premium_ask_side": "10", "call_volume": 3}

    rows = [
        row("2026-11-20T17:00:00.123Z", "600.0"),
        row("2026-11-20T17:04:59.999Z", "600"),
        row("2026-11-20T17:05:00Z", "600"),
    ]
    first, second = parse("flow_per_strike_intraday", *rows).rows
    assert (first.at, first.call_ask_premium, first.call_volume) == (datetime(2026, 11, 20, 17, tzinfo=UTC), 20.0, 6)
    assert second.at == datetime(2026, 11, 20, 17, 5, tzinfo=UTC)
    assert (first.put_premium, first.call_trades) == (0, 0)  # every amount may be absent


@pytest.mark.parametrize("body", [b'[{"strike": "600"}]', b'{"data": [{"strike": "600"}]}'])
def test_a_bare_list_and_one_under_data_are_the_same(body: bytes) -> None:
    assert len(parse("flow_per_strike", *rows_of(body)).rows) == 1


def test_prices_to_the_hundredth_of_a_cent_are_bucketed_and_no_share_is_lost() -> None:
    rows = [{"price": 590 + n / 10_000, "lit_vol": 2, "off_vol": 1} for n in range(20_000)]
    parsed = parse("off_lit_levels", *rows, {"price": "0", "lit_vol": 1, "off_vol": 1})
    assert (len(parsed.rows), parsed.dropped) == (8, 1)
    assert (sum(row.lit for row in parsed.rows), sum(row.off for row in parsed.rows)) == (40_000, 20_000)
    assert [row.price for row in parsed.rows[:2]] == [Decimal(590), Decimal("590.25")]


def test_an_iv_rank_is_0_to_100_whatever_the_vendors_example_shows() -> None:
    assert one("iv_rank", {"date": "2026-11-20", "iv_rank_1y": "34.69", "volatility": "0.25"}).rank == 34.69
    assert one("iv_rank", {"date": "2026-11-20", "iv_rank_1y": "0.65"}).rank == 0.65


def test_percentiles_come_in_two_scales_and_are_shares() -> None:
    def shares(*percentiles: str | None) -> list[float | None]:
        rows = [{"days": n, "volatility": "0.2", "percentile": each} for n, each in enumerate(percentiles)]
        return [row.percentile for row in parse("interpolated_iv", *rows).rows]

    assert shares("0.5", "1", None) == [0.5, 1.0, None]
    assert shares("50", "1", None) == [0.5, 0.01, None]
    assert parse("interpolated_iv", {"days": 1, "volatility": "0.2", "percentile": "101"}).dropped == 1


def test_what_is_not_realized_yet_is_none() -> None:
    row = {"date": "2026-11-20", "implied_volatility": "0.2", "realized_volatility": None, "unshifted_rv_date": None}
    assert one("realized_volatility", row).realized is None


@pytest.mark.parametrize(
    "written, least, most",
    [
        ("$1,001 - $15,000", "1001", "15000"), ("$50,001 -\n$100,000", "50001", "100000"),
        ("Over $50,000,000", "50000000", None),
        ("$15,000", "15000", "15000"), ("$1,000,001 +", "1000001", None), ("", None, None), ("Unknown", None, None),
    ],
)  # fmt: skip
def test_a_range_of_dollars_is_read_however_it_is_written(written: str, least: str | None, most: str | None) -> None:
    assert dollar_range(written) == tuple(None if each is None else Decimal(each) for each in (least, most))


@pytest.mark.parametrize(
    "written, meant",
    [("Buy", "buy"), ("Purchase", "buy"), ("Sell (PARTIAL)", "sell"), ("Sale (Full)", "sell"), ("Exchange", "exchange"),
     ("Receive", "receive"), ("", "other"), ("Bought at last", "other")],
)  # fmt: skip
def test_a_word_for_a_dealing_that_nobody_knows_is_no_purchase(written: str, meant: str) -> None:
    assert dealing(written) == meant


def test_a_sale_of_an_insider_is_negative_and_a_planned_purchase_is_no_sign() -> None:
    row = {"owner_name": "X", "ticker": "AAPL", "transaction_code": "S", "amount": 100, "price": "200"}
    assert one("insider_trades", row).shares == one("insider_trades", {**row, "amount": -100}).shares == -100
    bought = {**row, "transaction_code": "P", "is_10b5_1": False}
    assert one("insider_trades", bought).is_discretionary_purchase
    assert not one("insider_trades", {**bought, "is_10b5_1": True}).is_discretionary_purchase


def test_after_hours_has_two_names_and_most_numbers_are_null_before_the_report() -> None:
    row = {"symbol": "AAPL", "report_date": "2026-11-20", "actual_eps": None, "street_mean_est": "2.25"}
    for word in ("postmarket", "afterhours"):
        found = one("earnings_afterhours", {**row, "report_time": word})
        assert (found.when, found.actual_eps, found.reaction) == (ReportTime.AFTER_HOURS, None, None)
    assert one("earnings_afterhours", {**row, "report_time": "soon"}).when is ReportTime.UNKNOWN


def test_headlines_have_no_number_so_time_and_text_tell_them_apart() -> None:
    row = {
        "created_at": "2026-11-20T17:00:00Z",
        "headline": "Up",
        "tickers": ["SPY"],
        "sentiment": "elated",
        "is_major": True,
    }
    parsed = parse("news", row, dict(row), {**row, "headline": "Down"})
    assert len(parsed.rows) == 2
    assert {(each.mood, each.is_major) for each in parsed.rows} == {("neutral", True)}


def test_an_event_may_begin_with_an_asterisk_and_an_fda_target_may_be_no_day() -> None:
    event = one("economic_calendar", {"event": "* Fed speaks", "time": "2026-11-20 15:00:00+00:00", "prev": None})
    assert (event.name, event.previous) == ("Fed speaks", "")
    assert (
        one("fda_calendar", {"ticker": "X", "target_date": "2027-MID", "event_type": "PDUFA Date"}).target == "2027-MID"
    )
    assert one("fda_calendar", {"ticker": "X", "catalyst": "PDUFA Date"}).event == "PDUFA Date"


def test_a_tide_carries_new_yorks_offset_and_its_volume_may_be_a_text() -> None:
    row = {
        "timestamp": "2026-08-07T16:10:00-04:00",
        "net_call_premium": "5",
        "net_put_premium": "2",
        "net_volume": "-7.0000",
    }
    assert one("market_tide", row).at == datetime(2026, 8, 7, 20, 10, tzinfo=UTC)
    assert one("market_tide", row).net_volume == -7


def test_a_daily_bar_has_a_day_in_place_of_times_and_may_come_once_a_session() -> None:
    row = {"date": "2026-11-19", "open": "1", "high": "2", "low": "1", "close": "2", "volume": 5}
    assert len(parse("stock_bars", {**row, "market_time": "r"}, {**row, "market_time": "po"}).rows) == 2
    assert parse("stock_bars", {"open": "1", "high": "2", "low": "1", "close": "2"}).dropped == 1


@pytest.mark.parametrize("written", ["2026-11-20", "2026-11-20T05:00:00Z", "2026-11-20 05:00:00+00:00", "11/20/2026"])
def test_every_way_to_write_a_day_is_the_same_day(written: str) -> None:
    assert day({"on": written}, "on") == date(2026, 11, 20)


@pytest.mark.parametrize("written", ["2026-13-01", "20.11.2026", "2026-11-201", 20261120, True, ["2026-11-20"]])
def test_what_is_no_day_is_malformed(written: Any) -> None:
    with pytest.raises(Malformed):
        day({"on": written}, "on")


def test_a_list_of_texts_may_be_null_or_one_text_and_is_nothing_else() -> None:
    assert texts({"t": None}, "t") == texts({}, "t") == ()
    assert texts({"t": ["SPY", None]}, "t") == texts({"t": "SPY"}, "t") == ("SPY",)
    with pytest.raises(Malformed):
        texts({"t": {"a": 1}}, "t")
