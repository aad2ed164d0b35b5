"""`one_dte_overnight`: calls or puts have become unusually dear against each other, and flow buys the same side.

The idea: who pays up for one side at the end of a day expects the night to bring it. When 25-delta call over put
volatility is more than a standard deviation off its 20-day mean, the delta that customers bought through the session
has the same sign, and Congress's filings do not speak against it, buy the next session's option near the money.
"""

from __future__ import annotations

from bot.config.ideas.one_dte_overnight import OneDteOvernightSettings
from bot.domain.instruments import Right
from bot.strategies.conditions import Checked, Condition, Scene, Seen, above, by_sign, directed
from bot.strategies.contracts import ContractChoice, at_the_money, next_session
from bot.strategies.of_names import OfNames

_SIDE = by_sign("call_skew_z")


class OneDteOvernight(OfNames):
    """See the module."""

    def __init__(self, settings: OneDteOvernightSettings) -> None:
        choice = ContractChoice("for the next session", next_session, at_the_money, settings.contract)
        names = ("call_skew_z", "greek_flow_delta", "congress_net")
        super().__init__("one_dte_overnight", settings, choice, settings.min_grade, names)
        self.market = (
            directed(_SIDE),
            above("skew", "call_skew_z", settings.min_skew_z, "skew off its mean", magnitude=True),
            _agrees("flow", "greek_flow_delta", "delta that customers bought", silent=False),
            _agrees("congress", "congress_net", "Congress", silent=True),
        )

    def right(self, seen: Seen) -> Right | None:
        """Return the side that is dearer than usual."""
        return _SIDE(seen)


def _agrees(word: str, name: str, what: str, *, silent: bool) -> Condition:
    """A number has the sign of the skew; 0 is allowed where it may be silent."""

    def check(scene: Scene) -> Checked:
        found, skew = scene.number(name), scene.number("call_skew_z")
        if found is None or skew is None:
            return Checked(None)
        if found == 0 and silent:
            return Checked(True, "silent")
        shown = f"{float(found):+,.0f}"
        if found * skew > 0:
            return Checked(True, shown, said=f"{what} {shown} agrees")
        side = "a call" if skew > 0 else "a put"
        return Checked(False, shown, f"speaks against {side}", f"{what} {shown} does not agree with {side}")

    return Condition(word, check, f"{what} agrees{' or is silent' if silent else ''}")
