"""All strategies' settings: what `config/strategies.yaml` holds."""

from __future__ import annotations

from bot.config.ideas.zero_dte_gamma import ZeroDteGammaSettings
from bot.config.section import Section
from bot.config.strategies import StrategySettings


class StrategiesSettings(Section):
    """A section a strategy, by its name."""

    zero_dte_gamma: ZeroDteGammaSettings = ZeroDteGammaSettings()

    def sections(self) -> dict[str, StrategySettings]:
        """Return each strategy's section by its name, in the order of this class."""
        return {name: getattr(self, name) for name in type(self).model_fields}
