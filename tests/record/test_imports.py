"""Importers: small fixtures of our own for the parsers; the recorded data themselves where they are at hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import BookReceived, ContractQualified, QuoteReceived, TradesReceived
from bot.domain.recording import NO_FACTS, EventKind, RecordingFault, fact_of
from bot.record.imports.kinds import IMPORTERS, ImportedRecording, import_files
from bot.record.imports.source import Imported
from bot.record.library import Recording


def made_of(kind: str, tmp_path: Path, files: Sequence[Path], **asked: object) -> ImportedRecording:
    return import_files(kind, Imported(tuple(files), **asked), tmp_path / "recordings")  # type: ignore[arg-type]


def facts(made: ImportedRecording) -> list[Event]:
    rows = [row for row in Recording(made.folder).rows() if EventKind(row[2]) not in NO_FACTS]
    return [fact_of(EventKind(row[2]), row[4], row[5]) for row in rows]


def a_file(path: Path, *lines: str) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def test_lobster_messages_become_best_quotes_a_book_and_trades(tmp_path: Path) -> None:
    head = "time,type,order_id,size,price,direction"
    messages = a_file(
        tmp_path / "messages_2012-06-21.csv.gz", head,
        "34200.1,1,1,18,5853300,1", "34200.2,1,2,50,5854000,1", "34200.3,4,2,20,5854000,1",
        "34200.4,5,0,7,5856000,1", "34200.5,3,2,30,5854000,1",
    )  # fmt: skip
    book = a_file(
        tmp_path / "book_first.csv.gz", "ask_price_1,ask_size_1,bid_price_1,bid_size_1", "5859400,200,5853300,18"
    )
    bbo = a_file(
        tmp_path / "bbo.csv.gz", "ask_price_1,ask_size_1,bid_price_1,bid_size_1",
        "5859400,200,5853300,18", "5859400,200,5854000,50", "5859400,200,5854000,30",
        "5859400,200,5854000,30", "5859400,200,5853300,19",
    )  # fmt: skip
    made = made_of("lobster", tmp_path, [messages, bbo, book], symbol="AAPL")
    heard = facts(made)
    quotes = [each.quote for each in heard if isinstance(each, QuoteReceived)]
    assert [(q.bid, q.bid_size) for q in quotes[:3]] == [
        (Decimal("585.33"), 18), (Decimal("585.40"), 50), (Decimal("585.40"), 30),
    ]  # fmt: skip
    assert quotes[0].at == datetime(2012, 6, 21, 13, 30, 0, 100_000, UTC)
    assert quotes[-1].last == Decimal("585.60"), "a hidden trade moves no level"
    assert sum(isinstance(each, TradesReceived) for each in heard) == 2
    assert any(isinstance(each, BookReceived) for each in heard)
    assert made.asked.notes == ["best quotes are as in bbo.csv.gz after 4 of 5 messages"]


def test_a_lean_bar_is_known_when_it_is_over_and_its_contract_is_named(tmp_path: Path) -> None:
    options = a_file(
        tmp_path / "spxw_2021-01-04.csv.gz",
        "expiry,strike,right,ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size",
        "2021-01-04,3700.0,C,34200000,65.1,67.1,63.5,64.9,48,69.2,70.7,67.4,67.9,15",
        "2021-01-04,3700.0,C,34260000,,,,,0,69.2,70.7,67.4,67.9,15",
    )
    index = a_file(tmp_path / "spx_index_2021-01-04.csv.gz", "ms,open,high,low,close,volume",
                   "30600000,3764.61,3769.99,3764.61,3766.63,59")  # fmt: skip
    trades = a_file(tmp_path / "spxw_trade_2021-01-04.csv.gz", "expiry,strike,right,ms,open,close,volume")
    made = made_of("lean", tmp_path, [options, index, trades])
    heard = facts(made)
    named = [each for each in heard if isinstance(each, ContractQualified)]
    assert {each.key for each in named} == {"SPXW  210104C03700000", "SPX"}
    assert next(each.grid for each in named if each.key != "SPX") is not None
    quotes = {(each.key, each.quote.at): each.quote for each in heard if isinstance(each, QuoteReceived)}
    over = datetime(2021, 1, 4, 14, 31, tzinfo=UTC)
    assert quotes["SPXW  210104C03700000", over].bid == Decimal("64.90")
    assert quotes["SPX", over].last == Decimal("3766.63"), "an index's file counts Chicago's time"
    assert [q.bid for (key, _), q in quotes.items() if key != "SPX"][1] is None, "a missing side is none"
    assert any("spxw_trade" in note for note in made.asked.notes)


@pytest.mark.parametrize("stamp, minute", [("start", 31), ("end", 30)])
def test_a_bar_is_known_at_its_end_however_it_is_stamped(tmp_path: Path, stamp: str, minute: int) -> None:
    bars = a_file(tmp_path / "SPY.csv.gz", "datetime,open,high,low,close,volume",
                  "2019-02-11 09:30:00,1,2,1,271.34,5", "2019-02-12 09:30:00,1,2,1,272.00,5")  # fmt: skip
    made = made_of("bars", tmp_path, [bars], day=date(2019, 2, 11), stamp=stamp)
    (quote,) = (each.quote for each in facts(made) if isinstance(each, QuoteReceived))
    assert quote.at == datetime(2019, 2, 11, 14, minute, tzinfo=UTC)
    assert (quote.bid, quote.last) == (None, Decimal("271.34"))
    assert made.asked.left_out == 1


def test_messages_of_the_vendors_stream_are_kept_raw_and_alerts_read(tmp_path: Path) -> None:
    alert = {
        "rule_name": "RepeatedHits", "ticker": "JD", "option_chain": "JD250523P00034000", "underlying_price": 33.74,
        "volume": 815, "total_size": 341, "total_premium": 29326.0, "total_ask_side_prem": 16598.0,
        "total_bid_side_prem": 12728.0, "start_time": 1747419586888, "end_time": 1747419586893, "price": 0.86,
        "has_sweep": 0, "has_floor": False, "open_interest": 1, "all_opening_trades": True, "id": "a-1",
        "trade_count": 3,
    }  # fmt: skip
    path = tmp_path / "stream.jsonl"
    received = {"received_at_local": "2025-05-16 13:19:53.779883", "channel": "flow-alerts"}
    path.write_text("\n".join(json.dumps({**received, "payload": each}) for each in ({"status": "ok"}, alert)))
    made = made_of("uw", tmp_path, [path])
    (datum,) = (each for each in facts(made) if isinstance(each, DatumReceived))
    assert datum.received_at == datetime(2025, 5, 16, 18, 19, 53, 779883, UTC)
    assert (datum.value[0].id, datum.value[0].volume, datum.value[0].all_opening) == ("a-1", 815, True)
    raw = [json.loads(row[5][4]) for row in Recording(made.folder).rows({EventKind.ANSWERS})]
    assert raw == [{"status": "ok"}, alert]


def test_a_tick_of_ibkr_changes_one_side(tmp_path: Path) -> None:
    ticks = a_file(
        tmp_path / "SPY.csv.gz", "time,tick_type,price,size", "2022-01-07T05:58:09.5+00:00,1,443.6,100",
        "2022-01-07T05:58:10+00:00,2,443.8,200", "2022-01-07T05:58:11+00:00,8,0,9",
    )  # fmt: skip
    quotes = [each.quote for each in facts(made_of("ibkr", tmp_path, [ticks])) if isinstance(each, QuoteReceived)]
    assert [(q.bid, q.ask) for q in quotes] == [(Decimal("443.60"), None), (Decimal("443.60"), Decimal("443.80"))]


def test_an_import_that_fails_leaves_nothing_and_overwrites_nothing(tmp_path: Path) -> None:
    ticks = a_file(tmp_path / "SPY.csv.gz", "time,tick_type,price,size", "2022-01-07T05:58:09+00:00,1,443.6,100",
                   "2022-01-07T05:58:08+00:00,1,443.6,100")  # fmt: skip
    with pytest.raises(RecordingFault, match="comes after"):
        made_of("ibkr", tmp_path, [ticks])
    assert list((tmp_path / "recordings").iterdir()) == []
    with pytest.raises(RecordingFault, match="no ticks"):
        made_of("ibkr", tmp_path, [a_file(tmp_path / "QQQ.csv.gz", "a,b", "1,2")])
    with pytest.raises(RecordingFault, match="no file"):
        made_of("ibkr", tmp_path, [tmp_path / "nowhere.csv"])
    (tmp_path / "recordings" / "2022-01-07").mkdir()
    good = a_file(tmp_path / "IWM.csv.gz", "time,tick_type,price,size", "2022-01-07T05:58:09+00:00,1,443.6,100")
    with pytest.raises(RecordingFault, match="exists"):
        made_of("ibkr", tmp_path, [good])


def test_every_kind_says_what_it_lacks() -> None:
    assert all(each.what and each.lacks for each in IMPORTERS.values())


@pytest.mark.slow
def test_the_recorded_hour_of_aapl_gives_the_recorded_best_quotes(tmp_path: Path, shared_data: Path) -> None:
    folder = "lobster-aapl-2012-06-21"
    names = ("messages_0930_1030.csv.gz", "bbo_0930_1030.csv.gz", "book50_first672.csv.gz")
    made = made_of("lobster", tmp_path, [shared_data / folder / name for name in names])
    assert made.asked.read == 91_997
    assert made.asked.notes == ["best quotes are as in bbo_0930_1030.csv.gz after 91,907 of 91,997 messages"], (
        "the 90 others are those that the data's own description names"
    )
    touch, books = None, 0
    for each in facts(made):
        if isinstance(each, QuoteReceived):
            touch = each.quote
        elif isinstance(each, BookReceived):
            assert touch is not None
            best = (each.book.bids[0].price, each.book.bids[0].size, each.book.asks[0].price, each.book.asks[0].size)
            assert best == (touch.bid, touch.bid_size, touch.ask, touch.ask_size)
            books += 1
    assert books > 2_500, "one for each second in which something came"


def test_the_recorded_alerts_of_the_stream_are_read_without_loss(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "unusual-whales-samples" / "ws_flow_alerts_2025-05-16.jsonl"
    made = made_of("uw", tmp_path, [path])
    assert made.asked.read == 18
    assert made.asked.notes == []
    assert sum(isinstance(each, DatumReceived) for each in facts(made)) == 17, "the first is the join's answer"
