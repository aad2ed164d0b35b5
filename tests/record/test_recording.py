"""What was heard comes back as it was heard; what is damaged is named, and the rest still serves."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.data.exposure import SpotGexMinute
from bot.domain.events import Event
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import QuoteReceived
from bot.domain.instruments import Instrument, OptionContract, Right
from bot.domain.order import OrderSide
from bot.domain.plain import NotPlain, as_text, from_text
from bot.domain.recording import NO_FACTS, OF, EventKind, RecordingFault, fact_of, micros, moment, values_of
from bot.record import journal, manifest
from bot.record.keeper import Keeper, write_tables
from bot.record.library import Recording, RecordingVerdict, named
from bot.record.player import HeardMoment, life_of, moments
from bot.record.tap import Tap
from tests.record.days import START, Hand, a_quote, a_run, flush, record, some_events

_PRICES = st.decimals(min_value=0, max_value=10_000, allow_nan=False, places=3) | st.none()


def read(folder: Path) -> list[Event]:
    rows = [row for row in Recording(folder).rows() if EventKind(row[2]) not in NO_FACTS]
    return [fact_of(EventKind(row[2]), row[4], row[5]) for row in rows]


@given(bid=_PRICES, ask=_PRICES, size=st.integers(0, 10**9), lost=st.booleans())
@settings(max_examples=30)
def test_a_quote_comes_back_digit_for_digit(bid: Decimal | None, ask: Decimal | None, size: int, lost: bool) -> None:
    from bot.domain.quotes import Quote

    heard = QuoteReceived("SPY", Quote(bid, ask, size, 1, None, START, lost=lost, heard_at=START))
    again = fact_of(EventKind.QUOTES, heard.key, values_of(heard))
    assert again == heard
    assert str(again) == str(heard), "1.10 is not 1.1: evidence is made of the text"


def test_whatever_a_fact_holds_is_plain_data_and_comes_back() -> None:
    contract = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(588))
    held: Any = {
        "rows": (SpotGexMinute(START, Decimal("588.10"), 1.5, float("inf"), -0.0, 2.0, 3.0),),
        "instrument": Instrument(7, "OPT", "SPY", "USD", "100", local_symbol=contract.key, strike="588", right="C"),
        "contract": contract,
        "words": frozenset({"b", "a"}),
        "by": {(date(2026, 11, 20), "x"): time(9, 30)},
        "side": OrderSide.BUY,
    }
    assert from_text(as_text(held)) == held


def test_every_fact_has_its_kind() -> None:
    assert set(get_args(Event)) == set(OF)


@pytest.mark.parametrize("text", ['{"$":"Popen","args":["ls"]}', '{"$e":["Nobody","x"]}', "{", '{"$d":"x"}', "[[["])
def test_what_is_no_value_of_ours_is_refused(text: str) -> None:
    with pytest.raises(NotPlain):
        from_text(text)


def test_no_pickles() -> None:
    with pytest.raises(NotPlain):
        as_text(object())


def test_a_day_is_read_as_it_was_heard(tmp_path: Path) -> None:
    clock = Hand()
    events = some_events(35, clock)
    folder = record(tmp_path, events, clock)
    assert read(folder) == events
    found = Recording(folder).judge()
    assert found.is_whole
    assert found.counts == {"quotes": 35, "link": 1, "ticks": 36, "runs": 1}
    assert (found.since, found.missing) == (START, 0)


def test_what_was_flushed_survives_a_crash_and_is_parquet_after_the_next_start(tmp_path: Path) -> None:
    clock = Hand()
    events = some_events(35, clock)
    folder = record(tmp_path, events, clock, finished=False)
    assert Recording(folder).is_open
    assert read(folder) == events
    keeper = Keeper(tmp_path, 0)
    keeper.let_go()
    assert not Recording(folder).is_open
    assert read(folder) == events
    assert {each.suffix for each in folder.iterdir()} == {".parquet", ".json"}


def test_two_runs_of_a_day_are_one_sequence(tmp_path: Path) -> None:
    clock = Hand()
    record(tmp_path, some_events(5, clock), clock)
    folder = record(tmp_path, some_events(5, clock), clock)
    sequences = [row[0] for row in Recording(folder).rows()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(Recording(folder).runs()) == 2


def test_midnight_in_new_york_begins_another_day_and_old_days_go(tmp_path: Path) -> None:
    long_ago = Hand(datetime(2026, 11, 10, 15, 0, tzinfo=UTC))
    record(tmp_path, some_events(2, long_ago), long_ago)
    (tmp_path / "2012-06-21").mkdir()
    write_tables(tmp_path / "2012-06-21", [(1, 1, "quotes", "lobster", "AAPL", values_of(a_quote("AAPL", 1, START)))])
    clock = Hand(datetime(2026, 11, 20, 4, 59, 58, tzinfo=UTC))
    tap, keeper = Tap(clock), Keeper(tmp_path, 3)
    for _ in range(4):
        tap.heard(a_quote("SPY", 58_800, clock.now()))
        clock.go(1)
    flush(tap, keeper)
    keeper.close()
    keeper.let_go()
    days = sorted(each.name for each in tmp_path.iterdir() if each.is_dir())
    assert days == ["2012-06-21", "2026-11-19", "2026-11-20"], "what was imported stays"
    assert [row[0] for row in Recording(tmp_path / "2026-11-20").rows()] == [1, 2]


def test_an_hour_that_is_over_becomes_files_while_the_day_goes_on(tmp_path: Path) -> None:
    clock = Hand()
    folder = record(tmp_path, some_events(25, clock), clock, finished=False, step_s=200)
    assert Recording(folder).is_open
    assert Recording(folder).counts()["quotes"] > 0
    assert len(read(folder)) == 26


def test_what_finds_no_room_is_counted_in_the_recording_and_told(tmp_path: Path) -> None:
    clock = Hand()
    tap, keeper = Tap(clock, most_rows=10), Keeper(tmp_path, 0)
    for event in some_events(14, clock):
        tap.heard(event)
    _, gap = tap.take()
    assert gap is None, "there was no room for saying it"
    tap.begin_again()
    tap.heard(a_quote("SPY", 58_801, clock.now()))
    _, gap = tap.take()
    assert gap is not None
    assert gap.count == 5 + 10, "what the process that ended had been handed is not known to be kept"
    flush(tap, keeper)
    keeper.let_go()


def test_a_recording_says_its_own_gaps(tmp_path: Path) -> None:
    clock = Hand()
    tap, keeper = Tap(clock, most_rows=6), Keeper(tmp_path, 0)
    for event in some_events(8, clock):
        tap.heard(event)
    flush(tap, keeper)
    tap.heard(a_quote("SPY", 58_801, clock.now()))
    flush(tap, keeper)
    keeper.close()
    keeper.let_go()
    found = Recording(tmp_path / "2026-11-20").judge()
    assert [gap.count for gap in found.gaps] == [3]
    assert found.is_whole, "it says what it lacks"
    assert found.verdict().startswith("whole; 3 facts are not recorded, 2026-11-20T14:30:00")
    assert "did not take them" in found.verdict()


def test_no_secret_is_written(tmp_path: Path) -> None:
    clock = Hand()
    tap = Tap(clock, lambda text: text.replace("s3cret-token", "***"))
    tap.heard(LinkChanged(LinkChange.DROPPED, "refused s3cret-token", clock.now()))
    headers = {"x-uw-daily-req-count": "3", "Set-Cookie": "s3cret-token", "authorization": "Bearer s3cret-token"}
    tap.answered("unusual_whales", "/x/s3cret-token", [("key", "s3cret-token")], 200, headers, b'{"a": "s3cret-token"}')
    frame, _ = tap.take()
    assert b"s3cret-token" not in frame
    assert b"x-uw-daily-req-count" in frame


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)


def _of_another_schema(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"quanticity.schema", b"quanticity.schemb"))


@pytest.mark.parametrize("damage", [_cut, _flip, _of_another_schema, Path.unlink])
def test_a_damaged_file_is_named_and_the_other_files_still_serve(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    clock = Hand()
    folder = record(tmp_path, some_events(35, clock), clock)
    damage(folder / "quotes-000001.parquet")
    found = Recording(folder).judge()
    assert not found.is_whole
    assert "quotes-000001.parquet" in found.words()
    assert found.counts["ticks"] == 36


def test_what_stands_before_a_cut_is_read(tmp_path: Path) -> None:
    folder, dice = tmp_path / "2026-11-20", random.Random(1)
    folder.mkdir()
    write_tables(
        folder,
        (
            (number, number, "quotes", "ibkr", "SPY", values_of(a_quote("SPY", dice.randrange(10**9), START)))
            for number in range(1, 45_001)
        ),
    )
    _cut(folder / "quotes-000001.parquet")
    found = RecordingVerdict()
    rows = list(Recording(folder).rows({EventKind.QUOTES}, found))
    assert len(rows) == 20_000, "the first of three row groups"
    assert len(rows) + found.unread == 45_000
    assert any("its end is missing" in fault for fault in found.faults)


@pytest.mark.parametrize(
    "damage, word",
    [
        (lambda content: content[:-5], "cut short"),
        (lambda content: content[:-200] + bytes([content[-200] ^ 1]) + content[-199:], "damaged"),
        (lambda content: b"something else altogether" + content, "no journal of this schema"),
    ],
)
def test_a_damaged_journal_is_named_and_its_whole_frames_serve(
    tmp_path: Path, damage: Callable[[bytes], bytes], word: str
) -> None:
    clock = Hand()
    folder = record(tmp_path, some_events(35, clock), clock, finished=False)
    path = folder / journal.NAME
    path.write_bytes(damage(path.read_bytes()))
    found = Recording(folder).judge()
    assert word in found.words()
    assert found.rows > 20 or word.startswith("no journal")
    Keeper(tmp_path, 0).let_go()
    assert "set aside" in Recording(folder).judge().words(), "what was damaged is not thrown away, nor forgotten"


def test_a_list_of_files_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    clock = Hand()
    folder = record(tmp_path, some_events(5, clock), clock)
    told = json.loads((folder / manifest.NAME).read_text())
    told["parts"][0]["file"] = "../../etc/passwd"
    told["sha256"] = hashlib.sha256(json.dumps(told["parts"], sort_keys=True).encode()).hexdigest()
    (folder / manifest.NAME).write_text(json.dumps(told))
    assert "no file of a recording" in Recording(folder).judge().words()


def test_a_recording_is_named_by_day_range_or_folder(tmp_path: Path) -> None:
    clock = Hand()
    folder = record(tmp_path, some_events(5, clock), clock)
    for name in ("2026-11-20", "2026-11-01..2026-11-30", str(folder)):
        assert [each.folder for each in named(tmp_path, name)] == [folder]
    for name in ("2026-11-21", "yesterday", "x" * 20_000, "~nobody-here", "a\0b", ""):
        with pytest.raises(RecordingFault):
            named(tmp_path, name)


def test_a_clock_that_jumped_back_within_a_day_is_named_with_its_file_and_row_and_the_day_still_plays(
    tmp_path: Path,
) -> None:
    clock = Hand()
    tap, keeper = Tap(clock), Keeper(tmp_path, 0)
    tap.runs(a_run())
    for number in range(20):
        tap.heard(a_quote("SPY", 58_800 + number, clock.now()))
        tap.ticked(number, clock.now(), float(number))
        clock.go(-3600 if number == 9 else 1)
    flush(tap, keeper)
    keeper.close()
    keeper.let_go()
    recording = Recording(tmp_path / "2026-11-20")
    (fault,) = recording.judge().faults
    assert fault.startswith("quotes-000001.parquet: sequence 22 was received 3,600 s before")
    played = [each for each in moments(recording, life_of(recording)) if isinstance(each, HeardMoment)]
    assert sum(len(each.heard) for each in played) == 20


def test_only_one_recorder_writes_below_a_folder(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 0)
    with pytest.raises(RecordingFault, match="another recorder"):
        Keeper(tmp_path, 0)
    keeper.let_go()


@given(st.integers(0, 4_000_000_000_000_000))
@settings(max_examples=30)
def test_a_moment_is_kept_to_the_microsecond(us: int) -> None:
    assert micros(moment(us)) == us


def test_what_is_only_watched_comes_back_as_that(tmp_path: Path) -> None:
    clock = Hand()
    watched = replace(a_quote("TICK-NYSE:IND", 40_000, clock.now()), context=True)
    folder = record(tmp_path, [watched, a_quote("SPY", 58_800, clock.now())], clock)
    assert {each.key: each.context for each in read(folder) if isinstance(each, QuoteReceived)} == {
        "TICK-NYSE:IND": True, "SPY": False,
    }  # fmt: skip
