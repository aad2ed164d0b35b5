"""`swing`: several days of accumulation, in a market that trends.

The idea: flow that goes one way for days, off the exchanges as well, moves a price that trends already. Not while what
all open stops would lose together is large.
"""

from __future__ import annotations

from datetime import datetime

from bot.config.ideas.swing import SwingSettings
from bot.domain.instruments import Right
from bot.strategies.conditions import Seen, above, at_most, below, by_sign, directed, is_word, sided
from bot.strategies.contracts import ContractChoice, at_the_money, days_out
from bot.strategies.of_names import OfNames

_SIDE = by_sign("flow_trend")


class Swing(OfNames):
    """See the module."""

    def __init__(self, settings: SwingSettings) -> None:
        chain = settings.chain
        where, expiry = f"in {chain.from_days} to {chain.to_days} days", days_out(chain.from_days, chain.to_days)
        choice = ContractChoice(where, expiry, at_the_money, settings.contract)
        super().__init__("swing", settings, choice, settings.min_grade, ("flow_trend", "dark_pool_z", "regime", "heat"))
        least = settings.min_dark_pool_z
        self.market = (
            directed(_SIDE, "flow went one way for days"),
            is_word("regime", "regime", "trending", "the market is"),
            sided(
                "accumulation", _SIDE,
                above("accumulation", "dark_pool_z", least, "dark pool off its mean"),
                below("accumulation", "dark_pool_z", -least, "dark pool off its mean"),
            ),
            at_most("heat", "heat", settings.max_heat, "heat of what is open"),
        )  # fmt: skip

    def right(self, seen: Seen) -> Right | None:
        """Return the side of the flow."""
        return _SIDE(seen)

    def broken(self, right: Right, seen: Seen, now: datetime) -> str:
        """The flow of the days has turned."""
        points = self.right(seen)
        return "the flow of the last days has turned" if points is not None and points is not right else ""
