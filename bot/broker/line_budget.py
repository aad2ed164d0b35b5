"""How many market data lines there may be, and which of those that are wanted get one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bot.broker.lines import BARS, BOOK, QUOTE, TRADES
from bot.broker.settings import BrokerSettings
from bot.domain.lines import Rank

Wanted = tuple[str, str]
"""Key and kind of a line."""


class LineBudget:
    """The allowance of each kind, and what is not asked for again while the same thing is wanted: lines that were given
    up, and keys that the broker does not know."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self.allowed = self._full()
        self.given_up: dict[Wanted, str] = {}  # with the reason
        self.unknown: dict[str, str] = {}

    def _full(self) -> dict[str, int]:
        settings = self._settings
        return {
            QUOTE: settings.line_budget,
            BOOK: settings.depth_budget,
            TRADES: settings.tape_budget,
            BARS: settings.bars_budget,
        }

    def grow(self, kind: str) -> bool:
        """Allow one line more of a kind, up to what the settings say; False where it is so many already."""
        if self.allowed[kind] >= self._full()[kind]:
            return False
        self.allowed[kind] += 1
        return True

    def renew(self) -> None:
        """The venue may allow all of it again, and what was given up."""
        self.allowed = self._full()
        self.given_up.clear()

    def forget(self) -> None:
        """The connection is gone, and with it what was learned there."""
        self.renew()
        self.unknown.clear()

    def keep(self, wanted: Sequence[Wanted]) -> None:
        """Forget of what nobody wants any more that it is not to be had."""
        keys = {key for key, _ in wanted}
        self.given_up = {each: why for each, why in self.given_up.items() if each in set(wanted)}
        self.unknown = {key: why for key, why in self.unknown.items() if key in keys}

    def refused(self, wanted: Wanted) -> str:
        """Return why a line is not asked for, empty where it is."""
        return self.given_up.get(wanted) or self.unknown.get(wanted[0], "")

    def plan(self, wanted: Iterable[Wanted], rank: Callable[[Wanted], Rank]) -> tuple[dict[Wanted, None], list[Wanted]]:
        """Return what fits, positions before candidates before context and each in the order in which it is wanted, and
        what is beyond the budget. So a position's line goes only where there is none of anything else left."""
        left = dict(self.allowed)
        planned: dict[Wanted, None] = {}
        over: list[Wanted] = []
        for each in sorted(wanted, key=rank):
            key, kind = each
            if each in self.given_up or key in self.unknown:
                continue
            if left[kind] > 0:
                left[kind] -= 1
                planned[each] = None
            else:
                over.append(each)
        return planned, over
