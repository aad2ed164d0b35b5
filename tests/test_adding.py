"""`docs/adding.md` replayed as far as can be: a setting or an alert that misses a file of its list is found out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import create_model

from bot.cli import alerts
from bot.config.schema import StrategiesSettings
from bot.domain import notices
from tests.config import test_shipped_files
from tests.domain import test_notices

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding.md").read_text()


def test_every_folder_and_file_of_the_checklists_is_there() -> None:
    named = re.findall(r"`((?:bot|tests|config|migrations|docs)/[\w./]*)[`:]", PAGE)
    assert len(named) > 30
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("thing", ["setting", "alert", "column", "request", "data set", "strategy"])
def test_each_thing_has_its_list_and_what_holds_it(thing: str) -> None:
    _, _, rest = PAGE.partition(f"\n## A{'n' if thing[0] in 'aeiou' else ''} {thing}\n")
    section = rest.partition("\n## ")[0]
    assert section.count("- [ ]") >= 4
    assert "Held by" in section


def test_an_alert_without_a_place_that_raises_it_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    row = notices.Notice("warning", "once", "Something new.", "Look at it.")
    monkeypatch.setattr(test_notices, "REGISTER", {**notices.REGISTER, "SOMETHING_NEW": row})
    with pytest.raises(AssertionError):
        test_notices.test_every_row_of_the_register_is_raised_somewhere()


def test_an_alert_without_a_row_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {code: row for code, row in notices.REGISTER.items() if code != "UNPROTECTED"}
    monkeypatch.setattr(test_notices, "REGISTER", known)
    with pytest.raises(AssertionError):
        test_notices.test_every_code_that_is_raised_is_in_the_register()


def test_an_alert_that_the_page_does_not_have_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    row = notices.Notice("warning", "once", "Something new.", "Look at it.")
    monkeypatch.setattr(notices, "GROUPS", {**notices.GROUPS, "New": {"SOMETHING_NEW": row}})
    assert alerts.page() != (ROOT / "docs" / "alerts.md").read_text()


def test_a_setting_that_the_files_do_not_name_is_found_out() -> None:
    wider = create_model("Wider", __base__=StrategiesSettings, brand_new=(int, 5))
    test_shipped_files.test_every_setting_is_named("strategies.yaml", StrategiesSettings)
    with pytest.raises(AssertionError, match="brand_new"):
        test_shipped_files.test_every_setting_is_named("strategies.yaml", wider)
