"""Every strategy by its section in `config/strategies.yaml`. A new one is a module, a section and a line here."""

from __future__ import annotations

from bot.config.schema import StrategiesSettings
from bot.strategies.base import Strategy
from bot.strategies.zero_dte_gamma import ZeroDteGamma


def build(settings: StrategiesSettings) -> tuple[Strategy, ...]:
    """Return the enabled strategies, in the order in which they may claim room in the book."""
    known: tuple[tuple[bool, Strategy], ...] = (
        (settings.zero_dte_gamma.enabled, ZeroDteGamma(settings.zero_dte_gamma)),
    )
    return tuple(strategy for enabled, strategy in known if enabled)
