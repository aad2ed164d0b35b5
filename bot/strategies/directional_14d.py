"""`directional_14d`: filings, dark pool and momentum point one way.

The idea: large owners move before the price does. Calls: Congress bought for more than a floor, dark-pool volume is two
standard deviations above its mean, momentum is positive. Puts: three insiders sold, the dark pool distributes, put skew
rises. At the money where the idea is sure, else the first strike out of it.
"""

from __future__ import annotations

from bot.config.ideas.directional_14d import Directional14dSettings
from bot.domain.instruments import Right
from bot.strategies.conditions import Seen, above, below, by_sign, directed, sided
from bot.strategies.contracts import ContractChoice, at_the_money, days_out, first_out_of_the_money
from bot.strategies.of_names import OfNames

_SIDE = by_sign("dark_pool_z")


class Directional14d(OfNames):
    """See the module."""

    def __init__(self, settings: Directional14dSettings) -> None:
        chain = settings.chain
        where, expiry = f"in {chain.from_days} to {chain.to_days} days", days_out(chain.from_days, chain.to_days)
        choice = ContractChoice(where, expiry, first_out_of_the_money, settings.contract)
        names = ("congress_net", "insiders_selling", "dark_pool_z", "flow_momentum", "call_skew_change")
        super().__init__("directional_14d", settings, choice, settings.min_grade, names)
        self._sure = ContractChoice(where, expiry, at_the_money, settings.contract)
        self._at_the_money_above = settings.at_the_money_above
        least = settings.min_insiders
        self.market = (
            directed(_SIDE, "the dark pool accumulates or distributes"),
            above("dark_pool", "dark_pool_z", settings.min_dark_pool_z, "dark pool off its mean", magnitude=True),
            sided(
                "people", _SIDE,
                above("people", "congress_net", settings.min_congress_usd, "Congress bought, dollars,", digits=0),
                above("people", "insiders_selling", least - 1, "insiders who sold", digits=0),
            ),
            sided(
                "momentum", _SIDE,
                above("momentum", "flow_momentum", 0, "momentum"),
                below("momentum", "call_skew_change", 0, "change of call skew", digits=4),
            ),
        )  # fmt: skip

    def right(self, seen: Seen) -> Right | None:
        """Return the side of the dark pool."""
        return _SIDE(seen)

    def choice_for(self, confidence: int | None) -> ContractChoice:
        """Return at the money where the confidence is high, else the first strike out of it."""
        return self._sure if confidence is not None and confidence > self._at_the_money_above else self.choice
