"""Answers are compressed where it pays, static names carry their hash, and who has the same already is told 304."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug import Response

from bot.web.access import HEADERS

GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("path", ["/", "/trades", "/api/status", "/static/page.css", "/audit/history.csv"])
def test_a_text_says_the_same_compressed(page: FlaskClient, path: str) -> None:
    with page.get(path) as plain, page.get(path, headers=GZIP) as packed:
        _is_the_same(path, plain, packed)


def _is_the_same(path: str, plain: Response, packed: Response) -> None:
    assert plain.headers.get("Content-Encoding") is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data)
    whole = gzip.decompress(packed.data)
    if path not in {"/", "/trades"}:  # a page has a token for its visitor
        assert whole == plain.data
    for name in HEADERS.keys() - {"Cache-Control"}:
        assert packed.headers[name] == HEADERS[name]


def test_what_is_small_or_refused_is_sent_as_it_is(page: FlaskClient) -> None:
    assert "Content-Encoding" not in page.get("/healthz", headers=GZIP).headers
    refused = page.get("/", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers
    with page.get("/events?view=bar", headers=GZIP, buffered=False) as stream:
        assert "Content-Encoding" not in stream.headers


def test_a_static_name_with_its_hash_is_kept_for_good_and_any_other_is_asked_about(page: FlaskClient) -> None:
    found = re.search(r'href="(/static/page\.css\?v=[0-9a-f]{12})"', page.get("/").get_data(as_text=True))
    assert found is not None
    with page.get(found.group(1)) as kept:
        assert "immutable" in kept.headers["Cache-Control"]
    for path in ("/static/page.css", "/static/page.css?v=000000000000"):
        with page.get(path) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
    with page.get("/static/page.css", headers=GZIP) as first:
        tag = first.headers["ETag"]
    with page.get("/static/page.css", headers={**GZIP, "If-None-Match": tag}) as again:
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["1e999", "9" * 3_000, "..%2f..%2fconfig%2fbot.yaml", "%00", "%ff", "."])
def test_a_static_file_that_is_not_there_is_not_found(page: FlaskClient, name: str) -> None:
    assert page.get(f"/static/{name}").status_code == 404
    assert page.head(f"/static/{name}?v=000000000000").status_code == 404


def test_json_that_did_not_change_is_not_sent_again(page: FlaskClient) -> None:
    first = page.get("/trades.json")
    again = page.get("/trades.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["X-Content-Type-Options"] == "nosniff"
    assert page.get("/trades.json?result=won", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_page_with_its_visitors_token_is_not_stored(page: FlaskClient) -> None:
    answer = page.get("/", headers=GZIP)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_the_first_load_keeps_to_its_budget(page: FlaskClient) -> None:
    """Page at most 15 kB, style 8, script 10, all compressed (design sheet)."""
    sizes = {path: len(page.get(path, headers=GZIP).data) for path in ("/", "/static/page.css", "/static/page.js")}
    assert sizes["/"] < 15_000
    assert sizes["/static/page.css"] <= 8_000
    assert sizes["/static/page.js"] < 10_000


def test_a_page_that_uses_what_few_pages_have_loads_its_sheet() -> None:
    rooms = Path(__file__).resolve().parents[2]
    sheet = re.sub(r"\{[^}]*\}", "{}", (rooms / "bot/web/static/more.css").read_text())
    classes = set(re.findall(r"\.([a-z][\w-]*)", sheet)) - set(
        re.findall(r"\.([a-z][\w-]*)", (rooms / "bot/web/static/page.css").read_text())
    )
    templates = rooms / "templates/web"
    for path in templates.glob("*.html"):
        text = path.read_text()
        for part in re.findall(r'include "web/(parts/[\w/]+\.html)"', text):
            text += (templates / part).read_text()
        used = {name for given in re.findall(r'class="([^"]*)"', text) for name in given.split()} & classes
        assert not used or "more.css" in text, (path.name, used)
    assert {"heat", "machine-row"} <= classes
