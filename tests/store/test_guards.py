"""The triggers of the history are those that the migrations made; any other is told and put right."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.database import open_reader, writer_engine
from bot.store.guards import guard_faults, restore_guards

CHANGES = {
    "missing": "DROP TRIGGER transition_is_never_changed",
    "altered": "DROP TRIGGER transition_is_never_removed; CREATE TRIGGER transition_is_never_removed BEFORE DELETE ON "
    "transition WHEN OLD.seq > 10 BEGIN SELECT RAISE(ABORT, 'no'); END",
    "none of ours": "CREATE TRIGGER helpful AFTER INSERT ON transition BEGIN DELETE FROM alert; END",
}


def faults(url: str) -> list[str]:
    with open_reader(url) as connection:
        return guard_faults(connection)


def test_a_migrated_store_has_the_triggers_that_are_wanted(url: str) -> None:
    assert faults(url) == []


@pytest.mark.parametrize("word", CHANGES)
def test_a_trigger_that_is_not_as_it_was_made_is_named_and_put_back(url: str, store_path: Path, word: str) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.executescript(CHANGES[word])
    (words,) = faults(url)
    assert word in words
    engine = writer_engine(url)
    with engine.begin() as connection:
        restore_guards(connection)
    engine.dispose()
    assert faults(url) == []
