"""A kept day: what is read is what was worked out; a file that is not whole, or not of this day, is not believed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from bot.clocks.clock import ManualClock
from bot.sim import kept_day
from bot.sim.kept_day import MOST_DAYS, KeptDay, fingerprint
from bot.sim.market.kept import KeptMarket
from bot.sim.market.model import MarketModel, build_market
from bot.sim.scenario import load_scenario
from bot.sim.uw import UwFace
from bot.sim.vocabulary import ModelGreeks, TopOfBook, VenueDepth, VenueInstrument

ROOM = Path(kept_day.__file__).parent
SCENARIO = load_scenario("half_day")


def never() -> list[str]:
    raise AssertionError("it was kept")


def filled(folder: Path, name: str = "a_day-1", known_by: str = "k" * 64) -> Path:
    """Keep a small day and return its file."""
    day = KeptDay(folder, name, known_by)
    day.lines("first", lambda: ['{"a": "1.0"}', '{"a": "2.0"}'])
    day.row("top", 7, 100, lambda: ["1.05", None, 3])
    day.row("top", 7, 101, lambda: None)
    day.save()
    return next(folder.glob("*.day"))


def test_what_was_kept_is_read_and_not_made_again(tmp_path: Path) -> None:
    filled(tmp_path)
    day = KeptDay(tmp_path, "a_day-1", "k" * 64)
    assert day.lines("first", never) == ['{"a": "1.0"}', '{"a": "2.0"}']
    assert day.row("top", 7, 100, never) == ["1.05", None, 3]
    assert day.row("top", 7, 101, lambda: ["2.00"]) == ["2.00"], "nothing was kept of that second"
    assert (day.found, day.made) == (2, 1)


def test_what_is_new_is_added_to_what_is_there(tmp_path: Path) -> None:
    filled(tmp_path)
    day = KeptDay(tmp_path, "a_day-1", "k" * 64)
    day.row("top", 7, 200, lambda: ["3.00"])
    day.lines("second", list)
    day.save()
    again = KeptDay(tmp_path, "a_day-1", "k" * 64)
    assert again.row("top", 7, 100, never) == ["1.05", None, 3]
    assert again.row("top", 7, 200, never) == ["3.00"]
    assert again.lines("first", never)
    assert again.lines("second", never) == []


def test_a_day_that_gave_nothing_new_is_not_written(tmp_path: Path) -> None:
    file = filled(tmp_path)
    inode = file.stat().st_ino
    day = KeptDay(tmp_path, "a_day-1", "k" * 64)
    day.lines("first", never)
    day.save()
    assert file.stat().st_ino == inode


def damaged(content: bytes) -> dict[str, bytes]:
    flipped = {
        f"byte {at}": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        for at in {*range(0, len(content), 7), len(content) - 1}
    }
    cut = {f"cut at {at}": content[:at] for at in range(0, len(content), 11)}
    whole = {"empty": b"", "no line": b"x" * 500, "more": content + b"x", "lines": b"\n" * 50, "twice": content * 2}
    return {**flipped, **cut, **whole, "deep": b"[" * 100_000, "JSON": b'{"known_by": 1}\n{}'}


def test_a_file_that_is_not_whole_is_not_believed_and_made_anew(tmp_path: Path) -> None:
    file = filled(tmp_path)
    content = file.read_bytes()
    for what, damage in damaged(content).items():
        file.write_bytes(damage)
        day = KeptDay(tmp_path, "a_day-1", "k" * 64)
        assert day.lines("first", lambda: ["made"]) == ["made"], what
        assert day.row("top", 7, 100, lambda: ["made"]) == ["made"], what
    filled(tmp_path)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "parts", [None, 3, [["first"]], [["first", "x"]], [[["first"], 2]], [["first", 3]], {"first": 1}]
)
def test_a_whole_file_of_nonsense_is_not_believed(tmp_path: Path, parts: object) -> None:
    file = filled(tmp_path)
    rest = json.dumps({"known_by": "k" * 64, "parts": parts}).encode() + b"\nnonsense"
    file.write_bytes(kept_day._digest(rest) + b"\n" + rest)
    assert KeptDay(tmp_path, "a_day-1", "k" * 64).lines("first", lambda: ["made"]) == ["made"]


def test_another_days_file_under_this_name_is_not_believed(tmp_path: Path) -> None:
    other, file = filled(tmp_path / "other", known_by="o" * 64), filled(tmp_path)
    file.write_bytes(other.read_bytes())
    assert KeptDay(tmp_path, "a_day-1", "k" * 64).lines("first", lambda: ["made"]) == ["made"]


def test_a_folder_that_takes_nothing_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    day = KeptDay(tmp_path / "a file" / "days", "a_day-1", "k" * 64)
    assert day.lines("first", lambda: ["made"]) == ["made"]
    day.save()


def test_without_a_folder_everything_is_made_and_nothing_is_kept() -> None:
    day = KeptDay()
    assert [day.lines("first", lambda: ["made"]), day.row("top", 7, 1, lambda: ["made"])] == [["made"], ["made"]]
    assert day.lines("first", lambda: ["made again"]) == ["made again"]
    day.save()


def test_what_other_code_left_of_a_day_goes_and_so_do_days_beyond_the_most(tmp_path: Path) -> None:
    for number in range(MOST_DAYS + 3):
        filled(tmp_path, f"day-{number}")
    filled(tmp_path, "day-5", "n" * 64)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == MOST_DAYS
    assert [name for name in names if name.startswith("day-5-")] == ["day-5-" + "n" * 16 + ".day"]
    assert not [name for name in names if name.startswith(("day-0-", "day-1-", "day-2-"))]


def test_a_name_from_a_file_stays_within_the_folder(tmp_path: Path) -> None:
    assert filled(tmp_path, "../../elsewhere/x" * 30).parent == tmp_path


def test_a_day_is_known_by_all_that_it_follows_from() -> None:
    known = {
        fingerprint("scenario", 1, "asked"),
        fingerprint("scenario", 2, "asked"),
        fingerprint("another", 1, "asked"),
        fingerprint("scenario", 1, "asked otherwise"),
    }
    assert len(known) == 4
    assert fingerprint("scenario", 1, "asked") in known


def test_a_changed_source_is_another_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pattern in kept_day._SOURCES:
        for path in ROOM.glob(pattern):
            copy = tmp_path / path.relative_to(ROOM)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    before = fingerprint("scenario", 1, "asked")
    monkeypatch.setattr(kept_day, "__file__", str(tmp_path / "kept_day.py"))
    assert fingerprint("scenario", 1, "asked") == before
    for name in ("market/books.py", "uw/rows.py", "vocabulary.py"):
        path = tmp_path / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        assert fingerprint("scenario", 1, "asked") != before
        path.write_bytes((ROOM / name).read_bytes())


def test_every_source_that_market_and_vendor_are_made_of_is_in_the_fingerprint() -> None:
    """Faults are kinds that a scenario names; a day with faults is not kept. What it says of the services of people is
    in its text, and changes neither market nor vendor. Other vendors are not asked in a replay."""
    code = "import sys, bot.sim.market.kept, bot.sim.uw.server; print(*(m for m in sys.modules if m[:8] == 'bot.sim.'))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOM.parents[1]
    )
    files = {Path(*name.split(".")[2:]).with_suffix(".py") for name in loaded.stdout.split()}
    rooms = {path for path in files if (ROOM / path.with_suffix("")).is_dir()}
    covered = {path.relative_to(ROOM) for path in kept_day.sources()}
    unknown = {path for path in files - rooms - covered if path.parts[0] not in {"faults", "services", "vendors"}}
    assert unknown == set()
    assert covered - {Path("kept_day.py")} <= {
        *files,
        *(Path(room, "__init__.py") for room in ("market", "uw", "uw/sets")),
    } | {Path("uw/in_process.py")}


# ---- of a real day

SECONDS = sorted(random.Random(3).sample(range(1_600, 17_000), 12))


@cache
def plain() -> MarketModel:
    return build_market(SCENARIO, 3)


def watched() -> list[VenueInstrument]:
    return random.Random(4).sample(list(plain().instruments()), 60)


Seen = tuple[TopOfBook, ModelGreeks | None, VenueDepth]


def quoted(market: MarketModel) -> list[Seen]:
    at = [market.line.instant(second) for second in SECONDS]
    return [
        (market.top(each, when), market.greeks(each, when), market.depth(each, when))
        for when in at
        for each in watched()
    ]


def asked(market: MarketModel, kept: KeptDay | None) -> list[bytes]:
    clock = ManualClock(SCENARIO.starts())
    face = UwFace(market, clock, kept=kept)
    paths: list[tuple[str, list[tuple[str, str]]]] = [
        ("spot-exposures", []), ("spot-exposures/strike", [("limit", "500")]), ("net-prem-ticks", []),
        ("spot-exposures/strike", [("min_strike", "585"), ("max_strike", "592.5")]),
        ("option-contracts", [("max_dte", "1"), ("limit", "500")]),
        ("option-contracts", [("limit", "20"), ("page", "1")]),
        ("gex-levels", []), ("stock-state", []),
    ]  # fmt: skip
    bodies = []
    for _ in range(6):
        clock.advance(timedelta(minutes=23).total_seconds())
        bodies += [face.answer(f"/api/stock/SPY/{path}", params, "Bearer x").body for path, params in paths]
    return bodies


def seen(make: Callable[[KeptDay], MarketModel], kept: KeptDay) -> tuple[list[Seen], list[bytes]]:
    market = make(kept)
    return quoted(market), asked(market, kept)


def test_quotes_greeks_and_answers_are_the_same_worked_out_kept_and_read(tmp_path: Path) -> None:
    without = seen(lambda kept: plain(), KeptDay())
    first = KeptDay(tmp_path, "half_day-3", "k" * 64)
    assert seen(lambda kept: KeptMarket(SCENARIO, 3, kept), first) == without
    first.save()
    assert first.made > 0
    second = KeptDay(tmp_path, "half_day-3", "k" * 64)
    assert seen(lambda kept: KeptMarket(SCENARIO, 3, kept), second) == without
    assert second.found >= first.made - sum(each[1] is None for each in without[0])
