"""A store into which somebody wrote texts of megabytes: every page and every question stays small and is answered."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Text

from bot.store.queries import QUERIES
from bot.store.tables import METADATA
from tests.web.conftest import StoreBuilder

HUGE = "hunter <b>&\x1b[2J\u202e " * 1_000_000  # 20 MB
LARGE = HUGE[:2_000_000]
SMALL = 600_000
GUARDED = {"transition", "execution", "config_version"}  # triggers refuse a change of their rows; new ones are taken


def planted(path: Path) -> None:
    """Write a text of megabytes into every column of words: 20 MB into the chain, 2 MB elsewhere."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for table in METADATA.sorted_tables:
            words = [column.name for column in table.columns if isinstance(column.type, Text)]
            if table.name in GUARDED or not words:
                continue
            first = f"rowid = (SELECT MIN(rowid) FROM {table.name})"
            for name in words:
                connection.execute(f'UPDATE {table.name} SET "{name}" = ? WHERE {first}', (LARGE,))
        for subject in ("SIGRUN", "POSRUN"):
            connection.execute(
                "INSERT INTO transition SELECT (SELECT MAX(seq) + 1 FROM transition), machine, entity_id, from_state, "
                'to_state, "trigger", actor, ?, ?, config_version, event_at, recorded_at, tick, prev_hash, '
                "hash || 'x' FROM transition WHERE entity_id = ? LIMIT 1",
                (HUGE, HUGE, subject),
            )


@pytest.fixture
def flooded(store: StoreBuilder, page: FlaskClient, tmp_path: Path) -> FlaskClient:
    planted(Path(store.url.partition("///")[2]))
    return page


PAGES = (
    "/", "/signals", "/positions", "/exposure", "/feeds", "/people",
    "/trades", "/trades.csv", "/performance", "/alerts",
    "/machines", "/parts", "/api/status", "/metrics", "/position/POSRUN", "/signal/SIGRUN",
)  # fmt: skip


def test_every_page_stays_small(flooded: FlaskClient) -> None:
    sizes = {}
    for path in PAGES:
        answer = flooded.get(path)
        assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:300])
        sizes[path] = len(answer.get_data())
    assert {path: size for path, size in sizes.items() if size > SMALL} == {}


def test_every_question_is_answered_in_little(flooded: FlaskClient) -> None:
    sizes = {}
    for name, query in QUERIES.items():
        needed = "".join(f"&{p.name}=POSRUN" for p in query.parameters if p.default is None and p.name == "id")
        needed += "".join("&at=2099-01-01" for p in query.parameters if p.name == "at")
        for path in ("/audit", "/audit.csv"):
            answer = flooded.get(f"{path}?query={name}{needed}")
            assert answer.status_code == 200, (path, name, answer.get_data(as_text=True)[:300])
            sizes[path, name] = len(answer.get_data())
    assert {where: size for where, size in sizes.items() if size > SMALL} == {}
