"""A secret is planted in each place of a real run, and looked for in everything that run writes, shows and hands on."""

from __future__ import annotations

import json
import signal
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.app.test_running import BEFORE_THE_ENTRY, Program, program
from tests.patience import PATIENCE_S

__all__ = ["program"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PAGES = ("/", "/alerts", "/alerts.csv", "/audit", "/audit?query=config_at", "/machines", "/parts", "/login",
         "/api/status", "/metrics", "/healthz", "/nowhere")  # fmt: skip
OWN = "hunter2OfThePage99"
PLANTED = {
    "QUANTICITY__ENGINE__DEAD_MAN_URL": "http://127.0.0.1:9/hunter2InPath99?uuid=hunter2InQuery99#hunter2InFragment99",
    "QUANTICITY__SOURCES__UNUSUAL_WHALES__BASE_URL": "https://me:hunter2OfVendor99@proxy.example",
    "UNUSUAL_WHALES_TOKEN": "hunter2OfToken99",
    "WEB_LOGIN_TOKEN": OWN,
    "MY_ODD_PASSWORD": "hunter2OfOdd99",
    "PGPASSWORD": "hunter2OfPg99",
    "HTTPS_PROXY": "http://u:hunter2OfProxy99@127.0.0.1:9",
}
LOOKED_FOR = "hunter2"


def parts(text: str) -> set[str]:
    """Return which of the planted values a text holds."""
    return {piece.split("99")[0] for piece in text.split(LOOKED_FOR)[1:]}


def children(pid: int) -> list[int]:
    """Return the processes below one; a child that has ended meanwhile, as a backup does, has none."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [each for child in map(int, found) for each in (child, *children(child))]


def handed_to(child: int) -> tuple[str, str]:
    """Return a process's command line and environment, both empty when it has ended."""
    try:
        argv = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8")
        return argv, Path(f"/proc/{child}/environ").read_text(encoding="utf-8")
    except OSError:
        return "", ""


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
            return str(answer.read().decode() + str(answer.headers))
    except urllib.error.HTTPError as refused:
        return str(refused.read().decode() + str(refused.headers))


def answers(port: int) -> bool:
    """Say whether the page is up: on a busy machine it comes after the first trade of so fast a day."""
    try:
        return bool(get(port, "/healthz"))
    except OSError:
        return False


def test_it_is_in_nothing_that_is_written_shown_or_handed_on(program: Program) -> None:
    planted_url = f"{program.environment['QUANTICITY__DATABASE__URL']}?password=hunter2InStore99"
    program.environment |= {
        "QUANTICITY__DATABASE__URL": planted_url,  # no server is here: a file's address with a secret in its query
        "QUANTICITY__ENGINE__DEAD_MAN_FILE": str(program.store.with_name("dead-man.json")),
    }
    program.environment |= {**PLANTED, "QUANTICITY__LOG__LEVEL": "debug"}
    process = program.start("--scenario", "demo", *BEFORE_THE_ENTRY, "--speed", "30")
    program.wait_for(lambda: bool(program.ask("SELECT 1 FROM execution")))
    port = program.page_port()
    program.wait_for(lambda: answers(port))
    shown = {page: get(port, page) for page in PAGES}
    for words in (["status", "--wide"], ["status", "--json"], ["check", "--json"], ["check"], ["alerts", "--wide"],
                  ["audit", "export"], ["audit", "run", "config_at", "at=2099-01-01", "--json"]):  # fmt: skip
        done = program.run(*words)
        shown[" ".join(words)] = done.stdout + done.stderr
    assert program.run("db", "backup").returncode == 0
    handed_on = children(process.pid)
    told = {child: handed_to(child) for child in handed_on}
    assert sum(bool(environment) for _, environment in told.values()) >= 2  # the venue and the page
    for child, (argv, environment) in told.items():
        shown[f"argv of {child}"] = argv
        own = (f"WEB_LOGIN_TOKEN={OWN}", f"WEB_DATABASE={planted_url}")  # what the page itself opens and guards with
        shown[f"environment of {child}"] = environment.replace(own[0], "").replace(own[1], "")
    process.send_signal(signal.SIGTERM)
    shown["its last words"] = process.communicate(timeout=PATIENCE_S)[0]
    for path in program.store.parent.rglob("*"):
        if path.is_file():
            shown[str(path)] = path.read_bytes().decode("utf-8", "replace")
            others_see_it = path == program.log or path.suffix == ".lock"  # a bot of another user is named by its lock
            assert path.stat().st_mode & 0o077 == 0 or others_see_it, path
    with sqlite3.connect(program.store) as connection:
        shown["the store as SQL"] = "\n".join(connection.iterdump())
    assert {place: parts(text) for place, text in shown.items() if LOOKED_FOR in text} == {}


def test_the_search_would_find_it() -> None:
    assert parts(json.dumps(dict(PLANTED))) >= {"InPath", "OfVendor", "OfThePage"}
