"""Data sources in a simulated day: those that the simulator has a face of are asked there, those on loopback where they
are, and the others not at all, for nothing outside is contacted."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from bot.domain.addresses import is_loopback
from bot.feeds.sources import DataSources, SourceSettings

SERVED: Final = frozenset({"unusual_whales"})
"""The sources that the simulated vendor speaks for."""


def at_the_simulator(sources: DataSources, port: int) -> DataSources:
    """Return the sources of a simulated day whose vendor's face listens on a port of this machine."""
    return DataSources({name: _there(name, each, port) for name, each in sources.root.items()})


def _there(name: str, settings: SourceSettings, port: int) -> SourceSettings:
    if name in SERVED:
        return settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    if is_loopback(urlsplit(settings.base_url).hostname or ""):
        return settings
    return settings.model_copy(update={"enabled": False})
