"""A byte that flipped or a file that was cut, anywhere: it is named, what is read all the same is what was written, and
nothing else is disturbed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.recording import Row
from bot.record import journal
from bot.record.library import Recording, RecordingVerdict
from bot.record.player import life_of, moments
from tests.examples import examples
from tests.record.days import Hand, record, some_events


@pytest.fixture(scope="module", params=[True, False], ids=["finished", "open"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    clock = Hand()
    folder = record(tmp_path_factory.mktemp("whole"), some_events(200, clock), clock, finished=request.param)
    return folder, list(Recording(folder).rows())


@given(which=st.floats(0, 1), where=st.floats(0, 1), bit=st.integers(0, 7), cut=st.booleans())
@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damage_is_named_and_what_is_read_all_the_same_is_what_was_written(
    whole: tuple[Path, list[Row]], tmp_path: Path, which: float, where: float, bit: int, cut: bool
) -> None:
    folder, rows = whole
    damaged = tmp_path / "2026-11-20"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(folder, damaged)
    files = sorted(damaged.iterdir())
    path = files[min(int(which * len(files)), len(files) - 1)]
    content = bytearray(path.read_bytes())
    at = min(int(where * len(content)), len(content) - 1)
    if cut:
        del content[at:]
    else:
        content[at] ^= 1 << bit
    path.write_bytes(content)
    found = Recording(damaged).judge()
    if not (cut and path.name == journal.NAME):  # one that ends with a whole frame is one that goes on
        assert not found.is_whole
        assert path.name in found.words()
    assert set(Recording(damaged).rows(faults=RecordingVerdict())) <= set(rows)
    list(moments(Recording(damaged), life_of(Recording(damaged))))
