"""What every strategy gives: an answer to "is there a trade here, now?", with the reason and the numbers either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

from bot.config.strategies import ExitSettings
from bot.domain.calendar import TradingSession
from bot.domain.chains import ChainNeed
from bot.domain.instruments import OptionContract
from bot.domain.market import MarketView
from bot.domain.position import Position
from bot.domain.quotes import Quote


@dataclass(frozen=True, slots=True)
class Proposal:
    """One option worth buying, and the numbers that say so. Price and quantity are for sizing and risk to find."""

    strategy: str
    contract: OptionContract
    quote: Quote
    rationale: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What a strategy saw at one symbol. Without a proposal `reason` says in words and numbers what is missing.

    `evidence` has what was measured so far; its `condition` is a stable word for the condition that failed ("window",
    "inputs", "pin", "lean", "strike", "quote", "grade") or "met", by which a log can tell a new reason from new
    numbers.
    """

    symbol: str
    proposal: Proposal | None
    reason: str
    evidence: Mapping[str, Any]


UNFIT: Final = "inputs are not fit: "
"""How the reason of a look begins that decided nothing, for its inputs were missing, too old or wrong."""
OUTSIDE: Final = "is outside the window"
"""What the reason of a look says that decided nothing, for it is not the strategy's time."""


@dataclass(frozen=True, slots=True)
class ConditionSeen:
    """One condition of a strategy, as a look found it: `words` name it with its limit, `value` is what was measured and
    `miss` by how much that falls short, in words. `holds` is None where it was not judged, as one before it failed."""

    words: str
    holds: bool | None
    value: str = ""
    miss: str = ""


@dataclass(frozen=True, slots=True)
class Thesis:
    """Whether the idea that opened a position still holds; where it does not, why in words, and the numbers."""

    holds: bool
    reason: str = ""
    evidence: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return self.holds


STANDS: Final = Thesis(holds=True)
"""The answer of an idea that nothing speaks against, and of one that cannot be judged now: what is not known breaks
nothing."""


@runtime_checkable
class Explained(Protocol):
    """A strategy that can say which of its conditions hold, for people to read; nothing is traded by it."""

    def conditions(
        self, seen: Mapping[str, Any], session: TradingSession | None, now: datetime
    ) -> tuple[ConditionSeen, ...]:
        """Return every condition in the order in which they are judged; `seen` is the evidence of a look, as it was or
        as it is read from the store."""
        ...


class Strategy(Protocol):
    """An idea as a pure function of the market. Stateless: cool-downs are the engine's, limits those of risk."""

    name: str
    symbols: tuple[str, ...]
    exit: ExitSettings
    cool_down_s: float  # per symbol, from the last signal
    due_every_s: float  # a look at each symbol this often is enough

    @property
    def chain(self) -> ChainNeed | None:
        """What it wants to see of its symbols' options around the money; None: nothing but `interests`."""
        ...

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        """Return the lines wanted now, most important first: instrument key to kinds ("quote", "book", "trades",
        "bars")."""
        ...

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        """Judge one symbol."""
        ...

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        """Return the faults of the inputs that it decides on (`stale:gex_by_strike:SPY 194s>180s`), empty when all are
        fit.

        With a contract its own quote is an input too: that is how a signal is validated again later.
        """
        ...

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        """Say whether the idea behind a position of this strategy still holds. Inputs that are not fit break nothing:
        then it `STANDS`."""
        ...
