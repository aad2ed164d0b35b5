"""What an order book leans towards: by volume, by how near its sides stand, by how they grow with the level."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.quotes import Depth, DepthLevel


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


def book_pressure(book: Depth, levels: int = 10) -> float | None:
    """Return (d_a - d_b) / (d_a + d_b), in [-1, 1], with d_b and d_a the size-weighted mean distance of the best
    `levels` of bids and asks from mid, in price.

    Positive: the bids stand nearer to mid than the asks. None where a side shows nothing, the book is crossed or a
    price is no number. A pressure made of size-weighted *prices*, (P_b - P_a) / (P_b + P_a), is about minus half the
    relative width of the book, -0.0005 on most, and can never reach a threshold such as 0.2.
    """
    bids, asks = _shown(book.bids, levels), _shown(book.asks, levels)
    if not bids or not asks or bids[0][0] > asks[0][0]:
        return None
    mid = (bids[0][0] + asks[0][0]) / 2
    below, above = _mean_distance(bids, mid), _mean_distance(asks, mid)
    return (above - below) / (above + below) if above + below > 0 else None


def book_slope(book: Depth, levels: int = 10) -> float | None:
    """Return how much faster the bids grow with the level than the asks: (b_b - b_a) / (|b_b| + |b_a|), in [-1, 1],
    with b the slope of the least-squares line of a side's size on its level, in shares a level.

    None where a side shows fewer than two levels, which make no line, where the book is crossed, or neither side
    changes with the level.
    """
    bids, asks = _shown(book.bids, levels), _shown(book.asks, levels)
    if len(bids) < 2 or len(asks) < 2 or bids[0][0] > asks[0][0]:
        return None
    bid, ask = _slope([size for _, size in bids]), _slope([size for _, size in asks])
    whole = abs(bid) + abs(ask)
    return (bid - ask) / whole if whole > 0 else None


def _shown(side: Sequence[DepthLevel], levels: int) -> list[tuple[float, float]]:
    return [(float(each.price), float(each.size)) for each in side[:levels] if each.size > 0 and each.price.is_finite()]


def _mean_distance(side: Sequence[tuple[float, float]], mid: float) -> float:
    return sum(abs(price - mid) * size for price, size in side) / sum(size for _, size in side)


def _slope(sizes: Sequence[float]) -> float:
    """Return the slope of the least-squares line through (1, size), (2, size), ..."""
    count, middle = len(sizes), (len(sizes) + 1) / 2
    return sum((level - middle) * size for level, size in enumerate(sizes, 1)) / (count * (count * count - 1) / 12)
