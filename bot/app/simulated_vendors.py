"""Data sources in a simulated day: those that the simulator has a face of are asked there, those on loopback where they
are, and the others not at all, for nothing outside is contacted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from bot.domain.addresses import is_loopback
from bot.feeds.sources import DataSources, SourceSettings
from bot.sim.vendors import FACES, place_of

FEED_OF_STRATEGIES: Final = "unusual_whales"
SERVED: Final[Mapping[str, str]] = {"unusual_whales": "", **{name: place_of(name) for name in FACES}}
"""The sources that the simulator has a face of, each with the path at which it answers."""


def at_the_simulator(sources: DataSources, port: int) -> DataSources:
    """Return the sources of a simulated day whose vendor's face listens on a port of this machine."""
    return DataSources({name: _there(name, each, port) for name, each in sources.root.items()})


def decided_on(sources: DataSources) -> DataSources:
    """Return the sources whose data strategies decide on: a replay asks nobody else, for nothing would come of it."""
    off = {"enabled": False}
    others = {name: each.model_copy(update=off) for name, each in sources.root.items() if name != FEED_OF_STRATEGIES}
    return DataSources({**sources.root, **others})


def _there(name: str, settings: SourceSettings, port: int) -> SourceSettings:
    if name in SERVED:
        return settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}{SERVED[name]}"})
    if not settings.base_url:
        return settings
    if is_loopback(urlsplit(settings.base_url).hostname or ""):
        return settings
    return settings.model_copy(update={"enabled": False})
