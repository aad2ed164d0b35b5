"""Settings read anew while the bot runs: checked whole, refused with the reason, taken over at once where they may
change live, else by the next beginning.

What the tick reads anew each time is swapped at the top of a tick. Everything else waits here; the run ends in good
order and begins again with it, which takes seconds in which the stops stand at the broker. The schema says which is
which (`bot/config/takeover.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.config.loader import LoadedConfig
from bot.config.schema import Mode
from bot.config.section import Takeover
from bot.config.takeover import takeover_of, with_live
from bot.domain.errors import ConfigError
from bot.domain.requests import Refused
from bot.engine.switches import InForce

_OF_THE_VENUE: Final = ("ibkr", "sim", "telegram", "discord", "anthropic", "smtp")
"""Sections that name what the simulator itself serves: in sim they stay as the run has them."""

TakeLive = Callable[[LoadedConfig], None]


@dataclass(frozen=True, slots=True)
class SettingsEdit:
    """What files and environment say now, compared with what is in force: names of settings by when they come into
    force, and the data sources that differ."""

    found: LoadedConfig
    changed: Mapping[Takeover, tuple[str, ...]]
    sources: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        return not any(self.changed.values()) and not self.sources


class ReadAnew:
    """Reads the settings for whoever asks, and keeps what is in force and what is to come. `take_live` brings settings
    into force while the bot runs; it is told by whoever puts a run together."""

    def __init__(self, config: LoadedConfig) -> None:
        self.running, self._next = config, config
        self.take_live: TakeLive | None = None

    def edit(self) -> SettingsEdit:
        """Read everything; raises ConfigError for what is unfit, and then nothing of it is used."""
        found = self.running.read_again()
        found.require_secrets()
        return edit_of(self.running, found)

    def __call__(self, actor: str) -> str | InForce:
        """Return in words what would change; raises Refused, and then what is in force stays."""
        try:
            edit = self.edit()
        except ConfigError as error:
            raise Refused(f"CONFIG_REFUSED: {error}") from error
        found = edit.found
        if fixed := edit.changed[Takeover.START]:
            raise Refused(
                f"CONFIG_NEEDS_RESTART: {', '.join(fixed)} changed, which only a start of the program takes over"
            )
        if edit.is_nothing and (found.settings.mode is Mode.SIM or found.secrets == self.running.secrets):
            raise Refused("CONFIG_UNCHANGED: files and environment say what is in force; nothing begins again")
        words = f"settings {found.version} were read: {_in_words(edit) or 'a secret'} changed"
        live = edit.changed[Takeover.LIVE]
        if live and self.take_live is not None and not edit.changed[Takeover.ANEW] and not edit.sources:
            self.go_live(edit)
            return InForce(f"{words}; in force with the next tick")
        self._next = found
        return words

    def go_live(self, edit: SettingsEdit) -> None:
        """Bring into force what of an edit may change live; the rest waits as it did."""
        assert self.take_live is not None
        self.running = self._next = _with_live_part(self.running, edit)
        self.take_live(self.running)

    def took_sources(self, found: LoadedConfig) -> None:
        """Note that data sources are in force as they were found."""
        whole = {**json.loads(self.running.text), "sources": json.loads(found.text)["sources"]}
        kept = replace(self.running, sources_tree=found.sources_tree, secrets=found.secrets)
        self.running = self._next = kept.saying(whole)

    def take_over(self) -> LoadedConfig:
        """Return what the next beginning runs with."""
        running, found = self.running, self._next
        if found is not running and found.settings.mode is Mode.SIM:
            kept = {name: getattr(running.settings, name) for name in _OF_THE_VENUE if hasattr(running.settings, name)}
            found = replace(found, settings=found.settings.model_copy(update=kept), secrets=running.secrets)
        self.running = self._next = found
        return found


def edit_of(running: LoadedConfig, found: LoadedConfig) -> SettingsEdit:
    """Compare two configurations."""
    before, now = json.loads(running.text), json.loads(found.text)
    names = sorted(differences(before.get("settings", {}), now.get("settings", {})))
    changed = {when: tuple(name for name in names if takeover_of(name) is when) for when in Takeover}
    old, new = before.get("sources", {}), now.get("sources", {})
    return SettingsEdit(found, changed, tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name)))


def _with_live_part(running: LoadedConfig, edit: SettingsEdit) -> LoadedConfig:
    """Return the configuration that runs with the live part of an edit, and its text and version."""
    old, new = json.loads(running.text), json.loads(edit.found.text)
    for name in edit.changed[Takeover.LIVE]:
        _put(old["settings"], name.split("."), new["settings"])
    return replace(running, settings=with_live(running.settings, edit.found.settings)).saying(old)


def _put(old: dict[str, Any], path: list[str], new: Any) -> None:
    for part in path[:-1]:
        old, new = old.setdefault(part, {}), new.get(part, {})
    if path[-1] in new:
        old[path[-1]] = new[path[-1]]
    else:
        old.pop(path[-1], None)


def _in_words(edit: SettingsEdit) -> str:
    settings = [name for names in edit.changed.values() for name in names]
    return ", ".join(sorted([*settings, *(f"sources.{name}" for name in edit.sources)]))


def differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield the dotted key of each value that differs."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield at
        return
    for key in sorted({*old, *new}):
        yield from differences(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
