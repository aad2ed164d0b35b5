"""Paths: one function for each of them, whatever characters the directories have; settings that mean something else."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bot.config.doubts import doubts
from bot.config.loader import PATHS, load
from bot.config.places import in_file_name, in_url, placed, placed_url
from bot.config.schema import Settings
from bot.domain.errors import ConfigError
from bot.store.address import sqlite_path
from bot.store.revision import current_revision, head_revision, upgrade

ODD = ("with space", "a#b", "50%", "%25", "%3F", "what?", "ümläut", "a'b", 'a"b', "a;b&c=d", "[x]", "%(here)s")


@given(st.text(st.characters(blacklist_characters="\0/", blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_any_name_of_a_directory_is_the_same_in_an_address(name: str) -> None:
    assert in_file_name(in_url(f"/data/{name}/x.db")) == f"/data/{name}/x.db"


@pytest.mark.parametrize("name", ODD)
def test_a_store_and_a_kill_switch_are_found_in_a_directory_of_any_name(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    (root / "config").mkdir(parents=True)
    config = load(root, {"engine.kill_switch_file": "STOP", "database.url": "sqlite+aiosqlite:///data/x.db"}, {})
    url = config.settings.database.url
    assert config.settings.engine.kill_switch_file == str(root / "STOP")
    assert sqlite_path(url) == root / "data" / "x.db"
    upgrade(url)
    assert (root / "data" / "x.db").exists()
    assert current_revision(url) == head_revision()


def test_home_is_home_and_absolute_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert placed("~/stop", tmp_path) == str(tmp_path / "me" / "stop")
    assert placed("/etc/stop", tmp_path) == "/etc/stop"
    assert placed("", tmp_path) == ""
    assert placed_url("sqlite+aiosqlite:///~/x.db", tmp_path) == f"sqlite+aiosqlite:///{tmp_path}/me/x.db"
    assert placed_url("postgresql://h/db", tmp_path) == "postgresql://h/db"


@pytest.mark.parametrize("wrong", ["a\0b", " stop", "stop\n", "~nobody-of-this-name/stop"])
def test_what_no_path_can_be_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match="kill_switch_file"):
        load(tmp_path, {"engine.kill_switch_file": wrong}, {})


def test_every_setting_that_names_a_place_is_one_of_the_paths() -> None:
    named = {
        (section, key)
        for section, info in Settings.model_fields.items()
        if isinstance(info.default, BaseModel)
        for key in type(info.default).model_fields
        if key.endswith(("_file", "_dir", "_path")) or (section, key) == ("database", "url")
        if (section, key) != ("web", "base_path")  # of addresses, not of files
    }
    assert named == set(PATHS)


REFUSED: tuple[dict[str, Any], ...] = (
    {"risk": {"no_zero_dte_after": "15:50-05:00"}},
    {"risk": {"no_zero_dte_after": "15:50Z"}},
    {"risk": {"no_zero_dte_after": 950}},
    {"risk": {"no_zero_dte_after": "3pm"}},
    {"risk": {"quote_max_age_s": 86_400}},
    {"ibkr": {"tws_zone": "Mars/Olympus"}},
    {"ibkr": {"tws_zone": "../../etc/passwd"}},
    {"ibkr": {"restart_windows": [{"name": "x", "begins": "01:00", "ends": "01:00"}]}},
    {"ibkr": {"restart_windows": [{"name": "x", "begins": "23:00+00:00", "ends": "23:30"}]}},
    {"engine": {"settlement_evening": "16:30Z"}},
    {"calendar": {"closed": ["2026-12-05"]}},
    {"calendar": {"closed": [20261204]}},
    {"calendar": {"closed": ["2026-12-04"], "early": {"2026-12-04": "13:00"}}},
    {"calendar": {"early": {"2026-12-04": "17:00"}}},
    *(
        {"strategies": {"zero_dte_gamma": each}}
        for each in (
            {"window_from": "15:00", "window_to": "14:00"},
            {"window_from": "08:00"},
            {"window_to": "17:00", "exit": {"flat_at": "16:00"}},
            {"exit": {"flat_at": "18:00"}},
            {"exit": {"flat_at": "15:00"}},
            {"exit": {"flat_at": "15:50-05:00"}},
            {"exit": {"stop_loss": 0}},
            {"exit": {"trail": 0}},
            {"symbols": ["spy"]},
            {"symbols": ["SPY", "SPY"]},
            {"symbols": ["SPY "]},
            {"symbols": [""]},
            {"price_max_age_s": 86_400},
        )
    ),
)


@pytest.mark.parametrize("tree", REFUSED, ids=str)
def test_what_means_something_else_is_refused(tree: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(tree)


@pytest.mark.parametrize(
    "tree, words",
    [
        ({"risk": {"daily_loss_warning_fraction": "0.5"}}, "before the warning"),
        ({"risk": {"max_per_symbol": 9}}, "never reached"),
        ({"risk": {"max_premium_fraction": 0}}, "nothing will be entered"),
        ({"risk": {"max_drawdown_fraction": 1}}, "limits nothing"),
        ({"risk": {"max_premium_fraction": "0.5"}}, "more than a day"),
        ({"risk": {"no_zero_dte_after": "09:40"}}, "before the window of zero_dte_gamma"),
        ({"risk": {"no_zero_dte_after": "15:55"}}, "sold at once"),
        ({"strategies": {"zero_dte_gamma": {"symbols": ["NDX"]}}}, "no data"),
        ({"strategies": {"zero_dte_gamma": {"symbols": []}}}, "is empty"),
        ({"approval": {"signal_ttl_s": 5}}, "expires first"),
        ({"overseer": {"model": "claude-of-tomorrow"}}, "rules' texts stand"),
    ],
)
def test_what_may_be_meant_is_asked_about(tree: dict[str, Any], words: str) -> None:
    told = list(doubts(Settings.model_validate(tree), {"unusual_whales": {"symbols": ["SPX", "SPY"]}}))
    assert any(words in each for each in told)


@given(st.times() | st.integers() | st.floats() | st.text(max_size=8) | st.from_regex(r"\A[0-9]{2}:[0-9]{2}\Z"))
def test_a_time_of_day_is_new_yorks_or_refused(value: object) -> None:
    try:
        taken = Settings.model_validate({"risk": {"no_zero_dte_after": value}}).risk.no_zero_dte_after
    except ValidationError:
        return
    assert isinstance(taken, time)
    assert taken.tzinfo is None
    assert isinstance(value, str | time)


def test_what_the_exchange_announced_is_in_the_settings() -> None:
    announced = {"closed": ["2026-12-04"], "early": {"2026-12-03": "13:00"}}
    calendar = Settings.model_validate({"calendar": announced}).calendar
    assert calendar.closed == (date(2026, 12, 4),)
    assert calendar.early == {date(2026, 12, 3): time(13)}
