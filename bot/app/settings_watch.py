"""Edited settings take effect while the bot runs: data sources and what may change live at once, the rest when a person
asks for it.

An edit is read whole and checked before anything of it is used. A bad one is refused with file, line, key and reason,
told once, and the old settings run on. What a running engine cannot take over is named, with what brings it. The same
reading serves `reload_config` (`bot/app/reloading.py`).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bot.app.reloading import ReadAnew, SettingsEdit
from bot.config.loader import LoadedConfig, validate_section
from bot.config.section import Takeover
from bot.config.takeover import IN_WORDS
from bot.domain.errors import ConfigError
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from bot.engine.state.ports import Clock
from bot.feeds.sources import DataSources

log: Final = logging.getLogger(__name__)

DEBOUNCE_WALL_MS: Final = 200
"""An editor writes a file in several steps: they are one edit."""

Take = Callable[[DataSources, LoadedConfig], Awaitable[None]]


class SettingsWatch:
    """`take` brings data sources into force; `edits` yields each time that a file below `config/` was written. `anew`
    knows what is in force, and is what `reload_config` asks as well."""

    def __init__(
        self,
        config: LoadedConfig,
        take: Take,
        clock: Clock,
        tell: Callable[[Event], None],
        edits: Callable[[Path], AsyncIterator[object]] | None = None,
        anew: ReadAnew | None = None,
    ) -> None:
        self._anew, self._take, self._clock, self._tell = anew or ReadAnew(config), take, clock, tell
        self._edits = edits or _edits
        self._refused = ""

    async def run(self) -> None:
        """Look at each edit, until cancelled."""
        root = self._anew.running.root
        async for changes in self._edits(root / "config"):
            await self.look(written_files(changes, root))

    async def look(self, files: Sequence[str] = ()) -> None:
        """Read everything, and bring into force what may change while the bot runs; `files` were written."""
        anew = self._anew
        try:
            edit = anew.edit()
            sources = validate_section(edit.found.sources_tree, "sources", DataSources)
        except ConfigError as error:
            self._refuse(str(error))
            return
        if edit.sources:
            await self._take(sources, edit.found)
            anew.took_sources(edit.found)
        live = edit.changed[Takeover.LIVE] if anew.take_live is not None else ()
        if live:
            anew.go_live(edit)
        self._tell_what_is_in_force(edit.sources, live, files)
        self._tell_what_waits(edit, live)
        self._refused = ""

    def _tell_what_is_in_force(self, sources: Sequence[str], live: Sequence[str], files: Sequence[str]) -> None:
        named = (("data sources", sources), ("settings", live))
        what = [f"{title}: {', '.join(names)}" for title, names in named if names]
        if what or self._refused:
            words = f"changed: {'; '.join(what)}" if what else "the settings are sound again"
            by = f"; {', '.join(files)}" if files else ""
            changed = [*sources, *live]
            self._alert("SETTINGS_TAKEN", f"{words}{by}; the bot runs on with them", changed=changed, files=[*files])

    def _tell_what_waits(self, edit: SettingsEdit, live: Sequence[str]) -> None:
        waiting = {when: [name for name in names if name not in live] for when, names in edit.changed.items()}
        said = [
            f"{', '.join(names)}: {IN_WORDS[Takeover.ANEW if when is Takeover.LIVE else when]}"
            for when, names in waiting.items()
            if names
        ]
        if said:
            changed = [name for names in waiting.values() for name in names]
            self._alert("SETTINGS_WAIT", f"edited, and not in force: {'; '.join(said)}", changed=changed)

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            self._alert("SETTINGS_REFUSED", f"an edit of the settings is refused, the old ones run on: {reason}")
        self._refused = reason

    def _alert(self, code: str, words: str, **facts: Any) -> None:
        (log.warning if code == "SETTINGS_REFUSED" else log.info)(words)
        self._tell(AlertRaised(code, words, facts, self._clock.now()))


def written_files(changes: object, root: Path) -> list[str]:
    """Return the settings files of an edit, each with whose it is now: who saves a file by an editor that writes it
    anew becomes its owner."""
    paths = [Path(change[1]) for change in changes if len(change) > 1] if isinstance(changes, set | frozenset) else []
    return [_with_owner(path, root) for path in sorted(paths) if path.suffix in {".yaml", ".yml"}]


def _with_owner(path: Path, root: Path) -> str:
    name = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
    try:
        return f"{name} of {path.owner()}"
    except (OSError, KeyError):  # it is gone again, or its owner has no name here
        return name


async def _edits(directory: Path) -> AsyncIterator[object]:
    from watchfiles import awatch

    async for changes in awatch(directory, debounce=DEBOUNCE_WALL_MS, step=50, recursive=True):
        if any(path.endswith((".yaml", ".yml")) for _, path in changes):
            yield changes
