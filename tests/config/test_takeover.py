"""When a changed setting comes into force: every setting of the schema has an answer, and live means what it says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from bot.config.schema import Settings
from bot.config.section import Takeover
from bot.config.takeover import all_settings, takeover_of, with_live

OTHER = "something else"


def changed_everywhere(section: BaseModel) -> Any:
    """Return a section in which each single setting is something else."""
    update = {
        name: changed_everywhere(value) if isinstance(value := getattr(section, name), BaseModel) else OTHER
        for name in type(section).model_fields
    }
    return section.model_copy(update=update)


def value_of(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = getattr(settings, part)
    return settings


@pytest.mark.parametrize("key", sorted(all_settings()))
def test_of_all_that_changed_what_is_live_is_taken_and_nothing_else(key: str) -> None:
    before = Settings()
    after = with_live(before, changed_everywhere(before))
    wanted = OTHER if takeover_of(key) is Takeover.LIVE else value_of(before, key)
    assert value_of(after, key) == wanted


@pytest.mark.parametrize(
    "key,when",
    [
        ("risk.max_positions", Takeover.LIVE),
        ("risk.cross_check.looks", Takeover.LIVE),
        ("risk.silent", Takeover.ANEW),
        ("strategies.zero_dte_gamma.min_imbalance", Takeover.LIVE),
        ("strategies.zero_dte_gamma.book_symbol.SPX", Takeover.LIVE),
        ("strategies.zero_dte_gamma.enabled", Takeover.LIVE),
        ("approval.mode", Takeover.LIVE),
        ("engine.tick_seconds", Takeover.LIVE),
        ("engine.record", Takeover.ANEW),
        ("engine.kill_switch_file", Takeover.ANEW),
        ("ibkr.port", Takeover.ANEW),
        ("ibkr.account", Takeover.START),
        ("web.port", Takeover.ANEW),
        ("mode", Takeover.START),
        ("bot_id", Takeover.START),
        ("database.url", Takeover.START),
        ("sim.seed", Takeover.START),
    ],
)
def test_the_nearest_mark_counts(key: str, when: Takeover) -> None:
    assert takeover_of(key) is when


def test_nothing_changed_is_the_same_object() -> None:
    before = Settings()
    assert with_live(before, Settings()) is before
