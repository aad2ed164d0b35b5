"""Five-second bars of one instrument as they come, and what is missing between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.broker import words
from bot.broker.ib import Contract
from bot.domain.bars import PriceBar, missing_between
from bot.domain.events import Event
from bot.domain.events.market_data import BarsReceived

BAR_S = 5


@dataclass(slots=True)
class BarLine:
    """Bars, each once. `gaps`: how many were found missing; `on_gap(key)` is called when one is found."""

    key: str
    contract: Contract
    request_id: int
    on_gap: Callable[[str], None] = lambda key: None
    answered: bool = False
    ticked_at: float = float("-inf")
    gaps: int = 0
    last: PriceBar | None = None
    bars: list[PriceBar] = field(default_factory=list)

    def bar(self, epoch: int, prices: tuple[float, float, float, float], volume: float, count: int) -> None:
        """Take one bar; one that is none, or is no later than the one before, is left out."""
        self.answered = True
        opened, high, low, close = map(words.price, prices)
        if opened is None or high is None or low is None or close is None:
            return
        at = datetime.fromtimestamp(epoch, UTC)
        bar = PriceBar(at, BAR_S, opened, high, low, close, words.size(volume), max(count, 0))
        if self.last is not None:
            if bar.at <= self.last.at:
                return
            if missed := missing_between(self.last, bar):
                self.gaps += missed
                self.on_gap(self.key)
        self.last = bar
        self.bars.append(bar)

    @property
    def is_sound(self) -> bool:
        return self.answered

    def events(self, at: datetime) -> list[Event]:
        del at  # a bar has the venue's own time
        told, self.bars = tuple(self.bars), []
        return [BarsReceived(self.key, told)] if told else []
