"""Every strategy by its section in `config/strategies.yaml`. A new one is a module, a section and a line here; a scored
one is an entry of `scored` there and nothing here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.config.ideas.scored import ScoredSettings
from bot.config.ideas.together import StrategiesSettings
from bot.strategies.base import Strategy
from bot.strategies.directional_14d import Directional14d
from bot.strategies.high_iv_14d import HighIv14d
from bot.strategies.moc_imbalance import MocImbalance
from bot.strategies.one_dte_overnight import OneDteOvernight
from bot.strategies.scored import Scored
from bot.strategies.swing import Swing
from bot.strategies.zero_dte_gamma import ZeroDteGamma

STRATEGIES: Final[Mapping[str, Callable[[Any], Strategy]]] = {
    "zero_dte_gamma": ZeroDteGamma,
    "one_dte_overnight": OneDteOvernight,
    "moc_imbalance": MocImbalance,
    "high_iv_14d": HighIv14d,
    "directional_14d": Directional14d,
    "swing": Swing,
}
"""By the name of its section, what makes a strategy of it; those under `scored` are tables."""


def made(name: str, settings: StrategiesSettings) -> Strategy | None:
    """Return the strategy of a section, None where none is of that name."""
    section = settings.sections().get(name)
    if isinstance(section, ScoredSettings):
        return Scored(name, section)
    make = STRATEGIES.get(name)
    return None if make is None or section is None else make(section)


def build(settings: StrategiesSettings) -> tuple[Strategy, ...]:
    """Return the enabled strategies in the order of their claims: who may have room in the book, lines and premium
    first is said by `priority` of its section, and by name where two say the same."""
    sections = settings.sections()
    enabled = sorted((section.priority, name) for name, section in sections.items() if section.enabled)
    found = (made(name, settings) for _, name in enabled)
    return tuple(each for each in found if each is not None)
