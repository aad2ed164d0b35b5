"""What an order book leans towards."""

from __future__ import annotations

from bot.domain.quotes import Depth


def book_imbalance(book: Depth, levels: int = 10) -> float | None:
    """Return (bids - asks) / (bids + asks) of the displayed sizes on the best `levels` of each side, in [-1, 1].

    Positive: more is bid for than offered. None when a side shows nothing, for then the book is not known rather than
    extreme.
    Source: the depth imbalance of Cartea, Jaimungal and Penalva, "Algorithmic and High-Frequency Trading", ch. 12.
    """
    bids = sum(level.size for level in book.bids[:levels] if level.size > 0)
    asks = sum(level.size for level in book.asks[:levels] if level.size > 0)
    if bids == 0 or asks == 0:
        return None
    return (bids - asks) / (bids + asks)
