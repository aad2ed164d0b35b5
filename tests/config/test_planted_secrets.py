"""A secret is planted in each place where one may stand, and looked for in everything that is written or shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.child_process import without_secrets
from bot.config.loader import load
from bot.config.secret_words import holds_password, looks_secret
from bot.domain.errors import ConfigError
from bot.log import redactor
from bot.store.revision import upgrade

PLANTED = "hunter2Secret99"
PLACES = (
    ("database.url", f"postgresql+psycopg://bot:{PLANTED}@db.example/quanticity"),
    ("database.url", f"postgresql+psycopg://db.example/quanticity?user=bot&password={PLANTED}"),
    ("database.url", f"postgresql+psycopg://bot:{PLANTED}%40@db.example/quanticity?sslmode=require"),
    ("engine.dead_man_url", f"https://me:{PLANTED}@monitor.example/ping"),
    ("engine.dead_man_url", f"https://monitor.example/{PLANTED}"),
    ("engine.dead_man_url", f"https://monitor.example/ping?uuid={PLANTED}"),
    ("engine.dead_man_url", f"https://monitor.example/ping#{PLANTED}"),
    ("sources.unusual_whales.base_url", f"https://me:{PLANTED}@proxy.example"),
    ("sources.unusual_whales.base_url", f"https://proxy.example/?token={PLANTED}"),
    ("sources.unusual_whales.base_url", f"https://{PLANTED}@proxy.example"),
)


@pytest.mark.parametrize("key, value", PLACES)
def test_it_is_in_no_version_and_no_log_whatever_is_said(tmp_path: Path, key: str, value: str) -> None:
    config = load(tmp_path, {key: value}, {})
    redact = redactor(config.hidden())
    assert PLANTED not in config.text
    assert PLANTED not in redact(f"ERROR: cannot reach {value}: refused")
    assert PLANTED not in redact(f"Traceback: ...\n  url = {value!r}\nValueError: {value}")


@pytest.mark.parametrize("key, value", PLACES)
def test_it_reaches_no_child(key: str, value: str) -> None:
    given = {"QUANTICITY__" + key.upper().replace(".", "__"): value, "HTTPS_PROXY": f"http://u:{PLANTED}@proxy:3128"}
    assert PLANTED not in str(without_secrets(given))


@pytest.mark.parametrize("key, value", [*PLACES, ("risk.max_positions", f"https://me:{PLANTED}@x")])
def test_a_refusal_does_not_repeat_it(tmp_path: Path, key: str, value: str) -> None:
    variable = "QUANTICITY__" + key.upper().replace(".", "__") + "__TOO__DEEP"
    for environ in ({variable: value}, {variable[:-11]: f"[{value}"}, {variable[:-11] + "X": value}):
        assert PLANTED not in refused(tmp_path, environ)


def refused(root: Path, environ: dict[str, str]) -> str:
    try:
        load(root, {}, environ)
    except ConfigError as error:
        return str(error)
    return ""


NAMES = ("MY_TOKEN", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "SMTP_PASS", "GITHUB_PAT", "API_KEY_2")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_look_like_secrets_are_kept_from_children(name: str) -> None:
    assert looks_secret(name)
    assert without_secrets({name: "x", "PATH": "/bin", "QUANTICITY__WEB__PORT": "1"}) == {
        "PATH": "/bin", "QUANTICITY__WEB__PORT": "1",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["sk-ant-abcdefghijkl", f"https://u:{PLANTED}@h/", "AKIAABCDEFGHIJKLMNOP"])
def test_values_that_look_like_secrets_are_known(value: str) -> None:
    assert holds_password(value)
    assert without_secrets({"ANYTHING": value}) == {}


@pytest.mark.parametrize("mode, is_refused", [("sim", False), ("paper", True), ("live", True)])
def test_a_dotenv_that_others_may_read_is_refused_where_it_trades(tmp_path: Path, mode: str, is_refused: bool) -> None:
    (tmp_path / ".env").write_text("WEB_LOGIN_TOKEN=a-long-enough-token-0\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o644)
    wanted = {"mode": mode, "ibkr.account": "U1"}
    if is_refused:
        with pytest.raises(ConfigError, match="can be read by others"):
            load(tmp_path, wanted, {})
    else:
        load(tmp_path, wanted, {})
    (tmp_path / ".env").chmod(0o600)
    load(tmp_path, wanted, {})


def test_a_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    path.chmod(0o644)
    upgrade(f"sqlite+aiosqlite:///{path}")
    assert oct(path.stat().st_mode & 0o777) == "0o600"


CRASH = """
import bot.web.__main__ as page, logging, threading
def broken(*_):
    address = page.os.environ[page.DATABASE_VARIABLE]
    logging.getLogger("x").error("cannot open %s", address)
    thread = threading.Thread(target=lambda: int(address)); thread.start(); thread.join()
    raise RuntimeError(f"the driver says: {address} with {page.os.environ[page.TOKEN_VARIABLE]}")
page._server = broken
page.main(["--port", "0"])
"""


@pytest.mark.parametrize("address", [value for key, value in PLACES if key == "database.url"])
def test_a_page_that_crashes_says_it_in_no_traceback(address: str) -> None:
    given = {**os.environ, "WEB_DATABASE": address, "WEB_LOGIN_TOKEN": f"{PLANTED}-of-the-page"}
    done = subprocess.run([sys.executable, "-c", CRASH], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 2
    assert "the driver says" in done.stderr
    assert PLANTED not in done.stderr
