"""Settings read anew: refused whole, or taken over by the next beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.reloading import ReadAnew
from bot.app.settings_watch import SettingsWatch, written_files
from bot.clocks.clock import ManualClock
from bot.config.loader import LoadedConfig, load
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from bot.domain.requests import Refused
from bot.engine.switches import InForce
from bot.feeds.sources import DataSources
from tests.feeds.uw_site import NOON


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
    assert "approval.mode changed" in str(anew("cli"))
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


# ---- what may change live


class Watched:
    """A watch over a folder, with what it brought into force and said."""

    def __init__(self, root: Path) -> None:
        config = load(root)
        self.anew, self.events, self.taken = ReadAnew(config), list[Event](), list[LoadedConfig]()
        self.anew.take_live = self.taken.append
        self.watch = SettingsWatch(config, self._sources, ManualClock(NOON), self.events.append, anew=self.anew)

    async def _sources(self, sources: DataSources, config: LoadedConfig) -> None:
        raise AssertionError("no data source changed")

    def told(self) -> list[tuple[str, str]]:
        said = [(each.code, each.text) for each in self.events if isinstance(each, AlertRaised)]
        self.events.clear()
        return said


async def test_an_edit_of_bot_yaml_is_in_force_where_it_may_be_and_says_what_else_it_takes(written: Path) -> None:
    seen = Watched(written)
    write(written, "approval: {mode: manual}\nlog: {level: debug}\nbot_id: other\n")
    await seen.watch.look()
    (live,) = seen.taken
    assert (live.settings.approval.mode, live.settings.log.level, live.settings.bot_id) == ("manual", "info", "qty")
    taken, waits = seen.told()
    assert taken == ("SETTINGS_TAKEN", "changed: settings: approval.mode; the bot runs on with them")
    assert waits[0] == "SETTINGS_WAIT"
    assert "log.level: `python run.py reload_config` takes it over: the bot begins again" in waits[1]
    assert "bot_id: only a start of the program takes it over" in waits[1]

    write(written, "approval: {mode: sometimes}\n")
    await seen.watch.look()
    ((code, words),) = seen.told()
    assert (code, len(seen.taken)) == ("SETTINGS_REFUSED", 1)
    assert "config/bot.yaml line 1: approval.mode = 'sometimes'" in words


async def test_strategies_yaml_and_reload_config_go_the_same_way(written: Path) -> None:
    seen = Watched(written)
    strategies = written / "config" / "strategies.yaml"
    strategies.write_text("zero_dte_gamma: {min_imbalance: 0.4}\n", encoding="utf-8")
    said = seen.anew("admin:web:ann")
    assert isinstance(said, InForce)
    assert "strategies.zero_dte_gamma.min_imbalance changed; in force with the next tick" in said.words
    (live,) = seen.taken
    assert live.settings.strategies.zero_dte_gamma.min_imbalance == 0.4
    assert live.version == load(written).version, "the version is that of files that say so"
    await seen.watch.look()
    assert seen.told() == [], "what is in force is no news"
    write(written, "approval: {mode: manual}\nlog: {level: debug}\n")
    assert isinstance(seen.anew("cli"), str), "something of it needs a new beginning: all of it waits for that"
    config = seen.anew.take_over()
    assert (config.settings.approval.mode, config.settings.log.level) == ("manual", "debug")
    assert config.settings.strategies.zero_dte_gamma.min_imbalance == 0.4


async def test_an_edit_that_is_taken_says_which_files_were_written_and_whose_they_are(written: Path) -> None:
    seen = Watched(written)
    write(written, "approval: {mode: manual}\n")
    file = written / "config" / "bot.yaml"
    files = written_files({(2, str(file)), (2, str(file.with_name("gone.yaml"))), (2, "/elsewhere/notes.txt")}, written)
    assert files == [f"config/bot.yaml of {file.owner()}", "config/gone.yaml"]
    await seen.watch.look(files)
    (taken,) = [each for each in seen.events if isinstance(each, AlertRaised)]
    assert taken.text == f"changed: settings: approval.mode; {', '.join(files)}; the bot runs on with them"
    assert taken.facts["files"] == tuple(files) or taken.facts["files"] == files
