"""How toxic order flow is: VPIN, the volume-synchronized probability of informed trading.

Trades are put into buckets of one and the same volume; what was bought and what was sold within each is told apart by
the quote and then the tick rule, or in bulk by the change of price. VPIN is the mean of |bought - sold| / volume over
the last buckets; who trades on knowledge is on one side. An event costs the same however many came before: a bucket
that is full is one number. A fraction, 0 to 1.

Source: Easley, Lopez de Prado and O'Hara, "Flow toxicity and liquidity in a high-frequency world", Review of Financial
Studies 25 (2012); the quote rule with the tick rule between: Lee and Ready, Journal of Finance 46 (1991).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.domain.quotes import TradePrint

BUCKET: Final = 100
BUCKETS: Final = 50
LEAST_TRADES: Final = 10
TOXICITY_WEIGHT: Final = 0.3


class Classified(StrEnum):
    """How buys and sales are told apart."""

    QUOTE = "quote"  # each trade by the middle of the quote, in the middle or without a quote by the tick before
    BULK = "bulk"  # of a bucket's volume the share N(change of price / its deviation) is bought


class FlowToxicity:
    """VPIN of one instrument, trade by trade. `bucket`: shares; `buckets`: so many of the last are averaged.

    A trade larger than what a bucket has room for goes on into the next ones. A trade without a size or with a price
    that is no number is passed over. The deviation of the bulk rule is that of the bucket-to-bucket changes so far.
    """

    def __init__(self, bucket: int = BUCKET, buckets: int = BUCKETS, classified: Classified = Classified.QUOTE) -> None:
        if bucket <= 0 or buckets <= 0:
            raise ValueError(f"a bucket of {bucket} shares and a mean over {buckets} are none")
        self._bucket, self._classified = bucket, classified
        self._shares: deque[float] = deque(maxlen=buckets)  # |bought - sold| / volume of the full ones
        self._sum = 0.0
        self._filled, self._bought = 0, 0.0
        self._side = 0  # of the trade before: 1 bought, -1 sold, 0 not known
        self._last: Decimal | None = None
        self._closed_at: float | None = None  # the price with which the bucket before ended
        self._changes, self._squares = 0, 0.0
        self.trades = 0

    def take(self, trades: Iterable[TradePrint]) -> None:
        """Take trades in, oldest first."""
        for trade in trades:
            if trade.size > 0 and trade.price.is_finite():
                self._take(trade)

    def _take(self, trade: TradePrint) -> None:
        self.trades += 1
        self._side = self._side_of(trade)
        self._last = trade.price
        left, bought = trade.size, {1: 1.0, -1: 0.0, 0: 0.5}[self._side]
        whole, share = self._bucket, abs(2 * bought - 1)
        while left > 0:
            part = min(left, whole - self._filled)
            self._filled += part
            self._bought += part * bought
            left -= part
            if self._filled == whole:
                self._close(float(trade.price))
            if left >= whole * (self._shares.maxlen or 1) and self._classified is Classified.QUOTE and not self._filled:
                self._fill_all(share)
                left %= whole

    def _fill_all(self, share: float) -> None:
        """A trade that fills every bucket of the mean leaves nothing of what was before."""
        count = self._shares.maxlen or 1
        self._shares.clear()
        self._shares.extend([share] * count)
        self._sum = share * count

    def _close(self, price: float) -> None:
        bought = self._bought / self._bucket
        if self._classified is Classified.BULK:
            bought = self._in_bulk(price)
        share = abs(2 * bought - 1)
        if len(self._shares) == self._shares.maxlen:
            self._sum -= self._shares[0]
        self._shares.append(share)
        self._sum += share
        self._filled, self._bought = 0, 0.0

    def _in_bulk(self, price: float) -> float:
        """Return the share of a bucket that was bought: the normal distribution of its standardized change of price."""
        before, self._closed_at = self._closed_at, price
        if before is None:
            return 0.5
        change = price - before
        self._changes += 1
        self._squares += change * change
        deviation = math.sqrt(self._squares / self._changes)
        return 0.5 if deviation == 0 else 0.5 * (1 + math.erf(change / deviation / math.sqrt(2)))

    def _side_of(self, trade: TradePrint) -> int:
        if trade.bid is not None and trade.ask is not None and 0 < trade.bid <= trade.ask:
            twice, middle = trade.price * 2, trade.bid + trade.ask
            if twice != middle:
                return 1 if twice > middle else -1
        if self._last is None or trade.price == self._last:
            return self._side
        return 1 if trade.price > self._last else -1

    def value(self, toxicity: float = 0.0) -> float | None:
        """Return VPIN x (1 + 0.3 x toxicity), at most 1; None below ten trades or one full bucket. `toxicity`: of who
        makes the market, 0 to 1."""
        if self.trades < LEAST_TRADES or not self._shares:
            return None
        mean = max(self._sum, 0.0) / len(self._shares)
        return min(mean * (1 + TOXICITY_WEIGHT * toxicity), 1.0)
