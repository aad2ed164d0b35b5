"""Settings read anew while the bot runs: checked whole, refused with the reason, or taken over by the next beginning.

Nothing is changed under a running engine. What is fit waits here; the run ends in good order and begins again with it,
which takes seconds in which the stops stand at the broker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bot.config.loader import LoadedConfig
from bot.config.schema import Mode
from bot.domain.errors import ConfigError
from bot.domain.requests import Refused

_FIXED: Final = ("mode", "bot_id", "database", "ibkr.account", "ibkr.client_id", "sim")
"""What only a start of the program takes over: other money, another store, another simulation."""
_OF_THE_VENUE: Final = ("ibkr", "sim", "telegram", "discord", "anthropic", "smtp")
"""Sections that name what the simulator itself serves: in sim they stay as the run has them."""


class ReadAnew:
    """Reads the settings for whoever asks, and keeps what is to come into force."""

    def __init__(self, config: LoadedConfig) -> None:
        self._running, self._next = config, config

    def __call__(self, actor: str) -> str:
        """Return in words what would change; raises Refused, and then what is in force stays."""
        try:
            found = self._running.read_again()
            found.require_secrets()
        except ConfigError as error:
            raise Refused(f"CONFIG_REFUSED: {error}") from error
        differing = _differences(json.loads(self._running.text), json.loads(found.text))
        changed = sorted(name.removeprefix("settings.") for name in differing)
        if fixed := [name for name in changed if name.startswith(_FIXED)]:
            raise Refused(
                f"CONFIG_NEEDS_RESTART: {', '.join(fixed)} changed, which only a start of the program takes over"
            )
        if not changed and (found.settings.mode is Mode.SIM or found.secrets == self._running.secrets):
            raise Refused("CONFIG_UNCHANGED: files and environment say what is in force; nothing begins again")
        self._next = found
        words = ", ".join(changed) or "a secret"
        return f"settings {found.version} were read: {words} changed"

    def take_over(self) -> LoadedConfig:
        """Return what the next beginning runs with."""
        running, found = self._running, self._next
        if found is not running and found.settings.mode is Mode.SIM:
            kept = {name: getattr(running.settings, name) for name in _OF_THE_VENUE if hasattr(running.settings, name)}
            found = replace(found, settings=found.settings.model_copy(update=kept), secrets=running.secrets)
        self._running = self._next = found
        return found


def _differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield the dotted key of each value that differs."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield at
        return
    for key in sorted({*old, *new}):
        yield from _differences(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
