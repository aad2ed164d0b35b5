"""One schema: a single head, up and down and up again, models and migrations the same."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint

from bot.domain.errors import SchemaMismatch, StoreError
from bot.store.database import open_reader
from bot.store.revision import _config, check_revision, current_revision, downgrade, head_revision, upgrade
from bot.store.tables import METADATA
from bot.store.views import VIEWS


def names(path: Path, kind: str) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite_%'", (kind,)
        )
        return {row[0] for row in found}


def definitions(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def _words(sql: str) -> set[str]:
    """Return the words that a constraint allows, in whatever order."""
    return set(re.findall(r"'(\w+)'", sql.partition(")")[0]))


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(_config()).get_heads()) == 1


def test_models_and_migrations_never_differ(url: str) -> None:
    with open_reader(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert not compare_metadata(context, METADATA)


def test_constraints_and_triggers_are_those_of_the_models(store_path: Path) -> None:
    assert names(store_path, "trigger") == {
        "transition_is_never_changed",
        "transition_is_never_removed",
        "transition_is_never_replaced",
    }
    with closing(sqlite3.connect(store_path)) as connection:
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    for table in METADATA.sorted_tables:
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint) and str(constraint.name).startswith("ck_"):
                assert str(constraint.name) in tables[table.name]
                allowed = _words(tables[table.name].partition(f"{constraint.name}")[2].partition("CONSTRAINT")[0])
                assert allowed == _words(str(constraint.sqltext)), f"{constraint.name}: a new word is a new revision"


def test_down_takes_everything_away_and_up_brings_it_back_the_same(url: str, store_path: Path) -> None:
    before = definitions(store_path)
    downgrade(url)
    assert names(store_path, "table") == {"alembic_version"}
    assert not names(store_path, "view")
    upgrade(url)
    assert definitions(store_path) == before


def test_every_view_begins_with_a_comment_and_can_be_read(url: str, store_path: Path) -> None:
    assert names(store_path, "view") == set(VIEWS)
    with closing(sqlite3.connect(store_path)) as connection:
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"):
            assert sql.partition(" AS\n")[2].startswith("/*"), name
            connection.execute(f"SELECT * FROM {name}").fetchall()


def test_an_upgrade_tells_what_it_did(tmp_path: Path) -> None:
    told: list[str] = []
    url = f"sqlite+aiosqlite:///{tmp_path / 'new' / 'store.db'}"
    upgrade(url, tell=told.append)
    upgrade(url, tell=told.append)
    assert told == [f"store {url}: empty -> {head_revision()}", f"store {url}: already at {head_revision()}"]


def test_a_store_that_is_not_there_asks_for_an_upgrade(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"
    assert current_revision(url) is None
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        check_revision(url)
    assert not (tmp_path / "none.db").exists()


def test_a_newer_store_is_refused_in_words_and_left_alone(url: str, store_path: Path) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(SchemaMismatch, match="made by a newer version"):
        check_revision(url)
    with pytest.raises(SchemaMismatch, match="9999"):
        upgrade(url)
    assert current_revision(url) == "9999"


@pytest.mark.parametrize("address", ["nonsense", "mysql://localhost/x"])
def test_an_address_that_names_no_store_is_refused_in_words(address: str) -> None:
    with pytest.raises(StoreError, match=r"database\.url"):
        check_revision(address)


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are notes, and quite a few of them" * 50)
    with pytest.raises(StoreError):
        check_revision(f"sqlite+aiosqlite:///{path}")
