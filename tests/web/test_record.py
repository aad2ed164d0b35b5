"""The record: the history as a file in constant memory, the chain checked from the page, configurations compared."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from flask.testing import FlaskClient

from bot.store.queries import count_rows, run_query, stream_query
from bot.store.tables.alert import ALERT
from bot.store.tables.command import COMMAND
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.values import time_text
from bot.web import auditing
from bot.web.downloads import csv_lines
from tests.web.conftest import NOW, AppMaker, CsrfReader, StoreBuilder, at


def test_the_history_is_a_file_with_every_column_as_it_is_stored(page: FlaskClient, store: StoreBuilder) -> None:
    rows = list(csv.DictReader(io.StringIO(page.get("/audit/history.csv").get_data(as_text=True))))
    assert [int(row["seq"]) for row in rows] == list(range(1, store.seq + 1))
    assert rows[-1]["hash"] == f"{store.seq:064x}"
    assert {"prev_hash", "evidence", "tick", "actor"} <= set(rows[0])


def test_a_million_rows_take_no_more_memory_than_a_thousand() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        for _ in csv_lines(("a", "b"), ((n, "words of a row") for n in range(rows))):
            pass
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    assert peak(80_000) < peak(8_000) + 200_000


def test_a_question_is_streamed_counted_and_answered_alike(store: StoreBuilder) -> None:
    columns, rows = stream_query(store.url, "session_history")
    listed = list(rows)
    assert (columns, listed) == run_query(store.url, "session_history")
    assert count_rows(store.url, "trades") == len(run_query(store.url, "trades")[1])


def test_the_chain_is_checked_from_the_page_by_who_is_logged_in(
    page: FlaskClient, operator: FlaskClient, csrf_of: CsrfReader, make_app: AppMaker, empty_store: StoreBuilder
) -> None:
    told = operator.post("/audit/chain", data={"csrf": csrf_of(operator, "/audit")}).get_data(as_text=True)
    assert "The history is BROKEN" in told, "the rows of the tests' store are not chained"
    stranger = make_app(empty_store.url).test_client()
    refused = stranger.post("/audit/chain", data={"csrf": csrf_of(stranger)})
    assert refused.status_code == 303
    assert "/login" in refused.headers["Location"]
    found = auditing.check_chain(empty_store.url)
    assert found is not None
    assert (found.rows, found.words) == (0, "")


def test_only_one_walks_the_chain_at_a_time(store: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(auditing, "verify_chain", lambda url: seen.append(auditing.check_chain(url)))
    with pytest.raises(AttributeError):
        auditing.check_chain(store.url)
    assert seen == [None]


def test_configurations_are_compared_with_who_had_them_read(page: FlaskClient, store: StoreBuilder) -> None:
    assert "One configuration so far" in page.get("/config").get_data(as_text=True)
    for number, most in enumerate((5, 3), 1):
        body = json.dumps({"settings": {"risk": {"max_positions": most, "max_per_symbol": 2}}})
        created = at(60) if number == 1 else store.now_text
        store.add(CONFIG_VERSION, id=f"version{number}", number=number, hash="", body=body, created_at=created)
    store.add(COMMAND, id="C1", kind="reload_config", payload="{}", actor="admin:web:anna", state="done", answer="",
              created_at=time_text(NOW), handled_at=time_text(NOW))  # fmt: skip
    text = page.get("/config").get_data(as_text=True)
    for words in ("settings.risk.max_positions", ">5<", ">3<", "in force", "anna (page)", "a start"):
        assert words in text, words
    assert "max_per_symbol" not in text, "it is alike in both"
    files = json.dumps({"files": ["config/bot.yaml of ann"]})
    store.add(ALERT, id="ALTAKEN", code="SETTINGS_TAKEN", severity="info", text="changed", at=at(60), facts=files)
    page.application.extensions["reader"].forget()
    assert "an edit: config/bot.yaml of ann" in page.get("/config").get_data(as_text=True)
    assert "Nothing differs" in page.get("/config?before=version2&after=version2").get_data(as_text=True)
    assert "One configuration so far" in page.get("/config?before=nope").get_data(as_text=True)
