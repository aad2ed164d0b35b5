"""Settings read anew: refused whole, or taken over by the next beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.reloading import ReadAnew
from bot.config.loader import load
from bot.domain.requests import Refused


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "bot.yaml").write_text("approval: {mode: auto}\n", encoding="utf-8")
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "config" / "bot.yaml").write_text(text, encoding="utf-8")


def test_what_changed_is_named_and_taken_over_by_the_next_beginning(written: Path) -> None:
    anew = ReadAnew(load(written, {"sim.seed": 3}))
    write(written, "approval: {mode: manual}\n")
    assert "approval.mode changed" in anew("cli")
    config = anew.take_over()
    assert (config.settings.approval.mode, config.settings.sim.seed) == ("manual", 3)
    assert anew.take_over() is config
    with pytest.raises(Refused, match="CONFIG_UNCHANGED"):
        anew("cli")


@pytest.mark.parametrize(
    "text,code",
    [
        ("approval: {mode: sometimes}\n", "CONFIG_REFUSED: config/bot.yaml line 1"),
        ("approval: [\n", "CONFIG_REFUSED"),
        ("bot_id: other\n", "CONFIG_NEEDS_RESTART: bot_id"),
        ("database: {url: 'sqlite+aiosqlite:///other.db'}\n", "CONFIG_NEEDS_RESTART"),
    ],
)
def test_what_is_unfit_leaves_in_force_what_is(written: Path, text: str, code: str) -> None:
    before = load(written)
    anew = ReadAnew(before)
    write(written, text)
    with pytest.raises(Refused) as refused:
        anew("cli")
    assert str(refused.value).startswith(code)
    assert anew.take_over() is before


def test_in_sim_the_next_beginning_meets_the_same_simulator(written: Path) -> None:
    config = load(written)
    ibkr = config.settings.ibkr.model_copy(update={"host": "127.0.0.1", "port": 4999})
    from dataclasses import replace

    anew = ReadAnew(replace(config, settings=config.settings.model_copy(update={"ibkr": ibkr})))
    write(written, "approval: {mode: manual}\n")
    anew("cli")
    assert anew.take_over().settings.ibkr.port == 4999
