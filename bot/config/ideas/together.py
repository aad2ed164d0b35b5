"""All strategies' settings: what `config/strategies.yaml` holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Self

from pydantic import Field, model_validator

from bot.config.ideas.directional_14d import Directional14dSettings
from bot.config.ideas.high_iv_14d import HighIv14dSettings
from bot.config.ideas.moc_imbalance import MocImbalanceSettings
from bot.config.ideas.one_dte_overnight import OneDteOvernightSettings
from bot.config.ideas.scored import ScoredSettings, StrategyName, shipped
from bot.config.ideas.swing import SwingSettings
from bot.config.ideas.zero_dte_gamma import ZeroDteGammaSettings
from bot.config.section import Section
from bot.config.strategies import StrategySettings

MOST_SCORED = 40


class StrategiesSettings(Section):
    """A section a strategy, by its name; those that are tables of scores together under `scored`."""

    zero_dte_gamma: ZeroDteGammaSettings = ZeroDteGammaSettings()
    one_dte_overnight: OneDteOvernightSettings = OneDteOvernightSettings()
    moc_imbalance: MocImbalanceSettings = MocImbalanceSettings()
    high_iv_14d: HighIv14dSettings = HighIv14dSettings()
    directional_14d: Directional14dSettings = Directional14dSettings()
    swing: SwingSettings = SwingSettings()
    scored: dict[StrategyName, ScoredSettings] = Field(
        default_factory=shipped, max_length=MOST_SCORED, description="tables of expression, weight and words, by name"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if twice := sorted(set(self.scored) & set(type(self).model_fields)):
            raise ValueError(f"scored: {twice[0]} is the name of another strategy")
        return self

    def sections(self) -> dict[str, StrategySettings]:
        """Return each strategy's section by its name, in the order of this class, the scored ones last."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "scored"}
        return own | dict(self.scored)

    def with_sections(self, changed: Mapping[str, StrategySettings]) -> Self:
        """Return the same with other sections under the names of some."""
        scored = {name: changed[name] for name in changed if name in self.scored}
        own = {name: section for name, section in changed.items() if name not in scored}
        return self.model_copy(update={**own, "scored": {**self.scored, **scored}})

    def on_symbols(self, listed: Collection[str]) -> Self:
        """Return the same for a market that lists these underlyings alone: a strategy whose symbols it has none of is
        not enabled."""
        changed: dict[str, StrategySettings] = {}
        for name, section in self.sections().items():
            symbols = tuple(symbol for symbol in section.symbols if symbol in listed)
            if symbols != section.symbols:
                changed[name] = section.model_copy(
                    update={"symbols": symbols or section.symbols, "enabled": section.enabled and bool(symbols)}
                )
        return self.with_sections(changed)
