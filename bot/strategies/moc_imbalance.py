"""`moc_imbalance`: the closing auction will be short of one side.

The idea: who has to trade at the close shows in the afternoon. When flow since 14:00 is clearly one-sided, dark against
lit volume is high and the predictor is sure, buy today's option near the money in its direction, and be out when the
direction flips or before the close.
"""

from __future__ import annotations

from datetime import datetime

from bot.config.ideas.moc_imbalance import MocImbalanceSettings
from bot.domain.instruments import Right
from bot.strategies.conditions import Seen, above, by_sign, directed
from bot.strategies.contracts import ContractChoice, at_the_money, today
from bot.strategies.of_names import OfNames

_SIDE = by_sign("moc_direction")


class MocImbalance(OfNames):
    """See the module."""

    def __init__(self, settings: MocImbalanceSettings) -> None:
        choice = ContractChoice("for today", today, at_the_money, settings.contract)
        names = ("moc_direction", "moc_confidence", "moc_asymmetry", "moc_dark_share")
        super().__init__("moc_imbalance", settings, choice, settings.min_grade, names)
        self.market = (
            directed(_SIDE),
            above("asymmetry", "moc_asymmetry", settings.min_asymmetry, "flow of one side"),
            above("dark", "moc_dark_share", settings.min_dark_share, "dark against lit volume"),
            above("predictor", "moc_confidence", settings.min_confidence, "predictor's confidence", digits=0),
        )

    def right(self, seen: Seen) -> Right | None:
        """Return the side that is expected to be short."""
        return _SIDE(seen)

    def broken(self, right: Right, seen: Seen, now: datetime) -> str:
        """The direction flips."""
        points = self.right(seen)
        return "the expected closing imbalance flipped" if points is not None and points is not right else ""
