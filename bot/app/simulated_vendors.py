"""Data sources in a simulated day: those that the simulator has a face of are asked there, those on loopback where they
are, and the others not at all, for nothing outside is contacted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bot.domain.addresses import is_loopback
from bot.domain.data.sets import DECIDED_ON
from bot.feeds.sources import DataSources, SourceSettings
from bot.sim.vendors import FACES, place_of

FEED_OF_STRATEGIES: Final = "unusual_whales"
SERVED: Final[Mapping[str, str]] = {"unusual_whales": "", **{name: place_of(name) for name in FACES}}
"""The sources that the simulator has a face of, each with the path at which it answers."""


def at_the_simulator(sources: DataSources, port: int, listed: Collection[str]) -> DataSources:
    """Return the sources of a simulated day whose vendor's face listens on a port of this machine; the feed of
    strategies is asked for those symbols that the day has."""
    return DataSources({name: _there(name, each, port, listed) for name, each in sources.root.items()})


def decided_on(sources: DataSources) -> DataSources:
    """Return the data sets that something decides on: a replay asks for no others, for nothing would come of them."""
    off = {"enabled": False}
    others = {name: each.model_copy(update=off) for name, each in sources.root.items() if name != FEED_OF_STRATEGIES}
    return DataSources({**sources.root, **others}).only(DECIDED_ON)


def _there(name: str, settings: SourceSettings, port: int, listed: Collection[str]) -> SourceSettings:
    if name in SERVED:
        listing = _listed(settings, listed) if name == FEED_OF_STRATEGIES else {}
        return settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}{SERVED[name]}", **listing})
    if not settings.base_url:
        return settings
    if is_loopback(urlsplit(settings.base_url).hostname or ""):
        return settings
    return settings.model_copy(update={"enabled": False})


def _listed(settings: SourceSettings, listed: Collection[str]) -> dict[str, Any]:
    endpoints = tuple(
        each if each.symbols is None else each.model_copy(update={"symbols": _of(each.symbols, listed)})
        for each in settings.endpoints
    )
    return {"symbols": _of(settings.symbols, listed), "endpoints": endpoints}


def _of(symbols: tuple[str, ...], listed: Collection[str]) -> tuple[str, ...]:
    return tuple(each for each in symbols if each in listed)
