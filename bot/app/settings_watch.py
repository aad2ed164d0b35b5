"""Edited settings take effect while the bot runs: data sources at once, the rest when a person asks for it.

An edit is read whole and checked before anything of it is used. A bad one is refused with file, line, key and reason,
told once, and the old settings run on. What a running engine cannot take over is named, with the command that
brings it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bot.config.loader import LoadedConfig, validate_section
from bot.domain.errors import ConfigError
from bot.domain.events import AlertRaised, Event
from bot.engine.state.ports import Clock
from bot.feeds.sources import DataSources

log: Final = logging.getLogger(__name__)

DEBOUNCE_WALL_MS: Final = 200
"""An editor writes a file in several steps: they are one edit."""

Take = Callable[[DataSources, LoadedConfig], Awaitable[None]]


class SettingsWatch:
    """`take` brings data sources into force; `edits` yields each time that a file below `config/` was written."""

    def __init__(
        self,
        config: LoadedConfig,
        take: Take,
        clock: Clock,
        tell: Callable[[Event], None],
        edits: Callable[[Path], AsyncIterator[object]] | None = None,
    ) -> None:
        self._running, self._take, self._clock, self._tell = config, take, clock, tell
        self._edits = edits or _edits
        self._refused = ""

    async def run(self) -> None:
        """Look at each edit, until cancelled."""
        async for _ in self._edits(self._running.root / "config"):
            await self.look()

    async def look(self) -> None:
        """Read everything, and bring into force what may change while the bot runs."""
        try:
            found = self._running.read_again()
            sources = validate_section(found.sources_tree, "sources", DataSources)
            found.require_secrets()
        except ConfigError as error:
            self._refuse(str(error))
            return
        before, now = json.loads(self._running.text), json.loads(found.text)
        changed = _sources_that_differ(before["sources"], now["sources"])
        if changed:
            await self._take(sources, found)
        waiting = _keys_that_differ(before["settings"], now["settings"])
        if changed or self._refused:
            words = f"data sources changed: {', '.join(changed)}" if changed else "the settings are sound again"
            self._alert("SETTINGS_TAKEN", f"{words}; the bot runs on with them", changed=changed)
        if waiting:
            names = ", ".join(waiting)
            words = f"edited, and not in force: {names}. `python run.py reload_config` takes them over"
            self._alert("SETTINGS_WAIT", words, changed=waiting)
        self._refused, self._running = "", _with_sources(self._running, found)

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            self._alert("SETTINGS_REFUSED", f"an edit of the settings is refused, the old ones run on: {reason}")
        self._refused = reason

    def _alert(self, code: str, words: str, **facts: Any) -> None:
        (log.warning if code == "SETTINGS_REFUSED" else log.info)(words)
        self._tell(AlertRaised(code, words, facts, self._clock.now()))


async def _edits(directory: Path) -> AsyncIterator[object]:
    from watchfiles import awatch

    async for changes in awatch(directory, debounce=DEBOUNCE_WALL_MS, step=50, recursive=True):
        if any(path.endswith((".yaml", ".yml")) for _, path in changes):
            yield changes


def _with_sources(running: LoadedConfig, found: LoadedConfig) -> LoadedConfig:
    """Return the settings that run with the data sources of those that were found."""
    whole = {**json.loads(running.text), "sources": json.loads(found.text)["sources"]}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return replace(running, sources_tree=found.sources_tree, secrets=found.secrets, text=text)


def _sources_that_differ(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _keys_that_differ(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = []
    for section in sorted({*before, *now}):
        old, new = before.get(section), now.get(section)
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{section}.{key}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        elif old != new:
            found.append(section)
    return found
