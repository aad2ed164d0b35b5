"""Every strategy by its section in `config/strategies.yaml`. A new one is a module, a section and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.config.strategies import StrategiesSettings
from bot.strategies.base import Strategy
from bot.strategies.zero_dte_gamma import ZeroDteGamma

STRATEGIES: Final[Mapping[str, Callable[[Any], Strategy]]] = {
    "zero_dte_gamma": ZeroDteGamma,
}
"""By the name of its section, what makes a strategy of it; in the order in which they may claim room in the book."""


def build(settings: StrategiesSettings) -> tuple[Strategy, ...]:
    """Return the enabled strategies."""
    sections = settings.sections()
    return tuple(make(sections[name]) for name, make in STRATEGIES.items() if sections[name].enabled)
