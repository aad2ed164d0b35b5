"""Hidden orders: prints that met more than was displayed.

Two rules. The naive one, kept as a baseline: a print of more than 1.5 times what is displayed at its price (where
nothing is displayed there, at the touch that it is nearer to). The better one: a print strictly between the best bid
and the best ask met an order that nobody could see, whatever its size; so did one of more than 1.5 times what is
displayed at its price. Both need the quote as it stood just before the print, and say nothing (None) where it has not
two sides or is crossed. Source of the second: a displayed order inside the touch would be the touch; scored on labelled
executions by `score`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.domain.quotes import Quote, TradePrint

TIMES_DISPLAYED: Final = Decimal("1.5")

HiddenRule = Callable[[TradePrint, Quote], bool | None]


def naive_rule(trade: TradePrint, before: Quote) -> bool | None:
    """Say whether a print is of more than 1.5 times the displayed size at its price, else at the nearer touch."""
    bid, ask = before.bid, before.ask
    if bid is None or ask is None or not bid < ask or trade.size <= 0:
        return None
    displayed = before.bid_size if trade.price * 2 <= bid + ask else before.ask_size
    return trade.size > TIMES_DISPLAYED * displayed


def inside_rule(trade: TradePrint, before: Quote) -> bool | None:
    """Say whether a print stands strictly inside the touch, or is of more than 1.5 times what is displayed there."""
    larger = naive_rule(trade, before)
    if larger is None or before.bid is None or before.ask is None:
        return None
    return larger or before.bid < trade.price < before.ask


@dataclass(frozen=True, slots=True)
class HiddenScore:
    """How often a rule was right, in prints: `found` hidden ones called hidden, `false` displayed ones called so,
    `missed` hidden ones that were not; `silent` of which it said nothing."""

    found: int
    false: int
    missed: int
    silent: int

    @property
    def precision(self) -> float:
        """Share of those called hidden that were; 0 where none was called so."""
        return self.found / (self.found + self.false) if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the hidden ones that were called so; 0 where none was."""
        return self.found / (self.found + self.missed) if self.found else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.found / (2 * self.found + self.false + self.missed) if self.found else 0.0


def score(labelled: Iterable[tuple[TradePrint, Quote, bool]], rule: HiddenRule) -> HiddenScore:
    """Return how a rule does on prints with the quote before each and whether it was hidden. What it says nothing of
    is missed where it was hidden."""
    found = false = missed = silent = 0
    for trade, before, hidden in labelled:
        called = rule(trade, before)
        silent += called is None
        found += bool(called) and hidden
        false += bool(called) and not hidden
        missed += hidden and not called
    return HiddenScore(found, false, missed, silent)
