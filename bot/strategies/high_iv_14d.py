"""`high_iv_14d`: people who may know deal, the skew follows, and a date comes before the expiry.

The idea: premium that rises into a date is worth paying where those who may know are on its side. Calls: Congress
buys, call skew rises, price above gamma's support. Puts: insiders sell, put skew rises, price below resistance. In
either case earnings or an FDA date comes before the expiry, and implied volatility is not yet in the top of its year.
"""

from __future__ import annotations

from bot.config.ideas.high_iv_14d import HighIv14dSettings
from bot.domain.instruments import Right
from bot.strategies.conditions import Seen, above, at_most, by_sign, compared_with, directed, sided
from bot.strategies.contracts import ContractChoice, at_the_money, days_out
from bot.strategies.of_names import OfNames

_SIDE = by_sign("call_skew_change")


class HighIv14d(OfNames):
    """See the module."""

    def __init__(self, settings: HighIv14dSettings) -> None:
        chain = settings.chain
        where = f"in {chain.from_days} to {chain.to_days} days"
        choice = ContractChoice(where, days_out(chain.from_days, chain.to_days), at_the_money, settings.contract)
        names = (
            "call_skew_change", "congress_net", "insiders_selling", "put_wall", "call_wall", "iv_rank", "catalyst_days",
        )  # fmt: skip
        super().__init__("high_iv_14d", settings, choice, settings.min_grade, names)
        self.market = (
            directed(_SIDE, "call or put skew is rising"),
            sided(
                "people", _SIDE,
                above("people", "congress_net", 0, "Congress bought, dollars,", digits=0),
                above("people", "insiders_selling", 0, "insiders who sold", digits=0),
            ),
            sided(
                "walls", _SIDE,
                compared_with("walls", "price", "put_wall", "price above gamma's support", above=True),
                compared_with("walls", "price", "call_wall", "price below gamma's resistance", above=False),
            ),
            at_most("catalyst", "catalyst_days", settings.catalyst_days, "days to its next date", digits=0),
            at_most("iv_rank", "iv_rank", settings.max_iv_rank, "IV rank", digits=0),
        )  # fmt: skip

    def right(self, seen: Seen) -> Right | None:
        """Return the side whose skew rises."""
        return _SIDE(seen)
