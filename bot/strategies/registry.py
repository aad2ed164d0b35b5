"""Every strategy by its section in `config/strategies.yaml`. A new one is a module, a section and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.config.ideas.together import StrategiesSettings
from bot.strategies.base import Strategy
from bot.strategies.zero_dte_gamma import ZeroDteGamma

STRATEGIES: Final[Mapping[str, Callable[[Any], Strategy]]] = {
    "zero_dte_gamma": ZeroDteGamma,
}
"""By the name of its section, what makes a strategy of it."""


def build(settings: StrategiesSettings) -> tuple[Strategy, ...]:
    """Return the enabled strategies in the order of their claims: who may have room in the book, lines and premium
    first is said by `priority` of its section, and by name where two say the same."""
    sections = settings.sections()
    enabled = [name for name in STRATEGIES if sections[name].enabled]
    claims = sorted(enabled, key=lambda name: (sections[name].priority, name))
    return tuple(STRATEGIES[name](sections[name]) for name in claims)
