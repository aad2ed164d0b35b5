"""Ideas that go by numbers with names: what they need and measure follows from the names alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.config.strategies import StrategySettings
from bot.domain.market import MarketView
from bot.strategies.conditions import Seen
from bot.strategies.contracts import ContractChoice
from bot.strategies.declared import Input, InputKind
from bot.strategies.idea import Idea
from bot.strategies.named import inputs_of, values_of


class OfNames(Idea):
    """`names` are of `bot/domain/score_names.py`; `ages` other maximum ages than the usual, by name, in seconds."""

    def __init__(
        self,
        name: str,
        settings: StrategySettings,
        choice: ContractChoice,
        min_grade: str,
        names: Collection[str],
        ages: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        super().__init__(name, settings, choice, min_grade)
        self._names = tuple(sorted({"price", *names}))
        price = Input(InputKind.PRICE, settings.price_max_age_s)
        others = inputs_of(self._names, ages)
        self.inputs = (price, *(each for each in others if each.kind is not InputKind.PRICE))

    def measured(self, symbol: str, view: MarketView, now: datetime) -> Seen | tuple[str, str]:
        """Return the values of all its names; one that is absent is named."""
        found: dict[str, Any] = dict(values_of(self._names, symbol, view, now))
        if absent := [name for name in self._names if name not in found]:
            return "inputs", f"nothing is known of {', '.join(absent)}"
        quote = view.quote(symbol)
        found["price"] = quote.reference if quote is not None else None
        return {**found, **self.of_the_settings(symbol)}

    def of_the_settings(self, symbol: str) -> Mapping[str, Any]:
        """Return what stands among the measured by the settings."""
        return {}
